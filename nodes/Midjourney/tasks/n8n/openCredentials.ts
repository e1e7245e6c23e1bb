import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';

import {
	openCredential,
	type ApiSettings,
	type Http,
	type OpenCredential,
} from '../../providers/http';
import { lastingHelpers } from '../../providers/lastingHelpers';
import type { Provider } from '../../providers/provider';
import type { Clock } from './clock';
import { wordsOf } from './nodeErrors';

/**
 * The credentials that this process has open. Opening one takes n8n tens of ms, and a caller from outside must not be able
 * to force that. So calls are checked with the open credentials.
 */

/** How long an open credential is used, in ms: a change is noticed after this time at the latest. */
const KEPT_MS = 300_000;
/**
 * A call that does not fit may be due to a changed key: the credential is opened again for it, but no more often than
 * this, in ms, however many such calls arrive.
 */
const LOOK_AGAIN_MS = 60_000;
/** The pause before a credential that could not be opened is tried again, in ms. */
const FAILED_MS = 5_000;

interface Opening {
	/** Undefined when it cannot be opened. */
	credential: Promise<OpenCredential | undefined>;
	/** Unix ms at which it was opened. */
	at: number;
	/** Why it cannot be opened. In words, because an error holds the execution or call that it was thrown in. */
	failure?: string;
}

const openings = new Map<string, Opening>();

/**
 * Opens a credential, and keeps it open for the calls that follow.
 *
 * @throws NodeOperationError when the node has no credential
 */
export async function openAnew(
	context: IExecuteFunctions | IWebhookFunctions,
	credentialType: string,
	now: number,
): Promise<OpenCredential> {
	const opened = openCredential(context, credentialType);
	const kept = opened.catch((error: unknown) => {
		opening.failure = wordsOf(error);
		return undefined;
	});
	const opening: Opening = { credential: kept, at: now };
	openings.set(keyOf(context, credentialType), opening);
	return await opened;
}

/**
 * Access to a provider for a call and what follows from it: by a credential that is already open, if it fits.
 *
 * @param fits whether the call can be checked with it
 * @returns undefined when the call fits none
 * @throws when the credential cannot be opened
 */
export async function openFor(
	context: IWebhookFunctions,
	credentialType: string,
	{ now }: Pick<Clock, 'now'>,
	fits: (settings: ApiSettings) => boolean,
): Promise<Http | undefined> {
	const key = keyOf(context, credentialType);
	const ifItFits = (one: OpenCredential) =>
		fits(one) ? one.through(lastingHelpers(context.helpers)) : undefined;
	const known = openings.get(key);
	const age = known ? now() - known.at : Infinity;
	if (known && age < (known.failure === undefined ? KEPT_MS : FAILED_MS)) {
		const http = ifItFits(await openedBy(known));
		if (http || age < LOOK_AGAIN_MS) return http;
	}
	// Another call may have opened it while this one waited.
	const latest = openings.get(key);
	const isOpenedMeanwhile = latest !== undefined && latest !== known;
	return ifItFits(
		await (isOpenedMeanwhile ? openedBy(latest) : openAnew(context, credentialType, now())),
	);
}

async function openedBy(opening: Opening): Promise<OpenCredential> {
	const opened = await opening.credential;
	if (!opened) throw new Error(`n8n could not open the credential: ${opening.failure}`);
	return opened;
}

/** The credential of a node, for a run that may work without one. */
interface MaybeCredential {
	/** Undefined if there is no credential, or n8n cannot open it. */
	opened: OpenCredential | undefined;
	/** @throws n8n's own NodeOperationError if there is none */
	demand(): Promise<OpenCredential>;
}

/** Opens the credential of a node, as `openAnew`, if it has one. */
export async function openIfThere(
	context: IExecuteFunctions,
	{ credentialType }: Pick<Provider, 'credentialType'>,
	now: number,
): Promise<MaybeCredential> {
	const opening = openAnew(context, credentialType, now);
	const opened = await opening.catch(() => undefined);
	return { opened, demand: async () => await opening };
}

/** The key of a credential: its id, or its name where it has none. */
function keyOf(context: IExecuteFunctions | IWebhookFunctions, credentialType: string): string {
	const { id, name } = context.getNode().credentials?.[credentialType] ?? {};
	return `${credentialType} ${id ?? `named ${name}`}`;
}
