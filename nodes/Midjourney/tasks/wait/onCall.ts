import type { IDataObject, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import { equalInConstantTime, isSigned, taskIdsIn } from '../../providers/callback';
import type { Http } from '../../providers/http';
import { isRecord, text } from '../../providers/json';
import type { Provider } from '../../providers/provider';
import { claimsIn, executionAudience, hasToken, type WaitClaims } from '../callbacks/address';
import { openFor } from '../callbacks/opened';
import { processClock, type Clock } from '../clock';
import { isStillSaved, RUN_AGAIN, saveOnWake, savedFor } from '../internals';
import { isTaskOf } from '../lost';
import { accountOf } from './limiter';
import { hasWoken, keepWait, knownWait, wakesAgain } from './registry';
import { WAKE_FIELD } from './selfCall';
import { onWake, parseState, serialize, type TaskState, type WaitState } from './state';
import { scheduleOf } from './submitBatch';
import { Watcher } from './watcher';

/**
 * Calls that reach a parked execution: this package's own wakes, and the provider's callbacks. A callback is only a hint:
 * whatever it says, the task is read. Tasks are read by the watcher of this process; n8n saves nothing of a call that
 * wakes nobody.
 */

/** A provider gives up a call after 15 s: from then on it is answered whatever is still to be done; in ms. */
const ANSWER_WITHIN_MS = 8_000;

/**
 * n8n sets the timer of a wait 70 s ahead, and a call that ends the wait does not take it back. It does harm to whatever
 * waits behind the node, so what is left of such a wait is left to the timer.
 */
const TIMER_IS_SET_MS = 75_000;

/** How long a process that lives by calls remembers what it has read for a wait, in ms. */
const KEPT_MS = 3_600_000;

interface Verdict {
	status: 200 | 202 | 401 | 404 | 503;
	body: IDataObject;
	/** The execution goes on with this state. */
	wakeWith?: WaitState;
}

/** The same for whatever is known of a task, and for what is not known: whoever calls learns nothing. */
const HEARD: Verdict = { status: 200, body: { ok: true } };
const CALL_AGAIN: Verdict = { status: 503, body: { ok: false, message: 'Call again' } };
const NOT_FOR_US: Verdict = {
	status: 404,
	body: { ok: false, message: 'Nothing here waits for this call' },
};
const REFUSED: Verdict = {
	status: 401,
	body: { ok: false, message: 'The call does not prove itself' },
};

/**
 * Answers one call. Never throws: n8n would end the execution and lose the data of the nodes before.
 *
 * @param provider undefined: none that is known
 * @returns `workflowData` when the execution is to go on
 */
export async function onCall(
	context: IWebhookFunctions,
	provider: Provider | undefined,
	clock: Clock = processClock,
): Promise<IWebhookResponseData> {
	let answered = false;
	const answer = ({ status, body }: Verdict) => {
		if (!answered) context.getResponseObject().status(status).json(body);
		answered = true;
	};
	try {
		const working = provider ? decide(context, provider, clock) : Promise.resolve(NOT_FOR_US);
		const late = clock.sleep(ANSWER_WITHIN_MS).then(() => undefined);
		let verdict = await Promise.race([working, late]);
		if (!verdict) {
			answer({ status: 202, body: { ok: true } });
			verdict = await working;
		}
		answer(verdict);
		const { wakeWith } = verdict;
		if (!wakeWith) return { noWebhookResponse: true };
		saveOnWake(context, serialize(wakeWith));
		return { noWebhookResponse: true, workflowData: RUN_AGAIN };
	} catch (error) {
		const words = error instanceof Error ? error.message : String(error);
		context.logger.error(`Midjourney could not handle a callback: ${words}`);
		answer(CALL_AGAIN);
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
	const waitBy = ({ callbackKey }: Http) =>
		claimsIn(query, audience, callbackKey, clock.now())?.wait;
	// The signature, too: a secret that was added since then is found by a fresh look.
	const fits = (one: Http) =>
		waitBy(one) !== undefined &&
		(one.webhookSecrets.length === 0 || isSigned(headers, body, one.webhookSecrets, clock.now()));
	const known = knownWait(state.nonce)?.http;
	const http =
		known && fits(known) ? known : await openFor(context, provider.credentialType, clock, fits);
	const wait = http && waitBy(http);
	if (!http || !wait) return REFUSED;
	const isWatched = () => knownWait(state.nonce)?.secret !== undefined;
	// What this process watches it knows to be woken. Elsewhere the reading has taken its time.
	const isStillParked = async () => isWatched() || (await isStillSaved(context, state.executionId));
	return await onCallback({ provider, http, clock, isStillParked }, state, wait, body);
}

/** The execution goes on, once: n8n 1.x would run it again at every further wake. */
function wakeUp(state: WaitState, clock: Clock): Verdict {
	if (!state.wake || wakesAgain(state.wake, clock.now())) return HEARD;
	return { ...HEARD, wakeWith: onWake(state, clock.now()) };
}

/** What a call that has proved itself works with. */
interface Tools {
	provider: Provider;
	http: Http;
	clock: Clock;
	/** To be asked right before the execution goes on, after all that takes time. */
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
	// Of another round of a loop, say: it has ended.
	if (!task || !equalInConstantTime(nonce, state.nonce)) return HEARD;
	accountOf(http.account, processClock).calledAt = clock.now();
	const { stage } = task;
	if (stage.at === 'unknown') return await onLostAnswer(tools, state, task, body);
	if (stage.at !== 'bought') return HEARD;
	// Woken by an earlier call, and over here, if it goes on here: nothing is to be read for it any more.
	if (!knownWait(nonce) && state.wake && hasWoken(state.wake)) return CALL_AGAIN;
	const watcher = watcherOf(state, provider, http, clock);
	await watcher.onCallback(stage.taskId);
	const sighting = watcher.sightingOf(stage.taskId);
	const isWatched = knownWait(state.nonce)?.secret !== undefined;
	// Who lives by calls alone would not look again.
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
	// Woken while this call waited for its read: what was seen by then goes on with the execution.
	if (state.wake && hasWoken(state.wake)) return HEARD;
	return (await tools.isStillParked()) ? wakeUp({ ...state, wasCalled: true }, clock) : CALL_AGAIN;
}

/** The watcher of this process; where there is none, as in queue mode, one that lives by calls alone. */
function watcherOf(state: WaitState, provider: Provider, http: Http, clock: Clock): Watcher {
	const known = knownWait(state.nonce);
	if (known && known.expiresAt === undefined) return known.watcher;
	const watcher =
		known?.watcher ??
		new Watcher({
			read: async (taskId) => await provider.read(http, taskId),
			account: accountOf(http.account, processClock),
			clock: processClock,
			polls: false,
		});
	// Since an earlier call more may have been bought.
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

/**
 * The answer to this submit was lost, and its own address is called: what the call names is this item's task if the
 * provider knows it, it is nobody else's, and it was made of this request.
 */
async function onLostAnswer(
	{ provider, http, clock, isStillParked }: Tools,
	state: WaitState,
	task: TaskState,
	body: unknown,
): Promise<Verdict> {
	const others = state.tasks.map(({ stage }) =>
		stage.at === 'bought' ? { taskId: stage.taskId, since: stage.since } : { since: 0 },
	);
	const { asked, stage } = task;
	const since = stage.at === 'unknown' ? stage.since : 0;
	for (const taskId of taskIdsIn(body)) {
		const seen = await provider.read(http, taskId);
		if (!seen.ok && seen.failure.reason !== 'notFound') return CALL_AGAIN;
		if (!seen.ok || !isTaskOf({ asked, since }, seen.value, others)) continue;
		const now = clock.now();
		const deadline = now + (task.settings?.timeLimitMs ?? 0);
		// Not fresh: it is read at once, and it was found.
		task.stage = { at: 'bought', taskId, since: now, deadline, fresh: false };
		if (!(await isStillParked())) return CALL_AGAIN;
		const verdict = wakeUp({ ...state, wasCalled: true }, clock);
		// Somebody else has woken it already, without this id.
		return verdict.wakeWith ? verdict : CALL_AGAIN;
	}
	return HEARD;
}
