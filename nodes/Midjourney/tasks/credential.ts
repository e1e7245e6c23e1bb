import type { IExecuteFunctions } from 'n8n-workflow';

import { openHttp, type Http } from '../providers/http';
import type { Provider } from '../providers/provider';

/** The credential of a node, for a run that may do without. */
export interface Credential {
	/** The way to the provider; undefined where there is no credential, or n8n cannot open it. */
	http: Http | undefined;
	/** @throws NodeOperationError, in n8n's words, where there is none */
	demand(): Promise<Http>;
}

/** Opens the credential of a node if it has one. */
export async function openIfThere(
	context: IExecuteFunctions,
	{ credentialType }: Pick<Provider, 'credentialType'>,
): Promise<Credential> {
	const opening = openHttp(context, credentialType);
	const http = await opening.catch(() => undefined);
	return { http, demand: async () => await opening };
}
