import type { IBinaryData } from 'n8n-workflow';

import { digestOfItem } from '../../nodes/Midjourney/tasks/submit/purchase';

const file = (more: Partial<IBinaryData> = {}): IBinaryData => ({
	data: 'filesystem-v2',
	mimeType: 'image/png',
	fileName: 'photo.png',
	id: 'filesystem-v2:workflows/w/executions/temp/binary_data/6f1c',
	...more,
});
const digest = (data: IBinaryData) => digestOfItem({ json: {}, binary: { data } });

describe('What came in with an item is the same', () => {
	it('when n8n has moved its file to the execution', () => {
		const id = 'filesystem-v2:workflows/w/executions/12/binary_data/6f1c';
		expect(digest(file({ id }))).toBe(digest(file()));
	});

	it.each<[string, Partial<IBinaryData>]>([
		['another file', { id: 'filesystem-v2:workflows/w/executions/temp/binary_data/7a2d' }],
		['another name', { fileName: 'other.png' }],
		['other bytes in memory', { id: undefined, data: 'aGk=' }],
	])('but not with %s', (_, more) => {
		expect(digest(file(more))).not.toBe(digest(file()));
	});
});
