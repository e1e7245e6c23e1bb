import { listField } from '../field';
import type { Operation } from '../operation';

const taskIds = listField(
	{ separator: /[\s,]+/ },
	{
		displayName: 'Task IDs',
		name: 'taskIds',
		default: '={{ $json.taskId }}',
		required: true,
		// A single-line field would join pasted lines.
		typeOptions: { rows: 2 },
		placeholder: 'e.g. 9f0c2a77b1e94d5c8a61',
		description:
			'The tasks to wait for, submitted earlier by any workflow with the same API key. Separate several IDs with commas or line breaks, or use an expression that returns an array.',
	},
);

/** Task → Wait: waits for tasks that were submitted earlier; never submits. */
export const waitForTasks: Operation = {
	resource: 'task',
	operation: 'wait',
	name: 'Wait',
	action: 'Wait for tasks',
	description: 'Wait for tasks that were submitted earlier, without paying again',
	fields: [taskIds],
	does: 'wait',
	taskIds: (from) => from.get(taskIds),
};
