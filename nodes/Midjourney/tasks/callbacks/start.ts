import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { isRecord, text } from '../../providers/json';
import type { Provider } from '../../providers/provider';
import type { Task } from '../../providers/task';
import { executionClock } from '../n8n/clock';
import { hostOf } from '../n8n/host';
import { routed } from '../output/failedItems';
import type { Outcome } from '../output/outcome';
import { toItems, type ResultDeps } from '../output/results';
import type { Settings } from '../settings';
import { firstStarts, KEY_FIELD, startsOf, triggerOf } from './once';
import type { Start } from './receive';

/**
 * Takes a start from the call into the workflow. The provider waits 15 s for its answer, so the call only hands n8n
 * what was read; n8n saves that with the execution and answers. Everything that takes time happens in the execution.
 * Whatever happens to the files or the process, the start is in n8n's list and can be retried.
 */

/** The operation that the items name: the task came in by a call. */
const OPERATION = 'task:callback';

/** What a user has set in the Trigger for its items; read in the execution, and may throw. */
interface ChosenItems {
	provider(): Provider;
	/** The form of the items. */
	items(): Settings;
}

/**
 * The item with which n8n starts an execution, one per task. Users do not see it.
 *
 * @param callback goes into the field of this name of all items
 */
export const startItem = (
	{ task, reference, key }: Start,
	callback: IDataObject,
): INodeExecutionData => ({
	json: { task: { ...task }, reference, [KEY_FIELD]: key, callback },
});

/**
 * The Trigger's part of an execution. Of the items that n8n starts it with, those that have not started another one
 * become items like those of the action node, with their files. An item that is not a start passes unchanged.
 *
 * @throws NodeOperationError when the execution is cancelled, or when the settings do not fit
 */
export async function beginWorkflow(
	context: IExecuteFunctions,
	chosen: ChosenItems,
): Promise<INodeExecutionData[]> {
	const trigger = triggerOf(context);
	const items = await firstStarts(context, startsOf(trigger), trigger);
	const begun = items.map(async (item, itemIndex) => {
		const start = startIn(item);
		if (!start) return [item];
		// The links are worth more than the files: a file that cannot be downloaded is reported in its item.
		const host = { ...hostOf(context), continues: true };
		const deps = { host, provider: chosen.provider(), clock: executionClock(host) };
		return await startedItems(start, itemIndex, chosen.items(), deps);
	});
	return (await Promise.all(begun)).flat();
}

/** A start as n8n has saved it. */
interface Saved {
	task: Task;
	reference?: string;
	/** The other fields that all items of the task have. */
	also: IDataObject;
}

function startIn({ json }: INodeExecutionData): Saved | undefined {
	const { task, reference, callback, [KEY_FIELD]: key } = json;
	if (!isTask(task)) return undefined;
	return { task, reference: text(reference), also: { [KEY_FIELD]: key, callback } };
}

/** Whether n8n has handed back what `startItem` gave it. */
const isTask = (value: unknown): value is Task =>
	isRecord(value) &&
	[value.provider, value.taskId, value.status].every((field) => text(field) !== undefined) &&
	Array.isArray(value.outputs) &&
	isRecord(value.raw);

async function startedItems(
	{ task, reference, also }: Saved,
	itemIndex: number,
	settings: Settings,
	deps: ResultDeps,
): Promise<INodeExecutionData[]> {
	const outcome: Outcome = {
		...{ itemIndex, task, taskId: task.taskId },
		settings: { ...settings, reference },
		...{ polls: 1, waitedMs: 0, via: 'callback' },
	};
	return await toItems(deps, [outcome], OPERATION, ({ item, problem }, host) =>
		routed({ item: { ...item, json: { ...item.json, ...also } }, problem }, host),
	);
}
