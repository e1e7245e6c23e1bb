import { taskIdsField } from '../fields';
import type { Operation } from '../operation';

/** Called as where there was one alone, so that saved workflows go on. */
const taskIds = taskIdsField('taskId', 'The tasks to look at');

/** Task → Get (wire.md: MidAPI tasks, Vtrix tasks). */
export const getTask: Operation = {
	resource: 'task',
	operation: 'get',
	name: 'Get',
	action: 'Get tasks',
	description:
		'Look at tasks once, whether they are finished or not, and bring what they have made',
	fields: [taskIds],
	does: 'get',
	taskIds: (from) => from.get(taskIds),
};
