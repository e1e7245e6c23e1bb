import type { IDataObject } from 'n8n-workflow';

/** The providers that this package speaks to; also the value of the node's first parameter. */
export type ProviderName = 'midApi';

/** Where a task stands. `pending`: accepted, not yet seen; `running`: at work; the other two never change again. */
export type TaskStatus = 'pending' | 'running' | 'completed' | 'failed';

/** One image or video of a task. */
export interface Output {
	/** Position in the task, from 0: what Upscale, Vary and Extend call the index. */
	index: number;
	type: 'image' | 'video';
	url: string;
}

/** One paid job at a provider, as every provider hands it back (design section 2). */
export interface Task {
	provider: ProviderName;
	taskId: string;
	status: TaskStatus;
	/** Empty until the task is completed. */
	outputs: Output[];
	prompt?: string;
	/** ISO 8601, when the provider says so. */
	createdAt?: string;
	completedAt?: string;
	/** ISO 8601: from then on the provider no longer keeps the files. */
	expiresAt?: string;
	/** The provider's own code and words for a failed task. */
	error?: { code?: string; message: string };
	/** The provider's answer, untouched. */
	raw: IDataObject;
}

/** Whether nothing will change any more. */
export const isTerminal = ({ status }: Task): boolean =>
	status === 'completed' || status === 'failed';
