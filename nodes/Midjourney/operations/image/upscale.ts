import { choiceField, onlyWith, optional } from '../field';
import { sourceImage, watermark } from '../fields';
import type { Operation } from '../operation';

const upscaler = onlyWith(
	['vtrix'],
	choiceField(
		[
			{ name: 'Creative', value: 'creative', description: 'Enlarge the image and add details' },
			{ name: 'Standard', value: 'standard', description: 'Enlarge the image without changing it' },
			{ name: 'V5 2x', value: 'v5Twice', description: 'Double the size of an image of version 5' },
			{
				name: 'V5 4x',
				value: 'v5FourTimes',
				description: 'Quadruple the size of an image of version 5',
			},
		] as const,
		{ displayName: 'Upscaler', name: 'upscaler', default: 'standard' },
	),
);

const contract = onlyWith(
	['midApi'],
	optional(
		choiceField(
			[
				{
					name: 'Auto',
					value: 'auto',
					description: 'Whichever of the two the provider understands',
				},
				{
					name: 'Quickstart',
					value: 'quickstart',
					description: 'Path /upscale, with an index that counts from 1',
				},
				{
					name: 'Reference',
					value: 'reference',
					description: 'Path /generateUpscale, with an imageIndex that counts from 0',
				},
			] as const,
			{
				displayName: 'Upscale Contract',
				name: 'upscaleContract',
				default: 'auto',
				description:
					'The provider documents two ways to request an upscale. Change this only if an upscale is refused or uses the wrong image.',
			},
		),
	),
);

/** Image → Upscale (wire.md: MidAPI upscale, Vtrix models). */
export const upscaleImage: Operation = {
	resource: 'image',
	operation: 'upscale',
	name: 'Upscale',
	action: 'Upscale image',
	description: 'Enlarge one image of a finished task',
	fields: [...sourceImage.fields, upscaler],
	additional: [contract, watermark],
	does: 'submit',
	kind: 'upscaleImage',
	request: (from) => {
		const chosen = from.get(contract);
		return {
			kind: 'upscaleImage',
			...sourceImage.from(from),
			watermark: from.get(watermark),
			contract: chosen === 'auto' ? undefined : chosen,
			upscaler: from.get(upscaler),
		};
	},
};
