import type { TaskRequest } from '../../../nodes/Midjourney/providers/provider';
import {
	BATCH,
	newState,
	nextStep,
	onWake,
	parseState,
	positionsAt,
	serialize,
	taskIdsIn,
	type Stage,
	type Step,
	type TaskState,
	type WaitState,
} from '../../../nodes/Midjourney/tasks/wait/state';
import { EXECUTION, SETTINGS } from './fakes';

const REQUEST: TaskRequest = {
	kind: 'generateImage',
	mode: 'textToImage',
	prompt: 'a "cup" → \u2028',
};
const NOW = 1_000_000;
const FAILURE = { reason: 'timedOut', accepted: 'unknown', transient: true } as const;

/** One stage of each kind, and variants of some. */
const STAGES = {
	toBuy: { at: 'toBuy', request: REQUEST, attempts: 0 },
	refusedOnce: { at: 'toBuy', request: REQUEST, attempts: 1 },
	sending: { at: 'sending', request: REQUEST, attempts: 0 },
	unknown: { at: 'unknown', since: NOW, until: NOW + 5_000, failure: FAILURE },
	unknownForGood: { at: 'unknown', since: 0, until: NOW },
	open: { at: 'bought', taskId: 'open', since: 1, deadline: NOW + 9_000, fresh: true },
	closed: { at: 'bought', taskId: 'closed', since: 1, deadline: NOW + 9_000, fresh: false },
	ended: { at: 'ended', problem: { message: 'No' }, taskId: 't9' },
	skipped: { at: 'ended', problem: { message: 'No' }, skipped: true },
} satisfies Record<string, Stage>;
type Name = keyof typeof STAGES;

const taskAt = (name: Name, itemIndex = 0): TaskState => ({
	itemIndex,
	key: `submit:0:${itemIndex}:abc`,
	settings: SETTINGS,
	asked: { prompt: 'a cup' },
	stage: { ...STAGES[name] },
	reads: 3,
});

const stateOf = (names: readonly Name[], more: Partial<WaitState> = {}): WaitState => ({
	...newState({
		executionId: EXECUTION,
		operation: 'image:generate',
		progressAt: 0,
		nonce: 'n',
		tasks: names.map(taskAt),
	}),
	...more,
});

const times = (count: number, name: Name): Name[] => Array.from({ length: count }, () => name);

describe('The saved state', () => {
	it.each(Object.keys(STAGES) as Name[])('is restored unchanged: %s', (name) => {
		const state = stateOf([name], { wake: 's', until: NOW, intent: [0], isShown: true });
		expect(parseState(serialize(state))).toEqual(state);
	});

	it('holds 200 tasks in less than 200 kB', () => {
		expect(serialize(stateOf(times(200, 'open'))).length).toBeLessThan(200_000);
	});

	it('leaves out errors, which hold the node and its parameters', () => {
		const [task] = stateOf(['ended']).tasks;
		const error = { message: 'secret', node: { parameters: {} } };
		const saved = serialize(stateOf([], { tasks: [Object.assign({}, task, { error })] }));
		expect(saved).not.toMatch(/secret|parameters/);
	});

	it('keeps a request whole', () => {
		const request = { kind: 'runModel', model: 'm', parameters: { error: 'a word', taskId: 'x' } };
		const stage = { at: 'toBuy', request, attempts: 0 } as Stage;
		const state = stateOf([], { tasks: [{ itemIndex: 0, reads: 0, stage }] });
		expect(parseState(serialize(state))?.tasks[0]?.stage).toEqual(stage);
	});

	it.each<[string, unknown]>([
		['nothing', undefined],
		['null', null],
		['an empty text', ''],
		['a text', 'parked'],
		['a number', 7],
		['a list', '[]'],
		['an empty object', '{}'],
		['half of it', serialize(stateOf(['open'])).slice(0, -20)],
		['text in text', JSON.stringify(serialize(stateOf(['open'])))],
		['an older version', { ...stateOf(['open']), version: 0 }],
		['a newer version', { ...stateOf(['open']), version: 2 }],
		['a version in words', { ...stateOf(['open']), version: '1' }],
		['no execution', { ...stateOf(['open']), executionId: undefined }],
		['no operation', { ...stateOf(['open']), operation: undefined }],
		['no nonce', { ...stateOf(['open']), nonce: undefined }],
		['no intent', { ...stateOf(['open']), intent: undefined }],
		['no tasks', { ...stateOf(['open']), tasks: undefined }],
		['tasks that are none', { ...stateOf(['open']), tasks: [null] }],
		['a task without a stage', { ...stateOf(['open']), tasks: [{ itemIndex: 0, reads: 0 }] }],
		['a task without an item', { ...stateOf(['open']), tasks: [{ stage: STAGES.open }] }],
		[
			'a stage that this version does not know',
			{ ...stateOf(['open']), tasks: [{ ...taskAt('open'), stage: { at: 'refunded' } }] },
		],
		[
			'a purchase without an id',
			{ ...stateOf(['open']), tasks: [{ ...taskAt('open'), stage: { at: 'bought' } }] },
		],
	])('is not read from %s', (_, saved) => {
		expect(parseState(typeof saved === 'string' ? saved : JSON.stringify(saved))).toBeUndefined();
	});
});

describe('The task ids in the saved state of another version', () => {
	it.each<[string, unknown, string[]]>([
		['all of them, once', '{"taskId":"a","x":[{"taskId":"b"},{"taskId":"a"}]}', ['a', 'b']],
		['those of this version', serialize(stateOf(['open', 'toBuy', 'closed'])), ['open', 'closed']],
		['none', '{"tasks":[]}', []],
		['nothing', undefined, []],
		['no text', { taskId: 'a' }, []],
		['garbage', '"taskId":"', []],
		['an id without end', `"taskId":"${'x'.repeat(300)}"`, []],
	])('%s', (_, saved, ids) => {
		expect(taskIdsIn(saved)).toEqual(ids);
	});
});

describe('A wake', () => {
	it.each<[string, Name, number[], Stage['at']]>([
		['an intended item may be sent', 'toBuy', [0], 'sending'],
		['an item that is intended again may be sent again', 'refusedOnce', [0], 'sending'],
		['an item that is not intended stays', 'toBuy', [], 'toBuy'],
		['an item that an earlier wake let be sent may have been bought', 'sending', [], 'unknown'],
		['so may one that is intended', 'sending', [0], 'unknown'],
		['an unknown item stays', 'unknown', [0], 'unknown'],
		['a bought item stays', 'open', [0], 'bought'],
		['an ended item stays', 'ended', [0], 'ended'],
	])('%s: %s, intent %j: %s', (_, name, intent, at) => {
		expect(onWake(stateOf([name], { intent }), NOW).tasks[0]?.stage.at).toBe(at);
	});

	it('keeps the request and the attempts of an item that is sent', () => {
		const [woken] = onWake(stateOf(['refusedOnce'], { intent: [0] }), NOW).tasks;
		expect(woken?.stage).toEqual({ at: 'sending', request: REQUEST, attempts: 1 });
	});

	it('leaves no intent behind', () => {
		expect(onWake(stateOf(['toBuy'], { intent: [0] }), NOW).intent).toEqual([]);
	});

	it('resets the count of missed wakes', () => {
		expect(onWake(stateOf(['open'], { missedWakes: 2 }), NOW).missedWakes).toBe(0);
	});

	it('does not mutate the state it is given', () => {
		const state = stateOf(['toBuy', 'sending'], { intent: [0] });
		const before = serialize(state);
		onWake(state, NOW);
		expect(serialize(state)).toBe(before);
	});

	it('lets the same purchase be sent once, however often the node is woken', () => {
		const once = onWake(stateOf(['toBuy'], { intent: [0] }), NOW);
		expect(onWake(parseState(serialize(once)) ?? once, NOW).tasks[0]?.stage.at).toBe('unknown');
	});
});

describe('The next step', () => {
	const next = (names: Name[], { pausedUntil = 0, holds = false } = {}) =>
		nextStep(stateOf(names, { pausedUntil }), NOW, (taskId) => taskId === 'open', holds);
	const paused = { pausedUntil: NOW + 1 };
	const holds = { holds: true };
	const submit = (...batch: number[]): Step => ({ do: 'submit', batch });

	it.each<[string, Name[], Parameters<typeof next>[1], Step]>([
		['nothing to do', [], {}, { do: 'end' }],
		['all has ended', ['closed', 'ended', 'skipped'], {}, { do: 'end' }],
		['an item that stays unknown is no longer waited for', ['unknownForGood'], {}, { do: 'end' }],
		['a task is open', ['closed', 'open'], {}, { do: 'wait' }],
		['a call may tell', ['closed', 'unknown'], {}, { do: 'wait' }],
		['to buy', ['closed', 'toBuy', 'open', 'toBuy'], {}, submit(1, 3)],
		['to buy again', ['refusedOnce'], {}, submit(0)],
		['sending comes first', ['toBuy', 'sending', 'toBuy', 'sending'], {}, submit(1, 3)],
		['sending in a pause', ['toBuy', 'sending'], paused, { do: 'pause', until: NOW + 1 }],
		['sending comes before waiting', ['open', 'sending'], {}, submit(1)],
		['sending: all of it', times(BATCH + 2, 'sending'), {}, submit(...Array(BATCH + 2).keys())],
		['to buy: a batch', times(BATCH + 2, 'toBuy'), {}, submit(...Array(BATCH).keys())],
		['to buy in a pause', ['open', 'toBuy'], paused, { do: 'pause', until: NOW + 1 }],
		['to buy after a pause', ['toBuy'], { pausedUntil: NOW }, submit(0)],
		['a pause and nothing to buy', ['open'], paused, { do: 'wait' }],
		['a pause and nothing at all', ['closed'], paused, { do: 'end' }],
		['unknown holds', ['unknown', 'toBuy'], holds, { do: 'wait' }],
		['unknown holds in a pause', ['unknown', 'toBuy'], { ...holds, ...paused }, { do: 'wait' }],
		['unknown does not hold', ['unknown', 'toBuy'], {}, submit(1)],
		['unknown for good does not hold', ['unknownForGood', 'toBuy'], holds, submit(1)],
		['nothing unknown', ['open', 'toBuy'], holds, submit(1)],
		['nothing to hold', ['unknown', 'closed'], holds, { do: 'wait' }],
	])('%s: %j %j', (_, names, setting, step) => {
		expect(next(names, setting)).toEqual(step);
	});

	it('asks about bought tasks alone', () => {
		const asked: string[] = [];
		nextStep(stateOf(['closed', 'ended', 'unknown']), NOW, (id) => asked.push(id) < 0, false);
		expect(asked).toEqual(['closed']);
	});

	it('buys everything in the end, ten between two saves', () => {
		const state = stateOf(times(25, 'toBuy'));
		const batches: number[] = [];
		for (let step = 0; step < 10; step++) {
			const { do: what, ...rest } = nextStep(state, NOW, () => false, false);
			if (what !== 'submit' || !('batch' in rest)) break;
			batches.push(rest.batch.length);
			for (const position of rest.batch) state.tasks[position] = taskAt('closed', position);
		}
		expect(batches).toEqual([10, 10, 5]);
		expect(positionsAt(state.tasks, 'bought')).toHaveLength(25);
	});
});
