import {
	AFTER_SUBMIT,
	endedUncalled,
	heardEnd,
	type Hearing,
	nextPause,
	usualWhereCalled,
	WHERE_CALLS_ARRIVE,
	WHERE_CALLS_MAY_ARRIVE,
} from '../../../nodes/Midjourney/tasks/wait/schedule';

const IMAGES = 'image:generate';

describe('The pause between two reads', () => {
	it.each([
		['half a second at least', 0, 500],
		['half a second at least', 4_000, 500],
		['then 8 % of the time waited', 10_000, 800],
		['then 8 % of the time waited', 60_000, 4_800],
		['18 s at most', 225_001, 18_000],
		['18 s at most', 86_400_000, 18_000],
	])('is %s: after %i ms, %i ms', (_, waited, pause) => {
		expect(nextPause(AFTER_SUBMIT, waited, 1, 0)).toBe(pause);
	});

	it.each([
		[10_000, 10_000],
		[2_000, 2_000],
		// A user's setting of half a second is obeyed.
		[500, 500],
	])('is never longer than the user has set: %i ms', (longest, pause) => {
		expect(nextPause({ ...AFTER_SUBMIT, longest }, 3_600_000, 1, 0)).toBe(pause);
	});

	it.each([
		[0, 18_000],
		[0.5, 16_200],
		[0.999, 14_404],
	])('is randomly shortened (%d) to %i ms, by a fifth at most', (random, pause) => {
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

	it('keeps to that limit when pauses are randomly shortened', () => {
		expect(nextPause(AFTER_SUBMIT, 0, 1_000, 0.999)).toBe(25_000);
	});
});

describe('The first read', () => {
	it('comes four seconds after a submit', () => {
		expect(AFTER_SUBMIT.first).toBe(4_000);
	});
});

describe('Where calls can arrive, tasks', () => {
	const MINUTE = 60_000;
	const HOUR = 60 * MINUTE;
	const DAY = 24 * HOUR;
	const NOW = 100 * DAY;
	const NAMES = new Map([
		[AFTER_SUBMIT, 'read often'],
		[WHERE_CALLS_MAY_ARRIVE, 'read rarely'],
		[WHERE_CALLS_ARRIVE, 'hardly read'],
	]);

	/** Past events, each so many ms before now. */
	interface Past {
		call?: number;
		callElsewhere?: number;
		/** Ends that were read and that no call told of. */
		uncalled?: number[];
	}

	function howAfter({ call, callElsewhere, uncalled = [] }: Past) {
		const at = (ago?: number) => (ago === undefined ? undefined : NOW - ago);
		const account = { calledAt: at(call), calledElsewhereAt: at(callElsewhere) };
		for (const ago of uncalled) endedUncalled(account, NOW - ago);
		return NAMES.get(usualWhereCalled(account, IMAGES, NOW));
	}

	it.each<[string, string, Past]>([
		['read rarely', 'nothing has happened', {}],
		['hardly read', 'a call has just come', { call: 0 }],
		['hardly read', 'a call came a day ago', { call: DAY }],
		['read rarely', 'the last call came longer ago', { call: DAY + 3 * HOUR }],
		['hardly read', 'a call elsewhere has woken an execution', { callElsewhere: 29 * MINUTE }],
		['read rarely', 'a call elsewhere woke an execution long ago', { callElsewhere: 30 * MINUTE }],
		['read rarely', 'an end was just read whose call may still come', { uncalled: [4_999] }],
		['read often', 'an end was read whose call has not come', { uncalled: [5_000] }],
		['read often', 'such an end was read a day ago', { uncalled: [DAY] }],
		['read rarely', 'such an end was read longer ago', { uncalled: [DAY + 3 * HOUR] }],
		[
			'read often',
			'such ends were read again and again since',
			{ uncalled: [3 * DAY, 2 * DAY, DAY] },
		],
		['read often', 'the last of such ends was just read', { uncalled: [30 * MINUTE, 0] }],
		[
			'read rarely',
			'such ends were read long ago, but for one just now',
			{ uncalled: [2 * DAY, 0] },
		],
		['read often', 'calls came before, and come no more', { call: MINUTE, uncalled: [5_000] }],
		['hardly read', 'calls come again', { uncalled: [MINUTE], call: 1_000 }],
		['hardly read', 'calls elsewhere wake again', { uncalled: [MINUTE], callElsewhere: 1_000 }],
		[
			'hardly read',
			'calls reach another process, and this one does not hear of them',
			{ callElsewhere: 10 * MINUTE, uncalled: [MINUTE] },
		],
		[
			'read often',
			'calls that reached this process no longer come',
			{ callElsewhere: 10 * MINUTE, call: 10 * MINUTE, uncalled: [MINUTE] },
		],
	])('are %s when %s', (expected, _, past) => {
		expect(howAfter(past)).toBe(expected);
	});
});

describe('Where calls arrive, the first read of a task', () => {
	const SECOND = 1000;
	const HOUR = 3600 * SECOND;

	/** When it comes, in s, after calls have reported tasks that took so many s, each so many hours ago. */
	function firstAfter(heard: Array<{ took: number; ago: number }>): number {
		const now = 1000 * HOUR;
		const account: Hearing = { calledAt: now };
		for (const { took, ago } of heard) heardEnd(account, IMAGES, took * SECOND, now - ago * HOUR);
		return usualWhereCalled(account, IMAGES, now).first / SECOND;
	}

	it.each<[string, number, Array<{ took: number; ago: number }>]>([
		['two minutes after its submit', 120, []],
		['two minutes after it where tasks take a minute', 120, [{ took: 60, ago: 1 }]],
		['once it takes half as long again as others', 360, [{ took: 240, ago: 1 }]],
		['once it takes half as long again', 900, [{ took: 600, ago: 1 }]],
		['a quarter of an hour after it at the latest', 900, [{ took: 1800, ago: 1 }]],
		[
			'later than the slowest',
			360,
			[
				{ took: 240, ago: 2 },
				{ took: 60, ago: 1 },
			],
		],
		[
			'later than the slowest',
			360,
			[
				{ took: 60, ago: 2 },
				{ took: 240, ago: 1 },
			],
		],
		['as before when that was more than a day ago', 120, [{ took: 240, ago: 30 }]],
		[
			'later than the slowest of a day',
			150,
			[
				{ took: 240, ago: 30 },
				{ took: 100, ago: 1 },
			],
		],
	])('comes %s: %i s', (_, first, heard) => {
		expect(firstAfter(heard)).toBe(first);
	});

	it('does not wait for what another operation takes', () => {
		const account: Hearing = { calledAt: 0 };
		heardEnd(account, 'video:generate', 600 * SECOND, 0);
		expect(usualWhereCalled(account, IMAGES, SECOND).first).toBe(120 * SECOND);
	});

	it('stays planned while no call reports a slower one', () => {
		const account: Hearing = { calledAt: 0 };
		heardEnd(account, IMAGES, 240 * SECOND, 0);
		const before = usualWhereCalled(account, IMAGES, SECOND);
		heardEnd(account, IMAGES, 60 * SECOND, SECOND);
		expect(usualWhereCalled(account, IMAGES, SECOND)).toBe(before);
	});
});
