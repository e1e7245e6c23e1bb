import { remixPrompt, sourceImage } from '../fields';
import type { Operation } from '../Operation';
import { layout } from './canvas';
import { optionalMask } from './mask';

/** Image → Edit (api-contract 2.3, 2.4). */
export const editImage: Operation = {
	resource: 'image',
	operation: 'edit',
	providers: ['vtrix'],
	name: 'Edit',
	action: 'Edit image on canvas',
	description: 'Lay one image of a finished task on a canvas and have the rest painted',
	fields: [...sourceImage.fields, remixPrompt, ...layout.fields, ...optionalMask.fields],
	traits: ['submits', 'waits', 'brings'],
	intent: (from) => {
		const laidOut = layout.from(from);
		const mask = optionalMask.from(from, laidOut.imageSize);
		if (!mask && laidOut.nothingToPaint) {
			throw from.reject(
				'The canvas is as large as the image and there is no mask, so there is nothing to paint: choose another canvas, or a Mask',
			);
		}
		return {
			does: 'buy',
			request: {
				kind: 'editImage',
				...sourceImage.from(from),
				prompt: from.get(remixPrompt),
				...laidOut.layout,
				mask,
			},
		};
	},
};
