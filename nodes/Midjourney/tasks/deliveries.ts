import type { IDataObject } from 'n8n-workflow';

import { text } from '../providers/json';

/** How many ends of tasks are remembered; a provider repeats a call for minutes, not for weeks. */
const LIMIT = 500;

/** Where they stand in the static data of the node. */
const FIELD = 'delivered';

/**
 * Every call gets its own copy of the static data, and n8n saves it when the call has been answered: two calls at the
 * same time would not see each other. So what this process knows is kept here as well, by node.
 */
const inThisProcess = new Map<string, Set<string>>();

/** Which ends of tasks have started an execution, so that a callback that comes twice starts one. */
export class Deliveries {
	private readonly known: Set<string>;

	/**
	 * @param staticData of the node; saved by n8n
	 * @param nodeKey tells this node from all others; undefined: remember for this call alone
	 */
	constructor(
		private readonly staticData: IDataObject,
		nodeKey: string | undefined,
	) {
		this.known = (nodeKey !== undefined && inThisProcess.get(nodeKey)) || new Set();
		if (nodeKey === undefined) return;
		inThisProcess.set(nodeKey, this.known);
		const saved = staticData[FIELD];
		for (const entry of Array.isArray(saved) ? saved : []) {
			const key = text(entry);
			if (key !== undefined) this.known.add(key);
		}
	}

	/** Whether `key` is new; from now on it is not. Nothing can come in between. */
	claim(key: string): boolean {
		if (this.known.has(key)) return false;
		this.known.add(key);
		this.save();
		return true;
	}

	/** Nothing was started after all. */
	release(key: string): void {
		this.known.delete(key);
		this.save();
	}

	private save(): void {
		// A set keeps the order in which it was filled.
		for (const oldest of this.known) {
			if (this.known.size <= LIMIT) break;
			this.known.delete(oldest);
		}
		this.staticData[FIELD] = [...this.known];
	}
}

/** Forgets all, here and in the static data. */
export function forgetDeliveries(staticData: IDataObject, nodeKey: string): void {
	inThisProcess.delete(nodeKey);
	delete staticData[FIELD];
}
