import { failed, type Answer } from '../providers/http';
import { backoff, type ExecutionClock } from './clock';

/** How often something free is asked that fails for a passing reason. */
const ATTEMPTS = 4;

/**
 * Asks until there is an answer or no use in asking again. Only for what is free and safe to repeat; submits have rules
 * of their own (wait/submitBatch.ts).
 */
export async function patiently<T>(
	clock: ExecutionClock,
	ask: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
	for (let attempt = 1; ; attempt++) {
		const answer = await clock.orCancelled(ask);
		if (answer.ok) return answer;
		const { failure } = answer;
		if (!failure.passing || attempt === ATTEMPTS) {
			return failed({ ...failure, attempts: attempt });
		}
		await clock.sleep(failure.retryAfterMs ?? backoff(attempt, clock));
	}
}
