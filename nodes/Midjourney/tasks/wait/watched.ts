import type { Failure } from '../../providers/http';
import type { Task } from '../../providers/task';
import type { Clock } from '../clock';
import type { Account } from './limiter';
import {
	AFTER_SUBMIT,
	mayCountOnCalls,
	nextPause,
	SOON,
	usualWhereCalled,
	type PollSchedule,
} from './schedule';

/** A task to be watched. */
export interface Target {
	taskId: string;
	/** Unix ms of the submit, or of the start of waiting when the task was submitted elsewhere. */
	since: number;
	/** Unix ms: what is open then stays open. */
	deadline: number;
	/** What was set of when to read it; what was not is as usual. */
	schedule: Partial<PollSchedule>;
	/** Submitted by this node: it exists, even where the provider does not find it yet. */
	fresh: boolean;
	/** A call is to tell of it: a watcher that lives by calls reads only then. */
	called?: boolean;
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
	/** A call has told of it, or led to the read that has shown its end. */
	called: boolean;
	/** Unix ms of the end. */
	endedAt?: number;
}

/** What the next watcher of a task takes over. */
export interface Progress {
	sighting: Sighting;
	/** Unix ms: when to read next. */
	due: number;
	/** What that was reckoned by. */
	usual: PollSchedule;
	/** Unix ms of the last answer. */
	readAt?: number;
}

export interface Watched extends Target, Progress {
	/** 0 to below 1: by what chance its pauses are shortened. */
	chance: number;
	/** The read that is under way. */
	reading?: Promise<void>;
	/** A call has told this watcher of it. */
	isTold?: boolean;
	/** Unix ms: when the read at the deadline began. */
	lastAt?: number;
}

/** Reckons when to read a task next. */
export function plan(one: Watched, account: Account, clock: Clock): void {
	const { since, readAt, chance } = one;
	one.usual = usualOf(one, account, clock.now());
	const schedule = { ...one.usual, ...one.schedule };
	one.due =
		readAt === undefined
			? since + schedule.first * (1 - chance / 5)
			: readAt + nextPause(schedule, readAt - since, account.watched, chance);
}

/** Reckons anew when what is known of the calls of the account has changed; what is due stays due. */
export function planAnew(one: Watched, account: Account, clock: Clock, now: number): void {
	if (one.due > now && one.usual !== usualOf(one, account, now)) plan(one, account, clock);
}

/**
 * Whether a read of this task would only show what its call will tell, too.
 *
 * @param now Unix ms
 */
export const reliesOnCall = (
	{ called, schedule, sighting }: Watched,
	account: Account,
	now: number,
): boolean =>
	called === true &&
	!sighting.called &&
	Object.keys(schedule).length === 0 &&
	mayCountOnCalls(account, now);

function usualOf({ called, sighting }: Watched, account: Account, now: number): PollSchedule {
	if (sighting.called) return SOON;
	return called ? usualWhereCalled(account, now) : AFTER_SUBMIT;
}
