import { seededRandom } from '../../emulator/random';
import { spreadOf } from '../../bench/measure';
import { eachAlone, lengthsAround, oneAfterAnother, type Order, type Seen } from './simulated';

/** How long tasks take, in s. */
const LENGTHS = [6, 20, 45, 60, 90, 240, 600];
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** The longest pause between two reads, and the time that the reads take. */
const WORST_MS = 20_000;

/** Executions with so many tasks that take about so long; each task up to `part` shorter or longer. */
function orders(
	times: number,
	count: number,
	length: number,
	part: number,
	calls: Pick<Order, 'called' | 'arrives'> = { called: false },
) {
	const random = seededRandom(length);
	return Array.from(
		{ length: times },
		(): Order => ({ lengths: lengthsAround(length * 1000, count, part, random), ...calls }),
	);
}

const lateness = (seen: readonly Seen[]) => spreadOf(seen.map(({ lateMs }) => lateMs));
const readsOf = (seen: readonly Seen[]) => spreadOf(seen.map(({ reads }) => reads)).mean;

describe('Where no call can arrive', () => {
	describe.each([
		['one task', 1, 0],
		['one task, some quicker than others', 1, 0.2],
		['ten tasks that end together', 10, 0],
		['ten tasks, some quicker than others', 10, 0.2],
	])('%s', (_, count, part) => {
		it.each(LENGTHS)(
			'of %i s: the end of the last is seen 6.5 %% of that late on average, and never 20 s late',
			async (length) => {
				const { mean, worst } = lateness(await eachAlone(orders(16, count, length, part)));
				expect(mean).toBeLessThanOrEqual(0.065 * length * 1000);
				expect(worst).toBeLessThanOrEqual(WORST_MS);
			},
		);
	});

	it.each([
		[6, 7],
		[20, 22],
		[60, 38],
		[240, 58],
		[600, 82],
	])('a task of %i s takes %i reads at most', async (length, reads) => {
		expect(readsOf(await eachAlone(orders(10, 10, length, 0)))).toBeLessThanOrEqual(reads);
	});
});

describe('Where calls may arrive, and none does', () => {
	describe.each([
		['a first task', 1],
		['the last of ten first tasks', 10],
	])('%s', (_, count) => {
		it.each(LENGTHS)(
			'of %i s is seen a quarter of that or 4 s late on average, and never 20 s late',
			async (length) => {
				const { mean, worst } = lateness(
					await eachAlone(orders(16, count, length, 0.2, { called: true })),
				);
				expect(mean).toBeLessThanOrEqual(Math.max(4_000, 0.25 * length * 1000));
				expect(worst).toBeLessThanOrEqual(WORST_MS);
			},
		);
	});

	it.each([6, 8, 24])('that happens once a day if one comes every %i hours', async (hours) => {
		const [first, ...others] = await oneAfterAnother(
			orders(24 / hours + 1, 1, 60, 0.2, { called: true }),
			hours * 60 * MINUTE,
		);
		expect(first?.reads).toBeLessThanOrEqual(10);
		expect(lateness(others).mean).toBeLessThanOrEqual(0.08 * MINUTE);
	});
});

describe('Where calls arrive, in a process that was just started', () => {
	/** Ten tasks every so many ms for a day, of these lengths in turn; one such day beginning with each of the lengths. */
	async function days(lengths: readonly number[], everyMs: number): Promise<Seen[]> {
		const seen = lengths.map(async (_, first) => {
			const random = seededRandom(first);
			const all = Array.from({ length: DAY / everyMs }, (__, at): Order => {
				const usual = (lengths[(first + at) % lengths.length] ?? 0) * 1000;
				return { lengths: lengthsAround(usual, 10, 0.2, random), called: true, arrives: true };
			});
			return await oneAfterAnother(all, everyMs, first);
		});
		return (await Promise.all(seen)).flat();
	}

	const IMAGES = [20, 45, 60, 90];

	it.each(LENGTHS)(
		'tasks of %i s, one every hour, are read once each from the second on',
		async (length) => {
			const day = oneAfterAnother(
				orders(24, 1, length, 0.2, { called: true, arrives: true }),
				60 * MINUTE,
			);
			const [, ...others] = await day;
			expect(readsOf(others)).toBeLessThanOrEqual(1.1);
			expect(lateness(others).worst).toBeLessThanOrEqual(1_000);
		},
	);

	it.each<[string, number[], number, number]>([
		['images, every quarter of an hour', IMAGES, 15, 1.1],
		['images, every hour', IMAGES, 60, 1.1],
		['images, and a video in six, every hour', [...IMAGES, 60, 240], 60, 1.1],
		['tasks of all lengths alike, every half hour', LENGTHS, 30, 1.1],
		['tasks of 240 s, every hour', [240], 60, 1.1],
		['tasks of 600 s, every hour', [600], 60, 1.2],
	])('a day of %s takes few reads a task', async (_, lengths, minutes, reads) => {
		const seen = await days(lengths, minutes * MINUTE);
		expect(readsOf(seen)).toBeLessThanOrEqual(reads);
		expect(lateness(seen).worst).toBeLessThanOrEqual(1_000);
	});
});
