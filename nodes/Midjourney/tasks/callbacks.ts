import {
	type IDataObject,
	type IHookFunctions,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { openHttp, type Reply } from '../providers/http';
import { isRecord, text } from '../providers/json';
import type { Provider } from '../providers/Provider';
import { executionClock } from './clock';
import { Deliveries, forgetDeliveries } from './deliveries';
import { hostOf } from './host';
import type { Settings } from './order';
import {
	receive,
	type Callback,
	type CallbackSecrets,
	type ReceiveSettings,
	type Verdict,
} from './receive';
import { receivedItems } from './received';

/** The Trigger's side of a callback: what n8n gives goes to tasks/receive, its verdict goes back through n8n. */

/** The headers of a provider's signature: whoever gets a callback handed on may want to check it, too. */
const SIGNATURE_HEADERS = ['x-webhook-timestamp', 'x-webhook-signature'];

/** What a user has chosen in the Trigger; read when a call comes, and may throw then. */
export interface Chosen {
	provider(): Provider;
	receiving(): ReceiveSettings;
	/** How the items are to look. */
	items(): Settings;
}

/** Answers one call. Never throws: n8n would make an execution with an empty item of that. */
export async function answerCallback(
	context: IWebhookFunctions,
	chosen: Chosen,
): Promise<IWebhookResponseData> {
	const host = hostOf(context);
	const clock = executionClock(host);
	const receivedAt = new Date(clock.now()).toISOString();
	let release = () => {};
	try {
		const provider = chosen.provider();
		const deliveries = deliveriesOf(context);
		const { start, ...verdict } = await receive(callOf(context), {
			clock,
			deliveries,
			settings: chosen.receiving(),
			secrets: async () => await secretsOf(context, provider),
			read: async (taskId) =>
				await provider.read(await openHttp(context, provider.credentialType), taskId),
			resume: async (url, callback, timeoutMs) => await resume(context, url, callback, timeoutMs),
		});
		// To find out why an execution was not resumed, or what a provider was told.
		const line = `Midjourney callback answered ${verdict.status}: ${verdict.message}`;
		if (verdict.status === 200) context.logger.debug(line);
		else context.logger.warn(line);
		if (!start) return answer(context, verdict);

		release = () => deliveries.release(start.key);
		const settings = chosen.items();
		// Files may take longer than the provider waits. Without files n8n answers as soon as the execution has begun.
		const early = verdict.status !== 200 || settings.download !== undefined;
		const answered = early ? answer(context, verdict) : { webhookResponse: wordsOf(verdict) };
		const deps = { host, provider, clock, settings };
		return { ...answered, workflowData: [await receivedItems(start, { receivedAt }, deps)] };
	} catch (error) {
		release();
		const message = error instanceof Error ? error.message : String(error);
		context.logger.error(`Midjourney callback could not be handled: ${message}`);
		return answer(context, { status: 503, message: 'The callback cannot be handled now' });
	}
}

/** Forgets which callbacks have come; the end of a test in the editor changes nothing for the published workflow. */
export function forgetCallbacks(context: IHookFunctions): void {
	if (context.getMode() === 'manual') return;
	forgetDeliveries(context.getWorkflowStaticData('node'), nodeKeyOf(context));
}

const callOf = (context: IWebhookFunctions): Callback => ({
	headers: context.getHeaderData(),
	query: context.getQueryData(),
	body: context.getBodyData(),
});

async function secretsOf(
	context: IWebhookFunctions,
	{ credentialType }: Provider,
): Promise<CallbackSecrets> {
	const { apiKey, webhookSecret } = await context.getCredentials(credentialType);
	return { apiKey: text(apiKey), webhookSecret: text(webhookSecret) };
}

/** While someone tries the workflow out in the editor, every call counts. */
const deliveriesOf = (context: IWebhookFunctions): Deliveries =>
	context.getMode() === 'manual'
		? new Deliveries({}, undefined)
		: new Deliveries(context.getWorkflowStaticData('node'), nodeKeyOf(context));

const nodeKeyOf = (context: IWebhookFunctions | IHookFunctions): string =>
	`${context.getWorkflow().id} ${context.getNode().id}`;

/** Hands a callback on to an execution of this n8n, without any credential. */
async function resume(
	context: IWebhookFunctions,
	url: string,
	{ headers, body }: Callback,
	timeout: number,
): Promise<Reply> {
	const signature = SIGNATURE_HEADERS.flatMap((name) => {
		const value = text(headers[name]);
		return value === undefined ? [] : [[name, value] as const];
	});
	const reply: unknown = await context.helpers.httpRequest({
		method: 'POST',
		url,
		headers: Object.fromEntries(signature),
		body: isRecord(body) ? body : {},
		json: true,
		timeout,
		disableFollowRedirect: true,
		ignoreHttpStatusErrors: true,
		returnFullResponse: true,
	});
	return isRecord(reply)
		? { status: Number(reply.statusCode), body: reply.body }
		: { status: 0, body: undefined };
}

const wordsOf = ({ status, message }: Verdict): IDataObject => ({ ok: status === 200, message });

/** Answers at once, unless that was done. */
function answer(context: IWebhookFunctions, verdict: Verdict): IWebhookResponseData {
	const response = context.getResponseObject();
	if (!response.headersSent) response.status(verdict.status).json(wordsOf(verdict));
	return { noWebhookResponse: true };
}
