import type {
	IDataObject,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';

import { equalInConstantTime, isSigned } from '../providers/callback';
import { openHttp, type Failure } from '../providers/http';
import { isRecord, text, unwrapJson } from '../providers/json';
import type { Provider } from '../providers/Provider';
import { isTerminal, type Task } from '../providers/Task';
import { readCallbackQuery } from './callbackUrl';
import { executionClock, type Clock } from './clock';
import { hostOf, resumeUrlOf } from './host';
import { endResumeWith, failWhenTimeIsUp, readOwnInput, replaceOwnInput } from './internals';
import { inputError, ProblemWriter, type NodeProblem } from './nodeErrors';
import type { Settings } from './order';
import { settled, type Asked, type Outcome } from './outcome';
import { itemsOf, routed, toItems, withTasks } from './results';
import type { Run } from './run';

/**
 * Parking (design 5): the execution waits in n8n's database and holds no worker, for any number of tasks. A callback is
 * only a hint: whatever it says, the tasks are read. When the last is terminal, the execution resumes, once.
 *
 * What is waited for is saved as the node's own input. It is also what comes out when the time is up and nobody can run
 * any code, so it has the form of results.
 */

/** A provider gives up a call after 15 s (contract 1.9): from then on it is answered whatever is still to be done. */
const ANSWER_WITHIN_MS = 8_000;

/** Reads go out in growing batches, so that few are in vain and many do not take long. */
const LARGEST_BATCH = 8;

/** The field of the first saved item that holds what is waited for. */
const PARKED = 'parked';

/** What is waited for, for one item. */
interface Parked {
	nonce: string;
	operation: string;
	itemIndex: number;
	taskId?: string;
	settings: Settings;
	asked?: Asked;
	/** Unix ms. */
	since: number;
	polls: number;
	/** For an item that has no result, whatever becomes of the others. */
	problem?: { message: string; description?: string };
}

/**
 * Parks the execution until all its tasks are terminal, or the last time limit has come.
 *
 * @param outcomes one per item or task; those still open have `parks`
 * @returns what the editor shows meanwhile
 */
export async function park(
	run: Run,
	outcomes: readonly Outcome[],
	operation: string,
): Promise<INodeExecutionData[]> {
	const { context, host, provider, clock } = run;
	const open = outcomes.flatMap(({ parks }) => (parks ? [parks] : []));
	const writer = new ProblemWriter(host.node, provider);
	const atTimeLimit = outcomes.map((outcome): Outcome => {
		const { itemIndex, settings, parks } = outcome;
		if (!parks || settings?.onTimeLimit !== 'error') return outcome;
		const { timeLimitMs } = settings;
		const problem = writer.ofTimeLimit(parks.taskId, timeLimitMs, undefined, itemIndex);
		return { ...outcome, problem };
	});
	const states = outcomes.map((outcome): Parked => {
		const { itemIndex, settings, asked, taskId, task, parks, polls } = outcome;
		// A task that has failed is read again like all others, so that its item says so.
		const problem = task?.status === 'failed' ? undefined : outcome.problem;
		return {
			nonce: open[0]?.nonce ?? '',
			operation,
			itemIndex,
			taskId,
			settings: settings ?? DEFAULTS,
			asked,
			since: parks?.since ?? clock.now() - outcome.waitedMs,
			polls,
			problem: problem && {
				message: problem.message,
				description: problem.description ?? undefined,
			},
		};
	});
	const items = atTimeLimit.flatMap((outcome) => {
		const settings: Settings = { ...(outcome.settings ?? DEFAULTS), outputItems: 'task' };
		const shown = { ...outcome, settings, files: [] };
		return itemsOf(shown, provider.name, operation).map((item) => routed(item, host));
	});
	const [first] = items;
	// As one text in one place: every callback reads it through an expression, which is slow for what is large.
	if (first) first.json = { ...first.json, [PARKED]: JSON.stringify(states) };

	replaceOwnInput(context, items);
	const last = atTimeLimit.find(({ problem, parks }) => problem && parks)?.problem;
	if (last && !host.continues) failWhenTimeIsUp(context, withTasks(last, outcomes));
	context.setMetadata({ resumeUrl: resumeUrlOf(context) });
	await context.putExecutionToWait(new Date(Math.max(...open.map(({ deadline }) => deadline))));
	// Another array than the saved one: with On Error = error output n8n empties what is returned, in place.
	return items.map((item) => ({ ...item }));
}

const DEFAULTS: Settings = {
	waitMode: 'auto',
	timeLimitMs: 0,
	onTimeLimit: 'error',
	patienceMs: 0,
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
		const states = parkedIn(readOwnInput(context, PARKED));
		const [first] = states;
		const { nonce } = readCallbackQuery(context.getQueryData(), undefined);
		if (!first || nonce === undefined || !equalInConstantTime(nonce, first.nonce)) {
			return answer(404, { ok: false, message: 'Nothing here waits for this call' });
		}
		const { webhookSecret } = await context.getCredentials(provider.credentialType);
		const secret = text(webhookSecret);
		const body: unknown = context.getBodyData();
		if (secret && !isSigned({ ...context.getHeaderData() }, body, secret, clock.now())) {
			return answer(401, { ok: false, message: 'The signature is missing or does not fit' });
		}

		const host = hostOf(context);
		const http = await openHttp(context, provider.credentialType);
		const sweeping = sweep(states, clock, async (taskId) => await provider.read(http, taskId));
		const late = clock.sleep(ANSWER_WITHIN_MS).then(() => undefined);
		let seen = await Promise.race([sweeping, late]);
		if (seen === undefined) {
			answer(202, { ok: true });
			seen = await sweeping;
		}
		if (seen.end === 'unreadable') {
			return answer(503, { ok: false, message: 'The provider cannot be asked, call again' });
		}
		if (seen.end === 'open') return answer(200, { ok: true, waiting: true });

		// From here on the caller is not kept waiting: downloads may take longer than it would.
		answer(200, { ok: true, waiting: false });
		const writer = new ProblemWriter(host.node, provider);
		const outcomes = states.map((state) => outcomeOf(state, seen.tasks, writer, clock.now()));
		return await finish(context, provider, outcomes, first.operation);
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
		items = await toItems(deps, outcomes, operation);
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

type Sweep =
	| { end: 'terminal'; tasks: Map<string, Task | Failure> }
	| { end: 'open' }
	| { end: 'unreadable' };

/**
 * Reads the tasks until the first that is still open, no further (design 5.4). In random order: nothing is kept between
 * two calls, and in any fixed order all that is finished before an open task would be read again at every call. So N
 * calls take about N log N reads, in whatever order the tasks end.
 */
async function sweep(
	states: readonly Parked[],
	{ random }: Clock,
	read: (taskId: string) => ReturnType<Provider['read']>,
): Promise<Sweep> {
	const ids = states.flatMap(({ taskId, problem }) => (taskId && !problem ? [taskId] : []));
	for (let last = ids.length - 1; last > 0; last--) {
		const other = Math.floor(random() * (last + 1));
		[ids[last], ids[other]] = [ids[other] ?? '', ids[last] ?? ''];
	}
	const tasks = new Map<string, Task | Failure>();
	for (
		let size = 1, done = 0;
		done < ids.length;
		done += size, size = Math.min(size * 2, LARGEST_BATCH)
	) {
		const batch = ids.slice(done, done + size);
		const answers = await Promise.all(batch.map(read));
		for (const [position, seen] of answers.entries()) {
			const taskId = batch[position] ?? '';
			if (seen.ok && !isTerminal(seen.value)) return { end: 'open' };
			if (seen.ok) tasks.set(taskId, seen.value);
			// A task that the provider no longer knows will never end; anything else may be asked again.
			else if (seen.failure.reason === 'notFound') tasks.set(taskId, seen.failure);
			else return { end: 'unreadable' };
		}
	}
	return { end: 'terminal', tasks };
}

function outcomeOf(
	state: Parked,
	tasks: Map<string, Task | Failure>,
	writer: ProblemWriter,
	now: number,
): Outcome {
	const { itemIndex, settings, asked, taskId, since, polls, problem } = state;
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
	if (problem) {
		return { ...outcome, problem: writer.again(problem, itemIndex) };
	}
	const seen = tasks.get(taskId ?? '');
	if (seen && 'status' in seen) return settled(outcome, seen, writer);
	return seen ? { ...outcome, problem: writer.ofLostTask(seen, taskId ?? '', itemIndex) } : outcome;
}

/** What `park` has saved, as far as it is that. */
function parkedIn(saved: unknown): Parked[] {
	const states = unwrapJson(saved);
	return Array.isArray(states) ? states.filter(isParked) : [];
}

const isParked = (value: unknown): value is Parked =>
	isRecord(value) &&
	typeof value.nonce === 'string' &&
	typeof value.operation === 'string' &&
	typeof value.itemIndex === 'number' &&
	typeof value.since === 'number' &&
	isRecord(value.settings);
