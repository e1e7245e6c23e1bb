import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { QUICK, useEngine } from './setup';

const bench = useEngine();

const IMAGE = 'https://example.com/teapot.png';

const run = async (parameters: IDataObject, items: IDataObject[] = [{}]) =>
	await bench.run({
		parameters: { authentication: 'vtrix', ...parameters, waitOptions: QUICK },
		items,
	});

/** The defaults that the editor saves for the fields that take an incoming item. */
const FROM_ITEM = {
	taskId: '={{ $json.taskId }}',
	jobId: '={{ $json.jobId }}',
	index: '={{ $json.index ?? 0 }}',
};

/** A finished task of Vtrix: one item for each of its four images. */
async function finishedImages(): Promise<IDataObject[]> {
	const { items } = await bench.generate({
		authentication: 'vtrix',
		prompt: 'a teapot',
		waitOptions: QUICK,
		options: { outputItems: 'output' },
	});
	bench.emulator.ledger.clear();
	return items.map(({ json }: INodeExecutionData) => json);
}

/** The fields for the size of an image. */
const SQUARE = { imageWidth: 1024, imageHeight: 1024 };

const image = (operation: string, fields: IDataObject): IDataObject => ({
	resource: 'image',
	operation,
	...fields,
});

describe('What a run has cost', () => {
	it.each(['output', 'task'])(
		'is the sum of cost over its items, with one item per %s',
		async (outputItems) => {
			const { items } = await bench.generate(
				{ authentication: 'vtrix', prompt: '={{ $json.prompt }}', options: { outputItems } },
				{ items: [{ prompt: 'a cup' }, { prompt: 'a bowl' }, { prompt: 'a lamp' }] },
			);
			const costs = items.map(({ json }) => json.cost ?? 0) as number[];
			const sum = costs.reduce((all, cost) => all + cost, 0);
			expect(items).toHaveLength(outputItems === 'output' ? 12 : 3);
			expect(sum).toBeCloseTo(bench.emulator.ledger.spentUsd, 6);
			expect(sum).toBeGreaterThan(0);
			// The factor is no amount.
			expect(items.every(({ json }) => json.discount === 1)).toBe(true);
		},
	);
});
describe('The prompt of an item', () => {
	it('is the text as Midjourney receives it', async () => {
		const { items } = await run(image('generate', { prompt: 'a cup', aspectRatio: '16:9' }));
		expect(items[0]?.json.prompt).toBe('a cup --ar 16:9');
	});

	it('is the text as it was sent, whatever the provider repeats', async () => {
		bench.emulator.intercept(async (call) => {
			if (call.method !== 'GET') return undefined;
			const answer = await call.handle();
			const body = answer.body as IDataObject;
			return { ...answer, body: { ...body, metadata: { prompt: 'something else' } } };
		});
		const { items } = await run(image('generate', { prompt: 'a cup' }));
		expect(items[0]?.json.prompt).toBe('a cup');
	});

	it.each(['poll', 'dontWait'])(
		'is in the item: canvas and position, with %s',
		async (waitMode) => {
			const [source = {}] = await finishedImages();
			const { items } = await run(
				image('edit', { waitMode, prompt: 'more table', canvasAspectRatio: '2:1', ...FROM_ITEM }),
				[source],
			);
			expect(items[0]?.json).toMatchObject({
				prompt: 'more table',
				canvas: { width: 1536, height: 768 },
				imagePosition: { width: 768, height: 768, x: 384, y: 0 },
			});
		},
	);
});

describe('The source of an operation', () => {
	it('may be a task alone, which is read for its job', async () => {
		const [source = {}] = await finishedImages();
		const { items } = await run(image('upscale', { ...FROM_ITEM, upscaler: 'standard' }), [
			{ taskId: source.taskId, index: 1 },
		]);
		expect(items[0]?.json.status).toBe('completed');
		expect(bench.emulator.ledger.submits[0]?.params).toMatchObject({ jobId: source.jobId });
	});

	it('may be a job alone, and then nothing is read', async () => {
		const [source = {}] = await finishedImages();
		await run(image('upscale', { ...FROM_ITEM, waitMode: 'dontWait', upscaler: 'standard' }), [
			{ jobId: source.jobId },
		]);
		expect(bench.emulator.ledger.submits).toHaveLength(1);
		expect(bench.emulator.ledger.reads).toEqual([]);
	});

	it('that is the same for several items is read once', async () => {
		const images = await finishedImages();
		await run(
			image('upscale', { ...FROM_ITEM, waitMode: 'dontWait', upscaler: 'standard' }),
			images,
		);
		expect(bench.emulator.ledger.submits).toHaveLength(4);
		expect(bench.emulator.ledger.reads).toHaveLength(1);
	});

	it('is read for all items before anything is bought', async () => {
		const images = await finishedImages();
		const { error } = await run(image('upscale', { ...FROM_ITEM, upscaler: 'standard' }), [
			...images,
			{ taskId: 'gone-1' },
		]);
		expect(error?.message).toMatch(/Vtrix does not know the task or address \(404.*\[item 4\]/);
		expect(bench.emulator.ledger.submits).toEqual([]);
	});

	it('that does not fit fails its own item alone with On Error = continue', async () => {
		const images = await finishedImages();
		const { items } = await bench.run({
			parameters: {
				authentication: 'vtrix',
				...image('upscale', { ...FROM_ITEM, upscaler: 'standard' }),
				waitOptions: QUICK,
			},
			items: [images[0] ?? {}, { taskId: 'gone-1' }, images[1] ?? {}],
			settings: { onError: 'continueRegularOutput' },
		});
		expect(items.map(({ json }) => json.status)).toEqual(['completed', 'failed', 'completed']);
		expect(bench.emulator.ledger.submits).toHaveLength(2);
	});
});

/** An operation on a source whose parameters are right but for these fields. */
const onTask = (operation: string, fields: IDataObject) =>
	image(operation, { jobId: 'j', taskId: '', index: 0, prompt: 'p', ...fields });
const edit = (fields: IDataObject) =>
	onTask('edit', { canvasMode: 'exact', additionalFields: SQUARE, ...fields });
const masked = (maskAreas: IDataObject, fields: IDataObject = {}) =>
	onTask('inpaint', { mask: 'areas', maskAreas, additionalFields: SQUARE, ...fields });
const rectangle = (x: number, y: number, width: number, height: number) => ({
	rectangle: [{ x, y, width, height }],
});
const polygon = (points: string) => ({ polygon: [{ points }] });
const json = (maskJson: string) => onTask('inpaint', { mask: 'json', maskJson });
const runs = (fields: IDataObject): IDataObject => ({
	resource: 'model',
	operation: 'run',
	model: 'midjourney_pan',
	parameters: '{}',
	...fields,
});
/** An expression that gives this value, because n8n checks plain values itself. */
const given = (value: unknown) => `={{ ${JSON.stringify(value)} }}`;

/** The parameters, and what the message must name: field and remedy. */
const UNFIT: Record<string, [IDataObject, RegExp]> = {
	'image number 4': [onTask('upscale', { index: 4 }), /'Index' must be a whole number from 0 to 3/],
	'neither task nor job': [
		onTask('upscale', { jobId: given(''), taskId: given('') }),
		/'Task ID' and 'Job ID' are both empty/,
	],
	'a canvas of zero': [edit({ canvasWidth: 0 }), /'Canvas Width' .* from 1 to 4096, not “0”/],
	'a canvas of negative size': [edit({ canvasHeight: -5 }), /'Canvas Height' .* not “-5”/],
	'an image of no size': [
		edit({ additionalFields: { ...SQUARE, imageWidth: 0 } }),
		/'Image Width' .* not “0”/,
	],
	'one side of an image': [
		edit({ additionalFields: { imageWidth: 900 } }),
		/'Image Width' and 'Image Height' go together/,
	],
	'an image whose size nobody can look up': [
		edit({ additionalFields: {} }),
		/cannot be read with a Job ID alone: enter 'Image Width' and 'Image Height'/,
	],
	'a brace in Exclude': [
		image('generate', { prompt: 'p', additionalFields: { exclude: given('{a, b}') } }),
		/'Exclude' contains a brace/,
	],
	'a flag in Exclude': [
		image('generate', { prompt: 'p', additionalFields: { exclude: 'text --ar 1:1' } }),
		/'Exclude' contains --ar: a flag belongs in its own field/,
	],
	'braces in the prompt of a remix': [
		onTask('remix', { strength: 'subtle', prompt: given('a {red, green} cup') }),
		/'Prompt' contains braces: .*, here 2, and each is paid. Remove them/,
	],
	'braces in the text of any model': [
		runs({ parameters: given({ prompt: 'a {red, green} cup' }) }),
		/'Parameters' contains braces: .*, here 2,/,
	],
	'an image left of the canvas': [
		edit({ imageX: -1024 }),
		/1024 × 1024 px at -1024, 0\) lies entirely outside the canvas \(1536 × 1024 px\)/,
	],
	'an image below the canvas': [edit({ imageY: 1024 }), /lies entirely outside the canvas/],
	'a fitted canvas that is too large': [
		onTask('edit', {
			canvasFit: 'margins',
			moreWidth: 300,
			additionalFields: { ...SQUARE, imageWidth: 2000 },
		}),
		/The canvas would have 8000 × 1024 px, but a side can have at most 4096/,
	],
	'a ratio that is none': [
		onTask('edit', { canvasAspectRatio: '16/9' }),
		/'Canvas Aspect Ratio' must be width:height .* not “16\/9”/,
	],
	'a canvas with nothing to paint': [
		onTask('edit', { canvasAspectRatio: '1:1', additionalFields: SQUARE }),
		/there is nothing to paint/,
	],
	'a mask with two points': [
		masked(polygon('1,1 2,2')),
		/'Areas' area 1 has 2 points: at least 3 are needed/,
	],
	'a mask with an odd count': [
		masked(polygon('1,1 2,2 3')),
		/'Areas' area 1 has 5 numbers: each point needs an x and a y/,
	],
	'a mask with words for points': [masked(polygon('a,b c,d e,f')), /points that are not numbers/],
	'a point outside': [
		masked(polygon('0,0 2000,0 0,500')),
		/Area 1 of the mask has the point 2000,0 outside the image \(1024 × 1024 px\)/,
	],
	'a rectangle that reaches outside': [masked(rectangle(1000, 0, 100, 10)), /the point 1100,0/],
	'a rectangle of no height': [masked(rectangle(0, 0, 100, 0)), /a Width and a Height above 0/],
	'points on a line': [masked(polygon('0,0 5,5 9,9')), /Area 1 of the mask encloses nothing/],
	'no area': [masked({}), /'Areas' contains no area/],
	'an image too small for areas': [
		masked(rectangle(0, 0, 9, 9), { additionalFields: { ...SQUARE, imageWidth: 499 } }),
		/Areas need an Image Width and an Image Height from 500 to 4096, not 499 × 1024/,
	],
	'an image on the canvas too small for areas': [
		edit({
			additionalFields: { ...SQUARE, imageWidth: 400 },
			mask: 'areas',
			maskAreas: rectangle(0, 0, 9, 9),
		}),
		/Areas need an Image Width and an Image Height from 500 to 4096, not 400 × 1024/,
	],
	'areas that are no JSON': [json('{ x: 1 }'), /'Areas \(JSON\)' is not valid JSON/],
	'areas that are something else': [
		json(given([7])),
		/area 1 is neither a rectangle nor a polygon/,
	],
	'an unknown kind of mask': [
		onTask('inpaint', { mask: 'both' }),
		/'Mask' must be one of areas, json, binary, url, not “both”/,
	],
	'an image URL of 1,025 characters': [
		image('retexture', { imageUrl: `https://e.com/${'x'.repeat(1011)}`, prompt: 'p' }),
		/'Image URL' has 1025 characters, but at most 1024/,
	],
	'a prompt of 8,193 characters': [
		image('retexture', { imageUrl: IMAGE, prompt: 'x'.repeat(8193) }),
		/'Prompt' has 8193 characters, but at most 8192/,
	],
	'a text of 8,193 characters with its flags': [
		image('generate', { prompt: 'x'.repeat(8185), aspectRatio: '1:1' }),
		/The prompt has 8194 characters with the flags of all fields, but at most 8192/,
	],
	'two images as omni reference': [
		image('generate', { mode: 'omniReference', prompt: 'p', imageUrls: `${IMAGE}\n${IMAGE}` }),
		/An omni reference needs exactly one image, but there are 2/,
	],
	'--sref in the prompt and the mode Style Reference': [
		image('generate', { mode: 'styleReference', prompt: 'p --sref 1', imageUrls: IMAGE }),
		/'Prompt' contains --sref and 'Mode' is set/,
	],
	'--no in the prompt and Exclude set': [
		image('generate', { prompt: 'p --no text', additionalFields: { exclude: 'words' } }),
		/'Prompt' contains --no and 'Exclude' is set/,
	],
	'a style that is neither a URL nor a code': [
		image('generate', { prompt: 'p', style: { styleReferences: 'cubism' } }),
		/'Style References' contains “cubism”, which is not a URL/,
	],
	'a scale of 2.5': [onTask('outpaint', { scale: 2.5 }), /'Scale' must be a number from 1.1 to 2/],
	'parameters that are a list': [runs({ parameters: '[]' }), /'Parameters' must be an object/],
	'parameters that are no JSON': [runs({ parameters: '{' }), /'Parameters' is not valid JSON/],
	'a callback among the parameters': [
		runs({ parameters: { callback: IMAGE } }),
		/'Parameters' contains callback, which the node sets itself/,
	],
	'an operation of the other provider': [
		{ resource: 'video', operation: 'generate' },
		/Generate is not available with Vtrix, only with MidAPI/,
	],
};

describe('Input that does not fit', () => {
	it.each(Object.entries(UNFIT))('is named, and nothing is sent: %s', async (_, unfit) => {
		const [parameters, message] = unfit;
		const { status, error } = await run(parameters);
		expect(error?.message).toMatch(message);
		expect(status).toBe('error');
		expect(error?.name).toBe('NodeOperationError');
		expect(bench.emulator.ledger.calls).toEqual([]);
	});

	/** Sources that only the provider can refuse. */
	const SOURCES: Record<string, [(source: IDataObject) => IDataObject, RegExp]> = {
		'an unknown task': [() => ({ taskId: 'gone-1' }), /Vtrix does not know the task/],
		'an output that there is not': [
			({ taskId }) => ({ taskId, index: 3 }),
			/The source cannot be used \(“task \w+ has no output 3: it has 0, 1”\)/,
		],
		'a job of another task': [
			({ taskId }) => ({ taskId, jobId: 'other' }),
			/task \w+ is not job other: clear one of the two/,
		],
	};

	it.each(Object.entries(SOURCES))('is named, and nothing is bought: %s', async (_, unfit) => {
		const [change, message] = unfit;
		await bench.emulate({ vtrix: { outputs: 2 } });
		const [source = {}] = await finishedImages();
		const { error } = await run(image('upscale', { ...FROM_ITEM, upscaler: 'standard' }), [
			change(source),
		]);
		expect(error?.message).toMatch(message);
		expect(error?.message).toContain('[item 0]');
		expect(bench.emulator.ledger.submits).toEqual([]);
	});

	it('is named, and nothing is bought: a task that is not finished', async () => {
		await bench.emulate({ latencyMs: Infinity });
		const { items } = await bench.generate({ authentication: 'vtrix', waitMode: 'dontWait' });
		const { error } = await run(image('upscale', { ...FROM_ITEM, upscaler: 'standard' }), [
			items[0]?.json ?? {},
		]);
		expect(error?.message).toMatch(/The source cannot be used \(“task \w+ has not finished yet”\)/);
		expect(bench.emulator.ledger.submits).toHaveLength(1);
	});
});

describe('The size of the source', () => {
	const wide = { prompt: 'a teapot --ar 16:9' };

	/** The first image of a finished task of 16:9, whose picture the emulator draws with 768 × 432 px. */
	async function wideImage(): Promise<IDataObject> {
		const { items } = await bench.generate({
			authentication: 'vtrix',
			...wide,
			waitOptions: QUICK,
			options: { outputItems: 'output' },
		});
		bench.emulator.ledger.clear();
		return items[0]?.json ?? {};
	}

	const square = (fields: IDataObject = {}) =>
		image('edit', { ...FROM_ITEM, prompt: 'more sky', canvasAspectRatio: '1:1', ...fields });

	it('is read from the beginning of its file', async () => {
		const source = await wideImage();
		const ranges: unknown[] = [];
		const keys: unknown[] = [];
		bench.emulator.intercept(async ({ path, headers }) => {
			if (!path.startsWith('/files/')) return undefined;
			ranges.push(headers.range);
			keys.push(headers.authorization);
			return undefined;
		});
		const { items, error } = await run(square(), [source, source]);
		expect(error).toBeUndefined();
		expect(bench.emulator.ledger.submits.map(({ params }) => params)).toMatchObject(
			[0, 1].map(() => ({
				canvas: { width: 768, height: 768 },
				imgPos: { width: 768, height: 432, x: 0, y: 168 },
			})),
		);
		expect(items[0]?.json).toMatchObject({
			canvas: { width: 768, height: 768 },
			imagePosition: { width: 768, height: 432, x: 0, y: 168 },
		});
		expect(ranges).toEqual(['bytes=0-262143']);
		expect(keys).toEqual([undefined]);
	});

	it('is read for areas, too', async () => {
		const [source = {}] = await finishedImages();
		const { error } = await run(
			image('inpaint', {
				...FROM_ITEM,
				mask: 'areas',
				maskAreas: { rectangle: [{ x: 0, y: 0, width: 9, height: 9 }] },
			}),
			[source],
		);
		expect(error).toBeUndefined();
		expect(bench.emulator.ledger.submits[0]?.params.mask).toMatchObject({
			areas: [{ width: 768, height: 768 }],
		});
	});

	it('is read from the image that Upload Paint is given', async () => {
		const { url } = await wideImage();
		await run(
			image('uploadPaint', {
				imageUrl: url,
				prompt: 'more sky',
				canvasAspectRatio: '1:1',
				mask: 'url',
				maskUrl: 'https://example.com/mask.png',
			}),
		);
		expect(bench.emulator.ledger.submits[0]?.params).toMatchObject({
			imgPos: { width: 768, height: 432, x: 0, y: 168 },
		});
	});

	it('is the one that was entered, and then nothing is read', async () => {
		const source = await wideImage();
		await run(square({ additionalFields: { imageWidth: 1456, imageHeight: 816 } }), [source]);
		expect(bench.emulator.ledger.submits[0]?.params).toMatchObject({
			imgPos: { width: 1456, height: 816, x: 0, y: 320 },
		});
		expect(bench.emulator.ledger.downloads).toEqual([]);
	});

	/** The answers in place of the file. */
	const NOT_READ: Record<string, [number, string]> = {
		'the file is gone': [404, 'No such file.'],
		'the file is no image': [200, '<html>Sign in</html>'],
		'the file is empty': [200, ''],
	};

	describe.each(Object.entries(NOT_READ))('when %s', (_, [status, body]) => {
		it('is the default one for the ratio in the prompt', async () => {
			const source = await wideImage();
			bench.emulator.intercept(async ({ path }) =>
				path.startsWith('/files/') ? { status, body } : undefined,
			);
			await run(square(), [source]);
			expect(bench.emulator.ledger.submits[0]?.params).toMatchObject({
				imgPos: { width: 1456, height: 816, x: 0, y: 320 },
			});
		});

		it('and the prompt names no ratio, the error asks for the size, and nothing is bought', async () => {
			const [source = {}, other = {}] = await finishedImages();
			bench.emulator.intercept(async ({ path }) =>
				path === new URL(String(source.url)).pathname ? { status, body } : undefined,
			);
			const { error } = await run(square({ canvasAspectRatio: '2:1' }), [other, source]);
			expect(error?.message).toMatch(/^The size of the image could not be read .*\[item 1\]$/);
			expect(error?.description).toMatch(/Enter Image Width and Image Height/);
			expect(bench.emulator.ledger.submits).toEqual([]);
		});
	});

	it('is refused before anything is bought if it makes no canvas with the fields', async () => {
		const [source = {}] = await finishedImages();
		const { error } = await run(square(), [source]);
		expect(error?.message).toMatch(/there is nothing to paint.*\[item 0\]/);
		expect(bench.emulator.ledger.submits).toEqual([]);
	});
});
