import { midApi } from './midApi';
import type { Provider } from './Provider';
import type { ProviderName } from './Task';

/** Every provider by the value that the node's first parameter has for it. */
export const providers: Record<ProviderName, Provider> = { midApi };
