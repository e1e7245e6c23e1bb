import { taskIdsField } from '../fields';
import type { Operation } from '../operation';

const taskIds = taskIdsField('taskIds', 'The tasks to wait for');

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
