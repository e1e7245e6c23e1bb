import type { Clock } from '../clock';
import { Forms } from './forms';

/** However long a provider asks to be left alone, in ms: the time limit of a task must not depend on it. */
const LONGEST_PAUSE_MS = 120_000;

/** Lets a bounded number of requests through at a time, and none at all while the provider wants to be left alone. */
export class Limiter {
	private running = 0;

	private readonly queue: Array<() => void> = [];

	private pausedUntil = 0;

	constructor(
		private readonly limit: number,
		private readonly clock: Clock,
	) {}

	/**
	 * Runs `work` when there is room; gives what it gives.
	 *
	 * @param orPaused run in its place while the provider wants to be left alone; without it the pause is waited for
	 */
	async run<T>(work: () => Promise<T>, orPaused?: () => T): Promise<T> {
		if (this.running >= this.limit) await new Promise<void>((resolve) => this.queue.push(resolve));
		else this.running++;
		try {
			for (let ms = this.pausedFor(); ms > 0; ms = this.pausedFor()) {
				if (orPaused) return orPaused();
				await this.clock.sleep(ms);
			}
			return await work();
		} finally {
			// The place goes straight to the next in the queue, if there is one.
			const next = this.queue.shift();
			if (next) next();
			else this.running--;
		}
	}

	/** Lets nobody through for `ms`, two minutes at most. */
	pauseFor(ms: number): void {
		const until = this.clock.now() + Math.min(ms, LONGEST_PAUSE_MS);
		this.pausedUntil = Math.max(this.pausedUntil, until);
	}

	/** For how many ms nobody gets through; 0: not paused. */
	pausedFor(): number {
		return Math.max(0, this.pausedUntil - this.clock.now());
	}
}

/**
 * How many requests of one account are under way at once. Reads cost a provider little, and where many tasks end together
 * they are what an execution waits for; the pauses between those of open tasks (schedule.ts) keep the others few.
 */
const READS_IN_FLIGHT = 32;
const SUBMITS_IN_FLIGHT = 5;

/** What everything that asks a provider with the same key shares, in the whole process. */
export interface Account {
	reads: Limiter;
	submits: Limiter;
	/** Which of the provider's documented forms it understands. */
	forms: Forms;
	/** How many tasks are being watched. */
	watched: number;
	/** Unix ms when a call of the provider has arrived in this process last. */
	calledAt?: number;
	/** Unix ms when a call has last woken an execution, wherever it has arrived. */
	calledElsewhereAt?: number;
	/** Since when ends were read of which no call has told, and until when that counts; in Unix ms. */
	silence?: { since: number; until: number };
}

const accounts = new Map<string, Account>();

/**
 * The limiters of an account.
 *
 * @param key tells the account from all others; `Http.account`
 */
export function accountOf(key: string, clock: Clock): Account {
	const known = accounts.get(key);
	if (known) return known;
	const account: Account = {
		reads: new Limiter(READS_IN_FLIGHT, clock),
		submits: new Limiter(SUBMITS_IN_FLIGHT, clock),
		forms: new Forms(clock),
		watched: 0,
	};
	accounts.set(key, account);
	return account;
}
