import { requestProblem } from '../../nodes/Midjourney/operations/requestCheck';
import type { GenerateImage, TaskRequest } from '../../nodes/Midjourney/providers/provider';

const image = { kind: 'generateImage', mode: 'textToImage', prompt: 'a cup' } as const;
const source = { taskId: 't', index: 0 };
const video = {
	kind: 'generateVideo',
	quality: 'hd',
	prompt: 'steam',
	motion: 'low',
	imageUrl: 'https://a.example/1.png',
} as const;
const remix = { kind: 'remixImage', ...source, strength: 'subtle' } as const;

const problemOf = (request: TaskRequest, permutable = true) =>
	requestProblem(request, (path) => path.join('.'), permutable);

/** One of each setting whose value is a text of the user's. */
const TEXTS: Array<[keyof GenerateImage, (text: string) => Partial<GenerateImage>]> = [
	['aspectRatio', (aspectRatio) => ({ aspectRatio })],
	['exclude', (exclude) => ({ exclude })],
	['imageUrls', (text) => ({ imageUrls: ['https://a.example/1.png', text] })],
	['omniReference', (omniReference) => ({ omniReference })],
	['styleReferences', (text) => ({ styleReferences: ['123', text] })],
	['version', (version) => ({ version })],
	['watermark', (watermark) => ({ watermark })],
];

describe.each(TEXTS)('The setting %s', (name, set) => {
	it.each(['x --ar 1:1', '--v 7', 'x —tile', 'x –no hands', 'x,--ar1:1'])(
		'smuggles in no flag: %s',
		(text) => {
			expect(problemOf({ ...image, ...set(text) })).toMatch(
				new RegExp(`^'${name}' contains .*: a flag belongs in its own field`),
			);
		},
	);

	it.each(['{a, b}', 'x}', '{'])(
		'holds no brace, even where permutations are meant: %s',
		(text) => {
			expect(problemOf({ ...image, ...set(text) })).toMatch(`'${name}' contains a brace`);
		},
	);
});

describe('A prompt', () => {
	const PROMPTS: Array<[string, (prompt: string) => TaskRequest]> = [
		['of an image', (prompt) => ({ ...image, prompt })],
		['of a video', (prompt) => ({ ...video, prompt })],
		['of a remix', (prompt) => ({ ...remix, prompt })],
		['of a variation', (prompt) => ({ kind: 'varyImage', ...source, prompt })],
		['of an extension', (prompt) => ({ kind: 'extendVideo', ...source, mode: 'manual', prompt })],
	];

	describe.each(PROMPTS)('%s', (_, request) => {
		it.each(['a {red, green} bird', 'a cup --repeat 4', 'a cup --r4', '{"scene": "a cup"}', 'a }'])(
			'makes no tasks that nobody has approved: %s',
			(prompt) => {
				expect(problemOf(request(prompt))).toMatch(/^'prompt' /);
			},
		);

		it('may hold flags that have no field', () => {
			expect(problemOf(request('a cup --stop 80 --no text'))).toBeUndefined();
		});
	});

	it('with permutations is answered by what the provider offers for them', () => {
		const request = { ...image, prompt: 'a {red, green} bird' };
		expect(problemOf(request)).toMatch(/here 2, .* add the field Permutations/);
		expect(problemOf(request, false)).toMatch(/here 2, .* one item for each wording/);
	});

	it.each<[string, TaskRequest, string]>([
		['a field', { ...image, prompt: 'a cup --ar16:9', aspectRatio: '1:1' }, 'aspectRatio'],
		['a switch that is off', { ...image, prompt: 'a cup --tile', tile: false }, 'tile'],
		['motion', { ...video, prompt: 'steam --motion high' }, 'motion'],
		['the mode', { ...image, mode: 'styleReference', prompt: 'a cup --sref 1' }, 'mode'],
		['the other mode', { ...image, mode: 'omniReference', prompt: 'a cup --oref x' }, 'mode'],
	])('does not contradict %s', (_, request, name) => {
		expect(problemOf(request)).toMatch(`and '${name}' is set as well`);
	});

	it('goes with settings that are not set', () => {
		expect(problemOf({ ...image, prompt: 'a cup --ar 16:9', aspectRatio: undefined })).toBe(
			undefined,
		);
	});
});

describe('The parameters of a model', () => {
	const run = (parameters: object): TaskRequest => ({
		kind: 'runModel',
		model: 'midjourney_pan',
		parameters: { ...parameters },
	});

	it.each(['prompt', 'text', 'remixPrompt'])(
		'make no tasks that nobody has approved: %s',
		(name) => {
			expect(problemOf(run({ [name]: 'a {red, green} bird' }), false)).toMatch(/here 2/);
			expect(problemOf(run({ [name]: 'a bird --repeat 3' }), false)).toMatch(/here 3/);
		},
	);

	it('are otherwise free', () => {
		const parameters = {
			text: 'a cup --ar 1:1',
			style: '--x',
			note: '{a, b}',
			list: [{ deep: 1 }],
		};
		expect(problemOf(run(parameters), false)).toBeUndefined();
	});
});

describe('Prompt and fields that say the same', () => {
	/** An image with this prompt and any setting. */
	function imageWith(prompt: string, setting: string) {
		const set: object = { [setting]: '1' };
		return Object.assign({ ...image, prompt }, set);
	}

	it.each([
		['a cup --ar 16:9', 'aspectRatio'],
		['a cup --aspect 16:9', 'aspectRatio'],
		['a cup --v 7', 'version'],
		['a cup --niji 6', 'version'],
		['--s 250 a cup', 'stylization'],
		['a cup —stylize 250', 'stylization'],
		['a cup --chaos 5', 'variety'],
		['a cup --w 5', 'weirdness'],
		['a cup --ow 5', 'omniIntensity'],
		['a cup --TURBO', 'speed'],
		['a cup --motion low', 'motion'],
		['a cup --bs 4', 'videoCount'],
		['a cup --ar16:9', 'aspectRatio'],
		['a cup --niji6', 'version'],
		['a cup --v7.1', 'version'],
		['a cup --iw.5', 'imageWeight'],
		['a cup --orefhttps://a.example/1.png', 'omniReference'],
		['a cup,--ar 16:9', 'aspectRatio'],
		['a cup –ar 16:9', 'aspectRatio'],
		['a cup --style raw', 'raw'],
	])('%s contradicts %s', (prompt, name) => {
		expect(problemOf(imageWith(prompt, name))).toContain(`'${name}' is set as well`);
	});

	it.each([
		['a cup --ar 16:9', 'version'],
		['a cup --arc', 'aspectRatio'],
		['a cup a--ar', 'aspectRatio'],
		['a cup --stop 80', 'stylization'],
		['a cup --style raw', 'stylization'],
		['a cup --video', 'version'],
		['a cup --raw-ish', 'raw'],
		['ar 16:9', 'aspectRatio'],
		['a cup --ar 16:9', 'watermark'],
	])('%s goes with %s', (prompt, name) => {
		expect(problemOf(imageWith(prompt, name))).toBeUndefined();
	});
});
