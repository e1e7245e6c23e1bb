import type { IExecuteFunctions, INodeExecutionData, IWebhookFunctions } from 'n8n-workflow';

import { isRecord } from '../providers/json';
import type { NodeProblem } from './nodeErrors';

/**
 * What parking needs beyond n8n's documented interface, all of it (design 5.8). Seen at work on n8n 2.41.1 and, where
 * not said otherwise, 2.8.4. Every step is feature-detected; a missing one costs what its comment says and no more.
 */

/**
 * Puts `items` in place of the node's own input: they are saved with the waiting execution, `webhook()` reads them, and
 * they go out as they are when the time is up. The items of the previous node stay what they were.
 */
export function replaceOwnInput(context: IExecuteFunctions, items: INodeExecutionData[]): void {
	context.getExecuteData().data.main = [items];
}

/** A field of the first item that `replaceOwnInput` has put there, as `webhook()` finds it. */
export function readOwnInput(context: IWebhookFunctions, field: string): unknown {
	return context.evaluateExpression(`{{ $json.${field} }}`, 0);
}

/**
 * Lets the wait end in `problem` when the time is up. An n8n without `resumeError` (2.8) lets the parked items pass
 * instead, so they must say themselves what happened.
 */
export function failWhenTimeIsUp(context: IExecuteFunctions, problem: NodeProblem): void {
	context.setMetadata({ resumeError: problem });
}

/**
 * Makes a resume that is under way end in `problem`, or (undefined) takes back what `failWhenTimeIsUp` has set. Where n8n
 * cannot (2.8), the items that are returned go out as a success.
 */
export function endResumeWith(context: IWebhookFunctions, problem: NodeProblem | undefined): void {
	const entry: unknown = Reflect.get(context, 'executeData');
	if (!isRecord(entry)) return;
	const metadata = isRecord(entry.metadata) ? entry.metadata : {};
	delete metadata.resumeError;
	entry.metadata = problem ? { ...metadata, resumeError: problem } : metadata;
}
