import type { RequestHelpers } from './http';

/** Those of the execution or call that asked last. */
let latest: RequestHelpers;

const lasting: RequestHelpers = {
	async httpRequest(options) {
		return await latest.httpRequest(options);
	},
	async httpRequestWithAuthentication(...request) {
		return await latest.httpRequestWithAuthentication.apply(this, request);
	},
};

/**
 * n8n's `helpers` for what outlives its execution or call. All that outlive theirs share the `helpers` of the last one, so
 * that the process holds a single execution in memory and not every parked one.
 */
export function lastingHelpers(helpers: RequestHelpers): RequestHelpers {
	latest = helpers;
	return lasting;
}
