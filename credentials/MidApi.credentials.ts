import type { ICredentialTestRequest, ICredentialType, Icon, INodeProperties } from 'n8n-workflow';

import { apiKeyField, rulesOf, withBearer } from './bearer';

/** The messages of the credential test, by the code of the answer. `value` undefined: the answer is not MidAPI's JSON. */
const REFUSALS: Array<{ value: number | undefined; message: string }> = [
	{
		value: 401,
		message:
			'Invalid key: the provider does not know this API key. Copy it again, and check that Provider is the one that issued it.',
	},
	{
		value: 403,
		message: 'Invalid key: the provider does not allow this API key to read the balance.',
	},
	{
		value: 404,
		message:
			'No balance found at this address. Check Provider and Base URL, which is the API host without a path.',
	},
	{
		value: 429,
		message: 'The provider is receiving too many requests from this account. Test again later.',
	},
	{ value: 455, message: 'The provider is down for maintenance. Test again later.' },
	{ value: 500, message: 'The provider could not answer. Test again later.' },
	{
		value: undefined,
		message:
			'The server at this address is not MidAPI. Check Provider and Base URL, which is the API host (https://api.…), not the website.',
	},
];

/** The key of midapi.ai or of its twin kie.ai (wire.md: MidAPI, MidAPI credits, MidAPI signatures). */
export class MidApi implements ICredentialType {
	name = 'midApi';

	displayName = 'MidAPI API';

	icon: Icon = { light: 'file:midApi.svg', dark: 'file:midApi.dark.svg' };

	documentationUrl = 'https://github.com/n8n-nodes-midjourney/n8n-nodes-midjourney#credentials';

	properties: INodeProperties[] = [
		apiKeyField(
			'From <a href="https://midapi.ai/api-key" target="_blank">midapi.ai/api-key</a> or <a href="https://kie.ai/api-key" target="_blank">kie.ai/api-key</a>',
		),
		{
			displayName: 'Provider',
			name: 'baseUrl',
			type: 'options',
			options: [
				{ name: 'kie.ai', value: 'https://api.kie.ai' },
				{ name: 'MidAPI', value: 'https://api.midapi.ai' },
				{
					name: 'Other',
					value: 'other',
					description: 'Another host that speaks the same API, such as a proxy or a test server',
				},
			],
			default: 'https://api.midapi.ai',
			description: 'The site that issued the key',
		},
		{
			displayName: 'Base URL',
			name: 'otherBaseUrl',
			type: 'string',
			default: '',
			required: true,
			displayOptions: { show: { baseUrl: ['other'] } },
			placeholder: 'e.g. https://api.example.com',
			description: 'The API host, without a path',
		},
		{
			displayName: 'File Upload Base URL',
			name: 'fileUploadUrl',
			type: 'string',
			default: '',
			placeholder: 'e.g. https://kieai.redpandaai.co',
			description:
				'Where the node uploads images that the provider cannot fetch from this n8n. Leave it empty for kie.ai, whose host is known. MidAPI documents none.',
		},
		{
			displayName: 'Minimum Balance',
			name: 'minimumBalance',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 0,
			description:
				'In credits. Each run reads the balance once before it buys, and buys nothing if the account has less. 0 means no check.',
		},
		{
			displayName: 'Webhook HMAC Secret',
			name: 'webhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description:
				'The webhookHmacKey from your account settings, if you have created one there. Callbacks without its signature are then refused.',
		},
		{
			displayName: 'Previous Webhook HMAC Secret',
			name: 'previousWebhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description:
				'While you change the secret, enter the old one here so that callbacks signed with it are still accepted. Clear this field afterwards.',
		},
	];

	authenticate = withBearer;

	test: ICredentialTestRequest = {
		request: {
			baseURL:
				'={{ ($credentials.baseUrl === "other" ? $credentials.otherBaseUrl : $credentials.baseUrl).trim().replace(/\\/+$/, "") }}',
			// kie keeps the balance at another path.
			url: '={{ ($credentials.baseUrl + $credentials.otherBaseUrl).includes("kie.ai") ? "/api/v1/chat/credit" : "/api/v1/common/credit" }}',
		},
		// This family sends its refusals with HTTP 200 and the code in the body.
		rules: rulesOf(REFUSALS.map((refusal) => ({ key: 'code', ...refusal }))),
	};
}
