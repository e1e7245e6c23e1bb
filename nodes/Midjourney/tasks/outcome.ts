import type { IDataObject } from 'n8n-workflow';

import type { Provider, TaskRequest } from '../providers/provider';
import type { Task } from '../providers/task';
import type { NodeProblem } from './nodeErrors';
import type { RequestSummary, Settings } from './settings';

/** What items show of a request, at the provider that gets it. */
export function summaryOf(provider: Provider, request: TaskRequest): RequestSummary {
	const prompt =
		provider.finalPrompt?.(request) ?? ('prompt' in request ? request.prompt : undefined);
	if (!('imagePosition' in request)) return { prompt };
	return { prompt, canvas: request.canvas, imagePosition: request.imagePosition };
}

/** What became of one item: of its task, of an attempt to get one, or of a question. */
export interface Outcome {
	itemIndex: number;
	/** Absent when the item did not get that far. */
	settings?: Settings;
	/** The answer to a question that is not about a task. */
	answer?: IDataObject;
	/** What was asked for, as far as items show it. */
	asked?: RequestSummary;
	/** Absent when nothing was submitted, or nobody knows. */
	taskId?: string;
	/** The last that was seen of it. */
	task?: Task;
	/** Why the item has no result to show. */
	problem?: NodeProblem;
	/** The problem is another item's. */
	skipped?: boolean;
	/** Something was sent for it, and nobody knows whether it was taken. */
	mayBePaid?: boolean;
	/** The same, and a call may still tell. */
	mayBeTold?: boolean;
	/** A tool call that has got what an earlier one of the execution has bought. */
	repeats?: boolean;
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
