import type { Clock } from '../clock';

/** So many calls within so many ms say that tasks end together. */
const CALLS = 3;
const WITHIN_MS = 1_000;

/** For fewer open tasks than this it is not worth it: their calls will be here as soon. */
const WORTH = 8;

/** No more credit than this, and so no more reads ahead at once. */
const MOST = 8;

/** What a read for nothing costs; each end that is read earns 1. So they stay below an eighth of all reads. */
const MISS_COSTS = 8;

export interface ReadAheadDeps<T> {
	clock: Clock;
	/** How many tasks are open. */
	open(): number;
	/** At most so many tasks to read; none when nothing may be read now. */
	next(count: number): T[];
	/** Reads one of them; gives whether it has ended. Never rejects. */
	read(one: T): Promise<boolean>;
}

/**
 * When many tasks end together, n8n needs a good while for each call before the node gets to see it. So after a few calls
 * what else is open is read, in a wave: a few tasks at once at first, more as long as they have ended, too. A read that
 * finds a task open ends the wave, and it takes several times as many ends that calls have told of until the next.
 */
export class ReadAhead<T> {
	/** When the last calls have come, in Unix ms. */
	private calledAt: number[] = [];

	private credit = 0;

	private isUnderWay = false;

	constructor(private readonly deps: ReadAheadDeps<T>) {}

	/** What a read has shown, made for a call or ahead. */
	saw(hasEnded: boolean): void {
		this.credit = Math.min(MOST, this.credit + (hasEnded ? 1 : -MISS_COSTS));
	}

	/** A call has told of a task that has ended. Resolves when the wave is over that it has begun, if it has begun one. */
	async called(): Promise<void> {
		const now = this.deps.clock.now();
		this.calledAt = [...this.calledAt, now].slice(-CALLS);
		const [first = now] = this.calledAt;
		const areQuick = this.calledAt.length === CALLS && now - first <= WITHIN_MS;
		if (this.isUnderWay || !areQuick || this.credit < CALLS || this.deps.open() < WORTH) return;
		this.isUnderWay = true;
		await this.wave();
		this.isUnderWay = false;
	}

	private async wave(): Promise<void> {
		const underWay = new Set<Promise<void>>();
		for (;;) {
			for (const one of this.deps.next(this.credit - underWay.size)) {
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
