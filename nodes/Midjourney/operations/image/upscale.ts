import { choiceField, optional } from '../Field';
import { index, sourceTaskId, watermark } from '../fields';
import type { Operation } from '../Operation';

const image = index('image');

const contract = optional(
	choiceField(
		[
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
			default: 'reference',
			description:
				'The provider documents two ways to ask for an upscale. Change this only if an upscale is refused or takes the wrong image.',
		},
	),
);

/** Image → Upscale (api-contract 1.3). */
export const upscaleImage: Operation = {
	resource: 'image',
	operation: 'upscale',
	name: 'Upscale',
	action: 'Upscale image',
	description: 'Make one image of a finished task larger',
	fields: [sourceTaskId, image],
	additional: [contract, watermark],
	traits: ['submits', 'waits', 'brings'],
	intent: (from) => ({
		does: 'buy',
		request: {
			kind: 'upscaleImage',
			taskId: from.get(sourceTaskId),
			index: from.get(image),
			watermark: from.get(watermark),
			contract: from.get(contract),
		},
	}),
};
