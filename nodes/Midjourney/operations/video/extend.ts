import { choiceField, onlyFor } from '../field';
import { sourceVideo, videoPrompt, watermark } from '../fields';
import type { Operation } from '../operation';

const extendMode = choiceField(
	[
		{ name: 'Auto', value: 'auto', description: 'Continue in the same way' },
		{ name: 'Manual', value: 'manual', description: 'Describe what happens next in a prompt' },
	] as const,
	{ displayName: 'Mode', name: 'extendMode', default: 'auto', noDataExpression: true },
);

const nextPrompt = onlyFor(extendMode, ['manual'], videoPrompt);

/** Video → Extend (wire.md: MidAPI extend). */
export const extendVideo: Operation = {
	resource: 'video',
	operation: 'extend',
	name: 'Extend',
	action: 'Extend video',
	description: 'Extend one video of a finished task',
	fields: [extendMode, ...sourceVideo.fields, nextPrompt],
	additional: [watermark],
	does: 'submit',
	kind: 'extendVideo',
	request: (from) => ({
		kind: 'extendVideo',
		mode: from.get(extendMode),
		...sourceVideo.from(from),
		prompt: from.get(nextPrompt),
		watermark: from.get(watermark),
	}),
};
