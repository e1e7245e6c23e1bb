import type { IExecuteFunctions, NodeExecutionHint } from 'n8n-workflow';

/** What n8n's editor shows of a node besides its items: a line while it runs, and a hint when it is done. */

/** Writes a line to the browser console of whoever runs the workflow manually; n8n has no other place for it. */
export function tellBrowser(context: IExecuteFunctions, line: string): void {
	if ('sendMessageToUI' in context) context.sendMessageToUI(line);
}

/** Shows a hint above the items of this run to whoever runs the workflow manually. */
export function hintAt(context: IExecuteFunctions, hint: NodeExecutionHint): void {
	if (context.getMode() === 'manual' && 'addExecutionHints' in context) {
		context.addExecutionHints(hint);
	}
}

/** Says after a manual run what it has bought: running it again just to see the result would buy it again. */
export function hintAtBought(context: IExecuteFunctions, tasks: number): void {
	if (tasks === 0) return;
	const [these, ids] = tasks === 1 ? ['this one', 'its ID'] : ['these', 'their IDs'];
	hintAt(context, {
		message: `Bought: ${count(tasks)}. Executing the step again buys again; <b>Task → Get</b> with ${ids} (taskId of the items) shows ${these} again at no cost.`,
		type: 'info',
		location: 'outputPane',
	});
}

const count = (tasks: number): string => (tasks === 1 ? '1 task' : `${tasks} tasks`);
