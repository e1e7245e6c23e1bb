/** Whether a provider can reach the place where its callbacks are to arrive (design 5.5). */

/** Names and addresses that only mean something on this machine or in this network. */
const PRIVATE = [
	/^localhost$/,
	/\.(localhost|local|internal|lan|home\.arpa)$/,
	/^127\./,
	/^10\./,
	/^192\.168\./,
	/^172\.(1[6-9]|2\d|3[01])\./,
	/^169\.254\./,
	/^0\.0\.0\.0$/,
	/^\[::1?\]$/,
	/^\[f[cd]/,
	/^\[fe80/,
];

/** Whether a URL leads nowhere for someone on the internet: loopback, private networks, names without a dot. */
export function isPrivate(url: string): boolean {
	const { hostname } = new URL(url);
	const bare = hostname.toLowerCase();
	return (!bare.includes('.') && !bare.startsWith('[')) || PRIVATE.some((form) => form.test(bare));
}

/**
 * Why callbacks cannot arrive; undefined when they can, as far as the addresses tell. A provider on a private address,
 * such as an emulator, is expected to reach private addresses.
 *
 * @param callbackUrl where n8n (or the Trigger) listens
 * @param providerUrl the base URL of the provider
 */
export function unreachableBecause(callbackUrl: string, providerUrl: string): string | undefined {
	if (!URL.canParse(callbackUrl)) return `the callback address ${callbackUrl} is not a URL`;
	if (!isPrivate(callbackUrl) || isPrivate(providerUrl)) return undefined;
	return `this n8n is known as ${new URL(callbackUrl).host}, which the provider cannot reach`;
}
