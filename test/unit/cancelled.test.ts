import type { INode } from 'n8n-workflow';

import { midApi } from '../../nodes/Midjourney/providers/midApi';
import {
	cancelledMessage,
	untilCancelled,
	type Left,
} from '../../nodes/Midjourney/tasks/n8n/cancelled';

describe('The message of a cancelled execution', () => {
	it.each<[string, Left, string]>([
		['says no more when nothing is left', {}, 'The execution was cancelled'],
		[
			'names each open task once',
			{ open: ['a', 'b', 'a'] },
			'The execution was cancelled; these tasks continue at MidAPI: a, b',
		],
		[
			'names completed tasks',
			{ open: [], completed: ['c'] },
			'The execution was cancelled; these tasks are completed, and MidAPI has their results: c',
		],
		[
			'counts one submit under way',
			{ underWay: 1 },
			'The execution was cancelled; 1 submit was in flight and may have been accepted and paid: check the task list of MidAPI',
		],
		[
			'says all of it together',
			{ open: ['a'], completed: ['c'], underWay: 3 },
			'The execution was cancelled; these tasks continue at MidAPI: a; these tasks are completed, and MidAPI has their results: c; 3 submits were in flight and may have been accepted and paid: check the task list of MidAPI',
		],
	])('%s', (_, left, message) => {
		expect(cancelledMessage(left, midApi)).toBe(message);
	});
});

describe('Work that throws', () => {
	const node = { name: 'Midjourney' } as INode;
	const broken = async () => await Promise.reject(new Error('Out of order'));

	it('names what is left at that moment when the execution was cancelled', async () => {
		const controller = new AbortController();
		const open: string[] = [];
		const work = untilCancelled(
			{ node, cancelSignal: controller.signal },
			midApi,
			() => ({ open }),
			async () => {
				open.push('a');
				controller.abort();
				return await broken();
			},
		);
		await expect(work).rejects.toThrow('these tasks continue at MidAPI: a');
	});

	it('keeps its own message otherwise, and names the tasks', async () => {
		const work = untilCancelled(
			{ node },
			midApi,
			() => ({ open: ['a'], completed: ['b'] }),
			broken,
		);
		await expect(work).rejects.toMatchObject({
			message: 'Out of order',
			description: 'Submitted: a, b',
		});
	});
});
