import type { Answer } from '../providers/http';
import { backoff, type ExecutionClock } from './clock';

/** How often something free is asked that fails for a passing reason. */
const ATTEMPTS = 4;

/**
 * Asks until there is an answer or no use in asking again. Only for what is free and safe to repeat; submits have rules
 * of their own (submit.ts).
 */
export async function patiently<T>(
	clock: ExecutionClock,
	ask: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
	for (let attempt = 1; ; attempt++) {
		const answer = await clock.orCancelled(ask);
		if (answer.ok || !answer.failure.passing || attempt === ATTEMPTS) return answer;
		await clock.sleep(answer.failure.retryAfterMs ?? backoff(attempt, clock));
	}
}
