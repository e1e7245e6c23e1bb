import { createHmac, randomBytes } from 'crypto';

import { equalInConstantTime } from '../../providers/callback';
import { isRecord, text, unwrapJson } from '../../providers/json';

/**
 * The address that a provider calls when a task has ended. It authenticates its calls (architecture.md: A callback is
 * only a hint) by one token, `payload.tag`: JSON in base64url, and HMAC-SHA256 over the audience and the payload. The
 * audience is not in the payload: an address for one execution or Trigger is worth nothing at another.
 */

/** The query parameter that carries the token. */
export const TOKEN = 'mjToken';

/** Raised when an older package could not read what this one writes. */
const VERSION = 1;

/** The longest token that is decoded, in characters; ours are shorter. */
const LONGEST = 4096;

/** How long an address is valid after the time limit of its task, in ms: a provider's queue may outlast it. */
export const OUTLASTS_MS = 24 * 3_600_000;

/** The wait that an address belongs to. */
export interface WaitClaims {
	/** Identifies the wait, and tells its calls from those of another round. */
	nonce: string;
	/** The position of the task in the wait: a call reports that task, even if the answer to its submit was lost. */
	position: number;
	/** The execution that waits, and n8n's own token for calling it, where n8n has one. Used to hand the call on. */
	executionId?: string;
	resumeToken?: string;
}

/** What an address claims. */
export interface CallbackClaims {
	/** Random, and unique to this submit. */
	submit: string;
	/** Unix ms from which the address is no longer valid. */
	expiresAt: number;
	/** Any text from the user; it comes back with the result. */
	reference?: string;
	/** Undefined: nothing waits, a workflow is to start. */
	wait?: WaitClaims;
}

/** A random value for `CallbackClaims.submit`. */
export const newSubmitNonce = (): string => randomBytes(12).toString('base64url');

/** The audience of an address that resumes an execution. */
export const executionAudience = (executionId: string): string => `execution ${executionId}`;

/**
 * The audience of an address that calls a Trigger. It is the same for the test and the production URL, and behind a
 * proxy that changes the beginning of the URL.
 *
 * @param url of the Trigger, as n8n shows it: its last part but one is the random webhook id of the node
 */
export function triggerAudience(url: string): string {
	const path = URL.canParse(url) ? new URL(url).pathname : '';
	return `trigger ${path.split('/').filter(Boolean).at(-2) ?? ''}`;
}

/**
 * The address with the claims in its token.
 *
 * @param key of the HMAC, `Http.callbackKey`
 * @throws TypeError when `url` is not a URL
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

/** Whether a call carries a token. Its content is not checked. */
export const hasToken = (query: unknown): boolean => tokenIn(query) !== undefined;

const tokenIn = (query: unknown): string | undefined =>
	isRecord(query) && query[TOKEN] !== undefined ? (text(query[TOKEN]) ?? '') : undefined;

/**
 * The claims in the address of a call; undefined when the tag is wrong, the address is for another audience, or it has
 * expired. Never throws.
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
