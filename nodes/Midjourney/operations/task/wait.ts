import { taskIdsField } from '../fields';
import type { Operation } from '../operation';

const taskIds = taskIdsField('taskIds', 'The tasks to wait for');

/** Task → Wait: goes on waiting for what was submitted before; never submits. */
export const waitForTasks: Operation = {
	resource: 'task',
	operation: 'wait',
	name: 'Wait',
	action: 'Wait for tasks',
	description: 'Go on waiting for tasks that were submitted before, without paying again',
	fields: [taskIds],
	does: 'wait',
	taskIds: (from) => from.get(taskIds),
};
