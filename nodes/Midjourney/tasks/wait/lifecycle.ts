import { randomBytes } from 'crypto';
import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';

import { openHttp, type Http } from '../../providers/http';
import type { Provider } from '../../providers/Provider';
import { callbackUrl, relayKey } from '../callbackUrl';
import { untilCancelled } from '../cancelled';
import { executionClock, processClock, type ExecutionClock } from '../clock';
import { routed } from '../failedItems';
import { hostOf, isToolCall, type Host } from '../host';
import { sizeReader } from '../imageSize';
import { savedBefore, waitToRunAgain } from '../internals';
import { LOST_ANSWER_MS } from '../lost';
import { Memory, type Remembered } from '../memory';
import { inputError, ProblemWriter, type NodeProblem } from '../nodeErrors';
import type { Order, Settings } from '../order';
import { askedOf, type Outcome } from '../outcome';
import { prepare, type Tools } from '../prepare';
import { unreachableBecause } from '../reach';
import { itemsOf, toItems } from '../results';
import { patiently } from '../retry';
import { watchOver } from './companion';
import { howToWait, type How } from './how';
import { accountOf, type Account } from './limiter';
import { forgetWait, keepWait, knownWait } from './registry';
import { AFTER_SUBMIT, CALLS_ARE_TRUSTED_MS, WHERE_CALLS_ARRIVE } from './schedule';
import { resumeUrlOf } from './selfCall';
import {
	newState,
	nextStep,
	parseState,
	BATCH,
	positionsAt,
	serialize,
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
import { LAST_READ_MS, Watcher, type Sighting } from './Watcher';

/** How far away n8n's timer is that finds what a dead process has left, in ms: at first, and later. */
const FIRST_LOOK_MS = 5 * 60_000;
const LATER_LOOK_MS = 10 * 60_000;

/** Where nobody wakes the execution it looks by timer alone: so soon at first, then after a part of the time waited. */
const SHORTEST_LOOK_MS = 60_000;

/**
 * So long before it is due n8n has not set the timer of a wait (it does 70 s before, and no call takes it back: such a
 * timer would end whatever wait the execution is in by then, that of an approval, say). So an execution that its process
 * is to wake is woken this long before, and its timer lies this far behind everything that it waits for.
 */
export const TIMER_UNSET_MS = 80_000;

/** How often in a row a wake may be missed until nothing is left to it any longer. */
const MISSED_WAKES = 2;

/** A timer may fire a moment before its time. */
const EARLY_MS = 1_000;

/** What an operation wants for the items of a run. */
export interface Plan {
	/** Such as `image:generate`. */
	operation: string;
	/** To be bought and waited for. */
	orders: readonly Order[];
	/** Tasks that were submitted elsewhere, to be waited for. */
	waits: ReadonlyArray<{ itemIndex: number; settings: Settings; taskId: string }>;
	/** Items whose parameters were refused. */
	refused: ReadonlyArray<{ itemIndex: number; problem: NodeProblem }>;
	/** What makes the purchases among the node's parameters, expressions as they were written. */
	written: IDataObject;
}

/** Where a run of the node takes place. */
interface Place {
	context: IExecuteFunctions;
	provider: Provider;
	http: Http;
	host: Host;
	clock: ExecutionClock;
	memory: Memory;
	account: Account;
	writer: ProblemWriter;
}

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
	const place = await openPlace(context, provider, plan.written);
	const { memory, clock } = place;
	const executionId = context.getExecutionId();
	recallOtherExecution(context, memory);
	const nonce = memory.nonceFor(() => randomBytes(16).toString('hex'));
	const settings = plan.orders[0]?.settings ?? plan.waits[0]?.settings;
	const how = settings
		? await howToWait(context, settings.waitMode, settings.internalUrl)
		: { parks: false, polls: true };
	refuseDeafCallback(place, plan.orders, how);
	const tasks = [
		...plan.refused.map(({ itemIndex, problem }) => refusedTask(itemIndex, problem)),
		...plan.waits.map((wait) => waitedTask(wait, clock.now())),
		...(await untilCancelled(
			place.host,
			provider,
			() => ({ open: boughtBefore(plan.orders, memory) }),
			async () => await orderedTasks(plan.orders, place, how),
		)),
	].sort((a, b) => a.itemIndex - b.itemIndex);
	const state = newState({
		...{ executionId, operation: plan.operation, nonce, tasks },
		progressAt: clock.now(),
	});
	const { continues } = place.host;
	if (!continues && tasks.some(({ stage }) => stage.at === 'ended')) {
		skipRest(state, { problemOf: problemOfSubmit(place) });
	}
	return await goOn(place, state, how);
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
	const place = await openPlace(context, provider, written).catch((error: Error) => {
		throw new NodeOperationError(context.getNode(), error.message, {
			description: `Paid, and still there: ${idsOf(state).join(', ')}. Task → Wait brings the results.`,
		});
	});
	const { clock } = place;
	for (const task of state.tasks) reconcile(task, place);
	const settings = state.tasks.find((task) => task.settings)?.settings;
	const how = await howToWait(context, settings?.waitMode ?? 'auto', settings?.internalUrl);
	if (state.missedWakes >= MISSED_WAKES) delete how.own;
	if (state.until !== undefined && clock.now() >= state.until - EARLY_MS) state.missedWakes++;
	return await goOn(place, state, how);
}

/**
 * The life of all tasks of a run, step by step. In the foreground a pause sleeps; parked, it saves the state and gives
 * the execution back, and the node goes on from there when it runs again.
 */
async function goOn(place: Place, state: WaitState, how: How): Promise<INodeExecutionData[]> {
	const { host, provider } = place;
	const watcher = watcherFor(place, state, how);
	const underWay = { count: 0 };
	const left = () => ({ open: openIds(state, watcher), underWay: underWay.count });
	let shown: INodeExecutionData[] | undefined;
	try {
		shown = await untilCancelled(host, provider, left, async () => {
			const parks = await untilParkOrEnd(place, state, how, watcher, underWay);
			return parks && (await park(place, state, how, watcher, parks));
		});
	} finally {
		if (!shown) forgetWait(state.nonce);
	}
	return shown ?? (await toItems(place, outcomesOf(state, watcher, place), state.operation));
}

/** When a parked execution is to be woken. */
interface Park {
	/** Unix ms; undefined: when everything has ended. */
	wakeAt?: number;
}

/** Does what is due until the execution is to be parked; undefined: everything has ended. */
async function untilParkOrEnd(
	place: Place,
	state: WaitState,
	how: How,
	watcher: Watcher,
	underWay: SubmitDeps['underWay'],
): Promise<Park | undefined> {
	const { clock, host } = place;
	const stopsAtRefusal = !host.continues;
	const isOpen = (taskId: string) => {
		const sighting = watcher.sightingOf(taskId);
		return sighting !== undefined && !sighting.end && !watcher.isStopped;
	};
	for (;;) {
		endUnknown(state, place, how);
		endOverdue(state, clock.now(), { problemOf: problemOfSubmit(place) });
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
				if (how.own && !isIntended) return { wakeAt: clock.now() };
				await submitBatch(state, step.batch, submitDeps(place, state, how, watcher, underWay));
				break;
			}
			case 'pause':
				if (how.own) return { wakeAt: step.until };
				await clock.sleep(step.until - clock.now());
				break;
			case 'wait':
				if (!how.parks) await clock.orCancelled(async () => await watcher.untilAllEnded());
				else {
					await clock.orCancelled(async () => await watcher.readDue());
					const unknownUntil = firstUnknownEnd(state);
					if (!watcher.allEnded || unknownUntil !== undefined) return { wakeAt: unknownUntil };
				}
		}
	}
}

/** Saves the state, gives the execution back, and leaves a watcher beside it. Gives what the editor shows meanwhile. */
async function park(
	place: Place,
	state: WaitState,
	how: How,
	watcher: Watcher,
	{ wakeAt }: Park,
): Promise<INodeExecutionData[]> {
	const { context, host, http, clock } = place;
	const now = clock.now();
	const unknownUntil = firstUnknownEnd(state);
	const holds = !host.continues && unknownUntil !== undefined && unknownUntil > now;
	const intent = holds ? [] : positionsAt(state.tasks, 'toBuy').slice(0, BATCH);
	const isWait = intent.length === 0;
	const secret = randomBytes(16).toString('hex');
	const lastEnd = Math.max(now, ...deadlinesOf(state));
	const look = state.isShown ? LATER_LOOK_MS : FIRST_LOOK_MS;
	// At the last time limit everything is read once more.
	const wakes = Math.min(
		wakeAt ?? lastEnd + LAST_READ_MS + EARLY_MS,
		isWait ? now + look : Infinity,
	);
	state.intent = intent;
	state.wake = secret;
	state.until = how.own ? wakes + TIMER_UNSET_MS : Math.min(lastEnd, now + lookIn(state, now));
	const shown = isWait && !state.isShown ? shownWhileWaiting(state, watcher, place) : [];
	state.isShown ||= isWait;
	for (const task of state.tasks) task.reads = readsOf(task, watcher);
	context.setMetadata({ resumeUrl: resumeUrlOf(context) });
	await waitToRunAgain(context, serialize(state), new Date(state.until));
	if (!how.own) {
		forgetWait(state.nonce);
		return shown;
	}
	keepWait(state.nonce, { watcher, http, secret }, now);
	void watchOver({
		nonce: state.nonce,
		secret,
		wakeAt: wakes,
		wakesAtEnd: wakeAt === undefined,
		own: how.own,
		watcher,
		helpers: context.helpers,
		logger: context.logger,
		clock: processClock,
	});
	return shown;
}

/** Where only n8n's timer runs the node again: a look need not be more exact than the wait is long. */
function lookIn({ tasks }: WaitState, now: number): number {
	const since = tasks.flatMap(({ stage }) => (stage.at === 'bought' ? [stage.since] : []));
	const waited = since.length > 0 ? now - Math.min(...since) : 0;
	return Math.min(FIRST_LOOK_MS, Math.max(SHORTEST_LOOK_MS, waited / 4));
}

const deadlinesOf = ({ tasks }: WaitState): number[] =>
	tasks.flatMap(({ stage }) =>
		stage.at === 'bought' ? [stage.deadline] : stage.at === 'unknown' ? [stage.until] : [],
	);

const firstUnknownEnd = ({ tasks }: WaitState): number | undefined => {
	const ends = tasks.flatMap(({ stage }) => (stage.at === 'unknown' ? [stage.until] : []));
	return ends.length > 0 ? Math.min(...ends) : undefined;
};

/** Whatever nobody has told of by now stays unknown. */
function endUnknown(state: WaitState, place: Place, { parks }: How): void {
	for (const task of state.tasks) {
		const { stage } = task;
		if (stage.at !== 'unknown' || (parks && stage.until > place.clock.now())) continue;
		endWith(task, problemOfSubmit(place)(task, stage.failure, true), { mayBePaid: true });
	}
}

async function openPlace(
	context: IExecuteFunctions,
	provider: Provider,
	written: IDataObject,
): Promise<Place> {
	const host = hostOf(context);
	const http = await openHttp(context, provider.credentialType);
	return {
		context,
		provider,
		http,
		host,
		clock: executionClock(host),
		memory: memoryOf(context, provider, written),
		account: accountOf(http.account, processClock),
		writer: new ProblemWriter(host.node, provider),
	};
}

function memoryOf(
	context: IExecuteFunctions,
	{ credentialType }: Provider,
	written: IDataObject,
): Memory {
	const items = context.getInputData();
	const credential = context.getNode().credentials?.[credentialType];
	const runIndex: unknown = context.getWorkflowDataProxy(0).$runIndex;
	return new Memory(context.getContext('node'), {
		executionId: context.getExecutionId(),
		runIndex: typeof runIndex === 'number' ? runIndex : 0,
		written,
		itemAt: (itemIndex) => items[itemIndex],
		account: { id: credential?.id ?? '', name: credential?.name ?? '' },
		isToolCall: isToolCall(context),
	});
}

/** A watcher of all tasks that knows what an earlier one of this process has seen of them. */
function watcherFor(
	{ provider, http, account, clock }: Place,
	state: WaitState,
	{ polls }: How,
): Watcher {
	const before = knownWait(state.nonce)?.watcher;
	const read = async (taskId: string) => await provider.read(http, taskId);
	const watcher = new Watcher({ read, account, clock: processClock, polls }, before);
	if (state.wasCalled) account.calledAt = clock.now();
	for (const task of state.tasks) watch(watcher, task, account, clock.now());
	keepWait(state.nonce, { watcher, http }, clock.now());
	return watcher;
}

function watch(watcher: Watcher, task: TaskState, { calledAt }: Account, now: number): void {
	const { stage, settings } = task;
	if (stage.at !== 'bought' || settings?.waitMode === 'dontWait') return;
	const { called, fresh } = stage;
	const isCounted = called && calledAt !== undefined && now - calledAt < CALLS_ARE_TRUSTED_MS;
	const usual = isCounted ? WHERE_CALLS_ARRIVE : AFTER_SUBMIT;
	watcher.add({ ...stage, schedule: scheduleOf(task, fresh, usual) });
}

const problemOfSubmit =
	({ writer }: Pick<Place, 'writer'>): SubmitDeps['problemOf'] =>
	({ itemIndex }, failure, ambiguous) =>
		writer.ofSubmit(failure, ambiguous, itemIndex);

function submitDeps(
	place: Place,
	state: WaitState,
	how: How,
	watcher: Watcher,
	underWay: SubmitDeps['underWay'],
): SubmitDeps {
	const { context, provider, http, clock, memory, account, host } = place;
	const urlOf = callbackOf(place, state, how);
	return {
		provider,
		http,
		clock,
		memory,
		limiter: account.submits,
		stopsAtRefusal: !host.continues,
		callbackUrl: urlOf,
		callMayTell: urlOf !== undefined,
		underWay,
		problemOf: problemOfSubmit(place),
		onBought: (task, taskId) => {
			watch(watcher, task, account, clock.now());
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

/** Where the provider is to call; undefined when it is not to, or cannot. */
function callbackOf(
	{ context, http }: Place,
	state: WaitState,
	how: How,
): SubmitDeps['callbackUrl'] {
	const { tasks, nonce } = state;
	const settings = tasks.find((task) => task.settings)?.settings;
	if (!how.parks || !settings || settings.waitMode === 'dontWait') return undefined;
	const resumeUrl = resumeUrlOf(context);
	const mayArrive = tasks.every(
		(task) =>
			unreachableBecause(task.settings?.triggerUrl ?? resumeUrl, http.baseUrl) === undefined,
	);
	if (!mayArrive) return undefined;
	return (position) => {
		const { reference, triggerUrl } = tasks[position]?.settings ?? {};
		const relay =
			triggerUrl === undefined ? undefined : { url: triggerUrl, key: relayKey(http.apiKey) };
		return callbackUrl({ resumeUrl, nonce, position, reference, relay });
	};
}

/** Callback means: no polling. Where no call can arrive, that is told before anything is bought. */
function refuseDeafCallback(
	{ context, http, host }: Place,
	orders: readonly Order[],
	how: How,
): void {
	for (const { itemIndex, settings } of orders) {
		if (settings.waitMode !== 'callback' || !how.parks) return;
		const reason = unreachableBecause(settings.triggerUrl ?? resumeUrlOf(context), http.baseUrl);
		if (reason === undefined) continue;
		throw inputError(
			host.node,
			itemIndex,
			`Callbacks cannot arrive: ${reason}`,
			'Nothing was submitted. Set WEBHOOK_URL of n8n to its public address, enter the URL of a Midjourney Trigger in Options, or choose the Wait Mode Auto.',
		);
	}
}

const refusedTask = (itemIndex: number, error: NodeProblem): TaskState => {
	const task: TaskState = {
		itemIndex,
		stage: { at: 'unknown', since: 0, until: 0 },
		reads: 0,
	};
	endWith(task, error);
	return task;
};

const waitedTask = (
	{ itemIndex, settings, taskId }: Plan['waits'][number],
	now: number,
): TaskState => ({
	itemIndex,
	settings,
	stage: { at: 'bought', taskId, since: now, deadline: now + settings.timeLimitMs, fresh: false },
	reads: 0,
});

/** What earlier tries and executions have bought of it. */
const boughtBefore = (orders: readonly Order[], memory: Memory): string[] =>
	orders.flatMap((order) => {
		const known = memory.recall(memory.keyOf(order));
		return known?.state === 'bought' ? [known.taskId] : [];
	});

/** What was ordered: bought before, ready to be bought, or why it cannot be. Nothing is sent here. */
async function orderedTasks(
	orders: readonly Order[],
	place: Place,
	how: How,
): Promise<TaskState[]> {
	const { provider, http, host, clock, account } = place;
	const looks = new Map<string, ReturnType<Provider['read']>>();
	const look: Tools['look'] = async (taskId) => {
		const read = async () => await account.reads.run(async () => await provider.read(http, taskId));
		const known = looks.get(taskId) ?? patiently(clock, read);
		looks.set(taskId, known);
		return await known;
	};
	const tools = { look, sizeOf: sizeReader(host) };
	return await Promise.all(
		orders.map(async (order): Promise<TaskState> => {
			const { itemIndex, settings, request } = order;
			const key = place.memory.keyOf(order);
			const task: TaskState = {
				itemIndex,
				key,
				settings,
				asked: askedOf(provider, request),
				stage: { at: 'toBuy', request, attempts: 0 },
				reads: 0,
			};
			const known = place.memory.recall(key);
			if (known && (await isTakenUp(task, known, place, how))) return task;
			place.memory.forget(key);
			const prepared = await prepare(provider, request, tools);
			if (!prepared.ok) {
				endWith(task, place.writer.ofSubmit(prepared.failure, false, itemIndex));
				return task;
			}
			task.stage = { at: 'toBuy', request: prepared.value, attempts: 0 };
			task.asked = askedOf(provider, prepared.value);
			return task;
		}),
	);
}

/** Goes on with what is known of an earlier purchase, if there is any use in it; else it may be bought. */
async function isTakenUp(
	task: TaskState,
	known: Remembered,
	{ provider, http, clock, memory, account, writer }: Place,
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
			// Only the calls for what was sent in this execution arrive here.
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
			// Only what has failed meanwhile may be bought again; what cannot be read now is waited for.
			if (seen.ok && seen.value.status === 'failed') return false;
			const deadline = now + (settings?.timeLimitMs ?? 0);
			task.stage = { at: 'bought', taskId, since, deadline, fresh: true };
			task.asked = known.asked ?? asked;
			return true;
		}
	}
}

/** What an earlier run of this step, or a call, has found out about a task. */
function reconcile(task: TaskState, { memory, writer }: Place): void {
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

/** What another execution, of which this is a retry, had saved when it was parked last. */
function recallOtherExecution(context: IExecuteFunctions, memory: Memory): void {
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

const readsOf = ({ stage, reads }: TaskState, watcher: Watcher): number =>
	reads + (stage.at === 'bought' ? (watcher.sightingOf(stage.taskId)?.reads ?? 0) : 0);

/** What became of each task, as items show it. */
function outcomesOf(
	state: WaitState,
	watcher: Watcher,
	place: Pick<Place, 'writer' | 'clock'>,
): Outcome[] {
	return state.tasks.map((task) => outcomeOf(task, watcher, place));
}

function outcomeOf(
	task: TaskState,
	watcher: Watcher,
	{ writer, clock }: Pick<Place, 'writer' | 'clock'>,
): Outcome {
	const { itemIndex, settings, asked, stage, error } = task;
	const outcome: Outcome = { itemIndex, settings, asked, polls: 0, waitedMs: 0, via: 'submit' };
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

/** What the editor shows while the execution is parked; one item per task, nothing downloaded. */
function shownWhileWaiting(state: WaitState, watcher: Watcher, place: Place): INodeExecutionData[] {
	const { host, provider } = place;
	return outcomesOf(state, watcher, place).flatMap((outcome) => {
		const settings = outcome.settings && { ...outcome.settings, outputItems: 'task' as const };
		const problem = outcome.mayBeTold ? undefined : outcome.problem;
		const shown = { ...outcome, problem, settings, files: [] };
		return itemsOf(shown, provider.name, state.operation).map((item) => routed(item, host));
	});
}

const idsOf = ({ tasks }: WaitState): string[] =>
	tasks.flatMap(({ stage }) => (stage.at === 'bought' ? [stage.taskId] : []));

/** Of everything that was not seen to end. */
const openIds = (state: WaitState, watcher: Watcher): string[] =>
	idsOf(state).filter((taskId) => watcher.sightingOf(taskId)?.end !== 'terminal');
