import type { TaskRequest } from '../providers/Provider';

/** When a task is looked at. All in ms. */
export interface Pace {
	/** From the submit to the first look. */
	first: number;
	/** No pause between two looks is longer. */
	longest: number;
}

/**
 * The first look comes when the quick ones of a kind are usually done; looking earlier finds nothing. From then on each
 * pause is a part of the time waited so far, so that nobody waits much longer than the task took.
 */
const FIRST_LOOK_BY_KIND: Partial<Record<TaskRequest['kind'], number>> = {
	upscaleImage: 10_000,
	generateVideo: 45_000,
	extendVideo: 45_000,
};
const FIRST_LOOK = 20_000;
const FIRST_LOOK_BY_SPEED = { turbo: 10_000, fast: 20_000, relaxed: 60_000 };

/** The providers' own pages look every 30 s (contract 1.0). */
const LONGEST = 30_000;

/** The next pause as a part of the time waited so far, and the least pause when the first look came at once. */
const GROWTH = 0.4;
const LEAST = 3000;

export const paceOf = (request: TaskRequest): Pace => ({
	first:
		request.kind === 'generateImage' && request.speed
			? FIRST_LOOK_BY_SPEED[request.speed]
			: (FIRST_LOOK_BY_KIND[request.kind] ?? FIRST_LOOK),
	longest: LONGEST,
});

/** For a task that was submitted elsewhere and may be done already: look at once. */
export const PACE_AT_ONCE: Pace = { first: 0, longest: LONGEST };

/**
 * The pause before the next look, in ms.
 *
 * @param waited ms since the submit
 * @param random 0 to below 1: shortens the pause by up to a fifth, so that many tasks are not all asked at once
 */
export function nextPause(pace: Pace, waited: number, random: number): number {
	const least = pace.first > 0 ? pace.first / 2 : LEAST;
	return Math.min(pace.longest, Math.max(least, waited * GROWTH)) * (1 - random / 5);
}

/** The pause from the submit to the first look, in ms; same jitter. */
export const firstPause = (pace: Pace, random: number): number => pace.first * (1 - random / 5);
