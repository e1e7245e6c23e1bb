import type { IExecuteFunctions } from 'n8n-workflow';
import { NodeApiError } from 'n8n-workflow';
import { openHttp } from '../../nodes/Midjourney/providers/http';

type Request = (options: { url: string; headers?: object }) => Promise<unknown>;

/** As much of n8n's context as a request needs. */
function context(request: Request, baseUrl = 'https://api.example.com'): IExecuteFunctions {
	const fake = {
		getCredentials: async () => ({ baseUrl, apiKey: 'k' }),
		getExecutionCancelSignal: () => new AbortController().signal,
		helpers: {
			async httpRequestWithAuthentication(this: object, _type: string, options: never) {
				return await request.call(this, options);
			},
		},
	};
	return fake as unknown as IExecuteFunctions;
}

const GET = { method: 'GET', path: '/x' } as const;
const POST = { method: 'POST', path: '/x', body: {} } as const;
const OK = { statusCode: 200, body: { code: 200 }, headers: {} };

describe('What the transport could not do', () => {
	/** The code of the system or of axios, what it means, and whether the request may have been taken. */
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
		['a bad certificate', { code: 'CERT_HAS_EXPIRED' }, 'unreachable', 'no', false],
		[
			'a self-signed certificate',
			{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
			'unreachable',
			'no',
			false,
		],
		['no answer in time', { code: 'ECONNABORTED' }, 'timedOut', 'unknown', true],
		['no answer in time, by the system', { code: 'ETIMEDOUT' }, 'timedOut', 'unknown', true],
		['reset after sending', { code: 'ECONNRESET' }, 'connectionLost', 'unknown', true],
		['broken pipe', { code: 'EPIPE' }, 'connectionLost', 'unknown', true],
		['something else', {}, 'connectionLost', 'unknown', true],
	];

	it.each(CASES)('%s', async (_, properties, reason, taken, passing) => {
		const cause = Object.assign(new Error('as axios puts it'), properties);
		const http = await openHttp(
			context(async () => {
				// n8n wraps what axios throws.
				throw new NodeApiError({ name: 'n' } as never, cause as never);
			}),
			'midApi',
			0,
		);
		expect(await http.send(POST)).toMatchObject({ ok: false, failure: { reason, taken, passing } });
	});

	it('a Base URL that is none is told before anything is sent', async () => {
		let sent = 0;
		const request = async () => {
			sent++;
			return OK;
		};
		const http = await openHttp(context(request, 'api.example.com/'), 'midApi', 0);
		expect(await http.send(POST)).toMatchObject({
			failure: { reason: 'unreachable', taken: 'no', passing: false },
		});
		expect(sent).toBe(0);
	});
});

describe('A request', () => {
	it.each([
		['https://api.example.com', 'https://api.example.com/x'],
		[' https://api.example.com// ', 'https://api.example.com/x'],
		['https://proxy.example.com/mj', 'https://proxy.example.com/mj/x'],
	])('to %j goes to %s', async (baseUrl, url) => {
		let asked = '';
		const request: Request = async (options) => {
			asked = options.url;
			return OK;
		};
		await (await openHttp(context(request, baseUrl), 'midApi', 0)).send(GET);
		expect(asked).toBe(url);
	});

	it('never carries the key by hand, and follows no redirect', async () => {
		let seen: object = {};
		const request: Request = async (options) => {
			seen = options;
			return OK;
		};
		await (await openHttp(context(request), 'midApi', 0)).send(POST);
		expect(seen).toMatchObject({ disableFollowRedirect: true, ignoreHttpStatusErrors: true });
		expect(seen).not.toHaveProperty('headers');
	});

	it('that buys is out of reach of the cancel signal, one that looks is not', async () => {
		const reach: boolean[] = [];
		const request = async function (this: object) {
			reach.push('getExecutionCancelSignal' in this);
			return OK;
		};
		const http = await openHttp(context(request), 'midApi', 0);
		await http.send(POST);
		await http.send(GET);
		expect(reach).toEqual([false, true]);
	});
});

describe('Retry-After', () => {
	it.each([
		['7', 7000],
		['0', undefined],
		['soon', undefined],
		[undefined, undefined],
		['Thu, 01 Jan 1970 00:00:00 GMT', undefined],
	])('%j is %j ms', async (header, ms) => {
		const request = async () => ({ ...OK, headers: { 'retry-after': header } });
		const answer = await (await openHttp(context(request), 'midApi', 0)).send(GET);
		expect(answer).toMatchObject({ ok: true, value: { retryAfterMs: ms } });
	});

	it('may be a date', async () => {
		const date = new Date(Date.now() + 60_000).toUTCString();
		const request = async () => ({ ...OK, headers: { 'retry-after': date } });
		const answer = await (await openHttp(context(request), 'midApi', 0)).send(GET);
		const ms = answer.ok ? answer.value.retryAfterMs : undefined;
		expect(ms).toBeGreaterThan(50_000);
		expect(ms).toBeLessThanOrEqual(60_000);
	});
});
