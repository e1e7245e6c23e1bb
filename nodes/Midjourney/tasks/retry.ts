import { failed, type Result } from '../providers/http';
import { backoff, type ExecutionClock } from './n8n/clock';

/** How often a free request that fails for a transient reason is tried. */
const ATTEMPTS = 4;

/** After this time no further try begins, in ms, whatever pause the provider asks for. */
const LIMIT_MS = 60_000;

/**
 * Repeats a request until there is an answer, or no point in asking again. Only for requests that are free and safe to
 * repeat; submits have rules of their own (wait/submitBatch.ts).
 *
 * @returns the answer, or the last failure with the number of attempts
 * @throws when the execution is cancelled
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
