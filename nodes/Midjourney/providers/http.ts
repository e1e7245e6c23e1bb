import { createHash } from 'crypto';
import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	IWebhookFunctions,
	RequestHelperFunctions,
} from 'n8n-workflow';

import { bodyOf } from './body';
import { callbackKey } from './callback';
import { cleanText, withoutKey } from './clean';
import { isHttpUrl, isRecord, numberIn, text } from './json';
import type { Form } from './multipart';

/** Why a request failed, in one vocabulary for all providers (wording: errors.ts). */
export type FailureReason =
	| 'invalidKey'
	| 'notAllowed'
	| 'noCredits'
	| 'invalidRequest'
	| 'notFound'
	| 'rateLimited'
	| 'maintenance'
	| 'serverError'
	| 'generationFailed'
	| 'featureDisabled'
	| 'notOffered'
	| 'invalidSource'
	| 'unknownSize'
	| 'unusableImage'
	| 'undeliverableImage'
	| 'unfitCanvas'
	| 'unreachable'
	| 'connectionLost'
	| 'timedOut'
	| 'unreadable'
	| 'unexplained'
	| 'redirected';

/** A request form or setting that may be the reason for a refusal. */
export type Suspect = 'requestFormat' | 'upscaleContract' | 'varyIndexBase' | 'balancePath';

/** What an answer without a result means for the money and for another try. */
export interface Meaning {
	reason: FailureReason;
	/** `no`: the provider certainly did not act on the request. `unknown`: it may have (architecture.md: Pay once). */
	accepted: 'no' | 'unknown';
	/** Whether the very same request may succeed later. */
	transient: boolean;
}

/** A failure as a value: the caller decides what it means for the money. */
export interface Failure extends Meaning {
	/** The code from the provider or the transport, unchanged. */
	code?: string;
	/** The provider's own message. */
	message?: string;
	/** What the provider's documentation says about the code. */
	meaning?: string;
	/** How long the provider asks to wait before the next request, in ms. */
	retryAfterMs?: number;
	/** How often it was tried, if known. */
	attempts?: number;
	/** What to check first: the form of the request may be wrong. */
	suspect?: Suspect;
}

/** A result without a value. */
export interface Failed {
	ok: false;
	failure: Failure;
}

/** A value, or why there is none. */
export type Result<T> = { ok: true; value: T } | Failed;

export const success = <T>(value: T): Result<T> => ({ ok: true, value });

export const failed = (failure: Failure): Failed => ({ ok: false, failure });

/** The request was certainly not accepted and, unless the details say otherwise, never will be. */
export const refused = (reason: FailureReason, details: Partial<Failure> = {}): Failed =>
	failed({ reason, accepted: 'no', transient: false, ...details });

/** The answer is not one of the provider's: nobody knows what became of the request. */
export const unreadable = (details: Partial<Failure> = {}): Failed =>
	failed({ reason: 'unreadable', accepted: 'unknown', transient: true, ...details });

/** The result of a request that a provider does not offer. */
export const notOffered = refused('notOffered');

/** One request on the wire, relative to the base URL. */
export interface Call {
	method: 'GET' | 'POST';
	path: string;
	/** Where it goes when not to the base URL; without a slash at the end. */
	baseUrl?: string;
	query?: IDataObject;
	body?: IDataObject;
	/** Sent instead of `body`. */
	form?: Form;
	/** The time limit in ms, if an answer is useful for a shorter time than usual. */
	limitMs?: number;
}

/** An answer from the wire, whatever its status. */
export interface Reply {
	status: number;
	/** Parsed if it was JSON, text otherwise. */
	body: unknown;
	retryAfterMs?: number;
}

/** What a credential says about a provider's API. */
export interface ApiSettings {
	/** The address of the API, without a trailing slash. */
	readonly baseUrl: string;
	/** Identifies the account without revealing anything about it. */
	readonly account: string;
	/** The key that signs the callback addresses of this n8n and this account; never to be shown. */
	readonly callbackKey: string;
	/** The secrets that the provider may sign its callbacks with; empty if it signs nothing. Never to be shown. */
	readonly webhookSecrets: readonly string[];
	/** The form of a request body, if the credential lets the user choose it; any other value: whichever works. */
	readonly requestFormat?: string;
	/** Where files go by the credential, without a slash at the end; undefined: it does not say. */
	readonly uploadUrl?: string;
	/**
	 * The least balance with which a run may buy anything, in the provider's credits; undefined: no minimum. NaN: what was entered
	 * is not a valid number.
	 */
	readonly minimumBalance?: number;
}

/** An open credential. It holds nothing of the execution or call that opened it. */
export interface OpenCredential extends ApiSettings {
	/** Access to the API. Whoever holds it holds these `helpers`. */
	through(helpers: RequestHelpers): Http;
}

/**
 * The part of n8n's `helpers` that sends requests. n8n's own hold the execution that n8n made them for, with all its items
 * (architecture.md: A companion keeps little).
 */
export type RequestHelpers = Pick<
	RequestHelperFunctions,
	'httpRequest' | 'httpRequestWithAuthentication'
>;

/** Access to one provider's API with the user's key. */
export interface Http extends ApiSettings {
	send(call: Call): Promise<Result<Reply>>;
}

/** The same access, for requests that are useful for no longer than this, in ms. */
export const withLimit = (http: Http, limitMs: number): Http => ({
	...http,
	send: async (call) =>
		await http.send({ ...call, limitMs: Math.min(limitMs, call.limitMs ?? Infinity) }),
});

/**
 * How long a request may take, from its first byte to the last byte of its answer, in ms. A submit gets longer, because
 * giving up on it may lose a paid task, while a read is simply repeated.
 */
const LIMIT_MS = { GET: 30_000, POST: 120_000 };

/** The longest pause to accept: a provider that asks for more is as good as gone, and n8n's timers overflow at 25 days. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** A running node, or a node that handles a webhook call: both can send requests with a credential. */
export type RequestContext = IExecuteFunctions | IWebhookFunctions;

/**
 * Opens a credential. Its access still works after the node has returned. n8n adds the key (`authenticate` of the credential).
 * Every HTTP status is returned as a reply, and every transport error as a failure. Nothing is repeated here and no redirect is
 * followed: the key goes to the base URL (with a file, to the provider's host for uploads) and nowhere else.
 *
 * n8n tears down requests of a context that can be cancelled, which would lose the id of a task that may already be paid; this
 * one cannot be cancelled (the node itself stops at once, tasks/n8n/clock.ts).
 *
 * @throws if n8n cannot open the credential
 */
export async function openCredential(
	context: RequestContext,
	credentialType: string,
): Promise<OpenCredential> {
	const data = await context.getCredentials(credentialType);
	const { logger } = context;
	const node = context.getNode();
	const caller = { logger, getNode: () => node, getCredentials: async () => data };
	const { id, name } = node.credentials?.[credentialType] ?? {};
	const credentialsDecrypted = { id: id ?? '', name: name ?? '', type: credentialType, data };
	const key = text(data.apiKey)?.trim();
	const host = data.baseUrl === 'other' ? data.otherBaseUrl : data.baseUrl;
	const base = withoutSlash(host) ?? '';
	const settings: ApiSettings = {
		baseUrl: base,
		account: createHash('sha256').update(`${credentialType} ${base} ${key}`).digest('hex'),
		callbackKey: callbackKey(key ?? '', context.getInstanceId()),
		webhookSecrets: [data.webhookSecret, data.previousWebhookSecret].flatMap(
			(secret) => text(secret)?.trim() || [],
		),
		requestFormat: text(data.requestFormat),
		uploadUrl: withoutSlash(data.fileUploadUrl),
		minimumBalance: minimumIn(data.minimumBalance),
	};
	const through = (helpers: RequestHelpers): Http => ({
		...settings,
		async send({ method, path, baseUrl = base, query, body, form, limitMs = LIMIT_MS[method] }) {
			if (!isHttpUrl(baseUrl)) {
				// Not shown: if the user mixed up the fields, it is the key.
				const field = baseUrl === base ? 'Base URL' : 'File Upload Base URL';
				return refused('unreachable', {
					message: `${field} is not a URL that starts with https:// or http://`,
				});
			}
			const signal = AbortSignal.timeout(limitMs);
			const options: IHttpRequestOptions = {
				method,
				url: baseUrl + path,
				qs: query,
				body,
				json: true,
				// Allows the node to stop reading an answer that is too large.
				encoding: 'stream',
				// Only ends silence; the signal also ends an answer that trickles in.
				timeout: limitMs,
				abortSignal: signal,
				disableFollowRedirect: true,
				ignoreHttpStatusErrors: true,
				returnFullResponse: true,
			};
			try {
				if (form) {
					options.body = await form.open();
					options.headers = { 'content-type': form.contentType, 'content-length': form.bytes };
				}
				const reply: unknown = await Reflect.apply(
					helpers.httpRequestWithAuthentication,
					{ ...caller, helpers },
					[credentialType, options, { credentialsDecrypted }],
				);
				return await readReply(reply, signal, key);
			} catch (error) {
				return signal.aborted
					? failed({ reason: 'timedOut', accepted: 'unknown', transient: true })
					: failed(transportFailure(error, key));
			}
		},
	});
	return { ...settings, through };
}

const withoutSlash = (url: unknown): string | undefined =>
	text(text(url)?.trim().replace(/\/+$/, ''));

/** No minimum for 0, and for an older credential without the field. An expression may have any value. */
function minimumIn(entered: unknown): number | undefined {
	if (entered === undefined || entered === null || entered === '') return undefined;
	const minimum = numberIn(entered) ?? NaN;
	if (minimum === 0) return undefined;
	return minimum > 0 ? minimum : NaN;
}

async function readReply(
	reply: unknown,
	signal: AbortSignal,
	key: string | undefined,
): Promise<Result<Reply>> {
	if (!isRecord(reply) || typeof reply.statusCode !== 'number') return unreadable();
	const { statusCode: status } = reply;
	const read = await bodyOf(reply.body, signal, (words) => withoutKey(words, key));
	if (!read.ok) return unreadable({ code: String(status), message: read.words });
	const headers = isRecord(reply.headers) ? reply.headers : {};
	return success({ status, body: read.body, retryAfterMs: retryAfterMs(headers['retry-after']) });
}

/** The pause that a `Retry-After` header asks for, in ms: a number of seconds or a date. Anything else is ignored. */
export function retryAfterMs(header: unknown): number | undefined {
	const value = text(header);
	if (value === undefined) return undefined;
	const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
	return ms > 0 ? Math.min(ms, LONGEST_RETRY_AFTER_MS) : undefined;
}

/** The connection was never established, which may work next time. */
const NO_CONNECTION = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EHOSTUNREACH',
	'ENETUNREACH',
]);
/** The request could not be built. */
const NO_REQUEST = new Set(['ERR_INVALID_URL', 'ERR_INVALID_CHAR', 'ERR_INVALID_PROTOCOL']);
/** The certificate is invalid, which is detected before the request. */
const NO_TRUST =
	/^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;
/**
 * The TLS handshake failed. `EPROTO` occurs while the request still waits to be written. Of OpenSSL's codes, only those of a
 * handshake count, because others (a bad record, an unexpected end) also occur while the answer is read.
 */
const NO_HANDSHAKE =
	/^EPROTO$|^ERR_SSL_.*(VERSION|PROTOCOL|HANDSHAKE|CIPHER|CERT|UNKNOWN_CA|UNRECOGNIZED_NAME|KEY_TOO_SMALL|INSUFFICIENT_SECURITY|LEGACY|HTTP_REQUEST|PACKET_LENGTH)/;
const TIMED_OUT = new Set(['ETIMEDOUT', 'ECONNABORTED']);
/** n8n's own errors: it did not send the request. */
const HELD_BACK = /^(Ssrf\w+|UserError|NodeOperationError)$/;
/** Messages of Node and axios whose code says nothing. */
const WORDS_BEFORE_SENDING = /before secure TLS connection was established|Unsupported protocol/;

const neverSent = (details: Partial<Failure>): Failure => refused('unreachable', details).failure;

/** n8n wraps the errors of axios; the actual error is somewhere in the chain of causes. */
function transportFailure(error: unknown, key: string | undefined): Failure {
	const links: Array<{ name?: unknown; message?: unknown; syscall?: unknown; errors?: unknown }> =
		[];
	let code: string | undefined;
	let link = error;
	for (let depth = 0; isRecord(link) && depth < 6; depth++) {
		links.push(link);
		code ??= [link.code, link.httpCode].map(text).find((word) => word && /^[A-Z_\d]+$/.test(word));
		link = link.cause ?? link.errorResponse;
	}
	const said = links.flatMap(({ message }) => text(message) ?? []);
	const words = cleanText(withoutKey(said[said.length - 1] ?? '', key)) || undefined;
	if (NO_CONNECTION.has(code ?? '') || links.some(isOfConnecting)) {
		return neverSent({ code, transient: true });
	}
	if (links.some(({ name }) => HELD_BACK.test(String(name))) || NO_REQUEST.has(code ?? '')) {
		return neverSent({ code, message: words });
	}
	const spoken = said.find((message) => WORDS_BEFORE_SENDING.test(message));
	if (spoken !== undefined) return neverSent({ code, message: cleanText(spoken) });
	if (code !== undefined && (NO_TRUST.test(code) || NO_HANDSHAKE.test(code))) {
		return neverSent({ code });
	}
	if (TIMED_OUT.has(code ?? '')) {
		return { reason: 'timedOut', code, accepted: 'unknown', transient: true };
	}
	return {
		reason: 'connectionLost',
		code,
		message: code === undefined ? words : undefined,
		accepted: 'unknown',
		transient: true,
	};
}

/** A failed `connect`, or several if a host has several addresses. */
const isOfConnecting = ({ syscall, errors }: { syscall?: unknown; errors?: unknown }): boolean =>
	syscall === 'connect' ||
	(Array.isArray(errors) &&
		errors.length > 0 &&
		errors.every((one: unknown) => isRecord(one) && one.syscall === 'connect'));
