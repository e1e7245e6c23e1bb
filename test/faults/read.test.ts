import { testRoutes } from './matrix';

testRoutes('read');
