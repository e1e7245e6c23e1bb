import type { IDataObject } from 'n8n-workflow';

import { isReason } from '../providers/errors';
import type { Failure } from '../providers/http';
import { isRecord, text } from '../providers/json';
import type { RequestSummary, SubmitRequest } from './settings';
import { dependsOnItemAlone, digestOf, digestOfItem, type PurchaseContext } from './purchase';

/** What is known of one submit. */
export type Remembered = Bought | Unknown | Refused;

/** It was taken under this id. */
export interface Bought {
	state: 'bought';
	taskId: string;
	/** Unix ms of the submit, 0 where that is not known. */
	at: number;
	/** What items show of what was sent; absent where it is the same now. */
	asked?: RequestSummary;
	/** The name of the credential, where it is not that of this run. */
	otherAccount?: string;
}

/** It was sent and may have been taken. */
export interface Unknown {
	state: 'unknown';
	/** Unix ms of the submit, 0 where that is not known. */
	at: number;
	/** In which execution it was sent. */
	executionId?: string;
	/** Why nobody knows, if there was an answer at all. */
	failure?: Failure;
}

/** It was refused in this execution, for good. */
export interface Refused {
	state: 'refused';
	failure: Failure;
}

/**
 * What has been bought already (architecture.md: Retries pick up). It lives in n8n's node context, which survives the
 * tries of Retry On Fail and is part of the data that a retried execution starts from. Everybody who finds the same
 * purchase (purchase.ts) there picks it up.
 */
export class Memory {
	private readonly written: string;

	/** Whether a purchase shows the same whenever it is made. */
	private readonly isSteady: boolean;

	private readonly account: string;

	/** @param store the node context; written in place, JSON only */
	constructor(
		private readonly store: IDataObject,
		private readonly context: PurchaseContext,
	) {
		this.written = digestOf(context.written);
		this.isSteady = context.isToolCall !== true && dependsOnItemAlone(context.written);
		this.account = digestOf(context.account.id).slice(0, 6);
	}

	recall(key: string): Remembered | undefined {
		const entry = this.store[key];
		if (!isRecord(entry)) return undefined;
		const { failure, refused, asked, by } = entry;
		const executionId = text(entry.executionId);
		if (isFailure(refused)) {
			// Another execution may be luckier.
			const isOwn = executionId === this.context.executionId;
			return isOwn ? { state: 'refused', failure: refused } : undefined;
		}
		// JSON knows no other numbers; what was found without its submit has none.
		const at = typeof entry.at === 'number' ? entry.at : 0;
		const taskId = text(entry.taskId);
		if (taskId === undefined) {
			const known = isFailure(failure) ? failure : undefined;
			return { state: 'unknown', at, executionId, failure: known };
		}
		const name = by === this.account ? undefined : text(this.store[accountKey(text(by))]);
		return {
			...{ state: 'bought', taskId, at },
			asked: isAsked(asked) ? asked : undefined,
			otherAccount: name,
		};
	}

	/**
	 * To be called before the request leaves: from now on it may have been taken.
	 */
	sending(key: string, at: number): void {
		this.store[accountKey(this.account)] = this.context.account.name;
		const { executionId } = this.context;
		this.store[key] = { executionId, at, by: this.account };
	}

	/**
	 * It was sent, and what came back leaves open whether it was taken.
	 *
	 * @param executionId where it was sent, unless here
	 */
	ambiguous(key: string, failure?: Failure, executionId = this.context.executionId): void {
		const entry = this.store[key];
		this.store[key] = {
			executionId,
			...(isRecord(entry) && entry),
			...(failure && { failure: { ...failure } }),
		};
	}

	/** It was not taken, and sending it again in this execution would change nothing. */
	refuse(key: string, failure: Failure): void {
		const { executionId } = this.context;
		this.store[key] = { executionId, refused: { ...failure } };
	}

	/** It was taken. */
	submitted(key: string, taskId: string, asked: RequestSummary): void {
		// A canvas is made of a size that was read; the way of pictures may be another one the next time.
		const isMadeOnce = asked.canvas !== undefined || asked.imagesVia !== undefined;
		this.found(key, taskId, this.isSteady && !isMadeOnce ? undefined : asked);
	}

	/**
	 * A submit was taken after all.
	 *
	 * @param key of its submit
	 * @param asked if it may be something else the next time
	 * @param since Unix ms of the submit, where this memory does not know it
	 */
	found(key: string, taskId: string, asked?: RequestSummary, since?: number): void {
		const entry = this.store[key];
		const { at = since, by = this.account } = isRecord(entry) ? entry : {};
		this.store[key] = {
			...{ at, taskId, by },
			...(asked && { asked: { ...asked } }),
		};
	}

	/** Whether it was sent in this execution, and not in one that this one is a retry of. */
	isOfThisExecution({ executionId }: Unknown): boolean {
		return executionId === this.context.executionId;
	}

	/**
	 * The nonce of this run's wait: the same for all tries of Retry On Fail, because what they have submitted calls back
	 * with it; another one in another execution, because nothing that was submitted there calls back here.
	 *
	 * @param make gives a fresh one
	 */
	nonceFor(make: () => string): string {
		const { executionId, runIndex } = this.context;
		const key = `wait:${runIndex}`;
		const known = this.store[key];
		const nonce =
			isRecord(known) && known.executionId === executionId ? text(known.nonce) : undefined;
		if (nonce !== undefined) return nonce;
		const fresh = make();
		this.store[key] = { executionId, nonce: fresh };
		return fresh;
	}

	/** It was certainly not taken, or its task has failed: it may be bought again. */
	forget(key: string): void {
		delete this.store[key];
	}

	/** What tells a purchase from all others. */
	keyOf(submit: SubmitRequest): string {
		const { itemIndex, request, part } = submit;
		const { runIndex, itemAt, isToolCall } = this.context;
		const item = digestOfItem(itemAt(itemIndex));
		const digest = digestOf([this.written, item, isToolCall === true ? request : undefined]);
		const place = part === 0 ? itemIndex : `${itemIndex}.${part}`;
		return `submit:${runIndex}:${place}:${digest}`;
	}
}

const accountKey = (digest = ''): string => `account:${digest}`;

const isAsked = (value: unknown): value is RequestSummary =>
	isRecord(value) && (value.prompt === undefined || typeof value.prompt === 'string');

const isFailure = (value: unknown): value is Failure => isRecord(value) && isReason(value.reason);
