import type { IExecuteFunctions } from 'n8n-workflow';

import { openHttp, type Http } from '../providers/http';
import type { Provider } from '../providers/provider';

/** The credential of a node, for a run that may work without one. */
export interface Credential {
	/** The open connection to the provider; undefined if there is no credential, or n8n cannot open it. */
	http: Http | undefined;
	/** @throws n8n's own NodeOperationError if there is none */
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
