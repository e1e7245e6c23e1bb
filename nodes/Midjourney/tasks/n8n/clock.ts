import { NodeOperationError, sleep } from 'n8n-workflow';

import type { Host } from './host';

/** Time as the waiting code sees it, so that tests can run hours in a moment. */
export interface Clock {
	/** Unix time in ms; it never goes back. */
	now(): number;
	/** Waits for `ms`. The clock of an execution rejects at once when the execution is cancelled. */
	sleep(ms: number): Promise<void>;
	/** A random number from 0 to below 1. */
	random(): number;
}

/** The clock of one execution of the node. */
export interface ExecutionClock extends Clock {
	/**
	 * Does `work`, unless the execution is cancelled: then it is not started, or no longer waited for after `graceMs`.
	 *
	 * @throws NodeOperationError when the execution is cancelled
	 */
	orCancelled<T>(work: () => Promise<T>, graceMs?: number): Promise<T>;
}

/** Unix ms at which this process began to count. */
const EPOCH_MS = Date.now() - performance.now();

/**
 * The longest single sleep, in ms. Timers take no more than 2^31 ms, and a sleep that nobody waits for any more ends
 * this soon: n8n-workflow's `sleep` takes an abort signal only since 2.35.
 */
const SLICE_MS = 5_000;

async function sleepInSlices(ms: number, isOver: () => boolean): Promise<void> {
	const until = performance.now() + ms;
	for (let left = ms; left > 0 && !isOver(); left = until - performance.now()) {
		await sleep(Math.min(left, SLICE_MS));
	}
}

/** The clock of the process. It runs on after `execute()` has returned, and ignores changes of the system time. */
export const processClock: Clock = {
	now: () => Math.round(EPOCH_MS + performance.now()),
	sleep: async (ms) => await sleepInSlices(ms, () => false),
	random: Math.random,
};

/** The clock of one execution: its sleeps and its work end when the execution is cancelled. */
export function executionClock({ node, cancelSignal: signal }: Host): ExecutionClock {
	// One listener serves all waiters; a waiter that is done removes itself.
	const waiting = new Set<() => void>();
	signal?.addEventListener('abort', () => waiting.forEach((give) => give()), { once: true });
	const refuse = () => new NodeOperationError(node, 'The execution was cancelled');
	const orCancelled = async <T>(work: () => Promise<T>, graceMs = 0): Promise<T> => {
		if (signal?.aborted) throw refuse();
		let give = () => {};
		const cancelled = new Promise<void>((resolve) => (give = resolve)).then(
			async (): Promise<never> => {
				if (graceMs > 0) await sleep(graceMs);
				throw refuse();
			},
		);
		waiting.add(give);
		try {
			return await Promise.race([cancelled, work()]);
		} finally {
			waiting.delete(give);
		}
	};
	return {
		...processClock,
		sleep: async (ms) =>
			await orCancelled(async () => await sleepInSlices(ms, () => signal?.aborted === true)),
		orCancelled,
	};
}

/**
 * The pause before the next try, in ms: 1, 2, 4 … 30 s, shortened by up to a fifth so that many do not
 * come back at once.
 */
export const backoff = (attempt: number, { random }: Clock): number =>
	Math.min(30_000, 1000 * 2 ** (attempt - 1)) * (1 - random() / 5);

/** The result of `work`; undefined when it fails or is not done by `until`, in Unix ms. */
export async function within<T>(
	clock: Clock,
	until: number,
	work: () => Promise<T>,
): Promise<T | undefined> {
	const left = until - clock.now();
	if (left <= 0) return undefined;
	const nothing = () => undefined;
	return await Promise.race([work().catch(nothing), clock.sleep(left).then(nothing)]);
}
