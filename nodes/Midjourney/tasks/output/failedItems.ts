import type { INodeExecutionData } from 'n8n-workflow';

import type { Host } from '../n8n/host';
import type { NodeProblem } from '../n8n/nodeErrors';

/** An item, and the problem that it stands for, if any. */
export interface Item {
	item: INodeExecutionData;
	problem?: NodeProblem;
}

/**
 * The item in the form in which n8n keeps all of it. An item with `error` leaves by the error output (On Error =
 * continue using error output), but n8n replaces the item's json with the message of that error. It does not if the
 * property is not enumerable: n8n then sends a copy of the item, with the fields of the input added, and the copy lacks
 * the property. With On Error = continue there must be no `error` at all. (n8n 1.123, 2.8 and 2.41.)
 *
 * Its json has no field `error` either: if the first item has one, Retry On Fail runs the whole node again.
 */
export function routed({ item, problem }: Item, { node }: Pick<Host, 'node'>): INodeExecutionData {
	if (!problem || node.onError !== 'continueErrorOutput') return item;
	return Object.defineProperty({ ...item }, 'error', { value: problem, enumerable: false });
}
