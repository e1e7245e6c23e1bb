import type { Clock } from '../clock';

/** So many calls within so many ms for each open task say that these end together, within a second at the most. */
const CALLS = 3;
const WITHIN_MS_EACH = 40;
const WITHIN_MS = 1_000;

/** For fewer open tasks than this it is not worth it: their calls will be here as soon. */
const WORTH = 6;

/** No more credit than this, and so no more reads ahead at once: the account lets 32 through, and others read, too. */
const MOST = 24;

/** What a read for nothing costs; each end that is read earns 1. */
const MISS_COSTS = 8;

/** However many reads were for nothing at once, some more ends make it worth another try. */
const LEAST = -2 * MISS_COSTS;

/** So many reads may be for nothing, in whatever order tasks end, as a part of the tasks. */
const MISSES_PER_TASK = 0.5;

export interface ReadAheadDeps<T> {
	clock: Clock;
	/** How many tasks there are, and how many of them are open. */
	tasks(): { all: number; open: number };
	/** At most so many tasks to read; none when nothing may be read now. */
	next(count: number): T[];
	/** Reads one of them; gives whether it has ended. Never rejects. */
	read(one: T): Promise<boolean>;
}

/**
 * When many tasks end together, n8n needs a good while for each call before the node gets to see it. So after a few calls
 * what else is open is read, in a wave: a few tasks at once at first, twice as many each time as long as they have ended,
 * too. A read that finds a task open takes back what several ends have earned, so that few are read where few end.
 */
export class ReadAhead<T> {
	/** When the last calls have come, in Unix ms. */
	private calledAt: number[] = [];

	private credit = 0;

	private isUnderWay = false;

	/** @param missed how many reads ahead were for nothing before */
	constructor(
		private readonly deps: ReadAheadDeps<T>,
		private missed = 0,
	) {}

	/** How many reads ahead were for nothing, earlier ones included. */
	get misses(): number {
		return this.missed;
	}

	/** What a read has shown, made for a call or ahead. */
	saw(hasEnded: boolean): void {
		if (!hasEnded) this.missed++;
		const credit = this.credit + (hasEnded ? 1 : -MISS_COSTS);
		this.credit = Math.max(LEAST, Math.min(MOST, credit));
	}

	/** A call has told of a task that has ended. Resolves when the wave is over that it has begun, if it has begun one. */
	async called(): Promise<void> {
		const now = this.deps.clock.now();
		this.calledAt = [...this.calledAt, now].slice(-CALLS);
		const [first = now] = this.calledAt;
		const { open } = this.deps.tasks();
		const within = Math.min(WITHIN_MS, open * WITHIN_MS_EACH);
		const areQuick = this.calledAt.length === CALLS && now - first <= within;
		if (this.isUnderWay || !areQuick || open < WORTH) return;
		this.isUnderWay = true;
		await this.wave();
		this.isUnderWay = false;
	}

	private async wave(): Promise<void> {
		const underWay = new Set<Promise<void>>();
		for (;;) {
			const allowed = Math.floor(this.deps.tasks().all * MISSES_PER_TASK) - this.missed;
			for (const one of this.deps.next(Math.min(this.credit, allowed) - underWay.size)) {
				const reading = this.deps.read(one).then((hasEnded) => {
					underWay.delete(reading);
					this.saw(hasEnded);
				});
				underWay.add(reading);
			}
			if (underWay.size === 0) return;
			await Promise.race(underWay);
		}
	}
}
