import type { Clock } from '../n8n/clock';
import { Forms } from './forms';
import type { Hearing } from './schedule';

/** The longest pause that a provider can impose, in ms: a task's time limit must not depend on the provider. */
const LONGEST_PAUSE_MS = 120_000;

/** Limits the number of concurrent requests, and holds all of them back while the provider has asked for a pause. */
export class Limiter {
	private running = 0;

	private readonly queue: Array<() => void> = [];

	private pausedUntil = 0;

	constructor(
		private readonly limit: number,
		private readonly clock: Clock,
	) {}

	/**
	 * Runs `work` as soon as there is room, and returns its result.
	 *
	 * @param orPaused runs in its place during a pause; without it, `run` waits until the pause is over
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
			// Hand the slot straight to the next in the queue, if there is one.
			const next = this.queue.shift();
			if (next) next();
			else this.running--;
		}
	}

	/** Holds all requests back for `ms`, two minutes at most. */
	pauseFor(ms: number): void {
		const until = this.clock.now() + Math.min(ms, LONGEST_PAUSE_MS);
		this.pausedUntil = Math.max(this.pausedUntil, until);
	}

	/** How long the current pause still lasts, in ms; 0 when there is none. */
	pausedFor(): number {
		return Math.max(0, this.pausedUntil - this.clock.now());
	}
}

/**
 * How many requests of one account may be in flight at once. Reads cost a provider little, and where many tasks end
 * together, the execution waits for nothing else. Where they do not, pauses keep them few (schedule.ts).
 */
const READS_IN_FLIGHT = 64;
const SUBMITS_IN_FLIGHT = 5;

/** What all users of one API key share, within the whole process. */
export interface Account extends Hearing {
	reads: Limiter;
	submits: Limiter;
	/** Which of the documented forms of a request the account understands. */
	forms: Forms;
	/** The number of open tasks that are being watched. */
	watched: number;
}

const accounts = new Map<string, Account>();

/** The shared state of an account, by `Http.account`; created on first use. */
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
