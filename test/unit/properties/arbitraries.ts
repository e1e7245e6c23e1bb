import fc from 'fast-check';

import type { FailureReason } from '../../../nodes/Midjourney/providers/http';

/** What comes from outside, as the properties here need it: mostly of the documented form, with anything in any place. */

/** Values of JSON that code which expects another one stumbles over. */
const STUMBLING: unknown[] = [
	...[null, true, false, 0, -1, 0.5, 1e21, 1e300, -1e300, 20_261_121_103_000_000],
	...[
		'',
		' ',
		'0',
		'-1',
		'1e400',
		'99999999999999999999',
		'2026-13-45',
		'NaN',
		'{}',
		'[]',
		'{"a":',
	],
	...['__proto__', 'constructor', 'valueOf', 'toString', '\ud800', '\0', '\u2028', '\ufeff{}'],
	...[{}, [], [[]], [null], { data: null }, { json: {} }],
];

/** Any value of JSON. */
export const json: fc.Arbitrary<unknown> = fc.oneof(
	{ weight: 2, arbitrary: fc.constantFrom(...STUMBLING) },
	{ weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** Any text: words, any code points, lone halves of surrogate pairs. */
export const text: fc.Arbitrary<string> = fc.oneof(
	fc.string(),
	fc.string({ unit: 'grapheme' }),
	fc.string({ unit: 'binary' }),
	fc
		.array(fc.constantFrom('a', '.', '/', '\\', '%', '{', '}', ',', '-', ' ', '\ud800', '\udc00'))
		.map((characters) => characters.join('')),
);

const MISSING = Symbol('missing');

/** A record of the documented form, in which now and then a field is missing or holds anything. */
export const like = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
	fc
		.tuple(
			...Object.entries(fields).map(([name, arbitrary]) =>
				fc.tuple(
					fc.constant(name),
					fc.oneof(
						{ weight: 10, arbitrary },
						{ weight: 1, arbitrary: json },
						{ weight: 2, arbitrary: fc.constant(MISSING) },
					),
				),
			),
		)
		.map((entries) => Object.fromEntries(entries.filter(([, value]) => value !== MISSING)));

/** The value itself, or the JSON of it as text. */
export const perhapsAsText = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
	fc.oneof(
		value,
		value.map((one) => JSON.stringify(one)),
	);

export const httpStatus = fc.oneof(
	fc.constant(200),
	fc.constantFrom(201, 204, 301, 302, 307, 400, 401, 402, 403, 404, 408, 422, 429, 451, 500, 503),
	fc.integer({ min: 100, max: 599 }),
);

/** The id of a task, as providers make them. */
export const taskId = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{7,39}$/);

export const fileUrl = fc
	.tuple(
		fc.stringMatching(/^[a-z0-9]{1,12}$/),
		fc.constantFrom('.png', '.mp4', '.webp?sig=a/b', ''),
	)
	.map(([name, ending]) => `https://files.example.com/${name}${ending}`);

/** Each reason once: a reason that is missing here does not compile. */
const REASONS: Record<FailureReason, true> = {
	...{ invalidKey: true, notAllowed: true, noCredits: true, invalidRequest: true, notFound: true },
	...{ rateLimited: true, maintenance: true, serverError: true, generationFailed: true },
	...{ featureDisabled: true, notOffered: true, invalidSource: true, unknownSize: true },
	...{ unusableImage: true, undeliverableImage: true },
	...{ unfitCanvas: true, unreachable: true, connectionLost: true, timedOut: true },
	...{ unreadable: true, unexplained: true, redirected: true },
};

export const reason = fc.constantFrom(
	...Object.keys(REASONS).filter((name): name is FailureReason => name in REASONS),
);

/** As JSON leaves it: without what is undefined. */
export const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
