import type { Failure } from './http';

/** What a code says about a call, whatever the provider. */
export type Meaning = Pick<Failure, 'reason' | 'taken' | 'passing'>;

/**
 * Who speaks decides what a number means for the money (architecture.md: Pay once). `meaningOf` is for what the
 * provider itself says, in the form that its pages document: only that can be a refusal, and only that says anything of
 * the account. `meaningOfStatus` is for a bare HTTP status, which anything in between may have put there, before or
 * after the provider took the request.
 */

/** What both providers document as a refusal: they did not act on the request. */
const REFUSALS: Record<number, Meaning> = {
	400: { reason: 'invalidRequest', taken: 'no', passing: false },
	401: { reason: 'invalidKey', taken: 'no', passing: false },
	402: { reason: 'noCredits', taken: 'no', passing: false },
	403: { reason: 'notAllowed', taken: 'no', passing: false },
	404: { reason: 'notFound', taken: 'no', passing: false },
	422: { reason: 'invalidRequest', taken: 'no', passing: false },
	429: { reason: 'rateLimited', taken: 'no', passing: true },
};

/** A complaint that no documentation explains. A task that is paid is looked at again. */
export const UNEXPLAINED: Meaning = { reason: 'unexplained', taken: 'unknown', passing: true };

/**
 * What a code means that the provider itself gives.
 *
 * @param own what its documentation says differently or besides
 */
export function meaningOf(code: number, own: Record<number, Meaning> = {}): Meaning {
	const known = own[code] ?? REFUSALS[code];
	if (known) return known;
	return code < 400 || code === 408 || code >= 500 ? meaningOfStatus(code) : UNEXPLAINED;
}

/** What an HTTP status means of which nobody knows who gave it. */
export function meaningOfStatus(status: number): Meaning {
	// These say that the request belongs elsewhere and was not acted on; the other redirects may follow upon a success.
	if ([301, 307, 308].includes(status)) {
		return { reason: 'redirected', taken: 'no', passing: false };
	}
	if (status >= 300 && status < 400) {
		return { reason: 'redirected', taken: 'unknown', passing: true };
	}
	if (status === 408) return { reason: 'timedOut', taken: 'unknown', passing: true };
	if (status === 429) return { reason: 'rateLimited', taken: 'unknown', passing: true };
	if (status >= 500) return { reason: 'serverError', taken: 'unknown', passing: true };
	return { reason: 'unreadable', taken: 'unknown', passing: true };
}
