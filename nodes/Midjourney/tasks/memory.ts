import { createHash } from 'crypto';
import type { IDataObject } from 'n8n-workflow';

import { isRecord, text } from '../providers/json';
import type { ProviderName } from '../providers/Task';
import type { Order } from './order';

/** What is known of one submit: it is on its way (and may have been taken), or it was taken under this id. */
export type Remembered =
	| { state: 'sending'; at: number }
	| { state: 'submitted'; at: number; taskId: string };

/**
 * What this execution has bought already (design 4.2). It lives in n8n's node context, which survives the tries of
 * Retry On Fail and is part of the data that a retried execution starts from, and it is kept per run index, item and
 * content of the request: a changed prompt is a new purchase, the next round of a loop too.
 */
export class Memory {
	/**
	 * @param store the node context; written in place, JSON only
	 * @param runIndex which run of the node this is within the execution
	 */
	constructor(
		private readonly store: IDataObject,
		private readonly runIndex: number,
		private readonly provider: ProviderName,
	) {}

	recall(order: Order): Remembered | undefined {
		const entry = this.store[this.key(order)];
		if (!isRecord(entry)) return undefined;
		const at = Number(entry.at);
		const taskId = text(entry.taskId);
		return taskId ? { state: 'submitted', at, taskId } : { state: 'sending', at };
	}

	/** To be called before the request leaves: from now on it may have been taken. */
	sending(order: Order, at: number): void {
		this.store[this.key(order)] = { at };
	}

	submitted(order: Order, at: number, taskId: string): void {
		this.store[this.key(order)] = { at, taskId };
	}

	/** It was certainly not taken, or its task has failed: it may be bought again. */
	forget(order: Order): void {
		delete this.store[this.key(order)];
	}

	private key({ itemIndex, request }: Order): string {
		const set = Object.entries(request).filter(([, value]) => value !== undefined);
		const content = JSON.stringify([this.provider, set.sort(([a], [b]) => (a < b ? -1 : 1))]);
		const digest = createHash('sha256').update(content).digest('hex').slice(0, 16);
		return `submit:${this.runIndex}:${itemIndex}:${digest}`;
	}
}
