import { randomBytes } from 'crypto';
import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';

import { impossible } from '../../providers/exhaustive';
import type { Provider } from '../../providers/provider';
import { untilCancelled } from '../cancelled';
import { processClock } from '../clock';
import { hintAtBought, tellBrowser } from '../editor';
import { savedBefore } from '../internals';
import { toItems } from '../results';
import { callbackAddresses, refuseDeafCallback } from './callAddress';
import { howToWait, type How } from './how';
import {
	boughtBefore,
	plannedTasks,
	recallOtherExecution,
	reconcile,
	refusedTask,
	waitedTask,
	type Plan,
} from './plan';
import { outcomesOf } from './outcomes';
import { EARLY_MS, park, type Park } from './park';
import { openRun, type RunContext } from './runContext';
import { forgetWait, keepWait, knownWait } from './registry';
import {
	newState,
	nextStep,
	parseState,
	positionsAt,
	taskIdsIn,
	withdrawIntent,
	type TaskState,
	type WaitState,
} from './state';
import {
	endOverdue,
	endWith,
	scheduleOf,
	skipRest,
	submitBatch,
	type SubmitDeps,
} from './submitBatch';
import type { Sighting } from './watched';
import { Watcher } from './watcher';

/** How often in a row a wake may be missed until nothing is left to it any longer. */
const MISSED_WAKES = 2;

/**
 * Begins what is planned: buys and waits, in the foreground or parked.
 *
 * @returns the items; those of a parked execution are what the editor shows meanwhile
 * @throws NodeApiError or NodeOperationError that names all task ids, unless On Error = continue
 */
export async function begin(
	context: IExecuteFunctions,
	provider: Provider,
	plan: Plan,
): Promise<INodeExecutionData[]> {
	const run = await openRun(context, provider, plan.written);
	const { memory, clock } = run;
	const executionId = context.getExecutionId();
	recallOtherExecution(context, memory);
	const nonce = memory.nonceFor(() => randomBytes(16).toString('hex'));
	const settings = plan.submits[0]?.settings ?? plan.waits[0]?.settings;
	const how = settings
		? await howToWait(context, settings.waitMode, settings.internalUrl)
		: { parks: false, polls: true };
	refuseDeafCallback(run, plan.submits, how);
	const tasks = [
		...plan.refused.map(({ itemIndex, problem }) => refusedTask(itemIndex, problem)),
		...plan.waits.map((wait) => waitedTask(wait, clock.now())),
		...(await untilCancelled(
			run.host,
			provider,
			() => ({ open: boughtBefore(plan.submits, memory) }),
			async () => await plannedTasks(plan.submits, run, how),
		)),
	].sort((a, b) => a.itemIndex - b.itemIndex);
	const state = newState({
		...{ executionId, operation: plan.operation, nonce, tasks },
		progressAt: clock.now(),
	});
	const { continues } = run.host;
	if (!continues && tasks.some(({ stage }) => stage.at === 'ended')) {
		skipRest(state, { problemOf: problemOfSubmit(run) });
	}
	return await goOn(run, state, how);
}

/**
 * What a parked run of the node is to go on with; undefined when this is a first one.
 *
 * @throws NodeOperationError with the task ids when another version of this package has parked it
 */
export function parkedState(context: IExecuteFunctions): WaitState | undefined {
	const saved = savedBefore(context);
	const state = parseState(saved);
	if (state) return state.executionId === context.getExecutionId() ? state : undefined;
	if (saved === undefined) return undefined;
	throw new NodeOperationError(
		context.getNode(),
		'This execution was parked by another version of the Midjourney node, which this one cannot go on from',
		{
			description: `Everything that was submitted is paid: do not submit it again. Task → Wait brings the results of ${taskIdsIn(saved).join(', ')}.`,
		},
	);
}

/**
 * Goes on with what was parked: a wake, a call or n8n's timer has made the node run again.
 *
 * @param written as in `Plan`
 * @throws as `begin`
 */
export async function resumeParked(
	context: IExecuteFunctions,
	provider: Provider,
	state: WaitState,
	written: IDataObject,
): Promise<INodeExecutionData[]> {
	const run = await openRun(context, provider, written).catch((error: Error) => {
		throw new NodeOperationError(context.getNode(), error.message, {
			description: `Paid, and still there: ${idsOf(state).join(', ')}. Task → Wait brings the results.`,
		});
	});
	const { clock } = run;
	for (const task of state.tasks) reconcile(task, run);
	const settings = state.tasks.find((task) => task.settings)?.settings;
	const isMissed = state.until !== undefined && clock.now() >= state.until - EARLY_MS;
	// Asking n8n once more takes as long as n8n has much to do: whoever was just woken knows.
	const known = isMissed ? undefined : knownWait(state.nonce)?.how;
	const how =
		known ?? (await howToWait(context, settings?.waitMode ?? 'auto', settings?.internalUrl));
	if (state.missedWakes >= MISSED_WAKES) delete how.own;
	if (isMissed) state.missedWakes++;
	state.isLook = positionsAt(state.tasks, 'sending').length === 0;
	return await goOn(run, state, how);
}

/**
 * The life of all tasks of a run, step by step. In the foreground a pause sleeps; parked, it saves the state and gives
 * the execution back, and the node goes on from there when it runs again.
 */
async function goOn(run: RunContext, state: WaitState, how: How): Promise<INodeExecutionData[]> {
	const { host, provider } = run;
	const watcher = watcherFor(run, state, how);
	const underWay = { count: 0 };
	const left = () => ({ open: openIds(state, watcher), underWay: underWay.count });
	let shown: INodeExecutionData[] | undefined;
	try {
		shown = await untilCancelled(host, provider, left, async () => {
			const parks = await untilParkOrEnd(run, state, how, watcher, underWay);
			return parks && (await park(run, state, how, watcher, parks));
		});
	} finally {
		if (!shown) forgetWait(state.nonce);
	}
	if (shown) return shown;
	hintAtBought(run.context, boughtHere(state));
	return await toItems(run, outcomesOf(state, watcher, run), state.operation);
}

/** How many tasks this execution has bought, and not found again. */
const boughtHere = ({ tasks }: WaitState): number =>
	tasks.filter(({ stage }) => stage.at === 'bought' && stage.fresh).length;

/** Does what is due until the execution is to be parked; undefined: everything has ended. */
async function untilParkOrEnd(
	run: RunContext,
	state: WaitState,
	how: How,
	watcher: Watcher,
	underWay: SubmitDeps['underWay'],
): Promise<Park | undefined> {
	const { clock, host } = run;
	const stopsAtRefusal = !host.continues;
	const isOpen = (taskId: string) => {
		const sighting = watcher.sightingOf(taskId);
		return sighting !== undefined && !sighting.end && !watcher.isStopped;
	};
	for (;;) {
		endUnknown(state, run, how);
		endOverdue(state, clock.now(), { problemOf: problemOfSubmit(run) });
		// Where the node is going to fail, nobody would see what waiting for the others brings.
		if (stopsAtRefusal && state.tasks.some(({ stage }) => stage.at === 'ended')) return undefined;
		const step = nextStep(state, clock.now(), isOpen, stopsAtRefusal);
		// What was to be sent and is not sent now was not sent at all: whoever finds it next must know.
		if (step.do !== 'submit') withdrawIntent(state);
		switch (step.do) {
			case 'end':
				return undefined;
			case 'submit': {
				const isIntended = step.batch.every((at) => state.tasks[at]?.stage.at === 'sending');
				if (how.own && !isIntended) return { wakeAt: clock.now(), buys: true };
				await submitBatch(state, step.batch, submitDeps(run, state, how, watcher, underWay));
				break;
			}
			case 'pause':
				if (how.own) return { wakeAt: step.until, buys: true };
				await clock.sleep(step.until - clock.now());
				break;
			case 'wait':
				if (!how.parks) await clock.orCancelled(async () => await watcher.untilAllEnded());
				else {
					const { wasCalled, isLook } = state;
					state.wasCalled = undefined;
					state.isLook = undefined;
					await clock.orCancelled(async () => await watcher.readDue({ wasCalled, isLook }));
					const unknownUntil = firstUnknownEnd(state);
					if (!watcher.allEnded || unknownUntil !== undefined) return { wakeAt: unknownUntil };
				}
				break;
			default:
				impossible(step);
		}
	}
}

const firstUnknownEnd = ({ tasks }: WaitState): number | undefined => {
	const ends = tasks.flatMap(({ stage }) => (stage.at === 'unknown' ? [stage.until] : []));
	return ends.length > 0 ? Math.min(...ends) : undefined;
};

/** Whatever nobody has told of by now stays unknown. */
function endUnknown(state: WaitState, run: RunContext, { parks }: How): void {
	for (const task of state.tasks) {
		const { stage } = task;
		if (stage.at !== 'unknown' || (parks && stage.until > run.clock.now())) continue;
		endWith(task, problemOfSubmit(run)(task, stage.failure, true), { mayBePaid: true });
	}
}

/** A watcher of all tasks that knows what an earlier one of this process has seen of them. */
function watcherFor(
	{ context, provider, http, account, clock }: RunContext,
	state: WaitState,
	{ parks, polls }: How,
): Watcher {
	const before = knownWait(state.nonce)?.watcher;
	const read = async (taskId: string) => await provider.read(http, taskId);
	let ended = 0;
	const onEnd = (taskId: string, { end, task }: Sighting) =>
		tellBrowser(
			context,
			`${++ended} of ${state.tasks.length}: task ${taskId} is ${task?.status ?? end}`,
		);
	// One that stays behind when the execution is parked must not keep its context.
	const hears = parks ? {} : { onEnd };
	const watcher = new Watcher({ read, account, clock: processClock, polls, ...hears }, before);
	if (state.wasCalled) account.calledElsewhereAt = clock.now();
	for (const task of state.tasks) watch(watcher, task);
	keepWait(state.nonce, { watcher, http }, clock.now());
	return watcher;
}

function watch(watcher: Watcher, task: TaskState): void {
	const { stage, settings } = task;
	if (stage.at !== 'bought' || settings?.waitMode === 'dontWait') return;
	watcher.add({ ...stage, schedule: scheduleOf(task, stage.fresh) });
}

const problemOfSubmit =
	({ writer }: Pick<RunContext, 'writer'>): SubmitDeps['problemOf'] =>
	({ itemIndex }, failure, ambiguous) =>
		writer.ofSubmit(failure, ambiguous, itemIndex);

function submitDeps(
	run: RunContext,
	state: WaitState,
	how: How,
	watcher: Watcher,
	underWay: SubmitDeps['underWay'],
): SubmitDeps {
	const { context, provider, http, clock, memory, account, host } = run;
	const addresses = callbackAddresses(run, state, how);
	return {
		provider,
		http,
		clock,
		memory,
		limiter: account.submits,
		forms: account.forms,
		stopsAtRefusal: !host.continues,
		callbackUrl: addresses.of,
		callsReachWait: addresses.reachWait,
		underWay,
		problemOf: problemOfSubmit(run),
		onBought: (task, taskId) => {
			watch(watcher, task);
			tellBrowser(context, `Task ${taskId} submitted`);
			// The one place outside of the execution's data where the id of a paid task survives anything.
			context.logger.info(`Midjourney task submitted: ${taskId}`, {
				provider: provider.name,
				taskId,
				itemIndex: task.itemIndex,
				executionId: state.executionId,
			});
		},
	};
}

const idsOf = ({ tasks }: WaitState): string[] =>
	tasks.flatMap(({ stage }) => (stage.at === 'bought' ? [stage.taskId] : []));

/** Of everything that was not seen to end. */
const openIds = (state: WaitState, watcher: Watcher): string[] =>
	idsOf(state).filter((taskId) => watcher.sightingOf(taskId)?.end !== 'terminal');
