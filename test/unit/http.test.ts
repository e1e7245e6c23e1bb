/* eslint-disable @n8n/community-nodes/no-restricted-imports -- makes streams as a server does, it is not a node */
import { Readable } from 'node:stream';

import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';
import { NodeApiError, NodeOperationError } from 'n8n-workflow';
import { openCredential } from '../../nodes/Midjourney/providers/http';

type Request = (options: IHttpRequestOptions, credential?: object) => Promise<unknown>;

const NODE = { name: 'Midjourney', credentials: { midApi: { id: '7', name: 'My MidAPI' } } };
const KEY = 'key-that-is-secret';

/** As much of n8n's context as a request needs. */
function context(request: Request, credential: object = {}) {
	const opened: string[] = [];
	const fake = {
		getNode: () => NODE,
		async getCredentials(type: string) {
			opened.push(type);
			return { baseUrl: 'https://api.example.com', apiKey: KEY, ...credential };
		},
		getInstanceId: () => 'this n8n',
		getExecutionCancelSignal: () => new AbortController().signal,
		helpers: {
			async httpRequestWithAuthentication(
				this: object,
				_type: string,
				options: never,
				additional: object,
			) {
				return await request.call(this, options, additional);
			},
		},
	};
	return Object.assign(fake as unknown as IExecuteFunctions, { opened });
}

/** The access that a context gets by its credential. */
async function accessOf(own: IExecuteFunctions) {
	const { through } = await openCredential(own, 'midApi');
	return through(own.helpers);
}

const open = async (request: Request, credential?: object) =>
	await accessOf(context(request, credential));

const GET = { method: 'GET', path: '/x' } as const;
const POST = { method: 'POST', path: '/x', body: {} } as const;
const answered = (body: unknown, headers = {}) => ({ statusCode: 200, body, headers });
const OK = answered({ code: 200 });

describe('A request that fails on the way', () => {
	/** An error of the system or of axios; its reason, whether the request may have been accepted, and whether it passes. */
	const CASES: Array<[string, object, string, 'no' | 'unknown', boolean]> = [
		['nobody listens', { code: 'ECONNREFUSED' }, 'unreachable', 'no', true],
		['no such host', { code: 'ENOTFOUND' }, 'unreachable', 'no', true],
		['DNS stumbles', { code: 'EAI_AGAIN' }, 'unreachable', 'no', true],
		['no route', { code: 'EHOSTUNREACH' }, 'unreachable', 'no', true],
		[
			'connecting took too long',
			{ code: 'ETIMEDOUT', syscall: 'connect' },
			'unreachable',
			'no',
			true,
		],
		[
			'connecting to each of several addresses took too long',
			{ code: 'ETIMEDOUT', errors: [{ syscall: 'connect' }, { syscall: 'connect' }] },
			'unreachable',
			'no',
			true,
		],
		['a bad certificate', { code: 'CERT_HAS_EXPIRED' }, 'unreachable', 'no', false],
		[
			'a self-signed certificate',
			{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
			'unreachable',
			'no',
			false,
		],
		[
			'a certificate of another host',
			{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
			'unreachable',
			'no',
			false,
		],
		['no TLS there', { code: 'EPROTO', syscall: 'write' }, 'unreachable', 'no', false],
		[
			'no TLS there, by OpenSSL',
			{ code: 'ERR_SSL_WRONG_VERSION_NUMBER' },
			'unreachable',
			'no',
			false,
		],
		[
			'no agreement on a cipher',
			{ code: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE' },
			'unreachable',
			'no',
			false,
		],
		[
			'closed during the handshake',
			{
				code: 'ECONNRESET',
				message: 'Client network socket disconnected before secure TLS connection was established',
			},
			'unreachable',
			'no',
			false,
		],
		[
			'ftp',
			{ code: 'ERR_BAD_REQUEST', message: 'Unsupported protocol ftp:' },
			'unreachable',
			'no',
			false,
		],
		['no URL', { code: 'ERR_INVALID_URL' }, 'unreachable', 'no', false],
		['a key that fits in no header', { code: 'ERR_INVALID_CHAR' }, 'unreachable', 'no', false],
		['an address that n8n blocks', { name: 'SsrfBlockedIpError' }, 'unreachable', 'no', false],
		['no answer in time', { code: 'ECONNABORTED' }, 'timedOut', 'unknown', true],
		['no answer in time, by the system', { code: 'ETIMEDOUT' }, 'timedOut', 'unknown', true],
		['reset after sending', { code: 'ECONNRESET' }, 'connectionLost', 'unknown', true],
		['broken pipe', { code: 'EPIPE' }, 'connectionLost', 'unknown', true],
		['a bad record of TLS', { code: 'ERR_SSL_BAD_RECORD_MAC' }, 'connectionLost', 'unknown', true],
		[
			'an end of TLS in between',
			{ code: 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING' },
			'connectionLost',
			'unknown',
			true,
		],
		['no HTTP', { code: 'HPE_INVALID_VERSION' }, 'connectionLost', 'unknown', true],
		['something else', {}, 'connectionLost', 'unknown', true],
	];

	it.each(CASES)('%s', async (_, properties, reason, accepted, transient) => {
		const cause = Object.assign(new Error('as axios puts it'), properties);
		const http = await open(async () => {
			// n8n wraps what axios throws.
			throw new NodeApiError({ name: 'n' } as never, cause as never);
		});
		expect(await http.send(POST)).toMatchObject({
			ok: false,
			failure: { reason, accepted, transient },
		});
	});

	it('was not sent where n8n itself refused to send it', async () => {
		const http = await open(async () => {
			throw new NodeOperationError({ name: 'n' } as never, 'Domain not allowed');
		});
		expect(await http.send(POST)).toMatchObject({
			failure: {
				reason: 'unreachable',
				message: 'Domain not allowed',
				accepted: 'no',
				transient: false,
			},
		});
	});

	it('is described without the key and without queries', async () => {
		const http = await open(async () => {
			throw new Error(`failed at https://api.example.com/x?taskId=1 with ${KEY}`);
		});
		expect(await http.send(GET)).toMatchObject({
			failure: { message: 'failed at https://api.example.com/x with ***' },
		});
	});

	it.each(['api.example.com/', 'localhost:3000', 'ftp://a.example', 'file:///x', '', KEY])(
		'with %j as Base URL is told before anything is sent, and without it',
		async (baseUrl) => {
			const request = jest.fn(async () => OK);
			const answer = await (await open(request, { baseUrl })).send(POST);
			expect(answer).toEqual({
				ok: false,
				failure: {
					reason: 'unreachable',
					message: 'Base URL is not a URL that starts with https:// or http://',
					accepted: 'no',
					transient: false,
				},
			});
			expect(request).not.toHaveBeenCalled();
		},
	);
});

describe('A request', () => {
	it.each([
		['https://api.example.com', 'https://api.example.com/x'],
		[' https://api.example.com// ', 'https://api.example.com/x'],
		['https://proxy.example.com/mj', 'https://proxy.example.com/mj/x'],
	])('to %j goes to %s', async (baseUrl, url) => {
		const request = jest.fn(async () => OK);
		await (await open(request, { baseUrl })).send(GET);
		expect(request).toHaveBeenCalledWith(expect.objectContaining({ url }), expect.anything());
	});

	it('never sets the key itself, and follows no redirect', async () => {
		let seen: object = {};
		await (
			await open(async (options) => {
				seen = options;
				return OK;
			})
		).send(POST);
		expect(seen).toMatchObject({ disableFollowRedirect: true, ignoreHttpStatusErrors: true });
		expect(seen).not.toHaveProperty('headers');
	});

	it.each([GET, POST])('$method is not aborted by the cancel signal', async (call) => {
		const reach: boolean[] = [];
		const http = await open(async function (this: object) {
			reach.push('getExecutionCancelSignal' in this);
			return OK;
		});
		await http.send(call);
		expect(reach).toEqual([false]);
	});

	it('opens the credential once for all calls, and passes it on', async () => {
		const given: unknown[] = [];
		const own = context(async (_, additional) => {
			given.push(additional);
			return OK;
		});
		const http = await accessOf(own);
		await http.send(GET);
		await http.send(POST);
		const data = { baseUrl: 'https://api.example.com', apiKey: KEY };
		const credentialsDecrypted = { id: '7', name: 'My MidAPI', type: 'midApi', data };
		expect(own.opened).toEqual(['midApi']);
		expect(given).toEqual([{ credentialsDecrypted }, { credentialsDecrypted }]);
	});

	/** Answers that never end, each in its way. */
	const ENDLESS: Array<[string, Request]> = [
		[
			'nothing comes',
			async ({ abortSignal }) =>
				await new Promise((_, reject) => {
					abortSignal?.addEventListener?.('abort', () => reject(new Error('canceled')));
				}),
		],
		['the headers come and nothing else', async () => answered(new Readable({ read() {} }))],
	];

	it.each(ENDLESS)('ends when its time is up, although %s', async (_, request) => {
		const http = await accessOf(context(request));
		expect(await http.send({ ...POST, limitMs: 1 })).toEqual({
			ok: false,
			failure: { reason: 'timedOut', accepted: 'unknown', transient: true },
		});
	});
});

describe('The callback secrets', () => {
	const never = async () => await new Promise<never>(() => {});
	const opened = async (credential: object, instance = 'this n8n') =>
		await openCredential(
			Object.assign(context(never, credential), { getInstanceId: () => instance }),
			'midApi',
		);

	it.each<[string, object, string[]]>([
		['none', {}, []],
		['none where the field is empty', { webhookSecret: '', previousWebhookSecret: ' ' }, []],
		['the present one', { webhookSecret: ' now\n' }, ['now']],
		['both', { webhookSecret: 'now', previousWebhookSecret: 'before' }, ['now', 'before']],
		['the previous one alone', { previousWebhookSecret: 'before' }, ['before']],
	])('that the credential holds for the provider: %s', async (_, credential, secrets) => {
		expect((await opened(credential)).webhookSecrets).toEqual(secrets);
	});

	it('that this n8n signs with depend on the account and on the n8n, not on how the key was pasted', async () => {
		const { callbackKey } = await opened({});
		expect((await opened({ apiKey: ` ${KEY}\n` })).callbackKey).toBe(callbackKey);
		expect((await opened({ apiKey: 'other' })).callbackKey).not.toBe(callbackKey);
		expect((await opened({}, 'another n8n')).callbackKey).not.toBe(callbackKey);
	});
});

describe('The body of an answer', () => {
	const read = async (body: unknown) => {
		const answer = await (await open(async () => answered(body))).send(GET);
		return answer.ok ? answer.value.body : answer.failure;
	};

	it.each<[string, unknown, unknown]>([
		['JSON', '{"code":200}', { code: 200 }],
		['JSON behind a byte order mark', '\uFEFF{"code":200}', { code: 200 }],
		['text', '<html>', '<html>'],
		['nothing', '', ''],
	])('is %s', async (_, sent, body) => {
		expect(await read(Readable.from([Buffer.from(String(sent))]))).toEqual(body);
	});

	it('may arrive in pieces cut anywhere', async () => {
		const bytes = [...Buffer.from('{"msg":"é"}')].map((byte) => Buffer.from([byte]));
		expect(await read(Readable.from(bytes))).toEqual({ msg: 'é' });
	});

	it('may be parsed already', async () => {
		expect(await read({ code: 200 })).toEqual({ code: 200 });
	});

	it('never holds the key', async () => {
		expect(await read(Readable.from([`{"msg":"Bearer ${KEY} is wrong"}`]))).toEqual({
			msg: 'Bearer *** is wrong',
		});
	});

	it('is not read on when it is too large', async () => {
		let sent = 0;
		const endless = new Readable({
			read() {
				sent++;
				this.push(Buffer.alloc(1_000_000));
			},
		});
		expect(await read(endless)).toEqual({
			reason: 'unreadable',
			code: '200',
			message: 'It is larger than 4 MB',
			accepted: 'unknown',
			transient: true,
		});
		expect(endless.destroyed).toBe(true);
		expect(sent).toBeLessThan(10);
	});

	it('that breaks off counts as a lost connection', async () => {
		const torn = Readable.from(
			(function* () {
				yield '{"code":';
				throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
			})(),
		);
		expect(await read(torn)).toMatchObject({ reason: 'connectionLost', accepted: 'unknown' });
	});
});

describe('Retry-After', () => {
	const HOUR = 3_600_000;

	it.each([
		['7', 7000],
		['0', undefined],
		['soon', undefined],
		[undefined, undefined],
		['Thu, 01 Jan 1970 00:00:00 GMT', undefined],
		['9999999', HOUR],
		['9'.repeat(400), HOUR],
		['Fri, 01 Jan 2100 00:00:00 GMT', HOUR],
	])('%j is %j ms', async (header, ms) => {
		const answer = await (
			await open(async () => answered({}, { 'retry-after': header }))
		).send(GET);
		expect(answer).toMatchObject({ ok: true, value: { retryAfterMs: ms } });
	});

	it('may be a date', async () => {
		const date = new Date(Date.now() + 60_000).toUTCString();
		const answer = await (await open(async () => answered({}, { 'retry-after': date }))).send(GET);
		const ms = answer.ok ? answer.value.retryAfterMs : undefined;
		expect(ms).toBeGreaterThan(50_000);
		expect(ms).toBeLessThanOrEqual(60_000);
	});
});

describe('The balance that a credential demands', () => {
	it.each<[string, unknown, number | undefined]>([
		['a number', 50, 50],
		['a fraction', 0.5, 0.5],
		['a text, as an expression gives it', ' 50 ', 50],
		['0: none', 0, undefined],
		['0 as a text: none', '0', undefined],
		['an emptied field: none', '', undefined],
		['a credential that is older than the field: none', undefined, undefined],
		['less than nothing', -1, NaN],
		['no number', 'fifty', NaN],
		['an expression that came to something else', true, NaN],
	])('is read: %s', async (_, minimumBalance, expected) => {
		const http = await open(async () => OK, { minimumBalance });
		expect(http.minimumBalance).toBe(expected);
	});
});
