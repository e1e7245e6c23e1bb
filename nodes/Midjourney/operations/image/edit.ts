import { remixPrompt, sourceImage } from '../fields';
import type { Operation } from '../operation';
import { canvas } from './canvas';
import { optionalMask } from './mask';
import { imageSize } from './size';

/** Image → Edit (wire.md: Vtrix models, Vtrix masks). */
export const editImage: Operation = {
	resource: 'image',
	operation: 'edit',
	name: 'Edit',
	action: 'Edit image on canvas',
	description: 'Place one image of a finished task on a canvas and paint the rest',
	fields: [...sourceImage.fields, remixPrompt, ...canvas.fields, ...optionalMask.fields],
	additional: imageSize.fields,
	does: 'submit',
	kind: 'editImage',
	complete: imageSize.into,
	request: (from) => ({
		kind: 'editImage',
		...sourceImage.from(from),
		prompt: from.get(remixPrompt),
		...canvas.from(from),
		mask: optionalMask.from(from),
	}),
};
