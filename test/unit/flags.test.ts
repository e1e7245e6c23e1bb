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
const TWO = 'https://a.example/2.png';

describe('A request as one text', () => {
	/** What is set besides the prompt, and the text. */
	const CASES: Array<[string, Partial<GenerateImage>, string]> = [
		['nothing set', {}, 'a cup'],
		['aspect ratio', { aspectRatio: '16:9' }, 'a cup --ar 16:9'],
		['version', { version: '6.1' }, 'a cup --v 6.1'],
		['a version of tomorrow', { version: '9' }, 'a cup --v 9'],
		['niji', { version: 'niji6' }, 'a cup --niji 6'],
		['niji with a space', { version: 'Niji 5' }, 'a cup --niji 5'],
		['niji without a number', { version: 'niji' }, 'a cup --niji'],
		['quality', { imageQuality: 0.25 }, 'a cup --q 0.25'],
		['stylization', { stylization: 250 }, 'a cup --s 250'],
		['stylization 0', { stylization: 0 }, 'a cup --s 0'],
		['variety', { variety: 7 }, 'a cup --c 7'],
		['weirdness', { weirdness: 3000 }, 'a cup --w 3000'],
		['seed', { seed: 0 }, 'a cup --seed 0'],
		['image weight', { imageWeight: 1.5 }, 'a cup --iw 1.5'],
		['one style', { styleReferences: ['123'] }, 'a cup --sref 123'],
		['several styles', { styleReferences: [ONE, '123'] }, `a cup --sref ${ONE} 123`],
		['no style', { styleReferences: [] }, 'a cup'],
		['style weight', { styleWeight: 50 }, 'a cup --sw 50'],
		['omni reference', { omniReference: ONE }, `a cup --oref ${ONE}`],
		['omni intensity', { omniIntensity: 400 }, 'a cup --ow 400'],
		['raw', { raw: true }, 'a cup --raw'],
		['tile', { tile: true }, 'a cup --tile'],
		['draft', { draft: true }, 'a cup --draft'],
		['switches that are off', { raw: false, tile: false, draft: false }, 'a cup'],
		['what is not to be seen', { exclude: ' text, hands ' }, 'a cup --no text, hands'],
		['nothing that is not to be seen', { exclude: ' ' }, 'a cup'],
		['a prompt with space around it', { prompt: ' a cup\n' }, 'a cup'],
		['a prompt with flags of its own', { prompt: 'a cup --stop 80' }, 'a cup --stop 80'],
		[
			'images to start from',
			{ mode: 'imageToImage', imageUrls: [ONE, TWO] },
			`${ONE} ${TWO} a cup`,
		],
		['style of images', { mode: 'styleReference', imageUrls: [ONE] }, `a cup --sref ${ONE}`],
		[
			'style of images and of codes',
			{ mode: 'styleReference', imageUrls: [ONE], styleReferences: ['123'] },
			`a cup --sref ${ONE} 123`,
		],
		['subject of an image', { mode: 'omniReference', imageUrls: [ONE] }, `a cup --oref ${ONE}`],
		['what another provider has a field for', { watermark: 'w', translatePrompt: true }, 'a cup'],
	];

	it.each(CASES)('%s', (_, set, text) => {
		expect(promptText({ ...image, ...set })).toBe(text);
	});

	it('puts images first, then the prompt, then the flags, and last the flag that takes all the text behind it', () => {
		const everything: Partial<GenerateImage> = {
			mode: 'imageToImage',
			imageUrls: [ONE],
			exclude: 'text, hands',
			draft: true,
			tile: true,
			raw: true,
			omniIntensity: 400,
			omniReference: TWO,
			styleWeight: 50,
			styleReferences: ['123'],
			imageWeight: 2,
			seed: 7,
			weirdness: 300,
			variety: 10,
			stylization: 100,
			imageQuality: 2,
			version: '7',
			aspectRatio: '3:2',
		};
		expect(promptText({ ...image, ...everything })).toBe(
			`${ONE} a cup --ar 3:2 --v 7 --q 2 --s 100 --c 10 --w 300 --seed 7 --iw 2 --sref 123 --sw 50` +
				` --oref ${TWO} --ow 400 --raw --tile --draft --no text, hands`,
		);
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
