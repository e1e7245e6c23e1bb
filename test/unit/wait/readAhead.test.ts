import fc from 'fast-check';

import type { Result } from '../../../nodes/Midjourney/providers/http';
import type { Task } from '../../../nodes/Midjourney/providers/task';
import { ReadAhead } from '../../../nodes/Midjourney/tasks/wait/readAhead';
import { Watcher } from '../../../nodes/Midjourney/tasks/wait/watcher';
import { failing, found, newAccount, WaitClock } from './fakes';

const NEVER = Infinity;

interface Setting {
	/** When each task ends, in ms, in the order of their submits. */
	endsAt: readonly number[];
	/** Whether the watcher polls, or reads only when it is called. */
	polls: boolean;
	/** How long n8n takes to pass each call to the node, in ms. */
	callMs?: number;
	/** How long a read takes, in ms. */
	readMs?: number;
	/** The number of calls that arrive; unset: all. */
	arriving?: number;
	/** The provider's answer to the read of that number; undefined: the state of the task. */
	answer?(read: number): Result<Task> | undefined;
}

/** Tasks of one wait. Each calls when it has ended, and n8n handles one call after the other until one wakes. */
function waiting({ endsAt, polls, readMs = 30, ...more }: Setting) {
	const { callMs = 40, arriving = Infinity, answer = () => undefined } = more;
	const clock = new WaitClock();
	const account = newAccount(clock);
	// Calls are counted on, so no read is due by time.
	account.calledAt = 0;
	const reads: Array<{ taskId: string; at: number }> = [];
	const underWay = new Set<string>();
	let twiceAtOnce = 0;
	const watcher = new Watcher({
		operation: 'image:generate',
		account,
		clock,
		polls,
		read: async (taskId) => {
			if (underWay.has(taskId)) twiceAtOnce++;
			underWay.add(taskId);
			reads.push({ taskId, at: clock.time });
			const told = answer(reads.length);
			const hasEnded = (endsAt[Number(taskId)] ?? NEVER) <= clock.time;
			await clock.sleep(readMs);
			underWay.delete(taskId);
			return told ?? found(hasEnded ? 'completed' : 'running', taskId);
		},
	});
	for (const at of endsAt.keys()) {
		watcher.add({
			...{ taskId: String(at), since: 0, deadline: 3_600_000, schedule: {} },
			...{ fresh: true, called: true },
		});
	}
	const calls = [...endsAt.entries()].sort(([, a], [, b]) => a - b).filter(([, at]) => at < NEVER);
	let handled = 0;
	let wokenAt = NaN;
	const call = async (taskId: number) => {
		await watcher.onCallback(String(taskId));
		if (watcher.allEnded && Number.isNaN(wokenAt)) wokenAt = clock.time;
	};
	async function run() {
		const answered: Array<Promise<void>> = [];
		for (const [taskId, at] of calls.slice(0, arriving)) {
			await clock.sleep(Math.max(0, at - clock.time) + callMs);
			if (!Number.isNaN(wokenAt)) break;
			handled++;
			answered.push(call(taskId));
		}
		await Promise.all(answered);
	}
	return {
		...{ watcher, clock, account, reads, run },
		/** Lets all calls arrive. */
		outcome: async () => {
			await clock.until(run());
			return {
				...{ handled, wokenAt, twiceAtOnce },
				readsPerTask: reads.length / endsAt.length,
				ended: watcher.allEnded,
			};
		},
	};
}

const each = <T>(count: number, of: (at: number) => T): T[] =>
	Array.from({ length: count }, (_, at) => of(at));

/** Pseudo-random numbers from 0 to below 1, the same each time. */
function chance() {
	let seed = 7;
	return () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
}

function shuffled(values: number[]): number[] {
	const random = chance();
	return values
		.map((value) => ({ value, at: random() }))
		.sort((a, b) => a.at - b.at)
		.map(({ value }) => value);
}

describe.each([
	['that polls', true],
	['that reads only when it is called', false],
])('A watcher %s', (_, polls) => {
	it.each([10, 20, 50, 100, 200, 1_000])(
		'reads %i tasks that end together once each, and needs few calls',
		async (count) => {
			const endsAt = each(count, () => 10_000);
			const { handled, wokenAt, readsPerTask } = await waiting({ endsAt, polls }).outcome();
			expect(readsPerTask).toBeLessThanOrEqual(1.2);
			expect(handled).toBeLessThanOrEqual(10 + count / 8);
			expect(wokenAt).toBeLessThan(10_600 + count * 5);
		},
	);

	it('needs a call for every second one of ten tasks that end together', async () => {
		const { handled } = await waiting({ endsAt: each(10, () => 10_000), polls }).outcome();
		expect(handled).toBeLessThanOrEqual(6);
	});

	it.each([20, 50, 100, 200])(
		'sees the end of %i tasks within a second and a half before all have called, with 1.2 reads each at most',
		async (count) => {
			const random = chance();
			const endsAt = each(count, () => 10_000 + 1_500 * random());
			const { wokenAt, readsPerTask } = await waiting({ endsAt, polls }).outcome();
			expect(readsPerTask).toBeLessThanOrEqual(1.2);
			expect(wokenAt).toBeLessThan(Math.max(10_000 + count * 40, 11_700) + 800);
		},
	);

	const SECONDS_40 = (count: number) => each(count, (at) => 10_000 + (at * 40_000) / count);
	const SLOW: Array<[string, (count: number) => number[]]> = [
		['evenly over 40 s', SECONDS_40],
		['evenly over 40 s in any order', (count) => shuffled(SECONDS_40(count))],
		['evenly over 40 s, the last first', (count) => SECONDS_40(count).reverse()],
		[
			'at random within 40 s',
			(count) => {
				const random = chance();
				return each(count, () => 10_000 + 40_000 * random());
			},
		],
		[
			'five at a time within 40 s',
			(count) => shuffled(each(count, (at) => 10_000 + Math.floor(at / 5) * (200_000 / count))),
		],
		[
			'half of them together, the others a minute later',
			(count) => shuffled(each(count, (at) => (at < count / 2 ? 10_000 : 70_000))),
		],
	];
	it.each(
		SLOW.flatMap(([name, of]) => [10, 20, 50, 100, 200, 1_000].map((n) => ({ name, n, of }))),
	)('reads $n tasks that end $name 1.5 times each at most', async ({ n, of }) => {
		const { readsPerTask, twiceAtOnce, ended } = await waiting({ endsAt: of(n), polls }).outcome();
		expect(readsPerTask).toBeLessThanOrEqual(1.5);
		expect(twiceAtOnce).toBe(0);
		expect(ended).toBe(true);
	});

	it('reads tasks 1.5 times each at most, and none twice at once, in whatever order they end and calls arrive', async () => {
		// Some end together, some alone, some never, in another order than that of their submits.
		const together = fc.record({
			at: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 60_000 })),
			count: fc.integer({ min: 1, max: 60 }),
		});
		const ends = fc
			.tuple(fc.array(together, { minLength: 1, maxLength: 12 }), fc.nat(40))
			.map(([groups, open]) => [
				...groups.flatMap(({ at, count }) => each(count, () => 10_000 + at)),
				...each(open, () => NEVER),
			])
			.chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));
		const took = fc.integer({ min: 0, max: 3_000 });
		await fc.assert(
			fc.asyncProperty(ends, took, took, async (endsAt, readMs, gap) => {
				const { readsPerTask, twiceAtOnce } = await waiting({
					...{ endsAt, polls, readMs, callMs: gap / 10 },
				}).outcome();
				expect(readsPerTask).toBeLessThanOrEqual(1.5);
				expect(twiceAtOnce).toBe(0);
			}),
			{ numRuns: 100 },
		);
	}, 60_000);

	it('reads a hundred tasks whose calls come one after the other 1.2 times each at most', async () => {
		const endsAt = each(100, (at) => 10_000 + at * 60);
		const { readsPerTask } = await waiting({ endsAt, polls, callMs: 20 }).outcome();
		expect(readsPerTask).toBeLessThanOrEqual(1.2);
	});

	it('reads each of a few tasks once', async () => {
		const endsAt = each(5, (at) => 10_000 + at * 60);
		expect((await waiting({ endsAt, polls }).outcome()).readsPerTask).toBe(1);
	});

	it('does not read the few that take longer over and over', async () => {
		const endsAt = each(100, (at) => (at % 10 === 3 ? NEVER : 10_000));
		const { readsPerTask } = await waiting({ endsAt, polls }).outcome();
		expect(readsPerTask).toBeLessThanOrEqual(1.2);
	});

	it('sees all ends during the call that began to read ahead, even if no other comes', async () => {
		const endsAt = each(50, () => 10_000);
		const { ended, wokenAt } = await waiting({ endsAt, polls, arriving: 3 }).outcome();
		expect(ended).toBe(true);
		expect(wokenAt).toBeLessThan(11_000);
	});

	it('answers other calls while it reads ahead', async () => {
		const endsAt = each(1_000, () => 10_000);
		const { clock, watcher, run } = waiting({ endsAt, polls, arriving: 3, readMs: 500 });
		const all = run();
		await clock.pass(13_000);
		const since = clock.time;
		await clock.until(watcher.onCallback('999'));
		expect(watcher.allEnded).toBe(false);
		expect(clock.time - since).toBeLessThanOrEqual(1_500);
		await clock.until(all);
		expect(watcher.allEnded).toBe(true);
	});

	it('reads nothing ahead while the provider asks for a pause', async () => {
		const endsAt = each(50, () => 10_000);
		const { clock, reads, run } = waiting({
			...{ endsAt, polls },
			answer: (read) => (read === 8 ? failing('rateLimited', { retryAfterMs: 20_000 }) : undefined),
		});
		const all = run();
		await clock.pass(30_000);
		const pausedAt = (reads[7]?.at ?? NaN) + 30;
		// Reads that were under way when the pause began do not count.
		const meanwhile = reads.filter(({ at }) => at > pausedAt && at < pausedAt + 20_000);
		expect(meanwhile).toEqual([]);
		await clock.until(all);
		expect(reads.length).toBeLessThanOrEqual(60);
	});

	it('reads nothing ahead once it is stopped', async () => {
		const endsAt = each(200, () => 10_000);
		const { clock, watcher, reads, run } = waiting({ endsAt, polls, readMs: 200, arriving: 3 });
		const all = run();
		await clock.pass(10_700);
		watcher.stop();
		const { length } = reads;
		await clock.until(all);
		await clock.pass(5_000);
		expect(length).toBeGreaterThan(3);
		expect(reads).toHaveLength(length);
	});

	it('reads no task ahead that no call is expected for', async () => {
		const endsAt = each(12, () => 10_000);
		const { clock, watcher, reads, run } = waiting({ endsAt, polls, arriving: 5 });
		for (const at of each(20, (n) => n)) {
			watcher.add({
				...{ taskId: `other ${at}`, since: 0, deadline: 3_600_000 },
				...{ schedule: { first: 600_000 }, fresh: true },
			});
		}
		await clock.until(run());
		expect(reads.filter(({ taskId }) => taskId.startsWith('other'))).toEqual([]);
		expect(reads.length).toBeGreaterThan(5);
	});
});

it.each([8, 41, 100])(
	'Of %i tasks, at most half are read ahead in vain, however many ends were read before',
	async (all) => {
		const clock = new WaitClock();
		let read = 0;
		const ahead: ReadAhead<string> = new ReadAhead({
			clock,
			tasks: () => ({ all, open: all }),
			next: (count) => each(Math.max(0, count), String),
			read: async () => {
				read++;
				await clock.sleep(1_000);
				return false;
			},
		});
		for (let round = 0; round < 20; round++) {
			for (let nth = 0; nth < 50; nth++) ahead.saw(true);
			await clock.until(Promise.all([ahead.called(), ahead.called(), ahead.called()]));
		}
		expect(read).toBe(Math.floor(all / 2));
	},
);
