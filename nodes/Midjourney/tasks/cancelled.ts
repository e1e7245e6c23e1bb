import { NodeOperationError } from 'n8n-workflow';

import type { Provider } from '../providers/provider';
import type { Host } from './host';

/** What an execution leaves at the provider when it is cancelled. */
export interface Left {
	/** Ids of tasks that were not seen to end. */
	open?: Iterable<string>;
	/** Ids of tasks that are completed, whose results the provider keeps. */
	completed?: Iterable<string>;
	/** How many submits were sent and not answered yet. */
	underWay?: number;
}

/** Names everything that is or may be paid. */
export function cancelledMessage(
	{ open = [], completed = [], underWay = 0 }: Left,
	{ displayName }: Pick<Provider, 'displayName'>,
): string {
	const parts = ['The execution was cancelled'];
	const goOn = [...new Set(open)];
	const done = [...new Set(completed)];
	if (goOn.length > 0) parts.push(`these tasks go on at ${displayName}: ${goOn.join(', ')}`);
	if (done.length > 0) {
		parts.push(`these tasks are completed, ${displayName} has their results: ${done.join(', ')}`);
	}
	if (underWay > 0) {
		const submits = underWay === 1 ? '1 submit was' : `${underWay} submits were`;
		parts.push(
			`${submits} under way, which may have been taken and paid: look into the task list of ${displayName}`,
		);
	}
	return parts.join('; ');
}

/**
 * Does the work; when the execution is cancelled meanwhile, or the work breaks down, says what is left at the provider.
 *
 * @param left asked for at that moment
 * @throws NodeOperationError in place of whatever the work throws
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
