import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';

import {
	areShut,
	isAlive,
	ownAddress,
	reachAdvice,
	resumeUrlOf,
	statusOf,
	wake,
	type OwnAddress,
} from '../../../nodes/Midjourney/tasks/wait/selfCall';
import { never, WaitClock } from './fakes';

const TOKEN = 'signature=abc%2B1';
let count = 0;

/** An execution of an n8n with its own address, and what answers at which address. */
function executionAt(
	base: string,
	answers: (url: string) => unknown = () => 'running',
	execution: Record<string, unknown> = {
		resumeUrl: `${base}/webhook-waiting/7?${TOKEN}`,
		resumeFormUrl: `${base}/form-waiting/7?${TOKEN}`,
	},
) {
	const asked: string[] = [];
	const calls: IHttpRequestOptions[] = [];
	const context = {
		getWorkflowDataProxy: () => ({ $execution: execution }),
		helpers: {
			httpRequest: async (options: IHttpRequestOptions) => {
				asked.push(options.url);
				calls.push(options);
				const answer = answers(options.url);
				if (answer === undefined) throw new Error('connect ECONNREFUSED');
				if (answer instanceof Error) throw answer;
				return answer;
			},
		},
	} as unknown as IExecuteFunctions;
	return { context, asked, calls };
}

/** Each test has its own n8n, because the process remembers which addresses have answered. */
const ownN8n = () => `https://n8n-${++count}.example.com`;

describe('The address that resumes an execution', () => {
	it.each([
		[
			'with a token',
			'https://n8n.example.com/webhook-waiting/7?signature=abc',
			'https://n8n.example.com/webhook-waiting/7/n8n-nodes-midjourney?signature=abc',
		],
		[
			'without one, as before 2.9',
			'http://localhost:5678/webhook-waiting/7',
			'http://localhost:5678/webhook-waiting/7/n8n-nodes-midjourney',
		],
		[
			'with a slash at the end',
			'http://localhost:5678/webhook-waiting/7/?signature=a',
			'http://localhost:5678/webhook-waiting/7/n8n-nodes-midjourney?signature=a',
		],
		[
			'below a path',
			'https://example.com/n8n/webhook-waiting/7?signature=abc',
			'https://example.com/n8n/webhook-waiting/7/n8n-nodes-midjourney?signature=abc',
		],
		[
			'with an escaped token',
			'https://example.com/webhook-waiting/7?signature=a%2Bb%3D',
			'https://example.com/webhook-waiting/7/n8n-nodes-midjourney?signature=a%2Bb%3D',
		],
	])('has the path of this node before the query: %s', (_, resumeUrl, expected) => {
		const { context } = executionAt('', undefined, { resumeUrl });
		expect(resumeUrlOf(context)).toBe(expected);
	});
});

describe('How a process finds its own n8n', () => {
	const INTERNAL = 'http://10.0.0.5:5678';
	const USUAL = 'http://127.0.0.1:5678';

	it.each<[string, string | undefined, (own: string) => string[], string[]]>([
		['at the internal address first', INTERNAL, () => [INTERNAL], ['internal']],
		['then at the address it is known by', INTERNAL, (own) => [own], ['internal', 'own']],
		['then at the default address', INTERNAL, () => [USUAL], ['internal', 'own', 'usual']],
		['at its known address first if it has no internal one', undefined, (own) => [own], ['own']],
		['nowhere if no address answers', INTERNAL, () => [], ['internal', 'own', 'usual']],
	])('%s', async (_, internal, answering, tried) => {
		const own = ownN8n();
		const right = answering(own);
		const { context, asked } = executionAt(own, (url) =>
			right.includes(new URL(url).origin) ? 'running' : undefined,
		);
		const address = await ownAddress(context, internal);
		const origins: Record<string, string> = { internal: INTERNAL, own, usual: USUAL };
		expect(asked.map((url) => new URL(url).origin)).toEqual(tried.map((name) => origins[name]));
		expect(address && new URL(address.resume).origin).toBe(right[0]);
	});

	it.each([
		['running', true],
		['waiting', false],
		['success', false],
		['canceled', false],
		['null', false],
		['Invalid token', false],
		['<html>Welcome to nginx!</html>', false],
		['', false],
		[{ status: 'running' }, false],
		[undefined, false],
	])('by the answer of its status address %p: %s', async (answer, isOwn) => {
		const { context } = executionAt(ownN8n(), () => answer);
		expect((await ownAddress(context, undefined)) !== undefined).toBe(isOwn);
	});

	/** The error with which a request of n8n's rejects. */
	const refusal = (status: number, message: string) =>
		Object.assign(new Error(`Request failed with status code ${status}`), {
			response: { status, data: JSON.stringify({ code: 0, message }) },
		});

	it.each([
		['2.8', 500, "Cannot read properties of undefined (reading 'executionData')", true],
		['2.41', 500, "Cannot read properties of undefined (reading 'resumeToken')", true],
		['another server', 500, 'Internal Server Error', false],
		['no such execution', 404, 'The execution "7" does not exist.', false],
	])(
		'by the error that n8n gives for a manual run that is not saved yet: %s',
		async (_, status, message, isOwn) => {
			const { context } = executionAt(ownN8n(), () => refusal(status, message));
			expect((await ownAddress(context, undefined)) !== undefined).toBe(isOwn);
		},
	);

	it('with the token, without changing anything, and without following a redirect', async () => {
		const own = ownN8n();
		const { context, calls } = executionAt(own);
		await ownAddress(context, undefined);
		expect(calls[0]).toMatchObject({
			url: `${own}/form-waiting/7/n8n-execution-status?${TOKEN}`,
			disableFollowRedirect: true,
		});
		expect(calls[0]?.method ?? 'GET').toBe('GET');
		expect(calls[0]?.timeout).toBeLessThanOrEqual(10_000);
	});

	it.each([
		['', ''],
		['/', ''],
		['/n8n', '/n8n'],
		['/n8n/', '/n8n'],
	])('with path and token kept at another address (%p)', async (path, prefix) => {
		const { context } = executionAt(ownN8n());
		expect(await ownAddress(context, `http://10.0.0.5:5678${path}`)).toEqual({
			resume: `http://10.0.0.5:5678${prefix}/webhook-waiting/7/n8n-nodes-midjourney?${TOKEN}`,
			status: `http://10.0.0.5:5678${prefix}/form-waiting/7/n8n-execution-status?${TOKEN}`,
		});
	});

	it('first at the address that has answered before', async () => {
		const own = ownN8n();
		const { context, asked } = executionAt(own, (url) =>
			url.startsWith(USUAL) ? 'running' : undefined,
		);
		await ownAddress(context, undefined);
		asked.length = 0;
		await ownAddress(context, undefined);
		expect(asked.map((url) => new URL(url).origin)).toEqual([USUAL]);
	});

	it('at the other addresses again when that one no longer answers', async () => {
		const own = ownN8n();
		let right = USUAL;
		const { context } = executionAt(own, (url) => (url.startsWith(right) ? 'running' : undefined));
		await ownAddress(context, undefined);
		right = own;
		expect((await ownAddress(context, undefined))?.resume.startsWith(own)).toBe(true);
	});

	it.each<[string, Record<string, unknown>]>([
		['does not know its addresses', {}],
		['knows none to resume', { resumeFormUrl: 'https://n8n.example.com/form-waiting/7' }],
		['knows none to ask', { resumeUrl: 'https://n8n.example.com/webhook-waiting/7' }],
		['knows nonsense', { resumeUrl: 'n8n/7', resumeFormUrl: 'n8n/7' }],
	])('not at all if n8n %s', async (_, execution) => {
		const { context } = executionAt('', () => 'running', execution);
		expect(await ownAddress(context, undefined)).toBeUndefined();
	});
});

describe('The status of an execution', () => {
	const address = { status: 'http://n8n/status', resume: '' };

	it.each([
		['waiting', 'waiting'],
		['null', 'null'],
		['', undefined],
		[undefined, undefined],
	])('%p: %p', async (answer, status) => {
		const { context } = executionAt('', () => answer);
		expect(await statusOf(context.helpers, address)).toBe(status);
	});
});

describe('Whether an execution can still be woken', () => {
	it.each([
		['waiting', true],
		['running', true],
		['new', true],
		[undefined, true],
		['success', false],
		['error', false],
		['canceled', false],
		['crashed', false],
		['null', false],
	])('when it is %p: %s', (status, expected) => {
		expect(isAlive(status)).toBe(expected);
	});
});

describe('Waking an execution', () => {
	const ADDRESS: OwnAddress = {
		resume: 'http://n8n/webhook-waiting/7/n8n-nodes-midjourney',
		status: 'http://n8n/form-waiting/7/n8n-execution-status',
	};

	interface Script {
		/** The status each time n8n is asked for it, the last one for ever; undefined: no answer. */
		stands?: Array<string | undefined>;
		/** n8n's answers to a wake in turn, the last one for ever; undefined: no answer. */
		answers?: Array<number | undefined>;
		/** How long n8n takes to give the status, in ms. */
		saysAfterMs?: number;
		/** Whether the execution still has to be woken at this time. */
		isDue?(at: number): boolean;
	}

	/** An n8n that answers by a script, and the requests it got. */
	function n8nSays({ stands = ['waiting'], answers = [200], saysAfterMs = 0, isDue }: Script) {
		const clock = new WaitClock();
		const questions: Array<IHttpRequestOptions & { at: number }> = [];
		const posts: Array<IHttpRequestOptions & { at: number }> = [];
		const nth = <T>(script: T[], number: number) => script[Math.min(number, script.length) - 1];
		const helpers = {
			httpRequest: async (options: IHttpRequestOptions) => {
				const call = { ...options, at: clock.time };
				if (options.method === 'POST') {
					posts.push(call);
					const statusCode = nth(answers, posts.length);
					if (statusCode === undefined) throw new Error('connect ECONNREFUSED');
					return { statusCode, body: {} };
				}
				questions.push(call);
				const status = nth(stands, questions.length);
				if (saysAfterMs > 0) await clock.sleep(saysAfterMs);
				if (status === undefined) throw new Error('connect ECONNREFUSED');
				return status;
			},
		};
		const due = isDue && (() => isDue(clock.time));
		const run = async () => await clock.until(wake(helpers, ADDRESS, 's', clock, due));
		return { clock, questions, posts, run };
	}

	const pausesOf = (calls: Array<{ at: number }>) =>
		calls.slice(1).map(({ at }, index) => at - (calls[index]?.at ?? 0));

	it.each<[string, Array<number | undefined>, string, number]>([
		['it was woken', [200], 'woken', 1],
		['it was woken, with another success', [204], 'woken', 1],
		['the token belongs to another execution', [401], 'gone', 1],
		['it was deleted', [404], 'gone', 1],
		['it is gone', [410], 'gone', 1],
		['it cannot be woken yet', [409, 409, 200], 'woken', 3],
		['it cannot be woken yet, then is gone', [409, 404], 'gone', 2],
		['n8n has trouble', [500, 503, 200], 'woken', 3],
		['n8n is not there for a moment', [undefined, 200], 'woken', 2],
		['a redirect to a login is no wake', [302, 200], 'woken', 2],
		['it can never be woken', [409], 'failed', 14],
		['n8n is in trouble', [500], 'failed', 14],
		['n8n is not there', [undefined], 'failed', 14],
	])('%s: %j: %s after %i calls', async (_, answers, outcome, calls) => {
		const n8n = n8nSays({ answers });
		expect(await n8n.run()).toBe(outcome);
		expect(n8n.posts).toHaveLength(calls);
	});

	it.each<[string, Array<string | undefined>, string, number, number]>([
		['is saved already', ['waiting'], 'woken', 1, 1],
		['is still being saved', ['running', 'running', 'waiting'], 'woken', 3, 1],
		['is new, then saved', ['new', 'running', 'waiting'], 'woken', 3, 1],
		['is never saved', ['running'], 'failed', 14, 0],
		['has succeeded', ['success'], 'gone', 1, 0],
		['has failed', ['error'], 'gone', 1, 0],
		['was stopped', ['canceled'], 'gone', 1, 0],
		['was lost with its process', ['crashed'], 'gone', 1, 0],
		['was deleted', ['null'], 'gone', 1, 0],
		['was stopped while it was being saved', ['running', 'canceled'], 'gone', 2, 0],
		['has no known status', [undefined], 'woken', 1, 1],
		['has no known status after a while', ['running', undefined], 'woken', 2, 1],
	])('that %s (%j): %s after %i questions, %i calls', async (_, stands, outcome, asked, calls) => {
		const n8n = n8nSays({ stands });
		expect(await n8n.run()).toBe(outcome);
		expect(n8n.questions).toHaveLength(asked);
		expect(n8n.posts).toHaveLength(calls);
	});

	it('asks for the status before each call', async () => {
		const n8n = n8nSays({ stands: ['waiting', 'waiting', 'success'], answers: [500] });
		expect(await n8n.run()).toBe('gone');
		expect(n8n.posts).toHaveLength(2);
	});

	it.each<[string, Script, number]>([
		['before', { isDue: () => false }, 1],
		['while n8n says how it stands', { saysAfterMs: 100, isDue: (at) => at < 50 }, 1],
		['while it is being saved', { stands: ['running'], isDue: (at) => at < 15 }, 2],
		['after a call that failed', { answers: [500], isDue: (at) => at < 15 }, 2],
	])('that somebody else has woken %s: gone, without another call', async (_, script, asked) => {
		const n8n = n8nSays(script);
		expect(await n8n.run()).toBe('gone');
		expect(n8n.questions).toHaveLength(asked);
		expect(n8n.posts.filter(({ at }) => script.isDue?.(at) !== true)).toEqual([]);
	});

	it('is a call that carries the secret of this wake', async () => {
		const n8n = n8nSays({});
		await n8n.run();
		expect(n8n.posts[0]).toMatchObject({
			method: 'POST',
			url: ADDRESS.resume,
			body: { midjourneyWake: 's' },
			disableFollowRedirect: true,
			ignoreHttpStatusErrors: true,
		});
	});

	it('asks for the status without the secret', async () => {
		const n8n = n8nSays({});
		await n8n.run();
		expect(n8n.questions[0]).toMatchObject({ url: ADDRESS.status, disableFollowRedirect: true });
		expect(n8n.questions[0]).not.toHaveProperty('body');
	});

	it.each<[string, Script]>([
		['n8n refuses', { answers: [409] }],
		['it is being saved', { stands: ['running'] }],
	])('is tried again after growing pauses while %s', async (_, script) => {
		const { questions, run } = n8nSays(script);
		await run();
		const pauses = [20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_000, 5_000, 5_000, 5_000, 5_000];
		expect(pausesOf(questions)).toEqual(pauses);
	});

	it('gives up before the timer of the wait runs the node, even if n8n answers nothing', async () => {
		const clock = new WaitClock();
		const asked: number[] = [];
		const helpers = {
			httpRequest: async ({ method, timeout = 0 }: IHttpRequestOptions) => {
				if (method !== 'POST') asked.push(clock.time);
				if (timeout === 0) return await never();
				await clock.sleep(timeout);
				throw new Error('timeout');
			},
		};
		expect(await clock.until(wake(helpers, ADDRESS, 's', clock))).toBe('failed');
		expect(asked.at(-1)).toBeLessThan(45_000);
		expect(clock.time).toBeLessThan(80_000);
	});
});

describe("n8n's protection against private addresses", () => {
	const REFUSAL = new Error(
		'The request was blocked because it resolves to a restricted IP address',
	);
	const HERE = 'http://10.1.1.1:5678';

	it('is named in the advice once it has refused a request, with what to do', async () => {
		expect(reachAdvice()).toBe(
			'Set the option Internal Base URL to an address at which n8n can be reached from inside.',
		);
		const { context } = executionAt(HERE, () => REFUSAL);
		expect(await ownAddress(context, undefined)).toBeUndefined();
		expect(reachAdvice()).toContain(
			`refuses ${HERE} and http://127.0.0.1:5678. Allow it in n8n's environment (N8N_SSRF_ALLOWED_IP_RANGES`,
		);
	});

	it.each<[string, unknown[], string[], boolean]>([
		['it refuses', [REFUSAL], ['http://10.1.1.4/webhook/x'], true],
		[
			'it lets one of them through',
			[REFUSAL, 'ok'],
			['http://10.1.1.2', 'https://n8n.example.com'],
			false,
		],
		[
			'a request fails for another reason',
			[new Error('connect ECONNREFUSED')],
			['http://10.1.1.3'],
			false,
		],
		['nothing is an address', [], ['no address', ''], false],
	])('is recognised by its own refusals alone: %s', async (_, answers, urls, expected) => {
		const left = [...answers];
		const { context, asked } = executionAt('', () => left.shift());
		expect(await areShut(context.helpers, urls)).toBe(expected);
		expect(asked).toHaveLength(answers.length);
	});
});
