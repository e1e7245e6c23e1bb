import { midApi } from './midApi';
import type { Provider } from './Provider';
import { vtrix } from './vtrix';

/** Every provider by the value that the node's first parameter has for it. */
export const providers = { midApi, vtrix } satisfies Record<string, Provider>;

export type ProviderName = keyof typeof providers;

/** The provider that was chosen; undefined for a name that is none. */
export const providerNamed = (name: unknown): Provider | undefined =>
	Object.values<Provider>(providers).find((provider) => provider.name === name);
