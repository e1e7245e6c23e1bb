import type { IDataObject } from 'n8n-workflow';

import type { Result, Failure } from '../../../nodes/Midjourney/providers/http';
import type {
	FormChoice,
	Provider,
	TaskRequest,
} from '../../../nodes/Midjourney/providers/provider';
import type { NodeProblem } from '../../../nodes/Midjourney/tasks/n8n/nodeErrors';
import {
	newState,
	positionsAt,
	type Stage,
	type TaskState,
} from '../../../nodes/Midjourney/tasks/wait/state';
import { submitBatch, type SubmitDeps } from '../../../nodes/Midjourney/tasks/wait/submitBatch';
import {
	EXECUTION,
	failing,
	memoryOver,
	newAccount,
	never,
	NO_HTTP,
	SETTINGS,
	WaitClock,
} from './fakes';

const requestOf = (position: number): TaskRequest => ({
	kind: 'generateImage',
	mode: 'textToImage',
	prompt: `cup ${position}`,
});

const taken = (taskId: string): Result<string> => ({ ok: true, value: taskId });
const alone = (retryAfterMs?: number) => failing('rateLimited', { retryAfterMs });
const refused = failing('invalidRequest', { transient: false });
const lost = failing('timedOut', { accepted: 'unknown' });

/** The answer to the submit of a position, by the number of earlier ones. */
type Script = (position: number, sent: number) => Result<string> | Promise<Result<string>>;

interface Setting {
	count?: number;
	stage?: Stage['at'];
	attempts?: number;
	continues?: boolean;
	/** How long to wait for a call about a lost answer, in ms; undefined: no call reaches this wait. */
	lostAnswerMs?: number;
	/** The number of submits that the limiter allows at once. */
	room?: number;
	/** Whether submits carry callback addresses. */
	calls?: boolean;
	/** The forms in which the provider documents a submit; one by default. */
	forms?: FormChoice['forms'];
	/** Whether calls reach this wait; by default if a lost answer is waited for. */
	reachWait?: boolean;
}

/** Everything that a batch needs, over a scripted provider, and what becomes of it. */
function shop(script: Script, setting: Setting = {}) {
	const { count = 1, stage = 'sending', attempts = 0, continues = false, room = 5 } = setting;
	const { lostAnswerMs, calls = false, reachWait = lostAnswerMs !== undefined } = setting;
	const settings = { ...SETTINGS, lostAnswerMs };
	const clock = new WaitClock();
	const account = newAccount(clock, 8, room);
	const store: IDataObject = {};
	const memory = memoryOver(store);
	const sent: Array<{
		position: number;
		at: number;
		callbackUrl?: string;
		form?: string;
		store: string;
	}> = [];
	const bought: string[] = [];
	const underWay = { count: 0 };
	const tasks = Array.from({ length: count }, (_, position): TaskState => {
		const request = requestOf(position);
		const key = memory.keyOf({ itemIndex: position, part: 0, request, settings });
		const at = stage === 'toBuy' ? 'toBuy' : 'sending';
		return {
			itemIndex: position,
			key,
			settings,
			reads: 0,
			stage: { at, request, attempts },
		};
	});
	const state = newState({
		executionId: EXECUTION,
		operation: 'image:generate',
		progressAt: 0,
		nonce: 'n',
		tasks,
	});
	const provider: Provider = {
		name: 'midApi',
		displayName: 'Scripted',
		credentialType: 'scriptedApi',
		offers: () => true,
		formsOf: () => setting.forms && { of: 'body', forms: setting.forms },
		preview: () => undefined,
		async submit(_http, request, callbackUrl, form) {
			const position = tasks.findIndex(
				(_, index) => 'prompt' in request && request.prompt === `cup ${index}`,
			);
			const before = sent.filter((one) => one.position === position).length;
			sent.push({ position, at: clock.time, callbackUrl, form, store: JSON.stringify(store) });
			return await script(position, before);
		},
		read: never,
	};
	const deps: SubmitDeps = {
		provider,
		http: NO_HTTP,
		clock,
		memory,
		account,
		host: { continues },
		callsReachWait: reachWait,
		underWay,
		callbackUrl: calls ? (position) => `https://n8n.example.com/${position}` : undefined,
		writer: {
			ofSubmit: (failure: Failure | undefined, ambiguous: boolean) =>
				({
					message: failure ? `${failure.reason}${ambiguous ? '?' : ''}` : 'skipped',
				}) as NodeProblem,
		},
		onBought: (_, taskId) => bought.push(taskId),
	};
	return {
		clock,
		limiter: account.submits,
		memory,
		state,
		sent,
		bought,
		underWay,
		begin: async (batch = [...tasks.keys()]) => await submitBatch(state, batch, deps),
		buy: async (batch = [...tasks.keys()]) => await clock.until(submitBatch(state, batch, deps)),
		stages: () => state.tasks.map(({ stage: { at } }) => at),
		stageOf: (position: number) => state.tasks[position]?.stage,
		recall: (position: number) => memory.recall(tasks[position]?.key ?? ''),
		positions: () => sent.map(({ position }) => position),
	};
}

/** Answers after so many ms. */
const after =
	(clockOf: () => WaitClock, ms: number, script: Script): Script =>
	async (position, before) => {
		await clockOf().sleep(ms);
		return await script(position, before);
	};

describe('A submit that is documented in two forms', () => {
	const forms: FormChoice['forms'] = ['wrapped', 'flat'];
	const misread = failing('invalidRequest', { transient: false, suspect: 'requestFormat' });
	const formsIn = (sent: Array<{ form?: string }>) => sent.map(({ form }) => form);

	it('is sent in the other one where the first is refused for it, as the same purchase', async () => {
		const { buy, sent, stages, state, recall } = shop(
			(position, before) => (before === 0 ? misread : taken(`t${position}`)),
			{ forms },
		);
		await buy();
		expect(formsIn(sent)).toEqual(['wrapped', 'flat']);
		expect(stages()).toEqual(['bought']);
		// All the while somebody who finds it knows that it may have been taken.
		expect(new Set(sent.map(({ store }) => store)).size).toBe(1);
		expect(sent[0]?.store).toContain('"executionId":"7"');
		expect(state.tasks[0]?.asked).toEqual({ requestForm: 'flat' });
		expect(recall(0)).toMatchObject({ taskId: 't0', asked: { requestForm: 'flat' } });
	});

	it('says nothing of the form where it is the usual one', async () => {
		const { buy, state } = shop(() => taken('t0'), { forms });
		await buy();
		expect(state.tasks[0]?.asked?.requestForm).toBeUndefined();
	});

	it('is lost in the other form: it is ambiguous, and not sent again', async () => {
		const { buy, sent, recall, state } = shop((_, before) => (before === 0 ? misread : lost), {
			forms,
		});
		await buy();
		expect(formsIn(sent)).toEqual(['wrapped', 'flat']);
		expect(recall(0)).toMatchObject({ state: 'unknown' });
		expect(state.tasks[0]?.stage).toMatchObject({ at: 'ended', mayBePaid: true });
	});

	it('is lost in the first form: no other one is tried', async () => {
		const { buy, sent } = shop(() => lost, { forms });
		await buy();
		expect(formsIn(sent)).toEqual(['wrapped']);
	});

	it('is refused in both: it ends, certainly not bought', async () => {
		const { buy, sent, recall, state } = shop(() => misread, { forms });
		await buy();
		expect(formsIn(sent)).toEqual(['wrapped', 'flat']);
		expect(recall(0)).toMatchObject({ state: 'refused' });
		expect(state.tasks[0]?.stage).toMatchObject({ at: 'ended' });
		expect(state.tasks[0]?.stage).not.toHaveProperty('mayBePaid', true);
	});

	it('is sent in vain once, however many go out together', async () => {
		const { buy, sent, stages } = shop(
			(position) => (sent.at(-1)?.form === 'flat' ? taken(`t${position}`) : misread),
			{ forms, count: 10 },
		);
		await buy();
		expect(formsIn(sent)).toEqual(['wrapped', ...Array(10).fill('flat')]);
		expect(stages()).toEqual(Array(10).fill('bought'));
	});

	it('is not sent in the other form when the execution was cancelled meanwhile', async () => {
		const { begin, sent, clock, recall } = shop(
			after(
				() => clock,
				2000,
				() => misread,
			),
			{ forms },
		);
		const buying = begin();
		buying.catch(() => {});
		await clock.pass(500);
		clock.cancel();
		await clock.pass(5000);
		await expect(buying).rejects.toThrow('cancelled');
		expect(formsIn(sent)).toEqual(['wrapped']);
		expect(recall(0)).toMatchObject({ state: 'refused' });
	});

	it('after a pause begins in the form that was not refused', async () => {
		const script: Script = (_, before) =>
			before === 0 ? misread : before === 1 ? alone(1000) : taken('t0');
		const { buy, sent, clock, state } = shop(script, { forms });
		await buy();
		await clock.pass(state.pausedUntil - clock.time);
		await buy();
		expect(formsIn(sent)).toEqual(['wrapped', 'flat', 'flat']);
	});
});

describe('A batch that the provider accepts', () => {
	const all: Script = (position) => taken(`t${position}`);

	it('sends each item once', async () => {
		const { buy, positions, stages, bought } = shop(all, { count: 10 });
		await buy();
		expect(positions()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
		expect(stages()).toEqual(Array(10).fill('bought'));
		expect(bought).toHaveLength(10);
	});

	it.each(['toBuy', 'sending'] as const)('is bought from the stage %s', async (stage) => {
		const { buy, stages } = shop(all, { stage });
		await buy();
		expect(stages()).toEqual(['bought']);
	});

	it('leaves the other items alone', async () => {
		const { buy, positions, stages } = shop(all, { count: 4, stage: 'toBuy' });
		await buy([1, 3]);
		expect(positions()).toEqual([1, 3]);
		expect(stages()).toEqual(['toBuy', 'bought', 'toBuy', 'bought']);
	});

	it('gives each item its time limit from its submit on', async () => {
		const one = shop(all);
		await one.clock.pass(7_000);
		await one.buy();
		expect(one.stageOf(0)).toEqual({
			at: 'bought',
			taskId: 't0',
			since: 7_000,
			deadline: 607_000,
			fresh: true,
		});
	});

	it('is remembered', async () => {
		const { buy, recall } = shop(all);
		await buy();
		expect(recall(0)).toMatchObject({ state: 'bought', taskId: 't0', at: 0 });
	});

	it('is remembered as sent before it is sent', async () => {
		const { buy, sent, state } = shop(all);
		await buy();
		expect(JSON.parse(sent[0]?.store ?? '')).toHaveProperty([state.tasks[0]?.key ?? '']);
	});

	it('is not sent again by a second batch', async () => {
		const { buy, positions } = shop(all, { count: 2 });
		await buy();
		await buy();
		expect(positions()).toEqual([0, 1]);
	});

	it.each([
		[1, 1],
		[5, 5],
		[20, 10],
	])('has, with room for %i, at most %i of ten submits under way', async (room, expected) => {
		let running = 0;
		let most = 0;
		const one = shop(
			async (position) => {
				most = Math.max(most, ++running);
				await one.clock.sleep(100);
				running--;
				return taken(`t${position}`);
			},
			{ count: 10, room },
		);
		await one.buy();
		expect(most).toBe(expected);
	});

	it.each([
		[true, 'https://n8n.example.com/1'],
		[false, undefined],
	])('gives each item its callback address where calls are wanted (%s)', async (calls, url) => {
		const { buy, sent } = shop(all, { count: 2, calls });
		await buy();
		expect(sent[1]?.callbackUrl).toBe(url);
	});

	it.each([
		['expects calls that reach this wait', true, { called: true }],
		['does not expect calls that only reach a Trigger', false, {}],
	])('%s', async (_, reachWait, counts) => {
		const { buy, stageOf } = shop(all, { calls: true, reachWait });
		await buy();
		const deadline = SETTINGS.timeLimitMs;
		expect(stageOf(0)).toEqual({
			...{ at: 'bought', taskId: 't0', since: 0, deadline, fresh: true },
			...counts,
		});
	});
});

describe('A submit that is refused for a transient reason', () => {
	it('is to be sent again after a pause', async () => {
		const { buy, stageOf, state, recall } = shop(() => alone(7_000));
		await buy();
		expect(stageOf(0)).toEqual({ at: 'toBuy', request: requestOf(0), attempts: 1 });
		expect(state.pausedUntil).toBe(7_000);
		expect(recall(0)).toBeUndefined();
	});

	it('pauses for a second at first, and longer each time, if the provider names no pause', async () => {
		const pauses: number[] = [];
		for (let attempts = 0; attempts < 7; attempts++) {
			const { buy, state } = shop(() => alone(), { attempts });
			await buy();
			pauses.push(state.pausedUntil);
		}
		expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
	});

	it('never shortens a pause', async () => {
		const { buy, state } = shop((position) => alone(position === 0 ? 60_000 : 1_000), { count: 2 });
		await buy();
		expect(state.pausedUntil).toBe(60_000);
	});

	it.each([
		['rateLimited', 12],
		['maintenance', 6],
		['unreachable', 4],
		['serverError', 4],
	] as const)('%s: is given up after %i times', async (reason, times) => {
		const { buy, clock, state, sent, stageOf, stages } = shop(() => failing(reason));
		for (let n = 0; n < 20 && stages()[0] !== 'ended'; n++) {
			await clock.pass(Math.max(0, state.pausedUntil - clock.time));
			await buy();
		}
		expect(sent).toHaveLength(times);
		expect(stageOf(0)).toMatchObject({ at: 'ended', problem: { message: reason } });
	});

	it('pauses for two minutes at most, however long a pause the provider asks for', async () => {
		const { buy, stages, limiter } = shop(() => alone(9_999_999_000));
		await buy();
		expect(stages()).toEqual(['toBuy']);
		expect(limiter.pausedFor()).toBe(120_000);
	});

	it('pauses other executions of the account, too, when the provider limits the rate', async () => {
		const { buy, limiter } = shop(() => alone(7_000));
		await buy();
		expect(limiter.pausedFor()).toBe(7_000);
	});

	it('does not pause others when the provider cannot be reached', async () => {
		const { buy, limiter } = shop(() => failing('unreachable'));
		await buy();
		expect(limiter.pausedFor()).toBe(0);
	});

	it.each(['rateLimited', 'maintenance'] as const)(
		'lets nothing else be sent during the pause (%s)',
		async (reason) => {
			const one = shop(
				(position) =>
					position === 0 ? failing(reason, { retryAfterMs: 60_000 }) : taken(`t${position}`),
				{ count: 4, room: 1 },
			);
			await one.buy();
			const during = one.sent.filter(({ position, at }) => position > 0 && at < 60_000);
			expect(during).toEqual([]);
		},
	);

	it.each(['rateLimited', 'maintenance'] as const)(
		'leaves the rest to be parked instead of holding the worker through the pause (%s)',
		async (reason) => {
			const one = shop(
				(position) =>
					position === 0 ? failing(reason, { retryAfterMs: 60_000 }) : taken(`t${position}`),
				{ count: 4, room: 1 },
			);
			await one.buy();
			expect(one.clock.time).toBe(0);
			expect(one.stages()).toEqual(['toBuy', 'toBuy', 'toBuy', 'toBuy']);
		},
	);

	it('counts no attempt for an item that was not sent', async () => {
		const one = shop(() => failing('maintenance', { retryAfterMs: 60_000 }), { count: 3, room: 1 });
		await one.buy();
		expect(one.stageOf(2)).toEqual({ at: 'toBuy', request: requestOf(2), attempts: 0 });
	});

	it('keeps submits that were under way', async () => {
		const one = shop(
			async (position) => {
				if (position === 0) return alone(60_000);
				await one.clock.sleep(1_000);
				return taken(`t${position}`);
			},
			{ count: 3 },
		);
		await one.buy();
		expect(one.stages()).toEqual(['toBuy', 'bought', 'bought']);
	});

	it('sends nothing before the pause is over', async () => {
		const one = shop(() => taken('t'), { count: 2 });
		one.state.pausedUntil = 5_000;
		await one.buy();
		expect(one.sent).toEqual([]);
		expect(one.stages()).toEqual(['toBuy', 'toBuy']);
	});

	it('is left to be parked while the account pauses', async () => {
		const one = shop((position) => taken(`t${position}`), { count: 2 });
		one.limiter.pauseFor(60_000);
		await one.buy();
		expect(one.sent).toEqual([]);
		expect(one.stages()).toEqual(['toBuy', 'toBuy']);
	});
});

describe('An ambiguous submit', () => {
	it.each<[string, Result<string>]>([
		['no answer in time', lost],
		['the connection was lost', failing('connectionLost', { accepted: 'unknown' })],
		['a page of a proxy', failing('unreadable', { accepted: 'unknown' })],
		[
			'rate limited by a proxy',
			failing('rateLimited', { accepted: 'unknown', retryAfterMs: 1_000 }),
		],
	])('is never sent again: %s', async (_, answer) => {
		const { buy, sent, stages } = shop(() => answer, { continues: true });
		await buy();
		await buy();
		expect(sent).toHaveLength(1);
		expect(stages()).toEqual(['ended']);
	});

	it('ends if no call can name its task', async () => {
		const { buy, stageOf } = shop(() => lost);
		await buy();
		expect(stageOf(0)).toMatchObject({
			at: 'ended',
			problem: { message: 'timedOut?' },
			mayBePaid: true,
		});
	});

	it('ends if calls only reach a Trigger', async () => {
		const { buy, stageOf } = shop(() => lost, {
			...{ calls: true, lostAnswerMs: 120_000, reachWait: false },
		});
		await buy();
		expect(stageOf(0)).toMatchObject({ at: 'ended', mayBePaid: true });
	});

	it('stays unknown while a call may name its task', async () => {
		const { buy, stageOf } = shop(() => lost, { lostAnswerMs: 120_000 });
		await buy();
		expect(stageOf(0)).toEqual({
			at: 'unknown',
			since: 0,
			until: 120_000,
			failure: lost.failure,
		});
	});

	it.each([undefined, 120_000])('is remembered as unknown (%p ms)', async (lostAnswerMs) => {
		const { buy, recall } = shop(() => lost, { lostAnswerMs });
		await buy();
		expect(recall(0)).toMatchObject({ state: 'unknown', at: 0, failure: lost.failure });
	});

	it.each<[string, Setting, Stage['at']]>([
		['holds the rest if the node is to stop', { lostAnswerMs: 120_000 }, 'toBuy'],
		[
			'does not hold the rest if the node is to go on',
			{ lostAnswerMs: 120_000, continues: true },
			'bought',
		],
		['skips the rest if the node is to stop', {}, 'ended'],
		['does not skip the rest if the node is to go on', { continues: true }, 'bought'],
	])('%s', async (_, setting, rest) => {
		const one = shop((position) => (position === 0 ? lost : taken(`t${position}`)), {
			count: 3,
			room: 1,
			...setting,
		});
		await one.buy();
		expect(one.stages().slice(1)).toEqual([rest, rest]);
	});
});

describe('A refusal', () => {
	const first =
		(answer: Result<string>): Script =>
		(position) =>
			position === 0 ? answer : taken(`t${position}`);

	it('ends its item, and stops the next try of this execution, too', async () => {
		const { buy, stageOf, recall } = shop(() => refused);
		await buy();
		expect(stageOf(0)).toMatchObject({ at: 'ended', problem: { message: 'invalidRequest' } });
		expect(recall(0)).toEqual({ state: 'refused', failure: refused.failure });
	});

	it('skips the rest of this batch and all other batches if the node is to stop', async () => {
		const one = shop(first(refused), { count: 5, room: 1, stage: 'toBuy' });
		await one.buy([0, 1, 2]);
		expect(one.positions()).toEqual([0]);
		const skipped = { at: 'ended', skipped: true, problem: { message: 'skipped' } };
		expect(one.state.tasks.slice(1).map(({ stage }) => stage)).toEqual(
			Array(4).fill(expect.objectContaining(skipped)),
		);
	});

	it('does not skip submits under way', async () => {
		const one = shop(
			after(() => one.clock, 100, first(refused)),
			{ count: 8, room: 5 },
		);
		await one.buy();
		expect(one.stages()).toEqual(['ended', ...Array(4).fill('bought'), ...Array(3).fill('ended')]);
		expect(one.bought).toEqual(['t1', 't2', 't3', 't4']);
	});

	it('skips items that were to be sent again', async () => {
		const one = shop((position) => (position === 0 ? refused : alone(1_000)), { count: 2 });
		await one.buy();
		expect(one.stageOf(1)).toMatchObject({ at: 'ended', skipped: true });
	});

	it('leaves bought items as they are', async () => {
		const one = shop((position) => (position === 1 ? refused : taken(`t${position}`)), {
			count: 3,
			stage: 'toBuy',
		});
		await one.buy([0]);
		await one.buy([1]);
		expect(one.stages()).toEqual(['bought', 'ended', 'ended']);
	});

	it.each([
		['invalidRequest', 'bought'],
		['invalidSource', 'bought'],
		['invalidKey', 'ended'],
		['noCredits', 'ended'],
		['notAllowed', 'ended'],
	] as const)('%s: the rest is %s if the node is to go on', async (reason, rest) => {
		const one = shop(first(failing(reason, { transient: false })), {
			count: 3,
			room: 1,
			continues: true,
		});
		await one.buy();
		expect(one.stages()).toEqual(['ended', rest, rest]);
	});

	it('holds the error itself until it is saved', async () => {
		const { buy, state } = shop(() => refused);
		await buy();
		expect(state.tasks[0]?.error?.message).toBe('invalidRequest');
	});
});

describe('When the execution is cancelled', () => {
	const slow = (ms: number) => {
		const one: ReturnType<typeof shop> = shop(
			after(
				() => one.clock,
				ms,
				(position) => taken(`t${position}`),
			),
			{ count: 8 },
		);
		return one;
	};

	/** Begins, cancels after so many ms, and gives when it rejected, and with what. */
	async function cancelAfter(one: ReturnType<typeof shop>, ms: number) {
		let at = NaN;
		let error: unknown;
		void one.begin().catch((reason: unknown) => {
			at = one.clock.time;
			error = reason;
		});
		await one.clock.pass(ms);
		one.clock.cancel();
		await one.clock.pass(130_000);
		return { at, error };
	}

	it('rejects within a second', async () => {
		const { at, error } = await cancelAfter(slow(60_000), 1_000);
		expect(error).toEqual(new Error('The execution was cancelled'));
		expect(at).toBeLessThanOrEqual(2_000);
	});

	it('sends nothing more', async () => {
		const one = slow(60_000);
		await cancelAfter(one, 1_000);
		expect(one.positions()).toEqual([0, 1, 2, 3, 4]);
	});

	it.each([
		['soon', 1_200],
		['long after', 60_000],
	])('keeps the ids of submits under way that are answered %s', async (_, ms) => {
		const one = slow(ms);
		await cancelAfter(one, 1_000);
		expect(one.recall(4)).toMatchObject({ state: 'bought', taskId: 't4', at: 0 });
		expect(one.bought).toEqual(['t0', 't1', 't2', 't3', 't4']);
		expect(one.stages().slice(0, 5)).toEqual(Array(5).fill('bought'));
	});

	it('waits a moment for ids so that the error can name them', async () => {
		const one = slow(1_200);
		const named: string[] = [];
		void one.begin().catch(() => named.push(...one.bought));
		await one.clock.pass(1_000);
		one.clock.cancel();
		await one.clock.pass(5_000);
		expect(named).toEqual(['t0', 't1', 't2', 't3', 't4']);
	});

	it('leaves items that were not sent to be bought', async () => {
		const one = slow(60_000);
		await cancelAfter(one, 1_000);
		expect(positionsAt(one.state.tasks, 'ended')).toEqual([]);
		expect(one.recall(7)).toBeUndefined();
	});
});

describe('A provider that throws', () => {
	it('leaves its item unknown', async () => {
		const one = shop(async () => await Promise.reject(new Error('bug')));
		await expect(one.buy()).rejects.toThrow('bug');
		expect(one.recall(0)).toMatchObject({ state: 'unknown' });
		expect(one.underWay.count).toBe(0);
	});

	it('does not lose tasks that were bought beside it', async () => {
		const one = shop(
			async (position) => {
				if (position === 0) throw new Error('bug');
				await one.clock.sleep(500);
				return taken(`t${position}`);
			},
			{ count: 3 },
		);
		await expect(one.buy()).rejects.toThrow('bug');
		expect(one.bought).toEqual(['t1', 't2']);
	});
});
