import { accountOf, Limiter } from '../../../nodes/Midjourney/tasks/wait/limiter';
import { never, settled, WaitClock } from './fakes';

describe('Limiter', () => {
	let clock: WaitClock;
	beforeEach(() => (clock = new WaitClock()));

	/** Runs so many pieces of work of a second each; gives how many were under way at once, and their order. */
	async function load(limiter: Limiter, count: number) {
		let running = 0;
		let most = 0;
		const order: number[] = [];
		const work = Array.from({ length: count }, async (_, index) => {
			await limiter.run(async () => {
				order.push(index);
				most = Math.max(most, ++running);
				await clock.sleep(1_000);
				running--;
			});
		});
		await clock.until(Promise.all(work));
		return { most, order };
	}

	it.each([
		[1, 5, 1, 5_000],
		[3, 7, 3, 3_000],
		[8, 8, 8, 1_000],
		[8, 2, 2, 1_000],
	])(
		'lets %i through at once: %i pieces of work, %i together, %i ms',
		async (limit, n, most, ms) => {
			expect((await load(new Limiter(limit, clock), n)).most).toBe(most);
			expect(clock.time).toBe(ms);
		},
	);

	it('runs work in the order in which it came', async () => {
		expect((await load(new Limiter(2, clock), 6)).order).toEqual([0, 1, 2, 3, 4, 5]);
	});

	it('gives the value of the work', async () => {
		expect(await new Limiter(1, clock).run(async () => 'done')).toBe('done');
	});

	it('rejects with the error of the work', async () => {
		const work = new Limiter(1, clock).run(async () => await Promise.reject(new Error('no')));
		await expect(work).rejects.toThrow('no');
	});

	it('frees the place of work that throws', async () => {
		const limiter = new Limiter(2, clock);
		const refused = Array.from({ length: 5 }, async () => {
			await limiter.run(async () => {
				await clock.sleep(10);
				throw new Error('no');
			});
		});
		await clock.until(Promise.allSettled(refused));
		expect((await load(limiter, 4)).most).toBe(2);
	});

	it('loses one place to work that hangs, and no other', async () => {
		const limiter = new Limiter(2, clock);
		void limiter.run(never);
		expect((await load(limiter, 3)).most).toBe(1);
	});

	it.each([
		['a second', 1_000, 1_000],
		['two minutes', 120_000, 120_000],
		['an hour: two minutes', 3_600_000, 120_000],
		['for ever: two minutes', Infinity, 120_000],
		['no time', 0, 0],
		['a time that is over', -5_000, 0],
	])('is paused for %s', async (_, asked, given) => {
		const limiter = new Limiter(1, clock);
		limiter.pauseFor(asked);
		expect(limiter.pausedFor()).toBe(given);
		const begun = limiter.run(async () => clock.time);
		expect(await clock.until(begun)).toBe(given);
	});

	it('is not shortened in its pause by a shorter one', () => {
		const limiter = new Limiter(1, clock);
		limiter.pauseFor(60_000);
		limiter.pauseFor(1_000);
		expect(limiter.pausedFor()).toBe(60_000);
	});

	it('holds back waiting work when the pause becomes longer', async () => {
		const limiter = new Limiter(1, clock);
		limiter.pauseFor(10_000);
		const begun = limiter.run(async () => clock.time);
		await clock.pass(5_000);
		limiter.pauseFor(30_000);
		expect(await clock.until(begun)).toBe(35_000);
	});

	it('does not hold up work under way when a pause begins', async () => {
		const limiter = new Limiter(1, clock);
		const end = limiter.run(async () => {
			await clock.sleep(1_000);
			return clock.time;
		});
		await settled();
		limiter.pauseFor(60_000);
		expect(await clock.until(end)).toBe(1_000);
	});
});

describe('accountOf', () => {
	const clock = new WaitClock();

	it('gives the same limiters for the same account', () => {
		expect(accountOf('one', clock)).toBe(accountOf('one', clock));
	});

	it('gives others for another account', () => {
		expect(accountOf('one', clock)).not.toBe(accountOf('two', clock));
	});

	it('lets 64 reads and five submits through', async () => {
		const { reads, submits } = accountOf('three', new WaitClock());
		let running = 0;
		const hang = async () => {
			running++;
			await never();
		};
		for (let n = 0; n < 80; n++) void reads.run(hang);
		await settled();
		expect(running).toBe(64);
		for (let n = 0; n < 20; n++) void submits.run(hang);
		await settled();
		expect(running).toBe(69);
	});
});
