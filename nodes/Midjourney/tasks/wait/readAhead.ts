import type { Clock } from '../n8n/clock';

/**
 * Tasks are taken to end together when `CALLS` callbacks arrive within `WITHIN_MS_EACH` per open task,
 * `WITHIN_MS` at most.
 */
const CALLS = 3;
const WITHIN_MS_EACH = 40;
const WITHIN_MS = 1_000;

/** With fewer open tasks than this, reading ahead is not worth it: their callbacks arrive as soon. */
const WORTH = 6;

/** The most credit, and so the most reads ahead at once. The account allows 64 reads, and others read as well. */
const MOST = 48;

/** The credit that a wasted read costs, one that finds its task open. Each read that shows an end earns 1. */
const MISS_COSTS = 8;

/** The least credit: after however many wasted reads, a few more ends are worth another try. */
const LEAST = -MISS_COSTS;

/** How many reads may be wasted per task, in whatever order the tasks end. */
const MISSES_PER_TASK = 0.5;

/** What is read ahead. */
interface ReadAheadDeps<T> {
	clock: Clock;
	/** The number of all tasks, and of those that are open. */
	tasks(): { all: number; open: number };
	/** Up to `count` tasks to read; none when nothing may be read now. */
	next(count: number): T[];
	/** Reads one of them; resolves to whether it has ended. Never rejects. */
	read(one: T): Promise<boolean>;
}

/** Reads tasks that end together before n8n has passed on all their callbacks (waiting.md: When a task is read). */
export class ReadAhead<T> {
	/** When the latest callbacks arrived, in Unix ms. */
	private calledAt: number[] = [];

	private credit = 0;

	private isUnderWay = false;

	/** @param missed how many reads ahead were wasted before */
	constructor(
		private readonly deps: ReadAheadDeps<T>,
		private missed = 0,
	) {}

	/** How many reads ahead were wasted, including earlier ones. */
	get misses(): number {
		return this.missed;
	}

	/** Records what a read has shown, whether it was made for a callback or ahead. */
	saw(hasEnded: boolean): void {
		if (!hasEnded) this.missed++;
		const credit = this.credit + (hasEnded ? 1 : -MISS_COSTS);
		this.credit = Math.max(LEAST, Math.min(MOST, credit));
	}

	/** A callback has reported an end. Resolves when the wave of reads that this has started, if any, is over. */
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
