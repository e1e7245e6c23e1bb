import { numberField } from '../field';
import { optionalPrompt, sourceImage } from '../fields';
import type { Operation } from '../operation';

const scale = numberField(
	{ min: 1.1, max: 2 },
	{
		displayName: 'Scale',
		name: 'scale',
		default: 1.5,
		required: true,
		description:
			'How far to zoom out, 1.1 to 2. At 2, the original fills a quarter of the new image.',
	},
);

/** Image → Outpaint (wire.md: Vtrix models). */
export const outpaintImage: Operation = {
	resource: 'image',
	operation: 'outpaint',
	name: 'Outpaint',
	action: 'Outpaint image',
	description: 'Zoom out of one image of a finished task',
	fields: [...sourceImage.fields, scale, optionalPrompt],
	does: 'submit',
	kind: 'outpaintImage',
	request: (from) => ({
		kind: 'outpaintImage',
		...sourceImage.from(from),
		scale: from.get(scale),
		prompt: from.get(optionalPrompt),
	}),
};
