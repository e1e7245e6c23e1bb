import { midApi } from './midApi';
import type { Provider, ProviderName } from './provider';
import { vtrix } from './vtrix';

/** Every provider by the value that the node's first parameter has for it. */
export const providers: Readonly<{ [N in ProviderName]: Provider & { readonly name: N } }> = {
	midApi,
	vtrix,
};

/** All providers, in the order of the panel. */
export const allProviders: readonly Provider[] = Object.values(providers);

/** The provider with this name; undefined if there is none. */
export const providerNamed = (name: unknown): Provider | undefined =>
	allProviders.find((provider) => provider.name === name);
