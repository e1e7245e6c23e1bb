import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { equalInConstantTime, isSigned, taskIdsIn } from '../providers/callback';
import { openHttp } from '../providers/http';
import { isRecord, text, unwrapJson } from '../providers/json';
import type { Provider } from '../providers/Provider';
import { isTerminal, type Task } from '../providers/Task';
import { readCallbackQuery } from './callbackUrl';
import { executionClock, type Clock } from './clock';
import { routed, routedWhenSaved } from './failedItems';
import { hostOf, resumeUrlOf } from './host';
import {
	canRunAgain,
	endResumeWith,
	RUN_AGAIN,
	saveAnew,
	savedBefore,
	savedFor,
	waitToPassOn,
	waitToRunAgain,
} from './internals';
import { isTaskOf } from './lost';
import { inputError, ProblemWriter, type NodeProblem } from './nodeErrors';
import type { Asked, Settings } from './order';
import { settled, type Outcome, type Parking } from './outcome';
import { readingOf, type Reading } from './reading';
import { itemsOf, toItems, withTasks } from './results';
import { patiently } from './retry';
import { memoryOf, Run } from './run';

/**
 * Parking (design 5): the execution waits in n8n's database and holds no worker, for any number of tasks. A callback is
 * only a hint: whatever it says, the tasks are read. When the last is terminal, the execution goes on, once.
 *
 * The node runs again from time to time, and when a call has come: `lookAgain` parks anew, or ends as if it had polled.
 * Where n8n cannot do that (internals.ts), nobody can run any code when the time is up: what is saved then has the form of
 * results, and a call has to bring them.
 */

/** A provider gives up a call after 15 s (contract 1.9): from then on it is answered whatever is still to be done. */
const ANSWER_WITHIN_MS = 8_000;

/** Reads go out in growing batches, so that few are in vain and many do not take long. */
const LARGEST_BATCH = 8;

/** How long a parked execution is left alone. n8n is no finer than a minute. */
const SHORTEST_PAUSE_MS = 60_000;

const LONGEST_PAUSE_MS = 300_000;

/**
 * This long before it is due n8n sets the timer of a wait (70 s), and no call takes it back: the timer of a wait that a call
 * has ended then ends whatever wait the execution is in by that time, such as that of an approval.
 */
const TIMER_IS_SET_MS = 75_000;

/** A timer may fire a moment before its time. */
const EARLY_MS = 1_000;

/** What is waited for, for one item. */
export interface Wait extends Pick<Parking, 'nonce' | 'bought' | 'lost'> {
	itemIndex: number;
	taskId?: string;
	settings: Settings;
	asked?: Asked;
	/** Unix ms. */
	since: number;
	/** Unix ms; absent when the item waits no more. */
	deadline?: number;
	/** What an earlier look has brought, if it has ended: it is not read again. */
	seen?: Task;
	/** Under what the memory is to keep a task id that a call has told. */
	found?: string;
	polls: number;
	/** For an item that has no result, whatever becomes of the others. */
	problem?: { message: string; description?: string };
}

/** What a parked execution has saved. */
export interface Parked {
	/** A retry of the execution is another one, which begins anew. */
	executionId: string;
	operation: string;
	/** Unix ms: when the wait ends if nobody calls. */
	until: number;
	/** Woken shortly before that time, only to save a task id: n8n's timer runs on, so it must not end before. */
	early?: boolean;
	waits: Wait[];
}

/**
 * Parks the execution until all its tasks are terminal, or the last time limit has come.
 *
 * @param outcomes one per item or task; those still open have `parks`
 * @param not the next look comes at this Unix time in ms, whatever is due
 * @returns what the editor shows meanwhile
 */
export async function park(
	run: Run,
	outcomes: readonly Outcome[],
	operation: string,
	not?: { before: number },
): Promise<INodeExecutionData[]> {
	const { context, host, provider, clock } = run;
	const now = clock.now();
	const again = canRunAgain(context);
	const open = outcomes.flatMap(({ parks }) => (parks ? [parks] : []));
	const lastDeadline = Math.max(...open.map(({ deadline }) => deadline));
	const due = again ? Math.min(lastDeadline, now + pauseOf(open, now)) : lastDeadline;
	const until = not?.before ?? due;
	const waits = outcomes.map((outcome): Wait => {
		const { itemIndex, settings, asked, taskId, task, parks, polls } = outcome;
		// That of a task that has failed is made anew of the task.
		const problem = task?.status === 'failed' ? undefined : outcome.problem;
		return {
			itemIndex,
			taskId,
			settings: settings ?? DEFAULTS,
			asked,
			since: parks?.since ?? now - outcome.waitedMs,
			deadline: parks?.deadline,
			nonce: parks?.nonce,
			bought: parks?.bought,
			lost: parks?.lost,
			seen: task && isTerminal(task) ? lean(task, settings) : undefined,
			polls,
			problem: problem && {
				message: problem.message,
				description: problem.description ?? undefined,
			},
		};
	});
	const parked: Parked = { executionId: context.getExecutionId(), operation, until, waits };
	const saved = JSON.stringify(parked);
	const itemsFor = (some: readonly Outcome[], route = routed) =>
		some.flatMap((outcome) => {
			const settings: Settings = { ...(outcome.settings ?? DEFAULTS), outputItems: 'task' };
			const shown = { ...outcome, settings, files: [] };
			return itemsOf(shown, provider.name, operation).map((item) => route(item, host));
		});
	context.setMetadata({ resumeUrl: resumeUrlOf(context) });
	if (again) {
		await waitToRunAgain(context, saved, new Date(until));
		return itemsFor(outcomes);
	}
	const writer = new ProblemWriter(host.node, provider);
	const atTimeLimit = outcomes.map((outcome) => outOfTime(outcome, writer));
	const last = atTimeLimit.find(({ problem, parks }) => problem && parks)?.problem;
	const problem = last && !host.continues ? withTasks(last, outcomes) : undefined;
	const items = itemsFor(atTimeLimit, routedWhenSaved);
	await waitToPassOn(context, saved, items, new Date(until), problem);
	// Others than the saved ones: with On Error = error output n8n empties what is returned, in place.
	return items.map((item) => ({ ...item }));
}

/** Without the provider's own answer, unless the user wants it. */
const lean = (task: Task, settings: Settings | undefined): Task =>
	settings?.simplify === false ? task : { ...task, raw: {} };

/** Where the provider will call, a look only finds what a lost call was to tell; else it need not be more exact than the wait is long. */
function pauseOf(open: readonly Parking[], now: number): number {
	// Nothing else tells when nobody calls for a submit whose answer was lost.
	const lost = open.flatMap(({ lost: one, deadline }) => (one ? [deadline - now] : []));
	const longest = Math.max(0, Math.min(LONGEST_PAUSE_MS, ...lost));
	if (open.every(({ nonce }) => nonce !== undefined)) return longest;
	const waited = now - Math.min(...open.map(({ since }) => since));
	return Math.min(longest, Math.max(SHORTEST_PAUSE_MS, waited / 4));
}

/** What becomes of an item that is still open when the time is up. */
function outOfTime(outcome: Outcome, writer: ProblemWriter): Outcome {
	const { itemIndex, settings, taskId, parks } = outcome;
	if (!parks || taskId === undefined || settings?.onTimeLimit !== 'error') return outcome;
	const problem = writer.ofTimeLimit(taskId, settings.timeLimitMs, undefined, itemIndex);
	return { ...outcome, problem };
}

/** What `lookAgain` is to go on with; undefined when this run of the node is a first one. */
export function parkedBefore(context: IExecuteFunctions): Parked | undefined {
	const parked = parkedIn(savedBefore(context));
	return parked?.executionId === context.getExecutionId() ? parked : undefined;
}

/**
 * The node runs again, because a call has come or the time has: looks at what is waited for and waits on, or ends. It
 * never submits anything, because each look gives Retry On Fail all its tries anew.
 *
 * @throws as `toItems`
 */
export async function lookAgain(
	context: IExecuteFunctions,
	provider: Provider,
	{ operation, until, early, waits: saved }: Parked,
): Promise<INodeExecutionData[]> {
	const waits = keepFound(context, provider, saved);
	const ids = waits.flatMap(({ taskId }) => taskId ?? []);
	const run = await Run.start(context, provider).catch((error: Error) => {
		const description = `Submitted: ${ids.join(', ')}`;
		throw new NodeOperationError(context.getNode(), error.message, { description });
	});
	const { host, http, clock } = run;
	const via = isTimerSet(until, clock) ? 'poll' : 'callback';
	const writer = new ProblemWriter(host.node, provider);
	const outcomesNow = (tasks: Readings) =>
		waits.map((wait): Outcome => ({ ...outcomeOf(wait, tasks, writer, clock.now()), via }));
	if (early && until > clock.now() + EARLY_MS) {
		return await park(run, outcomesNow(new Map()), operation, { before: until });
	}
	const deadlines = waits.flatMap(({ deadline }) => deadline ?? []);
	const isLast = Math.max(...deadlines) <= clock.now() + EARLY_MS;
	// The next look is far away.
	const read = async (taskId: string) =>
		await patiently(clock, async () => await provider.read(http, taskId));
	const { tasks } = await run.untilCancelled(
		ids,
		async () => await sweep(waits, clock, read, isLast),
	);
	const outcomes = outcomesNow(tasks);
	// As a submit without an answer does where no call can tell: it fails the node.
	const fails = !host.continues && waits.some(({ lost }, at) => lost && outcomes[at]?.problem);
	if (!isLast && !fails && outcomes.some(({ parks }) => parks)) {
		return await park(run, outcomes, operation);
	}
	const ended = isLast ? outcomes.map((outcome) => outOfTime(outcome, writer)) : outcomes;
	return await toItems(run, ended, operation);
}

/** Puts the ids that calls have told into the memory, from where every retry picks them up. */
function keepFound(context: IExecuteFunctions, provider: Provider, waits: readonly Wait[]): Wait[] {
	if (waits.every(({ found }) => found === undefined)) return [...waits];
	const memory = memoryOf(context, provider, {});
	return waits.map(({ found, ...wait }) => {
		const { taskId, itemIndex } = wait;
		if (found === undefined || taskId === undefined) return wait;
		memory.found(found, taskId, wait.asked);
		context.logger.info(`Midjourney task found by its callback: ${taskId}`, {
			...{ provider: provider.name, taskId, itemIndex, executionId: context.getExecutionId() },
		});
		return wait;
	});
}

const isTimerSet = (until: number, { now }: Clock): boolean => until - now() < TIMER_IS_SET_MS;

const DEFAULTS: Settings = {
	waitMode: 'auto',
	timeLimitMs: 0,
	onTimeLimit: 'error',
	pace: {},
	outputItems: 'task',
	simplify: true,
};

/**
 * A call that arrives for a parked execution. Never throws: n8n would end the execution and lose the data of the nodes
 * before.
 *
 * @returns `workflowData` when the execution is to go on
 */
export async function resume(
	context: IWebhookFunctions,
	provider: Provider,
	clock: Clock = executionClock(hostOf(context)),
): Promise<IWebhookResponseData> {
	let answered = false;
	const answer = (status: number, body: IDataObject): IWebhookResponseData => {
		if (!answered) context.getResponseObject().status(status).json(body);
		answered = true;
		return { noWebhookResponse: true };
	};
	try {
		const { saved, runsAgain } = savedFor(context);
		const parked = parkedIn(saved);
		const expected = parked?.waits.find((wait) => wait.nonce !== undefined)?.nonce;
		const { nonce, tag } = readCallbackQuery(context.getQueryData(), undefined);
		if (!parked || !expected || !nonce || !equalInConstantTime(nonce, expected)) {
			return answer(404, { ok: false, message: 'Nothing here waits for this call' });
		}
		const { webhookSecret } = await context.getCredentials(provider.credentialType);
		const secret = text(webhookSecret);
		const body: unknown = context.getBodyData();
		if (secret && !isSigned({ ...context.getHeaderData() }, body, secret, clock.now())) {
			return answer(401, { ok: false, message: 'The signature is missing or does not fit' });
		}

		const { waits, operation } = parked;
		const timerSet = runsAgain && isTimerSet(parked.until, clock);
		const lost = tag === undefined ? undefined : waits.find((wait) => wait.lost?.tag === tag);
		if (timerSet && !lost) return answer(200, { ok: true, waiting: true });
		const http = await openHttp(context, provider.credentialType);
		const read = async (taskId: string) => await provider.read(http, taskId);
		const inTime = async <T>(work: Promise<T>): Promise<T> => {
			const late = clock.sleep(ANSWER_WITHIN_MS).then(() => answer(202, { ok: true }));
			await Promise.race([work, late]);
			return await work;
		};
		if (lost) {
			const told = await inTime(taskToldBy(body, lost, waits, read));
			if (told === 'unreadable') {
				return answer(503, { ok: false, message: 'The task cannot be read now, call again' });
			}
			if (told === undefined) return answer(200, { ok: true, waiting: true });
			const changed: Parked = {
				...parked,
				early: timerSet,
				waits: waits.map((wait) => (wait === lost ? withTask(wait, told) : wait)),
			};
			saveAnew(context, JSON.stringify(changed));
			answer(200, { ok: true, waiting: true });
			return { noWebhookResponse: true, workflowData: RUN_AGAIN };
		}
		// Until then it cannot end.
		if (waits.some((wait) => wait.lost)) return answer(200, { ok: true, waiting: true });
		const seen = await inTime(sweep(waits, clock, read));
		if (seen.end === 'unreadable') {
			return answer(503, { ok: false, message: 'The provider cannot be asked, call again' });
		}
		if (seen.end === 'open') return answer(200, { ok: true, waiting: true });

		// From here on the caller is not kept waiting: downloads may take longer than it would.
		answer(200, { ok: true, waiting: false });
		if (runsAgain) return { noWebhookResponse: true, workflowData: RUN_AGAIN };
		const { tasks } = seen;
		const writer = new ProblemWriter(context.getNode(), provider);
		const outcomes = waits.map((wait) => outcomeOf(wait, tasks, writer, clock.now()));
		return await finish(context, provider, outcomes, operation);
	} catch (error) {
		const words = error instanceof Error ? error.message : String(error);
		context.logger.error(`Midjourney could not handle a callback: ${words}`);
		return answer(503, { ok: false, message: 'Call again' });
	}
}

/**
 * What the execution goes on with. Where the node is to fail, n8n is told so and ignores the items; an n8n that cannot
 * be told lets them out, so they are marked as with On Error = continue.
 */
async function finish(
	context: IWebhookFunctions,
	provider: Provider,
	outcomes: Outcome[],
	operation: string,
): Promise<IWebhookResponseData> {
	const host = hostOf(context);
	const deps = { host, provider, clock: executionClock(host) };
	let items: INodeExecutionData[];
	let problem: NodeProblem | undefined;
	try {
		items = await toItems(deps, outcomes, operation, routedWhenSaved);
	} catch (error) {
		problem = isProblem(error) ? error : inputError(host.node, 0, 'The results could not be made');
		const marked = outcomes.map(withoutDownload);
		items = await toItems({ ...deps, host: { ...host, continues: true } }, marked, operation);
	}
	endResumeWith(context, problem);
	return { noWebhookResponse: true, workflowData: [items] };
}

const withoutDownload = (outcome: Outcome): Outcome => ({
	...outcome,
	settings: outcome.settings && { ...outcome.settings, download: undefined },
});

const isProblem = (error: unknown): error is NodeProblem =>
	error instanceof Error &&
	(error.name === 'NodeApiError' || error.name === 'NodeOperationError') &&
	'node' in error;

/**
 * The task that a call names for a submit whose answer was lost, if the provider says that there is one and it is of this
 * request; `unreadable`: that can be told later.
 */
async function taskToldBy(
	body: unknown,
	lost: Wait,
	waits: readonly Wait[],
	read: (taskId: string) => ReturnType<Provider['read']>,
): Promise<Task | 'unreadable' | undefined> {
	let unreadable = false;
	for (const taskId of taskIdsIn(unwrapJson(body))) {
		const answer = await read(taskId);
		if (!answer.ok) unreadable = true;
		else if (isTaskOf(lost, answer.value, waits)) return answer.value;
	}
	return unreadable ? 'unreadable' : undefined;
}

/** A wait whose submit has been answered after all. */
function withTask({ lost, ...wait }: Wait, { taskId }: Task): Wait {
	const deadline = wait.since + wait.settings.timeLimitMs;
	return { ...wait, taskId, deadline, found: lost?.key };
}

/** What is known of tasks, by their ids. */
type Readings = Map<string, Reading>;

interface Sweep {
	end: 'terminal' | 'open' | 'unreadable';
	/** What is known by then. */
	tasks: Readings;
}

/**
 * Reads the tasks until the first that is still open, no further (design 5.4). In random order: nothing is kept between
 * two calls, and in any fixed order all that is finished before an open task would be read again at every call. So N
 * calls take about N log N reads, in whatever order the tasks end. What a look has seen ended is not read again.
 *
 * @param last read all of them, whatever is open; what cannot be read then is not asked again
 */
async function sweep(
	waits: readonly Wait[],
	{ random, now }: Clock,
	read: (taskId: string) => ReturnType<Provider['read']>,
	last = false,
): Promise<Sweep> {
	const wanted = waits.flatMap((wait) =>
		wait.taskId && !wait.problem && !wait.seen ? [{ wait, place: random() }] : [],
	);
	const unread = wanted.sort((a, b) => a.place - b.place).map(({ wait }) => wait);
	const tasks: Readings = new Map();
	let end: Sweep['end'] = 'terminal';
	for (
		let size = 1, done = 0;
		done < unread.length && (last || end === 'terminal');
		done += size, size = Math.min(size * 2, LARGEST_BATCH)
	) {
		const batch = unread.slice(done, done + size);
		await Promise.all(
			batch.map(async (wait) => {
				const { taskId = '' } = wait;
				const reading = readingOf(await read(taskId), wait, now(), !last);
				tasks.set(taskId, reading);
				if (reading.is === 'open') end = reading.failure ? 'unreadable' : 'open';
			}),
		);
	}
	return { end, tasks };
}

/** What became of an item as far as it is known; with `parks` when it is still open. */
function outcomeOf(wait: Wait, tasks: Readings, writer: ProblemWriter, now: number): Outcome {
	const { itemIndex, settings, asked, taskId, since, deadline, polls, problem } = wait;
	const waitedMs = now - since;
	const outcome: Outcome = {
		itemIndex,
		settings,
		asked,
		taskId,
		waitedMs,
		polls: polls + 1,
		via: 'callback',
	};
	if (problem) return { ...outcome, problem: writer.again(problem, itemIndex) };
	if (wait.seen) return settled(outcome, wait.seen, writer);
	const { nonce, bought, lost } = wait;
	if (lost && deadline !== undefined && deadline <= now + EARLY_MS) {
		return { ...outcome, problem: writer.ofSubmit(lost.failure, true, itemIndex) };
	}
	const reading = tasks.get(taskId ?? '');
	if (reading?.is === 'lost') {
		return { ...outcome, problem: writer.ofLostTask(reading.failure, taskId ?? '', itemIndex) };
	}
	if (reading?.is === 'ended') return settled(outcome, reading.task, writer);
	const parks = deadline === undefined ? undefined : { since, deadline, nonce, bought, lost };
	return { ...outcome, task: reading?.task, parks };
}

/** What `park` has saved, if it is that. */
function parkedIn(saved: unknown): Parked | undefined {
	const parked = unwrapJson(saved);
	return isParked(parked) ? parked : undefined;
}

const isParked = (value: unknown): value is Parked =>
	isRecord(value) &&
	typeof value.executionId === 'string' &&
	typeof value.operation === 'string' &&
	typeof value.until === 'number' &&
	Array.isArray(value.waits) &&
	value.waits.every(isWait);

const isWait = (value: unknown): value is Wait =>
	isRecord(value) &&
	typeof value.itemIndex === 'number' &&
	typeof value.since === 'number' &&
	typeof value.polls === 'number' &&
	isRecord(value.settings);
