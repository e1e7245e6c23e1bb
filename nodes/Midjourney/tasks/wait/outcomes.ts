import type { INodeExecutionData } from 'n8n-workflow';

import type { NodeProblem, ProblemWriter } from '../n8n/nodeErrors';
import { routed } from '../output/failedItems';
import { emptyOutcome, type Outcome } from '../output/outcome';
import { itemsOf } from '../output/results';
import type { RunContext } from './runContext';
import type { TaskState, WaitState } from './state';
import type { Sighting } from './watched';
import type { Watcher } from './watcher';

/** How often a task was read, in this step and in earlier ones. */
export const readsOf = ({ stage, reads }: TaskState, watcher: Watcher): number =>
	reads + (stage.at === 'bought' ? (watcher.sightingOf(stage.taskId)?.reads ?? 0) : 0);

/** How the wait for a task has ended; undefined if it has not. */
export const endOf = ({ stage }: TaskState, watcher: Watcher): Sighting['end'] =>
	stage.at === 'bought' ? watcher.sightingOf(stage.taskId)?.end : undefined;

/** What became of each task, in the form from which items are made. */
export function outcomesOf(
	state: WaitState,
	watcher: Watcher,
	run: Pick<RunContext, 'writer' | 'clock'>,
): Outcome[] {
	return state.tasks.map((task) => outcomeOf(task, watcher, run));
}

function outcomeOf(
	task: TaskState,
	watcher: Watcher,
	{ writer, clock }: Pick<RunContext, 'writer' | 'clock'>,
): Outcome {
	const { itemIndex, settings, asked, stage, error } = task;
	const outcome = { ...emptyOutcome(itemIndex, settings), asked };
	switch (stage.at) {
		case 'ended': {
			const { problem, ...more } = stage;
			return {
				...outcome,
				taskId: more.taskId,
				skipped: more.skipped,
				mayBePaid: more.mayBePaid,
				problem: error ?? writer.again(problem, itemIndex),
			};
		}
		case 'unknown':
			return {
				...outcome,
				mayBePaid: true,
				mayBeTold: stage.until > clock.now(),
				problem: writer.ofSubmit(stage.failure, true, itemIndex),
			};
		case 'toBuy':
		case 'sending':
			return { ...outcome, skipped: true, problem: writer.ofSubmit(undefined, false, itemIndex) };
		case 'bought': {
			const { taskId, since } = stage;
			const sighting: Sighting = watcher.sightingOf(taskId) ?? { reads: 0, called: false };
			const seen: Outcome = {
				...outcome,
				taskId,
				task: sighting.task,
				repeats: task.repeats,
				polls: readsOf(task, watcher),
				waitedMs: (sighting.endedAt ?? clock.now()) - since,
				via: sighting.called ? 'callback' : sighting.reads > 0 ? 'poll' : 'submit',
			};
			return { ...seen, problem: problemOf(seen, sighting, writer) };
		}
	}
}

function problemOf(
	{ itemIndex, settings, taskId = '', task }: Outcome,
	{ end, failure }: Sighting,
	writer: ProblemWriter,
): NodeProblem | undefined {
	if (task?.status === 'failed') return writer.ofFailedTask(task, itemIndex);
	if (end === 'lost' && failure) return writer.ofLostTask(failure, taskId, itemIndex);
	return end === 'timeLimit' && settings?.onTimeLimit === 'error'
		? writer.ofTimeLimit(taskId, settings.timeLimitMs, failure, itemIndex)
		: undefined;
}

/** The fields of an open task that the editor shows. */
const OF_OPEN_TASK = ['taskId', 'status', 'prompt', 'reference'];

/**
 * The items that the editor shows while the execution is parked: one per task, with nothing downloaded. Open tasks have
 * few fields, because n8n parses everything that is saved of an execution at each call.
 */
export function shownWhileWaiting(
	state: WaitState,
	watcher: Watcher,
	run: RunContext,
): INodeExecutionData[] {
	const { host, provider } = run;
	return outcomesOf(state, watcher, run).flatMap((outcome) => {
		const settings = outcome.settings && { ...outcome.settings, outputItems: 'task' as const };
		const problem = outcome.mayBeTold ? undefined : outcome.problem;
		const shown = { ...outcome, problem, settings, files: [] };
		return itemsOf(shown, provider.name, state.operation).map(({ item, problem: own }) =>
			routed(own ? { item, problem: own } : { item: withLittleOfOpen(item) }, host),
		);
	});
}

function withLittleOfOpen(item: INodeExecutionData): INodeExecutionData {
	if (item.json.status !== 'pending') return item;
	const fields = Object.entries(item.json).filter(([name]) => OF_OPEN_TASK.includes(name));
	return { ...item, json: Object.fromEntries(fields) };
}
