import type {
	ICredentialDataDecryptedObject,
	ICredentialTestRequest,
	ICredentialType,
	IHttpRequestOptions,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

/** What the credential test says to the statuses that do not tell that the key is good. */
const REFUSALS = [
	{
		value: 401,
		message:
			'Invalid key: Vtrix does not know this API key. Copy it again, and check that Base URL belongs to it.',
	},
	{ value: 403, message: 'Invalid key: Vtrix does not allow this API key to read tasks.' },
	{ value: 429, message: 'Vtrix receives too many requests from this account. Test again later.' },
	...[500, 502, 503, 504].map((value) => ({
		value,
		message: 'Vtrix could not answer. Test again later.',
	})),
];

/** The key of vtrix.ai (wire.md: Vtrix). */
export class VtrixApi implements ICredentialType {
	name = 'vtrixApi';

	displayName = 'Vtrix API';

	icon: Icon = { light: 'file:vtrixApi.svg', dark: 'file:vtrixApi.dark.svg' };

	documentationUrl = 'https://github.com/n8n-nodes-midjourney/n8n-nodes-midjourney#credentials';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			hint: 'From the API key page of your account at vtrix.ai',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://cloud.vtrix.ai',
			required: true,
			hint: 'The API host, without a path',
		},
		{
			displayName: 'Request Format',
			name: 'requestFormat',
			type: 'options',
			options: [
				{ name: 'Flat', value: 'flat', description: 'The parameters stand beside the model' },
				{
					name: 'Wrapped',
					value: 'wrapped',
					description: 'The parameters stand in input[0].params, as the Vtrix CLI sends them',
				},
			],
			default: 'wrapped',
			description:
				'The Vtrix pages can be read both ways. Change this only if every submit is refused because of missing parameters.',
		},
	];

	/** A function, because an expression cannot be evaluated once the node has returned, and its requests may go on. */
	async authenticate(
		{ apiKey }: ICredentialDataDecryptedObject,
		options: IHttpRequestOptions,
	): Promise<IHttpRequestOptions> {
		// A pasted key often brings a space or a line end along.
		const Authorization = `Bearer ${String(apiKey).trim()}`;
		return { ...options, headers: { ...options.headers, Authorization } };
	}

	/**
	 * Reads a task that does not exist, which costs nothing; Vtrix has no balance to ask for. That there is no such task
	 * says that the key is good. Before n8n 2.10 `except` is not known, and the test tells only whether anyone answers.
	 */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{ $credentials.baseUrl.trim().replace(/\\/+$/, "") }}',
			url: '/model/v1/generation/task/n8n-credential-test',
			ignoreHttpStatusErrors: { ignore: true, except: REFUSALS.map(({ value }) => value) },
		},
		rules: REFUSALS.map((properties) => ({ type: 'responseCode', properties })),
	};
}
