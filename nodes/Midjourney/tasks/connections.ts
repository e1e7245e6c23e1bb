import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';

import { openHttp, type Http } from '../providers/http';
import type { Provider } from '../providers/provider';
import type { Clock } from './clock';

/**
 * The connections to providers that this process has open, by credential. Opening one takes n8n tens of ms, and a
 * caller from outside must not be able to force that. So calls are checked with the open connections.
 */

/** How long a connection is used, in ms: a changed credential is noticed after this time at the latest. */
const KEPT_MS = 300_000;
/**
 * A call that does not fit may be due to a changed key: the credential is opened again for it, but no more often than
 * this, in ms, however many such calls arrive.
 */
const LOOK_AGAIN_MS = 60_000;
/** The pause before a credential that could not be opened is tried again, in ms. */
const FAILED_MS = 5_000;

interface Opening {
	http: Promise<Http>;
	/** Unix ms at which it was opened. */
	at: number;
	hasFailed: boolean;
}

const openings = new Map<string, Opening>();

/**
 * Opens a new connection to a provider, and keeps it for the calls that follow. Of the context it keeps only what a
 * request needs.
 *
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
 * A connection to a provider, for a call: one that is already open, if it fits.
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
	// Another call may have opened it while this one waited.
	const latest = openings.get(key);
	const http = await (latest && latest !== known
		? latest.http
		: openAnew(context, credentialType, now()));
	return fits(http) ? http : undefined;
}

/** The credential of a node, for a run that may work without one. */
interface Credential {
	/** Undefined if there is no credential, or n8n cannot open it. */
	http: Http | undefined;
	/** @throws n8n's own NodeOperationError if there is none */
	demand(): Promise<Http>;
}

/** Opens the credential of a node, as `openAnew`, if it has one. */
export async function openIfThere(
	context: IExecuteFunctions,
	{ credentialType }: Pick<Provider, 'credentialType'>,
	now: number,
): Promise<Credential> {
	const opening = openAnew(context, credentialType, now);
	const http = await opening.catch(() => undefined);
	return { http, demand: async () => await opening };
}

/** The key of a credential: its id, or its name where it has none. */
function keyOf(context: IExecuteFunctions | IWebhookFunctions, credentialType: string): string {
	const { id, name } = context.getNode().credentials?.[credentialType] ?? {};
	return `${credentialType} ${id ?? `named ${name}`}`;
}
