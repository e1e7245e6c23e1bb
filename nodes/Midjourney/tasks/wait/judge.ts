import type { Result, Failure } from '../../providers/http';
import { isTerminal, type Task } from '../../providers/task';

/**
 * How long after its submit a task may be reported as not found, in ms: some providers list a new task with a delay.
 */
const BOOKS_BEHIND_MS = 120_000;

/** What one read means for a task that the node waits for. */
export type Judgement =
	/** The task has reached a final status. */
	| { end: 'terminal'; task: Task }
	/** The task cannot be read, and no later read is expected to succeed. */
	| { end: 'lost'; failure: Failure }
	/** The task is still open, or cannot be read for a transient reason. */
	| { end?: undefined; task?: Task; failure?: Failure };

/**
 * Decides what an answer means for a waiting task. Everything that reads such a task uses it: polling, callbacks, looks
 * and the last read at the time limit.
 *
 * @param sinceSubmitMs ms since the submit; undefined for a task that was submitted elsewhere
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
