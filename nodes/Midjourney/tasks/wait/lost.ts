import { isInItem } from '../../providers/images';
import { isHttpUrl } from '../../providers/json';
import { isTerminal, type Task } from '../../providers/task';
import type { RequestSummary } from '../settings';

/**
 * Submits whose answer was lost. The callback address of each submit names it, so a callback to that address can tell
 * which task it has become.
 */

/** How long to wait for such a callback, in ms, unless the user sets it. */
export const LOST_ANSWER_MS = 120_000;

/** How much the clocks of the provider and n8n may differ, in ms. */
const CLOCKS_DIFFER_MS = 300_000;

/**
 * Whether a task that a callback has named, and that was read, is the result of a lost submit: it belongs to no other
 * item, was not created before the submit, and agrees with the request as far as the provider tells.
 *
 * @param since Unix ms of the submit
 * @param taken the ids of the tasks of all items
 */
export function isTaskOf(
	{ asked, since }: { asked?: RequestSummary; since: number },
	task: Task,
	taken: readonly string[],
): boolean {
	if (taken.includes(task.taskId)) return false;
	const createdAt = task.createdAt === undefined ? undefined : Date.parse(task.createdAt);
	if (createdAt !== undefined && createdAt < since - CLOCKS_DIFFER_MS) return false;
	if (asked?.prompt === undefined) return true;
	// Some providers show the prompt only when the task has ended, and not always then.
	if (task.prompt === undefined) return isTerminal(task);
	return sameText(asked.prompt, task.prompt);
}

/**
 * Whether two prompts agree. A provider may store a prompt without its flags, and with other white space. An image of the item
 * has been given a URL that is not remembered.
 */
function sameText(asked: string, told: string): boolean {
	const [a = [], b = []] = [asked, told].map((prompt) =>
		(prompt.split(/\s--/)[0] ?? '').trim().split(/\s+/),
	);
	return (
		a.length === b.length &&
		a.every((word, at) => {
			const other = b[at] ?? '';
			return word === other || (isInItem(word) && isHttpUrl(other));
		})
	);
}
