import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { firstStarts, Starts } from '../../../nodes/Midjourney/tasks/callbacks/once';

const KEY = 't1:completed';

describe('The record of starts in one process', () => {
	it('lets one of two calls start a workflow', () => {
		const starts = new Starts();
		expect([starts.claim(KEY, 0), starts.claim(KEY, 0)]).toEqual([true, false]);
	});

	it.each<[string, (starts: Starts) => void, number, boolean]>([
		['while n8n may still begin it', () => {}, 29_999, false],
		['where n8n has not begun it', () => {}, 30_000, true],
		['where it has begun', (starts) => starts.confirm(KEY), 1e9, false],
	])('decides on another start %s: %#', (_, meanwhile, later, mayStart) => {
		const starts = new Starts();
		starts.claim(KEY, 0);
		meanwhile(starts);
		expect(starts.claim(KEY, later)).toBe(mayStart);
	});

	it('lets each task start a workflow', () => {
		const starts = new Starts();
		starts.claim(KEY, 0);
		expect(starts.claim('t2:completed', 0)).toBe(true);
	});

	it('forgets the oldest starts beyond its bound', () => {
		const starts = new Starts();
		for (let n = 0; n < 6_000; n++) {
			starts.claim(`task ${n}`, 0);
			starts.confirm(`task ${n}`);
		}
		expect([starts.claim('task 999', 0), starts.claim('task 1001', 0)]).toEqual([true, false]);
	});

	it('accepts one task of each submit', () => {
		const starts = new Starts();
		expect(
			[
				['s1', 't1'],
				['s1', 't2'],
				['s2', 't2'],
				['s1', 't1'],
			].map(([submit = '', taskId = '']) => starts.isOfSubmit(submit, taskId)),
		).toEqual([true, false, true, true]);
	});
});

/** n8n's memory of processed items as it works: it reads, changes and writes, and loses what comes meanwhile. */
function newMemory() {
	let known: string[] = [];
	const calls: string[][] = [];
	return {
		calls,
		check: async (keys: string[]) => {
			calls.push(keys);
			const before = [...known];
			await Promise.resolve();
			await Promise.resolve();
			const processed = keys.filter((key) => before.includes(key));
			const fresh = keys.filter((key) => !before.includes(key));
			known = [...before, ...fresh];
			return { new: fresh, processed };
		},
	};
}

const itemsOf = (...keys: Array<string | undefined>): INodeExecutionData[] =>
	keys.map((deduplicationKey, index) => ({ json: { index, deduplicationKey } }));

interface Running {
	items?: INodeExecutionData[];
	mode?: string;
	check?: (keys: string[]) => Promise<unknown>;
	starts?: Starts;
	trigger?: string;
	executionId?: string;
}

const warnings: string[] = [];
let executions = 0;

/** The Trigger's part of an execution, in another process each time unless `starts` is given. */
const run = async ({
	items = itemsOf(KEY),
	mode = 'webhook',
	check = newMemory().check,
	starts = new Starts(),
	trigger = 'trigger',
	executionId = `${++executions}`,
}: Running) =>
	await firstStarts(
		{
			getInputData: () => items,
			getMode: () => mode,
			getExecutionId: () => executionId,
			helpers: { checkProcessedAndRecord: check },
			logger: { warn: (words: string) => warnings.push(words) },
		} as unknown as IExecuteFunctions,
		starts,
		trigger,
	);

describe('An execution that a call has started', () => {
	it('goes on', async () => {
		expect(await run({})).toEqual(itemsOf(KEY));
	});

	it('ends if its task has started another before', async () => {
		const { check } = newMemory();
		await run({ check });
		expect(await run({ check })).toEqual([]);
	});

	it('goes on once when twenty come at once, without losing any other task', async () => {
		const { check } = newMemory();
		const same = await Promise.all(Array.from({ length: 20 }, async () => await run({ check })));
		expect(same.filter(({ length }) => length > 0)).toHaveLength(1);
		const keys = Array.from({ length: 20 }, (_, n) => `t${n}:failed`);
		const all = async () =>
			await Promise.all(keys.map(async (key) => await run({ check, items: itemsOf(key) })));
		expect((await all()).flat()).toHaveLength(20);
		expect((await all()).flat()).toHaveLength(0);
	});

	it('goes on when n8n begins it again, while other executions of its task end', async () => {
		const { check } = newMemory();
		const first = { check, executionId: 'the first' };
		await run(first);
		expect(await run({ check })).toEqual([]);
		expect(await run(first)).toHaveLength(1);
		expect(await run({ check })).toEqual([]);
	});

	it.each(['retry', 'manual'])('always goes on in mode %s, and is not remembered', async (mode) => {
		const { check, calls } = newMemory();
		expect(await run({ check, mode })).toHaveLength(1);
		expect(await run({ check, mode })).toHaveLength(1);
		expect(calls).toEqual([]);
	});

	it('goes on when the memory of n8n fails or does not exist, and logs that', async () => {
		const fail = async () => await Promise.reject<never>(new Error('database is locked'));
		expect(await run({ check: fail })).toHaveLength(1);
		expect(await run({ check: undefined as never })).toHaveLength(1);
		expect(warnings.join()).toContain('database is locked');
		const { check } = newMemory();
		expect(await run({ check, trigger: 'the same afterwards' })).toHaveLength(1);
	});

	it('does not ask the memory about items without a key', async () => {
		const { check, calls } = newMemory();
		expect(await run({ check, items: itemsOf(undefined) })).toHaveLength(1);
		expect(calls).toEqual([]);
	});

	it('is remembered by its process', async () => {
		const starts = new Starts();
		starts.claim(KEY, 0);
		await run({ starts });
		expect(starts.claim(KEY, 1e9)).toBe(false);
	});
});
