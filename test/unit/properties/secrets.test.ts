import fc from 'fast-check';

import { cleanText, rawOf, withoutKey, wordsIn } from '../../../nodes/Midjourney/providers/clean';
import { isRecord } from '../../../nodes/Midjourney/providers/json';
import { json, text, throughJson } from './arbitraries';

/** Four letters that no text here has, not even encoded; where four of them are left, something has leaked. */
const PIECE = fc.constantFrom('GKQX', 'QXGZ', 'ZZKG');
const LEAK = /[GKQXZ]{4}/;

const joinedBy = (...separators: string[]) =>
	fc
		.array(fc.tuple(fc.constantFrom(...separators), PIECE), { minLength: 4, maxLength: 10 })
		.map((parts) => parts.flat().join('').replace(/^\W/, ''));

/** As n8n signs resume URLs, and as our own tokens are. */
const token = joinedBy('', '-', '_', '.');
const base64 = joinedBy('', '+', '/').map((value) => `${value}==`);
const apiKey = fc.oneof(
	joinedBy('', '-', '_').map((value) => `sk-${value}`),
	joinedBy('', '-', '.').map((value) => `Bearer ${value}`),
);

const PARAMETERS = [
	...['mjToken', 'mjReference', 'signature', 'sig', 'token', 'access_token', 'accesstoken'],
	...['api_key', 'apikey', 'secret', 'password', 'X-Amz-Signature'],
];
const parameter = fc
	.tuple(fc.constantFrom(...PARAMETERS), fc.oneof(token, base64))
	.map(([name, value]) => `${name}=${value}`);
const query = fc.array(parameter, { minLength: 1, maxLength: 3 }).map((all) => all.join('&'));

/** A web address whose query, anchor and password are secrets. */
const secretUrl = fc
	.tuple(
		fc.constantFrom('https://', 'http://', 'HTTPS://'),
		fc.oneof(
			fc.constant(''),
			token.map((password) => `me:${password}@`),
		),
		fc.constantFrom('n8n.example.com', 'n8n.example.com:5678', '10.0.0.1'),
		fc.constantFrom('', '/', '/webhook-waiting/7/midjourney', '/a@b/1'),
		fc.oneof(
			query.map((all) => `?${all}`),
			token.map((value) => `#${value}`),
			token.map((value) => `?v=${value}`),
		),
	)
	.map((parts) => parts.join(''));
const relativeUrl = query.map((all) => `/webhook-waiting/7/midjourney?${all}`);

/** Ways to write a text within another one. */
const WRITINGS: Record<string, (value: string) => string> = {
	percentEncoded: encodeURIComponent,
	percentEncodedInLowerCase: (value) =>
		encodeURIComponent(value).replace(/%../g, (code) => code.toLowerCase()),
	inJson: (value) => JSON.stringify({ callBackUrl: value, more: 1 }),
	escapedSlashes: (value) => value.replace(/\//g, '\\/'),
	escapedMarks: (value) =>
		value.replace(/[?&=#]/g, (mark) => `\\u00${mark.charCodeAt(0).toString(16)}`),
};
const writings = fc.array(fc.constantFrom(...Object.values(WRITINGS)), { maxLength: 3 });
const written = (value: fc.Arbitrary<string>) =>
	fc.tuple(value, writings).map(([one, ways]) => ways.reduce((so, write) => write(so), one));

const around = fc.constantFrom('', ' ', '"', 'cannot call ', '(', 'key: ', '=');

describe('The message of a provider keeps no secret', () => {
	it.each([
		['of a web address', secretUrl],
		['of an address without its host', relativeUrl],
		['of a key', apiKey],
	])('%s, however often it is encoded', (_, secret) => {
		fc.assert(
			fc.property(around, written(secret), around, (before, echoed, after) => {
				expect(cleanText(before + echoed + after)).not.toMatch(LEAK);
			}),
			{ numRuns: 1000 },
		);
	});

	it('that was cut in two', () => {
		const secret = written(fc.oneof(secretUrl, relativeUrl, apiKey));
		fc.assert(
			fc.property(secret, fc.nat(200), (echoed, before) => {
				const words = `${'.'.repeat(1000 - before)} ${echoed}${'.'.repeat(before)}`;
				expect(wordsIn(words)).not.toMatch(LEAK);
			}),
			{ numRuns: 500 },
		);
	});
});

describe('Cleaning', () => {
	it('changes nothing in what is clean already', () => {
		fc.assert(
			fc.property(fc.oneof(text, written(fc.oneof(secretUrl, relativeUrl, apiKey))), (words) => {
				const clean = cleanText(words);
				expect(cleanText(clean)).toBe(clean);
			}),
			{ numRuns: 300 },
		);
	});

	it('keeps ordinary words as they are', () => {
		const words = fc.constantFrom('a', 'prompt', '7%', '?', '&', '\\', 'token', 'https', '{', '"');
		fc.assert(
			fc.property(fc.array(words), (all) => {
				expect(cleanText(all.join(' '))).toBe(all.join(' '));
			}),
		);
	});

	it.each(['\\', '%', '%25', '%5c', 'Bearer ', 'https://', 'https:\\/', 'token=', '?', '@', '+'])(
		'of a long text takes no long time: %j again and again',
		(piece) => {
			const long = `https://a.example/${piece.repeat(100_000)}/`;
			const begun = performance.now();
			cleanText(long);
			// Minutes where it takes the square of the length.
			expect(performance.now() - begun).toBeLessThan(2_000);
		},
	);

	it('removes a key wherever it stands', () => {
		fc.assert(
			fc.property(text, fc.string({ minLength: 8 }), text, (before, key, after) => {
				expect(withoutKey(before + key + after, key)).not.toContain(
					key.includes('*') ? key + after : key,
				);
			}),
		);
	});
});

describe('A raw answer', () => {
	const fields = fc.constantFrom('callBackUrl', 'callback_url', 'callback', 'Call-Back', 'notify');
	const echo = fc
		.tuple(secretUrl, token, writings)
		.map(([url, value, ways]) =>
			ways.reduce((so, write) => write(so), `${url}&mjToken=${value}`.replace('#', '?')),
		);

	it('holds no callback address, wherever and however it is echoed', () => {
		fc.assert(
			fc.property(fields, echo, json, (name, echoed, other) => {
				const body = { other, [name]: echoed };
				const raw = rawOf({
					...{ body, list: [body], asText: JSON.stringify(body) },
					[name]: [echoed],
				} as never);
				expect(JSON.stringify(raw)).not.toMatch(LEAK);
			}),
			{ numRuns: 500 },
		);
	});

	it('is otherwise unchanged', () => {
		fc.assert(
			fc.property(json, (value) => {
				const answer = { value, text: JSON.stringify(value), url: 'https://a.example/1?sig=x' };
				fc.pre(isRecord(answer) && !/call|mj/i.test(JSON.stringify(answer)));
				expect(rawOf(throughJson(answer) as never)).toEqual(throughJson(answer));
			}),
		);
	});
});
