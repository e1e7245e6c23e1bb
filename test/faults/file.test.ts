import { testRoutes } from './matrix';

testRoutes('file');
