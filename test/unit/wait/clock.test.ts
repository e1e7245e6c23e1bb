/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- to see what is left behind */
import { getEventListeners } from 'events';

import type { Host } from '../../../nodes/Midjourney/tasks/n8n/host';
import { backoff, executionClock, processClock } from '../../../nodes/Midjourney/tasks/n8n/clock';
import { never, WaitClock } from './fakes';

const DAY = 86_400_000;

const hostWith = (cancelSignal?: AbortSignal): Host => ({
	node: {
		id: '1',
		name: 'Midjourney',
		type: 'midjourney',
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
	},
	continues: false,
	isTool: false,
	helpers: { httpRequest: never, prepareBinaryData: never },
	cancelSignal,
});

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** Whether it has ended, without waiting for it. */
function watch(work: Promise<unknown>) {
	const seen: { end?: 'done' | 'refused'; error?: unknown } = {};
	work.then(
		() => (seen.end = 'done'),
		(error: unknown) => {
			seen.end = 'refused';
			seen.error = error;
		},
	);
	return seen;
}

describe('Sleeping', () => {
	it.each([
		['a moment', 40],
		['a second', 1_000],
		['five seconds', 5_000],
		['twenty minutes', 1_200_000],
	])('takes its time: %s', async (_, ms) => {
		const slept = watch(processClock.sleep(ms));
		await jest.advanceTimersByTimeAsync(ms - 1);
		expect(slept.end).toBeUndefined();
		await jest.advanceTimersByTimeAsync(2);
		expect(slept.end).toBe('done');
	});

	it.each([
		['a month', 31 * DAY],
		['a year', 365 * DAY],
		['for ever', Infinity],
	])('does not end at once when it is long: %s', async (_, ms) => {
		const slept = watch(processClock.sleep(ms));
		await jest.advanceTimersByTimeAsync(600_000);
		expect(slept.end).toBeUndefined();
	});

	it.each([0, -5])('ends at once for %i ms', async (ms) => {
		const slept = watch(processClock.sleep(ms));
		await jest.advanceTimersByTimeAsync(0);
		expect(slept.end).toBe('done');
	});
});

describe('The time', () => {
	it('goes on when the clock of the system is set back', async () => {
		const before = processClock.now();
		await jest.advanceTimersByTimeAsync(1_000);
		jest.setSystemTime(Date.now() - DAY);
		expect(processClock.now() - before).toBe(1_000);
	});

	it('is in whole milliseconds', () => {
		expect(Number.isInteger(processClock.now())).toBe(true);
	});
});

describe('When the execution is cancelled', () => {
	it('sleeps reject at once', async () => {
		const cancel = new AbortController();
		const clock = executionClock(hostWith(cancel.signal));
		const slept = [40, 60_000, 31 * DAY].map((ms) => watch(clock.sleep(ms)));
		cancel.abort();
		await jest.advanceTimersByTimeAsync(0);
		expect(slept.map(({ end }) => end)).toEqual(['refused', 'refused', 'refused']);
		expect(String(slept[0]?.error)).toContain('The execution was cancelled');
	});

	it('no timer of a sleep is left after a few seconds', async () => {
		const cancel = new AbortController();
		const clock = executionClock(hostWith(cancel.signal));
		for (let n = 0; n < 10; n++) watch(clock.sleep(3_600_000));
		cancel.abort();
		await jest.advanceTimersByTimeAsync(10_000);
		expect(jest.getTimerCount()).toBe(0);
	});

	it('work is no longer awaited', async () => {
		const cancel = new AbortController();
		const work = watch(executionClock(hostWith(cancel.signal)).orCancelled(never));
		cancel.abort();
		await jest.advanceTimersByTimeAsync(0);
		expect(work.end).toBe('refused');
	});

	it('work gets its grace period', async () => {
		const cancel = new AbortController();
		const work = watch(executionClock(hostWith(cancel.signal)).orCancelled(never, 500));
		cancel.abort();
		await jest.advanceTimersByTimeAsync(499);
		expect(work.end).toBeUndefined();
		await jest.advanceTimersByTimeAsync(2);
		expect(work.end).toBe('refused');
	});

	it('work that ends within the grace period counts', async () => {
		const cancel = new AbortController();
		const clock = executionClock(hostWith(cancel.signal));
		const work = watch(clock.orCancelled(async () => await processClock.sleep(300), 500));
		cancel.abort();
		await jest.advanceTimersByTimeAsync(301);
		expect(work.end).toBe('done');
	});

	it('work that has not begun does not begin', async () => {
		const cancel = new AbortController();
		cancel.abort();
		const work = jest.fn(async () => 'done');
		await expect(executionClock(hostWith(cancel.signal)).orCancelled(work)).rejects.toThrow(
			'The execution was cancelled',
		);
		expect(work).not.toHaveBeenCalled();
	});

	it('two thousand waits reject, and leave no unhandled rejection', async () => {
		const cancel = new AbortController();
		const clock = executionClock(hostWith(cancel.signal));
		const unhandled = jest.fn();
		process.on('unhandledRejection', unhandled);
		const all = Array.from({ length: 2_000 }, () => watch(clock.orCancelled(never)));
		cancel.abort();
		await jest.advanceTimersByTimeAsync(1_000);
		process.off('unhandledRejection', unhandled);
		expect(all.filter(({ end }) => end === 'refused')).toHaveLength(2_000);
		expect(unhandled).not.toHaveBeenCalled();
	});
});

describe('Work that is not cancelled', () => {
	it('gives its value', async () => {
		const clock = executionClock(hostWith(new AbortController().signal));
		expect(await clock.orCancelled(async () => 7)).toBe(7);
	});

	it('rejects with its own error', async () => {
		const clock = executionClock(hostWith(new AbortController().signal));
		await expect(
			clock.orCancelled(async () => await Promise.reject(new Error('no'))),
		).rejects.toThrow('no');
	});

	it('needs no cancel signal', async () => {
		expect(await executionClock(hostWith()).orCancelled(async () => 7)).toBe(7);
	});

	it('shares one listener among two thousand waits', async () => {
		const { signal } = new AbortController();
		const clock = executionClock(hostWith(signal));
		for (let n = 0; n < 2_000; n++) await clock.orCancelled(async () => n);
		expect(getEventListeners(signal, 'abort')).toHaveLength(1);
	});

	it('is not affected by a later cancel', async () => {
		const cancel = new AbortController();
		const clock = executionClock(hostWith(cancel.signal));
		for (let n = 0; n < 2_000; n++) await clock.orCancelled(async () => n, 500);
		cancel.abort();
		await jest.advanceTimersByTimeAsync(0);
		expect(jest.getTimerCount()).toBe(0);
	});
});

describe('The pause before another attempt', () => {
	it.each([
		[1, 1_000],
		[2, 2_000],
		[3, 4_000],
		[5, 16_000],
		[6, 30_000],
		[2_000, 30_000],
	])('%i: %i ms', (attempt, ms) => {
		expect(backoff(attempt, new WaitClock())).toBe(ms);
	});

	it('is randomly shortened by up to a fifth', () => {
		expect(backoff(1, new WaitClock(() => 0.999))).toBeCloseTo(800, 0);
	});
});
