/* eslint-disable @n8n/community-nodes/no-restricted-globals -- lets promises settle between two moments of a clock that stands still */
import type { Clock } from '../../nodes/Midjourney/tasks/n8n/clock';

/** A clock that jumps from one sleep's end to the next as soon as everything else has settled. */
export class FakeClock implements Clock {
	/** ms since the start of the test. */
	time = 0;

	private sleepers: Array<{ at: number; wake: () => void }> = [];

	constructor(private readonly chance: () => number = () => 0) {}

	now = () => this.time;

	random = () => this.chance();

	sleep = async (ms: number) => {
		await new Promise<void>((wake) => this.sleepers.push({ at: this.time + ms, wake }));
	};

	orCancelled = async <T>(work: () => Promise<T>) => await work();

	/**
	 * Lets time pass until `work` is done; gives its value.
	 *
	 * @param turns the turns of the event loop after which everything else has settled; streams take many
	 */
	async until<T>(work: Promise<T>, turns = 1): Promise<T> {
		let done = false;
		const end = () => {
			done = true;
		};
		work.then(end, end);
		for (;;) {
			for (let turn = 0; turn < turns && !done; turn++) await new Promise(setImmediate);
			if (done) return await work;
			this.sleepers.sort((a, b) => a.at - b.at);
			const next = this.sleepers.shift();
			if (!next) throw new Error('Nobody sleeps, and the work is not done');
			this.time = Math.max(this.time, next.at);
			next.wake();
		}
	}
}
