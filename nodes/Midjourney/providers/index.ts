import { midApi } from './midApi';
import type { Provider, ProviderName } from './provider';
import { vtrix } from './vtrix';

/** Every provider by the value that the node's first parameter has for it. */
export const providers: Readonly<{ [N in ProviderName]: Provider & { readonly name: N } }> = {
	midApi,
	vtrix,
};

/** All of them. */
export const allProviders: readonly Provider[] = Object.values(providers);

/** The provider that was chosen; undefined for a name that is none. */
export const providerNamed = (name: unknown): Provider | undefined =>
	allProviders.find((provider) => provider.name === name);
