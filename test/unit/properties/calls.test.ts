import fc from 'fast-check';

import {
	equalInConstantTime,
	isSigned,
	sign,
	taskIdsIn,
} from '../../../nodes/Midjourney/providers/callback';
import {
	claimsIn,
	executionAudience,
	hasToken,
	signedAddress,
	TOKEN,
	triggerAudience,
	type CallbackClaims,
} from '../../../nodes/Midjourney/tasks/callbacks/address';
import { json, like, taskId, text } from './arbitraries';

const NOW = 1_800_000_000_000;
const URL_OF_TRIGGER = 'https://n8n.example.com/webhook/0f1e/midjourney';

/** A text that was entered: whole characters, at most 200 as the field allows. */
const entered = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });
const word = fc.stringMatching(/^[\w-]{1,40}$/);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const claims: fc.Arbitrary<CallbackClaims> = fc.record({
	submit: word,
	// Whole seconds: that is what an address holds.
	expiresAt: fc.integer({ min: 1, max: 1e8 }).map((seconds) => NOW + seconds * 1000),
	reference: maybe(entered),
	wait: maybe(
		fc.record({
			nonce: word,
			position: fc.nat(),
			executionId: maybe(word),
			resumeToken: maybe(word),
		}),
	),
});
const audience = fc.oneof(
	fc.nat().map((execution) => executionAudience(String(execution))),
	word.map((id) => triggerAudience(`https://n8n.example.com/webhook/${id}/midjourney`)),
);
const key = fc.base64String({ minLength: 44, maxLength: 44 });

const queryOf = (address: string) => Object.fromEntries(new URL(address).searchParams);

/** The text with one character changed, added or left out. */
const changed = (value: string) =>
	fc
		.tuple(fc.nat(value.length - 1), fc.string({ maxLength: 1 }), fc.boolean())
		.map(
			([at, character, replaces]) =>
				value.slice(0, at) + character + value.slice(replaces ? at + 1 : at),
		)
		.filter((other) => other !== value);

describe('The claims of a callback address', () => {
	it('equal what was put into it, whatever else is in the URL', () => {
		fc.assert(
			fc.property(
				claims,
				audience,
				key,
				fc.webUrl({ withQueryParameters: true }),
				(said, ...rest) => {
					const [whom, secret, url] = rest;
					const query = queryOf(signedAddress(url, said, whom, secret));
					expect(claimsIn(query, whom, secret, NOW)).toEqual(said);
				},
			),
		);
	});

	it('leave everything that n8n has put into the URL', () => {
		fc.assert(
			fc.property(claims, fc.stringMatching(/^[0-9a-f]{8,64}$/), (said, signature) => {
				const url = `https://n8n.example.com/webhook-waiting/7/midjourney?signature=${signature}`;
				const address = new URL(signedAddress(url, said, 'execution 7', 'key'));
				expect(address.searchParams.get('signature')).toBe(signature);
				address.searchParams.delete(TOKEN);
				expect(address.href).toBe(url);
			}),
		);
	});

	it('are undefined when a single character of the token was changed', () => {
		const tampered = fc.tuple(claims, audience, key).chain(([said, whom, secret]) => {
			const { [TOKEN]: token = '' } = queryOf(signedAddress(URL_OF_TRIGGER, said, whom, secret));
			return fc.tuple(changed(token), fc.constant(whom), fc.constant(secret));
		});
		fc.assert(
			fc.property(tampered, ([token, whom, secret]) => {
				expect(claimsIn({ [TOKEN]: token }, whom, secret, NOW)).toBeUndefined();
			}),
			{ numRuns: 1000 },
		);
	});

	it('are undefined for another audience or with another key', () => {
		const elsewhere = fc
			.tuple(audience, key)
			.chain(([whom, secret]) =>
				fc.tuple(fc.constant([whom, secret] as const), changed(whom), changed(secret)),
			);
		fc.assert(
			fc.property(claims, elsewhere, (said, [[whom, secret], otherWhom, otherSecret]) => {
				const query = queryOf(signedAddress(URL_OF_TRIGGER, said, whom, secret));
				expect(claimsIn(query, otherWhom, secret, NOW)).toBeUndefined();
				expect(claimsIn(query, whom, otherSecret, NOW)).toBeUndefined();
			}),
		);
	});

	it('are valid until they expire, and undefined from then on', () => {
		fc.assert(
			fc.property(claims, fc.integer({ min: -1e9, max: 1e9 }), (said, later) => {
				const query = queryOf(signedAddress(URL_OF_TRIGGER, said, 'a', 'key'));
				const read = claimsIn(query, 'a', 'key', said.expiresAt + later);
				expect(read !== undefined).toBe(later < 0);
			}),
		);
	});

	it('are undefined in any query that was not made here, and reading it never throws', () => {
		const query = fc.oneof(json, like({ [TOKEN]: fc.oneof(text, json) }));
		fc.assert(
			fc.property(query, text, (given, whom) => {
				expect(typeof hasToken(given)).toBe('boolean');
				expect(claimsIn(given, whom, 'key', NOW)).toBeUndefined();
			}),
			{ numRuns: 300 },
		);
	});
});

describe('The audience of a Trigger', () => {
	const part = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
	const front = fc.tuple(fc.webUrl({ withQueryParameters: false }), fc.array(part)).map(
		// Where n8n lives behind a proxy.
		([url, path]) => [new URL(url).origin, ...path].join('/'),
	);

	it('is the same for its test URL and its production URL, behind any proxy', () => {
		fc.assert(
			fc.property(part, front, front, fc.string(), (id, one, other, query) => {
				const test = `${one}/webhook-test/${id}/midjourney`;
				const production = `${other}/webhook/${id}/midjourney?${query}`;
				expect(triggerAudience(test)).toBe(triggerAudience(production));
			}),
		);
	});

	it('differs between Triggers, and is never that of an execution', () => {
		fc.assert(
			fc.property(front, part, part, (url, one, other) => {
				const of = (id: string) => triggerAudience(`${url}/webhook/${id}/midjourney`);
				expect(of(one) === of(other)).toBe(one === other);
				expect(of(one)).not.toBe(executionAudience(other));
			}),
		);
	});

	it('is read from any text without an error', () => {
		fc.assert(
			fc.property(fc.oneof(text, fc.webUrl()), (url) => {
				expect(triggerAudience(url)).toMatch(/^trigger [^/]*$/);
			}),
		);
	});
});

const callBody = like({
	...{ taskId, task_id: taskId, id: taskId, jobId: taskId, job_id: taskId, request_id: taskId },
	data: like({ taskId, task_id: taskId, id: fc.string({ maxLength: 300 }) }),
});

describe('The task ids of a call', () => {
	it('are a few different texts out of the call, whatever it is', () => {
		fc.assert(
			fc.property(fc.oneof(json, callBody), (body) => {
				const ids = taskIdsIn(body);
				expect(ids.length).toBeLessThanOrEqual(3);
				expect(new Set(ids).size).toBe(ids.length);
				for (const id of ids) {
					expect(id.length > 0 && id.length <= 200).toBe(true);
					expect(JSON.stringify(body)).toContain(JSON.stringify(id).slice(1, -1));
				}
			}),
			{ numRuns: 300 },
		);
	});
});

describe('The signature of a call', () => {
	const secret = fc.string({ minLength: 1 });
	const age = fc.integer({ min: -299, max: 299 });
	const headersOf = (id: string, timestamp: string, by: string) => ({
		'x-webhook-timestamp': timestamp,
		'x-webhook-signature': sign(`${id}.${timestamp}`, by),
	});

	it('of any of the secrets is accepted, as long as it is fresh', () => {
		fc.assert(
			fc.property(
				taskId,
				age,
				fc.array(secret, { minLength: 1 }),
				fc.nat(),
				(id, seconds, all, at) => {
					const timestamp = String(NOW / 1000 + seconds);
					const headers = headersOf(id, timestamp, all[at % all.length] ?? '');
					expect(isSigned(headers, { data: { task_id: id } }, all, NOW)).toBe(true);
					expect(isSigned(headers, { data: { task_id: id } }, all, NOW + 600_000)).toBe(false);
				},
			),
		);
	});

	it('is refused when a character of id, time or signature was changed', () => {
		const timestamp = String(NOW / 1000);
		const tampered = fc.tuple(taskId, secret).chain(([id, by]) => {
			const headers = headersOf(id, timestamp, by);
			const { 'x-webhook-signature': signature } = headers;
			return fc.oneof(
				changed(id).map((other) => ({ id: other, by, headers })),
				changed(timestamp).map((other) => ({
					...{ id, by },
					headers: { ...headers, 'x-webhook-timestamp': other },
				})),
				changed(signature).map((other) => ({
					...{ id, by },
					headers: { ...headers, 'x-webhook-signature': other },
				})),
			);
		});
		fc.assert(
			fc.property(tampered, ({ id, by, headers }) => {
				expect(isSigned(headers, { taskId: id }, [by], NOW)).toBe(false);
			}),
			{ numRuns: 300 },
		);
	});

	it('is never found in what nobody has signed, and looking for it never throws', () => {
		const header = fc.oneof(json, text, fc.constant(String(NOW / 1000)));
		const headers = like({ 'x-webhook-timestamp': header, 'x-webhook-signature': header });
		fc.assert(
			fc.property(headers, fc.oneof(json, callBody), fc.array(secret), (given, body, secrets) => {
				expect(isSigned({ ...given }, body, secrets, NOW)).toBe(false);
			}),
		);
	});

	it('equals the same text alone', () => {
		fc.assert(
			fc.property(fc.string(), fc.string(), (one, other) => {
				expect(equalInConstantTime(one, one)).toBe(true);
				expect(equalInConstantTime(one, other)).toBe(one === other);
			}),
		);
	});
});
