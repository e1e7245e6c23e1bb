import {
	UserError,
	type ICredentialDataDecryptedObject,
	type ICredentialTestRequest,
	type IHttpRequestOptions,
	type INodeProperties,
} from 'n8n-workflow';

/** What both credentials share: the key is sent as a bearer token, and the test reads the body of an answer. */

/** The field for the API key, with a description that says where to get one. */
export const apiKeyField = (description: string): INodeProperties => ({
	displayName: 'API Key',
	name: 'apiKey',
	type: 'string',
	typeOptions: { password: true },
	default: '',
	required: true,
	description,
});

/**
 * Adds the key to the header of a request. It is a function because n8n cannot evaluate an expression once the node has
 * returned, while its requests may continue.
 *
 * @throws UserError if the base URL is not a URL: n8n's test would only show ERR_INVALID_URL
 */
export async function withBearer(
	{ apiKey }: ICredentialDataDecryptedObject,
	options: IHttpRequestOptions,
): Promise<IHttpRequestOptions> {
	const { baseURL } = options;
	// Not shown: if the user mixed up the fields, it is the key.
	if (baseURL !== undefined && !/^https?:\/\/[^/]/i.test(baseURL)) {
		throw new UserError('Base URL must start with https:// and name the API host.');
	}
	// A pasted key often has a space or a line break around it.
	const Authorization = `Bearer ${String(apiKey).trim()}`;
	return { ...options, headers: { ...options.headers, Authorization } };
}

/** An answer that does not show that the key is valid, and the message of the test for it. */
export interface Refusal {
	/** The path in the body; undefined: the HTTP status is compared. */
	key?: string;
	/** Undefined: the path leads to nothing. */
	value: string | number | undefined;
	message: string;
}

/** The rules of n8n's credential test. n8n checks the type of each rule, although its types require one for all. */
export const rulesOf = (refusals: readonly Refusal[]): ICredentialTestRequest['rules'] =>
	refusals.map(({ key, value, message }) =>
		key === undefined
			? { type: 'responseCode', properties: { value, message } }
			: { type: 'responseSuccessBody', properties: { key, value, message } },
	) as ICredentialTestRequest['rules'];
