import type { IDataObject, IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';
import fc from 'fast-check';

import { wordingOf } from '../../../nodes/Midjourney/providers/errors';
import type { Failure } from '../../../nodes/Midjourney/providers/http';
import {
	canPark,
	savedBefore,
	savedFor,
	saveOnWake,
	waitToRunAgain,
} from '../../../nodes/Midjourney/tasks/n8n/internals';
import type { Remembered } from '../../../nodes/Midjourney/tasks/submit/memory';
import {
	newState,
	nextStep,
	onWake,
	parseState,
	serialize,
	taskIdsIn,
	type Stage,
	type TaskState,
	type WaitState,
} from '../../../nodes/Midjourney/tasks/wait/state';
import { memoryIn, SETTINGS } from '../fixtures';
import { json, like, reason, taskId, text, throughJson } from './arbitraries';

const time = fc.integer({ min: 0, max: 4e12 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const failure: fc.Arbitrary<Failure> = fc.record({
	reason,
	accepted: fc.constantFrom('no', 'unknown'),
	transient: fc.boolean(),
	message: maybe(text),
});
const request = fc.record({
	kind: fc.constant('generateImage' as const),
	mode: fc.constant('textToImage' as const),
	prompt: text,
});
const stage: fc.Arbitrary<Stage> = fc.oneof(
	fc.record({ at: fc.constantFrom('toBuy', 'sending'), request, attempts: fc.nat() }),
	fc.record({ at: fc.constant('unknown'), since: time, until: time, failure: maybe(failure) }),
	fc.record({
		...{ at: fc.constant('bought'), taskId, since: time, deadline: time },
		...{ fresh: fc.boolean(), called: maybe(fc.boolean()) },
	}),
	fc.record({
		at: fc.constant('ended'),
		problem: fc.record({ message: text, description: maybe(text) }),
		taskId: maybe(taskId),
	}),
);
const task: fc.Arbitrary<TaskState> = fc.record({
	itemIndex: fc.nat(),
	key: maybe(text),
	settings: maybe(fc.constant(SETTINGS)),
	asked: maybe(fc.record({ prompt: text })),
	stage,
	reads: fc.nat(),
	hasEnded: maybe(fc.boolean()),
});
const state: fc.Arbitrary<WaitState> = fc
	.record({
		begun: fc.record({
			executionId: text,
			operation: text,
			nonce: text,
			progressAt: time,
			tasks: fc.array(task, { maxLength: 6 }),
		}),
		more: fc.record({
			intent: fc.array(fc.nat(6)),
			wake: maybe(text),
			until: maybe(time),
			pausedUntil: time,
			pausedBy: maybe(failure),
		}),
	})
	.map(({ begun, more }) => ({ ...newState(begun), ...more }));

/** Something of the form of a saved state, in which anything may stand anywhere. */
const anyState = like({
	version: fc.constant(1),
	executionId: text,
	operation: text,
	nonce: text,
	intent: fc.array(fc.nat(3)),
	pausedUntil: time,
	tasks: fc.array(
		like({
			itemIndex: fc.nat(),
			reads: fc.nat(),
			settings: like({ lostAnswerMs: time }),
			stage: like({
				at: fc.constantFrom('toBuy', 'sending', 'unknown', 'bought', 'ended'),
				request,
				taskId,
				deadline: time,
				problem: like({ message: text }),
			}),
		}),
		{ maxLength: 3 },
	),
});
const anySaved = fc.oneof(
	json,
	text,
	anyState,
	anyState.map((one) => JSON.stringify(one)),
);

describe('The state of a wait', () => {
	it('is the same after it was saved and read', () => {
		fc.assert(
			fc.property(state, (before) => {
				expect(parseState(serialize(before))).toEqual(throughJson(before));
			}),
			{ numRuns: 200 },
		);
	});

	it('is saved without the errors themselves', () => {
		fc.assert(
			fc.property(state, (before) => {
				const failing = before.tasks.map((one) => ({ ...one, error: new Error('no') as never }));
				expect(serialize({ ...before, tasks: failing })).toBe(serialize(before));
			}),
		);
	});

	it('is read from anything without an error, and the next step can be taken from what was read', () => {
		fc.assert(
			fc.property(anySaved, time, fc.boolean(), (saved, now, holds) => {
				const read = parseState(saved);
				if (!read) return;
				const woken = onWake(read, now);
				expect(woken.tasks).toHaveLength(read.tasks.length);
				expect(nextStep(woken, now, () => true, holds).do).toMatch(/^(submit|pause|wait|end)$/);
				expect(parseState(serialize(read))).toBeDefined();
			}),
			{ numRuns: 500 },
		);
	});

	it('gives the ids of all its tasks to a later version of this package', () => {
		fc.assert(
			fc.property(state, ({ tasks, ...rest }) => {
				const ids = tasks.flatMap(({ stage: one }) =>
					'taskId' in one && one.taskId !== undefined ? [one.taskId] : [],
				);
				const found = taskIdsIn(serialize({ ...rest, tasks }));
				expect(found).toEqual([...new Set(ids)]);
			}),
		);
	});

	it('gives ids out of anything that was saved, without an error', () => {
		fc.assert(
			fc.property(anySaved, (saved) => {
				for (const id of taskIdsIn(saved)) expect(saved).toContain(`"${id}"`);
			}),
		);
	});
});

describe('What n8n has saved of a purchase', () => {
	const savedFailure = like({ reason, accepted: fc.constant('no'), transient: fc.boolean() });
	const entry = fc.oneof(
		{
			weight: 5,
			arbitrary: like({
				executionId: fc.constantFrom('1', '2'),
				at: time,
				by: text,
				taskId,
				asked: like({ prompt: text }),
				failure: savedFailure,
				refused: savedFailure,
			}),
		},
		{ weight: 1, arbitrary: json },
	);

	function expectRemembered(known: Remembered) {
		if (known.state !== 'refused') expect(Number.isFinite(known.at)).toBe(true);
		if (known.state === 'bought') {
			expect(known.taskId).toMatch(/./s);
			expect(known.asked?.prompt ?? '').toEqual(expect.any(String));
			expect(known.otherAccount ?? '').toEqual(expect.any(String));
		} else if (known.failure) {
			expect(wordingOf(known.failure, 'MidAPI').what).toMatch(/./);
		}
	}

	it('is read in the promised form or not at all, whatever it is', () => {
		fc.assert(
			fc.property(entry, fc.dictionary(fc.string(), json), (saved, others) => {
				const known = memoryIn({ ...others, key: saved } as IDataObject).recall('key');
				if (known) expectRemembered(known);
			}),
			{ numRuns: 500 },
		);
	});

	const steps = fc.array(
		fc.oneof(
			fc.tuple(fc.constant('sending'), time),
			fc.tuple(fc.constant('ambiguous'), maybe(failure)),
			fc.tuple(fc.constant('submitted'), taskId),
			fc.tuple(fc.constant('found'), taskId),
			fc.tuple(fc.constant('refuse'), failure),
			fc.tuple(fc.constant('forget'), fc.constant(undefined)),
		),
		{ minLength: 1, maxLength: 5 },
	);

	it('is its last state, also after n8n has saved and loaded it', () => {
		fc.assert(
			// Purchases are known by a digest, so no key is one that objects have by themselves.
			fc.property(steps, fc.stringMatching(/^[0-9a-f]{8}$/), (all, key) => {
				let store: IDataObject = {};
				for (const [what, about] of all as Array<[string, never]>) {
					const memory = memoryIn(store);
					if (what === 'sending') memory.sending(key, about);
					if (what === 'ambiguous') memory.ambiguous(key, about);
					if (what === 'submitted') memory.submitted(key, about, { prompt: 'p' });
					if (what === 'found') memory.found(key, about);
					if (what === 'refuse') memory.refuse(key, about);
					if (what === 'forget') memory.forget(key);
					store = throughJson(store) as IDataObject;
				}
				const known = memoryIn(store).recall(key);
				const [what, about] = all.at(-1) ?? [];
				if (known) expectRemembered(known);
				if (what === 'forget') expect(known).toBeUndefined();
				if (what === 'sending') expect(known).toMatchObject({ state: 'unknown', at: about });
				if (what === 'refuse') expect(known).toMatchObject({ state: 'refused' });
				if (what === 'submitted' || what === 'found') {
					expect(known).toMatchObject({ state: 'bought', taskId: about });
				}
			}),
			{ numRuns: 300 },
		);
	});
});

describe('The stack of n8n', () => {
	const entry = like({
		node: like({ name: text }),
		data: like({
			main: fc.array(json),
			parked: like({ 0: json }),
		}),
		source: json,
	});
	const parkedEntry = text.map((saved) => ({
		node: { name: 'Midjourney' },
		data: { main: [], parked: [[{ json: { parked: saved } }]] },
	}));
	const anyEntry = fc.oneof(entry, parkedEntry, json);
	const run = like({ executionData: like({ nodeExecutionStack: fc.array(anyEntry) }) });

	function contextOf(executeData: unknown, runExecutionData: unknown) {
		const waits: Date[] = [];
		const context = {
			...{ executeData, runExecutionData },
			getExecuteData: () => executeData,
			putExecutionToWait: async (at: Date) => void waits.push(at),
		};
		return { ...context, waits } as unknown as IExecuteFunctions &
			IWebhookFunctions & {
				waits: Date[];
			};
	}

	it('is searched without an error, whatever is on it', async () => {
		await fc.assert(
			fc.asyncProperty(anyEntry, fc.oneof(run, json), text, async (called, data, saved) => {
				const context = contextOf(called, data);
				expect(typeof savedFor(context)).toBe(typeof savedBefore(context));
				saveOnWake(context, saved);
				const can = canPark(context);
				await waitToRunAgain(context, saved, new Date(0));
				expect(context.waits).toHaveLength(can ? 1 : 0);
				if (can) expect(savedBefore(context)).toBe(saved);
			}),
			{ numRuns: 300 },
		);
	});

	it('gives a call the last saved state, and keeps the data of other nodes', () => {
		fc.assert(
			fc.property(parkedEntry, fc.array(anyEntry), text, (called, others, saved) => {
				const stack = [called, ...others];
				const strangers = others.filter((one) => !JSON.stringify(one)?.includes('"parked"'));
				const before = JSON.stringify(strangers);
				const context = contextOf(called, { executionData: { nodeExecutionStack: stack } });
				expect(savedFor(context)).toBe(called.data.parked[0]?.[0]?.json.parked);
				saveOnWake(context, saved);
				expect(savedFor(context)).toBe(saved);
				expect(JSON.stringify(strangers)).toBe(before);
			}),
		);
	});
});
