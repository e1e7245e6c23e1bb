import { NodeOperationError } from 'n8n-workflow';

import type { Provider } from '../../providers/provider';
import type { Host } from './host';

/** What an execution leaves at the provider when it is cancelled. */
export interface Left {
	/** Ids of tasks that were not seen to end. */
	open?: Iterable<string>;
	/** Ids of completed tasks, whose results the provider keeps. */
	completed?: Iterable<string>;
	/** The number of submits that were sent and not answered yet. */
	underWay?: number;
}

/** The message of a cancelled execution: it names everything that is or may be paid for. */
export function cancelledMessage(
	{ open = [], completed = [], underWay = 0 }: Left,
	{ displayName }: Pick<Provider, 'displayName'>,
): string {
	const parts = ['The execution was cancelled'];
	const goOn = [...new Set(open)];
	const done = [...new Set(completed)];
	if (goOn.length > 0) parts.push(`these tasks continue at ${displayName}: ${goOn.join(', ')}`);
	if (done.length > 0) {
		parts.push(
			`these tasks are completed, and ${displayName} has their results: ${done.join(', ')}`,
		);
	}
	if (underWay > 0) {
		const submits = underWay === 1 ? '1 submit was' : `${underWay} submits were`;
		parts.push(
			`${submits} in flight and may have been accepted and paid: check the task list of ${displayName}`,
		);
	}
	return parts.join('; ');
}

/**
 * Does the work.
 *
 * @throws NodeOperationError in place of whatever the work throws, also when the execution is cancelled: it names what
 * is left at the provider
 */
export async function untilCancelled<T>(
	{ node, cancelSignal }: Pick<Host, 'node' | 'cancelSignal'>,
	provider: Pick<Provider, 'displayName'>,
	left: () => Left,
	work: () => Promise<T>,
): Promise<T> {
	try {
		return await work();
	} catch (error) {
		const known = left();
		if (cancelSignal?.aborted) {
			throw new NodeOperationError(node, cancelledMessage(known, provider));
		}
		const ids = [...new Set([...(known.open ?? []), ...(known.completed ?? [])])];
		throw new NodeOperationError(node, error instanceof Error ? error : String(error), {
			description: ids.length > 0 ? `Submitted: ${ids.join(', ')}` : undefined,
		});
	}
}
