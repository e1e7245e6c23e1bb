import type { IDataObject } from 'n8n-workflow';

import { isRecord } from '../../nodes/Midjourney/providers/json';
import type { Layout, Mask, Size } from '../../nodes/Midjourney/providers/provider';
import type { OfferedByVtrix } from '../../nodes/Midjourney/providers/vtrix';
import { SOURCE, type FreeTable, type SubmitCall, type WireTable } from './table';

/** In the form of the provider's own client (wire.md: Vtrix submit). */
const run = (model: string, params: IDataObject): SubmitCall => ({
	...{ method: 'POST', path: '/model/v1/generation' },
	body: { model: `midjourney_${model}`, input: [{ params }] },
});

const paramsOf = ({ input }: IDataObject): IDataObject => {
	const [first]: unknown[] = Array.isArray(input) ? input : [];
	return isRecord(first) && isRecord(first.params) ? first.params : {};
};

/** The body of a row with the address that the provider is to call (wire.md: Vtrix models). */
export const vtrixCalling = (callback: string, body: IDataObject): IDataObject => ({
	...{ ...body, input: [{ params: { ...paramsOf(body), callback } }] },
});

/** The body of a row in the other form that the pages can be read to want (wire.md: Vtrix submit). */
export const flat = (body: IDataObject): IDataObject => ({
	...{ model: body.model, ...paramsOf(body) },
});

const { taskId, jobId, index } = SOURCE;
/** The output that comes in: in the words of the node, and on the wire. */
const source = { taskId, jobId, index };
const job = { jobId, imageNo: index };

const CUP = 'https://example.com/cup.png';
const BOWL = 'https://example.com/a,b.png';

/** What several fields make together: as entered, in the words of the node, and on the wire. */
interface Group<R> {
	entered: IDataObject;
	request: R;
	sent: IDataObject;
}

/** Of the image that is worked on, in px. */
const size = { width: 1024, height: 768 };
const sized = { imageWidth: 1024, imageHeight: 768 };

const polygons = [
	[10, 20, 310, 20, 310, 220, 10, 220],
	[350, 100, 600, 500, 100, 500],
];
/** The polygon is entered from another corner: on the wire each runs clockwise from the one nearest to the top left. */
const maskAreas = {
	rectangle: [{ x: 10, y: 20, width: 300, height: 200 }],
	polygon: [{ points: '600,500 100,500 350,100' }],
};
const maskJson =
	'[{ "x": 10, "y": 20, "width": 300, "height": 200 }, { "points": [[600,500],[100,500],[350,100]] }]';
const painted = {
	request: { mask: { size, polygons } },
	sent: { mask: { areas: polygons.map((points) => ({ ...size, points })) } },
};
const picture = { mask: { url: 'https://example.com/mask.png' } };
/** Only the chosen one counts, whatever stands in the others. */
const unchosen = { maskUrl: picture.mask.url, maskAreas, maskJson: 'nonsense' };
const areas: Group<{ mask: Mask }> = { entered: { ...unchosen, mask: 'areas' }, ...painted };
const json: Group<{ mask: Mask }> = { entered: { mask: 'json', maskJson }, ...painted };
const url: Group<{ mask: Mask }> = {
	...{ entered: { ...unchosen, mask: 'url' }, request: picture, sent: picture },
};

const onCanvas = (
	entered: IDataObject,
	canvas: Size,
	at: { x: number; y: number },
): Group<Layout & { prompt: string }> => ({
	entered: { prompt: 'a table', ...entered, additionalFields: sized },
	request: { prompt: 'a table', canvas, imagePosition: { ...size, ...at } },
	sent: { remixPrompt: 'a table', canvas, imgPos: { ...size, ...at } },
});
const wide = onCanvas(
	{ canvasMode: 'fit', canvasFit: 'aspectRatio', canvasAspectRatio: '16:9' },
	{ width: 1365, height: 768 },
	{ x: 171, y: 0 },
);
const margins = onCanvas(
	{ canvasFit: 'margins', moreWidth: 50, moreHeight: 25, anchor: 'bottomRight' },
	{ width: 1536, height: 960 },
	{ x: 512, y: 192 },
);
const exact = onCanvas(
	{ canvasMode: 'exact', canvasWidth: 1536, canvasHeight: 1024, imageX: 256, imageY: -8 },
	{ width: 1536, height: 1024 },
	{ x: 256, y: -8 },
);

/** What Vtrix sells (wire.md: Vtrix models, Vtrix masks). */
export const VTRIX: WireTable<OfferedByVtrix> = {
	generateImage: [
		{
			what: 'Image to Image, two images, one with a comma in its address',
			entered: {
				...{ mode: 'imageToImage', prompt: 'a cup', imageUrls: `${CUP}\n${BOWL}`, version: '7' },
				style: { imageWeight: 1.5 },
			},
			request: {
				...{ kind: 'generateImage', mode: 'imageToImage', prompt: 'a cup', version: '7' },
				...{ imageUrls: [CUP, BOWL], imageWeight: 1.5 },
			},
			call: run('diffusion', { text: `${CUP} ${BOWL} a cup --v 7 --iw 1.5` }),
		},
		{
			what: 'nothing set',
			entered: { prompt: 'a cup' },
			request: { kind: 'generateImage', mode: 'textToImage', prompt: 'a cup' },
			call: run('diffusion', { text: 'a cup' }),
		},
		{
			what: 'everything set',
			entered: {
				...{ mode: 'textToImage', prompt: ' a cup ', version: 'niji6' },
				...{ aspectRatio: 'custom', customAspectRatio: '21:9' },
				style: {
					...{ stylization: 250, variety: 17, weirdness: 300, raw: true, tile: true },
					styleReferences: '123, https://example.com/style.png random',
					...{ styleWeight: 50, omniReference: CUP, omniIntensity: 400 },
					...{ styleVersion: 6, experimental: 25, personalization: '4gz7xkq, m7abc' },
				},
				additionalFields: {
					...{ imageQuality: 0.5, seed: 4294967295, draft: true, exclude: ' text, watermark ' },
					hd: true,
				},
			},
			request: {
				...{ kind: 'generateImage', mode: 'textToImage', prompt: ' a cup ', version: 'niji6' },
				...{ aspectRatio: '21:9', stylization: 250, variety: 17, weirdness: 300 },
				...{ raw: true, tile: true, styleWeight: 50, omniReference: CUP, omniIntensity: 400 },
				styleReferences: ['123', 'https://example.com/style.png', 'random'],
				...{ styleVersion: 6, experimental: 25, personalization: ['4gz7xkq', 'm7abc'], hd: true },
				...{ imageQuality: 0.5, seed: 4294967295, draft: true, exclude: ' text, watermark ' },
			},
			call: run('diffusion', {
				text:
					'a cup --ar 21:9 --niji 6 --q 0.5 --s 250 --exp 25 --c 17 --w 300 --seed 4294967295' +
					` --sref 123 https://example.com/style.png random --sv 6 --sw 50 --p 4gz7xkq m7abc` +
					` --oref ${CUP} --ow 400 --raw --tile --draft --hd --no text, watermark`,
			}),
		},
		{
			what: 'a zero, which is a setting, and switches that are off, which are none',
			entered: {
				...{ prompt: 'a cup', style: { raw: false, tile: false, stylization: 0 } },
				additionalFields: { draft: false },
			},
			request: {
				...{ kind: 'generateImage', mode: 'textToImage', prompt: 'a cup', stylization: 0 },
				...{ raw: false, tile: false, draft: false },
			},
			call: run('diffusion', { text: 'a cup --s 0' }),
		},
		{
			what: 'Style Reference',
			entered: {
				...{ mode: 'styleReference', prompt: 'a cup', imageUrls: CUP, aspectRatio: '2:3' },
			},
			request: {
				...{ kind: 'generateImage', mode: 'styleReference', prompt: 'a cup', aspectRatio: '2:3' },
				imageUrls: [CUP],
			},
			call: run('diffusion', { text: `a cup --ar 2:3 --sref ${CUP}` }),
		},
		{
			what: 'Omni Reference, with a version of no list',
			entered: {
				...{ mode: 'omniReference', prompt: 'a cup', imageUrls: CUP },
				...{ version: 'custom', customVersion: 'v8.1', style: { omniIntensity: 1000 } },
			},
			request: {
				...{ kind: 'generateImage', mode: 'omniReference', prompt: 'a cup', imageUrls: [CUP] },
				...{ version: '8.1', omniIntensity: 1000 },
			},
			call: run('diffusion', { text: `a cup --v 8.1 --oref ${CUP} --ow 1000` }),
		},
		{
			what: 'Permutations, of which the prompt has one',
			entered: { prompt: 'a {red} cup', additionalFields: { allowPermutations: true } },
			request: { kind: 'generateImage', mode: 'textToImage', prompt: 'a red cup' },
			call: run('diffusion', { text: 'a red cup' }),
		},
	],

	upscaleImage: [
		{
			what: 'Creative, of the item that comes in',
			entered: { upscaler: 'creative' },
			request: { kind: 'upscaleImage', ...source, upscaler: 'creative' },
			call: run('upscale', { ...job, type: 1 }),
		},
		{
			what: 'nothing set: Standard',
			entered: {},
			request: { kind: 'upscaleImage', ...source, upscaler: 'standard' },
			call: run('upscale', { ...job, type: 0 }),
		},
		{
			what: 'V5 2x, of a job alone',
			entered: { taskId: '', jobId, index: 0, upscaler: 'v5Twice' },
			request: { kind: 'upscaleImage', jobId, index: 0, upscaler: 'v5Twice' },
			call: run('upscale', { jobId, imageNo: 0, type: 2 }),
		},
		{
			what: 'V5 4x',
			entered: { upscaler: 'v5FourTimes' },
			request: { kind: 'upscaleImage', ...source, upscaler: 'v5FourTimes' },
			call: run('upscale', { ...job, type: 3 }),
		},
	],

	varyImage: [
		{
			what: 'Strong, with another prompt',
			entered: { strength: 'strong', prompt: 'a bowl' },
			request: { kind: 'varyImage', ...source, strength: 'strong', prompt: 'a bowl' },
			call: run('variation', { ...job, type: 1, remixPrompt: 'a bowl' }),
		},
		{
			what: 'nothing set: Subtle',
			entered: {},
			request: { kind: 'varyImage', ...source, strength: 'subtle' },
			call: run('variation', { ...job, type: 0 }),
		},
	],

	remixImage: [
		{
			what: 'Subtle, counted the other way round than by Vary',
			entered: { prompt: 'a bowl', strength: 'subtle' },
			request: { kind: 'remixImage', ...source, prompt: 'a bowl', strength: 'subtle' },
			call: run('remix', { ...job, mode: 1, remixPrompt: 'a bowl' }),
		},
		{
			what: 'nothing but a prompt: Strong',
			entered: { prompt: 'a bowl' },
			request: { kind: 'remixImage', ...source, prompt: 'a bowl', strength: 'strong' },
			call: run('remix', { ...job, mode: 0, remixPrompt: 'a bowl' }),
		},
	],

	editImage: [
		{
			what: 'to a ratio, with areas',
			entered: { ...wide.entered, ...areas.entered },
			request: { kind: 'editImage', ...source, ...wide.request, ...areas.request },
			call: run('edit', { ...job, ...wide.sent, ...areas.sent }),
		},
		{
			what: 'to a ratio, without a mask',
			entered: { ...wide.entered, ...unchosen, mask: 'none' },
			request: { kind: 'editImage', ...source, ...wide.request },
			call: run('edit', { ...job, ...wide.sent }),
		},
		{
			what: 'with margins, from a corner, areas as JSON',
			entered: { ...margins.entered, ...json.entered },
			request: { kind: 'editImage', ...source, ...margins.request, ...json.request },
			call: run('edit', { ...job, ...margins.sent, ...json.sent }),
		},
		{
			what: 'in exact pixels, by the picture of a mask',
			entered: { ...exact.entered, ...url.entered },
			request: { kind: 'editImage', ...source, ...exact.request, ...url.request },
			call: run('edit', { ...job, ...exact.sent, ...url.sent }),
		},
	],

	inpaintImage: [
		{
			what: 'areas',
			entered: { ...areas.entered, additionalFields: sized },
			request: { kind: 'inpaintImage', ...source, ...areas.request },
			call: run('inpaint', { ...job, ...areas.sent }),
		},
		{
			what: 'areas as JSON, with a prompt',
			entered: { ...json.entered, additionalFields: sized, prompt: 'a red lid' },
			request: { kind: 'inpaintImage', ...source, ...json.request, prompt: 'a red lid' },
			call: run('inpaint', { ...job, ...json.sent, remixPrompt: 'a red lid' }),
		},
		{
			what: 'the picture of a mask',
			entered: { ...url.entered, additionalFields: sized },
			request: { kind: 'inpaintImage', ...source, ...url.request },
			call: run('inpaint', { ...job, ...url.sent }),
		},
	],

	outpaintImage: [
		{
			what: 'twice as far, with a prompt',
			entered: { scale: 2, prompt: 'a kitchen' },
			request: { kind: 'outpaintImage', ...source, scale: 2, prompt: 'a kitchen' },
			call: run('outpaint', { ...job, scale: 2, remixPrompt: 'a kitchen' }),
		},
		{
			what: 'nothing set',
			entered: {},
			request: { kind: 'outpaintImage', ...source, scale: 1.5 },
			call: run('outpaint', { ...job, scale: 1.5 }),
		},
	],

	uploadPaintImage: [
		{
			what: 'in exact pixels, with areas',
			entered: { imageUrl: CUP, ...exact.entered, ...areas.entered },
			request: { kind: 'uploadPaintImage', imageUrl: CUP, ...exact.request, ...areas.request },
			call: run('uploadpaint', { imgUrl: CUP, ...exact.sent, ...areas.sent }),
		},
		{
			what: 'to a ratio, areas as JSON, of the item that comes in',
			entered: { ...wide.entered, ...json.entered },
			request: { kind: 'uploadPaintImage', imageUrl: SOURCE.url, ...wide.request, ...json.request },
			call: run('uploadpaint', { imgUrl: SOURCE.url, ...wide.sent, ...json.sent }),
		},
		{
			what: 'with margins, by the picture of a mask',
			entered: { imageUrl: CUP, ...margins.entered, ...url.entered },
			request: { kind: 'uploadPaintImage', imageUrl: CUP, ...margins.request, ...url.request },
			call: run('uploadpaint', { imgUrl: CUP, ...margins.sent, ...url.sent }),
		},
	],

	retextureImage: [
		{
			what: 'of the item that comes in',
			entered: { prompt: 'made of copper' },
			request: { kind: 'retextureImage', imageUrl: SOURCE.url, prompt: 'made of copper' },
			call: run('retexture', { imgUrl: SOURCE.url, remixPrompt: 'made of copper' }),
		},
	],

	runModel: [
		{
			what: 'a listed one, with parameters made of the item that comes in',
			entered: { model: 'midjourney_reroll', parameters: '={ "jobId": "{{ $json.jobId }}" }' },
			request: { kind: 'runModel', model: 'midjourney_reroll', parameters: { jobId } },
			call: run('reroll', { jobId }),
		},
		{
			what: 'nothing but the model: the item that comes in',
			entered: { model: 'midjourney_video_diffusion' },
			request: { kind: 'runModel', model: 'midjourney_video_diffusion', parameters: job },
			call: run('video_diffusion', job),
		},
		{
			what: 'one of no list',
			entered: {
				...{ model: 'custom', customModel: 'midjourney_pan' },
				parameters: `{ "jobId": "${jobId}", "imageNo": 1, "direction": 0, "scale": 1.5 }`,
			},
			request: {
				...{ kind: 'runModel', model: 'midjourney_pan' },
				parameters: { jobId, imageNo: 1, direction: 0, scale: 1.5 },
			},
			call: run('pan', { jobId, imageNo: 1, direction: 0, scale: 1.5 }),
		},
	],
};

const record = { method: 'GET', path: `/model/v1/generation/task/${taskId}` } as const;

/** What Vtrix gives (wire.md: Vtrix). */
export const VTRIX_FREE = {
	'task:get': { entered: { taskId }, call: record },
	'task:wait': { entered: { taskIds: taskId }, call: record },
} satisfies FreeTable;
