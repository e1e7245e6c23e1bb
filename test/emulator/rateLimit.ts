import type { Clock } from './clock';

/** So many submits are taken in any stretch of `perMs`. */
export interface Limit {
	readonly requests: number;
	readonly perMs: number;
}

/** Counts the submits let through; what is over the limit is turned away, not queued. */
export class RateLimit {
	private readonly times: number[] = [];

	constructor(
		private readonly limit: Limit | undefined,
		private readonly clock: Clock,
	) {}

	/** Counts one more, unless it is one too many. */
	lets(): boolean {
		if (!this.limit) return true;
		const now = this.clock.now();
		while ((this.times[0] ?? now) <= now - this.limit.perMs) this.times.shift();
		if (this.times.length >= this.limit.requests) return false;
		this.times.push(now);
		return true;
	}
}
