import { failed, refused, unreadable, type Failed, type Result } from './http';
import type { Task } from './task';

/** The longest id of any provider, in characters. */
const LONGEST = 200;

/**
 * Why a text cannot be a task id; undefined if it can. In a path, a slash or dots alone would lead elsewhere, with the key;
 * half a surrogate pair is not valid in a URL.
 */
export function noTaskId(id: string): Failed | undefined {
	const fits = id.length <= LONGEST && id.trim() !== '' && !/^\.+$|[/\\\p{Cc}\p{Cs}]/u.test(id);
	return fits
		? undefined
		: refused('notFound', { message: `“${id.slice(0, 40)}” cannot be a task ID` });
}

/**
 * Reads a task whose id can be one.
 *
 * @param ask sends the request; called only with a valid id
 * @param taskIn the task in a successful answer
 */
export async function readById<A>(
	taskId: string,
	ask: () => Promise<Result<A>>,
	taskIn: (answer: A) => Result<Task>,
): Promise<Result<Task>> {
	const refusal = noTaskId(taskId);
	if (refusal) return refusal;
	const answer = await ask();
	if (answer.ok) return taskIn(answer.value);
	const { failure } = answer;
	// The id is the only possible reason to refuse a read.
	return failure.reason === 'invalidRequest' ? failed({ ...failure, reason: 'notFound' }) : answer;
}

/** A successful answer without the task. */
export const NO_SUCH_TASK = refused('notFound', { code: '200' });

/** The answer to a read was about something else: it says nothing about the task, but the next one may. */
export const OF_ANOTHER_TASK = unreadable({ message: 'The answer is about another task' });
