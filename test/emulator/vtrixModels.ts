import {
	type Fields,
	isFilledTextUpTo,
	isHttpUrl,
	isHttpUrlUpTo,
	isInteger,
	isIntegerWithin,
	isMissing,
	isNumberWithin,
	isPolygon,
	isText,
} from './fields';
import { isJsonObject, isString, type JsonObject, parseUrl } from './json';
import type { VtrixModel } from './kinds';
import type { Layout, Mask, Scene, Size } from './pictures';
import type { Task } from './tasks';

/** An output that another task is made from. */
export interface Source {
	readonly task: Task;
	readonly index: number;
}

/** The last three digits of the error codes for a field. */
type Codes = Readonly<Record<string, { readonly missing?: number; readonly invalid?: number }>>;

/** What is known of one model (wire.md: Vtrix models, Vtrix masks, Vtrix codes). */
export interface Model {
	readonly fields: Fields;
	/** The middle of its error codes: 7 in 8004007001. Unset if no page names it. */
	readonly number?: number;
	readonly codes?: Codes;
	/** The code for a bad key, if the model has its own. */
	readonly authenticationCode?: number;
	/** The documented message of the code that ends in 099. */
	readonly unavailable?: string;
	/** One output; unset: as many as the emulator is set to. */
	readonly single?: boolean;
	readonly media?: 'mp4';
	/** Why this source cannot be used, apart from being unknown or not completed. */
	readonly objection?: (source: Source) => string | undefined;
	/** What is wrong with the parameters taken together. */
	readonly complaint?: (params: JsonObject) => string | undefined;
	/** What its pictures show, apart from the words on the source. */
	readonly scene?: (params: JsonObject, source: Source | undefined) => Scene;
	/** `source`: the aspect ratio of the source; `layout`: that of the canvas; unset: that of the flags. */
	readonly shape?: 'source' | 'layout';
}

const PROMPT = { check: isFilledTextUpTo(8192) };
const REQUIRED_PROMPT = { ...PROMPT, required: true };
const CALLBACK = { callback: { check: isHttpUrl } };
const JOB_ID = { jobId: { check: isText, required: true } };
const IMAGE_NO = { imageNo: { check: isIntegerWithin(0, 3), required: true } };
const IMAGE = { ...JOB_ID, ...IMAGE_NO };
const IMAGE_URL = { imgUrl: { check: isHttpUrlUpTo(1024), required: true } };
const LENGTH = { check: isIntegerWithin(1, Infinity), required: true };
const OFFSET = { check: isInteger, required: true };
const CANVAS = {
	canvas: { within: { width: LENGTH, height: LENGTH }, required: true },
	imgPos: { within: { width: LENGTH, height: LENGTH, x: OFFSET, y: OFFSET }, required: true },
};

const STRENGTH_OF_REMIX = ['strong', 'subtle'];
const STRENGTH_OF_VARIATION = ['subtle', 'strong'];
const KIND_OF_UPSCALE = ['standard', 'creative', 'v5 2x', 'v5 4x'];
const DIRECTION = ['down', 'right', 'up', 'left'];

/** All models with their parameters. */
export function vtrixModels(strictMask: boolean): Readonly<Record<VtrixModel, Model>> {
	// The upstream's own sample breaks these limits (wire.md: Vtrix masks).
	const side = {
		check: strictMask ? isIntegerWithin(500, 4096) : isIntegerWithin(1, Infinity),
		required: true,
	};
	const area = {
		within: { width: side, height: side, points: { check: isPolygon, required: true } },
	};
	const within = { areas: { items: area }, url: { check: isHttpUrl } };
	const anyMask = { mask: { within } };
	const filledMask = { mask: { within, check: holdsMask, required: true } };

	return {
		midjourney_diffusion: {
			fields: { text: REQUIRED_PROMPT, ...CALLBACK },
			number: 1,
			codes: { text: { missing: 1, invalid: 2 }, callback: { invalid: 3 } },
			authenticationCode: 4,
			unavailable: 'provider unavailable',
		},
		midjourney_edit: {
			fields: { ...IMAGE, ...CANVAS, remixPrompt: REQUIRED_PROMPT, ...anyMask, ...CALLBACK },
			number: 7,
			codes: {
				// Whether 001 also stands for an unknown id is open; no other code fits.
				jobId: { missing: 1, invalid: 1 },
				imageNo: { missing: 2, invalid: 3 },
				remixPrompt: { missing: 4, invalid: 5 },
				canvas: { missing: 6 },
				imgPos: { missing: 7 },
				callback: { invalid: 8 },
			},
			shape: 'layout',
			scene: (params) => placed('midjourney_edit', params),
		},
		midjourney_remix: {
			fields: {
				...IMAGE,
				remixPrompt: REQUIRED_PROMPT,
				mode: { check: isIntegerWithin(0, 1) },
				...CALLBACK,
			},
			number: 11,
			codes: { jobId: { missing: 1, invalid: 1 }, imageNo: { missing: 2 } },
			scene: ({ mode }) => ({
				label: `midjourney_remix (${STRENGTH_OF_REMIX[Number(mode ?? 0)]})`,
			}),
		},
		midjourney_upscale: {
			fields: { ...IMAGE, type: { check: isIntegerWithin(0, 3), required: true }, ...CALLBACK },
			single: true,
			shape: 'source',
			scene: ({ type }) => ({
				label: `midjourney_upscale (${KIND_OF_UPSCALE[Number(type)]})`,
				enlarged: true,
			}),
		},
		midjourney_variation: {
			fields: {
				...IMAGE,
				type: { check: isIntegerWithin(0, 1), required: true },
				remixPrompt: PROMPT,
				...CALLBACK,
			},
			scene: ({ type }) => ({
				label: `midjourney_variation (${STRENGTH_OF_VARIATION[Number(type)]})`,
			}),
		},
		midjourney_inpaint: {
			fields: { ...IMAGE, ...filledMask, remixPrompt: PROMPT, ...CALLBACK },
			objection: isOfV81,
			shape: 'source',
			scene: (params, source) => {
				const canvas = sizeOf(source?.task.aspectRatio);
				const layout = { canvas, image: { ...canvas, x: 0, y: 0 } };
				return { label: 'midjourney_inpaint', layout, mask: maskIn(params) };
			},
		},
		midjourney_outpaint: {
			fields: {
				...IMAGE,
				scale: { check: isNumberWithin(1.1, 2), required: true },
				remixPrompt: PROMPT,
				...CALLBACK,
			},
			objection: isOfV81,
			shape: 'source',
			scene: ({ scale }, source) => {
				const image = sizeOf(source?.task.aspectRatio);
				const [width, height] = [image.width * Number(scale), image.height * Number(scale)];
				const [x, y] = [(width - image.width) / 2, (height - image.height) / 2];
				const layout = { canvas: { width, height }, image: { ...image, x, y } };
				return { label: `midjourney_outpaint (scale ${String(scale)})`, layout };
			},
		},
		midjourney_uploadpaint: {
			fields: {
				...IMAGE_URL,
				...CANVAS,
				...filledMask,
				remixPrompt: REQUIRED_PROMPT,
				...CALLBACK,
			},
			shape: 'layout',
			scene: (params) => ({
				...placed('midjourney_uploadpaint', params),
				from: nameOf(params.imgUrl),
			}),
		},
		midjourney_retexture: {
			fields: { ...IMAGE_URL, remixPrompt: REQUIRED_PROMPT, ...CALLBACK },
			scene: ({ imgUrl }) => ({ label: 'midjourney_retexture', from: nameOf(imgUrl) }),
		},
		midjourney_pan: {
			fields: {
				...IMAGE,
				direction: { check: isIntegerWithin(0, 3), required: true },
				scale: { check: isNumberWithin(1.1, 3), required: true },
				remixPrompt: PROMPT,
				...CALLBACK,
			},
			objection: isOfV81,
			shape: 'layout',
			scene: ({ direction, scale }, source) => {
				const image = sizeOf(source?.task.aspectRatio);
				const [towards, factor] = [DIRECTION[Number(direction)], Number(scale)];
				const across = towards === 'left' || towards === 'right';
				const width = Math.round(image.width * (across ? factor : 1));
				const height = Math.round(image.height * (across ? 1 : factor));
				// The new part is where the pan goes, so the picture is at the other end.
				const x = towards === 'left' ? width - image.width : 0;
				const y = towards === 'up' ? height - image.height : 0;
				const layout = { canvas: { width, height }, image: { ...image, x, y } };
				return { label: `midjourney_pan ${towards} (scale ${String(scale)})`, layout };
			},
		},
		midjourney_enhance: {
			fields: { ...IMAGE, ...CALLBACK },
			objection: (source) =>
				isOfV81(source) ??
				(source.task.prompt.includes('--draft') ? undefined : 'must be of a --draft job'),
			shape: 'source',
			scene: () => ({ label: 'midjourney_enhance' }),
		},
		midjourney_reroll: {
			fields: { ...JOB_ID, ...CALLBACK },
			shape: 'source',
			scene: () => ({ label: 'midjourney_reroll' }),
		},
		midjourney_video_diffusion: {
			fields: {
				jobId: { check: isText },
				imageNo: { check: isIntegerWithin(0, 3) },
				prompt: PROMPT,
				videoType: { check: isIntegerWithin(0, 1) },
				...CALLBACK,
			},
			media: 'mp4',
			complaint: ({ jobId, imageNo, prompt }) => {
				if (isMissing(jobId) && isMissing(prompt)) return 'jobId or prompt is required';
				return isMissing(imageNo) && !isMissing(jobId) ? 'imageNo is required' : undefined;
			},
		},
	};
}

/** Whether the model works without another output: from a URL or from nothing. */
export function isDirect({ fields }: Model): boolean {
	return !Object.hasOwn(fields, 'jobId');
}

function holdsMask(value: unknown): string | undefined {
	const { areas, url } = isJsonObject(value) ? value : {};
	const some = (Array.isArray(areas) && areas.length > 0) || isString(url);
	return some ? undefined : 'must contain areas or url';
}

/** Not available for jobs of version 8.1 (wire.md: Vtrix models). */
function isOfV81({ task }: Source): string | undefined {
	return /--v(ersion)?\s+8\.1\b/.test(task.prompt) ? 'must not be of version 8.1' : undefined;
}

function placed(model: VtrixModel, params: JsonObject): Scene {
	const layout = layoutIn(params);
	const { canvas, image } = layout;
	const where = `${image.width} x ${image.height} at ${image.x}, ${image.y}`;
	const label = `${model}: ${where} on ${canvas.width} x ${canvas.height}`;
	return { label, layout, mask: maskIn(params) };
}

function layoutIn({ canvas, imgPos }: JsonObject): Layout {
	return {
		canvas: { width: number(canvas, 'width'), height: number(canvas, 'height') },
		image: {
			width: number(imgPos, 'width'),
			height: number(imgPos, 'height'),
			x: number(imgPos, 'x'),
			y: number(imgPos, 'y'),
		},
	};
}

function maskIn({ mask }: JsonObject): Mask {
	if (!isJsonObject(mask)) return { areas: [] };
	const areas = Array.isArray(mask.areas) ? mask.areas : [];
	return {
		areas: areas.filter(isJsonObject).map((area) => ({
			width: number(area, 'width'),
			height: number(area, 'height'),
			points: Array.isArray(area.points) ? area.points.map(Number) : [],
		})),
		...(isString(mask.url) && { url: mask.url }),
	};
}

function number(holder: unknown, name: string): number {
	return isJsonObject(holder) ? Number(holder[name]) : NaN;
}

/** A size of that aspect ratio, in px. */
function sizeOf(aspectRatio = '1:1'): Size {
	const [across = 1, down = 1] = aspectRatio.split(':').map(Number);
	const unit = 1024 / Math.max(across, down);
	return { width: Math.round(across * unit), height: Math.round(down * unit) };
}

/** The file name in the URL, for people. */
function nameOf(url: unknown): string {
	const { hostname, pathname } = parseUrl(url) ?? { hostname: '', pathname: '' };
	return pathname.split('/').pop() || hostname;
}
