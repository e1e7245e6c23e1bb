import { failed, type Result } from '../../providers/http';
import { isTerminal, type Task } from '../../providers/task';
import type { Clock } from '../n8n/clock';
import { Limiter } from '../wait/limiter';

/** How many tasks the calls may make this n8n read. */
export interface LookupLimits {
	perSecond: number;
	/** How many more at once, after a quiet time. */
	burst: number;
	/** Requests in flight at a time. */
	inFlight: number;
	/** How long “not found” is reused as the answer for a task, in ms. */
	unknownMs: number;
	/** Whether a call for an open task that was just read waits until the task may be read again, or is to come again. */
	waits: boolean;
}

/** For calls that are not authenticated: made-up ones get no more than this. */
export const FOR_ANYBODY: LookupLimits = {
	...{ perSecond: 20, burst: 40, inFlight: 4, unknownMs: 60_000, waits: false },
};

/** For authenticated calls. The status may lag a moment behind the callback, so an unknown task is read again. */
export const FOR_THE_PROVED: LookupLimits = {
	...{ perSecond: 50, burst: 400, inFlight: 8, unknownMs: 0, waits: true },
};

/** How long the answer for a task that has ended is reused, in ms; its end does not change. */
const ENDED_MS = 60_000;

/** The shortest time between two reads of an open task, in ms. */
const OPEN_MS = 2_000;

/** How many answers are remembered. */
const REMEMBERED = 500;

/** Reads the tasks that calls name: a limited number per second, each once at a time, and not while known. */
export class Lookups {
	private tokens: number;

	private filledAt: number;

	private readonly inFlight: Limiter;

	private readonly underWay = new Map<string, Promise<Result<Task>>>();

	/** Each with the Unix ms until which it is valid; oldest first. */
	private readonly answers = new Map<string, { answer: Result<Task>; until: number }>();

	constructor(
		private readonly limits: LookupLimits,
		private readonly clock: Clock,
	) {
		this.tokens = limits.burst;
		this.filledAt = clock.now();
		this.inFlight = new Limiter(limits.inFlight, clock);
	}

	/**
	 * The result of `read` for a task, or its last result while that is valid.
	 *
	 * @param until Unix ms: nobody waits for the answer any longer
	 * @param read reads the task; it may take `limitMs`
	 * @returns a failure `rateLimited` when too many tasks were read
	 */
	async read(
		taskId: string,
		until: number,
		read: (limitMs: number) => Promise<Result<Task>>,
	): Promise<Result<Task>> {
		const known = this.answers.get(taskId);
		if (known && this.clock.now() < known.until) {
			if (!known.answer.ok || isTerminal(known.answer.value)) return known.answer;
			if (!this.limits.waits || known.until >= until) return TOO_MANY;
			await this.clock.sleep(known.until - this.clock.now());
			return await this.read(taskId, until, read);
		}
		const sameUnderWay = this.underWay.get(taskId);
		if (sameUnderWay) return await sameUnderWay;
		if (!this.takeToken()) return TOO_MANY;
		const reading = this.inFlight.run(async () => {
			const left = until - this.clock.now();
			return left > 0 ? await read(left) : TOO_LATE;
		});
		this.underWay.set(taskId, reading);
		try {
			const answer = await reading;
			this.remember(taskId, answer);
			return answer;
		} finally {
			this.underWay.delete(taskId);
		}
	}

	private takeToken(): boolean {
		const { perSecond, burst } = this.limits;
		const now = this.clock.now();
		this.tokens = Math.min(burst, this.tokens + ((now - this.filledAt) / 1000) * perSecond);
		this.filledAt = now;
		if (this.tokens < 1) return false;
		this.tokens--;
		return true;
	}

	private remember(taskId: string, answer: Result<Task>): void {
		const goodFor = this.goodFor(answer);
		if (goodFor === 0) return;
		this.answers.delete(taskId);
		this.answers.set(taskId, { answer, until: this.clock.now() + goodFor });
		const [oldest] = this.answers.keys();
		if (this.answers.size > REMEMBERED && oldest !== undefined) this.answers.delete(oldest);
	}

	private goodFor(answer: Result<Task>): number {
		if (!answer.ok) return answer.failure.reason === 'notFound' ? this.limits.unknownMs : 0;
		return isTerminal(answer.value) ? ENDED_MS : OPEN_MS;
	}
}

const TOO_MANY = failed({ reason: 'rateLimited', accepted: 'no', transient: true });
const TOO_LATE = failed({ reason: 'timedOut', accepted: 'no', transient: true });

const perAccount = new Map<string, Map<LookupLimits, Lookups>>();

/** The lookups of an account in this process. */
export function lookupsOf(account: string, limits: LookupLimits, clock: Clock): Lookups {
	const ofAccount = perAccount.get(account) ?? new Map<LookupLimits, Lookups>();
	perAccount.set(account, ofAccount);
	const lookups = ofAccount.get(limits) ?? new Lookups(limits, clock);
	ofAccount.set(limits, lookups);
	return lookups;
}
