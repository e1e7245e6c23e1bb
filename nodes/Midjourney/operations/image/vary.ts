import { choiceField, onlyWith, optional } from '../field';
import { optionalPrompt, sourceImage, strengthField, watermark } from '../fields';
import type { Operation } from '../operation';

const strength = onlyWith(['vtrix'], strengthField('subtle'));
const newPrompt = onlyWith(['vtrix'], optionalPrompt);

const indexBase = onlyWith(
	['midApi'],
	optional(
		choiceField<0 | 1 | 'auto'>(
			[
				{ name: '0', value: 0 },
				{ name: '1', value: 1 },
				{
					name: 'Auto',
					value: 'auto',
					description: '0, until the provider refuses it and says that it counts from 1',
				},
			],
			{
				displayName: 'Vary Index Base',
				name: 'varyIndexBase',
				default: 'auto',
				description:
					"The provider's number for the first image. Its documentation says both 0 and 1. Change this to 1 if the image before the wanted one is varied. The Index field always counts from 0.",
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
	request: (from) => {
		const base = from.get(indexBase);
		return {
			kind: 'varyImage',
			...sourceImage.from(from),
			watermark: from.get(watermark),
			firstIndex: base === 'auto' ? undefined : base,
			strength: from.get(strength),
			prompt: from.get(newPrompt),
		};
	},
};
