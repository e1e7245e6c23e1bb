import type { IDataObject, INodeExecutionData, IWebhookFunctions } from 'n8n-workflow';
import { sign } from '../../nodes/Midjourney/providers/callback';
import type { Answer } from '../../nodes/Midjourney/providers/http';
import { midApi } from '../../nodes/Midjourney/providers/midApi';
import type { Provider } from '../../nodes/Midjourney/providers/Provider';
import type { Task } from '../../nodes/Midjourney/providers/Task';
import { resume } from '../../nodes/Midjourney/tasks/park';
import { FakeClock } from './fakeClock';
import { SETTINGS } from './fixtures';

type Status = Task['status'] | 'unknown' | 'unreachable';

/** A parked execution that waits for tasks in these states, and a call that arrives for it. */
function stage(
	states: Record<string, Status>,
	{
		nonce = 'n',
		body = {},
		headers = {},
		webhookSecret = '',
		onError,
		saved,
		looksInMs,
		credentials,
		readMs = 0,
		chance = () => 0.999,
	}: {
		nonce?: string;
		body?: unknown;
		headers?: Record<string, string>;
		webhookSecret?: string;
		onError?: string;
		saved?: string;
		/** The node runs again by itself, in that many ms. Without it the call is all there is. */
		looksInMs?: number;
		credentials?: 'gone';
		readMs?: number;
		/** What the order of reading is drawn from; by default nothing is shuffled. */
		chance?: () => number;
	} = {},
) {
	const clock = new FakeClock(chance);
	const reads: string[] = [];
	const answers: Array<{ status: number; body: unknown }> = [];
	const logged: string[] = [];
	const provider: Provider = {
		...midApi,
		async read(_http, taskId): Promise<Answer<Task>> {
			reads.push(taskId);
			if (readMs > 0) await clock.sleep(readMs);
			const status = states[taskId] ?? 'unknown';
			if (status === 'unknown' || status === 'unreachable') {
				const reason = status === 'unknown' ? 'notFound' : 'serverError';
				return { ok: false, failure: { reason, taken: 'no', passing: status !== 'unknown' } };
			}
			const url = 'https://files.example.com/0.png';
			return {
				ok: true,
				value: {
					provider: 'midApi',
					taskId,
					status,
					outputs: status === 'completed' ? [{ index: 0, type: 'image', url }] : [],
					error: status === 'failed' ? { message: 'rejected' } : undefined,
					raw: {},
				},
			};
		},
	};
	const waits = Object.keys(states).map((taskId, itemIndex) => ({
		nonce: 'n',
		itemIndex,
		taskId,
		settings: { ...SETTINGS, reference: `ref ${itemIndex}` },
		since: 0,
		deadline: 600_000,
		polls: 1,
	}));
	const until = clock.now() + (looksInMs ?? 600_000);
	const parked = JSON.stringify({ executionId: '1', operation: 'image:generate', until, waits });
	const executeData = {
		node: { name: 'Midjourney' },
		data:
			looksInMs === undefined
				? { main: [[{ json: { parked } }]] }
				: { main: [], parked: [[{ json: { parked } }]] },
		metadata: { resumeError: 'the time limit', resumeUrl: 'u' },
	};
	const context = {
		executeData,
		evaluateExpression: () => saved ?? executeData.data.main[0]?.[0]?.json.parked,
		getQueryData: () => ({ mjNonce: nonce }),
		getBodyData: () => body,
		getHeaderData: () => headers,
		getNode: () => ({ name: 'Midjourney', type: 'midjourney', onError }),
		getCredentials: async () => {
			if (credentials === 'gone') throw new Error('The credential is gone');
			return { baseUrl: 'https://api.example.com', apiKey: 'k', webhookSecret };
		},
		getResponseObject: () => ({
			status: (status: number) => ({
				json: (sent: unknown) => answers.push({ status, body: sent }),
			}),
		}),
		helpers: {},
		logger: { error: (message: string) => logged.push(message) },
	} as unknown as IWebhookFunctions;
	return {
		clock,
		call: async () => await clock.until(resume(context, provider, clock)),
		reads,
		answers,
		logged,
		metadata: () => executeData.metadata,
	};
}

describe('A call for a parked execution', () => {
	it.each<[string, Record<string, Status>, Parameters<typeof stage>[1], number]>([
		['while a task is open', { a: 'running' }, {}, 200],
		['of another wait', { a: 'completed' }, { nonce: 'other' }, 404],
		['that finds nothing parked', { a: 'completed' }, { saved: '[{}]' }, 404],
		['while the provider cannot be asked', { a: 'unreachable' }, {}, 503],
		[
			'without the signature that the credential asks for',
			{ a: 'completed' },
			{ webhookSecret: 's' },
			401,
		],
	])('%s resumes nothing and is answered', async (_, states, call, status) => {
		const { call: arrive, answers } = stage(states, call);
		expect(await arrive()).toEqual({ noWebhookResponse: true });
		expect(answers.map((answer) => answer.status)).toEqual([status]);
	});

	it.each<[string, Record<string, Status>, object]>([
		['wakes it when all has ended', { a: 'completed', b: 'failed' }, { workflowData: [] }],
		['lets it wait on while a task is open', { a: 'completed', b: 'running' }, {}],
	])('whose node looks again by itself %s', async (_, states, result) => {
		const { call: arrive, answers } = stage(states, { looksInMs: 200_000 });
		expect(await arrive()).toEqual({ noWebhookResponse: true, ...result });
		expect(answers.map(({ status }) => status)).toEqual([200]);
	});

	it('shortly before the next look leaves it to that: n8n has set a timer, which nobody takes back', async () => {
		const before = stage({ a: 'completed' }, { looksInMs: 76_000 });
		expect(await before.call()).toHaveProperty('workflowData');
		const shortlyBefore = stage({ a: 'completed' }, { looksInMs: 74_000 });
		expect(await shortlyBefore.call()).not.toHaveProperty('workflowData');
		expect(shortlyBefore.answers.map(({ status }) => status)).toEqual([200]);
		expect(shortlyBefore.reads).toEqual([]);
	});

	it('that claims what is not so changes nothing: only the provider is believed', async () => {
		const body = {
			code: 200,
			data: { taskId: 'a', resultUrls: ['https://evil.example.com/x.png'] },
		};
		const { call } = stage({ a: 'running' }, { body });
		expect(await call()).not.toHaveProperty('workflowData');
	});

	it.each([undefined, null, 'no JSON', [], { data: 5 }])(
		'with the body %j is handled',
		async (body) => {
			const { call } = stage({ a: 'completed' }, { body });
			expect(await call()).toHaveProperty('workflowData');
		},
	);

	it('with the right signature is let in', async () => {
		const timestamp = String(0);
		const headers = {
			'x-webhook-timestamp': timestamp,
			'x-webhook-signature': sign(`a.${timestamp}`, 's'),
		};
		const { call } = stage(
			{ a: 'completed' },
			{ webhookSecret: 's', headers, body: { data: { taskId: 'a' } } },
		);
		expect(await call()).toHaveProperty('workflowData');
	});
});

describe('When the last task is terminal', () => {
	it('the items come out in order, paired, with their references', async () => {
		const { call, answers, metadata } = stage({ a: 'completed', b: 'completed', c: 'completed' });
		const { workflowData } = await call();
		expect(
			workflowData?.[0]?.map(({ json, pairedItem }) => [
				json.taskId,
				json.reference,
				json.via,
				pairedItem,
			]),
		).toEqual([
			['a', 'ref 0', 'callback', { item: 0 }],
			['b', 'ref 1', 'callback', { item: 1 }],
			['c', 'ref 2', 'callback', { item: 2 }],
		]);
		expect(answers.map(({ status }) => status)).toEqual([200]);
		expect(metadata()).toEqual({ resumeUrl: 'u' });
	});

	it('a failed one fails the node, and marks the items for an n8n that cannot fail here', async () => {
		const { call, metadata } = stage({ a: 'completed', b: 'failed' });
		const { workflowData } = await call();
		const { resumeError } = metadata();
		expect(resumeError).toMatchObject({ message: expect.stringContaining('task b [item 1]') });
		expect(workflowData?.[0]?.map(({ json }) => json.status)).toEqual(['completed', 'failed']);
	});

	it.each([
		['continueRegularOutput', (json: IDataObject) => json],
		// In the form that is still whole when n8n has saved it, and that n8n routes to the error output.
		['continueErrorOutput', ({ error }: IDataObject) => error],
	])('with %s a failed one becomes an item that keeps all it has', async (onError, fieldsOf) => {
		const { call, metadata } = stage({ a: 'completed', b: 'failed' }, { onError });
		const { workflowData } = await call();
		const items = JSON.parse(JSON.stringify(workflowData?.[0])) as INodeExecutionData[];
		expect(items[0]?.json.status).toBe('completed');
		expect(fieldsOf(items[1]?.json ?? {})).toMatchObject({
			taskId: 'b',
			status: 'failed',
			reference: 'ref 1',
			errorMessage: expect.stringContaining('task b [item 1]'),
		});
		expect(items[1]).not.toHaveProperty('json.error.error');
		expect(metadata()).not.toHaveProperty('resumeError');
	});

	it('one that the provider has forgotten is told, and does not hold up the others', async () => {
		const { call } = stage({ a: 'completed', b: 'unknown' }, { onError: 'continueRegularOutput' });
		const { workflowData } = await call();
		expect(workflowData?.[0]?.[1]?.json.errorMessage).toContain('does not know the task');
	});
});

describe('A slow provider', () => {
	it('does not keep the caller waiting until it gives up, and the execution goes on all the same', async () => {
		const { call, answers, clock } = stage({ a: 'completed' }, { readMs: 20_000 });
		let answeredAt = 0;
		answers.push = (...sent) => {
			answeredAt = clock.now();
			return Array.prototype.push.apply(answers, sent);
		};
		expect(await call()).toHaveProperty('workflowData');
		expect(answers.map(({ status }) => status)).toEqual([202]);
		expect(answeredAt).toBeLessThan(15_000);
	});
});

describe('Looks', () => {
	const states = (count: number, open: number[]) =>
		Object.fromEntries(
			Array.from({ length: count }, (_, index): [string, Status] => [
				`t${index}`,
				open.includes(index) ? 'running' : 'completed',
			]),
		);

	it.each([
		['the first is open', 100, [0, 50], 1],
		['the second is open', 100, [1], 3],
		['the tenth is open', 100, [9], 15],
		['none is open', 100, [], 100],
	])('go no further than needed: %s', async (_, count, open, least) => {
		const { call, reads } = stage(states(count, open));
		await call();
		expect(reads).toHaveLength(least);
	});

	/** A small generator, so that the figures are the same every time. */
	function chances(): () => number {
		let seed = 7;
		return () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
	}
	const count = 100;
	const inOrder = Array.from({ length: count }, (_, index) => index);
	const draw = chances();
	const atRandom = inOrder
		.map((index) => ({ index, key: draw() }))
		.sort((a, b) => a.key - b.key)
		.map(({ index }) => index);

	it.each([
		['the order of their submits', inOrder],
		['the opposite order', [...inOrder].reverse()],
		['random order', atRandom],
	])('for 100 tasks that end in %s are in the order of N log N', async (_, order) => {
		const chance = chances();
		let total = 0;
		for (let done = 1; done <= count; done++) {
			const { call, reads } = stage(states(count, order.slice(done)), { chance });
			await call();
			total += reads.length;
		}
		// N ln N is 461; batches read at most twice as far as needed.
		expect(total).toBeLessThan(2 * count * Math.log(count) + 2 * count);
	});
});

describe('Whatever happens', () => {
	it('nothing is thrown, the caller is asked to call again, and the log says why', async () => {
		const { call, answers, logged } = stage({ a: 'completed' }, { credentials: 'gone' });
		expect(await call()).toEqual({ noWebhookResponse: true });
		expect(answers.map(({ status }) => status)).toEqual([503]);
		expect(logged.join()).toContain('The credential is gone');
	});
});
