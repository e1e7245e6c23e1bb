import { NodeOperationError, sleep } from 'n8n-workflow';

import type { Host } from './host';

/** Time as the waiting code sees it, so that tests can run hours in a moment. */
export interface Clock {
	/** Unix time in ms. */
	now(): number;
	/** Waits that many ms; rejects at once when the execution is cancelled. */
	sleep(ms: number): Promise<void>;
	/**
	 * Does `work`, unless the execution is cancelled: then it is not begun, or no longer waited for after `graceMs`.
	 */
	orCancelled<T>(work: () => Promise<T>, graceMs?: number): Promise<T>;
	/** A random number from 0 to below 1. */
	random(): number;
}

/**
 * The clock of one execution of the node. n8n-workflow's `sleep` takes a signal only since 2.35, therefore the race:
 * what lost it ends by itself and does nothing.
 */
export function executionClock({ node, cancelSignal: signal }: Host): Clock {
	const cancelled = new Promise<void>((resolve) => {
		if (signal?.aborted) resolve();
		signal?.addEventListener('abort', () => resolve(), { once: true });
	});
	const refuse = () => new NodeOperationError(node, 'The execution was cancelled');
	const orCancelled = async <T>(work: () => Promise<T>, graceMs = 0): Promise<T> => {
		if (signal?.aborted) throw refuse();
		const ended = cancelled.then(async (): Promise<never> => {
			if (graceMs > 0) await sleep(graceMs);
			throw refuse();
		});
		return await Promise.race([ended, work()]);
	};
	return {
		now: Date.now,
		sleep: async (ms) => await orCancelled(async () => await sleep(ms)),
		orCancelled,
		random: Math.random,
	};
}

/** 1, 2, 4 … 30 s, each shortened by up to a fifth so that many do not come back at the same moment. */
export const backoff = (attempt: number, { random }: Clock): number =>
	Math.min(30_000, 1000 * 2 ** (attempt - 1)) * (1 - random() / 5);
