import type { IExecuteFunctions } from 'n8n-workflow';

/** What n8n's editor shows of a node besides its items: a line while it runs, and a hint when it is done. */

/** Writes a line to the browser console of whoever runs the workflow manually; n8n has no other place for it. */
export function tellBrowser(context: IExecuteFunctions, line: string): void {
	if ('sendMessageToUI' in context) context.sendMessageToUI(line);
}

/** Shows a hint above the items of this run to whoever runs the workflow manually. */
function hintAt(context: IExecuteFunctions, message: string): void {
	if (context.getMode() === 'manual' && 'addExecutionHints' in context) {
		context.addExecutionHints({ message, type: 'info', location: 'outputPane' });
	}
}

/**
 * Says after a manual run what it has bought: running it again just to see the result would buy it again.
 *
 * @param costs in US dollars; undefined if the provider does not say
 */
export function hintAtBought(
	context: IExecuteFunctions,
	costs: ReadonlyArray<number | undefined>,
): void {
	const tasks = costs.length;
	if (tasks === 0) return;
	const [what, taskId] =
		tasks === 1 ? ['this result', 'its taskId'] : ['these results', 'their taskId'];
	hintAt(
		context,
		`Bought: ${[count(tasks), ...sumOf(costs)].join(', ')}. Executing this step again buys again. To see ${what} again at no cost, enter ${taskId} in <b>Task → Get</b>.`,
	);
}

/** Says after a manual run that it was a dry run: how many tasks it would have bought, and how many items not. */
export function hintAtDryRun(context: IExecuteFunctions, tasks: number, unfit: number): void {
	const problems =
		unfit === 0 ? '' : ` Items that could not be bought: ${unfit}; their errorMessage says why.`;
	hintAt(
		context,
		`Dry run: nothing was bought. Without <b>Dry Run</b> in Options this would buy ${count(tasks)}.${problems}`,
	);
}

/** The sum of the known costs, or nothing. Prices have up to four decimals. */
function sumOf(costs: ReadonlyArray<number | undefined>): string[] {
	const known = costs.flatMap((cost) => cost ?? []);
	if (known.length === 0) return [];
	const sum = known.reduce((all, cost) => all + cost, 0);
	const dollars = sum.toFixed(4).replace(/0{1,2}$/, '');
	return [`${known.length < costs.length ? 'at least ' : ''}${dollars} USD`];
}

const count = (tasks: number): string => (tasks === 1 ? '1 task' : `${tasks} tasks`);
