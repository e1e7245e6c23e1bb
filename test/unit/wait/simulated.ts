import { type Account } from '../../../nodes/Midjourney/tasks/wait/limiter';
import { Watcher } from '../../../nodes/Midjourney/tasks/wait/watcher';
import { type Random, seededRandom } from '../../emulator/random';
import { FakeClock } from '../fakeClock';
import { found, newAccount } from './fakes';

const HOUR = 3_600_000;

/** How long a provider takes for a read, a submit and the callback at the end, in ms. */
const READ_MS = 100;
const SUBMIT_MS = 150;
const CALL_MS = 200;

/** The number of submits at once. */
const SUBMITS_AT_ONCE = 5;

/** Tasks that are bought and waited for together. */
export interface Order {
	/** How long each task takes, in ms. */
	lengths: readonly number[];
	/** Whether calls are expected by the addresses. */
	called: boolean;
	/** Whether calls come. */
	arrives?: boolean;
}

/** What was seen of an order. */
export interface Seen {
	/** From the end of the last task until the watcher knew that all had ended, in ms. */
	lateMs: number;
	/** The mean number of reads of a task. */
	reads: number;
}

/** Waits for the tasks of one order as a node does after its start. */
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
		operation: 'image:generate',
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

/** Random lengths of tasks around `mean`, each shorter or longer by up to `part` of it. */
export const lengthsAround = (
	mean: number,
	count: number,
	part: number,
	{ next }: Random,
): number[] =>
	Array.from({ length: count }, () => Math.round(mean * (1 + part * (2 * next() - 1))));

/** Waits for orders at the same time, each with a new account of its own. */
export async function eachAlone(orders: readonly Order[], seed = 1): Promise<Seen[]> {
	const clock = new FakeClock(seededRandom(seed).next);
	return await clock.until(
		Promise.all(orders.map(async (order) => await waitFor(order, clock, newAccount(clock)))),
	);
}

/** Waits for orders of one account in a new process; each begins `everyMs` after the previous one. */
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
