import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import type { Provider } from '../providers/Provider';
import type { Clock } from './clock';
import { Downloads } from './download';
import type { Host } from './host';
import { ProblemWriter } from './nodeErrors';
import type { Settings } from './order';
import type { Start } from './receive';
import { itemsOf } from './results';

/** What the items say of the task's origin: it came in by a call. */
const OPERATION = 'task:callback';

export interface ReceivedDeps {
	host: Host;
	provider: Provider;
	clock: Clock;
	/** How the items are to look. */
	settings: Settings;
}

/**
 * The items that a callback starts an execution with: those of the action node, with the reference that was sent along
 * and what is known of the call. A file that cannot be fetched is told in its item.
 *
 * @param callback goes into the field of this name
 */
export async function receivedItems(
	{ task, reference }: Start,
	callback: IDataObject,
	{ host, provider, clock, settings }: ReceivedDeps,
): Promise<INodeExecutionData[]> {
	const writer = new ProblemWriter(host.node, provider);
	const { download } = settings;
	const stored =
		download && task.status === 'completed'
			? await new Downloads(host, clock).of(task, download.limit)
			: [];
	const files = stored.map(({ output, stored: file }) =>
		file.ok
			? { output, binary: file.value }
			: { output, problem: writer.ofDownload(file.failure, task.taskId, output.index, 0) },
	);
	const { taskId } = task;
	const outcome = { itemIndex: 0, settings, taskId, task, polls: 1, waitedMs: 0, files } as const;
	return itemsOf({ ...outcome, via: 'poll' }, provider.name, OPERATION).map(({ item }) => ({
		...item,
		json: {
			...item.json,
			...(reference !== undefined && { reference }),
			via: 'callback',
			callback,
		},
	}));
}
