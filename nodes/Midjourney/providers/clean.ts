import type { IDataObject } from 'n8n-workflow';

import { isRecord, text, unwrapJson } from './json';

/**
 * An answer of a provider may contain what must not appear in an error, item or log: the API key, signed links, and the
 * callback address of this n8n, whose query lets anyone call a waiting execution. Everything that is shown goes through here.
 */

/** The maximum length of a provider's message, in characters; more adds nothing new. */
const LONGEST_WORDS = 1000;

/** The minimum length of a key, in characters; a shorter text would be found in ordinary words. */
const SHORTEST_KEY = 8;

/** Values nested deeper than this are left out. */
const DEEPEST = 30;

/*
 * A character may be written as it is, percent-encoded (`%3d`), or escaped as in JSON (`\u003d`, `\/`), each once or
 * several times, and one way within the other (`%5cu003d`).
 */
const BACKSLASH = String.raw`(?:(?<!\\)\\+|%(?:25)*5c)`;
const percent = (hex: string): string => `%(?:25)*${hex}`;
const escaped = (hex: string): string => `${BACKSLASH}u00${hex}`;

/** The start of a word, also after an encoded character. */
const START = String.raw`(?:\b|(?<=%(?:25)*[0-9a-f]{2}|u00[0-9a-f]{2}))`;
const SPACES = String.raw`(?:\s|\+|${percent('20')})+`;

const SCHEME = `https?(?::|${percent('3a')})(?:${BACKSLASH}*(?:\\/|${percent('2f')})){2}`;
const URLS = new RegExp(String.raw`${SCHEME}(?:[^\s"'<>“”\\]|\\+u[0-9a-f]{4}|\\+\/)*`, 'gi');
const USER_INFO = new RegExp(
	`^(${SCHEME})(?:(?!${percent('2f')})[^/?#])*(?:@|${percent('40')})`,
	'i',
);
const QUERY_ON = new RegExp(`(?:[?#]|${percent('(?:3f|23)')}|${escaped('(?:3f|23)')}).*$`, 'is');

/** Names of parameters whose value is a secret, wherever they occur. */
const SECRET_PARAMETERS = new RegExp(
	String.raw`${START}(mjToken|mjReference|signature|sig|token|access_?token|api_?key|secret|password)((?:=|${percent('3d')}|${BACKSLASH}*${escaped('3d')}))(?:[^\s"'<>“”&\\]|\\+u00(?!2[267]|3[ce])[0-9a-f]{2}|\\+\/)+`,
	'gi',
);
const BEARER = new RegExp(String.raw`${START}Bearer${SPACES}[\w.~+/=%-]{16,}`, 'gi');
const API_KEY = new RegExp(String.raw`${START}sk-[\w-]{8,}`, 'gi');

/** The possible beginning of a secret at the point where a text was cut. */
const CUT_SECRET = new RegExp(
	String.raw`(?:${START}(?:Bearer${SPACES}|sk-)|https?[:%])[^\s"]*$`,
	'i',
);

/**
 * The parameters that identify a callback address of ours (tasks/callbacks/address.ts), and the path under which n8n serves
 * an image of the workflow to anyone who has its token (tasks/files/signedUrls.ts).
 */
const OWN_ADDRESS = /mj(?:Token|Reference)|\/binary-data\\*\/signed\?/i;
const CALLBACK_FIELD = /call[-_ ]?back/i;

/** The same text without keys, and without the queries of URLs. */
export const cleanText = (value: string): string =>
	value
		.replace(URLS, (url) => url.replace(QUERY_ON, '').replace(USER_INFO, '$1'))
		.replace(SECRET_PARAMETERS, '$1$2…')
		.replace(BEARER, 'Bearer …')
		.replace(API_KEY, 'sk-…');

/** A text of the user's, as a provider repeats it: links stay as they are, except those to this n8n. */
export const ownText = (value: unknown): string | undefined => {
	const words = text(value);
	return words !== undefined && OWN_ADDRESS.test(words) ? cleanText(words) : words;
};

/** A provider's message in a form that may be shown; undefined if there is none. */
export function wordsIn(value: unknown): string | undefined {
	const words = text(value);
	if (words === undefined || words.length <= LONGEST_WORDS) return words && cleanText(words);
	// Cut before cleaning, so that the time does not depend on the length.
	return cleanText(words.slice(0, LONGEST_WORDS)).replace(CUT_SECRET, '…');
}

/** A text without this key. */
export const withoutKey = (value: string, key: string | undefined): string =>
	key === undefined || key.length < SHORTEST_KEY ? value : value.replaceAll(key, '***');

/**
 * An answer of a provider without the addresses of this n8n (callbacks, and images that n8n serves), in whatever form it echoes
 * them: under any field name, in an object, or in JSON as text. Links to results are kept, because they only work as a whole.
 */
function withoutCallbacks(value: unknown, isCallback = false, depth = 0): unknown {
	if (depth > DEEPEST) return null;
	if (typeof value === 'string') {
		const isOwn = isCallback || OWN_ADDRESS.test(value);
		if (/^\s*[[{]/.test(value) && (isOwn || CALLBACK_FIELD.test(value))) {
			const inside = unwrapJson(value);
			return typeof inside === 'string'
				? cleanText(value)
				: JSON.stringify(withoutCallbacks(inside, isCallback, depth + 1));
		}
		return isOwn ? cleanText(value) : value;
	}
	if (Array.isArray(value)) {
		return value.map((entry: unknown) => withoutCallbacks(entry, isCallback, depth + 1));
	}
	if (!isRecord(value)) return value;
	// The parsed query of an address.
	if (Object.keys(value).some((name) => OWN_ADDRESS.test(name))) return '…';
	return Object.fromEntries(
		Object.entries(value).map(([name, entry]) => [
			name,
			withoutCallbacks(entry, isCallback || CALLBACK_FIELD.test(name), depth + 1),
		]),
	);
}

/** A whole answer without the callback addresses. */
export function rawOf(answer: IDataObject): IDataObject {
	const raw = withoutCallbacks(answer);
	return isRecord(raw) ? raw : {};
}
