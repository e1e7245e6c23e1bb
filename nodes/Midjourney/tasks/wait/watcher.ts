import type { Result } from '../../providers/http';
import type { Task } from '../../providers/task';
import type { Clock } from '../clock';
import { judge } from './judge';
import type { Account } from './limiter';
import { ReadAhead } from './readAhead';
import { AFTER_SUBMIT, endedUncalled, SOON, WHERE_CALLS_ARRIVE } from './schedule';
import type { WaitState } from './state';
import {
	plan,
	planAnew,
	reliesOnCall,
	type Progress,
	type Sighting,
	type Target,
	type Watched,
} from './watched';

/** At its time limit a task is read once more; this long is the answer waited for, in ms. */
export const LAST_READ_MS = 5_000;

/** So long a node that runs waits for what is due before it goes on without, in ms. */
const DUE_READS_MS = 10_000;

/** The loop looks around at least this often, in ms. */
const TICK_MS = 1_000;

/** While something is being read: its next read may be due this soon after it, in ms. */
const READING_TICK_MS = 200;

export interface WatcherDeps {
	read(taskId: string): Promise<Result<Task>>;
	account: Account;
	clock: Clock;
	/** Whether it reads by itself also what calls will tell of. */
	polls: boolean;
	/** Hears of each end. */
	onEnd?(taskId: string, sighting: Sighting): void;
}

/**
 * The one loop that reads tasks: for a node that waits in the foreground, for the calls to a parked one, and in the
 * process beside a parked one. It keeps ids and what was seen of them, nothing of the execution.
 */
export class Watcher {
	private readonly watched = new Map<string, Watched>();

	/** What was read ahead for nothing goes to the end. */
	private readonly openIds = new Set<string>();

	private readonly ahead: ReadAhead<Watched>;

	/** What ends together is then read together: the end of the last is seen as soon as that of one would be. */
	private readonly chance: number;

	/** What an earlier watcher of the same tasks knew. */
	private readonly known: ReadonlyMap<string, Progress>;

	/** Unix ms: a call has last told of an end. */
	private toldAt = -Infinity;

	private running = false;

	private stopped = false;

	private listeners: Array<() => void> = [];

	/** @param before watches the same tasks and is stopped: what it has seen need not be read again */
	constructor(
		private readonly deps: WatcherDeps,
		before?: Watcher,
	) {
		this.known = new Map(before?.handOver());
		this.chance = deps.clock.random();
		this.ahead = new ReadAhead(
			{
				clock: deps.clock,
				tasks: () => ({ all: this.watched.size, open: this.openIds.size }),
				next: (count) => this.nextAhead(count),
				read: async (one) => await this.readOneAhead(one),
			},
			before?.ahead.misses,
		);
	}

	/** Watches another task, or knows it already. */
	add(target: Target): void {
		const { chance } = this;
		const { clock, account } = this.deps;
		const present = this.watched.get(target.taskId);
		if (present) {
			present.deadline = Math.max(present.deadline, target.deadline);
			return;
		}
		const since = Number.isFinite(target.since) ? target.since : clock.now();
		const known = this.known.get(target.taskId);
		const sighting = { reads: 0, called: false, ...known?.sighting };
		const one = { ...target, since, due: since, usual: AFTER_SUBMIT, chance, ...known, sighting };
		this.watched.set(target.taskId, one);
		if (!known) plan(one, account, clock);
		if (sighting.end || this.stopped) return;
		this.openIds.add(target.taskId);
		account.watched++;
		this.start();
	}

	/** What is known of a task; undefined when it is not watched. */
	sightingOf(taskId: string): Sighting | undefined {
		return this.watched.get(taskId)?.sighting;
	}

	/** Whether all tasks that were added have ended, whichever way. */
	get allEnded(): boolean {
		return this.openIds.size === 0;
	}

	/** Nothing will be read any more. */
	get isStopped(): boolean {
		return this.stopped;
	}

	/** Resolves when all tasks that were added have ended, or it was stopped. */
	async untilAllEnded(): Promise<void> {
		while (!this.allEnded && !this.stopped) {
			await new Promise<void>((resolve) => this.listeners.push(resolve));
		}
	}

	/**
	 * Somebody says that a task may have ended: reads it at once. Calls that come together share a read. Where tasks end
	 * together, others are read ahead; one of those who have told waits for that, so that somebody sees it when all have ended.
	 */
	async onCallback(taskId: string): Promise<void> {
		const one = this.watched.get(taskId);
		if (!one) return;
		await this.readAsTold(one);
		if (!one.sighting.end) return;
		this.toldAt = this.deps.clock.now();
		await this.ahead.called();
	}

	/**
	 * Reads what is due, once; what hangs goes on without being waited for. What is past its deadline ends, so that no try of
	 * a node that has failed at its time limit begins to wait anew.
	 *
	 * @param wake `wasCalled`: a call has told of all that is open, in another process; `isLook`: a look finds what nobody
	 * has told of. With either, all that is open is due.
	 */
	async readDue({
		wasCalled = false,
		isLook = false,
	}: Pick<WaitState, 'wasCalled' | 'isLook'> = {}): Promise<void> {
		const { clock } = this.deps;
		const now = clock.now();
		const isSpared = this.sparing(now);
		const reads = [...this.openIds].flatMap((taskId) => {
			const one = this.watched.get(taskId);
			if (!one) return [];
			if (wasCalled) one.sighting.called = true;
			if (wasCalled || isLook) one.due = now;
			this.tend(one, now, isLook || !isSpared(one));
			return one.reading ?? [];
		});
		if (reads.length === 0) return;
		await Promise.race([Promise.all(reads), this.untilAllEnded(), clock.sleep(DUE_READS_MS)]);
	}

	/** From now on nothing is read any more, and what is being read is not believed. */
	stop(): void {
		if (this.stopped) return;
		this.stopped = true;
		this.deps.account.watched -= this.openIds.size;
		this.notify();
	}

	/** Stops, and gives what is known. What is being read is due at once. */
	private handOver(): Array<[string, Progress]> {
		this.stop();
		return [...this.watched].map(([taskId, { sighting, due, usual, readAt, reading }]) => [
			taskId,
			{ sighting, due: reading ? 0 : due, usual, readAt },
		]);
	}

	private async readAsTold(one: Watched): Promise<void> {
		if (one.sighting.end) return;
		const { clock } = this.deps;
		const isRepeated = one.isTold === true;
		one.isTold = true;
		one.sighting.called = true;
		if (isRepeated) {
			// Whoever repeats a call does not make it be read as often, but hears what the next read shows.
			const calledAt = clock.now();
			const pause = (one.readAt ?? -Infinity) + SOON.first - calledAt;
			if (pause > 0) await clock.sleep(pause);
			if (one.sighting.end || (one.readAt ?? -Infinity) > calledAt) return;
		}
		// What is being read may be older than what was told.
		await one.reading;
		if (one.sighting.end) return;
		await (one.reading ?? this.read(one));
		if (one.sighting.end) return this.ahead.saw(true);
		// The provider's books may be a moment behind its call.
		one.due = Math.min(one.due, clock.now() + SOON.first);
		this.start();
	}

	/** At most so many tasks of which calls are to tell, and that nobody reads. */
	private nextAhead(count: number): Watched[] {
		const next: Watched[] = [];
		if (this.stopped || this.deps.account.reads.pausedFor() > 0) return next;
		for (const taskId of this.openIds) {
			if (next.length >= count) break;
			const one = this.watched.get(taskId);
			if (one?.called && !one.sighting.called && !one.reading) next.push(one);
		}
		return next;
	}

	private async readOneAhead(one: Watched): Promise<boolean> {
		await this.read(one);
		const hasEnded = one.sighting.end !== undefined;
		if (hasEnded) one.sighting.called = true;
		else if (this.openIds.delete(one.taskId)) this.openIds.add(one.taskId);
		return hasEnded;
	}

	private start(): void {
		if (!this.running && !this.stopped) void this.loop();
	}

	private async loop(): Promise<void> {
		const { account, clock, polls } = this.deps;
		this.running = true;
		while (!this.stopped && this.openIds.size > 0) {
			const now = clock.now();
			const isSpared = this.sparing(now);
			let next = Infinity;
			for (const taskId of this.openIds) {
				const one = this.watched.get(taskId);
				if (!one) continue;
				const mayBeRead = polls || one.sighting.called || !one.called;
				const isRead = mayBeRead && !isSpared(one);
				if (isRead) planAnew(one, account, clock, now);
				this.tend(one, now, isRead);
				if (one.sighting.end) continue;
				if (isRead) next = Math.min(next, one.reading ? now + READING_TICK_MS : one.due);
				else if (mayBeRead) next = Math.min(next, now + TICK_MS);
				next = Math.min(next, one.lastAt === undefined ? one.deadline : one.lastAt + LAST_READ_MS);
			}
			// Who lives by calls alone, and without an end, is woken by them.
			if (next === Infinity) break;
			await clock.sleep(Math.max(1, Math.min(next - clock.now(), TICK_MS)));
		}
		this.running = false;
	}

	/**
	 * Which tasks need no read now, although one may be due. Of those that calls are to tell of, the first open one is read for
	 * all: only when it ends without a call are the others read, too. A call that has just come shows the same at no cost.
	 *
	 * @param now Unix ms
	 * @returns to be asked once about each open task, in their order
	 */
	private sparing(now: number): (one: Watched) => boolean {
		const { account } = this.deps;
		const isQuiet = now >= this.toldAt + WHERE_CALLS_ARRIVE.first;
		let isRead = false;
		return (one) => {
			if (!reliesOnCall(one, account, now)) return false;
			const isFirst = !isRead;
			isRead = true;
			return !isFirst || !isQuiet;
		};
	}

	/** Does what is due for one task. */
	private tend(one: Watched, now: number, isRead: boolean): void {
		if (now >= one.deadline) this.close(one, now);
		else if (isRead && !one.reading && now >= one.due) void this.poll(one);
	}

	/** The time limit is the end, whatever hangs; what has ended by then counts, if the provider says so at once. */
	private close(one: Watched, now: number): void {
		if (one.lastAt === undefined) {
			one.lastAt = now;
			if (!one.reading && this.deps.account.reads.pausedFor() === 0) void this.poll(one);
		}
		if (!one.reading || now >= one.lastAt + LAST_READ_MS) this.end(one, 'timeLimit');
	}

	/** Reads it though nobody has told of it. */
	private async poll(one: Watched): Promise<void> {
		await this.read(one);
		const { sighting, called } = one;
		if (sighting.end !== 'terminal' || !called || sighting.called) return;
		endedUncalled(this.deps.account, this.deps.clock.now());
	}

	private async read(one: Watched): Promise<void> {
		one.reading = this.readOnce(one);
		await one.reading;
	}

	private async readOnce(one: Watched): Promise<void> {
		const { read, account, clock } = this.deps;
		const answer = await account.reads.run(async () => {
			if (one.sighting.end || this.stopped) return undefined;
			one.sighting.reads++;
			return await read(one.taskId);
		});
		one.reading = undefined;
		if (one.sighting.end || this.stopped || !answer) return;
		const waited = clock.now() - one.since;
		const judged = judge(answer, one.fresh ? waited : undefined);
		one.sighting.failure = answer.ok ? undefined : answer.failure;
		// What was seen stays seen, though it cannot be read now.
		if (answer.ok) one.sighting.task = answer.value;
		if (judged.end) return this.end(one, judged.end);
		const retryAfterMs = answer.ok ? 0 : (answer.failure.retryAfterMs ?? 0);
		if (retryAfterMs > 0) account.reads.pauseFor(retryAfterMs);
		one.readAt = clock.now();
		plan(one, account, clock);
		if (one.lastAt !== undefined) this.end(one, 'timeLimit');
	}

	private end(one: Watched, end: NonNullable<Sighting['end']>): void {
		one.sighting.end = end;
		one.sighting.endedAt = this.deps.clock.now();
		if (!this.openIds.delete(one.taskId)) return;
		if (!this.stopped) this.deps.account.watched--;
		this.deps.onEnd?.(one.taskId, one.sighting);
		if (this.allEnded) this.notify();
	}

	private notify(): void {
		const { listeners } = this;
		this.listeners = [];
		for (const listener of listeners) listener();
	}
}
