import type { IRunExecutionData } from 'n8n-workflow';

import type { Result, Scenario } from './harness';
import { useEngine } from './setup';

/**
 * What makes n8n run a parked node again leans on how its engine treats an entry without input and the entry under it
 * (tasks/internals.ts). These tests run in that engine, so that an n8n that treats them otherwise is noticed.
 */

const bench = useEngine({ latencyMs: Infinity });

const MINUTE = 60_000;
const callback = { waitMode: 'callback' };
const eachPrompt = { ...callback, prompt: '={{ $json.prompt }}' };
const two = { items: [{ prompt: 'a cup' }, { prompt: 'a bowl' }] };

afterEach(() => jest.restoreAllMocks());

/** Lets the time of everybody in this process pass. */
function later(ms: number): void {
	const now = Date.now();
	jest.spyOn(Date, 'now').mockImplementation(() => now + ms);
}

/** n8n when the time of a wait is up, or a call has come: it goes on from what it has saved. */
const wake = async (
	{ data }: Result,
	parameters: Scenario['parameters'] = callback,
	scenario: Partial<Scenario> = {},
) => await bench.generate(parameters, { ...scenario, retryOf: data });

const waitOf = ({ waitTill }: IRunExecutionData) => new Date(String(waitTill)).getTime();

const finish = (position: number) =>
	bench.emulator.finish(String(bench.emulator.ledger.submits[position]?.taskId));

const idOf = (position: number) => String(bench.emulator.ledger.submits[position]?.taskId);

const runsOf = ({ data }: Result) => data.resultData.runData.Midjourney;

describe('A parked node looks again', () => {
	it.each([
		['after five minutes, when the provider will call', {}, 5 * MINUTE],
		['at the time limit, if that is sooner', { timeLimit: 0.5 }, MINUTE / 2],
	])('%s', async (_, options, ms) => {
		const before = Date.now();
		const { data } = await bench.generate({ ...callback, options });
		expect(waitOf(data)).toBeGreaterThanOrEqual(before + ms);
		expect(waitOf(data)).toBeLessThanOrEqual(Date.now() + ms);
	});

	it.each([
		['after a minute', 0, MINUTE],
		['less often the longer it waits', 12 * MINUTE, 3 * MINUTE],
		['every five minutes at least', 25 * MINUTE, 5 * MINUTE],
	])('when the provider will not call: %s', async (_, waited, pause) => {
		const first = await bench.generate(callback);
		later(waited);
		// Another execution: a retry. The tasks of the first call that one.
		const { data } = await wake(first, callback, { executionId: '2' });
		expect(waitOf(data) - Date.now()).toBeGreaterThanOrEqual(pause);
		expect(waitOf(data) - Date.now()).toBeLessThan(pause + 10_000);
	});

	it.each([
		['one minute, when the provider will call', '1', 1],
		// One more look picks the task up.
		['three minutes, when it will not', '2', 4],
	])('by Auto after %s', async (_, executionId, looks) => {
		// In another execution, a retry, its tasks are picked up, and they call the first.
		const first = executionId === '1' ? undefined : await bench.generate(callback);
		for (const { node } of first?.data.executionData?.nodeExecutionStack ?? []) {
			node.parameters.waitMode = 'auto';
		}
		const { reads } = bench.emulator.ledger;
		reads.length = 0;
		const { now } = Date;
		// A good minute passes with each look.
		jest.spyOn(Date, 'now').mockImplementation(() => now() + reads.length * 61_000);
		const auto = { waitMode: 'auto' };
		const { status } = first
			? await wake(first, auto, { executionId })
			: await bench.generate(auto);
		expect(status).toBe('waiting');
		expect(reads).toHaveLength(looks);
	});

	it('and waits on while a task is open: no run more, nothing behind it, nothing bought', async () => {
		let result = await bench.generate(callback);
		for (let looks = 0; looks < 3; looks++) result = await wake(result);
		expect(result.status).toBe('waiting');
		expect(runsOf(result)).toHaveLength(1);
		expect(result.after).toEqual([]);
		expect(result.data.executionData?.nodeExecutionStack).toHaveLength(2);
		expect(bench.emulator.ledger.submits).toHaveLength(1);
		// One before parking.
		expect(bench.emulator.ledger.reads).toHaveLength(4);
	});

	it('and asks no more for what it has seen ended', async () => {
		const items = Array.from({ length: 20 }, (_, index) => ({ prompt: `cup ${index}` }));
		const parked = await bench.generate(eachPrompt, { items });
		for (let position = 0; position < 19; position++) finish(position);
		// Nothing is shuffled.
		jest.spyOn(Math, 'random').mockReturnValue(0.5);
		const { reads } = bench.emulator.ledger;
		const readsOfLook = async (result: Result) => {
			const before = reads.length;
			const looked = await wake(result, eachPrompt, { items });
			return { looked, count: reads.length - before };
		};
		const first = await readsOfLook(parked);
		const second = await readsOfLook(first.looked);
		finish(19);
		const third = await readsOfLook(second.looked);
		expect([first, second, third].map(({ count }) => count)).toEqual([20, 1, 1]);
		expect(third.looked.items).toHaveLength(20);
	});

	it('and ends when all tasks have ended: in one run, in order, paired', async () => {
		const parked = await bench.generate(eachPrompt, two);
		finish(1);
		const waiting = await wake(parked, eachPrompt, two);
		expect(waiting.status).toBe('waiting');
		finish(0);
		const ended = await wake(waiting, eachPrompt, two);
		expect(ended.status).toBe('success');
		expect(runsOf(ended)).toHaveLength(1);
		expect(ended.after).toHaveLength(1);
		expect(ended.after[0]?.map(({ json, pairedItem }) => [json.prompt, json.status, pairedItem]))
			// The node behind pairs with the node in between.
			.toEqual([
				['a cup', 'completed', { item: 0 }],
				['a bowl', 'completed', { item: 1 }],
			]);
		expect(bench.emulator.ledger.submits).toHaveLength(2);
	});

	it('and tells how the result has come: by a call long before the look, or by the look', async () => {
		const parked = await bench.generate(callback);
		const saved = JSON.stringify(parked);
		finish(0);
		expect((await wake(parked)).items[0]?.json.via).toBe('callback');
		later(5 * MINUTE);
		expect((await wake(JSON.parse(saved))).items[0]?.json.via).toBe('poll');
	});

	it.each([
		['fails', 'error', 'error'],
		['ends with pending items', 'returnPending', 'success'],
	])('and at the time limit %s, as the user chose', async (_, onTimeLimit, expected) => {
		const parameters = { ...callback, options: { timeLimit: 30, onTimeLimit } };
		const parked = await bench.generate(parameters);
		later(30 * MINUTE);
		const result = await wake(parked, parameters);
		expect(result.status).toBe(expected);
		const [submit] = bench.emulator.ledger.submits;
		if (expected === 'error') {
			expect(result.error?.message).toContain(`task ${submit?.taskId} is still open`);
			expect(result.after).toEqual([]);
		} else {
			expect(result.after[0]?.map(({ json }) => [json.taskId, json.status])).toEqual([
				[submit?.taskId, 'pending'],
			]);
		}
	});

	it('and with Always Output Data puts out nothing before the end', async () => {
		const settings = { alwaysOutputData: true };
		const parked = await bench.generate(callback, { settings });
		const waiting = await wake(parked, callback, { settings });
		expect(waiting.after).toEqual([]);
		finish(0);
		const { after } = await wake(waiting, callback, { settings });
		expect(after.map((items) => items.map(({ json }) => json.status))).toEqual([['completed']]);
	});
});

describe('Task → Wait', () => {
	const waiting = (more: Scenario['parameters'] = {}) => ({
		...{ resource: 'task', operation: 'wait', taskIds: '={{ $json.taskIds }}', waitMode: 'auto' },
		...more,
		options: { firstCheck: 0.1, longestPause: 1, parkAfter: 0 },
	});

	it('parks, looks by itself, and brings what was submitted before', async () => {
		const submitted = await bench.generate({ ...eachPrompt, waitMode: 'dontWait' }, two);
		const taskIds = submitted.items.map(({ json }) => json.taskId);
		const scenario = { items: [{ taskIds }] };
		const parked = await bench.run({ parameters: waiting(), ...scenario });
		expect(parked.status).toBe('waiting');
		expect(waitOf(parked.data) - Date.now()).toBeLessThanOrEqual(MINUTE);
		finish(0);
		finish(1);
		const parameters = waiting();
		const ended = await bench.run({ parameters, ...scenario, retryOf: parked.data });
		expect(ended.status).toBe('success');
		expect(ended.items.map(({ json }) => [json.taskId, json.status])).toEqual(
			taskIds.map((taskId) => [taskId, 'completed']),
		);
		expect(bench.emulator.ledger.submits).toHaveLength(2);
	});

	it('polls in its worker when told so', async () => {
		await bench.emulate({ latencyMs: 500 });
		const { items } = await bench.generate({ waitMode: 'dontWait' });
		const result = await bench.run({
			parameters: waiting({ waitMode: 'poll', taskIds: items[0]?.json.taskId }),
		});
		expect(result.items[0]?.json).toMatchObject({ status: 'completed', via: 'poll' });
	});
});

describe('A task that has failed meanwhile', () => {
	const failing = { ...eachPrompt, prompt: '={{ $json.prompt }} [fail]' };

	it('fails the node, names the task, and nothing runs behind', async () => {
		const parked = await bench.generate(failing);
		finish(0);
		const { status, error, after } = await wake(parked, failing);
		expect(status).toBe('error');
		expect(error?.message).toContain(bench.emulator.ledger.submits[0]?.taskId);
		expect(after).toEqual([]);
	});

	it.each([
		['continueRegularOutput', ['failed'], []],
		['continueErrorOutput', [], ['failed']],
	] as const)('with On Error = %s becomes an item', async (onError, statuses, errors) => {
		const settings = { onError };
		const parked = await bench.generate(failing, { settings });
		finish(0);
		const { status, items, errorItems } = await wake(parked, failing, { settings });
		expect(status).toBe('success');
		expect(items.map(({ json }) => json.status)).toEqual(statuses);
		expect(errorItems.map(({ json }) => json.status)).toEqual(errors);
	});

	it('before parking too is shown as it was seen, instead of as a mere message', async () => {
		await bench.emulate({ latencyMs: { imageTurbo: 0, imageFast: Infinity } });
		const parameters = { ...eachPrompt, additionalFields: { speed: '={{ $json.speed }}' } };
		const scenario = {
			items: [
				{ prompt: 'a cup [fail]', speed: 'turbo' },
				{ prompt: 'a bowl', speed: 'fast' },
			],
			settings: { onError: 'continueRegularOutput' as const },
		};
		const parked = await bench.generate(parameters, scenario);
		expect(parked.status).toBe('waiting');
		finish(1);
		const { items } = await wake(parked, parameters, scenario);
		expect(items.map(({ json }) => json.status)).toEqual(['failed', 'completed']);
		expect(items[0]?.json.prompt).toBe('a cup [fail]');
	});

	it('is not bought again by Retry On Fail, however often it looks', async () => {
		const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 0 };
		const parked = await bench.generate(failing, { settings });
		finish(0);
		const { status } = await wake(parked, failing, { settings });
		expect(status).toBe('error');
		expect(bench.emulator.ledger.submits).toHaveLength(1);
	});
});

it('With On Error = error output a failed item leaves by it with all it has', async () => {
	const settings = { onError: 'continueErrorOutput' as const };
	const parameters = { ...eachPrompt, options: { reference: 'order 7' } };
	const scenario = {
		items: [
			{ prompt: 'a cup [fail]', n: 0 },
			{ prompt: 'a bowl', n: 1 },
		],
		settings,
	};
	const parked = await bench.generate(parameters, scenario);
	finish(0);
	finish(1);
	const { items, errorItems } = await wake(parked, parameters, scenario);
	expect(items.map(({ json }) => json.prompt)).toEqual(['a bowl']);
	expect(errorItems).toEqual([
		{
			json: expect.objectContaining({
				n: 0,
				taskId: bench.emulator.ledger.submits[0]?.taskId,
				status: 'failed',
				reference: 'order 7',
				outputs: [],
				errorMessage: expect.stringContaining('[item 0]'),
			}),
			pairedItem: expect.objectContaining({ item: 0 }),
		},
	]);
});

it('An item that was never submitted keeps its problem through looks, with On Error = continue', async () => {
	const scenario = {
		items: [{ prompt: '' }, { prompt: 'a cup' }],
		settings: { onError: 'continueRegularOutput' as const },
	};
	const parked = await bench.generate(eachPrompt, scenario);
	const waiting = await wake(parked, eachPrompt, scenario);
	expect(waiting.status).toBe('waiting');
	finish(0);
	const { items } = await wake(waiting, eachPrompt, scenario);
	expect(items.map(({ json }) => [json.status, json.errorMessage])).toEqual([
		['failed', "'Prompt' is empty [item 0]"],
		['completed', undefined],
	]);
});

describe('A look that cannot be made', () => {
	it('for a passing reason is tried again at once', async () => {
		const parked = await bench.generate(callback);
		finish(0);
		const undo = bench.emulator.intercept(async ({ path }) => {
			if (!path.endsWith('/record-info')) return undefined;
			undo();
			return { status: 503, body: {} };
		});
		expect((await wake(parked)).status).toBe('success');
	});

	it('because the key is refused is repeated, and the time limit says why', async () => {
		const parked = await bench.generate(callback);
		bench.emulator.intercept(async ({ path }) =>
			path.endsWith('/record-info')
				? { status: 200, body: { code: 401, msg: 'Unauthorized', data: null } }
				: undefined,
		);
		const waiting = await wake(parked);
		expect(waiting.status).toBe('waiting');
		later(30 * MINUTE);
		const { status, error } = await wake(waiting);
		expect(status).toBe('error');
		expect(error?.httpCode).toBe('401');
		expect(error?.message).toContain(bench.emulator.ledger.submits[0]?.taskId);
	});

	it('because the credential is gone fails, and names the tasks', async () => {
		const parked = await bench.generate(callback);
		for (const { node } of parked.data.executionData?.nodeExecutionStack ?? []) {
			delete node.credentials;
		}
		const { status, error } = await wake(parked);
		expect(status).toBe('error');
		expect(error?.message).toContain('credential');
		expect(error?.description).toContain(bench.emulator.ledger.submits[0]?.taskId);
	});
});

describe('A retry of an execution that was parked', () => {
	it('that was stopped picks up what was bought, and looks at it by itself: its calls go to the execution before', async () => {
		const first = await bench.generate(callback);
		const second = await wake(first, callback, { executionId: '2' });
		expect(second.status).toBe('waiting');
		finish(0);
		const { status, items } = await wake(second, callback, { executionId: '2' });
		expect(status).toBe('success');
		expect(items[0]?.json.status).toBe('completed');
		expect(bench.emulator.ledger.submits).toHaveLength(1);
	});
});

describe('What was seen stays seen', () => {
	const read = '/record-info';

	it('completed while polling, unreadable at the last look: it comes out completed', async () => {
		await bench.emulate({ latencyMs: { imageTurbo: 0, imageFast: Infinity } });
		const parameters = {
			...eachPrompt,
			additionalFields: { speed: '={{ $json.speed }}' },
			options: { onTimeLimit: 'returnPending', outputItems: 'task' },
		};
		const scenario = {
			items: [
				{ prompt: 'a cup', speed: 'turbo' },
				{ prompt: 'a bowl', speed: 'fast' },
			],
			settings: { onError: 'continueRegularOutput' as const },
		};
		const parked = await bench.generate(parameters, scenario);
		expect(parked.status).toBe('waiting');
		bench.emulator.intercept(async ({ path }) =>
			path.endsWith(read) ? { status: 404 } : undefined,
		);
		later(30 * MINUTE);
		const { items } = await wake(parked, parameters, scenario);
		expect(items[0]?.json).toMatchObject({ status: 'completed', prompt: 'a cup' });
		expect(items[0]?.json.outputs).toHaveLength(4);
	});

	it('a look that finds a task ended is the last that reads it, also when its time is up', async () => {
		const parked = await bench.generate(eachPrompt, two);
		jest.spyOn(Math, 'random').mockReturnValue(0.5);
		finish(0);
		const waiting = await wake(parked, eachPrompt, two);
		bench.emulator.intercept(async ({ path }) =>
			path.endsWith(read) ? { status: 404 } : undefined,
		);
		later(30 * MINUTE);
		const { error } = await wake(waiting, eachPrompt, two);
		expect(error?.message).toContain('[item 1]');
		expect(error?.description).toContain(`Completed tasks: ${idOf(0)}`);
	});

	it.each([
		['right after the submit is waited out', 0, 'waiting'],
		['after two minutes ends it', 2 * MINUTE, 'error'],
	])('a 404 %s, parked as well as polled', async (_, waited, expected) => {
		const parked = await bench.generate(callback);
		bench.emulator.intercept(async ({ path }) =>
			path.endsWith(read) ? { status: 404 } : undefined,
		);
		later(waited);
		const { status, error } = await wake(parked);
		expect(status).toBe(expected);
		if (expected === 'error') expect(error?.message).toContain(idOf(0));
	});
});
