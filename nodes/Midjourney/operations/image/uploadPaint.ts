import { anyImage, remixPrompt } from '../fields';
import type { Operation } from '../operation';
import { canvas } from './canvas';
import { mask } from './mask';
import { imageSize } from './size';

/** Image → Upload Paint (wire.md: Vtrix models, Vtrix masks). */
export const uploadPaintImage: Operation = {
	resource: 'image',
	operation: 'uploadPaint',
	name: 'Upload Paint',
	action: 'Upload and paint image',
	description: 'Place any image on a canvas and paint the rest and the masked parts',
	fields: [...anyImage.fields, remixPrompt, ...canvas.fields, ...mask.fields],
	additional: imageSize.fields,
	does: 'submit',
	kind: 'uploadPaintImage',
	complete: imageSize.into,
	request: (from) => ({
		kind: 'uploadPaintImage',
		imageUrl: anyImage.from(from),
		prompt: from.get(remixPrompt),
		...canvas.from(from),
		mask: mask.from(from),
	}),
};
