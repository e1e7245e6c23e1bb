import type { Result } from '../../../nodes/Midjourney/providers/http';
import type { Task } from '../../../nodes/Midjourney/providers/task';
import type { Account } from '../../../nodes/Midjourney/tasks/wait/limiter';
import type { PollSchedule } from '../../../nodes/Midjourney/tasks/wait/schedule';
import type { Target } from '../../../nodes/Midjourney/tasks/wait/watched';
import { Watcher } from '../../../nodes/Midjourney/tasks/wait/watcher';
import { seededRandom } from '../../emulator/random';
import { collectGarbage } from '../../garbage';
import { failing, found, never, newAccount, settled, WaitClock } from './fakes';

/** The answer to a read of a task, by the number of earlier ones. */
type Script = (taskId: string, read: number) => Result<Task> | Promise<Result<Task>>;

const HOUR = 3_600_000;

/** The schedule of these tasks, whatever the default is. */
const SCHEDULE: PollSchedule = {
	...{ first: 4_000, shortest: 1_000, longest: 30_000 },
	growth: 0.15,
};
const RUNNING = found('running');
const DONE = found('completed');

const target = (taskId = 't1', more: Partial<Target> = {}): Target => ({
	taskId,
	since: 0,
	deadline: HOUR,
	schedule: SCHEDULE,
	fresh: true,
	...more,
});

/** A watcher over a scripted provider, and the moments at which it reads. */
function watching(
	script: Script,
	{
		clock = new WaitClock(),
		polls = true,
		before,
		account = newAccount(clock),
		operation = 'image:generate',
	}: {
		clock?: WaitClock;
		polls?: boolean;
		before?: Watcher;
		account?: Account;
		operation?: string;
	} = {},
) {
	const reads: Array<{ taskId: string; at: number }> = [];
	const watcher = new Watcher(
		{
			read: async (taskId) => {
				const earlier = reads.filter((read) => read.taskId === taskId).length;
				reads.push({ taskId, at: clock.time });
				return await script(taskId, earlier);
			},
			account,
			clock,
			operation,
			polls,
		},
		before,
	);
	return { watcher, clock, account, reads, moments: () => reads.map(({ at }) => at) };
}

/** Answers after so many ms. */
const after =
	(clock: WaitClock, ms: number, answer: Result<Task>): Script =>
	async () => {
		await clock.sleep(ms);
		return answer;
	};

/** An answer that comes when the test says so. */
function later() {
	let give: (answer: Result<Task>) => void = () => {};
	const answer = new Promise<Result<Task>>((resolve) => (give = resolve));
	return { answer, give: (value: Result<Task>) => give(value) };
}

describe('A watcher reads', () => {
	it('first when the schedule says, then after pauses that grow with the time waited', async () => {
		const { watcher, clock, moments } = watching((_, read) => (read < 12 ? RUNNING : DONE));
		watcher.add(target());
		await clock.until(watcher.untilAllEnded());
		const at = moments();
		expect(at.slice(0, 5)).toEqual([4_000, 5_000, 6_000, 7_000, 8_050]);
		const pauses = at.slice(1).map((moment, index) => moment - (at[index] ?? 0));
		expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
		at.slice(0, -1).forEach((moment, index) => {
			expect(pauses[index]).toBeCloseTo(Math.max(1_000, moment * 0.15), 3);
		});
	});

	it('after the pauses that the user has set', async () => {
		const { watcher, clock, moments } = watching((_, read) => (read < 4 ? RUNNING : DONE));
		watcher.add(target('t1', { schedule: { ...SCHEDULE, first: 10_000, longest: 1_200 } }));
		await clock.until(watcher.untilAllEnded());
		expect(moments()).toEqual([10_000, 11_200, 12_400, 13_600, 14_800]);
	});

	it('at once if its schedule has no first pause', async () => {
		const { watcher, clock, moments } = watching(() => DONE);
		await clock.pass(500_000);
		watcher.add(target('t1', { since: 500_000, schedule: { ...SCHEDULE, first: 0 } }));
		await clock.until(watcher.untilAllEnded());
		expect(moments()).toEqual([500_000]);
	});

	it('up to a fifth of a pause earlier, at random', async () => {
		const { watcher, clock, moments } = watching((_, read) => (read < 2 ? RUNNING : DONE), {
			clock: new WaitClock(() => 0.5),
		});
		watcher.add(target('t1', { schedule: { ...SCHEDULE, first: 40_000, longest: 10_000 } }));
		await clock.until(watcher.untilAllEnded());
		expect(moments()).toEqual([36_000, 40_860, 46_376.1]);
	});

	it('tasks together that were bought together, however random their pauses are', async () => {
		const random = seededRandom(1);
		const { watcher, clock, reads } = watching(() => RUNNING, {
			clock: new WaitClock(() => random.next()),
		});
		for (const id of ['a', 'b']) watcher.add(target(id));
		await clock.pass(60_000);
		const at = (id: string) => reads.filter(({ taskId }) => taskId === id).map((read) => read.at);
		expect(at('a').length).toBeGreaterThan(10);
		expect(at('a')).toEqual(at('b'));
	});

	it('soon again after a read that took a while', async () => {
		const clock = new WaitClock();
		const { watcher, moments } = watching(after(clock, 100, RUNNING), { clock });
		watcher.add(target('t1', { schedule: { ...SCHEDULE, shortest: 300, growth: 0.01 } }));
		await clock.pass(5_000);
		expect(moments()).toEqual([4_000, 4_400, 4_800]);
	});

	it('many tasks in the time of one', async () => {
		const { watcher, clock, reads } = watching(() => DONE);
		for (let n = 0; n < 20; n++) watcher.add(target(`t${n}`));
		await clock.until(watcher.untilAllEnded());
		expect(clock.time).toBe(4_000);
		expect(reads).toHaveLength(20);
	});

	it('many tasks with one loop', async () => {
		const clock = new WaitClock();
		const { watcher } = watching(() => RUNNING, { clock, polls: false });
		const sleep = jest.spyOn(clock, 'sleep');
		for (let n = 0; n < 100; n++) watcher.add(target(`t${n}`, { called: true }));
		await clock.pass(10_500);
		// One for the test, and one a second.
		expect(sleep.mock.calls.length).toBeLessThanOrEqual(12);
	});

	it('a task once that was added twice', async () => {
		const { watcher, clock, reads, account } = watching(() => DONE);
		watcher.add(target());
		watcher.add(target());
		expect(account.watched).toBe(1);
		await clock.until(watcher.untilAllEnded());
		expect(reads).toHaveLength(1);
	});

	it('a task that comes when all others have ended', async () => {
		const { watcher, clock, moments } = watching(() => DONE);
		watcher.add(target());
		await clock.until(watcher.untilAllEnded());
		watcher.add(target('t2', { since: 4_000 }));
		expect(watcher.allEnded).toBe(false);
		await clock.until(watcher.untilAllEnded());
		expect(moments()).toEqual([4_000, 8_000]);
	});

	it.each([
		[8, 20],
		[3, 10],
	])('no more than %i of %i tasks at once', async (limit, count) => {
		const clock = new WaitClock();
		let running = 0;
		let most = 0;
		const { watcher } = watching(
			async () => {
				most = Math.max(most, ++running);
				await clock.sleep(100);
				running--;
				return DONE;
			},
			{ clock, account: newAccount(clock, limit) },
		);
		for (let n = 0; n < count; n++) watcher.add(target(`t${n}`));
		await clock.until(watcher.untilAllEnded());
		expect(most).toBe(limit);
	});

	it('no more than its account allows, counting other watchers of the account', async () => {
		const clock = new WaitClock();
		const account = newAccount(clock, 4);
		let running = 0;
		let most = 0;
		const script: Script = async () => {
			most = Math.max(most, ++running);
			await clock.sleep(100);
			running--;
			return DONE;
		};
		const all = [1, 2, 3].map((n) => {
			const { watcher } = watching(script, { clock, account });
			for (let m = 0; m < 5; m++) watcher.add(target(`t${n}.${m}`));
			return watcher.untilAllEnded();
		});
		await clock.until(Promise.all(all));
		expect(most).toBe(4);
	});

	it('no task twice at the same time', async () => {
		const clock = new WaitClock();
		const { watcher, reads } = watching(after(clock, 20_000, DONE), { clock });
		watcher.add(target());
		await clock.until(watcher.untilAllEnded());
		expect(reads).toHaveLength(1);
	});

	it('no task that has ended', async () => {
		const { watcher, clock, reads } = watching((taskId) => (taskId === 'a' ? DONE : RUNNING));
		watcher.add(target('a'));
		watcher.add(target('b'));
		await clock.pass(60_000);
		expect(reads.filter(({ taskId }) => taskId === 'a')).toHaveLength(1);
		expect(watcher.allEnded).toBe(false);
	});
});

describe('The state of a watched task', () => {
	it.each([
		['completed', DONE, 'terminal'],
		['failed', found('failed'), 'terminal'],
		['unreadable for good', failing('invalidKey', { transient: false }), 'lost'],
	])('%s: %s', async (_, answer, end) => {
		const { watcher, clock } = watching(() => answer);
		watcher.add(target());
		await clock.until(watcher.untilAllEnded());
		expect(watcher.sightingOf('t1')).toMatchObject({ end, reads: 1, endedAt: 4_000 });
	});

	it('is undefined for a task that is not watched', () => {
		expect(watching(() => DONE).watcher.sightingOf('t1')).toBeUndefined();
	});

	it('is open while the provider does not find it yet', async () => {
		const missing = failing('notFound', { transient: false });
		const { watcher, clock } = watching((_, read) => (read < 3 ? missing : DONE));
		watcher.add(target());
		await clock.until(watcher.untilAllEnded());
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'terminal', reads: 4 });
	});

	it('is lost if the provider does not find a task that was submitted elsewhere', async () => {
		const { watcher, clock } = watching(() => failing('notFound', { transient: false }));
		watcher.add(target('t1', { fresh: false }));
		await clock.until(watcher.untilAllEnded());
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'lost', reads: 1 });
	});

	it('keeps the task beside the failure of a later read', async () => {
		const trouble = failing('serverError');
		const { watcher, clock } = watching((_, read) => (read === 0 ? RUNNING : trouble));
		watcher.add(target());
		await clock.pass(10_000);
		expect(watcher.sightingOf('t1')).toMatchObject({
			task: { status: 'running' },
			failure: trouble.failure,
		});
	});

	it('has no failure once a later read succeeds', async () => {
		const { watcher, clock } = watching((_, read) => (read ? RUNNING : failing('serverError')));
		watcher.add(target());
		await clock.pass(10_000);
		expect(watcher.sightingOf('t1')?.failure).toBeUndefined();
	});

	it('keeps the task as it was last seen when it is lost', async () => {
		const lost = failing('notFound', { transient: false });
		const { watcher, clock } = watching((_, read) => (read === 0 ? RUNNING : lost));
		watcher.add(target('t1', { fresh: false }));
		await clock.until(watcher.untilAllEnded());
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'lost', task: { status: 'running' } });
	});
});

describe('When the provider asks for a pause', () => {
	const alone = (ms: number) => failing('rateLimited', { retryAfterMs: ms });

	it('no task of the account is read', async () => {
		const clock = new WaitClock();
		const account = newAccount(clock);
		const one = watching((_, read) => (read === 0 ? alone(50_000) : DONE), { clock, account });
		const other = watching(() => RUNNING, { clock, account });
		one.watcher.add(target('a'));
		other.watcher.add(target('b', { schedule: { ...SCHEDULE, first: 4_500, longest: 1_000 } }));
		await clock.pass(53_000);
		expect([...one.moments(), ...other.moments()]).toEqual([4_000]);
		await clock.until(one.watcher.untilAllEnded());
		expect(one.moments()).toEqual([4_000, 54_000]);
	});

	it('an hour is cut to two minutes', async () => {
		const { watcher, clock, moments } = watching((_, read) => (read ? DONE : alone(HOUR)));
		watcher.add(target());
		await clock.until(watcher.untilAllEnded());
		expect(moments()).toEqual([4_000, 124_000]);
	});

	it.each([
		['before it is due again', 4_500],
		['while a read waits for the end of the pause', 60_000],
	])('the time limit holds: %s', async (_, deadline) => {
		const { watcher, clock } = watching(() => alone(120_000));
		watcher.add(target('t1', { deadline }));
		await clock.until(watcher.untilAllEnded());
		expect(clock.time).toBeLessThanOrEqual(deadline + 5_000);
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'timeLimit', reads: 1 });
	});
});

describe('At the time limit', () => {
	const soon = (more: Partial<Target> = {}) => target('t1', { deadline: 10_000, ...more });

	it('the task is read once more', async () => {
		const { watcher, clock, moments } = watching(() => RUNNING);
		watcher.add(soon({ schedule: { ...SCHEDULE, first: 6_000, longest: 600_000 } }));
		await clock.until(watcher.untilAllEnded());
		expect(moments().at(-1)).toBe(10_000);
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'timeLimit', endedAt: 10_000 });
	});

	it('a task that has ended by then counts as ended', async () => {
		const { watcher, clock } = watching(() => (clock.time >= 9_900 ? DONE : RUNNING));
		watcher.add(soon());
		await clock.until(watcher.untilAllEnded());
		expect(watcher.sightingOf('t1')).toMatchObject({
			end: 'terminal',
			task: DONE.ok && DONE.value,
		});
	});

	it('a read under way is the last one', async () => {
		const clock = new WaitClock();
		const { watcher, reads } = watching(after(clock, 3_000, DONE), { clock });
		watcher.add(soon({ schedule: { ...SCHEDULE, first: 9_000, longest: 30_000 } }));
		await clock.until(watcher.untilAllEnded());
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'terminal', endedAt: 12_000 });
		expect(reads).toHaveLength(1);
	});

	it.each([
		['the last read', 20_000],
		['a read that began before', 9_000],
	])('%s is awaited for five seconds', async (_, first) => {
		const { watcher, clock } = watching(never);
		watcher.add(soon({ schedule: { ...SCHEDULE, first } }));
		await clock.until(watcher.untilAllEnded());
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'timeLimit', endedAt: 15_000 });
	});

	it('an answer after that changes nothing', async () => {
		const { answer, give } = later();
		const { watcher, clock } = watching(async () => await answer);
		watcher.add(soon());
		await clock.until(watcher.untilAllEnded());
		give(DONE);
		await settled();
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'timeLimit', endedAt: 15_000 });
		expect(watcher.sightingOf('t1')?.task).toBeUndefined();
	});

	it('a task that hangs does not hold up the others', async () => {
		const { watcher, clock } = watching(async (id) => (id === 'a' ? await never() : RUNNING));
		watcher.add(target('a', { deadline: 10_000 }));
		watcher.add(target('b', { deadline: 10_000 }));
		await clock.until(watcher.untilAllEnded());
		expect(watcher.sightingOf('b')?.endedAt).toBe(10_000);
		expect(watcher.sightingOf('a')?.endedAt).toBe(15_000);
	});

	it('many tasks that hang end together', async () => {
		const { watcher, clock } = watching(never);
		for (let n = 0; n < 200; n++) watcher.add(target(`t${n}`, { deadline: 10_000 }));
		await clock.until(watcher.untilAllEnded());
		expect(clock.time).toBe(15_000);
	});

	it('the task is read even by a watcher that does not poll', async () => {
		const { watcher, clock, moments } = watching(() => DONE, { polls: false });
		watcher.add(soon({ called: true }));
		await clock.until(watcher.untilAllEnded());
		expect(moments()).toEqual([10_000]);
		expect(watcher.sightingOf('t1')?.end).toBe('terminal');
	});

	it('that has passed before the watcher begins, the task is read all the same', async () => {
		const { watcher, clock, moments } = watching(() => DONE);
		await clock.pass(60_000);
		watcher.add(soon());
		await clock.until(watcher.untilAllEnded());
		expect(moments()).toEqual([60_000]);
		expect(watcher.sightingOf('t1')?.end).toBe('terminal');
	});

	it('of a task that was added twice, the later limit counts', async () => {
		const { watcher, clock } = watching(() => RUNNING);
		watcher.add(soon());
		watcher.add(target('t1', { deadline: 20_000 }));
		watcher.add(soon());
		await clock.until(watcher.untilAllEnded());
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'timeLimit', endedAt: 20_000 });
	});
});

describe('A watcher that is told of a task', () => {
	it('reads it at once', async () => {
		const { watcher, clock, moments } = watching(() => DONE);
		watcher.add(target());
		await clock.pass(1_500);
		await clock.until(watcher.onCallback('t1'));
		expect(moments()).toEqual([1_500]);
		expect(watcher.sightingOf('t1')).toMatchObject({ end: 'terminal', called: true });
	});

	it('keeps its schedule if the task has not ended', async () => {
		const { watcher, clock, moments } = watching(() => RUNNING);
		watcher.add(target());
		await clock.pass(3_500);
		await clock.until(watcher.onCallback('t1'));
		await clock.pass(2_500);
		expect(moments()).toEqual([3_500, 4_500, 5_500]);
	});

	it('reads it soon again if the provider called before it shows the end', async () => {
		const { watcher, clock, account } = watching((_, read) => (read < 2 ? RUNNING : DONE));
		// Where calls arrive, reads are far apart.
		account.calledAt = 0;
		watcher.add(target('t1', { called: true, schedule: {} }));
		await clock.pass(6_000);
		await clock.until(watcher.onCallback('t1'));
		await clock.until(watcher.untilAllEnded());
		expect(clock.time).toBeLessThan(20_000);
	});

	it('reads an open task every two seconds at most, however often it is told of it', async () => {
		const { watcher, clock, moments, account } = watching(() => RUNNING);
		account.calledAt = 0;
		watcher.add(target('t1', { called: true, schedule: {} }));
		for (let at = 0; at < 20_000; at += 50) {
			void watcher.onCallback('t1');
			await clock.pass(50);
		}
		expect(moments().length).toBeLessThanOrEqual(11);
	});

	it('reads that task alone', async () => {
		const { watcher, clock, reads } = watching(() => RUNNING);
		for (const id of ['a', 'b', 'c']) watcher.add(target(id));
		await clock.until(watcher.onCallback('b'));
		expect(reads.map(({ taskId }) => taskId)).toEqual(['b']);
	});

	it('joins a read under way, and reads again because that one may have been too early', async () => {
		const { answer, give } = later();
		const { watcher, clock, reads } = watching(async (_, read) => (read ? DONE : await answer));
		watcher.add(target());
		await clock.pass(4_500);
		const told = watcher.onCallback('t1');
		await settled();
		expect(reads).toHaveLength(1);
		give(RUNNING);
		await clock.until(told);
		expect(reads).toHaveLength(2);
		expect(watcher.sightingOf('t1')?.end).toBe('terminal');
	});

	it('does not read again if the read under way shows the end', async () => {
		const { answer, give } = later();
		const { watcher, clock, reads } = watching(async () => await answer);
		watcher.add(target());
		await clock.pass(4_500);
		const told = watcher.onCallback('t1');
		give(DONE);
		await clock.until(told);
		expect(reads).toHaveLength(1);
	});

	it('reads once more for all calls that come during a read', async () => {
		const { answer, give } = later();
		const { watcher, clock, reads } = watching(async (_, read) => (read ? DONE : await answer));
		watcher.add(target());
		await clock.pass(4_500);
		const told = Array.from({ length: 10 }, async () => await watcher.onCallback('t1'));
		give(RUNNING);
		await clock.until(Promise.all(told));
		expect(reads).toHaveLength(2);
	});

	it('answers each of the calls that come during a read', async () => {
		const first = later();
		const second = later();
		const { watcher, clock } = watching(
			async (_, read) => await (read ? second.answer : first.answer),
		);
		watcher.add(target());
		await clock.pass(4_500);
		let answered = 0;
		for (let n = 0; n < 3; n++) void watcher.onCallback('t1').then(() => answered++);
		first.give(RUNNING);
		await settled();
		expect(answered).toBe(0);
		second.give(DONE);
		await settled();
		expect(answered).toBe(3);
	});

	it('reads a third time for a call that comes during the second read', async () => {
		const first = later();
		const second = later();
		const answers = [first.answer, second.answer];
		const { watcher, clock, reads } = watching(async (_, read) => (await answers[read]) ?? DONE);
		watcher.add(target());
		await clock.pass(4_500);
		const one = watcher.onCallback('t1');
		first.give(RUNNING);
		await settled();
		const other = watcher.onCallback('t1');
		second.give(RUNNING);
		await clock.until(Promise.all([one, other]));
		await clock.pass(2_500);
		expect(reads).toHaveLength(3);
		expect(watcher.sightingOf('t1')?.end).toBe('terminal');
	});

	it('reads each task once when many end together and are called for', async () => {
		const { watcher, clock, reads } = watching(() => DONE, { polls: false });
		const ids = Array.from({ length: 200 }, (_, n) => `t${n}`);
		for (const id of ids) watcher.add(target(id));
		await clock.until(Promise.all(ids.map(async (id) => await watcher.onCallback(id))));
		expect(reads).toHaveLength(200);
		expect(watcher.allEnded).toBe(true);
	});

	it('reads a task once if two calls come before its turn', async () => {
		const clock = new WaitClock();
		const { watcher, reads } = watching(after(clock, 100, DONE), {
			clock,
			polls: false,
			account: newAccount(clock, 1),
		});
		for (const id of ['a', 'b']) watcher.add(target(id));
		const told = ['a', 'b', 'b', 'b'].map(async (id) => await watcher.onCallback(id));
		await clock.until(Promise.all(told));
		expect(reads.map(({ taskId }) => taskId)).toEqual(['a', 'b']);
	});

	it.each(['ended', 'never heard of'])('does nothing for a task that is %s', async (id) => {
		const { watcher, clock, reads } = watching(() => DONE);
		watcher.add(target('ended'));
		await clock.until(watcher.untilAllEnded());
		await clock.until(watcher.onCallback(id));
		expect(reads).toHaveLength(1);
	});

	it('waits until a pause of the account ends', async () => {
		const { watcher, clock, account, moments } = watching(() => DONE, { polls: false });
		watcher.add(target('t1', { called: true }));
		account.reads.pauseFor(7_000);
		await clock.until(watcher.onCallback('t1'));
		expect(moments()).toEqual([7_000]);
	});

	it('reads nothing by itself if it does not poll', async () => {
		const { watcher, clock, reads } = watching(() => RUNNING, { polls: false });
		watcher.add(target('t1', { called: true }));
		await clock.pass(600_000);
		expect(reads).toHaveLength(0);
		await clock.until(watcher.onCallback('t1'));
		expect(reads).toHaveLength(1);
		await clock.pass(60_000);
		expect(reads.length).toBeGreaterThan(1);
	});
});

describe('For a task that a call is expected for', () => {
	const hopeful = (taskId = 't1', more: Partial<Target> = {}) =>
		target(taskId, { called: true, schedule: {}, ...more });

	it('a watcher reads little while it does not know whether calls arrive', async () => {
		const { watcher, clock, moments } = watching(() => RUNNING);
		watcher.add(hopeful());
		await clock.pass(90_000);
		expect(moments()).toEqual([10_000, 15_000, 22_500, 33_750, 50_625, 68_625, 86_625]);
	});

	it('a watcher reads next to nothing where calls have arrived', async () => {
		const { watcher, clock, account, moments } = watching(() => RUNNING);
		account.calledAt = 0;
		watcher.add(hopeful());
		await clock.pass(800_000);
		expect(moments()).toEqual([120_000, 420_000, 720_000]);
	});

	it('a watcher leaves a task to its call as long as others have taken', async () => {
		const { watcher, clock, account, reads } = watching((id) => (id === 'first' ? DONE : RUNNING));
		account.calledAt = 0;
		watcher.add(hopeful('first'));
		await clock.pass(100_000);
		await clock.until(watcher.onCallback('first'));
		watcher.add(hopeful('second', { since: clock.time }));
		await clock.pass(200_000);
		expect(reads.slice(1)).toEqual([{ taskId: 'second', at: 250_000 }]);
	});

	it('a watcher does not wait for what tasks of another operation take', async () => {
		const video = watching(() => DONE, { operation: 'video:generate' });
		const { clock, account } = video;
		account.calledAt = 0;
		video.watcher.add(hopeful());
		await clock.pass(100_000);
		await clock.until(video.watcher.onCallback('t1'));
		const image = watching(() => RUNNING, { clock, account });
		image.watcher.add(hopeful('t2', { since: clock.time }));
		await clock.pass(130_000);
		expect(image.moments()).toEqual([220_000]);
	});

	it('a watcher reads one task for all where calls have arrived', async () => {
		const { watcher, clock, account, reads } = watching(() => RUNNING);
		account.calledAt = 0;
		for (const id of ['a', 'b', 'c']) watcher.add(hopeful(id));
		await clock.pass(800_000);
		expect(reads).toEqual([120_000, 420_000, 720_000].map((at) => ({ taskId: 'a', at })));
	});

	it('a watcher reads a task whose call was lost two minutes after the last call of the others', async () => {
		const { watcher, clock, account, reads } = watching(() => DONE);
		account.calledAt = 0;
		for (const id of ['a', 'b', 'c']) watcher.add(hopeful(id));
		await clock.pass(100_000);
		for (const id of ['a', 'c']) await clock.until(watcher.onCallback(id));
		await clock.until(watcher.untilAllEnded());
		expect(reads.slice(2)).toEqual([{ taskId: 'b', at: 220_000 }]);
	});

	it('a watcher reads all tasks once the first has ended without a call', async () => {
		const { watcher, clock, account, reads } = watching((id) => (id === 'a' ? DONE : RUNNING));
		account.calledAt = 0;
		for (const id of ['a', 'b', 'c']) watcher.add(hopeful(id));
		await clock.pass(126_000);
		expect(reads.map(({ taskId }) => taskId)).toEqual(['a', 'b', 'c']);
	});

	it('a watcher reads next to nothing from the first call on', async () => {
		const { watcher, clock, account, moments } = watching(() => RUNNING);
		watcher.add(hopeful());
		await clock.pass(20_000);
		account.calledAt = clock.time;
		await clock.pass(110_000);
		expect(moments()).toEqual([10_000, 15_000]);
	});

	it.each([
		// The first of several is read for all: the other one is read right after it.
		['in this watcher', false, [10_200, 15_300, 16_524]],
		['in another', true, [10_000, 15_000, 16_200]],
	])(
		'a watcher reads more once it has read an end that no call told of, %s',
		async (_, isOther, first) => {
			const clock = new WaitClock();
			const account = newAccount(clock);
			const script: Script = (taskId) => (taskId === 'short' ? DONE : RUNNING);
			const { watcher, reads } = watching(script, { clock, account });
			const other = isOther ? watching(script, { clock, account }).watcher : watcher;
			other.add(hopeful('short'));
			watcher.add(hopeful('long'));
			await clock.pass(60_000);
			const at = reads.filter(({ taskId }) => taskId === 'long').map((read) => read.at);
			// After five seconds it is sure that no call comes. From then on a pause is 8 % of the time waited.
			expect(at.slice(0, 3)).toEqual(first);
			at.slice(3).forEach((moment, index) => {
				expect(moment / (at[index + 2] ?? NaN)).toBeCloseTo(1.08, 5);
			});
			expect(at.length).toBeGreaterThan(9);
		},
	);

	it('a watcher does not read more if the call for such an end comes a little later', async () => {
		const { watcher, clock, account, reads } = watching((id) => (id === 'short' ? DONE : RUNNING));
		watcher.add(hopeful('short'));
		watcher.add(hopeful('long'));
		await clock.pass(13_000);
		account.calledAt = clock.time;
		await clock.pass(100_000);
		expect(reads.map(({ at }) => at)).toEqual([10_000, 10_200]);
	});

	it('a watcher does not read more after an end that a call told of', async () => {
		const { watcher, clock, account, reads } = watching((id) => (id === 'short' ? DONE : RUNNING));
		watcher.add(hopeful('short'));
		watcher.add(hopeful('long'));
		await clock.pass(2_000);
		account.calledAt = clock.time;
		await clock.until(watcher.onCallback('short'));
		await clock.pass(100_000);
		expect(reads.map(({ taskId }) => taskId)).toEqual(['short']);
	});

	it('a watcher obeys the pauses that the user has set', async () => {
		const { watcher, clock, moments } = watching(() => RUNNING);
		watcher.add(hopeful('t1', { schedule: { first: 3_000, longest: 8_000 } }));
		await clock.pass(36_000);
		expect(moments()).toEqual([3_000, 8_000, 13_000, 19_500, 27_500, 35_500]);
	});

	it('a watcher still makes a read that was due when the first call arrived', async () => {
		const first = watching(never);
		first.watcher.add(hopeful());
		await first.clock.pass(10_500);
		const { clock, account } = first;
		const second = watching(() => DONE, { clock, account, before: first.watcher });
		account.calledAt = clock.time;
		second.watcher.add(hopeful());
		await clock.until(second.watcher.untilAllEnded());
		expect(clock.time).toBeLessThan(12_000);
	});
});

describe('A read of what is due', () => {
	it('reads each due task once', async () => {
		const { watcher, clock, reads } = watching(() => RUNNING, { polls: false });
		watcher.add(target('due', { called: true, schedule: { ...SCHEDULE, first: 0 } }));
		watcher.add(target('not due', { called: true }));
		await clock.until(watcher.readDue());
		expect(reads.map(({ taskId }) => taskId)).toEqual(['due']);
	});

	it('joins a read under way', async () => {
		const clock = new WaitClock();
		const { watcher, reads } = watching(after(clock, 2_000, RUNNING), { clock });
		watcher.add(target());
		await clock.pass(4_500);
		await clock.until(watcher.readDue());
		expect(reads).toHaveLength(1);
	});

	it('ends all tasks past their deadline with a last read', async () => {
		const { watcher, clock, reads } = watching(() => failing('serverError'));
		for (const id of ['t1', 't2']) watcher.add(target(id, { since: -20_000, deadline: -10_000 }));
		await clock.until(watcher.readDue());
		expect(reads.map(({ taskId }) => taskId)).toEqual(['t1', 't2']);
		expect(['t1', 't2'].map((id) => watcher.sightingOf(id)?.end)).toEqual([
			'timeLimit',
			'timeLimit',
		]);
	});

	it.each<[string, Script, number]>([
		['a read hangs', never, 0],
		['the provider asks for a pause', () => RUNNING, 120_000],
	])('is over at the time limit although %s', async (_, script, pause) => {
		const { watcher, clock, account } = watching(script);
		account.reads.pauseFor(pause);
		watcher.add(target('t1', { deadline: 10_000, schedule: { ...SCHEDULE, first: 0 } }));
		let over = NaN;
		void watcher.readDue().then(() => (over = clock.time));
		await clock.pass(130_000);
		expect(over).toBeLessThanOrEqual(15_000);
	});
});

describe('A watcher that follows another', () => {
	/** A first watcher that has made its reads, and the second. */
	async function followed(script: Script, ids = ['t1'], ms = 4_500) {
		const first = watching(script);
		for (const id of ids) first.watcher.add(target(id));
		await first.clock.pass(ms);
		const { clock, account } = first;
		const second = watching(script, { clock, account, before: first.watcher });
		first.watcher.stop();
		for (const id of ids) second.watcher.add(target(id));
		return { first, second, clock, account };
	}

	it('knows what the first has seen', async () => {
		const { second } = await followed(() => DONE);
		expect(second.watcher.sightingOf('t1')).toMatchObject({ end: 'terminal', reads: 1 });
		expect(second.watcher.allEnded).toBe(true);
	});

	it('reads nothing that has ended', async () => {
		const { second, clock } = await followed(() => DONE);
		await clock.pass(60_000);
		expect(second.reads).toHaveLength(0);
	});

	it('reads an open task when the first would have', async () => {
		const { second, clock } = await followed(() => RUNNING);
		await clock.pass(1_000);
		expect(second.moments()).toEqual([5_000]);
	});

	it('counts the reads of the first', async () => {
		const { second, clock } = await followed(() => RUNNING);
		await clock.pass(1_000);
		expect(second.watcher.sightingOf('t1')?.reads).toBe(2);
	});

	it('counts a task once for the account', async () => {
		const { account } = await followed(() => RUNNING, ['a', 'b']);
		expect(account.watched).toBe(2);
	});

	it('knows only its own tasks', async () => {
		const { first, clock, account } = await followed(() => DONE);
		const { watcher } = watching(() => DONE, { clock, account, before: first.watcher });
		expect(watcher.sightingOf('t1')).toBeUndefined();
	});

	it('leaves the first to the garbage collector, however many have come between', async () => {
		const clock = new WaitClock();
		const account = newAccount(clock);
		const first = { watcher: watching(() => RUNNING, { clock, account }).watcher };
		const gone = new WeakRef(first.watcher);
		const next = (before: Watcher) => {
			const { watcher } = watching(() => RUNNING, { clock, account, before });
			before.stop();
			watcher.add(target());
			return watcher;
		};
		first.watcher.add(target());
		first.watcher = next(first.watcher);
		await clock.pass(10_000);
		await collectGarbage();
		expect(first.watcher.allEnded).toBe(false);
		expect(gone.deref()).toBeUndefined();
	});

	describe('while the first is still reading', () => {
		/** The second reads, too, and gets its answer later than the first. */
		async function handedOver() {
			const { answer, give } = later();
			const first = watching(async () => await answer);
			const { clock, account } = first;
			first.watcher.add(target('t1', { deadline: 60_000 }));
			await clock.pass(4_500);
			const { watcher } = watching(after(clock, 1_000, DONE), {
				clock,
				account,
				before: first.watcher,
			});
			first.watcher.stop();
			watcher.add(target('t1', { deadline: 60_000 }));
			await settled();
			give(DONE);
			return { watcher, clock, account };
		}

		it('ends the task when that read shows the end', async () => {
			const { watcher, clock, account } = await handedOver();
			await clock.pass(10_000);
			expect(watcher.sightingOf('t1')?.end).toBe('terminal');
			expect(watcher.allEnded).toBe(true);
			expect(account.watched).toBe(0);
		});

		it('keeps a task completed that the read has seen completed, also beyond its time limit', async () => {
			const { watcher, clock } = await handedOver();
			await clock.pass(70_000);
			expect(watcher.sightingOf('t1')).toMatchObject({
				end: 'terminal',
				task: { status: 'completed' },
			});
		});
	});
});

describe('A watcher that is stopped', () => {
	it('reads nothing more', async () => {
		const { watcher, clock, reads } = watching(() => RUNNING);
		watcher.add(target());
		await clock.pass(4_500);
		watcher.stop();
		await clock.pass(600_000);
		expect(reads).toHaveLength(1);
	});

	it('drops reads that wait for their turn', async () => {
		const clock = new WaitClock();
		const { watcher, reads } = watching(after(clock, 1_000, RUNNING), {
			clock,
			account: newAccount(clock, 2),
		});
		for (let n = 0; n < 10; n++) watcher.add(target(`t${n}`));
		await clock.pass(4_500);
		watcher.stop();
		await clock.pass(60_000);
		expect(reads).toHaveLength(2);
	});

	it('reads nothing when it is told of a task', async () => {
		const { watcher, clock, reads } = watching(() => RUNNING);
		watcher.add(target());
		watcher.stop();
		await clock.until(watcher.onCallback('t1'));
		expect(reads).toHaveLength(0);
	});

	it('ends all waits for its tasks', async () => {
		const { watcher, clock } = watching(() => RUNNING);
		watcher.add(target());
		const waiting = watcher.untilAllEnded();
		watcher.stop();
		await clock.until(waiting);
		expect(clock.time).toBe(0);
	});

	it('leaves no sleep behind', async () => {
		const clock = new WaitClock();
		const { watcher } = watching(() => RUNNING, { clock });
		watcher.add(target());
		await clock.pass(4_500);
		watcher.stop();
		const sleep = jest.spyOn(clock, 'sleep');
		await clock.pass(600_000);
		expect(sleep).toHaveBeenCalledTimes(1);
	});

	it('leaves the count of the account once, even if it is stopped twice', async () => {
		const { watcher, clock, account } = watching((id) => (id === 'a' ? DONE : RUNNING));
		for (const id of ['a', 'b', 'c']) watcher.add(target(id));
		await clock.pass(4_500);
		expect(account.watched).toBe(2);
		watcher.stop();
		watcher.stop();
		expect(account.watched).toBe(0);
	});

	it('stays out of that count when a read ends later', async () => {
		const { answer, give } = later();
		const { watcher, clock, account } = watching(async () => await answer);
		watcher.add(target());
		await clock.pass(4_500);
		watcher.stop();
		give(DONE);
		await settled();
		expect(account.watched).toBe(0);
	});

	it('does not count a task that is added later, such as one submitted while the user cancelled', async () => {
		const { watcher, clock, account, reads } = watching(() => RUNNING);
		watcher.stop();
		watcher.add(target());
		await clock.pass(60_000);
		expect(account.watched).toBe(0);
		expect(reads).toHaveLength(0);
	});
});

describe('The end of all tasks', () => {
	it('is reached at once when nothing is watched', async () => {
		const { watcher, clock } = watching(() => DONE);
		expect(watcher.allEnded).toBe(true);
		await clock.until(watcher.untilAllEnded());
		expect(clock.time).toBe(0);
	});

	it('comes with the last, whichever way each ends', async () => {
		const { watcher, clock, account } = watching((id) =>
			id === 'done' ? DONE : id === 'lost' ? failing('invalidKey', { transient: false }) : RUNNING,
		);
		watcher.add(target('done'));
		watcher.add(target('lost'));
		watcher.add(target('late', { deadline: 30_000 }));
		await clock.until(watcher.untilAllEnded());
		expect(clock.time).toBe(30_000);
		expect(account.watched).toBe(0);
	});

	it('resolves for everyone who waits for it', async () => {
		const { watcher, clock } = watching(() => DONE);
		watcher.add(target());
		const all = [1, 2, 3].map(async () => await watcher.untilAllEnded());
		await clock.until(Promise.all(all));
		expect(clock.time).toBe(4_000);
	});

	it('includes tasks that were added meanwhile', async () => {
		const { watcher, clock } = watching(() => DONE);
		watcher.add(target('a'));
		const end = watcher.untilAllEnded();
		await clock.pass(2_000);
		watcher.add(target('b', { since: 2_000 }));
		await clock.until(end);
		expect(clock.time).toBe(6_000);
	});
});
