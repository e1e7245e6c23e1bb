/* eslint-disable @n8n/community-nodes/no-restricted-globals -- lets promises settle, it is not a node */
import { inTurn } from '../../../nodes/Midjourney/tasks/wait/turns';

/** A piece of work that ends when it is told to. */
function work() {
	let give: (result: string) => void = () => {};
	let refuse: (error: Error) => void = () => {};
	const end = new Promise<string>((resolve, reject) => {
		give = resolve;
		refuse = reject;
	});
	const run = jest.fn(async () => await end);
	return { run, give, refuse };
}

const clock = { orCancelled: async <T>(wait: () => Promise<T>) => await wait() };
const turns = async () => await new Promise(setImmediate);

describe('Work in turn', () => {
	it('begins when what has the same key is done, and gives its own result', async () => {
		const [first, second] = [work(), work()];
		const results = [inTurn(['a'], clock, first.run), inTurn(['a'], clock, second.run)];
		await turns();
		expect([first, second].map(({ run }) => run.mock.calls.length)).toEqual([1, 0]);
		first.give('one');
		await turns();
		expect(second.run).toHaveBeenCalledTimes(1);
		second.give('two');
		expect(await Promise.all(results)).toEqual(['one', 'two']);
	});

	it('goes on one by one, however many wait', async () => {
		const all = [work(), work(), work()];
		const results = all.map(async ({ run }) => await inTurn(['a'], clock, run));
		for (const [position, { give }] of all.entries()) {
			await turns();
			const begun = all.map(({ run }) => run.mock.calls.length);
			expect(begun).toEqual(all.map((_, other) => (other <= position ? 1 : 0)));
			give(String(position));
		}
		expect(await Promise.all(results)).toEqual(['0', '1', '2']);
	});

	it('waits for every one of its keys, and for nothing else', async () => {
		const [a, b, both] = [work(), work(), work()];
		const results = [
			inTurn(['a'], clock, a.run),
			inTurn(['b'], clock, b.run),
			inTurn(['a', 'b'], clock, both.run),
		];
		await turns();
		expect([a, b, both].map(({ run }) => run.mock.calls.length)).toEqual([1, 1, 0]);
		a.give('');
		await turns();
		expect(both.run).not.toHaveBeenCalled();
		b.give('');
		await turns();
		expect(both.run).toHaveBeenCalledTimes(1);
		both.give('');
		await Promise.all(results);
	});

	it('begins, too, when what was before it has failed', async () => {
		const [first, second] = [work(), work()];
		const failed = inTurn(['a'], clock, first.run);
		const after = inTurn(['a'], clock, second.run);
		first.refuse(new Error('No'));
		second.give('two');
		await expect(failed).rejects.toThrow('No');
		expect(await after).toBe('two');
	});

	it('does not begin when the execution is cancelled meanwhile', async () => {
		const [first, second] = [work(), work()];
		const before = inTurn(['a'], clock, first.run);
		const cancelled = { orCancelled: async () => await Promise.reject(new Error('Cancelled')) };
		await expect(inTurn(['a'], cancelled, second.run)).rejects.toThrow('Cancelled');
		first.give('one');
		expect(await before).toBe('one');
		expect(second.run).not.toHaveBeenCalled();
	});
});
