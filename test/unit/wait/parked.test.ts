/* eslint-disable @n8n/community-nodes/no-restricted-globals -- the sleep of a provider in these tests */
import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	INode,
	INodeExecutionData,
	IWebhookFunctions,
} from 'n8n-workflow';

import { openCredential, type Result } from '../../../nodes/Midjourney/providers/http';
import type { Provider } from '../../../nodes/Midjourney/providers/provider';
import type { Task } from '../../../nodes/Midjourney/providers/task';
import type { Settings } from '../../../nodes/Midjourney/tasks/settings';
import { begin, parkedState, resumeParked } from '../../../nodes/Midjourney/tasks/wait/lifecycle';
import type { Plan } from '../../../nodes/Midjourney/tasks/wait/plan';
import { onCall } from '../../../nodes/Midjourney/tasks/wait/onCall';
import { failing, found, SETTINGS } from './fakes';

/** Parked executions in a minimal n8n, which saves, answers calls, and runs the node again when it is woken. */

beforeEach(() => {
	jest.useFakeTimers();
	jest.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
	jest.restoreAllMocks();
	jest.useRealTimers();
});

let count = 0;
const words = () => {};
const logger = { debug: words, info: words, warn: words, error: words };
const sleep = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

interface Seller {
	submit?(nth: number): Result<string>;
	/** The answer to a read `ms` after the first submit. */
	read(taskId: string, ms: number): Result<Task> | Promise<Result<Task>>;
}

/** Runs so many items to their end, for so many ms at most. */
async function run(items: number, settings: Partial<Settings>, seller: Seller, withinMs: number) {
	const base = `https://parked-${++count}.example.com`;
	const executionId = `parked ${count}`;
	const node: INode = {
		id: '1',
		name: 'Midjourney',
		type: 'midjourney',
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
	};
	const submits: Array<{ prompt: string; at: number }> = [];
	const reads: string[] = [];
	let begun = NaN;
	const provider: Provider = {
		name: 'midApi',
		displayName: 'Scripted',
		credentialType: 'scriptedApi',
		offers: () => true,
		preview: () => undefined,
		async submit(_http, request) {
			const prompt = 'prompt' in request ? (request.prompt ?? '') : '';
			if (submits.length === 0) begun = Date.now();
			submits.push({ prompt, at: Date.now() - begun });
			return seller.submit?.(submits.length) ?? { ok: true, value: `task of ${prompt}` };
		},
		async read(_http, taskId) {
			reads.push(taskId);
			return await seller.read(taskId, Date.now() - begun);
		},
	};
	const plan: Plan = {
		operation: 'image:generate',
		submits: Array.from({ length: items }, (_, itemIndex) => ({
			itemIndex,
			part: 0,
			request: { kind: 'generateImage', mode: 'textToImage', prompt: `cup ${itemIndex}` },
			settings: { ...SETTINGS, ...settings },
		})),
		waits: [],
		refused: [],
		written: {},
	};

	type Data = Record<string, unknown>;
	const store: IDataObject = {};
	const $execution = {
		resumeUrl: `${base}/webhook-waiting/7`,
		resumeFormUrl: `${base}/form-waiting/7`,
	};
	let status: 'running' | 'waiting' | 'over' = 'running';
	let data: Data = { main: [[]] };
	let runs = 0;
	let asked = 0;
	let isPut = false;
	let shown: INodeExecutionData[] = [];
	let end: { items: INodeExecutionData[] } | { error: unknown } | undefined;
	let endedAt = NaN;

	async function callIn(options: IHttpRequestOptions): Promise<unknown> {
		if (options.url.includes('n8n-execution-status')) {
			if (!isPut) asked++;
			return status;
		}
		if (status !== 'waiting') return { statusCode: 409 };
		let statusCode = 200;
		const executeData = { node, data: { ...data } };
		const context = {
			executeData,
			runExecutionData: { executionData: { nodeExecutionStack: [executeData] } },
			getBodyData: () => options.body,
			getQueryData: () => ({}),
			getHeaderData: () => ({}),
			getNode: () => node,
			getResponseObject: () => ({
				status: (code: number) => {
					statusCode = code;
					return { json: words };
				},
			}),
			logger,
		} as unknown as IWebhookFunctions;
		const { workflowData } = await onCall(context, provider);
		if (workflowData && status === 'waiting') {
			status = 'running';
			data = executeData.data;
			void execute();
		}
		return { statusCode };
	}

	async function execute() {
		runs++;
		const entry = { node: { ...node }, data };
		isPut = false;
		const context = {
			runExecutionData: { executionData: { nodeExecutionStack: [] } },
			getNode: () => node,
			getInputData: () => plan.submits.map(() => ({ json: {} })),
			getMode: () => 'trigger',
			getExecutionId: () => executionId,
			getContext: () => store,
			getCredentials: async () => ({ apiKey: 'key', baseUrl: 'https://api.example.com' }),
			getInstanceId: () => 'this n8n',
			getWorkflowDataProxy: () => ({ $runIndex: 0, $execution }),
			getExecutionCancelSignal: () => undefined,
			getExecuteData: () => entry,
			getParentNodes: () => [],
			setMetadata: words,
			putExecutionToWait: async () => {
				isPut = true;
			},
			logger,
			helpers: { httpRequest: callIn },
		} as unknown as IExecuteFunctions;
		try {
			const parked = parkedState(context);
			const items = parked
				? await resumeParked(context, provider, parked, {})
				: await begin(
						context,
						provider,
						await openCredential(context, provider.credentialType),
						plan,
					);
			if (isPut) {
				if (items.length > 0) shown = items;
				data = { ...entry.data };
				status = 'waiting';
				return;
			}
			end = { items };
		} catch (error) {
			end = { error };
		}
		status = 'over';
		endedAt = Date.now();
	}

	void execute();
	const start = Date.now();
	while (!end && Date.now() - start < withinMs) await jest.advanceTimersByTimeAsync(50);
	return {
		submits,
		reads,
		runs,
		/** How often the node asked n8n for its status before it parked. */
		asked,
		/** What the editor showed in the meantime. */
		shown: shown.map(({ json }) => json),
		/** Since the first submit, in ms. */
		ms: endedAt - begun,
		items: end && 'items' in end ? end.items.map(({ json }) => json) : undefined,
		error: end && 'error' in end ? end.error : undefined,
		isOver: end !== undefined,
	};
}

const after =
	(endMs: number): Seller['read'] =>
	(taskId, ms) =>
		found(ms >= endMs ? 'completed' : 'running', taskId);

describe('A parked execution', () => {
	it('runs three times for one task: intent, submit, result', async () => {
		const { runs, items, ms } = await run(1, {}, { read: after(6_000) }, 60_000);
		expect(items).toMatchObject([{ taskId: 'task of cup 0', status: 'completed' }]);
		expect(runs).toBe(3);
		// No call comes, though one could.
		expect(ms).toBeLessThan(11_000);
	});

	it('shows only what tells open tasks apart, because n8n loads it at each call', async () => {
		const { shown } = await run(2, { reference: 'spring' }, { read: after(6_000) }, 60_000);
		expect(shown).toEqual(
			[0, 1].map((nth) => ({
				...{ taskId: `task of cup ${nth}`, status: 'pending' },
				...{ prompt: `cup ${nth}`, reference: 'spring' },
			})),
		);
	});

	it('asks n8n once whether it can be woken, however often it is woken', async () => {
		const { runs, asked } = await run(25, {}, { read: after(6_000) }, 60_000);
		expect(runs).toBeGreaterThan(4);
		expect(asked).toBe(1);
	});

	it.each([10, 25, 60])('buys each of %i tasks once, and gives all results', async (n) => {
		const { submits, items } = await run(n, {}, { read: after(6_000) }, 60_000);
		expect(items).toHaveLength(n);
		expect(new Set(submits.map(({ prompt }) => prompt)).size).toBe(n);
		expect(submits).toHaveLength(n);
	});

	it('goes on buying after a pause for the rate limit, each task once', async () => {
		const read = after(6_000);
		const taken = new Map<number, Result<string>>();
		const submit = (nth: number) =>
			nth === 3 ? failing('rateLimited', { retryAfterMs: 10_000 }) : taken.get(nth);
		const { submits, items } = await run(
			10,
			{},
			{ read, submit: (nth) => submit(nth) ?? { ok: true, value: `task ${nth}` } },
			120_000,
		);
		expect(items).toHaveLength(10);
		expect(submits).toHaveLength(11);
		expect(submits.filter(({ at }) => at > 1_000 && at < 10_000)).toEqual([]);
	});

	it('gives the results after the timer has run it in the middle of a read', async () => {
		// Each read takes long, so that n8n's timer after five minutes comes in the middle of one.
		const read: Seller['read'] = async (taskId, ms) => {
			await sleep(20_000);
			return found(ms >= 285_000 ? 'completed' : 'running', taskId);
		};
		const settings = { timeLimitMs: 900_000, schedule: { longest: 1_000 } };
		const { items, ms } = await run(3, settings, { read }, 1_200_000);
		expect(items).toMatchObject(Array(3).fill({ status: 'completed' }));
		expect(ms).toBeLessThan(360_000);
	});
});

describe('A parked execution at its time limit', () => {
	const limit = { timeLimitMs: 30_000 };

	it('ends in an error that names the open tasks', async () => {
		const { error, ms, runs } = await run(1, limit, { read: after(Infinity) }, 200_000);
		expect(String(error)).toContain('task of cup 0');
		expect(ms).toBeLessThan(37_000);
		expect(runs).toBeLessThanOrEqual(5);
	});

	it('is not run over and over while its last read is under way', async () => {
		const read: Seller['read'] = async (taskId, ms) => {
			if (ms >= 29_990) await sleep(4_000);
			return found('running', taskId);
		};
		const { isOver, runs } = await run(1, limit, { read }, 200_000);
		expect(isOver).toBe(true);
		expect(runs).toBeLessThanOrEqual(5);
	});

	it('gives the results that its last read shows', async () => {
		const read: Seller['read'] = async (taskId, ms) => {
			if (ms < 29_990) return found('running', taskId);
			await sleep(2_000);
			return found('completed', taskId);
		};
		const { items } = await run(1, limit, { read }, 200_000);
		expect(items).toMatchObject([{ status: 'completed' }]);
	});

	it.each<[string, Seller['read']]>([
		['the provider asks for a pause', () => failing('rateLimited', { retryAfterMs: 120_000 })],
		['reads hang', async () => await sleep(600_000).then(() => failing('timedOut'))],
	])('ends although %s', async (_, read) => {
		const { ms, isOver } = await run(1, limit, { read }, 200_000);
		expect(isOver).toBe(true);
		expect(ms).toBeLessThan(45_000);
	});
});
