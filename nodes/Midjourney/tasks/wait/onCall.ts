import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import { equalInConstantTime, isSigned, taskIdsIn } from '../../providers/callback';
import type { ApiSettings, Http } from '../../providers/http';
import { isRecord, text } from '../../providers/json';
import type { Provider } from '../../providers/provider';
import { claimsIn, executionAudience, hasToken, type WaitClaims } from '../callbacks/address';
import { reply } from '../callbacks/replies';
import { processClock, type Clock } from '../n8n/clock';
import { isStillSaved, RUN_AGAIN, saveOnWake, savedFor } from '../n8n/internals';
import { wordsOf } from '../n8n/nodeErrors';
import { openFor } from '../n8n/openCredentials';
import { accountOf } from './limiter';
import { isTaskOf } from './lost';
import { hasWoken, keepWait, knownWait, wakesAgain } from './registry';
import { WAKE_FIELD } from './selfCall';
import { idsOf, onWake, parseState, serialize, type TaskState, type WaitState } from './state';
import { scheduleOf } from './watched';
import { Watcher } from './watcher';

/**
 * The calls that reach a parked execution: this package's own wakes, and the provider's callbacks (architecture.md: A
 * callback is only a hint). n8n saves nothing of a call that does not wake the execution.
 */

/** Every call is answered within this time, in ms, whatever remains to be done: a provider gives up after 15 s. */
const ANSWER_WITHIN_MS = 8_000;

/**
 * Where this process does not watch the execution, a call this shortly before n8n's timer, in ms, leaves the wake to
 * the timer, which n8n has set by then (`TIMER_UNSET_MS` in park.ts).
 */
const TIMER_IS_SET_MS = 75_000;

/** How long a process that reads only on callbacks remembers what it has read for a wait, in ms. */
const KEPT_MS = 3_600_000;

interface Verdict {
	status: 200 | 401 | 404 | 503;
	/** The state from which the execution resumes; undefined: it is not woken. */
	wakeWith?: WaitState;
}

const HEARD: Verdict = { status: 200 };
const CALL_AGAIN: Verdict = { status: 503 };
const NOT_FOR_US: Verdict = { status: 404 };
const REFUSED: Verdict = { status: 401 };

/**
 * Answers one call. Never throws: n8n would end the execution and lose the data of the nodes before.
 *
 * @param provider undefined: the node names no known provider
 */
export async function onCall(
	context: IWebhookFunctions,
	provider: Provider | undefined,
	clock: Clock = processClock,
): Promise<IWebhookResponseData> {
	try {
		const working = provider ? decide(context, provider, clock) : Promise.resolve(NOT_FOR_US);
		const late = clock.sleep(ANSWER_WITHIN_MS).then(() => undefined);
		let verdict = await Promise.race([working, late]);
		if (!verdict) {
			reply(context, 202);
			verdict = await working;
		}
		const { status, wakeWith } = verdict;
		reply(context, status);
		if (!wakeWith) return { noWebhookResponse: true };
		saveOnWake(context, serialize(wakeWith));
		return { noWebhookResponse: true, workflowData: RUN_AGAIN };
	} catch (error) {
		context.logger.error(`Midjourney could not handle a callback: ${wordsOf(error)}`);
		reply(context, 503);
		return { noWebhookResponse: true };
	}
}

async function decide(
	context: IWebhookFunctions,
	provider: Provider,
	clock: Clock,
): Promise<Verdict> {
	const state = parseState(savedFor(context));
	if (!state?.wake) return NOT_FOR_US;
	const body: unknown = context.getBodyData();
	const wakeSecret = isRecord(body) ? text(body[WAKE_FIELD]) : undefined;
	if (wakeSecret !== undefined) {
		return equalInConstantTime(wakeSecret, state.wake) ? wakeUp(state, clock) : NOT_FOR_US;
	}
	const query: unknown = context.getQueryData();
	if (!hasToken(query)) return REFUSED;
	const audience = executionAudience(state.executionId);
	const headers = { ...context.getHeaderData() };
	const waitBy = ({ callbackKey }: ApiSettings) =>
		claimsIn(query, audience, callbackKey, clock.now())?.wait;
	// The signature has to fit as well: a webhook secret that was added since is found when the credential
	// is opened again.
	const fits = (one: ApiSettings) =>
		waitBy(one) !== undefined &&
		(one.webhookSecrets.length === 0 || isSigned(headers, body, one.webhookSecrets, clock.now()));
	const known = knownWait(state.nonce)?.http;
	const http =
		known && fits(known) ? known : await openFor(context, provider.credentialType, clock, fits);
	const wait = http && waitBy(http);
	if (!http || !wait) return REFUSED;
	const isWatched = () => knownWait(state.nonce)?.secret !== undefined;
	// This process knows whether an execution that it watches was woken. Any other may have been woken elsewhere
	// during the read.
	const isStillParked = async () => isWatched() || (await isStillSaved(context, state.executionId));
	return await onCallback({ provider, http, clock, isStillParked }, state, wait, body);
}

/** Resumes the execution, once: n8n 1.x would run it again at every further wake. */
function wakeUp(state: WaitState, clock: Clock): Verdict {
	if (!state.wake || wakesAgain(state.wake, clock.now())) return HEARD;
	return { ...HEARD, wakeWith: onWake(state, clock.now()) };
}

interface Tools {
	provider: Provider;
	http: Http;
	clock: Clock;
	/** Ask this right before the execution is woken, after everything that takes time. */
	isStillParked(): Promise<boolean>;
}

async function onCallback(
	tools: Tools,
	state: WaitState,
	{ nonce, position }: WaitClaims,
	body: unknown,
): Promise<Verdict> {
	const { provider, http, clock } = tools;
	const task = state.tasks[position];
	// The callback belongs to a wait that has ended, such as an earlier round of a loop.
	if (!task || !equalInConstantTime(nonce, state.nonce)) return HEARD;
	accountOf(http.account, processClock).calledAt = clock.now();
	const { stage } = task;
	if (stage.at === 'unknown') return await onLostAnswer(tools, state, task, body);
	if (stage.at !== 'bought') return HEARD;
	// An earlier call has woken the execution, and this process no longer watches it: there is nothing left to read here.
	if (!knownWait(nonce) && state.wake && hasWoken(state.wake)) return CALL_AGAIN;
	const watcher = watcherOf(state, provider, http, clock);
	await watcher.onCallback(stage.taskId);
	const sighting = watcher.sightingOf(stage.taskId);
	const isWatched = knownWait(state.nonce)?.secret !== undefined;
	// A process that reads only on callbacks would not read the task again by itself.
	if (!sighting?.end && !task.hasEnded) {
		return isWatched && !sighting?.failure ? HEARD : CALL_AGAIN;
	}
	const isLeftToTimer =
		!isWatched && state.until !== undefined && state.until - clock.now() < TIMER_IS_SET_MS;
	const isLast = state.tasks.every(
		({ stage: one, hasEnded }) =>
			one.at === 'ended' ||
			(one.at === 'bought' && (hasEnded || watcher.sightingOf(one.taskId)?.end !== undefined)),
	);
	if (!isLast || isLeftToTimer) return HEARD;
	// The execution was woken while this call waited for its read, and has taken over what was seen by then.
	if (state.wake && hasWoken(state.wake)) return HEARD;
	return (await tools.isStillParked()) ? wakeUp({ ...state, wasCalled: true }, clock) : CALL_AGAIN;
}

/** The watcher of this process. Where there is none, as in queue mode, a new one that reads only on callbacks. */
function watcherOf(state: WaitState, provider: Provider, http: Http, clock: Clock): Watcher {
	const known = knownWait(state.nonce);
	if (known && known.expiresAt === undefined) return known.watcher;
	const watcher =
		known?.watcher ??
		new Watcher({
			read: async (taskId) => await provider.read(http, taskId),
			account: accountOf(http.account, processClock),
			clock: processClock,
			operation: state.operation,
			polls: false,
		});
	// More tasks may have been bought since an earlier call.
	for (const task of state.tasks) {
		if (task.stage.at !== 'bought' || task.hasEnded) continue;
		watcher.add({
			...task.stage,
			schedule: scheduleOf(task, false),
			deadline: Infinity,
			called: true,
		});
	}
	keepWait(state.nonce, { watcher, http, expiresAt: clock.now() + KEPT_MS }, clock.now());
	return watcher;
}

/** A callback to the address of a submit whose answer was lost (architecture.md: Lost answers). */
async function onLostAnswer(
	{ provider, http, clock, isStillParked }: Tools,
	state: WaitState,
	task: TaskState,
	body: unknown,
): Promise<Verdict> {
	const taken = idsOf(state);
	const { asked, stage } = task;
	const since = stage.at === 'unknown' ? stage.since : 0;
	for (const taskId of taskIdsIn(body)) {
		const seen = await provider.read(http, taskId);
		if (!seen.ok && seen.failure.reason !== 'notFound') return CALL_AGAIN;
		if (!seen.ok || !isTaskOf({ asked, since }, seen.value, taken)) continue;
		const now = clock.now();
		const deadline = now + (task.settings?.timeLimitMs ?? 0);
		// Not `fresh`: the provider has found the task, so it is read at once.
		task.stage = { at: 'bought', taskId, since: now, deadline, fresh: false };
		if (!(await isStillParked())) return CALL_AGAIN;
		const verdict = wakeUp({ ...state, wasCalled: true }, clock);
		// Another call has already woken the execution, without this task id.
		return verdict.wakeWith ? verdict : CALL_AGAIN;
	}
	return HEARD;
}
