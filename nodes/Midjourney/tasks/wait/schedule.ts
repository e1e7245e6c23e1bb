/** When an open task is read (waiting.md: When a task is read). All times are in ms. */
export interface PollSchedule {
	/** From the submit to the first read. */
	first: number;
	/** The shortest pause between two reads, before jitter. */
	shortest: number;
	/** The longest pause between two reads, unless the account has too many open tasks. */
	longest: number;
	/** Each pause is this part of the time waited so far; lateness.test.ts checks what that makes of delay and reads. */
	growth: number;
}

/** For a task whose end no callback will report. No task ends before the first read. */
export const AFTER_SUBMIT: PollSchedule = {
	...{ first: 4_000, shortest: 500, longest: 18_000 },
	growth: 0.08,
};

/** For a task whose end a callback can report, as far as the addresses tell; whether one will is not known yet. */
export const WHERE_CALLS_MAY_ARRIVE: PollSchedule = {
	...{ first: 10_000, shortest: 5_000, longest: 18_000 },
	growth: 0.5,
};

/**
 * For a task whose end a callback should report, as others have arrived. Reads only make up for lost callbacks. The first
 * read comes later where tasks take longer (`heardEnd`).
 */
export const WHERE_CALLS_ARRIVE: PollSchedule = {
	...{ first: 120_000, shortest: 300_000, longest: 300_000 },
	growth: 0,
};

/** For a task that a callback has reported but that still reads as open: the status lags behind the callback. */
export const SOON: PollSchedule = {
	...{ first: 2_000, shortest: 2_000, longest: 18_000 },
	growth: 0.1,
};

/** How long the arrival or absence of callbacks counts, in ms: until a workflow that runs once a day runs again. */
const DAY_MS = 26 * 3_600_000;

/** The same, in ms, for one that may have arrived in another process: its like are found only by reading. */
const CALLED_ELSEWHERE_MS = 30 * 60_000;

/** How long after a read has shown the end of a task its callback counts as lost, in ms. */
const CALL_IS_LOST_MS = 5_000;

/** A task is overdue when it takes this many times as long as the slowest one of late, but at the latest after so many ms. */
const OVERDUE = 1.5;
const LATEST_FIRST_MS = 15 * 60_000;

/** What a process knows of the callbacks of an account. */
export interface Hearing {
	/** Unix ms of the last callback that arrived in this process. */
	calledAt?: number;
	/** Unix ms of the last callback that woke an execution, whichever process it arrived in. */
	calledElsewhereAt?: number;
	/** Since when reads have shown ends that no callback reported, and until when that counts; both in Unix ms. */
	silence?: { since: number; until: number };
	/** By operation: the slowest task that a callback has reported. Images do not wait as long as videos. */
	slowest?: Map<string, Slowest>;
}

interface Slowest {
	/** From the submit to the callback, in ms. */
	tookMs: number;
	/** Unix ms of the callback. */
	at: number;
	/** When others of the operation are read. */
	schedule: PollSchedule;
}

const lastCallOf = ({ calledAt = -Infinity, calledElsewhereAt = -Infinity }: Hearing): number =>
	Math.max(calledAt, calledElsewhereAt);

/** The silence since the last callback, if there is one. */
function silenceOf(hearing: Hearing, now: number): Hearing['silence'] {
	const { silence } = hearing;
	return silence && silence.since > lastCallOf(hearing) && now <= silence.until
		? silence
		: undefined;
}

/** The schedule of tasks whose end a callback can report, as far as the addresses tell. */
export function usualWhereCalled(hearing: Hearing, operation: string, now: number): PollSchedule {
	const silence = silenceOf(hearing, now);
	if (silence && now - silence.since >= CALL_IS_LOST_MS) return AFTER_SUBMIT;
	const { calledAt = -Infinity, calledElsewhereAt = -Infinity } = hearing;
	return now - calledAt < DAY_MS || now - calledElsewhereAt < CALLED_ELSEWHERE_MS
		? (slowestOf(hearing, operation, now)?.schedule ?? WHERE_CALLS_ARRIVE)
		: WHERE_CALLS_MAY_ARRIVE;
}

function slowestOf({ slowest }: Hearing, operation: string, now: number): Slowest | undefined {
	const known = slowest?.get(operation);
	return known && now - known.at < DAY_MS ? known : undefined;
}

/**
 * Records how long a task took whose end a callback has reported: until others take longer than the slowest one of a day,
 * there is nothing to make up for in others of the operation.
 *
 * @param tookMs from the submit to the callback
 */
export function heardEnd(account: Hearing, operation: string, tookMs: number, now: number): void {
	if (tookMs <= (slowestOf(account, operation, now)?.tookMs ?? -Infinity)) return;
	const overdue = Math.min(tookMs * OVERDUE, LATEST_FIRST_MS);
	const first = Math.max(overdue, WHERE_CALLS_ARRIVE.first);
	account.slowest ??= new Map();
	account.slowest.set(operation, { tookMs, at: now, schedule: { ...WHERE_CALLS_ARRIVE, first } });
}

/** Whether callbacks can be relied on: since the last one, no read has shown an end that no callback reported. */
export const callsAreReliable = (hearing: Hearing, now: number): boolean =>
	silenceOf(hearing, now) === undefined;

/**
 * Records that a read has shown the end of a task before its callback arrived. The callback may still be on its way.
 */
export function endedUncalled(account: Hearing, now: number): void {
	const { calledAt = -Infinity, calledElsewhereAt = -Infinity } = account;
	// Where callbacks reach another process, as in queue mode, this one does not learn of them until it is woken.
	const areElsewhere = calledElsewhereAt - calledAt > CALLED_ELSEWHERE_MS;
	if (areElsewhere && now - calledElsewhereAt < CALLED_ELSEWHERE_MS) return;
	const since = silenceOf(account, now)?.since ?? now;
	account.silence = { since, until: now + DAY_MS };
}

/** The average number of reads per second of one account, however many open tasks it has. */
const READS_PER_SECOND = 40;

/**
 * The pause before the next read, in ms.
 *
 * @param waited ms since the submit
 * @param open the number of open tasks of the account
 * @param random 0 to below 1: shortens the pause by up to a fifth
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
