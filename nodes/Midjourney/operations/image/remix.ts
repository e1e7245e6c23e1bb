import { remixPrompt, sourceImage, strengthField } from '../fields';
import type { Operation } from '../operation';

const strength = strengthField('strong');

/** Image → Remix (wire.md: Vtrix models). */
export const remixImage: Operation = {
	resource: 'image',
	operation: 'remix',
	name: 'Remix',
	action: 'Remix image',
	description: 'Recreate one image of a finished task from a new prompt',
	fields: [...sourceImage.fields, remixPrompt, strength],
	does: 'submit',
	kind: 'remixImage',
	request: (from) => ({
		kind: 'remixImage',
		...sourceImage.from(from),
		prompt: from.get(remixPrompt),
		strength: from.get(strength),
	}),
};
