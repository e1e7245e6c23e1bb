import type { IDataObject } from 'n8n-workflow';

import { isRecord, text, unwrapJson } from './json';

/**
 * What a provider says may hold what belongs in no error, item or log: the API key, signed links, and the callback address
 * of this n8n, whose query lets anyone call a waiting execution. Everything that is shown goes through here.
 */

/** More of a provider's words than this says nothing new, in characters. */
const LONGEST_WORDS = 1000;

/** A key shorter than this is no key, and would be found in ordinary words. */
const SHORTEST_KEY = 8;

/** What is nested deeper than this is left out. */
const DEEPEST = 30;

/*
 * A character may be written as it is, percent-encoded (`%3d`), or escaped as in JSON (`\u003d`, `\/`), each once or
 * several times, and one way within the other (`%5cu003d`).
 */
const BACKSLASH = String.raw`(?:(?<!\\)\\+|%(?:25)*5c)`;
const percent = (hex: string): string => `%(?:25)*${hex}`;
const escaped = (hex: string): string => `${BACKSLASH}u00${hex}`;

/** A word begins: also behind a character that is encoded. */
const START = String.raw`(?:\b|(?<=%(?:25)*[0-9a-f]{2}|u00[0-9a-f]{2}))`;
const SPACES = String.raw`(?:\s|\+|${percent('20')})+`;

const SCHEME = `https?(?::|${percent('3a')})(?:${BACKSLASH}*(?:\\/|${percent('2f')})){2}`;
const URLS = new RegExp(String.raw`${SCHEME}(?:[^\s"'<>“”\\]|\\+u[0-9a-f]{4}|\\+\/)*`, 'gi');
const USER_INFO = new RegExp(
	`^(${SCHEME})(?:(?!${percent('2f')})[^/?#])*(?:@|${percent('40')})`,
	'i',
);
const QUERY_ON = new RegExp(`(?:[?#]|${percent('(?:3f|23)')}|${escaped('(?:3f|23)')}).*$`, 'is');

/** Names of parameters whose value is a secret, wherever they stand. */
const SECRET_PARAMETERS = new RegExp(
	String.raw`${START}(mjToken|mjReference|signature|sig|token|access_?token|api_?key|secret|password)((?:=|${percent('3d')}|${BACKSLASH}*${escaped('3d')}))(?:[^\s"'<>“”&\\]|\\+u00(?!2[267]|3[ce])[0-9a-f]{2}|\\+\/)+`,
	'gi',
);
const BEARER = new RegExp(String.raw`${START}Bearer${SPACES}[\w.~+/=%-]{16,}`, 'gi');
const API_KEY = new RegExp(String.raw`${START}sk-[\w-]{8,}`, 'gi');

/** What may be the beginning of a secret, where a text was cut. */
const CUT_SECRET = new RegExp(
	String.raw`(?:${START}(?:Bearer${SPACES}|sk-)|https?[:%])[^\s"]*$`,
	'i',
);

/**
 * The parameters by which a callback address of ours is known (tasks/callbacks/address.ts), and the path under which n8n
 * serves a picture of the workflow to whoever has its token (tasks/pictures.ts).
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

/** A text of the user's as a provider repeats it: links stay as they are, unless they are of this n8n. */
export const ownText = (value: unknown): string | undefined => {
	const words = text(value);
	return words !== undefined && OWN_ADDRESS.test(words) ? cleanText(words) : words;
};

/** The words of a provider, as they may be shown; undefined where there are none. */
export function wordsIn(value: unknown): string | undefined {
	const words = text(value);
	if (words === undefined || words.length <= LONGEST_WORDS) return words && cleanText(words);
	// Cut first: nothing is cleaned that is not shown, however long it is.
	return cleanText(words.slice(0, LONGEST_WORDS)).replace(CUT_SECRET, '…');
}

/** A text without this key. */
export const withoutKey = (value: string, key: string | undefined): string =>
	key === undefined || key.length < SHORTEST_KEY ? value : value.replaceAll(key, '***');

/**
 * An answer of a provider without the addresses that it was to call back, or to fetch from this n8n, in whatever form it
 * echoes them: under any name of the field, in an object, or in JSON as text. Links to results stay as they are: they work only as a whole.
 */
export function withoutCallbacks(value: unknown, isCallback = false, depth = 0): unknown {
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
	// The query of an address, taken apart.
	if (Object.keys(value).some((name) => OWN_ADDRESS.test(name))) return '…';
	return Object.fromEntries(
		Object.entries(value).map(([name, entry]) => [
			name,
			withoutCallbacks(entry, isCallback || CALLBACK_FIELD.test(name), depth + 1),
		]),
	);
}

/** The same for an answer as a whole. */
export function rawOf(answer: IDataObject): IDataObject {
	const raw = withoutCallbacks(answer);
	return isRecord(raw) ? raw : {};
}
