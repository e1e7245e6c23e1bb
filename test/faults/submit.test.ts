import { testRoutes } from './matrix';

testRoutes('submit', 'balance');
