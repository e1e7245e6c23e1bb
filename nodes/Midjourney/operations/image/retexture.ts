import { anyImage, remixPrompt } from '../fields';
import type { Operation } from '../operation';

/** Image → Retexture (wire.md: Vtrix models). */
export const retextureImage: Operation = {
	resource: 'image',
	operation: 'retexture',
	name: 'Retexture',
	action: 'Retexture image',
	description: 'Keep the shapes of any image and change its materials, light and style',
	fields: [...anyImage.fields, remixPrompt],
	does: 'submit',
	kind: 'retextureImage',
	request: (from) => ({
		kind: 'retextureImage',
		imageUrl: anyImage.from(from),
		prompt: from.get(remixPrompt),
	}),
};
