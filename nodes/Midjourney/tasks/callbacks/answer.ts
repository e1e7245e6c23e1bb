import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import type { Http } from '../../providers/http';
import { isRecord, text, unwrapJson } from '../../providers/json';
import type { Provider } from '../../providers/provider';
import { defined } from '../../providers/wire';
import { processClock } from '../n8n/clock';
import { wordsOf } from '../n8n/nodeErrors';
import { openFor } from '../n8n/openCredentials';
import {
	addressOfExecution,
	isStatus,
	knownAddress,
	postTo,
	reachableAddress,
	reachAdvice,
	type OwnAddress,
} from '../wait/selfCall';
import { executionAudience, signedAddress, triggerAudience, type CallbackClaims } from './address';
import { Starts, startsOf, triggerOf } from './once';
import { receive, type Call, type ReceiveSettings, type RemoteWait } from './receive';
import { callLogOf } from './refusals';
import { relay } from './relay';
import { REPLIES, reply } from './replies';
import { startItem } from './start';

/** The Trigger's side of a call: passes what n8n gives to receive.ts, and the verdict back to n8n. */

/** The headers of a provider's signature: an execution that gets the call handed on checks it, too. */
const SIGNATURE_HEADERS = ['x-webhook-timestamp', 'x-webhook-signature'];

/** What a user has set in the Trigger; read when a call arrives, and may throw then. */
interface Chosen {
	provider(): Provider;
	receiving(): ReceiveSettings;
	/** The base URL at which this n8n can be reached from inside, if the user has set one. */
	internalUrl(): string | undefined;
}

/** Answers one call. Never throws: n8n would start an execution with an empty item. */
export async function answerCall(
	context: IWebhookFunctions,
	chosen: Chosen,
): Promise<IWebhookResponseData> {
	const clock = processClock;
	const receivedAt = new Date(clock.now()).toISOString();
	try {
		const trigger = triggerOf(context);
		// While someone tries the workflow out in the editor, every call counts.
		const starts = context.getMode() === 'manual' ? new Starts() : startsOf(trigger);
		const log = callLogOf(trigger, context.getNode().name, context.logger, clock);
		const call = callOf(context);
		const { start, status, because } = await receive(call, {
			clock,
			starts,
			settings: chosen.receiving(),
			audience: () => triggerAudience(context.getNodeWebhookUrl('default') ?? ''),
			open: async (fits) => await openFor(context, chosen.provider().credentialType, clock, fits),
			read: async (http, taskId) => await chosen.provider().read(http, taskId),
			handOn: async (...target) => await handOn(context, chosen.internalUrl(), call, ...target),
		});
		if (status === 200) log.taken();
		else if (status === 401) log.refused(because ?? '');
		else log.putOff(because ?? '');
		const workflowData = start && [[startItem(start, { receivedAt })]];
		// n8n answers once the execution has started, and then only with 200.
		if (workflowData && status === 200) return { webhookResponse: REPLIES[200], workflowData };
		reply(context, status);
		return { noWebhookResponse: true, workflowData };
	} catch (error) {
		context.logger.error(`Midjourney Trigger could not handle a call: ${wordsOf(error)}`);
		reply(context, 503);
		return { noWebhookResponse: true };
	}
}

const callOf = (context: IWebhookFunctions): Call => ({
	headers: { ...context.getHeaderData() },
	query: context.getQueryData(),
	body: context.getBodyData(),
});

/** The calls that are being handed on. Another call for the same task waits for the same result. */
const underWay = new Map<string, Promise<boolean>>();

async function handOn(
	context: IWebhookFunctions,
	internal: string | undefined,
	call: Call,
	wait: RemoteWait,
	claims: CallbackClaims,
	http: Http,
	until: number,
): Promise<boolean> {
	const target = `${wait.nonce} ${wait.position}`;
	const same = underWay.get(target);
	if (same) return await same;
	const { nonce, position, executionId } = wait;
	const address = async (isAgain: boolean) => {
		const own = await addressOf(context, wait, internal, isAgain);
		const said = { ...claims, wait: { nonce, position } };
		return own && signedAddress(own.resume, said, executionAudience(executionId), http.callbackKey);
	};
	const given = unwrapJson(call.body);
	const body = isRecord(given) ? given : {};
	const headers = defined(
		Object.fromEntries(SIGNATURE_HEADERS.map((name) => [name, text(call.headers[name])])),
	);
	const post = async (url: string, timeoutMs: number) =>
		await postTo(context.helpers, url, body, timeoutMs, headers);
	const hasResumeToken = wait.resumeToken !== undefined;
	const relaying = relay(until, { clock: processClock, hasResumeToken, address, post }).then(
		(result) => result !== 'later',
	);
	underWay.set(target, relaying);
	try {
		return await relaying;
	} finally {
		underWay.delete(target);
	}
}

/** n8n's own addresses; the same in every call. */
let ofNoExecution: { resumeUrl: unknown; resumeFormUrl: unknown } | undefined;

/** Whether the warning was logged; reset once n8n can be reached again. */
let isSaid = false;

/**
 * The addresses of an execution, made from n8n's own. Only the id and the token of the execution come from the call.
 */
async function addressOf(
	context: IWebhookFunctions,
	{ executionId, resumeToken }: RemoteWait,
	internal: string | undefined,
	isAgain: boolean,
): Promise<OwnAddress | undefined> {
	ofNoExecution ??= {
		resumeUrl: context.evaluateExpression('{{ $execution.resumeUrl }}'),
		resumeFormUrl: context.evaluateExpression('{{ $execution.resumeFormUrl }}'),
	};
	const usual = addressOfExecution(ofNoExecution, executionId, resumeToken);
	if (!usual) return undefined;
	const own =
		(isAgain ? undefined : knownAddress(usual)) ??
		(await reachableAddress(context.helpers, usual, internal, isStatus));
	if (!own && !isSaid) {
		context.logger.warn(
			`Midjourney Trigger cannot reach its own n8n, so it cannot hand calls on to the executions that wait for them: ${reachAdvice()}`,
		);
	}
	isSaid = !own;
	return own;
}
