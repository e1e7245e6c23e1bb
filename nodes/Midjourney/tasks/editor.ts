import type { IExecuteFunctions, NodeExecutionHint } from 'n8n-workflow';

/** What n8n's editor shows of a node besides its items: a line while it runs, a hint behind it, the panel of one that is parked. */

/** A line in the console of the browser of whoever runs the workflow by hand; n8n has no other place for it. */
export function tellBrowser(context: IExecuteFunctions, line: string): void {
	if ('sendMessageToUI' in context) context.sendMessageToUI(line);
}

/** A hint above the items of this run, for whoever runs the workflow by hand. */
export function hintAt(context: IExecuteFunctions, hint: NodeExecutionHint): void {
	if (context.getMode() === 'manual' && 'addExecutionHints' in context) {
		context.addExecutionHints(hint);
	}
}

/** What was bought by hand is soon bought once more, to see it once more. */
export function hintAtBought(context: IExecuteFunctions, tasks: number): void {
	if (tasks === 0) return;
	const [these, ids] = tasks === 1 ? ['this one', 'its ID'] : ['these', 'their IDs'];
	hintAt(context, {
		message: `Bought: ${count(tasks)}. To execute the step again buys again; <b>Task → Get</b> with ${ids} (taskId of the items) shows ${these} again for nothing.`,
		type: 'info',
		location: 'outputPane',
	});
}

/** What an execution waits for while it is parked. */
export interface Parked {
	/** Of the tasks that are still open. */
	taskIds: string[];
	/** How many tasks there are in all. */
	total: number;
	/** Unix ms of the first submit, or of the beginning of the wait. */
	since: number;
	/** Unix ms: when n8n looks if nobody has told it before. */
	lookAt: number;
	/** Who tells it before: the process that reads the tasks, or calls alone. */
	isRead: boolean;
	/** As the workflow has it, such as Europe/Berlin. */
	timezone: string;
}

/** More would not fit in the panel, nor in an address. */
const LISTED = 10;

/** What the panel of a parked node says, in HTML. */
export function parkedText({ taskIds, total, since, lookAt, isRead, timezone }: Parked): string {
	const listed = taskIds
		.slice(0, LISTED)
		.map((id) => `<code>${id.replace(/[^\w.:-]/g, '')}</code>`);
	const more = taskIds.length > LISTED ? ` and ${taskIds.length - LISTED} more` : '';
	const at = (ms: number) =>
		new Date(ms).toLocaleTimeString('en-GB', { timeZone: isTimezone(timezone) ? timezone : 'UTC' });
	const meanwhile = isRead ? 'Read from time to time' : 'The provider is to call';
	return [
		`<b>${count(total)}</b>, since ${at(since)}. Still open: ${listed.join(', ')}${more}.`,
		`${meanwhile}; n8n itself looks at ${at(lookAt)} at the latest. When the last has ended the workflow goes on by itself.`,
		'You may close this window: the execution goes on, and is found under Executions.',
	].join('<br>');
}

const count = (tasks: number): string => (tasks === 1 ? '1 task' : `${tasks} tasks`);

function isTimezone(name: string): boolean {
	try {
		return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
	} catch {
		return false;
	}
}

/**
 * n8n evaluates the text of a waiting node in the editor, where the only thing of a run at hand is the address that the node
 * has given as `resumeUrl` (from 2.9 on or so; before that, one that the editor makes itself). So the text rides behind its #.
 */
export const withParkedText = (resumeUrl: string, text: string): string =>
	`${resumeUrl}#${encodeURIComponent(text)}`;

/** As the node's description has it; an older n8n shows the second half. */
export const WAITING_TOOLTIP =
	'={{ $execution.resumeUrl.includes("#") ? decodeURIComponent($execution.resumeUrl.split("#")[1]) : "The tasks are submitted, and the workflow goes on by itself when the last has ended. You may close this window: the execution is found under Executions, the task IDs in the log of n8n." }}';
