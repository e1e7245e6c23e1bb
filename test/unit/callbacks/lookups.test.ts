import type { Result } from '../../../nodes/Midjourney/providers/http';
import type { Task } from '../../../nodes/Midjourney/providers/task';
import { Lookups, type LookupLimits } from '../../../nodes/Midjourney/tasks/callbacks/lookups';
import { FakeClock } from '../fakeClock';
import { failing, found } from '../wait/fakes';

const LIMITS: LookupLimits = {
	perSecond: 20,
	burst: 40,
	inFlight: 4,
	unknownMs: 60_000,
	waits: false,
};

function newLookups(limits: Partial<LookupLimits> = {}) {
	const clock = new FakeClock();
	const lookups = new Lookups({ ...LIMITS, ...limits }, clock);
	const reads: string[] = [];
	/** Looks a task up; gives whether the lookup was allowed. */
	const look = async (taskId: string, answer: Result<Task> = failing('notFound'), until = 1e9) => {
		const seen = await lookups.read(taskId, until, async () => {
			reads.push(taskId);
			return answer;
		});
		return seen.ok || seen.failure.reason !== 'rateLimited';
	};
	return { clock, lookups, reads, look };
}

describe('The lookups of tasks that calls name', () => {
	it('allow a burst, then a fixed number a second', async () => {
		const { clock, look } = newLookups();
		const letThrough = async (count: number, name: string) => {
			let through = 0;
			for (let n = 0; n < count; n++) if (await look(`${name} ${n}`)) through++;
			return through;
		};
		expect(await letThrough(100, 'at first')).toBe(40);
		clock.time += 1_000;
		expect(await letThrough(100, 'a second later')).toBe(20);
		clock.time += 3_600_000;
		expect(await letThrough(100, 'an hour later')).toBe(40);
	});

	it('read a task once for all calls that name it meanwhile', async () => {
		const { look, reads } = newLookups();
		await Promise.all(Array.from({ length: 50 }, async () => await look('t1', found('running'))));
		expect(reads).toEqual(['t1']);
	});

	it.each<[string, Result<Task>, number, number]>([
		['unknown', failing('notFound'), 59_999, 1],
		['unknown, a minute ago', failing('notFound'), 60_000, 2],
		['completed', found('completed'), 59_999, 1],
		['failed', found('failed'), 59_999, 1],
		['open', found('running'), 1_999, 1],
		['open, two seconds ago', found('running'), 2_000, 2],
		['unreadable', failing('serverError'), 1, 2],
	])(
		'read a task that was %s as often as its answer can still change',
		async (_, answer, later, count) => {
			const { clock, look, reads } = newLookups();
			await look('t1', answer);
			clock.time += later;
			await look('t1', answer);
			expect(reads).toHaveLength(count);
		},
	);

	it('read an open task every two seconds for the calls that wait, and give all of them the answer', async () => {
		const { clock, look, reads } = newLookups({ waits: true });
		await look('t1', found('running'));
		const waiting = Promise.all(
			Array.from({ length: 20 }, async () => await look('t1', found('completed'))),
		);
		expect(await clock.until(waiting)).toEqual(Array(20).fill(true));
		expect(reads).toHaveLength(2);
		expect(clock.time).toBe(2_000);
	});

	it('read an unknown task again where it may become known in a moment', async () => {
		const { look, reads } = newLookups({ unknownMs: 0 });
		await look('t1');
		await look('t1');
		expect(reads).toHaveLength(2);
	});

	it('keep a bounded number of requests under way, and begin none for a call that has ended', async () => {
		const { clock, lookups } = newLookups();
		let most = 0;
		let now = 0;
		const begun: string[] = [];
		const all = Array.from({ length: 10 }, async (_, n) => {
			await lookups.read(`t${n}`, 1_500, async () => {
				begun.push(`t${n}`);
				most = Math.max(most, ++now);
				await clock.sleep(1_000);
				now--;
				return found('running');
			});
		});
		await clock.until(Promise.all(all));
		expect(most).toBe(4);
		expect(begun).toHaveLength(8);
	});

	it('tell each read how much time it has left', async () => {
		const { clock, lookups } = newLookups();
		clock.time = 1_000;
		const limits: number[] = [];
		await lookups.read('t1', 7_000, async (limitMs) => {
			limits.push(limitMs);
			return found('running');
		});
		expect(limits).toEqual([6_000]);
	});
});
