import type { Account } from './limiter';

/** When an open task is read. All in ms, but for the growth. */
export interface PollSchedule {
	/** From the submit to the first read. */
	first: number;
	/** No pause between two reads is shorter. */
	shortest: number;
	/** No pause is longer, whatever else. */
	longest: number;
	/**
	 * Each pause is this part of the time waited so far: what a result comes late, half a pause in the mean, is then the same
	 * small part of what it took, whatever was ordered. lateness.test.ts holds what this brings and costs.
	 */
	growth: number;
}

/** For a task whose end nobody will tell: nothing is ready before. */
export const AFTER_SUBMIT: PollSchedule = {
	...{ first: 4_000, shortest: 500, longest: 18_000 },
	growth: 0.1,
};

/** For a task whose end the provider can tell, as far as the addresses show; whether it does is not known yet. */
export const WHERE_CALLS_MAY_ARRIVE: PollSchedule = {
	...{ first: 10_000, shortest: 5_000, longest: 18_000 },
	growth: 0.5,
};

/** For a task whose end the provider will tell, as it has told others: reads only find what a lost call was to tell. */
export const WHERE_CALLS_ARRIVE: PollSchedule = {
	...{ first: 120_000, shortest: 300_000, longest: 300_000 },
	growth: 0,
};

/** For a task of which a call has told and which was not seen to end: the provider's books are a moment behind. */
export const SOON: PollSchedule = {
	...{ first: 2_000, shortest: 2_000, longest: 18_000 },
	growth: 0.1,
};

/** What a workflow that runs once a day has shown still counts when it runs again, in ms. */
const DAY_MS = 26 * 3_600_000;

/**
 * So long after a call has woken an execution the next is counted on, in ms: it may have arrived in one of several
 * processes, and what the others are told is found by reads alone.
 */
const CALLED_ELSEWHERE_MS = 30 * 60_000;

/** A call that has not come so long after an end was read will not come, in ms. */
const CALL_IS_LOST_MS = 5_000;

/** What a process knows of the calls of an account. */
type Hearing = Pick<Account, 'calledAt' | 'calledElsewhereAt' | 'silence'>;

const lastCallOf = ({ calledAt = -Infinity, calledElsewhereAt = -Infinity }: Hearing): number =>
	Math.max(calledAt, calledElsewhereAt);

/** The silence since the last call, if there is one. */
function silenceOf(hearing: Hearing, now: number): Hearing['silence'] {
	const { silence } = hearing;
	return silence && silence.since > lastCallOf(hearing) && now <= silence.until
		? silence
		: undefined;
}

/**
 * When tasks are read of which calls can tell, as far as the addresses show.
 *
 * @param now Unix ms
 */
export function usualWhereCalled(hearing: Hearing, now: number): PollSchedule {
	const silence = silenceOf(hearing, now);
	if (silence && now - silence.since >= CALL_IS_LOST_MS) return AFTER_SUBMIT;
	const { calledAt = -Infinity, calledElsewhereAt = -Infinity } = hearing;
	return now - calledAt < DAY_MS || now - calledElsewhereAt < CALLED_ELSEWHERE_MS
		? WHERE_CALLS_ARRIVE
		: WHERE_CALLS_MAY_ARRIVE;
}

/**
 * Whether nothing speaks against it that calls tell of ends: no end was read since the last call of which none has told.
 *
 * @param now Unix ms
 */
export const mayCountOnCalls = (hearing: Hearing, now: number): boolean =>
	silenceOf(hearing, now) === undefined;

/**
 * A read has shown the end of a task of which a call was to tell. It may be on its way.
 *
 * @param now Unix ms
 */
export function endedUncalled(account: Hearing, now: number): void {
	const { calledAt = -Infinity, calledElsewhereAt = -Infinity } = account;
	// Where calls reach another process, as in queue mode, this one hears nothing of them until it is woken.
	const areElsewhere = calledElsewhereAt - calledAt > CALLED_ELSEWHERE_MS;
	if (areElsewhere && now - calledElsewhereAt < CALLED_ELSEWHERE_MS) return;
	const since = silenceOf(account, now)?.since ?? now;
	account.silence = { since, until: now + DAY_MS };
}

/** How many reads an account makes in a second in the mean, however many tasks it has open. */
const READS_PER_SECOND = 40;

/**
 * The pause before the next read, in ms.
 *
 * @param waited ms since the submit
 * @param open how many tasks of the account are open
 * @param random 0 to below 1: shortens the pause by up to a fifth, so that many tasks are not all read at once
 */
export function nextPause(
	{ shortest, longest, growth }: PollSchedule,
	waited: number,
	open: number,
	random: number,
): number {
	const wished = Math.min(longest, Math.max(shortest, waited * growth));
	return Math.max(wished * (1 - random / 5), (open / READS_PER_SECOND) * 1000);
}
