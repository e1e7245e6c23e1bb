import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import type { Provider } from '../../providers/Provider';
import type { ExecutionClock } from '../clock';
import type { Host } from '../host';
import type { Settings } from '../order';
import type { Outcome } from '../outcome';
import { toItems } from '../results';
import { KEY_FIELD } from './once';
import type { Start } from './receive';

/** What the items say of the task's origin: it came in by a call. */
const OPERATION = 'task:callback';

export interface ItemDeps {
	host: Host;
	provider: Provider;
	clock: ExecutionClock;
	/** How the items are to look. */
	settings: Settings;
}

/**
 * The items that a callback starts an execution with: those of the action node, with the reference that was sent along,
 * what is known of the call, and a key to tell a repeated start by. A file that cannot be fetched is told in its item.
 *
 * @param callback goes into the field of this name
 */
export async function startItems(
	{ task, reference, key }: Start,
	callback: IDataObject,
	{ host, provider, clock, settings }: ItemDeps,
): Promise<INodeExecutionData[]> {
	const { taskId } = task;
	const outcome: Outcome = {
		itemIndex: 0,
		settings: { ...settings, reference },
		taskId,
		task,
		polls: 1,
		waitedMs: 0,
		via: 'callback',
	};
	const marking = { host: { ...host, continues: true }, provider, clock };
	const items = await toItems(marking, [outcome], OPERATION);
	return items.map((item) => ({
		...item,
		json: { ...item.json, [KEY_FIELD]: key, callback },
	}));
}
