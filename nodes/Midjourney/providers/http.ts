import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	IWebhookFunctions,
} from 'n8n-workflow';

import { isRecord, text } from './json';

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
	| 'unfitSource'
	| 'unknownSize'
	| 'unfitCanvas'
	| 'unreachable'
	| 'connectionLost'
	| 'timedOut'
	| 'unreadable'
	| 'redirected';

/** What went wrong, as a value: whoever asked decides what that means for the money. */
export interface Failure {
	reason: FailureReason;
	/** The provider's or the transport's code, kept as it came. */
	code?: string;
	/** The provider's own words. */
	words?: string;
	/** What the provider's documentation says of the code. */
	meaning?: string;
	/** `no`: the provider certainly did not act on the request. `unknown`: it may have (design 4.1). */
	taken: 'no' | 'unknown';
	/** Whether the very same request may succeed later. */
	passing: boolean;
	/** How long the provider asked to be left alone, in ms. */
	retryAfterMs?: number;
}

export type Answer<T> = { ok: true; value: T } | { ok: false; failure: Failure };

export const success = <T>(value: T): Answer<T> => ({ ok: true, value });
export const failed = (failure: Failure): { ok: false; failure: Failure } => ({
	ok: false,
	failure,
});

/** What a provider says to a request that it has nothing for. */
export const notOffered = failed({ reason: 'notOffered', taken: 'no', passing: false });

/** One request on the wire, relative to the base URL. */
export interface Call {
	method: 'GET' | 'POST';
	path: string;
	query?: IDataObject;
	body?: IDataObject;
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
	/** The user's key, to derive others from; never to be shown. */
	readonly apiKey: string;
	/** How the body of a request is to look, where the credential has a choice of that. */
	readonly requestFormat?: string;
	send(call: Call): Promise<Answer<Reply>>;
}

/**
 * How long to wait for an answer, in ms. A submit gets longer: giving up on one may lose a paid task, while a look
 * is simply repeated.
 */
const TIMEOUT_MS = { GET: 30_000, POST: 120_000 };

/** The connection never came about, so nothing was sent. */
const NEVER_SENT = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EHOSTUNREACH',
	'ENETUNREACH',
]);
const TIMED_OUT = new Set(['ETIMEDOUT', 'ECONNABORTED']);

/** A running node, or one that is called over the web: both can ask with a credential. */
export type RequestContext = IExecuteFunctions | IWebhookFunctions;

/**
 * Opens the way to a provider: n8n adds the key (`authenticate` of the credential), every HTTP status comes back as a
 * reply, and what the transport could not do comes back as a failure. Nothing is repeated here and no redirect is
 * followed: the key goes to the base URL and nowhere else.
 */
export async function openHttp(context: RequestContext, credentialType: string): Promise<Http> {
	const data = await context.getCredentials(credentialType);
	const { apiKey, baseUrl, requestFormat } = data;
	const base = text(baseUrl)?.trim().replace(/\/+$/, '') ?? '';
	const { helpers, logger } = context;
	const node = context.getNode();
	const caller = { helpers, logger, getNode: () => node, getCredentials: async () => data };
	const { id, name } = node.credentials?.[credentialType] ?? {};
	const credentialsDecrypted = { id: id ?? '', name: name ?? '', type: credentialType, data };
	return {
		baseUrl: base,
		apiKey: text(apiKey) ?? '',
		requestFormat: text(requestFormat),
		async send({ method, path, query, body }) {
			if (!URL.canParse(base)) {
				return failed({
					reason: 'unreachable',
					words: `Base URL ${base} is not a URL`,
					taken: 'no',
					passing: false,
				});
			}
			const options: IHttpRequestOptions = {
				method,
				url: base + path,
				qs: query,
				body,
				json: true,
				timeout: TIMEOUT_MS[method],
				disableFollowRedirect: true,
				ignoreHttpStatusErrors: true,
				returnFullResponse: true,
			};
			try {
				const reply: unknown = await Reflect.apply(helpers.httpRequestWithAuthentication, caller, [
					credentialType,
					options,
					{ credentialsDecrypted },
				]);
				return readReply(reply);
			} catch (error) {
				return failed(transportFailure(error));
			}
		},
	};
}

function readReply(reply: unknown): Answer<Reply> {
	if (!isRecord(reply) || typeof reply.statusCode !== 'number') {
		return failed({ reason: 'unreadable', taken: 'unknown', passing: true });
	}
	const { statusCode: status, body } = reply;
	const headers = isRecord(reply.headers) ? reply.headers : {};
	return success({ status, body, retryAfterMs: retryAfterMs(headers['retry-after']) });
}

/** `Retry-After` is a number of seconds or a date; anything else is ignored. */
export function retryAfterMs(header: unknown): number | undefined {
	const value = text(header);
	if (value === undefined) return undefined;
	const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
	return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** n8n wraps what axios throws; the code that says what happened sits somewhere along the chain of causes. */
function transportFailure(error: unknown): Failure {
	let code: string | undefined;
	let syscall: string | undefined;
	let words: string | undefined;
	let link = error;
	for (let depth = 0; isRecord(link) && depth < 6; depth++) {
		code ??= [link.code, link.httpCode].map(text).find((word) => word && /^[A-Z_]+$/.test(word));
		syscall ??= text(link.syscall);
		words = text(link.message) ?? words;
		link = link.cause ?? link.errorResponse;
	}
	if (code !== undefined && (NEVER_SENT.has(code) || syscall === 'connect')) {
		return { reason: 'unreachable', code, taken: 'no', passing: true };
	}
	if (code !== undefined && /CERT|TLS|SSL|_SIGNED_|VERIFY/.test(code)) {
		return { reason: 'unreachable', code, taken: 'no', passing: false };
	}
	if (code !== undefined && TIMED_OUT.has(code)) {
		return { reason: 'timedOut', code, taken: 'unknown', passing: true };
	}
	// Without a code it was n8n that refused to send (a blocked address, say): its words tell why.
	return {
		reason: 'connectionLost',
		code,
		words: code === undefined ? words : undefined,
		taken: 'unknown',
		passing: true,
	};
}
