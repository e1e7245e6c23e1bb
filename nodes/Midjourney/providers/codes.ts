import type { Failure } from './http';

/** What a code says about a call, whatever the provider. */
export type Meaning = Pick<Failure, 'reason' | 'taken' | 'passing'>;

/**
 * The HTTP statuses that mean the same everywhere. `taken: 'no'` is kept for answers with which the provider certainly
 * did not act (design 4.1).
 */
const STATUSES: Record<number, Meaning> = {
	401: { reason: 'invalidKey', taken: 'no', passing: false },
	402: { reason: 'noCredits', taken: 'no', passing: false },
	403: { reason: 'notAllowed', taken: 'no', passing: false },
	404: { reason: 'notFound', taken: 'no', passing: false },
	408: { reason: 'timedOut', taken: 'unknown', passing: true },
	429: { reason: 'rateLimited', taken: 'no', passing: true },
	503: { reason: 'serverError', taken: 'no', passing: true },
};

/**
 * What a status or a code of the same form means: 4xx that is not listed is a refusal, everything else leaves it open.
 *
 * @param own what the provider's own documentation says differently or besides
 */
export function meaningOf(code: number, own: Record<number, Meaning> = {}): Meaning {
	const known = own[code] ?? STATUSES[code];
	if (known) return known;
	if (code >= 300 && code < 400) return { reason: 'redirected', taken: 'no', passing: false };
	if (code >= 400 && code < 500) return { reason: 'invalidRequest', taken: 'no', passing: false };
	return { reason: 'serverError', taken: 'unknown', passing: true };
}
