import type { TaskRequest } from '../../providers/provider';
import { textsIn, urlsIn } from '../../providers/texts';

/** Whether a provider can reach the address for its callbacks, and the images that it is to fetch. */

/** Names that only mean something on this machine or in this network. */
const PRIVATE_NAMES =
	/(^|\.)(localhost|localdomain|local|internal|intranet|lan|home|corp|home\.arpa)$/;

/** IPv4 ranges that cannot be reached from the internet: the first address, and how many of its bits count. */
const PRIVATE_V4: ReadonlyArray<readonly [address: string, bits: number]> = [
	['0.0.0.0', 8],
	['10.0.0.0', 8],
	// Shared by the customers of an internet provider; some VPNs use this range, too.
	['100.64.0.0', 10],
	['127.0.0.0', 8],
	['169.254.0.0', 16],
	['172.16.0.0', 12],
	['192.168.0.0', 16],
	['224.0.0.0', 3],
];

/**
 * Whether a URL leads nowhere from the internet: loopback, private networks, names without a dot.
 *
 * @throws TypeError when it is not a URL
 */
export function isPrivate(url: string): boolean {
	// `URL` turns every form of an IPv4 address (hexadecimal, octal, one number) into four decimal numbers.
	const host = new URL(url).hostname.toLowerCase().replace(/\.+$/, '');
	if (host.startsWith('[')) return isPrivateV6(groupsOf(host.slice(1, -1)));
	const v4 = numberOf(host);
	if (v4 !== undefined) return isPrivateV4(v4);
	return !host.includes('.') || PRIVATE_NAMES.test(host);
}

const isPrivateV4 = (address: number): boolean =>
	PRIVATE_V4.some(([start, bits]) => {
		const size = 2 ** (32 - bits);
		return Math.floor(address / size) === Math.floor((numberOf(start) ?? 0) / size);
	});

/** An IPv4 address as one number; undefined for anything else. */
function numberOf(host: string): number | undefined {
	if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(host)) return undefined;
	return host.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The eight groups of an IPv6 address as `URL` writes it. */
function groupsOf(address: string): number[] {
	const [front = [], back] = address
		.split('::')
		.map((part) => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))));
	if (back === undefined) return front;
	const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => 0);
	return [...front, ...zeros, ...back];
}

function isPrivateV6(groups: readonly number[]): boolean {
	const [first = 0, ...rest] = groups;
	const [high = 0, low = 0] = groups.slice(6);
	const start = groups.slice(0, 5);
	const isZero = start.every((group) => group === 0);
	const embedded = isPrivateV4(high * 65_536 + low);
	// ::, ::1 and IPv4-compatible addresses; then IPv4-mapped ones, and those behind NAT64.
	if (isZero && (groups[5] === 0 || groups[5] === 0xffff)) return embedded;
	if (first === 0x64 && rest[0] === 0xff9b) return embedded;
	const isUniqueLocal = (first & 0xfe00) === 0xfc00;
	const isLinkLocal = (first & 0xffc0) === 0xfe80;
	const isSiteLocal = (first & 0xffc0) === 0xfec0;
	return isUniqueLocal || isLinkLocal || isSiteLocal || (first & 0xff00) === 0xff00;
}

/** Whether the provider at this base URL is in the same network as this n8n, as an emulator is. */
const isNear = (providerUrl: string): boolean =>
	!URL.canParse(providerUrl) || isPrivate(providerUrl);

/**
 * Why callbacks cannot arrive; undefined when they can, as far as the addresses tell. A provider on a private address,
 * such as an emulator, is expected to reach private addresses.
 */
export function unreachableBecause(callbackUrl: string, providerUrl: string): string | undefined {
	if (!URL.canParse(callbackUrl)) return `the callback address ${callbackUrl} is not a URL`;
	if (!isPrivate(callbackUrl) || isNear(providerUrl)) return undefined;
	return `this n8n is known as ${new URL(callbackUrl).host}, which the provider cannot reach`;
}

/** An image that a provider cannot fetch: its place in the request, and its host. */
export interface UnreachableImage {
	path: readonly string[];
	host: string;
}

/**
 * The first image of a request that the provider cannot fetch, judged by its address. Images in prompts count, too.
 *
 * @param providerUrl the base URL of the provider; one on the internet when unset
 */
export function unreachableImage(
	request: TaskRequest,
	providerUrl: string | undefined,
): UnreachableImage | undefined {
	if (providerUrl !== undefined && isNear(providerUrl)) return undefined;
	for (const { path, text } of textsIn(request)) {
		const url = urlsIn(text).find(isPrivate);
		if (url !== undefined) return { path, host: new URL(url).host };
	}
	return undefined;
}
