import type { Answer, Failure } from '../../nodes/Midjourney/providers/http';
import { midApi } from '../../nodes/Midjourney/providers/midApi';
import type { Provider } from '../../nodes/Midjourney/providers/Provider';
import type { Task } from '../../nodes/Midjourney/providers/Task';
import type { Ticket } from '../../nodes/Midjourney/tasks/order';
import { nextPause, paceOf, PACE_AT_ONCE } from '../../nodes/Midjourney/tasks/pace';
import { watchAll } from '../../nodes/Midjourney/tasks/poll';
import { FakeClock } from './fakeClock';
import { NO_HTTP, SETTINGS } from './fixtures';

const task = (taskId: string, status: Task['status']): Task => ({
	provider: 'midApi',
	taskId,
	status,
	outputs: [],
	raw: {},
});

const ticket = (taskId: string, more: Partial<Ticket> = {}): Ticket => ({
	itemIndex: 0,
	taskId,
	settings: SETTINGS,
	since: 0,
	deadline: 600_000,
	pace: { first: 20_000, longest: 30_000 },
	...more,
});

/** Tasks that take `durations` ms, and the moments at which each was looked at. */
function stage(
	clock: FakeClock,
	durations: Record<string, number>,
	fault?: (look: number) => Failure | undefined,
) {
	const looks: Array<{ taskId: string; at: number }> = [];
	let inFlight = 0;
	let most = 0;
	const provider: Provider = {
		...midApi,
		async read(_http, taskId): Promise<Answer<Task>> {
			const look = looks.push({ taskId, at: clock.now() });
			most = Math.max(most, ++inFlight);
			await clock.sleep(50);
			inFlight--;
			const failure = fault?.(look);
			if (failure) return { ok: false, failure };
			const over = clock.now() >= (durations[taskId] ?? Infinity);
			return { ok: true, value: task(taskId, over ? 'completed' : 'running') };
		},
	};
	return { deps: { provider, http: NO_HTTP, clock }, looks, mostInFlight: () => most };
}

const PASSING: Failure = { reason: 'serverError', taken: 'unknown', passing: true };

describe('The schedule', () => {
	it('looks first when the quick ones are done, then in growing pauses', async () => {
		const clock = new FakeClock();
		const { deps, looks } = stage(clock, { a: 100_000 });
		await clock.until(watchAll([ticket('a')], deps));
		expect(looks.map(({ at }) => Math.round(at / 1000))).toEqual([20, 30, 42, 59, 83, 113]);
	});

	it.each([
		['a relaxed image', { kind: 'generateImage', speed: 'relaxed' }, 60_000],
		['a fast image', { kind: 'generateImage', speed: 'fast' }, 20_000],
		['a turbo image', { kind: 'generateImage', speed: 'turbo' }, 10_000],
		['an image', { kind: 'generateImage' }, 20_000],
		['an upscale', { kind: 'upscaleImage' }, 10_000],
		['a video', { kind: 'generateVideo' }, 45_000],
	] as const)('gives %s its own first look', (_, request, first) => {
		expect(paceOf(request as Parameters<typeof paceOf>[0]).first).toBe(first);
	});

	it('keeps any task that takes up to twice the first look within 4 looks and 1.5 times its length', async () => {
		// With the jitter at either end, and with all lengths in between.
		for (const chance of [0, 0.5, 0.999]) {
			for (let length = 20_000; length <= 40_000; length += 1000) {
				const clock = new FakeClock(() => chance);
				const { deps, looks } = stage(clock, { a: length });
				const [end] = await clock.until(watchAll([ticket('a')], deps));
				expect(looks.length).toBeLessThanOrEqual(4);
				expect(end?.waitedMs).toBeLessThan(1.5 * length);
			}
		}
	});

	it('looks at once at what was submitted elsewhere', async () => {
		const clock = new FakeClock();
		const { deps, looks } = stage(clock, { a: 0 });
		await clock.until(watchAll([ticket('a', { pace: PACE_AT_ONCE })], deps));
		expect(looks.map(({ at }) => at)).toEqual([0]);
	});

	it('never pauses longer than allowed, nor less than a part of the first look', () => {
		expect(nextPause({ first: 20_000, longest: 30_000 }, 3_600_000, 0)).toBe(30_000);
		expect(nextPause({ first: 20_000, longest: 30_000 }, 1000, 0)).toBe(10_000);
		expect(nextPause(PACE_AT_ONCE, 0, 0)).toBe(3000);
	});
});

describe('Many tasks', () => {
	const ids = Array.from({ length: 100 }, (_, index) => `task ${index}`);

	it('take about as long as the slowest, a few looks at a time', async () => {
		const clock = new FakeClock();
		const durations = Object.fromEntries(ids.map((id, index) => [id, 20_000 + index * 100]));
		const { deps, mostInFlight } = stage(clock, durations);
		const ends = await clock.until(
			watchAll(
				ids.map((id) => ticket(id)),
				deps,
			),
		);
		expect(ends.map(({ ticket: { taskId } }) => taskId)).toEqual(ids);
		expect(ends.every(({ end }) => end === 'terminal')).toBe(true);
		expect(clock.time).toBeLessThan(45_000);
		expect(mostInFlight()).toBe(8);
	});

	it('all pause when the provider asks one of them to', async () => {
		const clock = new FakeClock();
		const { deps, looks } = stage(clock, {}, (look) =>
			look === 1 ? { ...PASSING, reason: 'rateLimited', retryAfterMs: 100_000 } : undefined,
		);
		const watching = watchAll(
			ids.map((id) => ticket(id, { deadline: 130_000 })),
			deps,
		);
		await clock.until(watching);
		// Those that were already under way when the answer came, and nobody until the pause is over.
		expect(looks.filter(({ at }) => at < 120_000)).toHaveLength(8);
		expect(looks.filter(({ at }) => at >= 120_000).length).toBeGreaterThan(92);
	});
});

describe('Looks that do not succeed', () => {
	it('are repeated while the reason passes', async () => {
		const clock = new FakeClock();
		const { deps } = stage(clock, { a: 0 }, (look) => (look < 4 ? PASSING : undefined));
		const [end] = await clock.until(watchAll([ticket('a')], deps));
		expect(end).toMatchObject({ end: 'terminal', polls: 4 });
	});

	it('end the watch when nothing will change, with the reason', async () => {
		const clock = new FakeClock();
		const { deps } = stage(clock, {}, () => ({ ...PASSING, reason: 'invalidKey', passing: false }));
		const [end] = await clock.until(watchAll([ticket('a')], deps));
		expect(end).toMatchObject({ end: 'lost', polls: 1, failure: { reason: 'invalidKey' } });
	});

	it('that find a task unknown end the watch, unless it was just bought', async () => {
		const unknown: Failure = { reason: 'notFound', taken: 'no', passing: false };
		const bought = {
			itemIndex: 0,
			part: 0,
			settings: SETTINGS,
			request: { kind: 'upscaleImage', taskId: 't', index: 0 },
		} as const;
		const clock = new FakeClock();
		const fault = (look: number) => (look <= 2 ? unknown : undefined);
		const elsewhere = await clock.until(
			watchAll([ticket('a')], stage(clock, { a: 0 }, fault).deps),
		);
		const own = await clock.until(
			watchAll([ticket('a', { bought })], stage(clock, { a: 0 }, fault).deps),
		);
		expect([elsewhere[0]?.end, own[0]?.end]).toEqual(['lost', 'terminal']);
	});
});

describe('The deadline', () => {
	it('takes a last look, so that what finished until then counts', async () => {
		const clock = new FakeClock();
		const { deps, looks } = stage(clock, { a: 25_000 });
		const [end] = await clock.until(watchAll([ticket('a', { deadline: 26_000 })], deps));
		expect(end?.end).toBe('terminal');
		expect(looks.map(({ at }) => at)).toEqual([20_000, 26_000]);
	});

	it('leaves open what is open, and says what was seen last', async () => {
		const clock = new FakeClock();
		const { deps } = stage(clock, {});
		const [end] = await clock.until(watchAll([ticket('a', { deadline: 26_000 })], deps));
		expect(end).toMatchObject({ end: 'timeLimit', task: { status: 'running' } });
		expect(clock.time).toBeLessThan(26_100);
	});
});
