import type { Clock } from './clock';
import type { JsonObject } from './json';
import type { Kind, ProviderName } from './kinds';
import type { Scene } from './pictures';

/** How a task ends: at MidAPI successFlag 1, 2 or 3, at Vtrix completed or an error in ...099 or ...098. */
export type Outcome = 'success' | 'failed2' | 'failed3';

/** A task before it is booked. */
export interface Order {
	readonly provider: ProviderName;
	readonly kind: Kind;
	/** The name of the task type or of the model on the wire. */
	readonly taskType: string;
	/** What its files are. */
	readonly media: 'png' | 'mp4';
	/** Its own prompt, or the inherited one if it is made from another task. */
	readonly prompt: string;
	/** Such as `16:9`; inherited like the prompt. */
	readonly aspectRatio: string;
	/** The number of images or videos. */
	readonly outputs: number;
	/** The output that this one is made from. */
	readonly source?: { readonly task: Task; readonly index: number };
	/** What its pictures show beside the prompt. */
	readonly scene: Scene;
	/** The request as the provider remembers it. */
	readonly request: JsonObject;
	readonly callbackUrl?: string;
	/** What it costs, in the provider's own money. */
	readonly price: number;
	/** The id of the provider's own supplier. */
	readonly jobId?: string;
	readonly outcome: Outcome;
}

/** An order that was booked. */
export interface Task extends Order {
	readonly id: string;
	/** Unix time in ms. */
	readonly createdAt: number;
	/** How long it takes unless it is ended earlier, in ms. */
	readonly latencyMs: number;
	/** Unix time in ms; unset while the task is running. */
	readonly completedAt?: number;
}

export function hasSucceeded(task: Task): boolean {
	return task.completedAt !== undefined && task.outcome === 'success';
}

/** Books tasks and ends each when its time has come. */
export class TaskStore {
	private readonly tasks = new Map<string, Task>();
	private readonly endings = new Map<string, () => void>();

	constructor(
		private readonly clock: Clock,
		/** Called for every task that ends, with or without success. */
		private readonly onEnd: (task: Task) => void,
	) {}

	book(id: string, order: Order, latencyMs: number): Task {
		const task: Task = { ...order, id, createdAt: this.clock.now(), latencyMs };
		this.tasks.set(id, task);
		this.endings.set(
			id,
			this.clock.after(latencyMs, () => this.finish(id)),
		);
		return task;
	}

	get(id: string): Task | undefined {
		return this.tasks.get(id);
	}

	/** Ends a running task at once, as it would have ended in its own time. */
	finish(id: string): void {
		const task = this.tasks.get(id);
		if (!task) throw new Error(`No task ${id}`);
		if (task.completedAt !== undefined) return;
		this.endings.get(id)?.();
		this.endings.delete(id);
		const ended = { ...task, completedAt: this.clock.now() };
		this.tasks.set(id, ended);
		this.onEnd(ended);
	}

	/** Cancels all timers; running tasks stay as they are for ever. */
	close(): void {
		for (const callOff of this.endings.values()) callOff();
		this.endings.clear();
	}
}
