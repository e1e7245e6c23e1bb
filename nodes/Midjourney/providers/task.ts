import type { IDataObject } from 'n8n-workflow';

/** Where a task stands. `pending`: accepted, not yet seen; `running`: at work; the other two never change again. */
export type TaskStatus = 'pending' | 'running' | 'completed' | 'failed';

/** One image or video of a task. */
export interface Output {
	/** The provider's number of it, from 0: what Upscale, Vary and Extend call the index. There may be gaps. */
	index: number;
	type: 'image' | 'video';
	url: string;
}

/** One paid job at a provider, as every provider hands it back (architecture.md: Words). */
export interface Task {
	/** The name of the provider. */
	provider: string;
	taskId: string;
	/** Midjourney's own id of it, for providers whose operations on results want that (wire.md: Vtrix jobs). */
	jobId?: string;
	status: TaskStatus;
	/** The provider's own word for the state, where its documentation does not know it. */
	providerStatus?: string;
	/** Empty until the task is completed. */
	outputs: Output[];
	prompt?: string;
	/** How much is done, from 0 to 1, when the provider says so. */
	progress?: number;
	/** What it cost, in US dollars, when the provider says so. */
	cost?: number;
	/** The factor on the price that is contained in the cost: 1 is the full price. */
	discount?: number;
	/** ISO 8601, when the provider says so. */
	createdAt?: string;
	completedAt?: string;
	/** ISO 8601: from then on the provider no longer keeps the files. */
	expiresAt?: string;
	/** The provider's own code and words for a failed task, and what its documentation says of the code. */
	error?: { code?: string; message: string; meaning?: string };
	/** The provider's answer, without the address that it was to call back. */
	raw: IDataObject;
}

/** Whether nothing will change any more. */
export const isTerminal = ({ status }: Task): boolean =>
	status === 'completed' || status === 'failed';
