import { choiceField, optional } from '../Field';
import { index, sourceTaskId, watermark } from '../fields';
import type { Operation } from '../Operation';

const image = index('image');

const indexBase = optional(
	choiceField(
		[
			{ name: '0', value: 0 },
			{ name: '1', value: 1 },
		] as const,
		{
			displayName: 'Vary Index Base',
			name: 'varyIndexBase',
			default: 0,
			description:
				'What the provider calls the first image: its pages say both. Change this only if the wrong image is varied; Index above always counts from 0.',
		},
	),
);

/** Image → Vary (api-contract 1.4). */
export const varyImage: Operation = {
	resource: 'image',
	operation: 'vary',
	name: 'Vary',
	action: 'Vary image',
	description: 'Make variations of one image of a finished task',
	fields: [sourceTaskId, image],
	additional: [indexBase, watermark],
	traits: ['submits', 'waits', 'brings'],
	intent: (from) => ({
		does: 'buy',
		request: {
			kind: 'varyImage',
			taskId: from.get(sourceTaskId),
			index: from.get(image),
			watermark: from.get(watermark),
			firstIndex: from.get(indexBase),
		},
	}),
};
