import type { Clock } from './clock';

/**
 * Lets a bounded number of requests through at a time and, when the provider asks to be left alone, none at all for
 * that long.
 */
export class Gate {
	private inside = 0;

	private readonly queue: Array<() => void> = [];

	private closedUntil = 0;

	constructor(
		private readonly limit: number,
		private readonly clock: Clock,
	) {}

	/** Runs `work` when there is room; gives what it gives. */
	async pass<T>(work: () => Promise<T>): Promise<T> {
		if (this.inside >= this.limit) await new Promise<void>((resolve) => this.queue.push(resolve));
		else this.inside++;
		try {
			for (let wait = this.closedFor(); wait > 0; wait = this.closedFor()) {
				await this.clock.sleep(wait);
			}
			return await work();
		} finally {
			// The place goes straight to the next in the queue, if there is one.
			const next = this.queue.shift();
			if (next) next();
			else this.inside--;
		}
	}

	/** Lets nobody in for `ms`. */
	close(ms: number): void {
		this.closedUntil = Math.max(this.closedUntil, this.clock.now() + ms);
	}

	private closedFor(): number {
		return this.closedUntil - this.clock.now();
	}
}
