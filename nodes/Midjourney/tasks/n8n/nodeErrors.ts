import { NodeApiError, NodeOperationError, type INode } from 'n8n-workflow';

import {
	AMBIGUOUS_SUBMIT,
	wordingOf,
	wordingOfAmbiguous,
	wordingOfFailed,
	type Wording,
} from '../../providers/errors';
import type { Failure } from '../../providers/http';
import type { Provider } from '../../providers/provider';
import type { Task } from '../../providers/task';
import type { DownloadFailure } from '../files/fileStream';

/** An error that n8n shows, and routes by On Error. Every one names its item, and its task if it has one. */
export type NodeProblem = NodeApiError | NodeOperationError;

/** The message of something that was thrown. */
export const wordsOf = (thrown: unknown): string =>
	thrown instanceof Error ? thrown.message : String(thrown);

/** Names an item as n8n does, counting from 0. */
const at = (itemIndex: number): string => `[item ${itemIndex}]`;

/** An error about one item, which it names: mostly about its input. */
export function inputError(
	node: INode,
	itemIndex: number,
	message: string,
	description?: string,
): NodeOperationError {
	return new NodeOperationError(node, `${message} ${at(itemIndex)}`, { itemIndex, description });
}

/** Makes n8n's errors from failures, in the words of the provider. */
export class ProblemWriter {
	constructor(
		private readonly node: INode,
		private readonly provider: Provider,
	) {}

	/** A free request was not answered. */
	ofQuestion(failure: Failure, itemIndex: number): NodeApiError {
		return this.write(wordingOf(failure, this.name), itemIndex, failure);
	}

	/**
	 * A submit was refused, or it is not known whether it was accepted.
	 *
	 * @param failure undefined: it was not sent because of another item's problem, or (ambiguous) an earlier try
	 * has left no answer
	 */
	ofSubmit(failure: Failure | undefined, ambiguous: boolean, itemIndex: number): NodeProblem {
		if (!ambiguous) {
			return failure
				? this.write(wordingOf(failure, this.name, { of: 'submit' }), itemIndex, failure)
				: this.ofItem(
						itemIndex,
						'Not submitted, because another submit was refused before',
						'Nothing was bought for this item.',
					);
		}
		return failure
			? this.write(wordingOfAmbiguous(failure, this.name), itemIndex, failure, 'after the submit')
			: this.ofItem(
					itemIndex,
					'An earlier try may have submitted this item already',
					AMBIGUOUS_SUBMIT(this.name),
				);
	}

	/** The provider says that the task has failed. */
	ofFailedTask(task: Task, itemIndex: number): NodeApiError {
		const { taskId, error = {} } = task;
		return this.write(wordingOfFailed(task, this.name), itemIndex, error, `task ${taskId}`);
	}

	/** The task was bought with another credential, and this one does not know it. */
	ofOtherAccount(taskId: string, account: string, itemIndex: number): NodeOperationError {
		return this.ofItem(
			itemIndex,
			`${this.name} does not know task ${taskId} with this API key: it was bought with the credential ${account}`,
			'The task is paid, and nothing was submitted again. Select that credential again and retry this execution, or use it in Task → Wait with this task ID.',
		);
	}

	/** A task that was paid for, or submitted elsewhere, cannot be read. */
	ofLostTask(failure: Failure, taskId: string, itemIndex: number): NodeApiError {
		const wording = wordingOf(failure, this.name, { of: 'task', taskId });
		return this.write(wording, itemIndex, failure, `task ${taskId}`);
	}

	/** The time limit was reached while the task was open. */
	ofTimeLimit(
		taskId: string,
		limitMs: number,
		failure: Failure | undefined,
		itemIndex: number,
	): NodeOperationError {
		const last = failure ? ` The last read failed: ${wordingOf(failure, this.name).what}.` : '';
		return this.ofItem(
			itemIndex,
			`Time limit of ${minutes(limitMs)} reached, task ${taskId} is still open`,
			`It continues at ${this.name}, and it is paid: do not submit it again. Task → Wait with this task ID continues to wait for it. For other tasks, raise Time Limit in Wait Options, or set On Time Limit to Return Pending.${last}`,
		);
	}

	/** The task is completed, but these outputs could not be downloaded: by now, the provider may not have them. */
	ofDownload(
		{ words, code, transient }: DownloadFailure,
		{ taskId, expiresAt }: Task,
		indexes: readonly number[],
		{ itemIndex, now }: { itemIndex: number; now: number },
	): NodeApiError {
		const outputs = `Output${indexes.length === 1 ? '' : 's'} ${indexes.join(', ')}`;
		const isExpired = !transient && expiresAt !== undefined && Date.parse(expiresAt) <= now;
		const remedies = isExpired
			? [
					`The task is completed and paid, but ${this.name} kept its files until ${expiresAt} only: no other operation returns them any more. Use Download Files to store files when they come.`,
				]
			: [
					'The task is completed and paid: do not submit it again. Task → Wait with this task ID returns its links and its files, at no cost.',
					this.provider.downloadUrl &&
						'File → Get Download URL creates a new link to a file that the provider still has.',
				];
		const what = `${outputs} of task ${taskId} could not be downloaded: ${words}`;
		return this.write({ what, remedy: remedies.filter(Boolean).join(' ') }, itemIndex, { code });
	}

	/** The provider says that the task is completed, but lists no output. */
	ofNoOutputs(taskId: string, itemIndex: number): NodeOperationError {
		return this.ofItem(
			itemIndex,
			`Task ${taskId} is completed, but ${this.name} lists no image or video for it`,
			`It is paid: do not submit it again. Task → Get with this task ID shows what ${this.name} says about it, at no cost; ask their support for the files.`,
		);
	}

	/** An error that was written and saved before: its message already names item and task. */
	again(saved: { message: string; description?: string }, itemIndex: number): NodeOperationError {
		const { message, description } = saved;
		return new NodeOperationError(this.node, message, { itemIndex, description });
	}

	private get name(): string {
		return this.provider.displayName;
	}

	private ofItem(itemIndex: number, message: string, description: string): NodeOperationError {
		return inputError(this.node, itemIndex, message, description);
	}

	private write(
		{ what, remedy, cause }: Wording,
		itemIndex: number,
		{ code, retryAfterMs }: Pick<Failure, 'code' | 'retryAfterMs'>,
		about?: string,
	): NodeApiError {
		const message = `${what}${about ? `, ${about}` : ''} ${at(itemIndex)}`;
		const error = new NodeApiError(
			this.node,
			{},
			{
				message,
				description: remedy,
				httpCode: code,
				itemIndex,
				failure: cause && n8nFailure(cause, retryAfterMs),
			},
		);
		// NodeApiError replaces a message that contains something like a system error code with a stock text.
		error.message = message;
		return error;
	}
}

function n8nFailure(
	cause: NonNullable<ReturnType<typeof wordingOf>['cause']>,
	retryAfterMs: number | undefined,
): NodeApiError['failure'] {
	switch (cause) {
		case 'rate-limited':
		case 'quota-exhausted':
		case 'temporarily-unavailable':
			return { cause, retryAfterMs };
		default:
			return { cause };
	}
}

const minutes = (ms: number): string =>
	ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 6000) / 10} min`;
