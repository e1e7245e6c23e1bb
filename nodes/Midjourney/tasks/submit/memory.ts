import type { IDataObject } from 'n8n-workflow';

import { isReason } from '../../providers/errors';
import type { Failure } from '../../providers/http';
import { isRecord, text } from '../../providers/json';
import type { RequestSummary, SubmitRequest } from '../settings';
import {
	dependsOnItemAlone,
	digestOf,
	digestOfItem,
	evenlySpaced,
	type PurchaseContext,
} from './purchase';

/** What the memory holds of one submit. `at`: Unix ms of the submit, 0 where that is not known. */
export type Remembered =
	/** It was accepted, under this id. */
	| {
			state: 'bought';
			taskId: string;
			at: number;
			/** What items show of the request; absent where it is the same as now. */
			asked?: RequestSummary;
			/** The name of the credential that it was bought with, where that is not the one of this run. */
			otherAccount?: string;
			/** In which execution; known of tool calls only. */
			executionId?: string;
	  }
	/** It was sent, and may have been accepted. `failure`: why that is not known, if there was an answer at all. */
	| { state: 'unknown'; at: number; executionId?: string; failure?: Failure }
	/** It was refused for good in this execution. */
	| { state: 'refused'; failure: Failure };

/** Remembers in n8n's node context what was bought, by its purchase (architecture.md: Retries pick up). */
export class Memory {
	private readonly written: string;

	/** Whether items show the same of a purchase whenever it is made. */
	private readonly isSteady: boolean;

	private readonly account: string;

	/** @param store the node context; written in place, JSON only */
	constructor(
		private readonly store: IDataObject,
		private readonly context: PurchaseContext,
	) {
		this.written = digestOf(context.written);
		this.isSteady = !context.isToolCall && dependsOnItemAlone(context.written);
		this.account = digestOf(context.account.id).slice(0, 6);
	}

	/** What the memory holds of a submit; undefined if it holds nothing, or only a refusal from another execution. */
	recall(key: string): Remembered | undefined {
		const entry = this.store[key];
		if (!isRecord(entry)) return undefined;
		const { failure, refused, asked, by } = entry;
		const executionId = text(entry.executionId);
		if (isFailure(refused)) {
			// A refusal counts only in the execution that met it.
			const isOwn = executionId === this.context.executionId;
			return isOwn ? { state: 'refused', failure: refused } : undefined;
		}
		// Absent where a task was found without its submit.
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
			executionId,
		};
	}

	/** Call this before the request leaves: from then on, it may have been accepted. */
	sending(key: string, at: number): void {
		this.store[accountKey(this.account)] = this.context.account.name;
		const { executionId } = this.context;
		this.store[key] = { executionId, at, by: this.account };
	}

	/**
	 * It was sent, and the answer leaves open whether it was accepted.
	 *
	 * @param executionId the execution in which it was sent, unless it is this one
	 */
	ambiguous(key: string, failure?: Failure, executionId = this.context.executionId): void {
		const entry = this.store[key];
		this.store[key] = {
			executionId,
			...(isRecord(entry) && entry),
			...(failure && { failure: { ...failure } }),
		};
	}

	/** It was not accepted, and sending it again in this execution would change nothing. */
	refuse(key: string, failure: Failure): void {
		const { executionId } = this.context;
		this.store[key] = { executionId, refused: { ...failure } };
	}

	/** It was accepted. */
	submitted(key: string, taskId: string, asked: RequestSummary): void {
		// A canvas depends on a size that was read, a form on what the provider understood; the way of images may change.
		const isSame =
			this.isSteady &&
			!asked.canvas &&
			asked.requestForm === undefined &&
			asked.imagesVia === undefined;
		this.found(key, taskId, isSame ? undefined : asked);
	}

	/**
	 * A submit turned out to have been accepted.
	 *
	 * @param asked what items show of the request, if that may differ the next time
	 * @param since when it was submitted, where this memory does not know it
	 */
	found(key: string, taskId: string, asked?: RequestSummary, since?: number): void {
		const entry = this.store[key];
		const { at = since, by = this.account } = isRecord(entry) ? entry : {};
		const { executionId, isToolCall } = this.context;
		this.store[key] = {
			...{ at, taskId, by },
			...(asked && { asked: { ...asked } }),
			...(isToolCall && { executionId }),
		};
	}

	/** Whether it was sent in this execution, and not in one that this execution retries. */
	isOfThisExecution({ executionId }: { executionId?: string }): boolean {
		return executionId === this.context.executionId;
	}

	/**
	 * The nonce of this run's wait. All tries of Retry On Fail have the same one, because their submits call back with
	 * it. Another execution has another one, because its submits do not call back here. Each tool call has its own: an agent
	 * that works on several items at once gives calls the same run index, and no call for it arrives anywhere.
	 */
	nonceFor(make: () => string): string {
		const { executionId, runIndex, isToolCall } = this.context;
		if (isToolCall) return make();
		const key = `wait:${runIndex}`;
		const known = this.store[key];
		const nonce =
			isRecord(known) && known.executionId === executionId ? text(known.nonce) : undefined;
		if (nonce !== undefined) return nonce;
		const fresh = make();
		this.store[key] = { executionId, nonce: fresh };
		return fresh;
	}

	/** It was certainly not accepted, or its task has failed: it may be bought again. */
	forget(key: string): void {
		delete this.store[key];
	}

	/** The key that tells a purchase from all others. */
	keyOf(submit: SubmitRequest): string {
		const { itemIndex, request, part, settings } = submit;
		const { runIndex, itemAt, isToolCall } = this.context;
		const place = part === 0 ? itemIndex : `${itemIndex}.${part}`;
		// A model repeats itself in later runs and with other items, and means the same.
		if (isToolCall && !settings.buysEachCall) {
			return `submit:call:${place}:${digestOf([this.written, evenlySpaced(request)])}`;
		}
		const item = digestOfItem(itemAt(itemIndex));
		const digest = digestOf([this.written, item, isToolCall ? request : undefined]);
		return `submit:${runIndex}:${place}:${digest}`;
	}
}

const accountKey = (digest = ''): string => `account:${digest}`;

const isAsked = (value: unknown): value is RequestSummary =>
	isRecord(value) && (value.prompt === undefined || typeof value.prompt === 'string');

const isFailure = (value: unknown): value is Failure => isRecord(value) && isReason(value.reason);
