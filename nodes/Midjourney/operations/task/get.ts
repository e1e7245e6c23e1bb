import { taskId } from '../fields';
import type { Operation } from '../operation';

/** Task → Get (wire.md: MidAPI tasks, Vtrix tasks). */
export const getTask: Operation = {
	resource: 'task',
	operation: 'get',
	name: 'Get',
	action: 'Get task',
	description: 'Read a task once, whether it has ended or not',
	fields: [taskId],
	does: 'get',
	taskId: (from) => from.get(taskId),
};
