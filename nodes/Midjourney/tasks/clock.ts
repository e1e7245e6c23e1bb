import { NodeOperationError, sleep, type IExecuteFunctions } from 'n8n-workflow';

/** Time as the waiting code sees it, so that tests can run hours in a moment. */
export interface Clock {
	/** Unix time in ms. */
	now(): number;
	/** Waits that many ms; rejects at once when the execution is cancelled. */
	sleep(ms: number): Promise<void>;
	/** `work`, unless the execution is cancelled before it is done: then it rejects at once. */
	orCancelled<T>(work: Promise<T>): Promise<T>;
	/** A random number from 0 to below 1. */
	random(): number;
}

/**
 * The clock of one execution of the node. n8n-workflow's `sleep` takes a signal only since 2.35, therefore the race:
 * what lost it ends by itself and does nothing.
 */
export function executionClock(context: IExecuteFunctions): Clock {
	const signal = context.getExecutionCancelSignal();
	const cancelled = new Promise<never>((_, reject) => {
		const stop = () =>
			reject(new NodeOperationError(context.getNode(), 'The execution was cancelled'));
		if (signal?.aborted) stop();
		signal?.addEventListener('abort', stop, { once: true });
	});
	cancelled.catch(() => undefined);
	const orCancelled = async <T>(work: Promise<T>) => await Promise.race([cancelled, work]);
	return {
		now: Date.now,
		sleep: async (ms) => await orCancelled(sleep(ms)),
		orCancelled,
		random: Math.random,
	};
}

/** 1, 2, 4 … 30 s, each shortened by up to a fifth so that many do not come back at the same moment. */
export const backoff = (attempt: number, { random }: Clock): number =>
	Math.min(30_000, 1000 * 2 ** (attempt - 1)) * (1 - random() / 5);
