import type { Clock } from './clock';

/** The number of submits that are accepted in any period of `perMs`. */
export interface Limit {
	readonly requests: number;
	readonly perMs: number;
}

/** Counts the accepted submits. What is over the limit is refused, not queued. */
export class RateLimit {
	private readonly times: number[] = [];

	constructor(
		private readonly limit: Limit | undefined,
		private readonly clock: Clock,
	) {}

	/** Counts one more and returns true, or returns false if it is over the limit. */
	accepts(): boolean {
		if (!this.limit) return true;
		const now = this.clock.now();
		while ((this.times[0] ?? now) <= now - this.limit.perMs) this.times.shift();
		if (this.times.length >= this.limit.requests) return false;
		this.times.push(now);
		return true;
	}
}
