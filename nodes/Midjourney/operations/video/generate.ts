import { choiceField, optional } from '../Field';
import {
	aspectRatio,
	aspectRatioFrom,
	customVersion,
	imageUrls,
	translatePrompt,
	version,
	versionFrom,
	videoPrompt,
	watermark,
} from '../fields';
import type { Operation } from '../Operation';

const quality = choiceField(
	[
		{ name: 'HD', value: 'hd', description: 'Sharper, costs more' },
		{ name: 'Standard', value: 'standard' },
	] as const,
	{ displayName: 'Quality', name: 'quality', default: 'standard' },
);

const image = imageUrls(
	'The one image to set in motion. By default the one of the incoming item.',
	'={{ $json.url }}',
	'Exactly one. The provider fetches it, so it must be public.',
);

const motion = choiceField(
	[
		{ name: 'High', value: 'high', description: 'Camera and subject move' },
		{ name: 'Low', value: 'low', description: 'Calm, mostly still' },
	] as const,
	{ displayName: 'Motion', name: 'motion', default: 'high' },
);

const videoCount = optional(
	choiceField(
		[
			{ name: '1', value: 1 },
			{ name: '2', value: 2 },
			{ name: '4', value: 4 },
		] as const,
		{
			displayName: 'Number of Videos',
			name: 'videoCount',
			default: 1,
			description: 'How many videos the task makes',
		},
	),
);

/** Video → Generate (wire.md: MidAPI generate). */
export const generateVideo: Operation = {
	resource: 'video',
	operation: 'generate',
	name: 'Generate',
	action: 'Generate video',
	description: 'Set one image in motion',
	fields: [quality, videoPrompt, image, motion],
	additional: [aspectRatio, customVersion, videoCount, translatePrompt, version, watermark],
	does: 'submit',
	kind: 'generateVideo',
	requests: (from) => {
		const urls = from.get(image);
		const [imageUrl] = urls;
		if (imageUrl === undefined || urls.length > 1) {
			throw from.reject(
				`'Image URLs' holds ${urls.length} images, a video is made from exactly one: leave one, or split them into items`,
			);
		}
		return [
			{
				kind: 'generateVideo',
				quality: from.get(quality),
				prompt: from.get(videoPrompt),
				imageUrl,
				motion: from.get(motion),
				videoCount: from.get(videoCount),
				aspectRatio: aspectRatioFrom(from),
				version: versionFrom(from),
				watermark: from.get(watermark),
				translatePrompt: from.get(translatePrompt),
			},
		];
	},
};
