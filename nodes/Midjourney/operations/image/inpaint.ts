import { optionalPrompt, sourceImage } from '../fields';
import type { Operation } from '../operation';
import { mask } from './mask';
import { areaImageSize } from './size';

/** Image → Inpaint (wire.md: Vtrix models, Vtrix masks). */
export const inpaintImage: Operation = {
	resource: 'image',
	operation: 'inpaint',
	name: 'Inpaint',
	action: 'Inpaint image',
	description: 'Repaint parts of one image of a finished task',
	fields: [...sourceImage.fields, ...mask.fields, optionalPrompt],
	additional: areaImageSize.fields,
	does: 'submit',
	kind: 'inpaintImage',
	complete: areaImageSize.into,
	request: (from) => ({
		kind: 'inpaintImage',
		...sourceImage.from(from),
		mask: mask.from(from),
		prompt: from.get(optionalPrompt),
	}),
};
