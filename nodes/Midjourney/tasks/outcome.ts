import type { IDataObject } from 'n8n-workflow';

import type { Provider, TaskRequest } from '../providers/Provider';
import type { Task } from '../providers/Task';
import type { NodeProblem, ProblemWriter } from './nodeErrors';
import type { LostAnswer } from './lost';
import type { Asked, Settings } from './order';

/** What items show of a request, at the provider that gets it. */
export function askedOf(provider: Provider, request: TaskRequest): Asked {
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
	asked?: Asked;
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
	polls: number;
	waitedMs: number;
	via: 'submit' | 'poll' | 'callback';
	/** Still open, and the provider will call when it ends, or the node can look again by itself: it may be parked. */
	parks?: Parking;
}

/** How something that is still open is waited for. */
export interface Parking {
	/** Unix ms. */
	since: number;
	/** Unix ms. */
	deadline: number;
	/** Under which the provider calls back; absent when it was told nothing. */
	nonce?: string;
	/** This node bought it. */
	bought?: boolean;
	/** Nobody knows the task yet: the deadline is for learning it. */
	lost?: LostAnswer;
}

/** An item whose parameters were refused. */
export const refused = (itemIndex: number, problem: NodeProblem): Outcome => ({
	...nothing(itemIndex),
	problem,
});

/** An outcome before anything happened. */
export const nothing = (itemIndex: number, settings?: Settings): Outcome => ({
	itemIndex,
	settings,
	polls: 0,
	waitedMs: 0,
	via: 'submit',
});

/** What a task that was read means for the item that waits for it. */
export const settled = (outcome: Outcome, task: Task, problems: ProblemWriter): Outcome => ({
	...outcome,
	task,
	problem: task.status === 'failed' ? problems.ofFailedTask(task, outcome.itemIndex) : undefined,
});
