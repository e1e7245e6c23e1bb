import { choiceField, optional, plainChoices } from '../field';
import {
	aspectRatio,
	aspectRatioFrom,
	customVersion,
	imageFrom,
	imageUrlField,
	translatePrompt,
	version,
	versionFrom,
	videoPrompt,
	watermark,
} from '../fields';
import type { Operation } from '../operation';

const quality = choiceField(
	[
		{ name: 'HD', value: 'hd', description: 'Sharper, costs more' },
		{ name: 'Standard', value: 'standard' },
	] as const,
	{ displayName: 'Quality', name: 'quality', default: 'standard' },
);

const image = imageFrom(
	imageUrlField(
		'The image to animate. The provider fetches it, so it must be public. Defaults to the image of the input item.',
	),
);

const motion = choiceField(
	[
		{ name: 'High', value: 'high', description: 'Camera and subject move' },
		{ name: 'Low', value: 'low', description: 'Calm, mostly still' },
	] as const,
	{ displayName: 'Motion', name: 'motion', default: 'high' },
);

const videoCount = optional(
	choiceField(plainChoices(1, 2, 4), {
		displayName: 'Number of Videos',
		name: 'videoCount',
		default: 1,
		description: 'How many videos the task generates',
	}),
);

/** Video → Generate (wire.md: MidAPI generate). */
export const generateVideo: Operation = {
	resource: 'video',
	operation: 'generate',
	name: 'Generate',
	action: 'Generate video',
	description: 'Animate one image',
	fields: [videoPrompt, ...image.fields, motion, quality, aspectRatio, version, customVersion],
	additional: [videoCount, translatePrompt, watermark],
	does: 'submit',
	kind: 'generateVideo',
	request: (from) => ({
		kind: 'generateVideo',
		quality: from.get(quality),
		prompt: from.get(videoPrompt),
		imageUrl: image.from(from),
		motion: from.get(motion),
		videoCount: from.get(videoCount),
		aspectRatio: aspectRatioFrom(from),
		version: versionFrom(from),
		watermark: from.get(watermark),
		translatePrompt: from.get(translatePrompt),
	}),
};
