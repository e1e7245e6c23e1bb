import type { Rectangle, Size, TaskRequest } from '../providers/provider';
import type { PollSchedule } from './wait/schedule';

/** How the node waits (architecture.md: Wait modes). */
export type WaitMode = 'auto' | 'poll' | 'callback' | 'dontWait';

/** What a user can set for waiting and for results, for one item. */
export interface Settings {
	waitMode: WaitMode;
	/** From the submit on, in ms. */
	timeLimitMs: number;
	onTimeLimit: 'error' | 'returnPending';
	/** Any text from the user: it travels with the callback and comes back in the item. */
	reference?: string;
	/** The URL of a Midjourney Trigger that gets the callbacks, instead of the waiting execution itself. */
	triggerUrl?: string;
	/** How long to wait for the callback of a submit whose answer was lost, in ms; undefined: the default. */
	lostAnswerMs?: number;
	/** Items that may be bought again, because the user has found out that their submit was not accepted. */
	buyAgain?: readonly number[];
	/** In an agent's tool: a call buys even if an earlier one of the execution asked for the same. */
	buysEachCall?: boolean;
	/** The most tasks that one run of the node may buy; undefined: no limit. */
	maxTasks?: number;
	/** The base URL at which this n8n can be reached from inside, where that is not its public one. */
	internalUrl?: string;
	/** Overrides of when tasks are read, in ms. */
	schedule: Partial<PollSchedule>;
	/** One item per task, or one per image or video. */
	outputItems: 'task' | 'output';
	/** Whether to leave out the provider's own answer. */
	simplify: boolean;
	/** Undefined: links only. */
	download?: {
		/** Name of the binary field. */
		field: string;
		/** The largest size of a file, in bytes. */
		limit: number;
	};
}

/** What items show of a request, so that people can check what became of their fields. */
export interface RequestSummary {
	/** As it is sent to Midjourney. */
	prompt?: string;
	canvas?: Size;
	imagePosition?: Rectangle;
	/** How pictures of the item got to the provider; absent where there are none. */
	imagesVia?: ImagesVia;
	/** In which of the documented forms it was sent, where that is not the usual one. */
	requestForm?: string;
}

/** n8n serves them, or they were uploaded to the provider. */
export type ImagesVia = 'n8n' | 'upload';

/** One task that an item asks to buy. */
export interface SubmitRequest {
	itemIndex: number;
	/** The number of the task within its item; 0 where there is only one. */
	part: number;
	request: TaskRequest;
	settings: Settings;
}
