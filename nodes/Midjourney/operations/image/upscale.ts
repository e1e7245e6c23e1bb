import { choiceField, onlyWith, optional } from '../field';
import { sourceImage, watermark } from '../fields';
import type { Operation } from '../operation';

const upscaler = onlyWith(
	['vtrix'],
	choiceField(
		[
			{ name: 'Creative', value: 'creative', description: 'Larger, with new details' },
			{ name: 'Standard', value: 'standard', description: 'Larger, otherwise the same' },
			{ name: 'V5 2x', value: 'v5Twice', description: 'For images of version 5: twice as large' },
			{
				name: 'V5 4x',
				value: 'v5FourTimes',
				description: 'For images of version 5: four times as large',
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
					description: 'Path /upscale with an index that counts from 1',
				},
				{
					name: 'Reference',
					value: 'reference',
					description: 'Path /generateUpscale with an imageIndex that counts from 0',
				},
			] as const,
			{
				displayName: 'Upscale Contract',
				name: 'upscaleContract',
				default: 'auto',
				description:
					'The provider documents two ways to ask for an upscale. Change this only if an upscale is refused or takes the wrong image.',
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
	description: 'Make one image of a finished task larger',
	fields: [...sourceImage.fields, upscaler],
	additional: [contract, watermark],
	does: 'submit',
	kind: 'upscaleImage',
	requests: (from) => {
		const chosen = from.get(contract);
		return [
			{
				kind: 'upscaleImage',
				...sourceImage.from(from),
				watermark: from.get(watermark),
				contract: chosen === 'auto' ? undefined : chosen,
				upscaler: from.get(upscaler),
			},
		];
	},
};
