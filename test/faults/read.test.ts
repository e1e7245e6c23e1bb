import { testRoutes } from './matrix';

testRoutes('read', 'file');
