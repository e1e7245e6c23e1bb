/** When an open task is read. All in ms. */
export interface PollSchedule {
	/** From the submit to the first read. */
	first: number;
	/** No pause between two reads is longer. */
	longest: number;
}

/**
 * Each pause is a part of the time waited so far: what a result comes late, half a pause in the mean, is then the same
 * small part of what it took, whatever was ordered. docs/waiting.md has what this was measured to cost and to bring.
 */
const GROWTH = 0.15;
const SHORTEST_MS = 1_000;

/** For a task that was just submitted: nothing is ready before. */
export const AFTER_SUBMIT: PollSchedule = { first: 4_000, longest: 30_000 };

/** For a task that was submitted elsewhere and may have ended long ago. */
export const AT_ONCE: PollSchedule = { ...AFTER_SUBMIT, first: 0 };

/** How many reads an account makes in a second in the mean, however many tasks it has open. */
const READS_PER_SECOND = 25;

/**
 * The pause before the next read, in ms.
 *
 * @param waited ms since the submit
 * @param open how many tasks of the account are open
 * @param random 0 to below 1: shortens the pause by up to a fifth, so that many tasks are not all read at once
 */
export function nextPause(
	{ longest }: PollSchedule,
	waited: number,
	open: number,
	random: number,
): number {
	const wished = Math.min(longest, Math.max(SHORTEST_MS, waited * GROWTH));
	return Math.max(wished * (1 - random / 5), (open / READS_PER_SECOND) * 1000);
}
