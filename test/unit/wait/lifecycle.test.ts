import type { IDataObject, IExecuteFunctions, INode, INodeExecutionData } from 'n8n-workflow';

import { openCredential, type Result } from '../../../nodes/Midjourney/providers/http';
import type { Provider, TaskRequest } from '../../../nodes/Midjourney/providers/provider';
import type { Task } from '../../../nodes/Midjourney/providers/task';
import { processClock } from '../../../nodes/Midjourney/tasks/n8n/clock';
import { inputError } from '../../../nodes/Midjourney/tasks/n8n/nodeErrors';
import type { Settings } from '../../../nodes/Midjourney/tasks/settings';
import { begin, parkedState, resumeParked } from '../../../nodes/Midjourney/tasks/wait/lifecycle';
import type { Plan } from '../../../nodes/Midjourney/tasks/wait/plan';
import {
	newState,
	serialize,
	type Stage,
	type WaitState,
} from '../../../nodes/Midjourney/tasks/wait/state';
import { failing, found, memoryOver, SETTINGS } from './fakes';

const MINUTE = 60_000;
const POLL: Settings = { ...SETTINGS, waitMode: 'poll' };
const requestOf = (item: number): TaskRequest => ({
	kind: 'generateImage',
	mode: 'textToImage',
	prompt: `cup ${item}`,
});
let executions = 0;

/** How often the time may be read: code that loops without sleeping would hang the tests. */
const ENOUGH = 300_000;
beforeEach(() => {
	jest.useFakeTimers();
	const now = performance.now.bind(performance);
	let asked = 0;
	jest.spyOn(performance, 'now').mockImplementation(() => {
		if (++asked > ENOUGH) throw new Error('Goes round and round without sleeping');
		return now();
	});
});
afterEach(() => {
	jest.restoreAllMocks();
	jest.useRealTimers();
});

/** A provider whose tasks are as `read` says, and the requests it got. */
function providerOf(read: (taskId: string) => Result<Task>) {
	const submits: string[] = [];
	const reads: string[] = [];
	const provider: Provider = {
		name: 'midApi',
		displayName: 'Scripted',
		credentialType: 'scriptedApi',
		offers: () => true,
		preview: () => undefined,
		async submit(_http, request) {
			submits.push('prompt' in request ? (request.prompt ?? '') : '');
			return { ok: true, value: `new ${submits.length}` };
		},
		async read(_http, taskId) {
			reads.push(taskId);
			return read(taskId);
		},
	};
	return { provider, submits, reads };
}

/** One run of the node, in an execution that cannot park. */
function runOf({ continues = false, saved }: { continues?: boolean; saved?: string } = {}) {
	const node: INode = {
		id: '1',
		name: 'Midjourney',
		type: 'midjourney',
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
		onError: continues ? 'continueRegularOutput' : undefined,
	};
	const executionId = String(++executions);
	const store: IDataObject = {};
	const cancel = new AbortController();
	const data = { main: [[]], ...(saved && { parked: [[{ json: { parked: saved } }]] }) };
	const words = () => {};
	const context = {
		getNode: () => node,
		getInputData: () => Array.from({ length: 3 }, () => ({ json: {} })),
		getMode: () => 'manual',
		getExecutionId: () => executionId,
		getContext: () => store,
		getCredentials: async () => ({ apiKey: 'key', baseUrl: 'https://api.example.com' }),
		getInstanceId: () => 'this n8n',
		getWorkflowDataProxy: () => ({ $runIndex: 0, $execution: {} }),
		getExecutionCancelSignal: () => cancel.signal,
		getExecuteData: () => ({ node, data }),
		getParentNodes: () => [],
		continueOnFail: () => continues,
		setMetadata: words,
		putExecutionToWait: async () => {},
		logger: { debug: words, info: words, warn: words, error: words },
		helpers: { httpRequest: async () => await Promise.reject(new Error('connect ECONNREFUSED')) },
	} as unknown as IExecuteFunctions;
	return { context, node, store, executionId, cancel };
}

const beginIn = async (context: IExecuteFunctions, provider: Provider, plan: Plan) =>
	await begin(context, provider, await openCredential(context, provider.credentialType), plan);

const planOf = (items: number, settings: Settings = POLL, more: Partial<Plan> = {}): Plan => ({
	operation: 'image:generate',
	submits: Array.from({ length: items }, (_, itemIndex) => ({
		itemIndex,
		part: 0,
		request: requestOf(itemIndex),
		settings,
	})),
	waits: [],
	refused: [],
	written: {},
	...more,
});

/** Lets time pass until the work is done, so many ms at most. */
async function within(ms: number, work: Promise<INodeExecutionData[]>) {
	let end: { items: INodeExecutionData[] } | { error: unknown } | undefined;
	work.then(
		(items) => (end = { items }),
		(error: unknown) => (end = { error }),
	);
	for (let passed = 0; passed < ms && !end; passed += 1_000) {
		await jest.advanceTimersByTimeAsync(1_000);
	}
	if (!end) throw new Error('Not done');
	if ('error' in end) throw end.error;
	return end.items.map(({ json }) => json);
}

describe('Waiting in the foreground', () => {
	it('gives the results of what was bought', async () => {
		const { provider, submits } = providerOf((id) => found('completed', id));
		const items = await within(MINUTE, beginIn(runOf().context, provider, planOf(3)));
		expect(items.map(({ taskId }) => taskId)).toEqual(['new 1', 'new 2', 'new 3']);
		expect(submits).toHaveLength(3);
	});

	it('goes on beyond an hour while other executions begin', async () => {
		let isDone = false;
		const slow = providerOf((id) => found(isDone ? 'completed' : 'running', id));
		const settings = { ...POLL, timeLimitMs: 180 * MINUTE };
		const waiting = beginIn(runOf().context, slow.provider, planOf(1, settings));
		waiting.catch(() => {});
		await jest.advanceTimersByTimeAsync(61 * MINUTE);
		const quick = providerOf((id) => found('completed', id));
		await within(MINUTE, beginIn(runOf().context, quick.provider, planOf(1)));
		isDone = true;
		expect(await within(5 * MINUTE, waiting)).toMatchObject([{ status: 'completed' }]);
	});
});

describe("Don't Wait", () => {
	const settings: Settings = { ...SETTINGS, waitMode: 'dontWait' };

	it('gives the task ids and reads nothing', async () => {
		const { provider, reads } = providerOf((id) => found('running', id));
		const items = await within(MINUTE, beginIn(runOf().context, provider, planOf(2, settings)));
		expect(items.map(({ taskId }) => taskId)).toEqual(['new 1', 'new 2']);
		expect(reads).toEqual([]);
	});

	it('gives the task ids beside an item that was refused', async () => {
		const { provider } = providerOf((id) => found('running', id));
		const { context, node } = runOf({ continues: true });
		const refused = [{ itemIndex: 1, problem: inputError(node, 1, 'Too long') }];
		const items = await within(
			MINUTE,
			beginIn(context, provider, planOf(1, settings, { refused })),
		);
		expect(items[0]).toMatchObject({ taskId: 'new 1' });
		expect(items).toHaveLength(2);
	});
});

describe('A run that comes after the time limit', () => {
	const saved = (executionId: string, deadline: number): WaitState =>
		newState({
			executionId,
			operation: 'image:generate',
			progressAt: 0,
			nonce: `nonce ${executionId}`,
			tasks: ['a', 'b'].map((taskId, itemIndex) => ({
				itemIndex,
				settings: POLL,
				reads: 0,
				stage: { at: 'bought', taskId, since: deadline - MINUTE, deadline, fresh: true },
			})),
		});

	it.each([
		['a second', 1_000],
		['a minute', MINUTE],
		['an hour, when n8n was down', 60 * MINUTE],
	])('by %s gives the results of completed tasks', async (_, late) => {
		const { provider } = providerOf((id) => found('completed', id));
		const { context, executionId } = runOf();
		const state = saved(executionId, processClock.now() - late);
		const items = await within(MINUTE, resumeParked(context, provider, state, {}));
		expect(items).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
	});

	it('names the tasks that are still open', async () => {
		const { provider } = providerOf((id) => found('running', id));
		const { context, executionId } = runOf();
		const state = saved(executionId, processClock.now() - MINUTE);
		await expect(within(MINUTE, resumeParked(context, provider, state, {}))).rejects.toThrow(
			'task a',
		);
	});
});

describe('A retry of an execution that was parked', () => {
	const request = requestOf(0);
	const key = memoryOver({}).keyOf({ itemIndex: 0, part: 0, request, settings: POLL });
	const stages = {
		toBuy: { at: 'toBuy', request, attempts: 0 },
		sending: { at: 'sending', request, attempts: 0 },
		unknown: { at: 'unknown', since: 0, until: 0 },
		bought: { at: 'bought', taskId: 'old', since: 0, deadline: 1, fresh: true },
	} satisfies Record<string, Stage>;
	const savedAt = (at: keyof typeof stages) =>
		newState({
			executionId: 'another',
			operation: 'image:generate',
			progressAt: 0,
			nonce: 'n',
			tasks: [{ itemIndex: 0, key, settings: POLL, reads: 0, stage: stages[at] }],
		});

	it.each([
		['to be bought', 'toBuy', 1],
		['perhaps sent', 'sending', 0],
		['perhaps taken', 'unknown', 0],
		['bought', 'bought', 0],
	] as const)('what was %s: %s, %i submits', async (_, at, count) => {
		const { provider, submits } = providerOf((id) => found('completed', id));
		const { context } = runOf({ saved: serialize(savedAt(at)) });
		expect(parkedState(context)).toBeUndefined();
		await within(MINUTE, beginIn(context, provider, planOf(1))).catch(() => {});
		expect(submits).toHaveLength(count);
	});

	it('picks up what was bought', async () => {
		const { provider } = providerOf((id) => found('completed', id));
		const { context } = runOf({ saved: serialize(savedAt('bought')) });
		const items = await within(MINUTE, beginIn(context, provider, planOf(1)));
		expect(items).toMatchObject([{ taskId: 'old', status: 'completed' }]);
	});

	it('picks up a task that a call has named for a submit whose answer was lost', async () => {
		const { provider } = providerOf((id) => found('completed', id));
		const { context, store } = runOf({ saved: serialize(savedAt('bought')) });
		const memory = memoryOver(store, 'another');
		memory.sending(key, 0);
		memory.ambiguous(key, failing('timedOut').failure);
		const items = await within(MINUTE, beginIn(context, provider, planOf(1)));
		expect(items).toMatchObject([{ taskId: 'old', status: 'completed' }]);
	});

	it.each(['sending', 'bought'] as const)(
		'by another version of this package buys nothing that was %s',
		async (at) => {
			const { provider, submits } = providerOf((id) => found('completed', id));
			const saved = JSON.stringify({ ...savedAt(at), version: 2 });
			const { context } = runOf({ saved });
			await within(
				MINUTE,
				(async () => {
					expect(parkedState(context)).toBeUndefined();
					return await beginIn(context, provider, planOf(1));
				})(),
			).catch(() => {});
			expect(submits).toEqual([]);
		},
	);
});

describe('An execution that another version of this package has parked', () => {
	it('ends in an error that names what was bought', () => {
		const { context, executionId } = runOf();
		const saved = JSON.stringify({ version: 2, executionId, tasks: [{ taskId: 'paid' }] });
		Object.assign(context.getExecuteData().data, {
			parked: [[{ json: { parked: saved } }]],
		});
		expect(() => parkedState(context)).toThrow(
			expect.objectContaining({ description: expect.stringContaining('paid') }),
		);
	});
});

describe('When the execution is cancelled', () => {
	it('the error names the tasks that go on', async () => {
		const { provider } = providerOf((id) => found('running', id));
		const { context, cancel } = runOf();
		const work = beginIn(context, provider, planOf(2));
		work.catch(() => {});
		await jest.advanceTimersByTimeAsync(10_000);
		cancel.abort();
		await expect(within(2_000, work)).rejects.toThrow(/new 1, new 2/);
	});
});
