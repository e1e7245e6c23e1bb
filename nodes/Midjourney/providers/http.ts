import { createHash } from 'crypto';
import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	IWebhookFunctions,
} from 'n8n-workflow';

import { bodyOf } from './body';
import { callbackKey } from './callback';
import { cleanText, withoutKey } from './clean';
import { isHttpUrl, isRecord, text } from './json';
import type { Form } from './multipart';

/** Why something was not answered as hoped, in one vocabulary for all providers (wording: errors.ts). */
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

/** A setting that may be what makes a provider refuse. */
export type Suspect = 'requestFormat' | 'upscaleContract';

/** What an answer without a result means: for the money, and for another try. */
export interface Meaning {
	reason: FailureReason;
	/** `no`: the provider certainly did not act on the request. `unknown`: it may have (architecture.md: Pay once). */
	accepted: 'no' | 'unknown';
	/** Whether the very same request may succeed later. */
	transient: boolean;
}

/** What went wrong, as a value: whoever asked decides what that means for the money. */
export interface Failure extends Meaning {
	/** The provider's or the transport's code, kept as it came. */
	code?: string;
	/** The provider's own words. */
	message?: string;
	/** What the provider's documentation says of the code. */
	meaning?: string;
	/** How long the provider asked to be left alone, in ms. */
	retryAfterMs?: number;
	/** How often it was tried, as far as that is known. */
	attempts?: number;
	/** What to look at before anything else. */
	suspect?: Suspect;
}

export type Result<T> = { ok: true; value: T } | { ok: false; failure: Failure };

export const success = <T>(value: T): Result<T> => ({ ok: true, value });
export const failed = (failure: Failure): { ok: false; failure: Failure } => ({
	ok: false,
	failure,
});

/** What a provider says to a request that it has nothing for. */
export const notOffered = failed({ reason: 'notOffered', accepted: 'no', transient: false });

/** One request on the wire, relative to the base URL. */
export interface Call {
	method: 'GET' | 'POST';
	path: string;
	/** Where it goes when not to the base URL; without a slash at the end. */
	baseUrl?: string;
	query?: IDataObject;
	body?: IDataObject;
	/** In place of `body`. */
	form?: Form;
	/** In ms, where an answer is of use for a shorter time than usual. */
	limitMs?: number;
}

/** What came back over the wire, whatever its status. */
export interface Reply {
	status: number;
	/** Parsed where it was JSON, text otherwise. */
	body: unknown;
	retryAfterMs?: number;
}

/** A way to one provider's API with the user's key. */
export interface Http {
	/** Where the API is, without a slash at the end. */
	readonly baseUrl: string;
	/** Tells the account from all others; nothing can be learned from it. */
	readonly account: string;
	/** What the callback addresses of this n8n and this account are signed with; never to be shown. */
	readonly callbackKey: string;
	/** What the provider may sign its callbacks with; empty: it signs nothing. Never to be shown. */
	readonly webhookSecrets: readonly string[];
	/** How the body of a request is to look, where the credential has a choice of that. */
	readonly requestFormat?: string;
	/** Where files go by the credential, without a slash at the end; undefined: it does not say. */
	readonly uploadUrl?: string;
	send(call: Call): Promise<Result<Reply>>;
}

/** The same way, for requests that are of use for no longer than this, in ms. */
export const withLimit = (http: Http, limitMs: number): Http => ({
	...http,
	send: async (call) =>
		await http.send({ ...call, limitMs: Math.min(limitMs, call.limitMs ?? Infinity) }),
});

/**
 * How long a request may take, from its first byte to the last of its answer, in ms. A submit gets longer: giving up on
 * one may lose a paid task, while a look is simply repeated.
 */
const LIMIT_MS = { GET: 30_000, POST: 120_000 };

/** Nobody is waited for any longer: whoever asks for more is as good as gone, and timers of n8n overflow at 25 days. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** A running node, or one that is called over the web: both can ask with a credential. */
export type RequestContext = IExecuteFunctions | IWebhookFunctions;

/**
 * Opens the way to a provider: n8n adds the key (`authenticate` of the credential), every HTTP status comes back as a
 * reply, and what the transport could not do comes back as a failure. Nothing is repeated here and no redirect is
 * followed: the key goes to the base URL, with files to where the provider takes them, and nowhere else.
 *
 * The credential is opened once, and of the context only what a request needs is kept: so an open way also serves after
 * the node has returned, and holds no items. n8n tears down requests of a context that can be cancelled, which would throw
 * away the id of a task that may be paid already; this one cannot (the node itself stops at once, tasks/clock.ts).
 */
export async function openHttp(context: RequestContext, credentialType: string): Promise<Http> {
	const data = await context.getCredentials(credentialType);
	const { helpers, logger } = context;
	const node = context.getNode();
	const caller = { helpers, logger, getNode: () => node, getCredentials: async () => data };
	const { id, name } = node.credentials?.[credentialType] ?? {};
	const credentialsDecrypted = { id: id ?? '', name: name ?? '', type: credentialType, data };
	const key = text(data.apiKey)?.trim();
	const host = data.baseUrl === 'other' ? data.otherBaseUrl : data.baseUrl;
	const base = withoutSlash(host) ?? '';
	return {
		baseUrl: base,
		account: createHash('sha256').update(`${credentialType} ${base} ${key}`).digest('hex'),
		callbackKey: callbackKey(key ?? '', context.getInstanceId()),
		webhookSecrets: [data.webhookSecret, data.previousWebhookSecret].flatMap(
			(secret) => text(secret)?.trim() || [],
		),
		requestFormat: text(data.requestFormat),
		uploadUrl: withoutSlash(data.fileUploadUrl),
		async send({ method, path, baseUrl = base, query, body, form, limitMs = LIMIT_MS[method] }) {
			if (!isHttpUrl(baseUrl)) {
				// Not shown: whoever mixed up the fields has the key in it.
				const field = baseUrl === base ? 'Base URL' : 'File Upload Base URL';
				return neverSent({ message: `${field} is no URL that begins with https:// or http://` });
			}
			const signal = AbortSignal.timeout(limitMs);
			const options: IHttpRequestOptions = {
				method,
				url: baseUrl + path,
				qs: query,
				body,
				json: true,
				// So an answer that is too large is not read on.
				encoding: 'stream',
				// Ends silence alone, and the signal also what drips.
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
				const reply: unknown = await Reflect.apply(helpers.httpRequestWithAuthentication, caller, [
					credentialType,
					options,
					{ credentialsDecrypted },
				]);
				return await readReply(reply, signal, key);
			} catch (error) {
				return signal.aborted
					? failed({ reason: 'timedOut', accepted: 'unknown', transient: true })
					: failed(transportFailure(error, key));
			}
		},
	};
}

const withoutSlash = (url: unknown): string | undefined =>
	text(text(url)?.trim().replace(/\/+$/, ''));

async function readReply(
	reply: unknown,
	signal: AbortSignal,
	key: string | undefined,
): Promise<Result<Reply>> {
	if (!isRecord(reply) || typeof reply.statusCode !== 'number') return failed(UNREADABLE);
	const { statusCode: status } = reply;
	const read = await bodyOf(reply.body, signal, (words) => withoutKey(words, key));
	if (!read.ok) {
		return failed({ ...UNREADABLE, code: String(status), message: read.words });
	}
	const headers = isRecord(reply.headers) ? reply.headers : {};
	return success({ status, body: read.body, retryAfterMs: retryAfterMs(headers['retry-after']) });
}

const UNREADABLE: Failure = { reason: 'unreadable', accepted: 'unknown', transient: true };

/** `Retry-After` is a number of seconds or a date; anything else is ignored. */
export function retryAfterMs(header: unknown): number | undefined {
	const value = text(header);
	if (value === undefined) return undefined;
	const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
	return ms > 0 ? Math.min(ms, LONGEST_RETRY_AFTER_MS) : undefined;
}

/** The connection never came about, which may be different next time. */
const NO_CONNECTION = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EHOSTUNREACH',
	'ENETUNREACH',
]);
/** No request could be made of what was to be sent. */
const NO_REQUEST = new Set(['ERR_INVALID_URL', 'ERR_INVALID_CHAR', 'ERR_INVALID_PROTOCOL']);
/** The certificate does not fit, which is seen before the request. */
const NO_TRUST =
	/^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;
/**
 * No agreement in the handshake of TLS. `EPROTO` is said where the request still waits to be written; of OpenSSL's codes only
 * those of a handshake, because others (a bad record, an unexpected end) also come while the answer is read.
 */
const NO_HANDSHAKE =
	/^EPROTO$|^ERR_SSL_.*(VERSION|PROTOCOL|HANDSHAKE|CIPHER|CERT|UNKNOWN_CA|UNRECOGNIZED_NAME|KEY_TOO_SMALL|INSUFFICIENT_SECURITY|LEGACY|HTTP_REQUEST|PACKET_LENGTH)/;
const TIMED_OUT = new Set(['ETIMEDOUT', 'ECONNABORTED']);
/** n8n's own errors: it did not let the request out. */
const HELD_BACK = /^(Ssrf\w+|UserError|NodeOperationError)$/;
/** What Node and axios say where their code does not tell. */
const WORDS_BEFORE_SENDING = /before secure TLS connection was established|Unsupported protocol/;

const neverSent = (what: Partial<Failure>): { ok: false; failure: Failure } =>
	failed({ reason: 'unreachable', accepted: 'no', transient: false, ...what });

/** n8n wraps what axios throws; what says what happened sits somewhere along the chain of causes. */
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
		return neverSent({ code, transient: true }).failure;
	}
	if (links.some(({ name }) => HELD_BACK.test(String(name))) || NO_REQUEST.has(code ?? '')) {
		return neverSent({ code, message: words }).failure;
	}
	const spoken = said.find((message) => WORDS_BEFORE_SENDING.test(message));
	if (spoken !== undefined) return neverSent({ code, message: cleanText(spoken) }).failure;
	if (code !== undefined && (NO_TRUST.test(code) || NO_HANDSHAKE.test(code))) {
		return neverSent({ code }).failure;
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

/** A failed `connect`, or several where a host has several addresses. */
const isOfConnecting = ({ syscall, errors }: { syscall?: unknown; errors?: unknown }): boolean =>
	syscall === 'connect' ||
	(Array.isArray(errors) &&
		errors.length > 0 &&
		errors.every((one: unknown) => isRecord(one) && one.syscall === 'connect'));
