import { imageUrl, remixPrompt } from '../fields';
import type { Operation } from '../Operation';
import { layout } from './canvas';
import { mask } from './mask';

/** Image → Upload Paint (api-contract 2.3, 2.4). */
export const uploadPaintImage: Operation = {
	resource: 'image',
	operation: 'uploadPaint',
	providers: ['vtrix'],
	name: 'Upload Paint',
	action: 'Upload and paint image',
	description: 'Lay any image on a canvas and have the rest and the masked parts painted',
	fields: [imageUrl, remixPrompt, ...layout.fields, ...mask.fields],
	traits: ['submits', 'waits', 'brings'],
	intent: (from) => {
		const laidOut = layout.from(from);
		return {
			does: 'buy',
			request: {
				kind: 'uploadPaintImage',
				imageUrl: from.get(imageUrl),
				prompt: from.get(remixPrompt),
				...laidOut.layout,
				mask: mask.from(from, laidOut.imageSize),
			},
		};
	},
};
