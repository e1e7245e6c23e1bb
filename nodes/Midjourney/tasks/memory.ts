import { createHash } from 'crypto';
import type { IDataObject } from 'n8n-workflow';

import type { Failure } from '../providers/http';
import { isRecord, text } from '../providers/json';
import type { Order } from './order';

/** What is known of one submit. */
export type Remembered =
	/** It was taken under this id, at this Unix time in ms. */
	| { taskId: string; at: number }
	/** It was sent and may have been taken; why nobody knows, if there was an answer at all. */
	| { taskId?: undefined; failure?: Failure };

/**
 * What this execution has bought already. It lives in n8n's node context, which survives the tries of Retry On Fail and
 * is part of the data that a retried execution starts from.
 */
export class Memory {
	/**
	 * @param store the node context; written in place, JSON only
	 * @param runIndex which run of the node this is within the execution
	 */
	constructor(
		private readonly store: IDataObject,
		private readonly runIndex: number,
		private readonly provider: string,
	) {}

	/** What tells a purchase from all others of this execution. */
	keyOf({ itemIndex, request }: Order): string {
		const set = Object.entries(request).filter(([, value]) => value !== undefined);
		const content = JSON.stringify([this.provider, set.sort(([a], [b]) => (a < b ? -1 : 1))]);
		const digest = createHash('sha256').update(content).digest('hex').slice(0, 16);
		return `submit:${this.runIndex}:${itemIndex}:${digest}`;
	}

	recall(key: string): Remembered | undefined {
		const entry = this.store[key];
		if (!isRecord(entry)) return undefined;
		const taskId = text(entry.taskId);
		if (taskId !== undefined) return { taskId, at: Number(entry.at) };
		return { failure: isFailure(entry.failure) ? entry.failure : undefined };
	}

	/** To be called before the request leaves: from now on it may have been taken. */
	sending(key: string): void {
		this.store[key] = {};
	}

	/** It was sent, and what came back leaves open whether it was taken. */
	ambiguous(key: string, failure?: Failure): void {
		this.store[key] = failure ? { failure: { ...failure } } : {};
	}

	submitted(key: string, at: number, taskId: string): void {
		this.store[key] = { at, taskId };
	}

	/** It was certainly not taken, or its task has failed: it may be bought again. */
	forget(key: string): void {
		delete this.store[key];
	}

	/**
	 * The nonce of this run's wait: the same for all tries of Retry On Fail, because what they have submitted calls back
	 * with it; another one in another execution, because nothing that was submitted there calls back here.
	 *
	 * @param make gives a fresh one
	 */
	nonceFor(executionId: string, make: () => string): string {
		const key = `wait:${this.runIndex}`;
		const known = this.store[key];
		const nonce =
			isRecord(known) && known.executionId === executionId ? text(known.nonce) : undefined;
		if (nonce !== undefined) return nonce;
		const fresh = make();
		this.store[key] = { executionId, nonce: fresh };
		return fresh;
	}
}

const isFailure = (value: unknown): value is Failure => isRecord(value) && 'reason' in value;
