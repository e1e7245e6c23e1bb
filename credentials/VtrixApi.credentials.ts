import type { ICredentialTestRequest, ICredentialType, Icon, INodeProperties } from 'n8n-workflow';

import { apiKeyField, rulesOf, withBearer, type Refusal } from './bearer';

/** What the credential test says to the statuses that do not tell that the key is good. */
const STATUSES = [
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

const TASK = '/model/v1/generation/task/n8n-credential-test';

const NOT_VTRIX =
	'What answers at this address is not Vtrix. Check Base URL: it is the API host (https://cloud.vtrix.ai), not the web site, and without a path.';

/**
 * What other servers answer to a path that they do not have: a text or a page, and the JSON of what they are built with. All
 * that Vtrix documents of its own is an object with `message` or `error`, which a rule of n8n's cannot ask for.
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
		apiKeyField({
			description:
				'From the API key page of your account at <a href="https://vtrix.ai/" target="_blank">vtrix.ai</a>',
		}),
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
				{ name: 'Flat', value: 'flat', description: 'The parameters stand beside the model' },
				{
					name: 'Wrapped',
					value: 'wrapped',
					description: 'The parameters stand in input[0].params, as the Vtrix CLI sends them',
				},
			],
			default: 'auto',
			description:
				'The Vtrix pages can be read both ways. Auto finds out by the first submit, at no cost: change it only if every submit is refused because of missing parameters.',
		},
	];

	authenticate = withBearer;

	/**
	 * Reads a task that does not exist, which costs nothing; Vtrix has no balance to ask for. That there is no such task
	 * says that the key is good. Before n8n 2.10 `except` is not known, and the test tells only whether anyone answers.
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
