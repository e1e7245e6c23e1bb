import type { IDataObject } from 'n8n-workflow';

import type { OfferedByMidApi } from '../../nodes/Midjourney/providers/midApi';
import { SOURCE, type FreeTable, type SubmitCall, type WireTable } from './table';

const post = (path: string, body: IDataObject): SubmitCall => ({
	...{ method: 'POST', path: `/api/v1/mj/${path}`, body },
});

/** The body with the address that the provider is to call (wire.md: MidAPI generate). */
export const midApiCalling = (callBackUrl: string, body: IDataObject): IDataObject => ({
	...{ ...body, callBackUrl },
});

const { taskId, index, url } = SOURCE;
const CUP = 'https://example.com/cup.png';
const BOWL = 'https://example.com/a,b.png';

/** What MidAPI sells (wire.md: MidAPI generate, MidAPI upscale, MidAPI vary, MidAPI extend). */
export const MIDAPI: WireTable<OfferedByMidApi> = {
	generateImage: [
		{
			what: 'Text to Image, everything set',
			entered: {
				...{ mode: 'textToImage', prompt: 'a cup', aspectRatio: '2:3', version: '6.1' },
				speed: 'turbo',
				style: { stylization: 250, variety: 15, weirdness: 3000 },
				additionalFields: { watermark: 'shop', translatePrompt: true },
			},
			request: {
				...{ kind: 'generateImage', mode: 'textToImage', prompt: 'a cup', aspectRatio: '2:3' },
				...{ version: '6.1', speed: 'turbo', stylization: 250, variety: 15, weirdness: 3000 },
				...{ watermark: 'shop', translatePrompt: true },
			},
			call: post('generate', {
				...{ taskType: 'mj_txt2img', prompt: 'a cup', aspectRatio: '2:3', version: '6.1' },
				...{ speed: 'turbo', stylization: 250, variety: 15, weirdness: 3000 },
				...{ waterMark: 'shop', enableTranslation: true },
			}),
		},
		{
			what: 'nothing set',
			entered: { prompt: 'a cup' },
			request: { kind: 'generateImage', mode: 'textToImage', prompt: 'a cup' },
			call: post('generate', { taskType: 'mj_txt2img', prompt: 'a cup' }),
		},
		{
			what: 'zeros and a no, which are settings, too',
			entered: {
				prompt: 'a cup',
				style: { stylization: 0, variety: 0, weirdness: 0 },
				additionalFields: { translatePrompt: false },
			},
			request: {
				...{ kind: 'generateImage', mode: 'textToImage', prompt: 'a cup', stylization: 0 },
				...{ variety: 0, weirdness: 0, translatePrompt: false },
			},
			call: post('generate', {
				...{ taskType: 'mj_txt2img', prompt: 'a cup', stylization: 0, variety: 0, weirdness: 0 },
				enableTranslation: false,
			}),
		},
		{
			what: 'Image to Image, two images, one with a comma in its address',
			entered: {
				...{ mode: 'imageToImage', prompt: 'a cup', imageUrls: `${CUP}\n${BOWL}` },
				...{ speed: 'fast', version: 'niji6' },
			},
			request: {
				...{ kind: 'generateImage', mode: 'imageToImage', prompt: 'a cup', speed: 'fast' },
				...{ imageUrls: [CUP, BOWL], version: 'niji6' },
			},
			call: post('generate', {
				...{ taskType: 'mj_img2img', prompt: 'a cup', fileUrls: [CUP, BOWL], speed: 'fast' },
				version: 'niji6',
			}),
		},
		{
			what: 'Style Reference',
			entered: {
				...{ mode: 'styleReference', prompt: 'a cup', imageUrls: `${CUP}, ${BOWL}` },
				speed: 'relaxed',
			},
			request: {
				...{ kind: 'generateImage', mode: 'styleReference', prompt: 'a cup' },
				...{ imageUrls: [CUP, BOWL], speed: 'relaxed' },
			},
			call: post('generate', {
				...{ taskType: 'mj_style_reference', prompt: 'a cup', fileUrls: [CUP, BOWL] },
				speed: 'relaxed',
			}),
		},
		{
			what: 'Omni Reference, with a version of no list',
			entered: {
				...{ mode: 'omniReference', prompt: 'a cup', imageUrls: CUP },
				...{ version: 'custom', customVersion: 'v7', style: { omniIntensity: 400 } },
			},
			request: {
				...{ kind: 'generateImage', mode: 'omniReference', prompt: 'a cup', imageUrls: [CUP] },
				...{ version: '7', omniIntensity: 400 },
			},
			call: post('generate', {
				...{ taskType: 'mj_omni_reference', prompt: 'a cup', fileUrls: [CUP], version: '7' },
				ow: 400,
			}),
		},
		{
			what: 'Permutations, of which the prompt has one',
			entered: { prompt: 'a {red} cup', additionalFields: { allowPermutations: true } },
			request: { kind: 'generateImage', mode: 'textToImage', prompt: 'a red cup' },
			call: post('generate', { taskType: 'mj_txt2img', prompt: 'a red cup' }),
		},
	],

	upscaleImage: [
		{
			what: 'of the item that comes in',
			entered: {},
			request: { kind: 'upscaleImage', taskId, index },
			call: post('generateUpscale', { taskId, imageIndex: index }),
		},
		{
			what: 'by the contract of the reference, which counts from 0',
			entered: {
				...{ taskId, index: 0 },
				additionalFields: { upscaleContract: 'reference', watermark: 'shop' },
			},
			request: { kind: 'upscaleImage', taskId, index: 0, contract: 'reference', watermark: 'shop' },
			call: post('generateUpscale', { taskId, imageIndex: 0, waterMark: 'shop' }),
		},
		{
			what: 'by the contract of the quickstart, which counts from 1',
			entered: {
				...{ taskId, index: 0 },
				additionalFields: { upscaleContract: 'quickstart', watermark: 'shop' },
			},
			request: {
				...{ kind: 'upscaleImage', taskId, index: 0, contract: 'quickstart', watermark: 'shop' },
			},
			call: post('upscale', { taskId, index: 1, waterMark: 'shop' }),
		},
	],

	varyImage: [
		{
			what: 'of the item that comes in',
			entered: {},
			request: { kind: 'varyImage', taskId, index },
			call: post('generateVary', { taskId, imageIndex: index }),
		},
		{
			what: 'counted from 0',
			entered: { index: 3, additionalFields: { varyIndexBase: 0, watermark: 'shop' } },
			request: { kind: 'varyImage', taskId, index: 3, firstIndex: 0, watermark: 'shop' },
			call: post('generateVary', { taskId, imageIndex: 3, waterMark: 'shop' }),
		},
		{
			what: 'counted from 1',
			entered: { index: 3, additionalFields: { varyIndexBase: 1 } },
			request: { kind: 'varyImage', taskId, index: 3, firstIndex: 1 },
			call: post('generateVary', { taskId, imageIndex: 4 }),
			emulated: { varyIndexBase: 1 },
		},
	],

	generateVideo: [
		{
			what: 'everything set, of the item that comes in',
			entered: {
				...{ prompt: 'steam rises', motion: 'low', quality: 'hd', aspectRatio: '16:9' },
				version: '7',
				additionalFields: { videoCount: 4, watermark: 'shop', translatePrompt: true },
			},
			request: {
				...{ kind: 'generateVideo', prompt: 'steam rises', imageUrl: url, motion: 'low' },
				...{ quality: 'hd', aspectRatio: '16:9', version: '7', videoCount: 4 },
				...{ watermark: 'shop', translatePrompt: true },
			},
			call: post('generate', {
				...{ taskType: 'mj_video_hd', prompt: 'steam rises', fileUrls: [url], motion: 'low' },
				...{ aspectRatio: '16:9', version: '7', videoBatchSize: 4 },
				...{ waterMark: 'shop', enableTranslation: true },
			}),
		},
		{
			what: 'nothing set: motion is sent all the same',
			entered: { prompt: 'steam rises', imageUrl: CUP },
			request: {
				...{ kind: 'generateVideo', prompt: 'steam rises', imageUrl: CUP, motion: 'high' },
				quality: 'standard',
			},
			call: post('generate', {
				...{ taskType: 'mj_video', prompt: 'steam rises', fileUrls: [CUP], motion: 'high' },
			}),
		},
		{
			what: 'two videos, with a version of no list',
			entered: {
				...{ prompt: 'steam rises', imageUrl: CUP, version: 'custom', customVersion: 'Niji 6' },
				additionalFields: { videoCount: 2, translatePrompt: false },
			},
			request: {
				...{ kind: 'generateVideo', prompt: 'steam rises', imageUrl: CUP, motion: 'high' },
				...{ quality: 'standard', version: 'niji6', videoCount: 2, translatePrompt: false },
			},
			call: post('generate', {
				...{ taskType: 'mj_video', prompt: 'steam rises', fileUrls: [CUP], motion: 'high' },
				...{ version: 'niji6', videoBatchSize: 2, enableTranslation: false },
			}),
		},
	],

	extendVideo: [
		{
			what: 'Auto, of the item that comes in',
			entered: {},
			request: { kind: 'extendVideo', mode: 'auto', taskId, index },
			call: post('generateVideoExtend', { taskId, taskType: 'mj_video_extend_auto', index }),
		},
		{
			what: 'Manual',
			entered: {
				...{ extendMode: 'manual', taskId, index: 0, prompt: 'the lid falls' },
				additionalFields: { watermark: 'shop' },
			},
			request: {
				...{ kind: 'extendVideo', mode: 'manual', taskId, index: 0, prompt: 'the lid falls' },
				watermark: 'shop',
			},
			call: post('generateVideoExtend', {
				...{ taskId, taskType: 'mj_video_extend_manual', index: 0, prompt: 'the lid falls' },
				waterMark: 'shop',
			}),
		},
	],
};

const record = { method: 'GET', path: '/api/v1/mj/record-info', query: { taskId } } as const;

/** What MidAPI gives (wire.md: MidAPI tasks, MidAPI credits, MidAPI download links). */
export const MIDAPI_FREE = {
	'task:get': { entered: { taskId }, call: record },
	'task:wait': { entered: { taskIds: taskId }, call: record },
	'account:getCredits': {
		entered: {},
		call: { method: 'GET', path: '/api/v1/common/credit' },
	},
	'file:getDownloadUrl': {
		entered: { url },
		call: { method: 'POST', path: '/api/v1/common/download-url', body: { url } },
	},
} satisfies FreeTable;
