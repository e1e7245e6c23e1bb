/* eslint-disable @n8n/community-nodes/no-restricted-globals -- the emulator is a server of its own, not a node */

/** The emulator's time: everything in it that waits or stamps a time uses it. */
export interface Clock {
	/** Unix time in ms. */
	now(): number;
	/** Runs `action` once, `ms` from now, unless the returned function cancels it first. */
	after(ms: number, action: () => void): () => void;
}

/** The longest wait Node's timers can hold, about 25 days; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Real time. Its timers keep no process alive. */
export const wallClock: Clock = {
	now: () => Date.now(),
	after: (ms, action) => {
		if (ms > LONGEST_TIMER_MS) return () => {};
		const timer = setTimeout(action, ms);
		timer.unref();
		return () => clearTimeout(timer);
	},
};

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
	/** Advances the time by `ms` and runs, in order, all actions that fall due. */
	advance(ms: number): void;
}

/** Starts at `startMs`, unix time in ms. */
export function manualClock(startMs = Date.UTC(2025, 0, 2, 3, 4, 5)): ManualClock {
	let now = startMs;
	let waiting: Array<{ at: number; action: () => void }> = [];
	return {
		now: () => now,
		after: (ms, action) => {
			const entry = { at: now + ms, action };
			waiting.push(entry);
			return () => {
				waiting = waiting.filter((other) => other !== entry);
			};
		},
		advance: (ms) => {
			const end = now + ms;
			for (;;) {
				const [next] = waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
				if (!next) break;
				waiting = waiting.filter((other) => other !== next);
				now = Math.max(now, next.at);
				next.action();
			}
			now = end;
		},
	};
}
