import type {
	ICredentialDataDecryptedObject,
	ICredentialType,
	IDataObject,
	IHttpRequestOptions,
} from 'n8n-workflow';

import { MidApi } from '../../credentials/MidApi.credentials';
import { VtrixApi } from '../../credentials/VtrixApi.credentials';

/** What a path of lodash's `get` leads to, which n8n's test looks with. */
const at = (value: unknown, path: string): unknown =>
	path
		.split('.')
		.reduce<unknown>(
			(one, key) => (one === undefined || one === null ? undefined : Reflect.get(Object(one), key)),
			value,
		);

/** What n8n's test says to an answer that is no refusal by its status; undefined: that the credential is good. */
function saidTo({ test }: ICredentialType, body: unknown): string | undefined {
	const rules: Array<{ type: string; properties: IDataObject }> = [...(test?.rules ?? [])].map(
		({ type, properties }) => ({ type, properties: { ...properties } }),
	);
	const found = rules.find(
		({ type, properties: { key, value } }) =>
			type === 'responseSuccessBody' && at(body, String(key)) === value,
	);
	return found && String(found.properties.message);
}

const PAGE = '<!DOCTYPE html><title>404</title>';

describe('The test of a Vtrix credential', () => {
	it.each<[string, unknown]>([
		['that there is no such task', { message: 'jobId not found' }],
		['that there is no such task, as an error', { error: { code: 404, message: 'not found' } }],
		['that there is no such task, as an error of words', { error: 'not found' }],
		['that there is no such task, as its sibling does', { status: { code: 404 }, data: null }],
		['a task', { id: 'x', status: 'completed' }],
	])('passes when Vtrix answers %s', (_, body) => {
		expect(saidTo(new VtrixApi(), body)).toBeUndefined();
	});

	it.each<[string, unknown]>([
		['with a page', PAGE],
		['with a text', 'Not Found'],
		['with nothing', ''],
		['with null', null],
		['as FastAPI does', { detail: 'Not Found' }],
		['as Nest and Fastify do', { message: 'Cannot GET /', error: 'Not Found', statusCode: 404 }],
		[
			'as Spring does',
			{ status: 404, error: 'Not Found', path: '/model/v1/generation/task/n8n-credential-test' },
		],
		['as OpenAI does', { error: { message: 'Invalid URL', type: 'invalid_request_error' } }],
		['as MidAPI does', { code: 404, msg: 'not found' }],
	])('fails when a server answers %s', (_, body) => {
		expect(saidTo(new VtrixApi(), body)).toMatch(/^The server at this address is not Vtrix/);
	});
});

describe('The test of a MidAPI credential', () => {
	it('passes when the answer is a balance', () => {
		expect(saidTo(new MidApi(), { code: 200, msg: 'success', data: 12 })).toBeUndefined();
	});

	it.each<[string, unknown, RegExp]>([
		['another key', { code: 401, msg: 'unauthorized' }, /^Invalid key: /],
		['an address without a balance', { code: 404 }, /^No balance found at this address/],
		['a page', PAGE, /^The server at this address is not MidAPI/],
	])('explains %s', (_, body, message) => {
		expect(saidTo(new MidApi(), body)).toMatch(message);
	});
});

describe.each([new MidApi(), new VtrixApi()])('The key of $displayName', ({ authenticate }) => {
	const authenticated = async (data: ICredentialDataDecryptedObject, baseURL?: string) => {
		if (typeof authenticate !== 'function') throw new Error('It is no function');
		const options: IHttpRequestOptions = { url: '/x', headers: { accept: 'text/html' }, baseURL };
		return await authenticate(data, options);
	};

	it.each([' key', 'key\n', '\tkey '])(
		'is sent without what was pasted with it: %j',
		async (apiKey) => {
			const { headers } = await authenticated({ apiKey }, 'https://api.example.com');
			expect(headers).toEqual({ accept: 'text/html', Authorization: 'Bearer key' });
		},
	);

	it('is sent when the node gives a complete address', async () => {
		expect((await authenticated({ apiKey: 'key' })).headers).toMatchObject({
			Authorization: 'Bearer key',
		});
	});

	it.each(['', 'api.example.com', 'localhost:3000', 'ftp://example.com', 'https://'])(
		'goes to no base URL that is none: %j',
		async (baseURL) => {
			await expect(authenticated({ apiKey: 'key' }, baseURL)).rejects.toThrow(
				'Base URL must start with https://',
			);
		},
	);
});
