import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';

import { openHttp, type Http } from '../../providers/http';
import type { Clock } from '../clock';

/**
 * The ways to providers that this process has open, by credential. Opening one costs n8n tens of ms, and whoever calls from
 * outside must not make it do that: so calls are checked with what is open already.
 */

/** A changed credential is seen after this, in ms, at the latest. */
const KEPT_MS = 300_000;
/** A call that does not fit may come of a changed key: looked at no more often than this, in ms, however many come. */
const LOOK_AGAIN_MS = 60_000;
/** A credential that cannot be opened is tried again after this, in ms. */
const FAILED_MS = 5_000;

interface Opening {
	http: Promise<Http>;
	/** Unix ms. */
	at: number;
	hasFailed: boolean;
}

const openings = new Map<string, Opening>();

/**
 * Opens the way to a provider anew, and keeps it for the calls that come. Of the context nothing is kept but what a
 * request needs.
 *
 * @param now Unix ms
 * @throws NodeOperationError when the node has no credential
 */
export async function openAnew(
	context: IExecuteFunctions | IWebhookFunctions,
	credentialType: string,
	now: number,
): Promise<Http> {
	const opening: Opening = { http: openHttp(context, credentialType), at: now, hasFailed: false };
	openings.set(keyOf(context, credentialType), opening);
	return await opening.http.catch((error: unknown) => {
		opening.hasFailed = true;
		throw error;
	});
}

/**
 * The way to a provider, for a call: one that is open already if it fits.
 *
 * @param fits whether the call can be checked with it
 * @returns undefined when the call fits none
 * @throws NodeOperationError when the credential cannot be opened
 */
export async function openFor(
	context: IWebhookFunctions,
	credentialType: string,
	{ now }: Pick<Clock, 'now'>,
	fits: (http: Http) => boolean,
): Promise<Http | undefined> {
	const key = keyOf(context, credentialType);
	const known = openings.get(key);
	const age = known ? now() - known.at : Infinity;
	if (known && age < (known.hasFailed ? FAILED_MS : KEPT_MS)) {
		const http = await known.http;
		if (fits(http)) return http;
		if (age < LOOK_AGAIN_MS) return undefined;
	}
	// Another call may have looked while this one waited.
	const latest = openings.get(key);
	const http = await (latest && latest !== known
		? latest.http
		: openAnew(context, credentialType, now()));
	return fits(http) ? http : undefined;
}

/** Credentials have ids; one without is told by its name. */
function keyOf(context: IExecuteFunctions | IWebhookFunctions, credentialType: string): string {
	const { id, name } = context.getNode().credentials?.[credentialType] ?? {};
	return `${credentialType} ${id ?? `named ${name}`}`;
}
