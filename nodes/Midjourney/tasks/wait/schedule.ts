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
	 * small part of what it took, whatever was ordered. docs/waiting.md has what this was measured to cost and to bring.
	 */
	growth: number;
}

/** For a task whose end nobody will tell: nothing is ready before. */
export const AFTER_SUBMIT: PollSchedule = {
	...{ first: 4_000, shortest: 1_000, longest: 30_000 },
	growth: 0.15,
};

/** For a task whose end the provider can tell, as far as the addresses show; whether it does is not known yet. */
export const WHERE_CALLS_MAY_ARRIVE: PollSchedule = {
	...{ first: 10_000, shortest: 5_000, longest: 30_000 },
	growth: 0.5,
};

/** For a task whose end the provider will tell, as it has told others: reads only find what a lost call was to tell. */
export const WHERE_CALLS_ARRIVE: PollSchedule = {
	...{ first: 120_000, shortest: 120_000, longest: 300_000 },
	growth: 0.15,
};

/** For a task of which a call has told and which was not seen to end: the provider's books are a moment behind. */
export const SOON: PollSchedule = {
	...{ first: 2_000, shortest: 2_000, longest: 30_000 },
	growth: 0.15,
};

/** So long after a call has arrived the next is counted on, in ms. */
const CALLS_ARE_TRUSTED_MS = 30 * 60_000;

/** A call that has not come so long after an end was read will not come, in ms. */
const CALL_IS_LOST_MS = 5_000;

/** So long after an end of which no call has told none is counted on, in ms; a call that comes after all ends that. */
const SILENCE_LASTS_MS = 3_600_000;

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
	return now - lastCallOf(hearing) < CALLS_ARE_TRUSTED_MS
		? WHERE_CALLS_ARRIVE
		: WHERE_CALLS_MAY_ARRIVE;
}

/**
 * A read has shown the end of a task of which a call was to tell. It may be on its way.
 *
 * @param now Unix ms
 */
export function endedUncalled(account: Hearing, now: number): void {
	const { calledAt = -Infinity, calledElsewhereAt = -Infinity } = account;
	// Where calls reach another process, as in queue mode, this one hears nothing of them until it is woken.
	const areElsewhere = calledElsewhereAt - calledAt > CALLS_ARE_TRUSTED_MS;
	if (areElsewhere && now - calledElsewhereAt < CALLS_ARE_TRUSTED_MS) return;
	const since = silenceOf(account, now)?.since ?? now;
	account.silence = { since, until: now + SILENCE_LASTS_MS };
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
