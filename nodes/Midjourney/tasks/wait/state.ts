import type { Failure } from '../../providers/http';
import { isRecord, unwrapJson } from '../../providers/json';
import type { TaskRequest } from '../../providers/provider';
import { LOST_ANSWER_MS } from '../lost';
import type { NodeProblem } from '../nodeErrors';
import type { RequestSummary, Settings } from '../settings';

/**
 * What is known of everything that one execution of the node waits for, as one value. In the foreground it lives in
 * memory; a parked execution has it saved, and each step of the node goes on from it (docs/waiting.md).
 */

/** Raised when an older package could not go on from what this one saves. */
const VERSION = 1;

/** How far one purchase is. */
export type Stage =
	/** Nothing has been sent, or what was sent was certainly refused for a passing reason. */
	| { at: 'toBuy'; request: TaskRequest; attempts: number }
	/** The intent to send it was saved: whoever finds this and was not woken to send it does not know. */
	| { at: 'sending'; request: TaskRequest; attempts: number }
	/** It may have been taken: sent at `since`, 0 where that is not known; a call may tell `until` then (Unix ms). */
	| { at: 'unknown'; since: number; until: number; failure?: Failure }
	/**
	 * There is a task. `since` and `deadline` in Unix ms; `fresh`: this node has submitted it; `called`: the provider is to
	 * call this very wait when it ends.
	 */
	| {
			at: 'bought';
			taskId: string;
			since: number;
			deadline: number;
			fresh: boolean;
			called?: boolean;
	  }
	/** There will be no result, whatever becomes of the others. */
	| {
			at: 'ended';
			problem: SavedProblem;
			taskId?: string;
			/** The problem is another item's. */
			skipped?: boolean;
			/** Something was sent, and nobody knows whether it was taken. */
			mayBePaid?: boolean;
	  };

/** What is left of an error when it has been saved. */
export interface SavedProblem {
	message: string;
	description?: string;
}

/** One thing that is waited for. */
export interface TaskState {
	itemIndex: number;
	/** Under which the purchase is remembered; absent for a task that was submitted elsewhere. */
	key?: string;
	/** Undefined where the parameters of the item were refused. */
	settings?: Settings;
	/** A tool call that asks for what an earlier one of the execution has bought. */
	repeats?: boolean;
	/** What was asked for, as far as items show it. */
	asked?: RequestSummary;
	stage: Stage;
	/** Of steps before, in other processes perhaps. */
	reads: number;
	/** A step before has seen its end, in another process perhaps: no call is to be waited for. */
	hasEnded?: boolean;
	/** The error itself, where it has not been saved. */
	error?: NodeProblem;
}

/** All that one run of the node waits for. */
export interface WaitState {
	version: typeof VERSION;
	/** A retry of the execution is another one, which begins anew. */
	executionId: string;
	/** Such as `image:generate`. */
	operation: string;
	/** Names this wait in callback addresses; random. */
	nonce: string;
	/** Whoever knows it may wake this park; random, another one for each. */
	wake?: string;
	/** Unix ms: when n8n runs the node again if nobody wakes it. */
	until?: number;
	/** Which tasks are bought next, when somebody wakes it for that. */
	intent: number[];
	/** Unix ms: the provider wants to be left alone until then. */
	pausedUntil: number;
	/** Why it does. */
	pausedBy?: Failure;
	/** Unix ms of the last submit that was taken, or of the beginning. */
	progressAt: number;
	/** How many submits in a row have left open whether they were taken. */
	unclearInARow: number;
	/** How often in a row nobody woke it although the process was to. */
	missedWakes: number;
	/** A call of the provider has woken it. */
	wasCalled?: boolean;
	/** It runs again, not to buy more: what is open is read, as lost calls and dead processes leave it. */
	isLook?: boolean;
	/** The editor shows what is waited for. */
	isShown: boolean;
	tasks: TaskState[];
}

/** A wait that begins. */
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

/** As it is saved with the execution: of an error its words alone, which stand in the stage. */
export const serialize = (state: WaitState): string =>
	JSON.stringify({ ...state, tasks: state.tasks.map((task) => ({ ...task, error: undefined })) });

/** What `serialize` has made; undefined for anything else. */
export function parseState(saved: unknown): WaitState | undefined {
	const state = unwrapJson(saved);
	return isState(state) ? state : undefined;
}

/** The task ids in whatever another version of this package has saved. */
export function taskIdsIn(saved: unknown): string[] {
	const found = typeof saved === 'string' ? saved.matchAll(/"taskId":"([^"\\]{1,200})"/g) : [];
	return [...new Set([...found].map(([, id]) => id ?? ''))];
}

/**
 * What a wake does to the state before the node runs: what was intended may be sent from now on, and whoever finds it
 * so once more (an execution that n8n revives after a crash) is not the first.
 *
 * @param now Unix ms
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

/** How many tasks are bought between two saves: so many may be unknown after a crash. */
export const BATCH = 10;

/** What is to be done next. */
export type Step =
	| { do: 'submit'; batch: number[] }
	/** Until Unix ms. */
	| { do: 'pause'; until: number }
	/** For tasks, or for calls that tell of unknown ones. */
	| { do: 'wait' }
	| { do: 'end' };

/**
 * @param isOpen whether a bought task has still to end
 * @param holds nothing more is bought while it is unknown what became of a submit
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

/** What was intended and has certainly not been sent is to be bought as before. */
export function withdrawIntent({ tasks }: WaitState): void {
	for (const task of tasks) {
		if (task.stage.at === 'sending') task.stage = { ...task.stage, at: 'toBuy' };
	}
}

export const positionsAt = (tasks: readonly TaskState[], at: Stage['at']): number[] =>
	tasks.flatMap(({ stage }, position) => (stage.at === at ? [position] : []));

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
