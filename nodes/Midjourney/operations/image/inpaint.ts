import { optionalPrompt, sourceImage } from '../fields';
import type { Operation } from '../Operation';
import { mask } from './mask';
import { areaImageSize } from './size';

/** Image → Inpaint (wire.md: Vtrix models, Vtrix masks). */
export const inpaintImage: Operation = {
	resource: 'image',
	operation: 'inpaint',
	providers: ['vtrix'],
	name: 'Inpaint',
	action: 'Inpaint image',
	description: 'Paint parts of one image of a finished task again',
	fields: [...sourceImage.fields, ...mask.fields, optionalPrompt],
	additional: areaImageSize.fields,
	traits: ['submits', 'waits', 'brings'],
	intent: (from) => ({
		does: 'buy',
		requests: [
			areaImageSize.into(from, {
				kind: 'inpaintImage',
				...sourceImage.from(from),
				mask: mask.from(from),
				prompt: from.get(optionalPrompt),
			}),
		],
	}),
};
