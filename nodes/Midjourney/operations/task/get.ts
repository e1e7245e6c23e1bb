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
	description: 'Read tasks once, whether they have ended or not, and download their files',
	fields: [taskIds],
	does: 'get',
	taskIds: (from) => from.get(taskIds),
};
