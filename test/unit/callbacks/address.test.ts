import { createHmac } from 'node:crypto';

import {
	assert,
	constant,
	dictionary,
	integer,
	oneof,
	option,
	property,
	record,
	string,
	anything,
} from 'fast-check';

import {
	claimsIn,
	executionAudience,
	hasToken,
	newSubmitNonce,
	signedAddress,
	triggerAudience,
	type CallbackClaims,
} from '../../../nodes/Midjourney/tasks/callbacks/address';
import { altered, decodeClaims, TOKEN, underOtherTag, withoutToken } from '../../callbackAddress';

const EXECUTION = '7';
const RESUME = `https://n8n.example.com/webhook-waiting/${EXECUTION}/midjourney?signature=abc`;
const TRIGGER = 'https://n8n.example.com/webhook/6f1c/webhook';
const KEY = 'the key of one n8n and one account';
const AUDIENCE = executionAudience(EXECUTION);
const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

const CLAIMS: CallbackClaims = {
	submit: 'this submit',
	expiresAt: NOW + HOUR,
	reference: 'order 7',
	wait: { nonce: 'this wait', position: 3, executionId: EXECUTION, resumeToken: 'abc' },
};

const addressOf = (claims: Partial<CallbackClaims> = {}, url = RESUME, audience = AUDIENCE) =>
	signedAddress(url, { ...CLAIMS, ...claims }, audience, KEY);
const queryOf = (url: string | URL) => Object.fromEntries(new URL(url).searchParams);
const read = (url: string | URL, audience = AUDIENCE, now = NOW, key = KEY) =>
	claimsIn(queryOf(url), audience, key, now);

/** A token as this package makes them, around any payload. */
const tokenOf = (payload: string) => {
	const tag = createHmac('sha256', KEY).update(`${AUDIENCE}\n${payload}`).digest('base64url');
	return { [TOKEN]: `${payload}.${tag}` };
};
const encoded = (payload: unknown) =>
	Buffer.from(JSON.stringify(payload) ?? '').toString('base64url');

describe('A callback address', () => {
	it.each<[string, Partial<CallbackClaims>]>([
		['everything', {}],
		['no reference', { reference: undefined }],
		['no wait', { wait: undefined }],
		[
			'a wait whose execution stands in the address',
			{ wait: { ...{ nonce: 'n', position: 0 }, executionId: undefined, resumeToken: undefined } },
		],
	])('gives back what it was made from: %s', (_, more) => {
		expect(read(addressOf(more))).toEqual({ ...CLAIMS, ...more });
	});

	it.each([
		'order 7 & 8',
		'?a=b#c',
		'100 % / + \\ "quoted"',
		'a.b.c',
		'two\nlines\0',
		'Grüße, 茶碗 🍵',
		'\ud800',
		'1234',
		'{"a":1}',
		'\u0001'.repeat(200),
		'🍵'.repeat(200),
	])('carries any reference: %j', (reference) => {
		expect(read(addressOf({ reference }))?.reference).toBe(reference);
	});

	it('keeps everything that n8n has put into the URL', () => {
		const url = new URL(addressOf({}, 'https://a.example/n8n/w/7?signature=a%2Bb%3D&x=1'));
		expect(url.origin + url.pathname).toBe('https://a.example/n8n/w/7');
		expect(queryOf(url)).toEqual({ signature: 'a+b=', x: '1', [TOKEN]: expect.any(String) });
	});

	it('adds one parameter, also where n8n does not sign its URLs', () => {
		const url = addressOf({}, `https://n8n.example.com/webhook-waiting/${EXECUTION}/midjourney`);
		expect(Object.keys(queryOf(url))).toEqual([TOKEN]);
	});

	it('uses only characters that need no encoding in a URL', () => {
		expect(queryOf(addressOf({ reference: '>>>???' }))[TOKEN]).toMatch(/^[\w-]+\.[\w-]+$/);
	});

	it('reveals neither the key nor its audience', () => {
		const url = addressOf();
		expect(JSON.stringify(decodeClaims(url))).not.toMatch(/the key|execution 7/);
		expect(url).not.toContain(encodeURIComponent(KEY));
	});

	it('differs for each submit', () => {
		const nonces = Array.from({ length: 100 }, newSubmitNonce);
		expect(new Set(nonces).size).toBe(100);
		const [one, other] = nonces.map((submit) => addressOf({ submit }));
		expect(one).not.toBe(other);
	});

	it('replaces a token that the URL has already', () => {
		const url = addressOf({ submit: 'later' }, addressOf());
		expect(new URL(url).searchParams.getAll(TOKEN)).toHaveLength(1);
		expect(read(url)?.submit).toBe('later');
	});
});

describe('The audience of a callback address', () => {
	it('is one execution', () => {
		const others = [executionAudience('another'), executionAudience(''), triggerAudience(TRIGGER)];
		expect(others.map((audience) => read(addressOf(), audience))).toEqual(Array(3).fill(undefined));
	});

	it.each([
		['its test URL', 'https://n8n.example.com/webhook-test/6f1c/webhook'],
		['its URL inside of the network', 'http://localhost:5678/webhook/6f1c/webhook'],
		['its URL behind a proxy with a path', 'https://example.com/n8n/webhook/6f1c/webhook'],
		['its URL with a slash at the end', 'https://n8n.example.com/webhook/6f1c/webhook/'],
		['its URL with a query', 'https://n8n.example.com/webhook/6f1c/webhook?a=b'],
	])('is one Trigger, also under %s', (_, url) => {
		const address = addressOf({}, TRIGGER, triggerAudience(TRIGGER));
		expect(read(address, triggerAudience(url))).toEqual(CLAIMS);
	});

	it.each([
		['another Trigger', 'https://n8n.example.com/webhook/77aa/webhook'],
		['what is no URL', 'webhook/6f1c/webhook'],
		['a host alone', 'https://n8n.example.com'],
	])('is one Trigger, not %s', (_, url) => {
		const address = addressOf({}, TRIGGER, triggerAudience(TRIGGER));
		expect(read(address, triggerAudience(url))).toBeUndefined();
	});
});

describe('A call proves nothing', () => {
	it.each<[string, URL]>([
		['whose token says another task', altered(addressOf(), { i: 4 })],
		['whose token says another wait', altered(addressOf(), { w: 'other' })],
		['whose token says another execution', altered(addressOf(), { e: 'another' })],
		['whose token says another reference', altered(addressOf(), { r: 'order 8' })],
		['whose token says a later end', altered(addressOf(), { x: NOW })],
		['whose tag was altered', underOtherTag(addressOf())],
		['without a token', withoutToken(addressOf())],
	])('%s', (_, url) => {
		expect(read(url)).toBeUndefined();
	});

	it('when it was signed with another key', () => {
		expect(read(addressOf(), AUDIENCE, NOW, 'key of another n8n')).toBeUndefined();
	});

	it('when it comes too late', () => {
		const url = addressOf();
		expect(read(url, AUDIENCE, NOW + HOUR - 1)).toEqual(CLAIMS);
		expect(read(url, AUDIENCE, NOW + HOUR)).toBeUndefined();
	});

	const GOOD = { v: 1, s: 'submit', x: NOW };
	it('unless its payload is valid and its tag fits', () => {
		expect(claimsIn(tokenOf(encoded(GOOD)), AUDIENCE, KEY, NOW)?.submit).toBe('submit');
	});

	it.each<[string, string]>([
		['of another version', encoded({ ...GOOD, v: 2 })],
		['of no version', encoded({ s: 'submit', x: NOW })],
		['without a submit', encoded({ v: 1, x: NOW })],
		['without an end', encoded({ v: 1, s: 'submit' })],
		['with an end that is none', encoded({ ...GOOD, x: 'never' })],
		['that is no JSON', Buffer.from('{"v":1').toString('base64url')],
		['that is a list', encoded([GOOD])],
		['that is null', encoded(null)],
		['that is longer than any', encoded({ ...GOOD, r: 'x'.repeat(4000) })],
	])('with a payload %s under a tag that fits', (_, payload) => {
		expect(claimsIn(tokenOf(payload), AUDIENCE, KEY, NOW)).toBeUndefined();
	});

	const token = queryOf(addressOf())[TOKEN] ?? '';
	it.each<[string, unknown]>([
		['undefined', undefined],
		['null', null],
		['a text', token],
		['a list', [token]],
		['nothing', {}],
		['the token twice', { [TOKEN]: [token, token] }],
		['an object of it', { [TOKEN]: { a: token } }],
		['an empty token', { [TOKEN]: '' }],
		['a point', { [TOKEN]: '.' }],
		['no tag', { [TOKEN]: token.split('.')[0] }],
		['an empty tag', { [TOKEN]: `${token.split('.')[0]}.` }],
		['a third part', { [TOKEN]: `${token}.x` }],
		['a space behind it', { [TOKEN]: `${token} ` }],
		['the token under another name', { mjtoken: token }],
		['a megabyte', { [TOKEN]: 'x'.repeat(1e6) }],
	])('with a query that is %s', (_, query) => {
		expect(claimsIn(query, AUDIENCE, KEY, NOW)).toBeUndefined();
	});
});

describe('Whether a query has anything in place of the token', () => {
	it.each<[unknown, boolean]>([
		[{ [TOKEN]: 'anything' }, true],
		[{ [TOKEN]: '' }, true],
		[{ [TOKEN]: ['a', 'b'] }, true],
		[{ signature: 'abc' }, false],
		[{}, false],
		[[], false],
		[null, false],
		[undefined, false],
	])('%j: %p', (query, expected) => {
		expect(hasToken(query)).toBe(expected);
	});
});

describe('For any input', () => {
	const anyText = string({ unit: 'binary', maxLength: 200 });

	it('an address gives back what it was made from', () => {
		const wait = record({
			...{ nonce: string({ minLength: 1 }), position: integer({ min: 0, max: 10_000 }) },
			...{ executionId: option(string({ minLength: 1 }), { nil: undefined }) },
			...{ resumeToken: option(string({ minLength: 1 }), { nil: undefined }) },
		});
		const claims = record({
			submit: string({ minLength: 1 }),
			expiresAt: integer({ min: 1, max: 10 ** 9 }).map((seconds) => NOW + seconds * 1000),
			reference: option(
				anyText.filter((text) => text !== ''),
				{ nil: undefined },
			),
			wait: option(wait, { nil: undefined }),
		});
		assert(
			property(claims, anyText, (given, audience) => {
				const url = signedAddress(RESUME, given, audience, KEY);
				expect(read(url, audience)).toEqual(given);
			}),
		);
	});

	it('a query that nobody here has signed proves nothing', () => {
		const token = queryOf(addressOf())[TOKEN] ?? '';
		const near = integer({ min: 0, max: token.length - 1 }).map(
			(at) => token.slice(0, at) + token.slice(at + 1),
		);
		const query = oneof(
			anything(),
			dictionary(oneof(constant(TOKEN), string()), anything()),
			record({ [TOKEN]: oneof(anyText, near) }),
		);
		assert(
			property(query, (given) => {
				expect(claimsIn(given, AUDIENCE, KEY, NOW)).toBeUndefined();
			}),
		);
	});

	it('a signed payload is read without an error', () => {
		const payload = oneof(anyText, anything().map(encoded));
		assert(
			property(payload, (given) => {
				expect(() => claimsIn(tokenOf(given), AUDIENCE, KEY, NOW)).not.toThrow();
			}),
		);
	});
});
