/** Reads and alters callback addresses from outside, without code of the package: the token is `payload.tag`. */

/** The claims in the token of an address. */
export interface DecodedClaims {
	/** The nonce of the submit. */
	submit: string;
	/** Unix ms. */
	expiresAt: number;
	reference?: string;
	/** The nonce of the wait; undefined if nobody waits. */
	nonce?: string;
	position?: number;
	executionId?: string;
	resumeToken?: string;
}

/** The query parameter that carries the token. */
export const TOKEN = 'mjToken';

const tokenOf = (url: URL): [payload: string, tag: string] => {
	const [payload = '', tag = ''] = (url.searchParams.get(TOKEN) ?? '').split('.');
	return [payload, tag];
};

const readable = (payload: string) =>
	JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, never>;

/** Decodes the claims in an address, as anyone can. */
export function decodeClaims(address: unknown): DecodedClaims {
	const { s, x, r, w, i, e, t } = readable(tokenOf(new URL(String(address)))[0]);
	return {
		...{ submit: String(s), expiresAt: Number(x) * 1000, reference: r },
		...{ nonce: w, position: i, executionId: e, resumeToken: t },
	};
}

/** Pieces of the payload and of the tag: a text that contains one of them leaks part of a token. */
export const tokenPieces = (address: unknown): string[] =>
	tokenOf(new URL(String(address))).flatMap((part) => part.match(/.{12}/g) ?? []);

/** The same address with other claims under the old tag. */
export function altered(address: unknown, changes: Record<string, unknown>): URL {
	const url = new URL(String(address));
	const [payload, tag] = tokenOf(url);
	const said = JSON.stringify({ ...readable(payload), ...changes });
	url.searchParams.set(TOKEN, `${Buffer.from(said).toString('base64url')}.${tag}`);
	return url;
}

/** The same address with another tag of the same length. */
export function underOtherTag(address: unknown): URL {
	const url = new URL(String(address));
	const [payload, tag] = tokenOf(url);
	url.searchParams.set(TOKEN, `${payload}.${tag.startsWith('A') ? 'B' : 'A'}${tag.slice(1)}`);
	return url;
}

/** The same address without a token. */
export function withoutToken(address: unknown): URL {
	const url = new URL(String(address));
	url.searchParams.delete(TOKEN);
	return url;
}
