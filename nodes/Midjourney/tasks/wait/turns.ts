import type { ExecutionClock } from '../n8n/clock';

/** What is under way in this process, by what nothing else may be done about meanwhile. */
const underWay = new Map<string, Promise<unknown>>();

/**
 * Does `work` once nothing else with one of these keys is under way in this process. Agents up to version 2 call a tool
 * several times at once; of two calls that ask for the same the second then finds what the first has bought.
 *
 * @throws what `work` throws; NodeOperationError when the execution is cancelled before it has begun
 */
export async function inTurn<T>(
	keys: readonly string[],
	clock: Pick<ExecutionClock, 'orCancelled'>,
	work: () => Promise<T>,
): Promise<T> {
	for (;;) {
		const others = keys.flatMap((key) => underWay.get(key) ?? []);
		if (others.length === 0) break;
		await clock.orCancelled(async () => await Promise.allSettled(others));
	}
	const own = work();
	for (const key of keys) underWay.set(key, own);
	try {
		return await own;
	} finally {
		for (const key of keys) underWay.delete(key);
	}
}
