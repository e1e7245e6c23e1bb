import type { IDataObject } from 'n8n-workflow';

import {
	cleanText,
	ownText,
	rawOf,
	withoutKey,
	wordsIn,
} from '../../nodes/Midjourney/providers/clean';
import { signedAddress } from '../../nodes/Midjourney/tasks/callbacks/address';
import { tokenPieces } from '../callbackAddress';

const CLAIMS = { submit: 's', expiresAt: 9e12, reference: 'order 7' };
const WAIT = { nonce: 'n', position: 0, executionId: '7', resumeToken: 'of n8n' };
const DIRECT = signedAddress(
	'https://n8n.example.com/webhook-waiting/7/midjourney?signature=hush',
	{ ...CLAIMS, wait: WAIT },
	'execution 7',
	'key',
);
const RELAYED = signedAddress(
	'https://n8n.example.com/webhook/6f1c/webhook',
	{ ...CLAIMS, wait: WAIT },
	'trigger 6f1c',
	'key',
);
const TOLD = signedAddress('https://n8n.example.com/webhook/6f1c/webhook', CLAIMS, 'x', 'key');
/** A Trigger may be called with a user's own reference. */
const BY_HAND = 'https://n8n.example.com/webhook/6f1c/webhook?mjReference=hush';
/** What must be nowhere: n8n's own token, and any part of this package's token, payload or tag. */
const SECRET = new RegExp(
	['hush', ...[DIRECT, RELAYED, TOLD].flatMap((url) => tokenPieces(url))].join('|'),
);

/** The ways in which a provider may write a text that it repeats. */
const WRITTEN: Array<[string, (url: string) => string]> = [
	['as it is', (url) => url],
	['percent-encoded', encodeURIComponent],
	['percent-encoded twice', (url) => encodeURIComponent(encodeURIComponent(url))],
	['escaped', (url) => url.replace(/\?/g, '\\u003f').replace(/&/g, '\\u0026')],
	[
		'percent-encoded with small letters',
		(url) => encodeURIComponent(url).replace(/%../g, (hex) => hex.toLowerCase()),
	],
	['its query percent-encoded', (url) => url.replace(/\?.*/, (query) => encodeURIComponent(query))],
	[
		'escaped, the sign of equality, too',
		(url) => url.replace(/[?&=]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`),
	],
	['with escaped slashes', (url) => url.replace(/\//g, '\\/')],
	['in JSON', (url) => JSON.stringify({ callBackUrl: url })],
	['in JSON in JSON', (url) => JSON.stringify({ a: JSON.stringify({ callBackUrl: url }) })],
	['its query alone', (url) => url.replace(/.*\?/, '')],
	['in HTML', (url) => `<a href="${url.replace(/&/g, '&amp;')}">`],
	['without its host', (url) => url.replace('https://n8n.example.com', '')],
];

describe.each([
	['of an execution', DIRECT],
	['of a Trigger that hands it on', RELAYED],
	['of a Trigger that starts a workflow', TOLD],
	['that a user has made by hand', BY_HAND],
])('The callback address %s', (_, url) => {
	it('is matched by the pattern of these tests', () => {
		expect(url).toMatch(SECRET);
	});

	describe.each(WRITTEN)('%s', (__, written) => {
		it('does not appear in the message of a provider', () => {
			const words = wordsIn(`cannot call ${written(url)} back`);
			expect(words).toMatch(/^cannot call /);
			expect(words).not.toMatch(SECRET);
		});

		it.each(['callBackUrl', 'callbackUrl', 'callback_url', 'callback', 'CallBackURL', 'notify'])(
			'does not appear in the raw answer under %s',
			(name) => {
				const echoed = { prompt: 'p', [name]: written(url) };
				const raw = rawOf({
					object: echoed,
					text: JSON.stringify(echoed),
					list: [{ nested: [echoed] }],
				});
				expect(JSON.stringify(raw)).not.toMatch(SECRET);
				expect(raw).toMatchObject({ object: { prompt: 'p' } });
			},
		);
	});
});

describe('A raw answer', () => {
	it('keeps links to results whole whatever their query is, also inside JSON text', () => {
		const url = 'https://cdn.example.com/callback/0.png?sig=needed&token=needed';
		const result = { resultUrls: [{ resultUrl: url }, url] };
		const answer = { resultInfoJson: result, text: JSON.stringify(result), prompt: 'a callback?' };
		expect(rawOf(answer)).toEqual(answer);
	});

	it('keeps everything else as it came', () => {
		const answer = { number: 1, no: false, nothing: null, list: [1, 'a'], text: '{"a": 1}' };
		expect(rawOf(answer)).toEqual(answer);
	});

	it('loses the query of a callback address that the provider has taken apart', () => {
		const query = { signature: 'hush', mjToken: 'hush.hush' };
		expect(rawOf({ prompt: 'p', hook: { path: '/webhook/1', query } })).toEqual({
			...{ prompt: 'p', hook: { path: '/webhook/1', query: '…' } },
		});
	});

	it('is cut off where it is nested too deeply', () => {
		const deep: unknown = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`);
		expect(JSON.stringify(rawOf({ deep } as never)).length).toBeLessThan(1000);
	});
});

describe('The message of a provider', () => {
	const CASES: Array<[string, string, string]> = [
		['stays as it is', 'prompt? too long & odd: 7%', 'prompt? too long & odd: 7%'],
		[
			'loses the query of a link',
			'no https://a.example/x.png?sig=1 here',
			'no https://a.example/x.png here',
		],
		['loses the anchor of a link', 'no https://a.example/x#t=1', 'no https://a.example/x'],
		['loses a password', 'at https://me:hush@a.example/x', 'at https://a.example/x'],
		['loses a bearer token', 'got Bearer abcdefghijklmnop1234', 'got Bearer …'],
		[
			'keeps the ordinary word bearer',
			'Bearer authentication required',
			'Bearer authentication required',
		],
		['loses keys', 'key sk-abcdef123456 is wrong', 'key sk-… is wrong'],
		['loses parameters', 'token=abc&signature=def', 'token=…&signature=…'],
		['loses encoded parameters', 'a%3Ftoken%3Dabc b', 'a%3Ftoken%3D… b'],
		['loses parameters encoded twice', 'a%253Ftoken%253Dabc b', 'a%253Ftoken%253D… b'],
		['loses escaped parameters', 'a\\u003ftoken\\u003dabc b', 'a\\u003ftoken\\u003d… b'],
		['loses values with escaped slashes', '"token=ab\\/cd"', '"token=…"'],
		[
			'loses an encoded password',
			'at https%3A%2F%2Fme%3Ahush%40a.example',
			'at https%3A%2F%2Fa.example',
		],
		['loses a bearer token encoded twice', 'Bearer%2520abcdefghijklmnop', 'Bearer …'],
		['loses a key behind an encoded character', 'key%3Dsk-abcdef123456', 'key%3Dsk-…'],
	];

	it.each(CASES)('%s', (_, words, shown) => {
		expect(cleanText(words)).toBe(shown);
	});

	it.each([
		['a key', 'sk-abcdef123456'],
		['a bearer token', 'Bearer abcdefghijklmnop1234'],
		['a password', 'https://me:abcdefghijkl@a.example'],
	])('holds nothing of %s that was cut in two', (_, secret) => {
		const cut = secret.indexOf('abc') + 6;
		expect(wordsIn('.'.repeat(1000 - cut) + secret)).not.toContain('abc');
	});

	it('is cut at 1,000 characters', () => {
		expect(wordsIn('x'.repeat(5000))).toHaveLength(1000);
	});

	it.each([undefined, null, '', {}, []])('is undefined for %j', (value) => {
		expect(wordsIn(value)).toBeUndefined();
	});
});

describe('The API key', () => {
	it.each([
		['the key 12345678 is wrong', '12345678', 'the key *** is wrong'],
		['Bearer%2012345678', '12345678', 'Bearer%20***'],
		['a short word stays', 'a', 'a short word stays'],
		['no key', undefined, 'no key'],
	])('%j without %j', (words, key, shown) => {
		expect(withoutKey(words, key)).toBe(shown);
	});
});

describe('The address under which n8n serves a picture', () => {
	const URL_OF_PICTURE = 'https://n8n.example.com/rest/binary-data/signed?token=hush';

	it.each<[string, (url: string) => unknown]>([
		['in a field', (url) => ({ imgUrl: url })],
		['in a list', (url) => ({ fileUrls: [url] })],
		['in a prompt', (url) => ({ prompt: `${url} a cup` })],
		['in JSON as a text', (url) => ({ paramJson: JSON.stringify({ fileUrls: [url] }) })],
		['with escaped slashes', (url) => ({ said: `"${url.replace(/\//g, '\\/')}"` })],
	])('is shown without its token: %s', (_, echoed) => {
		const shown = JSON.stringify(rawOf(echoed(URL_OF_PICTURE) as IDataObject));
		expect(shown).toContain('binary-data');
		expect(shown).not.toContain('hush');
	});

	it('is shown without its token in a prompt', () => {
		expect(ownText(`${URL_OF_PICTURE} a cup`)).toBe(
			'https://n8n.example.com/rest/binary-data/signed a cup',
		);
	});

	it('is no other link', () => {
		const words = 'https://a.example/1.png?v=2 a cup';
		expect(ownText(words)).toBe(words);
	});
});
