import type { Range } from './random';

/** The emulated providers. Each has a file of its own. */
export type ProviderName = 'midApi' | 'vtrix';

/** What can be bought at MidAPI: images by their speed, and what is made from them. */
export const MIDAPI_KINDS = [
	'imageRelaxed',
	'imageFast',
	'imageTurbo',
	'upscale',
	'vary',
	'video',
	'videoHd',
	'extend',
] as const;

/**
 * What can be bought at Vtrix: the nine models that it documents, and those that can only be inferred
 * (wire.md: Vtrix models).
 */
export const VTRIX_MODELS = [
	'midjourney_diffusion',
	'midjourney_edit',
	'midjourney_remix',
	'midjourney_upscale',
	'midjourney_variation',
	'midjourney_inpaint',
	'midjourney_outpaint',
	'midjourney_uploadpaint',
	'midjourney_retexture',
	'midjourney_pan',
	'midjourney_enhance',
	'midjourney_reroll',
	'midjourney_video_diffusion',
] as const;

export type MidApiKind = (typeof MIDAPI_KINDS)[number];
export type VtrixModel = (typeof VTRIX_MODELS)[number];

/** Anything that can be bought. Prices and latencies depend on it. */
export type Kind = MidApiKind | VtrixModel;

/** A few seconds, for people who watch. */
export const DEFAULT_LATENCY_MS: Readonly<Record<Kind, Range>> = {
	imageRelaxed: [6000, 9000],
	imageFast: [3000, 5000],
	imageTurbo: [1500, 2500],
	upscale: [1500, 3000],
	vary: [3000, 5000],
	video: [5000, 8000],
	videoHd: [7000, 10000],
	extend: [5000, 8000],
	midjourney_diffusion: [3000, 5000],
	midjourney_edit: [3000, 5000],
	midjourney_remix: [3000, 5000],
	midjourney_upscale: [1500, 3000],
	midjourney_variation: [3000, 5000],
	midjourney_inpaint: [3000, 5000],
	midjourney_outpaint: [3000, 5000],
	midjourney_uploadpaint: [3000, 5000],
	midjourney_retexture: [3000, 5000],
	midjourney_pan: [3000, 5000],
	midjourney_enhance: [3000, 5000],
	midjourney_reroll: [3000, 5000],
	midjourney_video_diffusion: [5000, 8000],
};

/** The same value for all of them, or values for some and the defaults for the rest. */
export function withDefaults<K extends string, T extends Range>(
	given: T | Partial<Record<K, T>> | undefined,
	defaults: Readonly<Record<K, T>>,
): Readonly<Record<K, T>> {
	if (isForSome<K, T>(given)) return { ...defaults, ...given };
	if (given === undefined) return defaults;
	const all: Record<K, T> = { ...defaults };
	for (const name in all) all[name] = given;
	return all;
}

function isForSome<K extends string, T extends Range>(
	given: T | Partial<Record<K, T>> | undefined,
): given is Partial<Record<K, T>> {
	return typeof given === 'object' && !Array.isArray(given);
}
