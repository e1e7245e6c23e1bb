import { createHmac, randomBytes } from 'crypto';

import { equalInConstantTime } from '../../providers/callback';
import { isRecord, text, unwrapJson } from '../../providers/json';

/**
 * The address that a provider calls when a task has ended. It proves itself: everything that this package puts into it
 * stands in one token, under a tag that only this n8n can make. So a call that nobody here has asked for is refused before
 * anything is opened, read or remembered. Whatever n8n itself puts into a resume URL is kept.
 *
 * The token is `payload.tag`: JSON in base64url, and HMAC-SHA256 over the audience and the payload. The audience is not
 * in the payload: an address for one execution or Trigger is worth nothing at another.
 */

/** The query parameter of this package. */
export const TOKEN = 'mjToken';

/** Raised when an older package could not read what this one writes. */
const VERSION = 1;

/** No token of ours is longer, in characters: nothing is decoded that is. */
const LONGEST = 4096;

/** So long after the time limit of its task an address is worth something, in ms: a provider's queue may outlast the limit. */
export const OUTLASTS_MS = 24 * 3_600_000;

/** The wait that an address belongs to. */
export interface WaitClaims {
	/** Names the wait: tells its calls from those of another round. */
	nonce: string;
	/** Which of the tasks of the wait: a call tells of that one, also where the answer to its submit was lost. */
	position: number;
	/** The execution that waits, and n8n's own token for calling it, where n8n has one: for whoever hands the call on. */
	executionId?: string;
	resumeToken?: string;
}

/** What an address says. */
export interface CallbackClaims {
	/** Of this submit alone; random. */
	submit: string;
	/** Unix ms: worth nothing from then on. */
	expiresAt: number;
	/** Any text of the user's; comes back with the result. */
	reference?: string;
	/** Undefined: nobody waits, a workflow is to start. */
	wait?: WaitClaims;
}

/** Random, for `CallbackClaims.submit`. */
export const newSubmitNonce = (): string => randomBytes(12).toString('base64url');

/** Whom an address is for that resumes an execution. */
export const executionAudience = (executionId: string): string => `execution ${executionId}`;

/**
 * Whom an address is for that calls a Trigger; the same for its test and its production URL, and behind a proxy that
 * changes what stands in front.
 *
 * @param url of the Trigger, as n8n shows it: its last part but one is the random webhook id of the node
 */
export function triggerAudience(url: string): string {
	const path = URL.canParse(url) ? new URL(url).pathname : '';
	return `trigger ${path.split('/').filter(Boolean).at(-2) ?? ''}`;
}

/**
 * The address with the claims in it.
 *
 * @throws TypeError when `url` is none
 */
export function signedAddress(
	url: string,
	{ submit, expiresAt, reference, wait }: CallbackClaims,
	audience: string,
	key: string,
): string {
	const said = { v: VERSION, s: submit, x: Math.ceil(expiresAt / 1000), r: reference };
	const waits = wait && {
		w: wait.nonce,
		i: wait.position,
		e: wait.executionId,
		t: wait.resumeToken,
	};
	const payload = Buffer.from(JSON.stringify({ ...said, ...waits })).toString('base64url');
	const address = new URL(url);
	address.searchParams.set(TOKEN, `${payload}.${tagOf(payload, audience, key)}`);
	return address.href;
}

const tagOf = (payload: string, audience: string, key: string): string =>
	createHmac('sha256', key).update(`${audience}\n${payload}`).digest('base64url');

/** Whether a call carries something in the place of a token; nothing of it is believed. */
export const hasToken = (query: unknown): boolean => tokenIn(query) !== undefined;

const tokenIn = (query: unknown): string | undefined =>
	isRecord(query) && query[TOKEN] !== undefined ? (text(query[TOKEN]) ?? '') : undefined;

/**
 * What the address of a call says; undefined where its tag does not fit, it is of another audience, or it has expired.
 * Never throws.
 *
 * @param now Unix ms
 */
export function claimsIn(
	query: unknown,
	audience: string,
	key: string,
	now: number,
): CallbackClaims | undefined {
	const given = tokenIn(query) ?? '';
	const [payload, tag, ...more] = given.length <= LONGEST ? given.split('.') : [];
	if (!payload || !tag || more.length > 0) return undefined;
	if (!equalInConstantTime(tag, tagOf(payload, audience, key))) return undefined;
	const said = unwrapJson(Buffer.from(payload, 'base64url').toString());
	if (!isRecord(said) || said.v !== VERSION) return undefined;
	const submit = text(said.s);
	const expiresAt = Number(said.x) * 1000;
	if (submit === undefined || !(now < expiresAt)) return undefined;
	const nonce = text(said.w);
	return {
		...{ submit, expiresAt, reference: text(said.r) },
		wait:
			nonce === undefined
				? undefined
				: { nonce, position: Number(said.i), executionId: text(said.e), resumeToken: text(said.t) },
	};
}
