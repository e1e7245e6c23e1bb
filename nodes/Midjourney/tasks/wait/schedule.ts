/** When an open task is read. All in ms. */
export interface PollSchedule {
	/** From the submit to the first read. */
	first: number;
	/** No pause between two reads is shorter. */
	shortest: number;
	/** No pause is longer, whatever else. */
	longest: number;
}

/**
 * Each pause is a part of the time waited so far: what a result comes late, half a pause in the mean, is then the same
 * small part of what it took, whatever was ordered. docs/waiting.md has what this was measured to cost and to bring.
 */
const GROWTH = 0.15;

/** For a task that was just submitted: nothing is ready before. */
export const AFTER_SUBMIT: PollSchedule = { first: 4_000, shortest: 1_000, longest: 30_000 };

/** For a task whose end the provider will tell, as it has told others: reads only find what a lost call was to tell. */
export const WHERE_CALLS_ARRIVE: PollSchedule = {
	first: 120_000,
	shortest: 120_000,
	longest: 300_000,
};

/** For a task of which a call has told and which was not seen to end: the provider's books are a moment behind. */
export const SOON: PollSchedule = { first: 2_000, shortest: 2_000, longest: 30_000 };

/** So long after a call has arrived the next is counted on, in ms. */
export const CALLS_ARE_TRUSTED_MS = 30 * 60_000;

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
	{ shortest, longest }: PollSchedule,
	waited: number,
	open: number,
	random: number,
): number {
	const wished = Math.min(longest, Math.max(shortest, waited * GROWTH));
	return Math.max(wished * (1 - random / 5), (open / READS_PER_SECOND) * 1000);
}
