import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { Pictures } from '../files/pictures';
import { savedBefore } from '../n8n/internals';
import type { NodeProblem } from '../n8n/nodeErrors';
import { summaryOf } from '../output/outcome';
import type { SubmitRequest, Settings } from '../settings';
import type { Memory, Remembered } from '../submit/memory';
import { lookUps, prepare } from '../submit/prepare';
import type { How } from './how';
import { LOST_ANSWER_MS } from './lost';
import type { RunContext } from './runContext';
import { endWith, parseState, type TaskState } from './state';

/** Turns what an operation asks for into task states: bought before, ready to be bought, or why it cannot be bought. */

/** What an operation asks for, for all items of a run. */
export interface Plan {
	/** Such as `image:generate`. */
	operation: string;
	/** Tasks to buy and to wait for. */
	submits: readonly SubmitRequest[];
	/** Tasks that were submitted elsewhere and only have to be waited for. */
	waits: ReadonlyArray<{ itemIndex: number; settings: Settings; taskId: string }>;
	/** Items whose parameters were refused. */
	refused: ReadonlyArray<{ itemIndex: number; problem: NodeProblem }>;
	/** The node parameters that identify a purchase, with expressions as written, not evaluated. */
	written: IDataObject;
}

/** The state of an item whose parameters were refused: it has ended. */
export const refusedTask = (itemIndex: number, error: NodeProblem): TaskState => {
	const task: TaskState = {
		itemIndex,
		stage: { at: 'unknown', since: 0, until: 0 },
		reads: 0,
	};
	endWith(task, error);
	return task;
};

/** The state of a task that was submitted elsewhere. */
export const waitedTask = (
	{ itemIndex, settings, taskId }: Plan['waits'][number],
	now: number,
): TaskState => ({
	itemIndex,
	settings,
	stage: { at: 'bought', taskId, since: now, deadline: now + settings.timeLimitMs, fresh: false },
	reads: 0,
});

/** The ids of the tasks that earlier tries and executions have bought for these submits. */
export const boughtBefore = (submits: readonly SubmitRequest[], memory: Memory): string[] =>
	submits.flatMap((submit) => {
		const known = memory.recall(memory.keyOf(submit));
		return known?.state === 'bought' ? [known.taskId] : [];
	});

/**
 * The state of the task of each submit: bought before, ready to be bought, or why it cannot be bought. Submits nothing.
 *
 * @throws when the execution is cancelled
 */
export async function plannedTasks(
	submits: readonly SubmitRequest[],
	run: RunContext,
	how: How,
	pictures: Pictures,
): Promise<TaskState[]> {
	const { provider, http } = run;
	const toolsFor = lookUps(run, pictures, async (taskId) => await provider.read(http, taskId));
	return await Promise.all(
		submits.map(async (submit): Promise<TaskState> => {
			const { itemIndex, settings, request } = submit;
			const key = run.memory.keyOf(submit);
			const task: TaskState = {
				itemIndex,
				key,
				settings,
				asked: summaryOf(provider, request),
				stage: { at: 'toBuy', request, attempts: 0 },
				reads: 0,
			};
			const known = run.memory.recall(key);
			if (known && (await isTakenUp(task, known, run, how))) return task;
			run.memory.forget(key);
			const prepared = await prepare(provider, request, toolsFor(itemIndex));
			const ready = prepared.ok
				? await pictures.check(itemIndex, prepared.value, settings)
				: prepared;
			if (!ready.ok) {
				endWith(task, run.writer.ofSubmit(ready.failure, false, itemIndex));
				return task;
			}
			task.stage = { at: 'toBuy', request: ready.value, attempts: 0 };
			task.asked = summaryOf(provider, ready.value);
			return task;
		}),
	);
}

/** The images of the items that a run works with. */
export function picturesOf({ context, provider, http, clock }: RunContext): Pictures {
	const { helpers } = context;
	const items = context.getInputData();
	return new Pictures({ helpers, provider, http, clock, itemAt: (itemIndex) => items[itemIndex] });
}

/**
 * Puts the images of the items where the provider can fetch them, for every task that is to be bought. They may be uploaded, so
 * this comes after everything that may still refuse the run.
 *
 * @throws when the execution is cancelled
 */
export async function deliverPictures(
	tasks: readonly TaskState[],
	{ writer }: Pick<RunContext, 'writer'>,
	pictures: Pictures,
): Promise<void> {
	await Promise.all(
		tasks.map(async (task) => {
			const { itemIndex, settings, stage } = task;
			if (stage.at !== 'toBuy' || !settings) return;
			const delivered = await pictures.deliver(itemIndex, stage.request, settings);
			if (!delivered.ok) {
				endWith(task, writer.ofSubmit(delivered.failure, false, itemIndex));
				return;
			}
			const { request, imagesVia } = delivered.value;
			task.stage = { ...stage, request };
			// Items do not show the URL that a picture has got: whoever has it may fetch the picture.
			if (imagesVia) task.asked = { ...task.asked, imagesVia };
		}),
	);
}

/** Takes up an earlier purchase. False when there is nothing worth taking up, so that the task may be bought. */
async function isTakenUp(
	task: TaskState,
	known: Remembered,
	{ provider, http, clock, memory, account, writer, host }: RunContext,
	how: How,
): Promise<boolean> {
	const { itemIndex, settings, asked } = task;
	const now = clock.now();
	switch (known.state) {
		case 'refused':
			endWith(task, writer.ofSubmit(known.failure, false, itemIndex));
			return true;
		case 'unknown': {
			const isOfThisExecution = memory.isOfThisExecution(known);
			if (settings?.buyAgain?.includes(itemIndex) && !isOfThisExecution) return false;
			const { at: since, failure } = known;
			const until = since + (settings?.lostAnswerMs ?? LOST_ANSWER_MS);
			// Only callbacks for submits of this execution arrive here.
			const mayBeTold = how.parks && isOfThisExecution;
			task.stage = { at: 'unknown', since, until: mayBeTold ? until : 0, failure };
			return true;
		}
		case 'bought': {
			const { taskId, at: since, otherAccount } = known;
			const seen = await clock.orCancelled(
				async () => await account.reads.run(async () => await provider.read(http, taskId)),
			);
			if (!seen.ok && seen.failure.reason === 'notFound' && otherAccount !== undefined) {
				endWith(task, writer.ofOtherAccount(taskId, otherAccount, itemIndex), { taskId });
				return true;
			}
			const repeats = host.isTool && memory.isOfThisExecution(known);
			// Only a failed task may be bought again. A task that cannot be read now is waited for. A model that has seen a
			// task fail would try the same prompt again and again.
			if (seen.ok && seen.value.status === 'failed' && !repeats) return false;
			if (repeats) task.repeats = true;
			const deadline = now + (settings?.timeLimitMs ?? 0);
			task.stage = { at: 'bought', taskId, since, deadline, fresh: true };
			task.asked = known.asked ?? asked;
			return true;
		}
	}
}

/**
 * Reconciles the saved state of a task with the memory: an earlier run of this step, or a callback, may have updated
 * only one of the two.
 */
export function reconcile(task: TaskState, { memory, writer }: RunContext): void {
	const { stage, key, settings, itemIndex } = task;
	if (key === undefined) return;
	const known = memory.recall(key);
	if (stage.at === 'bought' && known?.state !== 'bought') {
		memory.found(key, stage.taskId, task.asked, stage.since);
	}
	if (stage.at === 'unknown' && !known) memory.ambiguous(key, stage.failure);
	if (!('request' in stage) || !known) return;
	switch (known.state) {
		case 'bought': {
			const { taskId, at: since } = known;
			const deadline = since + (settings?.timeLimitMs ?? 0);
			task.stage = { at: 'bought', taskId, since, deadline, fresh: true };
			break;
		}
		case 'unknown': {
			const until = known.at + (settings?.lostAnswerMs ?? LOST_ANSWER_MS);
			task.stage = { at: 'unknown', since: known.at, until, failure: known.failure };
			break;
		}
		case 'refused':
			endWith(task, writer.ofSubmit(known.failure, false, itemIndex));
	}
}

/** Adds to the memory what another execution, of which this is a retry, had saved when it was last parked. */
export function recallOtherExecution(context: IExecuteFunctions, memory: Memory): void {
	const state = parseState(savedBefore(context));
	for (const { key, stage, asked } of state?.tasks ?? []) {
		if (key === undefined) continue;
		const known = memory.recall(key);
		if (stage.at === 'bought' && known?.state !== 'bought') {
			memory.found(key, stage.taskId, asked, stage.since);
		}
		if (known) continue;
		if (stage.at === 'sending' || stage.at === 'unknown') {
			memory.ambiguous(key, undefined, state?.executionId);
		}
	}
}
