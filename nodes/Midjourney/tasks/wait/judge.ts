import type { Result, Failure } from '../../providers/http';
import { isTerminal, type Task } from '../../providers/task';

/** Where a provider's books are a moment behind, a task that was just submitted is not found at first; in ms. */
const BOOKS_BEHIND_MS = 120_000;

/** What one read says of a task that is waited for. */
export type Judgement =
	/** Nothing will change any more. */
	| { end: 'terminal'; task: Task }
	/** It can never be read again, as far as anyone can tell. */
	| { end: 'lost'; failure: Failure }
	/** Still open, or unreadable for a passing reason. */
	| { end?: undefined; task?: Task; failure?: Failure };

/**
 * The one place that says what an answer means for who waits: while polling, parked, called back and at the last look.
 *
 * @param sinceSubmitMs undefined for a task that was submitted elsewhere
 */
export function judge(answer: Result<Task>, sinceSubmitMs: number | undefined): Judgement {
	if (answer.ok) {
		const task = answer.value;
		return isTerminal(task) ? { end: 'terminal', task } : { task };
	}
	const { failure } = answer;
	const mayAppear =
		failure.reason === 'notFound' && sinceSubmitMs !== undefined && sinceSubmitMs < BOOKS_BEHIND_MS;
	return failure.transient || mayAppear ? { failure } : { end: 'lost', failure };
}
