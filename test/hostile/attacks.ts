/* eslint-disable @n8n/community-nodes/no-restricted-imports -- attacks a real n8n, it is not a node */
import { createHmac, randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';

import type { Sent } from './http';

/** How a target knows who may call: by a token in the address, by the provider's signature, by nothing, by a header. */
export type Kind = 'token' | 'signed' | 'open' | 'header';

/** What a call shows for itself. */
export type Proof = 'valid' | 'forged' | 'none';

/** What is to be different from the call that a provider would make. */
export interface Change {
	method?: string;
	headers?: OutgoingHttpHeaders;
	/** A string or Buffer goes out as it is. */
	body?: unknown;
	alter?: (url: URL) => void;
}

/** A target, as somebody sees it who has got hold of everything that a call of the provider shows. */
export interface Aim {
	kind: Kind;
	/** A call for a task that is still running. */
	call(proof: Proof, change?: Change): Sent;
	/** That task. */
	taskId: string;
	/** The provider's key, which the provider has. */
	apiKey: string;
	/** Tokens that are good at other targets. */
	elsewhere: readonly string[];
	/** A host that nobody is to ask anything. */
	witness: string;
}

/** One row of the table of attacks. */
export interface Attack {
	/** Attacks of a group are made, judged and counted together. */
	group: string;
	name: string;
	proof: Proof;
	/** Where it has a meaning. */
	kinds: readonly Kind[];
	/** n8n may refuse it by itself, before the node is asked. */
	byN8n?: boolean;
	/** n8n waits for the rest of it, whatever node it is for. */
	mayHang?: boolean;
	calls: (aim: Aim) => Sent[];
}

/** The parameter in which an address proves itself. */
export const TOKEN = 'mjToken';

const EVERYWHERE: readonly Kind[] = ['token', 'signed', 'open', 'header'];
const MIDJOURNEY: readonly Kind[] = ['token', 'signed', 'open'];

/** A body in the words of every provider at once. */
export const bodyOf = (taskId: unknown): object => ({
	...{ code: 200, msg: 'success', id: taskId, taskId, status: 'completed' },
	data: { taskId, resultUrls: ['http://127.0.0.1:9/forged.png'] },
});

/** The token of an address. */
export const tokenOf = (url: URL): string => url.searchParams.get(TOKEN) ?? '';

const withToken = (change: (token: string, aim: Aim) => string) => (aim: Aim) =>
	aim.call('valid', {
		alter: (url) => url.searchParams.set(TOKEN, change(tokenOf(url), aim)),
	});

const base64url = (value: unknown): string =>
	Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const claimsIn = (token: string): Record<string, unknown> => {
	const said: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
	return { ...(said as Record<string, unknown>) };
};

const hmac = (key: string | Buffer, message: string, form: 'base64' | 'base64url' = 'base64url') =>
	createHmac('sha256', key).update(message).digest(form);

/** Another value of the same kind. */
function changed(value: unknown): unknown {
	if (typeof value === 'number') return value + 1;
	if (typeof value !== 'string') return 'x';
	return `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`;
}

/** With the character at this position replaced by another one that is allowed there. */
function replacedAt(text: string, at: number): string {
	const position = at < 0 ? text.length + at : at;
	return text.slice(0, position) + (text[position] === 'A' ? 'B' : 'A') + text.slice(position + 1);
}

const NO_PROOF: Attack[] = (
	[
		['nothing at all', (aim) => [aim.call('none')]],
		[
			'an empty token',
			(aim) => [aim.call('none', { alter: (url) => url.searchParams.set(TOKEN, '') })],
		],
		[
			'the token in the body, in headers, in a cookie',
			(aim) => {
				const token = tokenOf(aim.call('valid').url);
				return [
					aim.call('none', { body: { ...bodyOf(aim.taskId), [TOKEN]: token } }),
					aim.call('none', { headers: { [TOKEN]: token, authorization: `Bearer ${token}` } }),
					aim.call('none', { headers: { cookie: `${TOKEN}=${token}` } }),
				];
			},
		],
		[
			'the parameters of older versions, with an address to call',
			(aim) =>
				['mjResume', 'mjNonce', 'mjSignature', 'resumeUrl', 'url', 'callback'].map((name) =>
					aim.call('none', { alter: (url) => url.searchParams.set(name, `${aim.witness}/asked`) }),
				),
		],
		[
			'the key of the account',
			(aim) => [
				aim.call('none', { headers: { authorization: `Bearer ${aim.apiKey}` } }),
				aim.call('none', { headers: { 'x-api-key': aim.apiKey } }),
			],
		],
	] satisfies Array<[string, Attack['calls']]>
).map(([name, calls]) => ({ group: 'No proof', name, proof: 'none', kinds: EVERYWHERE, calls }));

/** What somebody may take for the key of the tag who knows the key of the account. */
const GUESSED_KEYS = (apiKey: string): Array<string | Buffer> => [
	...['', apiKey, 'undefined', 'n8n-nodes-midjourney'],
	hmac(apiKey, 'n8n-nodes-midjourney callback ', 'base64'),
	hmac(apiKey, 'n8n-nodes-midjourney callback undefined', 'base64'),
	hmac(apiKey, 'n8n-nodes-midjourney relay', 'base64'),
	Buffer.alloc(32),
];

const FORGED: Attack[] = [
	...(
		[
			['random, in the right form', (aim) => [aim.call('forged')]],
			[
				'the claims of a real one under a random tag',
				(aim) => [
					withToken((token) => `${token.split('.')[0]}.${randomBytes(32).toString('base64url')}`)(
						aim,
					),
				],
			],
			[
				'claims of its own under tags by guessed keys, that of the account among them',
				(aim) =>
					GUESSED_KEYS(aim.apiKey).map((key) =>
						withToken((token) => {
							const [payload = ''] = token.split('.');
							const { pathname } = aim.call('valid').url;
							const parts = pathname.split('/').filter(Boolean);
							const audience = pathname.startsWith('/webhook-waiting')
								? `execution ${parts[1]}`
								: `trigger ${parts.at(-2)}`;
							return `${payload}.${hmac(key, `${audience}\n${payload}`)}`;
						})(aim),
					),
			],
			[
				'claims that are no object, and no JSON',
				(aim) =>
					['null', '[]', '1', '"x"', '{', '{"v":1}', '{"__proto__":{"v":1}}'].map((claims) =>
						withToken(() => `${base64url(claims)}.${hmac(aim.apiKey, claims)}`)(aim),
					),
			],
			['10 kB long', (aim) => [withToken(() => `${'A'.repeat(10_000)}.${'A'.repeat(43)}`)(aim)]],
			[
				'control characters, other alphabets, nothing but dots',
				(aim) =>
					['\u0000.\u0000', '\r\n.\r\n', 'é.é', '%2e', '.', '..', '...', '𝒂.𝒃'].map((token) =>
						withToken(() => token)(aim),
					),
			],
		] satisfies Array<[string, Attack['calls']]>
	).map(
		([name, calls]): Attack => ({
			...{ group: 'A forged proof', name, proof: 'forged', kinds: ['token'], calls },
		}),
	),
	{
		...{ group: 'A forged proof', name: "a signature by another key, and one of another's task" },
		...{ proof: 'forged', kinds: ['signed'] },
		calls: (aim) => [
			aim.call('forged'),
			aim.call('forged', { headers: aim.call('valid', { body: bodyOf('another') }).headers }),
		],
	},
	{
		...{ group: 'A forged proof', name: 'a random header' },
		...{ proof: 'forged', kinds: ['header'] },
		calls: (aim) => [aim.call('forged')],
	},
];

const ALTERED: Attack[] = (
	[
		[
			'each claim with another value, or left out',
			(aim) => {
				const claims = claimsIn(tokenOf(aim.call('valid').url));
				return Object.keys(claims).flatMap((name) => {
					const { [name]: value, ...others } = claims;
					return [{ ...claims, [name]: changed(value) }, others].map((said) =>
						withToken((token) => `${base64url(said)}.${token.split('.')[1]}`)(aim),
					);
				});
			},
		],
		[
			'an expiry a year later, a claim more',
			(aim) => {
				const claims = claimsIn(tokenOf(aim.call('valid').url));
				return [
					{ ...claims, x: Number(claims.x) + 31_536_000 },
					{ ...claims, reference: 'mine', r: 'mine' },
				].map((said) => withToken((token) => `${base64url(said)}.${token.split('.')[1]}`)(aim));
			},
		],
		[
			'one character, at the beginning, in the middle, at the end of claims and tag',
			(aim) => {
				const { length } = tokenOf(aim.call('valid').url);
				const dot = tokenOf(aim.call('valid').url).indexOf('.');
				return [0, Math.floor(dot / 2), dot - 1, dot + 1, dot + 20, length - 2].map((at) =>
					withToken((token) => replacedAt(token, at))(aim),
				);
			},
		],
		[
			'shortened, lengthened, in capitals, padded, with blanks',
			(aim) =>
				[
					(token: string) => token.slice(0, -1),
					(token: string) => token.slice(1),
					(token: string) => `${token}A`,
					(token: string) => `${token}.`,
					(token: string) => `.${token}`,
					(token: string) => `${token}.${token}`,
					(token: string) => token.split('.').reverse().join('.'),
					(token: string) => token.toUpperCase(),
					(token: string) => `${token}=`,
					(token: string) => ` ${token}`,
					(token: string) => `${token}\u0000`,
				].map((change) => withToken(change)(aim)),
		],
		[
			'twice, as a list, as an object',
			(aim) => [
				aim.call('valid', { alter: (url) => url.searchParams.append(TOKEN, tokenOf(url)) }),
				...[`${TOKEN}[]`, `${TOKEN}[0]`, `${TOKEN}[a]`, 'MJTOKEN'].map((name) =>
					aim.call('valid', {
						alter: (url) => {
							const token = tokenOf(url);
							url.searchParams.delete(TOKEN);
							url.searchParams.set(name, token);
						},
					}),
				),
			],
		],
	] satisfies Array<[string, Attack['calls']]>
).map(
	([name, calls]): Attack => ({
		...{ group: 'An altered proof', name, proof: 'forged', kinds: ['token'], calls },
	}),
);

const ANOTHERS: Attack[] = [
	{
		...{ group: 'The proof of another address', proof: 'forged', kinds: ['token'] },
		name: 'tokens of other executions and other Triggers',
		calls: (aim) => aim.elsewhere.map((token) => withToken(() => token)(aim)),
	},
];

/** What n8n's own readers of bodies may wait for without end: parts, and XML while they read another that is broken. */
const MULTIPART = 'parts that never come';
const XML = 'what calls itself XML';
const MAY_HANG: readonly string[] = [MULTIPART, XML];

/** What is posted in place of a provider's words. */
const BODIES: Array<[string, Change[]]> = [
	[
		'lists, numbers, words, null',
		['[]', '[1,2]', '[[]]', '1', '-1e999', '"x"', 'true', 'null', '{}'].map((body) => ({ body })),
	],
	[
		'nested a hundred thousand deep',
		[
			{ body: '['.repeat(100_000) + ']'.repeat(100_000) },
			{ body: `${'{"data":'.repeat(100_000)}1${'}'.repeat(100_000)}` },
		],
	],
	[
		'__proto__, constructor, toString',
		[
			{ body: '{"__proto__":{"taskId":"x","ok":true},"data":{"__proto__":{"taskId":"y"}}}' },
			{
				body: '{"constructor":{"prototype":{"taskId":"x"}},"data":{"toString":1,"hasOwnProperty":0}}',
			},
		],
	],
	[
		'other content types',
		[
			...['text/plain', 'application/octet-stream', 'image/png', 'x', ''],
			...['application/json; charset=utf-7', 'application/json; charset=nothing'],
			'application/x-www-form-urlencoded',
		].map((type) => ({ headers: { 'content-type': type } })),
	],
	[XML, ['application/xml', 'a/b+xml'].map((type) => ({ headers: { 'content-type': type } }))],
	[
		MULTIPART,
		['multipart/form-data', 'multipart/form-data; boundary=x'].map((type) => ({
			headers: { 'content-type': type },
		})),
	],
	[
		'no JSON, half of it, none at all, a page',
		['{"code": 200, "data": {', 'nonsense', '<html>It is done</html>', '\u0000\u0001', ''].map(
			(body) => ({ body }),
		),
	],
	[
		'compressed, or said to be',
		[
			{ body: gzipSync(JSON.stringify({ ok: true })), headers: { 'content-encoding': 'gzip' } },
			{ body: 'not compressed', headers: { 'content-encoding': 'gzip' } },
			{ body: gzipSync(Buffer.alloc(60 * 2 ** 20)), headers: { 'content-encoding': 'gzip' } },
		],
	],
	[
		'the wake of the process, with a guessed secret',
		['', '0'.repeat(32), 1, null, ['x']].map((midjourneyWake) => ({ body: { midjourneyWake } })),
	],
];

/** What stands in the place of a task id. */
const IDS: Array<[string, unknown[]]> = [
	['. and ..', ['.', '..', './', '../', '...']],
	['paths', ['../x', 'a/b', '/etc/passwd', '..%2fx', '%2e%2e/x', 'a\\b', '..\\x']],
	['addresses', ['http://127.0.0.1:9/x', '//attacker.example/x', '@attacker.example']],
	['queries', ['x?y=z', 'x#y', 'x&taskId=y', 'x;y']],
	['10 kB', ['x'.repeat(10_000)]],
	['control characters', ['x\u0000y', 'x\r\ny', '\u202e', '\u001b[2J', ' ']],
	['no words', [1, -1, 1e308, true, null, {}, [], { toString: 'x' }, ['..']]],
];

const HEADERS: Array<[string, (aim: Aim) => OutgoingHttpHeaders[]]> = [
	[
		'another host',
		({ witness }) => [
			{ host: 'attacker.example' },
			{ 'x-forwarded-host': new URL(witness).host, 'x-forwarded-proto': 'http' },
			{ 'x-original-url': `${witness}/x`, 'x-rewrite-url': '/rest/settings', referer: witness },
			{ forwarded: `host=${new URL(witness).host}`, origin: witness },
		],
	],
	[
		'another method',
		() => [
			{ 'x-http-method-override': 'DELETE' },
			{ 'x-http-method': 'GET' },
			{ 'x-method-override': 'PUT' },
		],
	],
	[
		'somebody signed in',
		() => [{ cookie: 'n8n-auth=eyJhbGciOiJub25lIn0.e30.' }, { authorization: 'Basic YTpi' }],
	],
	[
		'signatures that are none',
		() => [
			{ 'x-webhook-signature': 'x', 'x-webhook-timestamp': 'NaN' },
			{ 'x-webhook-signature': ['x', 'y'], 'x-webhook-timestamp': ['1', '2'] },
			{ 'x-webhook-signature': 'A'.repeat(8000), 'x-webhook-timestamp': '9'.repeat(400) },
		],
	],
	[
		'a thousand of them, and one of 10 kB',
		() => [
			Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`x-${n}`, 'x'])),
			{ 'x-long': 'x'.repeat(10_000) },
		],
	],
];

/** Each with a forged and with a valid proof: with a valid one nothing but its own task may be asked for. */
function withBoth(row: Omit<Attack, 'proof' | 'calls' | 'kinds'>, changes: (aim: Aim) => Change[]) {
	return (['forged', 'valid'] as const).map(
		(proof): Attack => ({
			...row,
			name: `${row.name}${proof === 'valid' ? ', from a valid address' : ''}`,
			proof,
			// A valid call starts something at the node of n8n, whatever it says.
			kinds: proof === 'valid' ? MIDJOURNEY : EVERYWHERE,
			calls: (aim) => changes(aim).map((change) => aim.call(proof, change)),
		}),
	);
}

const METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** More than n8n takes by default. */
const OVER_N8N = 17;

export const ATTACKS: readonly Attack[] = [
	...NO_PROOF,
	...FORGED,
	...ALTERED,
	...ANOTHERS,
	...BODIES.flatMap(([name, changes]) =>
		withBoth(
			{ group: 'Odd bodies', name, byN8n: true, mayHang: MAY_HANG.includes(name) },
			() => changes,
		),
	),
	...IDS.flatMap(([name, ids]) =>
		withBoth({ group: 'Odd task IDs', name }, () => ids.map((id) => ({ body: bodyOf(id) }))),
	),
	...HEADERS.flatMap(([name, headers]) =>
		withBoth({ group: 'Odd headers', name, byN8n: true }, (aim) =>
			headers(aim).map((more) => ({ headers: more })),
		),
	),
	...withBoth({ group: 'Another method', name: METHODS.join(', '), byN8n: true }, () =>
		METHODS.map((method) => ({ method })),
	),
	...withBoth({ group: 'Too large', name: '5 MB', byN8n: true }, ({ taskId }) => [
		{ body: { ...bodyOf(taskId), filler: 'x'.repeat(5 * 2 ** 20) } },
	]),
	...withBoth(
		{ group: 'Too large', name: `${OVER_N8N} MB, more than n8n takes`, byN8n: true },
		() => [{ body: { filler: 'x'.repeat(OVER_N8N * 2 ** 20) } }],
	),
];
