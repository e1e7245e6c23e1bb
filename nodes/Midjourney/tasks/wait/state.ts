import type { Failure } from '../../providers/http';
import { isRecord, unwrapJson } from '../../providers/json';
import type { TaskRequest } from '../../providers/provider';
import type { NodeProblem } from '../n8n/nodeErrors';
import type { RequestSummary, Settings } from '../settings';
import { LOST_ANSWER_MS } from './lost';

/** The state of everything that one execution of the node waits for, as one value (waiting.md: One state machine). */

/** Raised when an older package could not resume from what this one saves. */
const VERSION = 1;

/** The stage of one purchase. */
export type Stage =
	/** Nothing was sent, or the provider has certainly refused it for a transient reason. */
	| { at: 'toBuy'; request: TaskRequest; attempts: number }
	/**
	 * The intent to send it was saved. A run that finds this, and was not woken to send it, cannot know
	 * whether it was sent.
	 */
	| { at: 'sending'; request: TaskRequest; attempts: number }
	/**
	 * It may have been accepted. `since`: Unix ms of the submit, 0 if unknown. A callback may identify its task until
	 * `until`, in Unix ms.
	 */
	| { at: 'unknown'; since: number; until: number; failure?: Failure }
	/**
	 * There is a task. `since` and `deadline` are in Unix ms. `fresh`: this node has submitted it. `called`: the provider
	 * is to call this very wait when the task ends.
	 */
	| {
			at: 'bought';
			taskId: string;
			since: number;
			deadline: number;
			fresh: boolean;
			called?: boolean;
	  }
	/** There will be no result, whatever happens to the other tasks. */
	| {
			at: 'ended';
			/** The part of an error that is saved. */
			problem: { message: string; description?: string };
			taskId?: string;
			/** It was not submitted, because of another item's problem. */
			skipped?: boolean;
			/** A submit was sent, and it is not known whether it was accepted. */
			mayBePaid?: boolean;
	  };

/** One task that is waited for. */
export interface TaskState {
	itemIndex: number;
	/** The key under which the purchase is remembered; absent for a task that was submitted elsewhere. */
	key?: string;
	/** Undefined where the item's parameters were refused. */
	settings?: Settings;
	/** A tool call that asks for what an earlier one of the execution has bought. */
	repeats?: boolean;
	/** What items show of the request. */
	asked?: RequestSummary;
	stage: Stage;
	/** The number of reads in earlier steps, perhaps in other processes. */
	reads: number;
	/** An earlier step has seen its end, perhaps in another process, so no callback is waited for. */
	hasEnded?: boolean;
	/** The error itself; it is not saved. */
	error?: NodeProblem;
}

/** Everything that one run of the node waits for. */
export interface WaitState {
	version: typeof VERSION;
	/** A retry is another execution, and starts anew. */
	executionId: string;
	/** Such as `image:generate`. */
	operation: string;
	/** Identifies this wait in callback addresses; random. */
	nonce: string;
	/** The secret that wakes this park; random, and a new one for each park. */
	wake?: string;
	/** Unix ms at which n8n runs the node again if nothing wakes it. */
	until?: number;
	/** The positions of the tasks to buy next, when it is woken for that. */
	intent: number[];
	/** Unix ms until which nothing is submitted. */
	pausedUntil: number;
	/** The failure that caused the pause. */
	pausedBy?: Failure;
	/** Unix ms of the last submit that was accepted, or of the start. */
	progressAt: number;
	/** How many submits in a row have left open whether they were accepted. */
	unclearInARow: number;
	/** How often in a row the process has failed to wake it. */
	missedWakes: number;
	/** A callback has woken it. */
	wasCalled?: boolean;
	/** It runs again, but not to buy: a callback may have been lost, or a process may have died. */
	isLook?: boolean;
	/** The editor already shows the tasks. */
	isShown: boolean;
	tasks: TaskState[];
}

/** The state of a wait that begins. */
export const newState = (
	begun: Pick<WaitState, 'executionId' | 'operation' | 'nonce' | 'progressAt' | 'tasks'>,
): WaitState => ({
	version: VERSION,
	intent: [],
	pausedUntil: 0,
	unclearInARow: 0,
	missedWakes: 0,
	isShown: false,
	...begun,
});

/** The text that is saved with the execution. Of an error only the words are kept, in the stage. */
export const serialize = (state: WaitState): string =>
	JSON.stringify({ ...state, tasks: state.tasks.map((task) => ({ ...task, error: undefined })) });

/** Reads what `serialize` has written; undefined for anything else. */
export function parseState(saved: unknown): WaitState | undefined {
	const state = unwrapJson(saved);
	return isState(state) ? state : undefined;
}

/** The task ids in what another version of this package has saved. */
export function taskIdsIn(saved: unknown): string[] {
	const found = typeof saved === 'string' ? saved.matchAll(/"taskId":"([^"\\]{1,200})"/g) : [];
	return [...new Set([...found].map(([, id]) => id ?? ''))];
}

/**
 * The state after a wake, before the node runs. Intended submits may be sent from now on. A later run that still finds
 * them so is not the first and does not send them.
 */
export function onWake(state: WaitState, now: number): WaitState {
	const tasks = state.tasks.map((task, position) => {
		const { stage, settings } = task;
		if (stage.at === 'sending') {
			const until = now + (settings?.lostAnswerMs ?? LOST_ANSWER_MS);
			return { ...task, stage: { at: 'unknown', since: 0, until } as const };
		}
		if (stage.at !== 'toBuy' || !state.intent.includes(position)) return task;
		return { ...task, stage: { ...stage, at: 'sending' } as const };
	});
	return { ...state, tasks, intent: [], missedWakes: 0 };
}

/** How many tasks are bought between two saves, and so how many may be unclear after a crash. */
export const BATCH = 10;

/** The next step of a run. */
export type Step =
	| { do: 'submit'; batch: number[] }
	/** `until` in Unix ms. */
	| { do: 'pause'; until: number }
	/** For open tasks, or for callbacks that identify unknown ones. */
	| { do: 'wait' }
	| { do: 'end' };

/**
 * The next step for these tasks.
 *
 * @param isOpen whether a bought task has still to end
 * @param holds nothing more is bought while the result of a submit is unknown
 */
export function nextStep(
	{ tasks, pausedUntil }: WaitState,
	now: number,
	isOpen: (taskId: string) => boolean,
	holds: boolean,
): Step {
	const unknown = tasks.some(({ stage }) => stage.at === 'unknown' && stage.until > now);
	const sending = positionsAt(tasks, 'sending');
	const batch = sending.length > 0 ? sending : positionsAt(tasks, 'toBuy').slice(0, BATCH);
	if (batch.length > 0 && !(holds && unknown)) {
		return pausedUntil > now ? { do: 'pause', until: pausedUntil } : { do: 'submit', batch };
	}
	const open = tasks.some(({ stage }) => stage.at === 'bought' && isOpen(stage.taskId));
	return open || unknown ? { do: 'wait' } : { do: 'end' };
}

/** Moves intended tasks that were certainly not sent back to `toBuy`. */
export function withdrawIntent({ tasks }: WaitState): void {
	for (const task of tasks) {
		if (task.stage.at === 'sending') task.stage = { ...task.stage, at: 'toBuy' };
	}
}

/**
 * Ends a task without a result.
 *
 * @param more what else is known: the problem is another item's, a submit may have been accepted, or a task exists
 */
export function endWith(
	task: TaskState,
	error: NodeProblem,
	more: Omit<Extract<Stage, { at: 'ended' }>, 'at' | 'problem'> = {},
): void {
	const { message, description } = error;
	task.error = error;
	task.stage = {
		at: 'ended',
		problem: { message, description: description ?? undefined },
		...more,
	};
}

/** The positions of the tasks that are at this stage. */
export const positionsAt = (tasks: readonly TaskState[], at: Stage['at']): number[] =>
	tasks.flatMap(({ stage }, position) => (stage.at === at ? [position] : []));

/** The ids of the tasks that were bought or waited for. */
export const idsOf = ({ tasks }: WaitState): string[] =>
	tasks.flatMap(({ stage }) => (stage.at === 'bought' ? [stage.taskId] : []));

const isState = (value: unknown): value is WaitState =>
	isRecord(value) &&
	value.version === VERSION &&
	typeof value.executionId === 'string' &&
	typeof value.operation === 'string' &&
	typeof value.nonce === 'string' &&
	Array.isArray(value.intent) &&
	Array.isArray(value.tasks) &&
	value.tasks.every(
		(task) => isRecord(task) && typeof task.itemIndex === 'number' && isStage(task.stage),
	);

function isStage(stage: unknown): stage is Stage {
	if (!isRecord(stage)) return false;
	switch (stage.at) {
		case 'toBuy':
		case 'sending':
			return isRecord(stage.request);
		case 'bought':
			return typeof stage.taskId === 'string' && typeof stage.deadline === 'number';
		case 'ended':
			return isRecord(stage.problem);
		default:
			return stage.at === 'unknown';
	}
}
