import type { Failure, Result } from '../../providers/http';
import { isTerminal, type Task } from '../../providers/task';
import type { Clock } from '../n8n/clock';
import type { Account } from './limiter';
import {
	AFTER_SUBMIT,
	callsAreReliable,
	nextPause,
	SOON,
	usualWhereCalled,
	type PollSchedule,
} from './schedule';
import type { TaskState } from './state';

/** A task to be watched. */
export interface Target {
	taskId: string;
	/** Unix ms of the submit, or of the start of the wait for a task that was submitted elsewhere. */
	since: number;
	/** Unix ms of the time limit: a task that is open then stays open. */
	deadline: number;
	/** The user's overrides of the read schedule; defaults apply to the rest. */
	schedule: Partial<PollSchedule>;
	/** Whether this node has submitted it: it exists, even if the provider does not find it yet. */
	fresh: boolean;
	/** Whether a callback is to report its end. A watcher that does not poll reads it only then. */
	called?: boolean;
}

/** The last known state of a watched task. */
export interface Sighting {
	/** `lost`: no later read is expected to succeed; `timeLimit`: it was open at its limit; undefined: it is watched. */
	end?: 'terminal' | 'lost' | 'timeLimit';
	/** The task as it was last seen. */
	task?: Task;
	/** Why the last read failed, if it did. */
	failure?: Failure;
	/** How often it was read. */
	reads: number;
	/** Whether a callback has reported it, or led to the read that showed its end. */
	called: boolean;
	/** Unix ms of the end. */
	endedAt?: number;
}

/** What the next watcher of a task takes over. */
export interface Progress {
	sighting: Sighting;
	/** Unix ms of the next read. */
	due: number;
	/** The default schedule from which `due` was computed. */
	usual: PollSchedule;
	/** Unix ms of the last answer. */
	readAt?: number;
}

/** A task with everything that its watcher keeps. */
export interface Watched extends Target, Progress {
	/** What has made it, as `image:generate`. */
	operation: string;
	/** 0 to below 1: the jitter that shortens its pauses. */
	chance: number;
	/** The read in flight. */
	reading?: Promise<void>;
	/** Whether a callback has reported it to this watcher. */
	isTold?: boolean;
	/** Unix ms of the start of the read at the deadline. */
	lastAt?: number;
}

/** How long after its submit a task may be reported as not found, in ms: it may be listed with a delay. */
const BOOKS_BEHIND_MS = 120_000;

/**
 * The end of a wait that one read means, whoever has made it; undefined: the task stays open.
 *
 * @param sinceSubmitMs undefined for a task that was submitted elsewhere
 */
export function judge(
	answer: Result<Task>,
	sinceSubmitMs?: number,
): 'terminal' | 'lost' | undefined {
	if (answer.ok) return isTerminal(answer.value) ? 'terminal' : undefined;
	const { reason, transient } = answer.failure;
	const mayAppear =
		reason === 'notFound' && sinceSubmitMs !== undefined && sinceSubmitMs < BOOKS_BEHIND_MS;
	return transient || mayAppear ? undefined : 'lost';
}

/** The user's overrides of the read schedule; defaults apply to the rest. Unless `fresh`, the task is read at once. */
export const scheduleOf = ({ settings }: TaskState, fresh: boolean): Partial<PollSchedule> => ({
	...settings?.schedule,
	...(!fresh && { first: 0 }),
});

/** Schedules the next read of a task. */
export function plan(one: Watched, account: Account, clock: Clock): void {
	const { since, readAt, chance } = one;
	one.usual = usualOf(one, account, clock.now());
	const schedule = { ...one.usual, ...one.schedule };
	one.due =
		readAt === undefined
			? since + schedule.first * (1 - chance / 5)
			: readAt + nextPause(schedule, readAt - since, account.watched, chance);
}

/** Schedules the next read anew if callbacks are expected differently than before. A read that is due stays due. */
export function planAnew(one: Watched, account: Account, clock: Clock, now: number): void {
	if (one.due > now && one.usual !== usualOf(one, account, now)) plan(one, account, clock);
}

/** Whether this task can wait for its callback instead of being read. */
export const reliesOnCall = (
	{ called, schedule, sighting }: Watched,
	account: Account,
	now: number,
): boolean =>
	called === true &&
	!sighting.called &&
	Object.keys(schedule).length === 0 &&
	callsAreReliable(account, now);

function usualOf(
	{ called, sighting, operation }: Watched,
	account: Account,
	now: number,
): PollSchedule {
	if (sighting.called) return SOON;
	return called ? usualWhereCalled(account, operation, now) : AFTER_SUBMIT;
}
