import type { Answer, Failure } from '../providers/http';
import { isTerminal, type Task } from '../providers/Task';

/** A task that was just bought exists, even where the provider's books are behind: for this long after its submit, in ms. */
export const BOOKS_BEHIND_MS = 120_000;

/** What is known of a task before it is read. */
export interface Awaited {
	/** Unix ms of the submit. */
	since: number;
	/** This node bought it, so it must exist. */
	bought?: boolean;
	/** What an earlier look has brought. */
	seen?: Task;
}

/** What an answer means for a task that is waited for. */
export type Reading =
	/** It is completed or has failed, and nothing will change any more. */
	| { is: 'ended'; task: Task }
	/** It is to be read again; `failure`: because it could not be read. */
	| { is: 'open'; task?: Task; failure?: Failure }
	/** It cannot be read, now or later. */
	| { is: 'lost'; failure: Failure };

/**
 * What an answer means, whoever has asked. What was seen ended stays ended, whatever comes after.
 *
 * @param now Unix ms
 * @param asksAgain somebody reads it again much later, when more may have changed than what passes by itself
 */
export function readingOf(
	answer: Answer<Task>,
	{ since, bought, seen }: Awaited,
	now: number,
	asksAgain = false,
): Reading {
	if (seen && isTerminal(seen)) return { is: 'ended', task: seen };
	if (answer.ok) return { is: isTerminal(answer.value) ? 'ended' : 'open', task: answer.value };
	const { failure } = answer;
	const unknown = failure.reason === 'notFound';
	const booksBehind = unknown && bought === true && now - since < BOOKS_BEHIND_MS;
	const open = booksBehind || failure.passing || (asksAgain && !unknown);
	return open ? { is: 'open', task: seen, failure } : { is: 'lost', failure };
}
