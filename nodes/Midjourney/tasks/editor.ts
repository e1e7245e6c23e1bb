import type { IExecuteFunctions, NodeExecutionHint } from 'n8n-workflow';

/** What n8n's editor shows of a node besides its items: a line while it runs, and a hint behind it. */

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

/**
 * What was bought by hand is soon bought once more, to see it once more.
 *
 * @param costs of every task that was bought, in US dollars; undefined where the provider does not say
 */
export function hintAtBought(
	context: IExecuteFunctions,
	costs: ReadonlyArray<number | undefined>,
): void {
	const tasks = costs.length;
	if (tasks === 0) return;
	const [these, ids] = tasks === 1 ? ['this one', 'its ID'] : ['these', 'their IDs'];
	hintAt(context, {
		message: `Bought: ${[count(tasks), ...sumOf(costs)].join(', ')}. To execute the step again buys again; <b>Task → Get</b> with ${ids} (taskId of the items) shows ${these} again for nothing.`,
		type: 'info',
		location: 'outputPane',
	});
}

/**
 * Nobody should take a run that bought nothing for one that did.
 *
 * @param tasks how many it would have bought
 * @param unfit how many items say that they could not be bought
 */
export function hintAtDryRun(context: IExecuteFunctions, tasks: number, unfit: number): void {
	const problems =
		unfit === 0 ? '' : ` Items that could not be bought: ${unfit}; their errorMessage says why.`;
	hintAt(context, {
		message: `Dry run: nothing was bought. Without <b>Dry Run</b> in Options this would buy ${count(tasks)}.${problems}`,
		type: 'info',
		location: 'outputPane',
	});
}

/** What is known of the price; prices have up to four decimals. */
function sumOf(costs: ReadonlyArray<number | undefined>): string[] {
	const known = costs.flatMap((cost) => cost ?? []);
	if (known.length === 0) return [];
	const sum = known.reduce((all, cost) => all + cost, 0);
	const dollars = sum.toFixed(4).replace(/0{1,2}$/, '');
	return [`${known.length < costs.length ? 'at least ' : ''}${dollars} USD`];
}

const count = (tasks: number): string => (tasks === 1 ? '1 task' : `${tasks} tasks`);
