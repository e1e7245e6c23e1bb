import { AFTER_SUBMIT, nextPause } from '../../../nodes/Midjourney/tasks/wait/schedule';

describe('the pause between two reads', () => {
	it.each([
		['a second at least', 0, 1_000],
		['a second at least', 4_000, 1_000],
		['then a seventh of the time waited', 10_000, 1_500],
		['then a seventh of the time waited', 60_000, 9_000],
		['half a minute at most', 200_000, 30_000],
		['half a minute at most', 86_400_000, 30_000],
	])('is %s: after %i ms, %i ms', (_, waited, pause) => {
		expect(nextPause(AFTER_SUBMIT, waited, 1, 0)).toBe(pause);
	});

	it.each([
		[10_000, 10_000],
		[2_000, 2_000],
		// Who wants to look every half second gets every half second.
		[500, 500],
	])('is never longer than what was set: %i ms', (longest, pause) => {
		expect(nextPause({ ...AFTER_SUBMIT, longest }, 3_600_000, 1, 0)).toBe(pause);
	});

	it.each([
		[0, 30_000],
		[0.5, 27_000],
		[0.999, 24_006],
	])('is shortened by chance (%d) to %i ms, by a fifth at most', (random, pause) => {
		expect(nextPause(AFTER_SUBMIT, 3_600_000, 1, random)).toBeCloseTo(pause, 0);
	});

	it.each([
		[1, 1_000],
		[40, 1_000],
		[100, 2_500],
		[1_000, 25_000],
		[10_000, 250_000],
	])('keeps an account with %i open tasks at 40 reads a second', (open, pause) => {
		expect(nextPause(AFTER_SUBMIT, 0, open, 0)).toBe(pause);
	});

	it('does not read more than that by chance', () => {
		expect(nextPause(AFTER_SUBMIT, 0, 1_000, 0.999)).toBe(25_000);
	});
});

describe('the first read', () => {
	it('comes four seconds after a submit', () => {
		expect(AFTER_SUBMIT.first).toBe(4_000);
	});
});
