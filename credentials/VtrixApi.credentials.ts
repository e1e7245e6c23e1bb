import type { ICredentialTestRequest, ICredentialType, Icon, INodeProperties } from 'n8n-workflow';

import { apiKeyField, rulesOf, withBearer, type Refusal } from './bearer';

/** The messages of the credential test, by HTTP statuses that do not show that the key is valid. */
const STATUSES = [
	{
		value: 401,
		message:
			'Invalid key: Vtrix does not know this API key. Copy it again, and check that Base URL belongs to it.',
	},
	{ value: 403, message: 'Invalid key: Vtrix does not allow this API key to read tasks.' },
	{
		value: 429,
		message: 'Vtrix is receiving too many requests from this account. Test again later.',
	},
	...[500, 502, 503, 504].map((value) => ({
		value,
		message: 'Vtrix could not answer. Test again later.',
	})),
];

const TASK = '/model/v1/generation/task/n8n-credential-test';

const NOT_VTRIX =
	'The server at this address is not Vtrix. Check Base URL, which is the API host (https://cloud.vtrix.ai) without a path, not the website.';

/**
 * What other servers answer to an unknown path: a text, a page, or the JSON of their framework. Vtrix only documents an object
 * with `message` or `error`, which a rule of n8n cannot test for.
 */
const OTHER_SERVERS: Refusal[] = [
	{ key: 'constructor.name', value: 'String' },
	{ key: 'constructor.name', value: undefined },
	{ key: 'detail', value: 'Not Found' },
	{ key: 'path', value: TASK },
	{ key: 'statusCode', value: 404 },
	{ key: 'error.type', value: 'invalid_request_error' },
	...[401, 404].map((value) => ({ key: 'code', value })),
].map((one) => ({ ...one, message: NOT_VTRIX }));

/** The key of vtrix.ai (wire.md: Vtrix). */
export class VtrixApi implements ICredentialType {
	name = 'vtrixApi';

	displayName = 'Vtrix API';

	icon: Icon = { light: 'file:vtrixApi.svg', dark: 'file:vtrixApi.dark.svg' };

	documentationUrl = 'https://github.com/n8n-nodes-midjourney/n8n-nodes-midjourney#credentials';

	properties: INodeProperties[] = [
		apiKeyField(
			'From the API key page of your account at <a href="https://vtrix.ai/" target="_blank">vtrix.ai</a>',
		),
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://cloud.vtrix.ai',
			required: true,
			description: 'The API host, without a path',
		},
		{
			displayName: 'Request Format',
			name: 'requestFormat',
			type: 'options',
			options: [
				{ name: 'Auto', value: 'auto', description: 'Whichever of the two Vtrix understands' },
				{ name: 'Flat', value: 'flat', description: 'The parameters are next to the model' },
				{
					name: 'Wrapped',
					value: 'wrapped',
					description: 'The parameters are in input[0].params, as the Vtrix CLI sends them',
				},
			],
			default: 'auto',
			description:
				'The Vtrix documentation can be read both ways. Auto finds out with the first submit, at no cost. Change this only if every submit is refused because of missing parameters.',
		},
	];

	authenticate = withBearer;

	/**
	 * Reads a task that does not exist, which costs nothing; Vtrix has no balance to ask for. If the answer is that there is no
	 * such task, the key is valid. n8n before 2.10 ignores `except`, so there the test only shows whether a server answers.
	 */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{ $credentials.baseUrl.trim().replace(/\\/+$/, "") }}',
			url: TASK,
			ignoreHttpStatusErrors: { ignore: true, except: STATUSES.map(({ value }) => value) },
		},
		rules: rulesOf([...STATUSES, ...OTHER_SERVERS]),
	};
}
