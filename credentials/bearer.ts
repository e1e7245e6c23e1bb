import {
	UserError,
	type ICredentialDataDecryptedObject,
	type ICredentialTestRequest,
	type IHttpRequestOptions,
	type INodeProperties,
} from 'n8n-workflow';

/** What both credentials share: a key that goes along as a bearer, and a test that reads what an answer says. */

/** @param more where the key comes from */
export const apiKeyField = (more: Pick<INodeProperties, 'description'>): INodeProperties => ({
	displayName: 'API Key',
	name: 'apiKey',
	type: 'string',
	typeOptions: { password: true },
	default: '',
	required: true,
	...more,
});

/**
 * Puts the key into the header of a request. A function, because an expression cannot be evaluated once the node has
 * returned, and its requests may go on.
 *
 * @throws UserError when the request is to go to what is no URL: n8n's test would say a mere ERR_INVALID_URL
 */
export async function withBearer(
	{ apiKey }: ICredentialDataDecryptedObject,
	options: IHttpRequestOptions,
): Promise<IHttpRequestOptions> {
	const { baseURL } = options;
	// Not shown: whoever mixed up the fields has the key in it.
	if (baseURL !== undefined && !/^https?:\/\/[^/]/i.test(baseURL)) {
		throw new UserError('Base URL must start with https:// and name the API host.');
	}
	// A pasted key often brings a space or a line end along.
	const Authorization = `Bearer ${String(apiKey).trim()}`;
	return { ...options, headers: { ...options.headers, Authorization } };
}

/** An answer that does not show that the key is good, and what the test says to it. */
export interface Refusal {
	/** Where in the answer; in place of it: the HTTP status. */
	key?: string;
	/** Undefined: there is nothing there. */
	value: string | number | undefined;
	message: string;
}

/** The rules of n8n's credential test; it goes by the type of each, though its types want one for all. */
export const rulesOf = (refusals: readonly Refusal[]): ICredentialTestRequest['rules'] =>
	refusals.map(({ key, value, message }) =>
		key === undefined
			? { type: 'responseCode', properties: { value, message } }
			: { type: 'responseSuccessBody', properties: { key, value, message } },
	) as ICredentialTestRequest['rules'];
