import { failed, type Result } from '../providers/http';
import { backoff, type ExecutionClock } from './clock';

/** How often something free is asked that fails for a passing reason. */
const ATTEMPTS = 4;

/** After so long it is not asked again, in ms, whatever the provider wants to wait. */
const LIMIT_MS = 60_000;

/**
 * Asks until there is an answer or no use in asking again. Only for what is free and safe to repeat; submits have rules
 * of their own (wait/submitBatch.ts).
 */
export async function retryTransient<T>(
	clock: ExecutionClock,
	ask: () => Promise<Result<T>>,
): Promise<Result<T>> {
	const end = clock.now() + LIMIT_MS;
	for (let attempt = 1; ; attempt++) {
		const answer = await clock.orCancelled(ask);
		if (answer.ok) return answer;
		const { failure } = answer;
		const pause = failure.retryAfterMs ?? backoff(attempt, clock);
		if (!failure.transient || attempt === ATTEMPTS || clock.now() + pause >= end) {
			return failed({ ...failure, attempts: attempt });
		}
		await clock.sleep(pause);
	}
}
