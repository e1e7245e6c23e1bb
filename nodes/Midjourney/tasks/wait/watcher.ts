import type { Result } from '../../providers/http';
import type { Task } from '../../providers/task';
import type { Clock } from '../n8n/clock';
import type { Account } from './limiter';
import { ReadAhead } from './readAhead';
import { AFTER_SUBMIT, endedUncalled, heardEnd, SOON, WHERE_CALLS_ARRIVE } from './schedule';
import type { WaitState } from './state';
import {
	judge,
	plan,
	planAnew,
	reliesOnCall,
	type Progress,
	type Sighting,
	type Target,
	type Watched,
} from './watched';

/** How long to wait for the last read of a task at its time limit, in ms. */
export const LAST_READ_MS = 5_000;

/** How long a running node waits for due reads before it continues without them, in ms. */
const DUE_READS_MS = 10_000;

/** The longest pause between two rounds of the loop, in ms. */
const TICK_MS = 1_000;

/** The longest pause while a task is being read, in ms: its next read may be due this soon. */
const READING_TICK_MS = 200;

/** Dependencies of a watcher. */
interface WatcherDeps {
	read(taskId: string): Promise<Result<Task>>;
	account: Account;
	clock: Clock;
	/** What has made the tasks, as `image:generate`. */
	operation: string;
	/** Whether it also polls tasks whose end a callback will report. */
	polls: boolean;
	/** Called when a task has ended. */
	onEnd?(taskId: string, sighting: Sighting): void;
}

/**
 * The only loop that reads tasks: in the foreground, for callbacks, and beside a parked execution (architecture.md: A
 * companion keeps little).
 */
export class Watcher {
	private readonly watched = new Map<string, Watched>();

	/** A task that was read ahead and found open moves to the end. */
	private readonly openIds = new Set<string>();

	private readonly ahead: ReadAhead<Watched>;

	/** The jitter, the same for all tasks: the end of the last one is then seen as soon as that of a single one. */
	private readonly chance: number;

	/** What an earlier watcher of the same tasks has seen. */
	private readonly known: ReadonlyMap<string, Progress>;

	/** Unix ms: when a callback last reported an end. */
	private toldAt = -Infinity;

	private running = false;

	private stopped = false;

	private listeners: Array<() => void> = [];

	/** @param before a watcher of the same tasks; it is stopped, and what it has seen need not be read again */
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

	/** Watches another task. If it is watched already, only a later deadline changes anything. */
	add(target: Target): void {
		const { chance } = this;
		const { clock, account, operation } = this.deps;
		const present = this.watched.get(target.taskId);
		if (present) {
			present.deadline = Math.max(present.deadline, target.deadline);
			return;
		}
		const since = Number.isFinite(target.since) ? target.since : clock.now();
		const known = this.known.get(target.taskId);
		const sighting = { reads: 0, called: false, ...known?.sighting };
		const planned = { since, due: since, usual: AFTER_SUBMIT, chance, ...known, sighting };
		const one = { ...target, operation, ...planned };
		this.watched.set(target.taskId, one);
		if (!known) plan(one, account, clock);
		if (sighting.end || this.stopped) return;
		this.openIds.add(target.taskId);
		account.watched++;
		this.start();
	}

	/** The last known state of a task; undefined when it is not watched. */
	sightingOf(taskId: string): Sighting | undefined {
		return this.watched.get(taskId)?.sighting;
	}

	/** Whether all added tasks have ended, in whatever way. */
	get allEnded(): boolean {
		return this.openIds.size === 0;
	}

	/** Whether it was stopped and reads nothing any more. */
	get isStopped(): boolean {
		return this.stopped;
	}

	/** Resolves when all added tasks have ended, or when the watcher was stopped. */
	async untilAllEnded(): Promise<void> {
		while (!this.allEnded && !this.stopped) {
			await new Promise<void>((resolve) => this.listeners.push(resolve));
		}
	}

	/**
	 * A callback says that a task may have ended: reads it at once. Simultaneous callbacks share a read. Where tasks end
	 * together, one of the callbacks waits for the others that are read ahead, so that it sees when all have ended.
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
	 * Reads all due tasks once, and does not wait for reads that hang. Tasks past their deadline end, so that no try of a
	 * node that failed at its time limit starts to wait anew.
	 *
	 * @param wake `wasCalled`: a callback in another process has reported everything that is open; `isLook`: a look, for
	 * what no callback has reported. Either makes every open task due.
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

	/** Stops reading, and ignores the reads in flight. */
	stop(): void {
		if (this.stopped) return;
		this.stopped = true;
		this.deps.account.watched -= this.openIds.size;
		this.notify();
	}

	/** Stops, and returns the state of each task. A task whose read is in flight is due at once. */
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
			// Repeated callbacks do not cause as many reads: each waits for what the next read shows.
			const calledAt = clock.now();
			const pause = (one.readAt ?? -Infinity) + SOON.first - calledAt;
			if (pause > 0) await clock.sleep(pause);
			if (one.sighting.end || (one.readAt ?? -Infinity) > calledAt) return;
		}
		// A read in flight may have missed the end that the callback reports.
		await one.reading;
		if (one.sighting.end) return;
		await (one.reading ?? this.read(one));
		if (one.sighting.end) return this.ahead.saw(true);
		// The provider's status may lag a moment behind its callback.
		one.due = Math.min(one.due, clock.now() + SOON.first);
		this.start();
	}

	/** Up to `count` open tasks whose callback is still to come and that are not being read. */
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
			// With no schedule and no deadline, only callbacks lead to reads.
			if (next === Infinity) break;
			await clock.sleep(Math.max(1, Math.min(next - clock.now(), TICK_MS)));
		}
		this.running = false;
	}

	/**
	 * Decides which due tasks need no read. Of the tasks that await a callback, the first open one is read on behalf of all:
	 * the others are read only once it has ended without a callback. A callback that has just arrived proves as much for free.
	 *
	 * @returns a predicate; call it once for each open task, in order
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

	/** Takes the due step for one task. */
	private tend(one: Watched, now: number, isRead: boolean): void {
		if (now >= one.deadline) this.close(one, now);
		else if (isRead && !one.reading && now >= one.due) void this.poll(one);
	}

	/**
	 * Ends a task at its time limit, whatever hangs. If it has ended by then, that counts if the provider says so in the
	 * last read.
	 */
	private close(one: Watched, now: number): void {
		if (one.lastAt === undefined) {
			one.lastAt = now;
			if (!one.reading && this.deps.account.reads.pausedFor() === 0) void this.poll(one);
		}
		if (!one.reading || now >= one.lastAt + LAST_READ_MS) this.end(one, 'timeLimit');
	}

	/** Reads a task on schedule, without a callback. */
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
		const end = judge(answer, one.fresh ? waited : undefined);
		one.sighting.failure = answer.ok ? undefined : answer.failure;
		// What was seen before remains, even if the task cannot be read now.
		if (answer.ok) one.sighting.task = answer.value;
		if (end) return this.end(one, end);
		const retryAfterMs = answer.ok ? 0 : (answer.failure.retryAfterMs ?? 0);
		if (retryAfterMs > 0) account.reads.pauseFor(retryAfterMs);
		one.readAt = clock.now();
		plan(one, account, clock);
		if (one.lastAt !== undefined) this.end(one, 'timeLimit');
	}

	private end(one: Watched, end: NonNullable<Sighting['end']>): void {
		const now = this.deps.clock.now();
		one.sighting.end = end;
		one.sighting.endedAt = now;
		if (end === 'terminal' && one.sighting.called && one.fresh) {
			heardEnd(this.deps.account, one.operation, now - one.since, now);
		}
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
