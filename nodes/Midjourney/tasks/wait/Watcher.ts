import type { Answer, Failure } from '../../providers/http';
import type { Task } from '../../providers/Task';
import type { Clock } from '../clock';
import { judge } from './judge';
import type { Account } from './limiter';
import { nextPause, type PollSchedule } from './schedule';

/** At its time limit a task is read once more; this long is the answer waited for, in ms. */
const LAST_READ_MS = 5_000;

/** The loop looks around at least this often, in ms. */
const TICK_MS = 1_000;

/** A task to be watched. */
export interface Target {
	taskId: string;
	/** Unix ms of the submit, or of the start of waiting when the task was submitted elsewhere. */
	since: number;
	/** Unix ms: what is open then stays open. */
	deadline: number;
	schedule: PollSchedule;
	/** Submitted by this node: it exists, even where the provider does not find it yet. */
	fresh: boolean;
	/** No call will tell of it: it is read also by a watcher that reads only when told to. */
	takenUp?: boolean;
}

/** What is known of a watched task. */
export interface Sighting {
	/** `lost`: it can no longer be read; `timeLimit`: it was still open then; undefined: go on watching. */
	end?: 'terminal' | 'lost' | 'timeLimit';
	/** The last that was seen of the task. */
	task?: Task;
	/** Why the last read did not succeed, if it did not. */
	failure?: Failure;
	/** How often it was read. */
	reads: number;
	/** A call led to the last read. */
	called: boolean;
	/** Unix ms of the end. */
	endedAt?: number;
}

interface Watched extends Target {
	sighting: Sighting;
	/** Unix ms: when to read next. */
	due: number;
	/** The read that is under way. */
	reading?: Promise<void>;
	/** Something was told while it was being read: that answer may be older. */
	again: boolean;
	/** The read at the deadline has begun. */
	isLast: boolean;
}

export interface WatcherDeps {
	read(taskId: string): Promise<Answer<Task>>;
	account: Account;
	clock: Clock;
	/** Whether it reads by itself, or only when told to. */
	polls: boolean;
}

/**
 * The one loop that reads tasks: for a node that waits in the foreground, for the calls to a parked one, and in the
 * process beside a parked one. It keeps ids and what was seen of them, nothing of the execution.
 */
export class Watcher {
	private readonly watched = new Map<string, Watched>();

	private readonly openIds = new Set<string>();

	private running = false;

	private stopped = false;

	private listeners: Array<() => void> = [];

	/** @param before a watcher of the same tasks: what it has seen need not be read again */
	constructor(
		private readonly deps: WatcherDeps,
		private readonly before?: Watcher,
	) {}

	/** Watches another task, or knows it already. */
	add(target: Target): void {
		const known = this.watched.get(target.taskId);
		if (known) {
			known.deadline = Math.max(known.deadline, target.deadline);
			return;
		}
		const { clock, account } = this.deps;
		const earlier = this.before?.watched.get(target.taskId);
		const sighting = earlier?.sighting ?? { reads: 0, called: false };
		this.watched.set(target.taskId, {
			...target,
			sighting,
			due: earlier?.due ?? target.since + target.schedule.first * (1 - clock.random() / 5),
			again: false,
			isLast: false,
		});
		if (sighting.end) return;
		this.openIds.add(target.taskId);
		account.watched++;
		if (!this.running && !this.stopped) void this.loop();
	}

	/** What is known of a task; undefined when it is not watched. */
	sightingOf(taskId: string): Sighting | undefined {
		return this.watched.get(taskId)?.sighting;
	}

	/** Whether all tasks that were added have ended, whichever way. */
	get allEnded(): boolean {
		return this.openIds.size === 0;
	}

	/** Resolves when all tasks that were added have ended, or it was stopped. */
	async untilAllEnded(): Promise<void> {
		while (!this.allEnded && !this.stopped) {
			await new Promise<void>((resolve) => this.listeners.push(resolve));
		}
	}

	/** Somebody says that a task may have ended: reads it at once. Calls that come together share a read. */
	async told(taskId: string): Promise<void> {
		const one = this.watched.get(taskId);
		if (!one || one.sighting.end) return;
		one.sighting.called = true;
		if (one.reading) one.again = true;
		await (one.reading ?? this.read(one));
		if (one.again && !one.sighting.end) await (one.reading ?? this.read(one));
	}

	/** Reads what is due, once. */
	async readDue(): Promise<void> {
		const now = this.deps.clock.now();
		await Promise.all(
			[...this.openIds].map(async (taskId) => {
				const one = this.watched.get(taskId);
				if (one && now >= one.due) await (one.reading ?? this.read(one));
			}),
		);
	}

	/** From now on nothing is read any more. */
	stop(): void {
		if (this.stopped) return;
		this.stopped = true;
		this.deps.account.watched -= this.openIds.size;
		this.notify();
	}

	private async loop(): Promise<void> {
		const { clock, polls } = this.deps;
		this.running = true;
		while (!this.stopped && this.openIds.size > 0) {
			const now = clock.now();
			let next = now + TICK_MS;
			for (const taskId of this.openIds) {
				const one = this.watched.get(taskId);
				if (!one) continue;
				const isPolled = polls || one.takenUp === true;
				if (now >= one.deadline) this.close(one, now);
				else if (isPolled && !one.reading && now >= one.due) void this.read(one);
				if (!one.sighting.end && !one.reading && isPolled) next = Math.min(next, one.due);
				next = Math.min(next, one.isLast ? one.deadline + LAST_READ_MS : one.deadline);
			}
			await clock.sleep(Math.max(1, next - clock.now()));
		}
		this.running = false;
	}

	/** The time limit is the end, whatever hangs; what has ended by then counts, if the provider says so at once. */
	private close(one: Watched, now: number): void {
		if (!one.isLast) {
			one.isLast = true;
			if (!one.reading && this.deps.account.reads.pausedFor() === 0) void this.read(one);
		}
		if (!one.reading || now >= one.deadline + LAST_READ_MS) this.end(one, 'timeLimit');
	}

	private async read(one: Watched): Promise<void> {
		one.reading = this.readOnce(one);
		await one.reading;
	}

	private async readOnce(one: Watched): Promise<void> {
		const { read, account, clock } = this.deps;
		one.again = false;
		const answer = await account.reads.run(async () => {
			if (one.sighting.end || this.stopped) return undefined;
			one.sighting.reads++;
			return await read(one.taskId);
		});
		one.reading = undefined;
		if (one.sighting.end || !answer) return;
		const waited = clock.now() - one.since;
		const judged = judge(answer, one.fresh ? waited : undefined);
		one.sighting.failure = answer.ok ? undefined : answer.failure;
		// What was seen stays seen, though it cannot be read now.
		if (answer.ok) one.sighting.task = answer.value;
		if (judged.end) return this.end(one, judged.end);
		const retryAfterMs = answer.ok ? 0 : (answer.failure.retryAfterMs ?? 0);
		if (retryAfterMs > 0) account.reads.pauseFor(retryAfterMs);
		one.due = clock.now() + nextPause(one.schedule, waited, account.watched, clock.random());
		if (one.isLast) this.end(one, 'timeLimit');
	}

	private end(one: Watched, end: NonNullable<Sighting['end']>): void {
		one.sighting.end = end;
		one.sighting.endedAt = this.deps.clock.now();
		if (!this.openIds.delete(one.taskId)) return;
		if (!this.stopped) this.deps.account.watched--;
		if (this.allEnded) this.notify();
	}

	private notify(): void {
		const { listeners } = this;
		this.listeners = [];
		for (const listener of listeners) listener();
	}
}
