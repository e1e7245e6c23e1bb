import { midApi } from './midApi';
import type { Provider } from './Provider';
import type { ProviderName } from './Task';

/** Every provider by the value that the node's first parameter has for it. */
export const providers: Record<ProviderName, Provider> = { midApi };

/** The provider that was chosen; undefined for a name that is none. */
export const providerNamed = (name: unknown): Provider | undefined =>
	Object.values(providers).find((provider) => provider.name === name);
