import type { Rectangle, Size, TaskRequest } from '../providers/provider';
import type { PollSchedule } from './wait/schedule';

/** How the node waits (architecture.md: Wait modes). */
export type WaitMode = 'auto' | 'poll' | 'callback' | 'dontWait';

/** What a user can set about waiting and results, for one item. */
export interface Settings {
	waitMode: WaitMode;
	/** From the submit on, in ms. */
	timeLimitMs: number;
	onTimeLimit: 'error' | 'returnPending';
	/** Any text of the user's: travels with the callback and comes back in the item. */
	reference?: string;
	/** The URL of a Midjourney Trigger to which callbacks go, instead of straight to the waiting execution. */
	triggerUrl?: string;
	/** How long a submit whose answer was lost is waited for, in ms; undefined: as is usual. */
	lostAnswerMs?: number;
	/** Items whose submit was certainly not taken, by who has looked it up: they may be bought again. */
	buyAgain?: readonly number[];
	/** Where this n8n can be reached from inside, when not under the address by which it is known. */
	internalUrl?: string;
	/** Overrides of when tasks are read, in ms. */
	schedule: Partial<PollSchedule>;
	/** One item for each task, or one for each image or video. */
	outputItems: 'task' | 'output';
	/** Leave out the provider's own answer. */
	simplify: boolean;
	/** Undefined: links only. */
	download?: {
		/** Name of the binary field. */
		field: string;
		/** No file is larger, in bytes. */
		limit: number;
	};
}

/** What was made of the fields of a request; for people to check. */
export interface RequestSummary {
	/** As Midjourney gets it. */
	prompt?: string;
	canvas?: Size;
	imagePosition?: Rectangle;
	/** How pictures of the item got to the provider; absent where there are none. */
	imagesVia?: ImagesVia;
}

/** n8n serves them, or they were uploaded to the provider. */
export type ImagesVia = 'n8n' | 'upload';

/** One task that an item asks to buy. */
export interface SubmitRequest {
	itemIndex: number;
	/** Which of the tasks of its item; 0 where there is one. */
	part: number;
	request: TaskRequest;
	settings: Settings;
}
