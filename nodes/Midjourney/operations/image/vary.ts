import { choiceField, onlyWith, optional } from '../field';
import { optionalPrompt, sourceImage, strengthField, watermark } from '../fields';
import type { Operation } from '../operation';

const strength = onlyWith(['vtrix'], strengthField('subtle'));
const newPrompt = onlyWith(['vtrix'], optionalPrompt);

const indexBase = onlyWith(
	['midApi'],
	optional(
		choiceField(
			[
				{ name: '0', value: 0 },
				{ name: '1', value: 1 },
			] as const,
			{
				displayName: 'Vary Index Base',
				name: 'varyIndexBase',
				default: 0,
				description:
					"The provider's number for the first image. Its documentation says both 0 and 1. Change this only if the wrong image is varied. The Index field always counts from 0.",
			},
		),
	),
);

/** Image → Vary (wire.md: MidAPI vary, Vtrix models). */
export const varyImage: Operation = {
	resource: 'image',
	operation: 'vary',
	name: 'Vary',
	action: 'Vary image',
	description: 'Make variations of one image of a finished task',
	fields: [...sourceImage.fields, strength, newPrompt],
	additional: [indexBase, watermark],
	does: 'submit',
	kind: 'varyImage',
	requests: (from) => [
		{
			kind: 'varyImage',
			...sourceImage.from(from),
			watermark: from.get(watermark),
			firstIndex: from.get(indexBase),
			strength: from.get(strength),
			prompt: from.get(newPrompt),
		},
	],
};
