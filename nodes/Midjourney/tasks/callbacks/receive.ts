import { isSigned, taskIdsIn } from '../../providers/callback';
import {
	failed,
	success,
	withLimit,
	type ApiSettings,
	type Result,
	type Http,
} from '../../providers/http';
import { noTaskId } from '../../providers/ids';
import { isRecord, text } from '../../providers/json';
import { isTerminal, type Task } from '../../providers/task';
import { within, type Clock } from '../n8n/clock';
import { accountOf } from '../wait/limiter';
import { knownWait } from '../wait/registry';
import type { Watcher } from '../wait/watcher';
import { claimsIn, hasToken, type CallbackClaims, type WaitClaims } from './address';
import { FOR_ANYBODY, FOR_THE_PROVED, lookupsOf } from './lookups';
import { keyOf, type Starts } from './once';

/**
 * What the Midjourney Trigger does with a call from outside (architecture.md: The path of a callback). There is always
 * an answer within the provider's limit, and it reveals nothing about any task.
 */

/** The provider waits 15 s for an answer (wire.md: MidAPI callbacks). All steps together may take this long, in ms. */
const BUDGET_MS = 12_000;
/** The time limit for opening the credential, and for reading the task, in ms each. */
const STEP_MS = 6_000;
/** The status may lag a moment behind the callback: an open task is read once more after this time, in ms. */
const LOOK_AGAIN_MS = 2_500;

/** The two ends of a task. */
export type TaskEnd = 'completed' | 'failed';

/** What a user has set. */
export interface ReceiveSettings {
	/** Which ends start this workflow. */
	triggerOn: readonly TaskEnd[];
	/** What a callback for a waiting execution does. */
	onCallback: 'start' | 'resume' | 'both';
	/** Whether calls without a token of this n8n are refused. */
	onlyOwnTasks: boolean;
}

/** A call as it came in; nothing in it is trusted. */
export interface Call {
	headers: Record<string, unknown>;
	query: unknown;
	body: unknown;
}

/** A wait of an execution that this process may not know. */
export type RemoteWait = WaitClaims & { executionId: string };

/** Dependencies of `receive`. */
interface ReceiveDeps {
	clock: Clock;
	settings: ReceiveSettings;
	/** What this process knows of the starts of this Trigger. */
	starts: Starts;
	/** The audience that an address must have. */
	audience(): string;
	/** Access to the provider; undefined when the call fits no credential. May reject. */
	open(fits: (settings: ApiSettings) => boolean): Promise<Http | undefined>;
	/** Reads a task once, with an access that gives up when the call has ended. May reject. */
	read(http: Http, taskId: string): Promise<Result<Task>>;
	/** Hands the call on to an execution; false when that has to be tried again later. */
	handOn(target: RemoteWait, claims: CallbackClaims, http: Http, until: number): Promise<boolean>;
}

/** A task that is to start an execution. */
export interface Start {
	task: Task;
	reference?: string;
	/** The key under which it is remembered. */
	key: string;
}

/** What to answer, why (for the log only), and what to start. */
export interface Verdict {
	status: 200 | 401 | 503;
	because?: string;
	start?: Start;
}

const refused = (because: string): Verdict => ({ status: 401, because });
const later = (because: string): Verdict => ({ status: 503, because });

/** Decides about one call. Never rejects. */
export async function receive(call: Call, deps: ReceiveDeps): Promise<Verdict> {
	const { clock, settings } = deps;
	const begin = clock.now();
	const isTokened = hasToken(call.query);
	if (!isTokened && settings.onlyOwnTasks) {
		return refused('no token in the address, and Only Tasks of This n8n is on');
	}
	const claimsWith = ({ callbackKey }: ApiSettings) =>
		claimsIn(call.query, deps.audience(), callbackKey, clock.now());
	const fits = (opened: ApiSettings) => !isTokened || claimsWith(opened) !== undefined;
	const opened = await within(clock, begin + STEP_MS, async () => ({
		http: await deps.open(fits),
	}));
	if (!opened) return later('the credential cannot be opened');
	const { http } = opened;
	const claims = http && isTokened ? claimsWith(http) : undefined;
	if (!http || (isTokened && !claims)) {
		return refused(
			'the token in the address is not valid: it has expired, was altered, or was made for another Trigger, another n8n or another API key',
		);
	}
	const secrets = http.webhookSecrets;
	const isSignedByProvider = secrets.length > 0;
	if (isSignedByProvider && !isSigned(call.headers, call.body, secrets, clock.now())) {
		return refused('the signature by the Webhook HMAC Secret is missing, wrong or too old');
	}
	// Of several ids, the provider signs only the first.
	const named = taskIdsIn(call.body).slice(0, isSignedByProvider ? 1 : undefined);
	const taskIds = named.filter((id) => noTaskId(id) === undefined);
	const unsigned = isRecord(call.query) ? text(call.query.mjReference)?.slice(0, 200) : undefined;
	return await serve({
		...{ deps, http, claims, taskIds, until: begin + BUDGET_MS },
		isProved: claims !== undefined || isSignedByProvider,
		reference: claims ? claims.reference : unsigned,
	});
}

/** A call that was admitted. */
interface Admitted {
	deps: ReceiveDeps;
	http: Http;
	claims?: CallbackClaims;
	/** The task ids that it names, best first. */
	taskIds: readonly string[];
	reference?: string;
	/** Whether the call is authenticated: by its token, or by the provider's signature. */
	isProved: boolean;
	/** Unix ms by which the call has to be answered. */
	until: number;
}

async function serve(admitted: Admitted): Promise<Verdict> {
	const { deps, http, claims, taskIds } = admitted;
	const { onCallback, triggerOn } = deps.settings;
	const wait = onCallback === 'start' ? undefined : claims?.wait;
	const wantsStart = onCallback !== 'resume' && triggerOn.length > 0;
	const watched = wait && watchedHere(wait);
	if (watched) accountOf(http.account, deps.clock).calledAt = deps.clock.now();
	const [isHandedOn, seen] = watched
		? await throughWatcher(watched, wantsStart, admitted)
		: await Promise.all([
				handOn(wait, admitted),
				wantsStart ? readTwice(async () => await lookUp(taskIds, admitted), admitted) : undefined,
			]);
	const start = seen?.ok ? toStart(seen.value, admitted) : undefined;
	const problem = isHandedOn
		? seen && problemOf(seen, admitted)
		: 'the waiting execution cannot be resumed yet';
	return problem === undefined ? { status: 200, start } : { ...later(problem), start };
}

/** Why the provider is to call again about a task; undefined if it need not. */
function problemOf(seen: Result<Task>, { isProved }: Admitted): string | undefined {
	if (seen.ok) return undefined;
	const { reason } = seen.failure;
	if (reason === 'notFound') return isProved ? 'the provider does not know the task' : undefined;
	return reason === 'rateLimited'
		? 'too many tasks are being read at once'
		: `the task cannot be read now (${reason})`;
}

async function handOn(wait: WaitClaims | undefined, admitted: Admitted): Promise<boolean> {
	const { deps, claims, http, until } = admitted;
	const { executionId } = wait ?? {};
	if (!wait || !claims || executionId === undefined) return true;
	return (
		(await within(
			deps.clock,
			until,
			async () => await deps.handOn({ ...wait, executionId }, claims, http, until),
		)) ?? false
	);
}

/** A task, and the watcher of this process that waits for it and wakes the execution when all tasks have ended. */
interface Watched {
	taskId: string;
	watcher: Watcher;
}

function watchedHere({ nonce, position }: WaitClaims): Watched | undefined {
	const known = knownWait(nonce);
	const taskId = known?.taskIds?.[position];
	if (!known || known.secret === undefined || taskId === undefined) return undefined;
	const { watcher } = known;
	const isWatched = !watcher.isStopped && watcher.sightingOf(taskId) !== undefined;
	return isWatched ? { taskId, watcher } : undefined;
}

/** Tells the watcher, whose read also shows what is to start. The watcher itself reads an open task again later. */
async function throughWatcher(
	{ taskId, watcher }: Watched,
	wantsStart: boolean,
	admitted: Admitted,
): Promise<[boolean, Result<Task> | undefined]> {
	const { clock } = admitted.deps;
	const tell = async (): Promise<Result<Task>> => {
		const stepEnd = Math.min(admitted.until, clock.now() + STEP_MS);
		await within(clock, stepEnd, async () => await watcher.onCallback(taskId));
		const { end, task, failure } = watcher.sightingOf(taskId) ?? {};
		// The watcher does not read this task any more.
		if (end === 'lost' || end === 'timeLimit') {
			return wantsStart ? await lookUp([taskId], admitted) : TIMED_OUT;
		}
		return failure || !task ? failed(failure ?? TIMED_OUT.failure) : success(task);
	};
	const seen = wantsStart ? await readTwice(tell, admitted) : await tell();
	const isOver = watcher.sightingOf(taskId)?.end !== undefined;
	return [isOver || seen.ok, wantsStart ? seen : undefined];
}

const TIMED_OUT = failed({ reason: 'timedOut', accepted: 'unknown', transient: true });

/** The result of `read`, which is repeated once if an authenticated call reports a task that is still open. */
async function readTwice(
	read: () => Promise<Result<Task>>,
	{ deps: { clock }, isProved, until }: Admitted,
): Promise<Result<Task>> {
	const seen = await read();
	const isOpen = isProved && seen.ok && !isTerminal(seen.value);
	if (!isOpen || clock.now() + LOOK_AGAIN_MS > until) return seen;
	await clock.sleep(LOOK_AGAIN_MS);
	return await read();
}

/** The first of these tasks that the provider knows; if it knows none, the answer for the last id. */
async function lookUp(
	taskIds: readonly string[],
	{ deps: { clock, read }, http, isProved, until }: Admitted,
): Promise<Result<Task>> {
	const stepEnd = Math.min(until, clock.now() + STEP_MS);
	const lookups = lookupsOf(http.account, isProved ? FOR_THE_PROVED : FOR_ANYBODY, clock);
	let seen: Result<Task> = failed({ reason: 'notFound', accepted: 'no', transient: false });
	for (const taskId of taskIds) {
		const looking = async () =>
			await lookups.read(
				taskId,
				stepEnd,
				async (limitMs) => await read(withLimit(http, limitMs), taskId),
			);
		seen = (await within(clock, stepEnd, looking)) ?? TIMED_OUT;
		if (seen.ok || seen.failure.reason !== 'notFound') return seen;
	}
	return seen;
}

function toStart(task: Task, { deps, claims, reference }: Admitted): Start | undefined {
	const { settings, starts, clock } = deps;
	if (!settings.triggerOn.some((end) => end === task.status)) return undefined;
	// An address starts only the task that was submitted with it, whatever else a caller names.
	if (claims && !starts.isOfSubmit(claims.submit, task.taskId)) return undefined;
	const key = keyOf(task);
	return starts.claim(key, clock.now()) ? { task, reference, key } : undefined;
}
