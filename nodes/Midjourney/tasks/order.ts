import type { Rectangle, Size, TaskRequest } from '../providers/Provider';
import type { Pace } from './pace';

/** How the node waits (design 5.2). */
export type WaitMode = 'auto' | 'poll' | 'callback' | 'dontWait';

/** What a user can set about waiting and results, for one item. */
export interface Settings {
	waitMode: WaitMode;
	/** From the submit on, in ms. */
	timeLimitMs: number;
	onTimeLimit: 'error' | 'returnPending';
	/** With Auto: how long to poll before the execution is parked, in ms; undefined: as suits the way it will wake. */
	patienceMs?: number;
	/** Any text of the user's: travels with the callback and comes back in the item. */
	reference?: string;
	/** The URL of a Midjourney Trigger to which callbacks go, instead of straight to the waiting execution. */
	triggerUrl?: string;
	/** How long a submit whose answer was lost is waited for, in ms; undefined: as is usual. */
	lostAnswerMs?: number;
	/** Items whose submit was certainly not taken, by who has looked it up: they may be bought again. */
	buyAgain?: readonly number[];
	/** Overrides of the pace, in ms. */
	pace: Partial<Pace>;
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
export interface Asked {
	/** As Midjourney gets it. */
	prompt?: string;
	canvas?: Size;
	imagePosition?: Rectangle;
}

/** One task that an item asks to buy. */
export interface Order {
	itemIndex: number;
	/** Which of the tasks of its item; 0 where there is one. */
	part: number;
	request: TaskRequest;
	settings: Settings;
}

/** A task to wait for, and who waits for it. */
export interface Ticket {
	itemIndex: number;
	taskId: string;
	settings: Settings;
	/** Unix ms of the submit, or of the start of waiting when the task was submitted elsewhere. */
	since: number;
	/** Unix ms: what is open then stays open. */
	deadline: number;
	pace: Pace;
	/** Present when this node bought the task; its request is the one that was sent. */
	bought?: Order;
	/** The nonce of the wait that the provider was told to call back; undefined: it was told nothing. */
	nonce?: string;
	/** What was asked for when it was bought; undefined: the same as now. */
	asked?: Asked;
}
