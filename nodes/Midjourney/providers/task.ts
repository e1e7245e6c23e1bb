import type { IDataObject } from 'n8n-workflow';

import { isHttpUrl } from './json';

/** The state of a task. `pending`: accepted but not started; `running`: in progress; the other two are final. */
export type TaskStatus = 'pending' | 'running' | 'completed' | 'failed';

/** One image or video of a task. */
export interface Output {
	/** The provider's number for it, from 0: the index in Upscale, Vary and Extend. There may be gaps. */
	index: number;
	type: 'image' | 'video';
	url: string;
}

/**
 * One entry of a list of outputs; one without a usable address leaves a gap in the numbers.
 *
 * @param isVideo whether the provider calls it one; a name that ends as those of videos says so, too
 */
export function outputAt(index: number, url: string | undefined, isVideo = false): Output[] {
	if (url === undefined || !isHttpUrl(url)) return [];
	return [{ index, type: isVideo || /\.(mp4|webm|mov)(\?|$)/i.test(url) ? 'video' : 'image', url }];
}

/** One paid job at a provider, in the same form for every provider (architecture.md: Words). */
export interface Task {
	/** The name of the provider. */
	provider: string;
	taskId: string;
	/** Midjourney's own id of it, for providers whose operations on results need it (wire.md: Vtrix jobs). */
	jobId?: string;
	status: TaskStatus;
	/** The provider's own name for the state, if its documentation does not have it. */
	providerStatus?: string;
	/** Empty until the task is completed. */
	outputs: Output[];
	prompt?: string;
	/** The progress from 0 to 1, if the provider reports it. */
	progress?: number;
	/** The cost in US dollars, if the provider reports it. */
	cost?: number;
	/** The discount factor that the cost includes: 1 is the full price. */
	discount?: number;
	/** ISO 8601, if the provider reports it. */
	createdAt?: string;
	completedAt?: string;
	/** ISO 8601: when the provider deletes the files. */
	expiresAt?: string;
	/** The provider's own code and message for a failed task, and what its documentation says about the code. */
	error?: { code?: string; message: string; meaning?: string };
	/** The provider's answer, without the callback address. */
	raw: IDataObject;
}

/** Whether a task has ended and will not change anymore. */
export const isTerminal = ({ status }: Task): boolean =>
	status === 'completed' || status === 'failed';
