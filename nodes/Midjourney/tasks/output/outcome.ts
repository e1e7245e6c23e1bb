import type { IDataObject } from 'n8n-workflow';

import type { Provider, TaskRequest } from '../../providers/provider';
import type { Task } from '../../providers/task';
import type { NodeProblem } from '../n8n/nodeErrors';
import type { RequestSummary, Settings } from '../settings';

/** What items show of a request to this provider. */
export function summaryOf(provider: Provider, request: TaskRequest): RequestSummary {
	const prompt =
		provider.finalPrompt?.(request) ?? ('prompt' in request ? request.prompt : undefined);
	if (!('imagePosition' in request)) return { prompt };
	return { prompt, canvas: request.canvas, imagePosition: request.imagePosition };
}

/** What became of one item: of its task, of an attempt to get one, or of a query. */
export interface Outcome {
	itemIndex: number;
	/** Absent when the item did not get that far. */
	settings?: Settings;
	/** The answer to a query that is not about a task. */
	answer?: IDataObject;
	/** What items show of the request. */
	asked?: RequestSummary;
	/** Absent when nothing was submitted, or the id is not known. */
	taskId?: string;
	/** The task as it was last seen. */
	task?: Task;
	/** Why the item has no result to show. */
	problem?: NodeProblem;
	/** It was not submitted, because of another item's problem. */
	skipped?: boolean;
	/** A submit was sent, and it is not known whether it was accepted. */
	mayBePaid?: boolean;
	/** The same, and a callback may still identify the task. */
	mayBeTold?: boolean;
	/** A tool call that got the task of an equal, earlier call of the execution. */
	repeats?: boolean;
	/** How often the task was read. */
	polls: number;
	waitedMs: number;
	via: 'submit' | 'poll' | 'callback';
}

/** An outcome before anything happened. */
export const emptyOutcome = (itemIndex: number, settings?: Settings): Outcome => ({
	itemIndex,
	settings,
	polls: 0,
	waitedMs: 0,
	via: 'submit',
});
