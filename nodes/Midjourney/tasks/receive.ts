import { isSigned, taskIdsIn } from '../providers/callback';
import { failed, type Answer, type Reply } from '../providers/http';
import { unwrapJson } from '../providers/json';
import { isTerminal, type Task } from '../providers/Task';
import type { Clock } from './clock';
import type { Deliveries } from './deliveries';

/**
 * What the Midjourney Trigger does with a call from outside: checks it, reads the task again, hands it on to a waiting
 * execution, and says whether a new one is to start. Whatever happens, there is an answer within the provider's limit.
 */

/** The provider waits 15 s for an answer (wire.md: MidAPI callbacks). This is what all steps together may take, in ms. */
const BUDGET_MS = 12_000;
/** For reading credential and task; the rest is left for handing on. */
const READ_MS = 6000;
/** For one try to hand on: n8n is near, and the execution that it resumes reads its tasks before it answers. */
const RESUME_MS = 5000;
/** Between two tries to hand on: 250 ms at first, twice as much each time, up to this. */
const LONGEST_PAUSE_MS = 2000;

/** The two ends of a task. */
export type TaskEnd = 'completed' | 'failed';

/** What a user has chosen. */
export interface ReceiveSettings {
	/** Which ends start this workflow. */
	triggerOn: readonly TaskEnd[];
	/** What a callback that carries a waiting execution does. */
	onCallback: 'start' | 'resume' | 'both';
}

/** A call as it came in; nothing of it is believed. */
export interface Callback {
	headers: Record<string, unknown>;
	query: unknown;
	body: unknown;
}

/** What the credential knows about callbacks. */
export interface CallbackSecrets {
	/** Addresses to hand on to are signed with a key made of it. */
	apiKey?: string;
	/** Undefined: the provider signs nothing. */
	webhookSecret?: string;
}

export interface ReceiveDeps {
	clock: Clock;
	deliveries: Deliveries;
	settings: ReceiveSettings;
	/** May reject. */
	secrets(): Promise<CallbackSecrets>;
	/** Reads the task with the credential, once. May reject. */
	read(taskId: string): Promise<Answer<Task>>;
	/** Posts to n8n, follows nothing and gives whatever was answered. May reject. */
	resume(url: string, callback: Callback, timeoutMs: number): Promise<Reply>;
}

/** A task that is to start an execution. */
export interface Start {
	task: Task;
	reference?: string;
	/** Under what it is remembered, to be released if it does not start. */
	key: string;
}

/** What to answer, and what to start. */
export interface Verdict {
	status: 200 | 401 | 404 | 503;
	/** For the answer; never holds anything secret. */
	message: string;
	start?: Start;
}

/** Decides about one call. Never rejects. */
export async function receive(callback: Callback, deps: ReceiveDeps): Promise<Verdict> {
	const { clock } = deps;
	const begin = clock.now();
	const body = unwrapJson(callback.body);

	const secrets = await within(clock, begin + READ_MS, async () => await deps.secrets());
	if (!secrets) return { status: 503, message: 'The credential cannot be read' };
	const { apiKey, webhookSecret } = secrets;
	if (webhookSecret && !isSigned(callback.headers, body, [webhookSecret], clock.now())) {
		return { status: 401, message: 'The signature is missing, wrong or too old' };
	}
	const query: { reference?: string; resumeUrl?: string } = { reference: apiKey && undefined };

	const seen = await within(clock, begin + READ_MS, async () => await firstKnown(body, deps));
	if (!seen) return { status: 503, message: 'The task cannot be read now' };
	if (!seen.ok && seen.failure.reason !== 'notFound') {
		return { status: 503, message: 'The task cannot be read now' };
	}
	const task = seen.ok ? seen.value : undefined;
	if (task && !isTerminal(task)) return { status: 200, message: 'The task is still open' };

	// Before anything else is waited for: a second call that comes meanwhile must find it.
	const start = task && toStart(task, query.reference, deps);
	const { resumeUrl } = query;
	if (resumeUrl === undefined || deps.settings.onCallback === 'start') {
		if (!task) return { status: 404, message: 'The task is not known' };
		return { status: 200, message: start ? 'Started' : 'Nothing to start', start };
	}
	// Some providers may call with ids of their own (wire.md: Vtrix callbacks). The signed address tells whom it is for all the same,
	// and who waits there reads its own tasks.
	const message = await handOn(resumeUrl, { ...callback, body }, begin + BUDGET_MS, deps);
	return message === undefined
		? { status: 503, message: 'The waiting execution cannot be resumed yet', start }
		: { status: 200, message, start };
}

/** The first task among the ids of a call that the provider knows; the answer to the last id when it knows none. */
async function firstKnown(body: unknown, { read }: ReceiveDeps): Promise<Answer<Task>> {
	let seen: Answer<Task> = failed({ reason: 'notFound', taken: 'no', passing: false });
	for (const taskId of taskIdsIn(body)) {
		seen = await read(taskId);
		if (seen.ok || seen.failure.reason !== 'notFound') return seen;
	}
	return seen;
}

function toStart(
	task: Task,
	reference: string | undefined,
	{ settings, deliveries }: ReceiveDeps,
): Start | undefined {
	const { taskId, status } = task;
	const wanted =
		settings.onCallback !== 'resume' && settings.triggerOn.some((end) => end === status);
	const key = `${taskId}:${status}`;
	return wanted && deliveries.claim(key) ? { task, reference, key } : undefined;
}

/**
 * Hands a callback on to the execution that waits for it, again and again while n8n is still saving that execution.
 *
 * @returns what came of it; undefined when it must be tried again later
 */
async function handOn(
	url: string,
	callback: Callback,
	deadline: number,
	{ clock, resume }: ReceiveDeps,
): Promise<string | undefined> {
	for (let pause = 250; clock.now() < deadline; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
		const left = Math.min(deadline - clock.now(), RESUME_MS);
		const until = clock.now() + left;
		const reply = await within(clock, until, async () => await resume(url, callback, left));
		const result = reply && resultOf(reply);
		if (result !== undefined) return result;
		await clock.sleep(Math.min(pause, Math.max(deadline - clock.now(), 0)));
	}
	return undefined;
}

/** What n8n's answer means; undefined: not yet, or no answer of n8n's at all. */
function resultOf({ status, body }: Reply): string | undefined {
	if (status >= 200 && status < 300) return 'Handed on';
	// 409 means both “is running already”, which passes, and “has finished already”.
	if (status === 409 && !/finished/.test(JSON.stringify(body) ?? '')) return undefined;
	if (status === 404 || status === 409) return 'The execution no longer waits';
	if (status === 408 || status === 429 || status >= 500) return undefined;
	// A refusal stays one however often it is asked for.
	return `n8n refused to resume the execution (${status})`;
}

/** What `work` gives, or undefined when it fails or is not done until then. */
async function within<T>(
	clock: Clock,
	deadline: number,
	work: () => Promise<T>,
): Promise<T | undefined> {
	const left = deadline - clock.now();
	if (left <= 0) return undefined;
	const nothing = () => undefined;
	return await Promise.race([work().catch(nothing), clock.sleep(left).then(nothing)]);
}
