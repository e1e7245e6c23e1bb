import fc from 'fast-check';
import type { IDataObject } from 'n8n-workflow';

import {
	integerField,
	listField,
	textField,
	urlProblem,
} from '../../../nodes/Midjourney/operations/field';
import { imageUrls } from '../../../nodes/Midjourney/operations/fields';
import { operations } from '../../../nodes/Midjourney/operations';
import {
	MOST_TASKS,
	permutationProblem,
	permutationsOf,
} from '../../../nodes/Midjourney/operations/permutations';
import { requestProblem } from '../../../nodes/Midjourney/operations/requestCheck';
import { flagIn } from '../../../nodes/Midjourney/providers/language';
import type { TaskRequest } from '../../../nodes/Midjourney/providers/provider';
import { charactersIn, textsIn, urlsIn } from '../../../nodes/Midjourney/providers/texts';
import { isPrivate, unreachableImage } from '../../../nodes/Midjourney/tasks/submit/reach';
import { json, like, text } from './arbitraries';

const word = fc.stringMatching(/^[a-z]{1,8}$/);
const look = { displayName: 'F', name: 'f', default: '' };

/** What an expression may give: JSON, and what is none. */
const entered: fc.Arbitrary<unknown> = fc.oneof(
	json,
	text,
	fc.constantFrom(undefined, NaN, Infinity, 10n, [10n], Symbol('s'), new Date(0), () => 1),
	fc.constant(null).map(() => {
		const round: Record<string, unknown> = {};
		return Object.assign(round, { round });
	}),
);

describe('A field', () => {
	const fields = operations.flatMap((operation) => [
		...operation.fields,
		...(operation.additional ?? []),
	]);
	const all = [
		...new Map(fields.map((field) => [`${field.property.name} ${field.read}`, field])).values(),
		...fields.flatMap(({ variants = {} }) => Object.values(variants)),
	];

	it('gives a value or a problem for whatever an expression gives, and never throws', () => {
		fc.assert(
			fc.property(fc.constantFrom(...all), entered, (field, value) => {
				const reading = field.read(value);
				if ('problem' in reading) expect(reading.problem).not.toMatch(/^\s*$|undefined/);
				else expect(Object.keys(reading)).toEqual(['value']);
			}),
			{ numRuns: 800 },
		);
	});

	it('of a prompt gives text or a problem, whatever an expression gives', () => {
		const prompts = all.filter(({ property }) => property.name === 'prompt');
		fc.assert(
			fc.property(fc.constantFrom(...prompts), entered, (field, value) => {
				const reading = field.read(value);
				if ('problem' in reading)
					expect(reading.problem).toMatch(/^(is empty|must be text, not|has )/);
				else expect(['string', 'undefined']).toContain(typeof reading.value);
			}),
			{ numRuns: 300 },
		);
	});

	const address = fc
		.webUrl({ withQueryParameters: true })
		// A comma at the end of a URL is one that separates it from the next.
		.filter((url) => !url.endsWith(',') && !/[\s,]https?:/.test(url));

	it('of URLs gives the URLs that were entered on several lines, on one line, or as a list', () => {
		fc.assert(
			fc.property(fc.array(address, { minLength: 1 }), (urls) => {
				const field = imageUrls('');
				for (const value of [urls, urls.join('\n'), urls.join(', '), ` ${urls.join(' \n ')} `]) {
					expect(field.read(value)).toEqual({ value: urls });
				}
			}),
		);
	});

	/** With what `URL` overlooks. */
	const spaced = address.map((url) => `${url.slice(0, 12)}\t${url.slice(12)}`);

	it('of URLs gives only http and https URLs without spaces', () => {
		const list = listField({ separator: /\n/, check: urlProblem }, look);
		fc.assert(
			fc.property(fc.oneof(entered, fc.array(fc.oneof(address, spaced)), json), (value) => {
				const reading = list.read(value);
				for (const url of 'value' in reading ? reading.value : []) {
					expect(new URL(url).protocol).toMatch(/^https?:$/);
					expect(url).not.toMatch(/\s/);
				}
			}),
			{ numRuns: 300 },
		);
	});

	it('of a number gives only whole numbers of its range and step', () => {
		const range = fc.record({
			min: fc.integer(),
			length: fc.nat(),
			step: fc.integer({ min: 1, max: 9 }),
		});
		fc.assert(
			fc.property(range, fc.oneof(fc.integer(), entered), ({ min, length, step }, value) => {
				const reading = integerField({ min, max: min + length, step }, look).read(value);
				if (!('value' in reading)) return;
				expect(reading.value).toBe(Number(value));
				expect((reading.value - min) % step).toBe(0);
				expect(reading.value >= min && reading.value <= min + length).toBe(true);
			}),
		);
	});

	it('of a text counts characters as people do', () => {
		fc.assert(
			fc.property(
				fc.string({ unit: 'grapheme-composite' }),
				fc.integer({ min: 1, max: 9 }),
				(value, max) => {
					fc.pre(value.trim() !== '');
					expect('value' in textField(max, look).read(value)).toBe(charactersIn(value) <= max);
				},
			),
		);
	});
});

/** A prompt with braces, and the prompts that it stands for, made in another way. */
interface Meant {
	prompt: string;
	prompts: string[];
}
const { meant } = fc.letrec<{ meant: Meant; choice: Meant; plain: Meant }>((tie) => ({
	plain: word.map((one) => ({ prompt: one, prompts: [one] })),
	choice: fc.array(tie('meant'), { minLength: 1, maxLength: 3 }).map((all) => ({
		prompt: `{${all.map(({ prompt }) => prompt).join(', ')}}`,
		prompts: all.flatMap(({ prompts }) => prompts),
	})),
	meant: fc
		.array(fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('plain'), tie('choice')), {
			minLength: 1,
			maxLength: 3,
		})
		.map((parts) => ({
			prompt: parts.map(({ prompt }) => prompt).join(' '),
			prompts: parts
				.map(({ prompts }) => prompts)
				.reduce((some, more) => some.flatMap((one) => more.map((other) => `${one} ${other}`))),
		})),
}));

/** Pieces of prompts that mean something to Midjourney, in any order. */
const pieces = fc.constantFrom(
	...['{', '}', ',', '\\', '\\{', '\\,', ' ', '\n', '-', '--', '—', '--repeat', '--r', '--r3', '2'],
	...[
		'--repeat 2',
		' --repeat 4',
		'--ar 1:1',
		'a cup',
		'"scene":',
		'{{ $json.x }}',
		'🫖',
		'\ud800',
	],
);
const promptLike = fc.oneof(
	text,
	fc.array(pieces, { maxLength: 12 }).map((all) => all.join('')),
);

describe('Permutations', () => {
	it('are all combinations in the order of the prompt', () => {
		fc.assert(
			fc.property(meant, ({ prompt, prompts }) => {
				fc.pre(prompts.length <= MOST_TASKS);
				expect(permutationsOf(prompt)).toEqual({ value: prompts });
			}),
			{ numRuns: 300 },
		);
	});

	it('are refused above 40, with their number in the message', () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 2, max: 9 }), { maxLength: 12 }), (sizes) => {
				const prompt = sizes.map((size) => `{${'a,'.repeat(size - 1)}a}`).join(' ');
				const product = sizes.reduce((all, size) => all * size, 1);
				fc.pre(product > MOST_TASKS);
				expect(permutationsOf(prompt)).toEqual({
					problem: expect.stringContaining(
						product > 1000 ? 'more than 1000 tasks' : `makes ${product} tasks`,
					) as string,
				});
			}),
		);
	});

	it('are multiplied by --repeat', () => {
		const several = fc.integer({ min: 2, max: 40 });
		fc.assert(
			fc.property(
				meant,
				several,
				fc.constantFrom('--repeat ', '--r ', '—r', '--repeat'),
				(...all) => {
					const [{ prompt, prompts }, times, flag] = all;
					fc.pre(prompts.length * times <= MOST_TASKS);
					expect(permutationsOf(`${prompt} ${flag}${times}`)).toEqual({
						value: prompts.flatMap((one) => Array.from({ length: times }, () => one)),
					});
				},
			),
		);
	});

	it('are prompts that make one task each', () => {
		fc.assert(
			fc.property(promptLike, (prompt) => {
				const made = permutationsOf(prompt);
				if ('problem' in made) {
					expect(made.problem).toMatch(/./);
					return;
				}
				expect(made.value.length > 0 && made.value.length <= MOST_TASKS).toBe(true);
				for (const one of made.value) {
					expect(one).not.toMatch(/[{}]/);
					expect(permutationProblem(one, 'remedy')).toBeUndefined();
				}
			}),
			{ numRuns: 1000 },
		);
	});

	it('are found by every brace, and by every --repeat where a flag may stand', () => {
		const repeat = fc
			.tuple(word, fc.constantFrom(' ', ',', '.', '!', ') ', '\n', ', '), word)
			.map(([one, between, other]) => `${one}${between}--repeat 3 ${other}`);
		const brace = fc.tuple(text, fc.constantFrom('{', '}'), text).map((parts) => parts.join(''));
		fc.assert(
			fc.property(fc.oneof(repeat, brace), (prompt) => {
				expect(permutationProblem(prompt, 'remedy')).toMatch(/./);
			}),
			{ numRuns: 300 },
		);
	});
});

describe('A request', () => {
	const nameOf = (path: readonly string[]) => path.join('.');
	const anyRequest = like({
		kind: fc.constantFrom('generateImage', 'upscaleImage', 'varyImage', 'runModel'),
		mode: fc.constantFrom('textToImage', 'styleReference', 'omniReference'),
		prompt: promptLike,
		imageUrls: fc.array(fc.oneof(text, fc.webUrl())),
		exclude: text,
		mask: like({ url: fc.webUrl() }),
		parameters: like({ text: promptLike, list: fc.array(like({ prompt: promptLike })) }),
	}).map((one) => {
		const { prompt, ...rest } = one as IDataObject;
		// A prompt has been read by its field, which gives nothing but text.
		return { ...rest, ...(typeof prompt === 'string' && { prompt }) } as unknown as TaskRequest;
	});

	it('is checked without an error, whatever it holds', () => {
		fc.assert(
			fc.property(anyRequest, fc.boolean(), (request, permutable) => {
				const problem = requestProblem(request, nameOf, permutable);
				expect(problem ?? "'a' is wrong").toMatch(/^'/);
				expect(unreachableImage(request, 'https://api.example.com')?.host ?? 'a').toMatch(/./);
			}),
			{ numRuns: 500 },
		);
	});

	it('that passes has no brace in its text for Midjourney, and no flag in a field', () => {
		fc.assert(
			fc.property(anyRequest, (request) => {
				fc.pre(requestProblem(request, nameOf, true) === undefined);
				for (const { path, text: said } of textsIn(request)) {
					if (path[0] === 'parameters') continue;
					expect(said).not.toMatch(/[{}]/);
					if (path[0] !== 'prompt') expect(flagIn(said)).toBeUndefined();
				}
			}),
			{ numRuns: 500 },
		);
	});

	it('gives each of its texts once, with its path', () => {
		fc.assert(
			fc.property(anyRequest, (request) => {
				for (const { path, text: said } of textsIn(request)) {
					let found: unknown = request;
					for (const step of path) {
						found = Array.isArray(found) ? found : Reflect.get(Object(found) as object, step);
					}
					expect(Array.isArray(found) ? JSON.stringify(found) : found).toContain(
						Array.isArray(found) ? JSON.stringify(said).slice(1, -1) : said,
					);
				}
			}),
		);
	});

	it('gives the web addresses in a text that can be requested', () => {
		fc.assert(
			fc.property(fc.array(fc.oneof(text, fc.webUrl(), fc.constant('http://['))), (words) => {
				for (const url of urlsIn(words.join(' ')))
					expect(isPrivate(url)).toEqual(expect.any(Boolean));
			}),
		);
	});
});

describe('An address of IPv4', () => {
	const octets: fc.Arbitrary<number[]> = fc.oneof(
		fc.tuple(...[0, 1, 2, 3].map(() => fc.nat(255))),
		fc.constantFrom<number[][]>(
			[127, 0, 0, 1],
			[10, 0, 0, 1],
			[172, 31, 255, 255],
			[192, 168, 1, 5],
			[8, 8, 8, 8],
		),
	);
	const number = ([a = 0, b = 0, c = 0, d = 0]: number[]) => ((a * 256 + b) * 256 + c) * 256 + d;
	const groups = (address: number[]) =>
		[address[0], address[2]]
			.map((_, half) =>
				((address[half * 2] ?? 0) * 256 + (address[half * 2 + 1] ?? 0)).toString(16),
			)
			.join(':');

	/** All ways in which a URL may spell it. */
	const spellings = (address: number[]): string[] => {
		const dotted = address.join('.');
		const [a = 0, b = 0, c = 0, d = 0] = address;
		return [
			...[dotted, `${dotted}.`, String(number(address)), `0x${number(address).toString(16)}`],
			...[
				`0${number(address).toString(8)}`,
				`${a}.${(b * 256 + c) * 256 + d}`,
				`${a}.${b}.${c * 256 + d}`,
			],
			address.map((part) => `0x${part.toString(16)}`).join('.'),
			address.map((part) => `0${part.toString(8)}`).join('.'),
			address.map((part) => `0X${part.toString(16).padStart(2, '0').toUpperCase()}`).join('.'),
			[...dotted].map((one) => `%${one.charCodeAt(0).toString(16)}`).join(''),
			// Full-width digits and dots.
			[...dotted]
				.map((one) => (one === '.' ? '。' : String.fromCodePoint(0xff10 + Number(one))))
				.join(''),
			...[
				`[::ffff:${dotted}]`,
				`[::FFFF:${groups(address)}]`,
				`[0:0:0:0:0:ffff:${groups(address)}]`,
			],
			...[`[64:ff9b::${dotted}]`, `[64:ff9b::${groups(address)}]`],
		];
	};
	const isOfPrivateNetwork = ([a = 0, b = 0]: number[]) =>
		[0, 10, 127].includes(a) ||
		a >= 224 ||
		(a === 100 && b >= 64 && b < 128) ||
		(a === 169 && b === 254) ||
		(a === 172 && b >= 16 && b < 32) ||
		(a === 192 && b === 168);

	it('is recognised as private or public in every spelling', () => {
		fc.assert(
			fc.property(
				octets,
				fc.constantFrom('', 'me:pass@'),
				fc.constantFrom('', ':8080'),
				(...all) => {
					const [address, user, port] = all;
					const found = spellings(address).filter(
						(host) =>
							isPrivate(`http://${user}${host}${port}/1.png`) !== isOfPrivateNetwork(address),
					);
					expect(found).toEqual([]);
				},
			),
			{ numRuns: 300 },
		);
	});
});

describe('A URL', () => {
	it('is private or public without an error, whatever it is', () => {
		const ipV6 = fc.ipV6().map((address) => `http://[${address}]/`);
		fc.assert(
			fc.property(fc.oneof(ipV6, fc.webUrl(), text), (url) => {
				fc.pre(URL.canParse(url));
				expect(typeof isPrivate(url)).toBe('boolean');
			}),
		);
	});

	it('is private or public by its host alone', () => {
		fc.assert(
			fc.property(fc.webUrl(), fc.webUrl({ withQueryParameters: true }), (one, other) => {
				const { origin } = new URL(one);
				const { pathname, search } = new URL(other);
				expect(isPrivate(origin + pathname + search)).toBe(isPrivate(origin));
			}),
		);
	});
});
