import {
	promptText,
	FLAGS,
	flag,
	flagIn,
	type FlagTable,
} from '../../nodes/Midjourney/providers/flags';
import type { GenerateImage } from '../../nodes/Midjourney/providers/provider';

const image = { kind: 'generateImage', mode: 'textToImage', prompt: 'a cup' } as const;
const ONE = 'https://a.example/1.png';

/** What each setting becomes, and in which order, is in the table of test/wire. */
describe('A request as one text', () => {
	/** What is set besides the prompt, and the text. */
	const CASES: Array<[string, Partial<GenerateImage>, string]> = [
		['niji with a space', { version: 'Niji 5' }, 'a cup --niji 5'],
		['niji without a number', { version: 'niji' }, 'a cup --niji'],
		['seed', { seed: 0 }, 'a cup --seed 0'],
		['no style', { styleReferences: [] }, 'a cup'],
		['style version', { styleVersion: 4 }, 'a cup --sv 4'],
		['personalization', { personalization: ['4gz7xkq', 'm7abc'] }, 'a cup --p 4gz7xkq m7abc'],
		['experimental', { experimental: 0 }, 'a cup --exp 0'],
		['hd', { hd: true }, 'a cup --hd'],
		['nothing that is not to be seen', { exclude: ' ' }, 'a cup'],
		['a prompt with flags of its own', { prompt: 'a cup --stop 80' }, 'a cup --stop 80'],
		[
			'style of images and of codes',
			{ mode: 'styleReference', imageUrls: [ONE], styleReferences: ['123'] },
			`a cup --sref ${ONE} 123`,
		],
		['what another provider has a field for', { watermark: 'w', translatePrompt: true }, 'a cup'],
	];

	it.each(CASES)('%s', (_, set, text) => {
		expect(promptText({ ...image, ...set })).toBe(text);
	});
});

describe('The table of flags', () => {
	it('does not compile with a row missing, nor with a setting that has no flag', () => {
		const { seed, ...withoutSeed } = FLAGS;
		// @ts-expect-error -- the row of the seed is missing
		const table: FlagTable = withoutSeed;
		// @ts-expect-error -- no flag says what a watermark says
		const written = () => flag('watermark', 'shop');
		// @ts-expect-error -- there is no such setting
		const invented = () => flag('sparkle', 7);
		expect(Object.keys(table)).not.toContain('seed');
		expect(seed).toEqual(['seed']);
		expect([written, invented].map((one) => typeof one)).toEqual(['function', 'function']);
	});

	it('has each flag once', () => {
		const all = Object.values(FLAGS).flat();
		expect(all).toHaveLength(new Set(all).size);
	});
});

describe('A flag in a text', () => {
	it.each([
		['text --ar 1:1', '--ar'],
		['text --ar1:1', '--ar'],
		['--no hands', '--no'],
		['7 --tile', '--tile'],
		['text —stylize 5', '—stylize'],
		['text –q 2', '–q'],
		['text\n--ar 1:1', '--ar'],
		['text,--ar 1:1', '--ar'],
		['(text)--ar 1:1', '--ar'],
		['text\u00a0--ar 1:1', '--ar'],
		['text ---ar 1:1', '---ar'],
		['text --unheard of', '--unheard'],
	])('is found in %j', (text, found) => {
		expect(flagIn(text)).toBe(found);
	});

	it.each([
		'text, hands',
		'black-and-white',
		'tea — and cups',
		'1920–1930',
		'a--b',
		'text - hands',
		'text --',
		'https://a.example/a--b.png',
	])('is not found in %j', (text) => {
		expect(flagIn(text)).toBeUndefined();
	});
});
