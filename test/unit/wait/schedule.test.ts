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
		['half a second at least', 0, 500],
		['half a second at least', 4_000, 500],
		['then a tenth of the time waited', 10_000, 1_000],
		['then a tenth of the time waited', 60_000, 6_000],
		['18 s at most', 200_000, 18_000],
		['18 s at most', 86_400_000, 18_000],
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
		[0, 18_000],
		[0.5, 16_200],
		[0.999, 14_404],
	])('is shortened by chance (%d) to %i ms, by a fifth at most', (random, pause) => {
		expect(nextPause(AFTER_SUBMIT, 3_600_000, 1, random)).toBeCloseTo(pause, 0);
	});

	it.each([
		[1, 500],
		[20, 500],
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
	const DAY = 24 * HOUR;
	const NOW = 100 * DAY;
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
		['counted on', 'one has come a day ago', { call: DAY }],
		['hoped for', 'one has come longer ago', { call: DAY + 3 * HOUR }],
		['counted on', 'one has woken an execution', { callElsewhere: 29 * MINUTE }],
		['hoped for', 'one has woken an execution long ago', { callElsewhere: 30 * MINUTE }],
		['hoped for', 'an end was just read, whose call may still come', { uncalled: [4_999] }],
		['read often', 'an end was read whose call has not come', { uncalled: [5_000] }],
		['read often', 'that is a day ago', { uncalled: [DAY] }],
		['hoped for', 'that is longer ago', { uncalled: [DAY + 3 * HOUR] }],
		['read often', 'that has gone on since', { uncalled: [3 * DAY, 2 * DAY, DAY] }],
		['read often', 'the last of such ends was just read', { uncalled: [30 * MINUTE, 0] }],
		['hoped for', 'such ends are long ago, but for one just read', { uncalled: [2 * DAY, 0] }],
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
});
