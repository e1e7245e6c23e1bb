import {
	AFTER_SUBMIT,
	endedUncalled,
	nextPause,
	usualWhereCalled,
	WHERE_CALLS_ARRIVE,
	WHERE_CALLS_MAY_ARRIVE,
} from '../../../nodes/Midjourney/tasks/wait/schedule';

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

describe('Where calls can arrive, as far as the addresses tell', () => {
	const MINUTE = 60_000;
	const HOUR = 60 * MINUTE;
	const NOW = 100 * HOUR;
	const NAMES = new Map([
		[AFTER_SUBMIT, 'read often'],
		[WHERE_CALLS_MAY_ARRIVE, 'hoped for'],
		[WHERE_CALLS_ARRIVE, 'counted on'],
	]);

	/** What has happened, each so many ms before now. */
	interface Past {
		call?: number;
		callElsewhere?: number;
		/** Ends that were read of which no call has told. */
		uncalled?: number[];
	}

	function howAfter({ call, callElsewhere, uncalled = [] }: Past) {
		const at = (ago?: number) => (ago === undefined ? undefined : NOW - ago);
		const account = { calledAt: at(call), calledElsewhereAt: at(callElsewhere) };
		for (const ago of uncalled) endedUncalled(account, NOW - ago);
		return NAMES.get(usualWhereCalled(account, NOW));
	}

	it.each<[string, string, Past]>([
		['hoped for', 'nothing has happened', {}],
		['counted on', 'one has just come', { call: 0 }],
		['counted on', 'one has come lately', { call: 29 * MINUTE }],
		['hoped for', 'one has come long ago', { call: 30 * MINUTE }],
		['counted on', 'one has woken an execution', { callElsewhere: 29 * MINUTE }],
		['hoped for', 'one has woken an execution long ago', { callElsewhere: 30 * MINUTE }],
		['hoped for', 'an end was just read, whose call may still come', { uncalled: [4_999] }],
		['read often', 'an end was read whose call has not come', { uncalled: [5_000] }],
		['read often', 'that is an hour ago', { uncalled: [HOUR] }],
		['hoped for', 'that is longer ago', { uncalled: [HOUR + 1] }],
		['read often', 'that has gone on since', { uncalled: [3 * HOUR, 2.5 * HOUR, 2 * HOUR, HOUR] }],
		['read often', 'the last of such ends was just read', { uncalled: [30 * MINUTE, 0] }],
		['hoped for', 'such ends are long ago, but for one just read', { uncalled: [2 * HOUR, 0] }],
		['read often', 'calls came before, and come no more', { call: MINUTE, uncalled: [5_000] }],
		['counted on', 'they come again', { uncalled: [MINUTE], call: 1_000 }],
		['counted on', 'calls elsewhere wake again', { uncalled: [MINUTE], callElsewhere: 1_000 }],
		[
			'counted on',
			'calls reach another process: this one hears nothing of them',
			{ callElsewhere: 10 * MINUTE, uncalled: [MINUTE] },
		],
		[
			'read often',
			'calls that reached this process come no more',
			{ callElsewhere: 10 * MINUTE, call: 10 * MINUTE, uncalled: [MINUTE] },
		],
	])('they are %s when %s', (expected, _, past) => {
		expect(howAfter(past)).toBe(expected);
	});

	it.each([
		['read often', AFTER_SUBMIT, 0.08],
		['hoped for', WHERE_CALLS_MAY_ARRIVE, 0.25],
	])('a result of which no call tells is late by a part of its time: %s', (_, usual, part) => {
		for (const took of [20_000, 45_000, 90_000, 240_000, 600_000]) {
			const pause = nextPause(usual, took, 1, 0);
			expect(pause / 2 / took).toBeLessThanOrEqual(part);
			expect(pause / 2).toBeLessThanOrEqual(20_000);
		}
	});
});
