import type { Meaning } from './http';

/**
 * What a number means for the money depends on who sent it (architecture.md: Pay once). `meaningOf` is for codes from the
 * provider itself, in the form that its pages document: only these can be a refusal, and only these say anything about the
 * account. `meaningOfStatus` is for a bare HTTP status, which anything in between may have set, before or after the provider
 * accepted the request.
 */

/** The codes that both providers document as a refusal: they did not act on the request. */
const REFUSALS: Record<number, Meaning> = {
	400: { reason: 'invalidRequest', accepted: 'no', transient: false },
	401: { reason: 'invalidKey', accepted: 'no', transient: false },
	402: { reason: 'noCredits', accepted: 'no', transient: false },
	403: { reason: 'notAllowed', accepted: 'no', transient: false },
	404: { reason: 'notFound', accepted: 'no', transient: false },
	422: { reason: 'invalidRequest', accepted: 'no', transient: false },
	429: { reason: 'rateLimited', accepted: 'no', transient: true },
};

/** An error that no documentation explains. A paid task is read again after it. */
export const UNEXPLAINED: Meaning = { reason: 'unexplained', accepted: 'unknown', transient: true };

/**
 * The meaning of a code from the provider itself.
 *
 * @param own the codes for which its documentation says something else or more
 */
export function meaningOf(code: number, own: Record<number, Meaning> = {}): Meaning {
	const known = own[code] ?? REFUSALS[code];
	if (known) return known;
	return code < 400 || code === 408 || code >= 500 ? meaningOfStatus(code) : UNEXPLAINED;
}

/** The meaning of an HTTP status from an unknown sender. */
export function meaningOfStatus(status: number): Meaning {
	// These say that the request belongs elsewhere and was not acted on; other redirects may follow a success.
	if ([301, 307, 308].includes(status)) {
		return { reason: 'redirected', accepted: 'no', transient: false };
	}
	if (status >= 300 && status < 400) {
		return { reason: 'redirected', accepted: 'unknown', transient: true };
	}
	if (status === 408) return { reason: 'timedOut', accepted: 'unknown', transient: true };
	if (status === 429) return { reason: 'rateLimited', accepted: 'unknown', transient: true };
	if (status >= 500) return { reason: 'serverError', accepted: 'unknown', transient: true };
	return { reason: 'unreadable', accepted: 'unknown', transient: true };
}
