import { createHmac } from 'crypto';

import { equalInConstantTime, sign } from '../providers/callback';
import { isRecord, text } from '../providers/json';

/**
 * The URL that a provider calls when a task has ended. It is the resume URL of the waiting execution, or the URL of a
 * Midjourney Trigger that carries this resume URL, signed, so that the Trigger calls no other address.
 * Everything that n8n itself puts into a resume URL is kept.
 */

/** The query parameters that this package adds. */
const NONCE = 'mjNonce';
const POSITION = 'mjItem';
const REFERENCE = 'mjReference';
const RESUME = 'mjResume';
const SIGNATURE = 'mjSignature';

export interface CallbackTarget {
	/** Where n8n resumes this execution. */
	resumeUrl: string;
	/** Random, of this wait alone: tells its callbacks from those of another round. */
	nonce: string;
	/** Which of the tasks of the wait it is: a call tells of that one, also where the answer to its submit was lost. */
	position: number;
	/** Any text of the user's; comes back with the result. */
	reference?: string;
	/** Go through this Midjourney Trigger; `key` is `relayKey` of the credential that it shares. */
	relay?: { url: string; key: string };
}

/** @throws TypeError when one of the URLs is none */
export function callbackUrl({
	resumeUrl,
	nonce,
	position,
	reference,
	relay,
}: CallbackTarget): string {
	const direct = new URL(resumeUrl);
	direct.searchParams.set(NONCE, nonce);
	direct.searchParams.set(POSITION, String(position));
	if (reference !== undefined) direct.searchParams.set(REFERENCE, reference);
	if (!relay) return direct.href;
	const url = new URL(relay.url);
	if (reference !== undefined) url.searchParams.set(REFERENCE, reference);
	url.searchParams.set(RESUME, direct.href);
	url.searchParams.set(SIGNATURE, sign(direct.href, relay.key));
	return url.href;
}

/** What this package put into the query of a callback. */
export interface CallbackQuery {
	nonce?: string;
	/** Of the task among those that the execution waits for. */
	position?: number;
	reference?: string;
	/** Present only when it is signed with the key: an address to hand the callback on to. */
	resumeUrl?: string;
	/** There is an address, but its signature does not fit. */
	forged: boolean;
}

/** @param key `relayKey` of the credential; undefined: no address is accepted */
export function readCallbackQuery(query: unknown, key: string | undefined): CallbackQuery {
	const given = isRecord(query) ? query : {};
	const resume = text(given[RESUME]);
	const signature = text(given[SIGNATURE]) ?? '';
	const position = text(given[POSITION]);
	const fits =
		resume !== undefined && key !== undefined && equalInConstantTime(signature, sign(resume, key));
	return {
		nonce: text(given[NONCE]),
		position: position !== undefined && /^\d{1,6}$/.test(position) ? Number(position) : undefined,
		reference: text(given[REFERENCE]),
		resumeUrl: fits ? resume : undefined,
		forged: resume !== undefined && !fits,
	};
}

/** A key for signing addresses that tells nothing about the API key it is derived from. */
export const relayKey = (apiKey: string): string =>
	createHmac('sha256', apiKey).update('n8n-nodes-midjourney relay').digest('base64');
