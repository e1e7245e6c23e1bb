import { randomBytes } from 'crypto';
import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';

import { impossible } from '../../providers/exhaustive';
import type { Http, OpenCredential } from '../../providers/http';
import { lastingHelpers } from '../../providers/lastingHelpers';
import type { Provider } from '../../providers/provider';
import { untilCancelled } from '../n8n/cancelled';
import { processClock } from '../n8n/clock';
import { hintAtBought, tellBrowser } from '../n8n/editor';
import { savedBefore } from '../n8n/internals';
import { openAnew } from '../n8n/openCredentials';
import { toItems } from '../output/results';
import { retryTransient } from '../retry';
import { overLimit, tooLittleLeft } from '../submit/purse';
import { callbackAddresses, refuseDeafCallback } from './callAddress';
import { howToWait, type How } from './how';
import { outcomesOf } from './outcomes';
import { EARLY_MS, park, type Park } from './park';
import {
	boughtBefore,
	deliverPictures,
	picturesOf,
	plannedTasks,
	recallOtherExecution,
	reconcile,
	refusedTask,
	waitedTask,
	type Plan,
} from './plan';
import { forgetWait, keepWait, knownWait } from './registry';
import { runWith, type RunContext } from './runContext';
import {
	endWith,
	idsOf,
	newState,
	nextStep,
	parseState,
	positionsAt,
	taskIdsIn,
	withdrawIntent,
	type TaskState,
	type WaitState,
} from './state';
import { endOverdue, skipRest, submitBatch, type SubmitDeps } from './submitBatch';
import { inTurn } from './turns';
import { scheduleOf, type Sighting } from './watched';
import { Watcher } from './watcher';

/** After this many missed wakes in a row, the process no longer wakes the execution; callbacks and n8n's timer do. */
const MISSED_WAKES = 2;

/**
 * Starts a planned run: buys and waits, in the foreground or parked.
 *
 * @returns the items; for a parked execution, the items that the editor shows in the meantime
 * @throws NodeApiError or NodeOperationError that names all task ids, unless On Error = continue
 */
export async function begin(
	context: IExecuteFunctions,
	provider: Provider,
	credential: OpenCredential,
	plan: Plan,
): Promise<INodeExecutionData[]> {
	const run = runWith(context, provider, credential, plan.written);
	const { host, memory, clock } = run;
	if (!host.isTool) return await beginRun(run, plan);
	const keys = plan.submits.map(
		(submit) => `${context.getExecutionId()}:${host.node.name}:${memory.keyOf(submit)}`,
	);
	return await inTurn(keys, clock, async () => await beginRun(run, plan));
}

/** As `begin`. */
async function beginRun(run: RunContext, plan: Plan): Promise<INodeExecutionData[]> {
	const { context, provider, memory, clock } = run;
	const executionId = context.getExecutionId();
	recallOtherExecution(context, memory);
	const nonce = memory.nonceFor(() => randomBytes(16).toString('hex'));
	const settings = plan.submits[0]?.settings ?? plan.waits[0]?.settings;
	const how = settings
		? await howToWait(context, settings.waitMode, settings.internalUrl)
		: { parks: false, polls: true };
	refuseDeafCallback(run, plan.submits, how);
	const pictures = picturesOf(run);
	const tasks = [
		...plan.refused.map(({ itemIndex, problem }) => refusedTask(itemIndex, problem)),
		...plan.waits.map((wait) => waitedTask(wait, clock.now())),
		...(await untilCancelled(
			run.host,
			provider,
			() => ({ open: boughtBefore(plan.submits, memory) }),
			async () => await plannedTasks(plan.submits, run, how, pictures),
		)),
	].sort((a, b) => a.itemIndex - b.itemIndex);
	const state = newState({
		...{ executionId, operation: plan.operation, nonce, tasks },
		progressAt: clock.now(),
	});
	const { continues } = run.host;
	if (!continues && tasks.some(({ stage }) => stage.at === 'ended')) {
		skipRest(state, run.writer);
	}
	await untilCancelled(
		run.host,
		provider,
		() => ({ open: idsOf(state) }),
		async () => {
			await keepToPurse(run, state);
			await deliverPictures(state.tasks, run, pictures);
		},
	);
	return await goOn(run, state, how);
}

/**
 * Ends every task that is still to be bought if the run as a whole would spend too much. Checked once, before the first intent
 * is saved: a run that has begun to buy is not stopped halfway.
 */
async function keepToPurse(run: RunContext, { tasks }: WaitState): Promise<void> {
	const { provider, http, clock, account, host } = run;
	const due = tasks.filter(({ stage }) => stage.at === 'toBuy');
	if (due.length === 0) return;
	const settings = due.flatMap((task) => task.settings ?? []);
	const refusal =
		overLimit(due.length, settings) ??
		(await tooLittleLeft(
			provider,
			http,
			async (question) =>
				await retryTransient(clock, async () => await account.reads.run(question)),
		));
	if (!refusal) return;
	const { message, description } = refusal;
	// One for all of them: it is about the run.
	const problem = new NodeOperationError(host.node, message, { description });
	for (const task of due) endWith(task, problem);
}

/**
 * The saved state from which this run resumes; undefined for a first run.
 *
 * @throws NodeOperationError with the task ids when another version of this package has parked the execution
 */
export function parkedState(context: IExecuteFunctions): WaitState | undefined {
	const saved = savedBefore(context);
	const state = parseState(saved);
	if (state) return state.executionId === context.getExecutionId() ? state : undefined;
	if (saved === undefined) return undefined;
	throw new NodeOperationError(
		context.getNode(),
		'This execution was parked by another version of the Midjourney node, and this version cannot resume it',
		{
			description: `Everything that was submitted is paid: do not submit it again. Task → Wait returns the results of ${taskIdsIn(saved).join(', ')}.`,
		},
	);
}

/**
 * Resumes a parked run: a wake, a callback or n8n's timer has made the node run again.
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
	const { credentialType } = provider;
	const opening = openAnew(context, credentialType, processClock.now());
	const credential = await opening.catch((error: Error) => {
		throw new NodeOperationError(context.getNode(), error.message, {
			description: `These tasks are paid, and still there: ${idsOf(state).join(', ')}. Task → Wait returns their results.`,
		});
	});
	const run = runWith(context, provider, credential, written);
	const { clock } = run;
	for (const task of state.tasks) reconcile(task, run);
	const settings = state.tasks.find((task) => task.settings)?.settings;
	const isMissed = state.until !== undefined && clock.now() >= state.until - EARLY_MS;
	// A busy n8n is slow to answer, and an execution that was just woken is known to be reachable.
	const known = isMissed ? undefined : knownWait(state.nonce)?.how;
	const how =
		known ?? (await howToWait(context, settings?.waitMode ?? 'auto', settings?.internalUrl));
	if (state.missedWakes >= MISSED_WAKES) delete how.own;
	if (isMissed) state.missedWakes++;
	// A process that has polled the tasks all the time reads them when they are due.
	state.isLook = !known?.polls && positionsAt(state.tasks, 'sending').length === 0;
	return await goOn(run, state, how);
}

/** The life cycle of all tasks of a run, from here to the items, or until the execution is parked. */
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
	hintAtBought(run.context, costsOf(state, watcher));
	return await toItems(run, outcomesOf(state, watcher, run), state.operation);
}

/** The cost of each task that this node has bought, in US dollars; undefined if the provider does not say. */
const costsOf = ({ tasks }: WaitState, watcher: Watcher): Array<number | undefined> =>
	tasks.flatMap(({ stage }) =>
		stage.at === 'bought' && stage.fresh ? [watcher.sightingOf(stage.taskId)?.task?.cost] : [],
	);

/** Takes step after step until the execution has to be parked; undefined once everything has ended. */
async function untilParkOrEnd(
	run: RunContext,
	state: WaitState,
	how: How,
	watcher: Watcher,
	underWay: SubmitDeps['underWay'],
): Promise<Park | undefined> {
	const { clock, host, writer } = run;
	const stopsAtRefusal = !host.continues;
	const isOpen = (taskId: string) => {
		const sighting = watcher.sightingOf(taskId);
		return sighting !== undefined && !sighting.end && !watcher.isStopped;
	};
	for (;;) {
		endUnknown(state, run, how);
		endOverdue(state, clock.now(), writer);
		// The node is going to fail, so nobody would see the results of the other tasks.
		if (stopsAtRefusal && state.tasks.some(({ stage }) => stage.at === 'ended')) return undefined;
		const step = nextStep(state, clock.now(), isOpen, stopsAtRefusal);
		// An intent that is not acted on now was certainly not sent. The saved state has to say so.
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

/** Ends the tasks that no callback has identified in time. */
function endUnknown(state: WaitState, { clock, writer }: RunContext, { parks }: How): void {
	for (const task of state.tasks) {
		const { stage } = task;
		if (stage.at !== 'unknown' || (parks && stage.until > clock.now())) continue;
		endWith(task, writer.ofSubmit(stage.failure, true, task.itemIndex), { mayBePaid: true });
	}
}

/** A watcher of all tasks. It takes over what an earlier watcher of this process has seen. */
function watcherFor(run: RunContext, state: WaitState, { parks, polls }: How): Watcher {
	const { context, credential, provider, account, clock } = run;
	const before = knownWait(state.nonce)?.watcher;
	// A watcher that outlives the run must not hold the run's context.
	const http = parks ? credential.through(lastingHelpers(context.helpers)) : run.http;
	const hears = parks ? {} : { onEnd: tellEnds(context, state.tasks.length) };
	const watcher = new Watcher(
		{
			...{ read: readThrough(http, provider), account, clock: processClock },
			...{ operation: state.operation, polls, ...hears },
		},
		before,
	);
	if (state.wasCalled) account.calledElsewhereAt = clock.now();
	for (const task of state.tasks) watch(watcher, task);
	keepWait(state.nonce, { watcher, http }, clock.now());
	return watcher;
}

/** A function of its own: a closure holds everything that any closure of the same scope uses, such as the run's context. */
const readThrough = (http: Http, provider: Provider) => async (taskId: string) =>
	await provider.read(http, taskId);

function tellEnds(context: IExecuteFunctions, count: number) {
	let ended = 0;
	return (taskId: string, { end, task }: Sighting) =>
		tellBrowser(context, `${++ended} of ${count}: task ${taskId} is ${task?.status ?? end}`);
}

function watch(watcher: Watcher, task: TaskState): void {
	const { stage, settings } = task;
	if (stage.at !== 'bought' || settings?.waitMode === 'dontWait') return;
	watcher.add({ ...stage, schedule: scheduleOf(task, stage.fresh) });
}

function submitDeps(
	run: RunContext,
	state: WaitState,
	how: How,
	watcher: Watcher,
	underWay: SubmitDeps['underWay'],
): SubmitDeps {
	const { context, provider } = run;
	const addresses = callbackAddresses(run, state, how);
	return {
		...run,
		callbackUrl: addresses.of,
		callsReachWait: addresses.reachWait,
		underWay,
		onBought: (task, taskId) => {
			watch(watcher, task);
			tellBrowser(context, `Task ${taskId} submitted`);
			// The log keeps the id of a paid task even if the execution's data is lost.
			context.logger.info(`Midjourney task submitted: ${taskId}`, {
				provider: provider.name,
				taskId,
				itemIndex: task.itemIndex,
				executionId: state.executionId,
			});
		},
	};
}

/** The ids of the tasks that were not seen to end. */
const openIds = (state: WaitState, watcher: Watcher): string[] =>
	idsOf(state).filter((taskId) => watcher.sightingOf(taskId)?.end !== 'terminal');
