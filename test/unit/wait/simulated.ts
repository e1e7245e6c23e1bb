import { type Account } from '../../../nodes/Midjourney/tasks/wait/limiter';
import { Watcher } from '../../../nodes/Midjourney/tasks/wait/watcher';
import { type Random, seededRandom } from '../../emulator/random';
import { FakeClock } from '../fakeClock';
import { found, newAccount } from './fakes';

const HOUR = 3_600_000;

/** How long a provider takes for a read, a submit and the call that tells of an end, in ms. */
const READ_MS = 100;
const SUBMIT_MS = 150;
const CALL_MS = 200;

/** So many are bought at once. */
const SUBMITS_AT_ONCE = 5;

/** Tasks that are bought and waited for together. */
export interface Order {
	/** What each takes, in ms. */
	lengths: readonly number[];
	/** Whether a call is to tell of their ends, as far as the addresses show. */
	called: boolean;
	/** Whether one comes. */
	arrives?: boolean;
}

/** What became of an order. */
export interface Seen {
	/** From the end of its last task until the watcher knew that all have ended, in ms. */
	lateMs: number;
	/** How often each task was read, in the mean. */
	reads: number;
}

/** Waits for the tasks of one order as a node does that was just started. */
export async function waitFor(
	{ lengths, called, arrives = false }: Order,
	clock: FakeClock,
	account: Account,
): Promise<Seen> {
	const start = clock.time;
	const bought = lengths.map((length, at) => {
		const since = start + Math.floor(at / SUBMITS_AT_ONCE) * SUBMIT_MS;
		return { taskId: String(at), since, endsAt: since + length };
	});
	let reads = 0;
	const watcher = new Watcher({
		account,
		clock,
		polls: true,
		read: async (taskId) => {
			reads++;
			await clock.sleep(READ_MS);
			const hasEnded = (bought[Number(taskId)]?.endsAt ?? Infinity) <= clock.time;
			return found(hasEnded ? 'completed' : 'running', taskId);
		},
	});
	for (const { taskId, since } of bought) {
		watcher.add({ taskId, since, deadline: start + 3 * HOUR, schedule: {}, fresh: true, called });
	}
	const call = async ({ taskId, endsAt }: (typeof bought)[number]) => {
		await clock.sleep(endsAt + CALL_MS - clock.time);
		account.calledAt = clock.time;
		await watcher.onCallback(taskId);
	};
	if (arrives) for (const one of bought) void call(one);
	await watcher.untilAllEnded();
	const lastEnd = Math.max(...bought.map(({ endsAt }) => endsAt));
	return { lateMs: clock.time - lastEnd, reads: reads / lengths.length };
}

/** Lengths of tasks of which `mean` is the usual one, each shorter or longer by up to `part` of it. */
export const lengthsAround = (
	mean: number,
	count: number,
	part: number,
	{ next }: Random,
): number[] =>
	Array.from({ length: count }, () => Math.round(mean * (1 + part * (2 * next() - 1))));

/** Orders that were waited for at the same time, each with an account of its own of which nothing is known. */
export async function eachAlone(orders: readonly Order[], seed = 1): Promise<Seen[]> {
	const clock = new FakeClock(seededRandom(seed).next);
	return await clock.until(
		Promise.all(orders.map(async (order) => await waitFor(order, clock, newAccount(clock)))),
	);
}

/** Orders of one account in a process that was just started; each begins `everyMs` after the one before. */
export async function oneAfterAnother(
	orders: readonly Order[],
	everyMs: number,
	seed = 1,
): Promise<Seen[]> {
	const clock = new FakeClock(seededRandom(seed).next);
	const account = newAccount(clock);
	const waits = orders.map(async (order, at) => {
		await clock.sleep(at * everyMs);
		return await waitFor(order, clock, account);
	});
	return await clock.until(Promise.all(waits));
}
