import { choiceField, onlyFor } from '../Field';
import { index, sourceTaskId, videoPrompt, watermark } from '../fields';
import type { Operation } from '../Operation';

const extendMode = choiceField(
	[
		{ name: 'Auto', value: 'auto', description: 'Go on as it began' },
		{ name: 'Manual', value: 'manual', description: 'Say in a prompt what happens next' },
	] as const,
	{ displayName: 'Mode', name: 'extendMode', default: 'auto', noDataExpression: true },
);

const video = index('video');
const nextPrompt = onlyFor({ extendMode: ['manual'] }, videoPrompt);

/** Video → Extend (api-contract 1.5). */
export const extendVideo: Operation = {
	resource: 'video',
	operation: 'extend',
	name: 'Extend',
	action: 'Extend video',
	description: 'Make one video of a finished task longer',
	fields: [extendMode, sourceTaskId, video, nextPrompt],
	additional: [watermark],
	traits: ['submits', 'waits', 'brings'],
	intent: (from) => ({
		does: 'buy',
		request: {
			kind: 'extendVideo',
			mode: from.get(extendMode),
			taskId: from.get(sourceTaskId),
			index: from.get(video),
			prompt: from.get(nextPrompt),
			watermark: from.get(watermark),
		},
	}),
};
