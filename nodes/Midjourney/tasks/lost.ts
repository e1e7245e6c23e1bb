import { isInItem } from '../providers/images';
import { isHttpUrl } from '../providers/json';
import { isTerminal, type Task } from '../providers/task';
import type { RequestSummary } from './settings';

/**
 * Submits whose answer was lost. The address that went with each names it, so a call that comes there may say which task
 * it has become.
 */

/** How long a call is waited for, in ms, unless the user says otherwise. */
export const LOST_ANSWER_MS = 120_000;

/** One item's place among those that are waited for, as far as it matters here. */
export interface LostWait {
	taskId?: string;
	/** Unix ms of the submit. */
	since: number;
	asked?: RequestSummary;
}

/** The clocks of provider and n8n may differ by this much, in ms. */
const CLOCKS_DIFFER_MS = 300_000;

/**
 * Whether a task that a call has named, and that was read, is what became of a lost submit: it belongs to no other item,
 * was made no earlier than it was asked for, and says the same as the request where the provider tells.
 *
 * @param others all items that are waited for
 */
export function isTaskOf(
	{ asked, since }: LostWait,
	task: Task,
	others: readonly LostWait[],
): boolean {
	if (others.some(({ taskId }) => taskId === task.taskId)) return false;
	const createdAt = task.createdAt === undefined ? undefined : Date.parse(task.createdAt);
	if (createdAt !== undefined && createdAt < since - CLOCKS_DIFFER_MS) return false;
	if (asked?.prompt === undefined) return true;
	// Some providers show the prompt only when the task has ended, and then not always.
	if (task.prompt === undefined) return isTerminal(task);
	return sameText(asked.prompt, task.prompt);
}

/**
 * A provider may keep a prompt without its flags, and with other white space. A picture of the item has got a URL on the
 * way, which nobody knows any more.
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
