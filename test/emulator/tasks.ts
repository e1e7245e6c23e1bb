import type { Clock } from './clock';
import type { Random, Range } from './random';

/** What can be bought: images by their speed, and what is made from them. */
export const KINDS = [
	'imageRelaxed',
	'imageFast',
	'imageTurbo',
	'upscale',
	'vary',
	'video',
	'videoHd',
	'extend',
] as const;

/** One of them. Prices and waiting times hang on it. */
export type Kind = (typeof KINDS)[number];

/** How a task ends: successFlag 1, 2 or 3 (api-contract 1.2). */
export type Outcome = 'success' | 'failed2' | 'failed3';

/** What the emulator is asked to make. */
export interface Order {
	readonly kind: Kind;
	/** The name of the task type on the wire. */
	readonly taskType: string;
	/** Of the task itself or, for upscale, vary and extend, the one it inherits. */
	readonly prompt: string;
	/** Such as `16:9`; inherited like the prompt. */
	readonly aspectRatio: string;
	/** How many images or videos come out. */
	readonly outputs: number;
	/** The output that this one is made from. */
	readonly source?: { readonly task: Task; readonly index: number };
	/** The request as record-info and callbacks show it. */
	readonly paramJson: string;
	readonly callBackUrl?: string;
	readonly outcome: Outcome;
}

/** An order that was booked. */
export interface Task extends Order {
	readonly id: string;
	/** Unix time in ms. */
	readonly createdAt: number;
	/** Unix time in ms; unset while the task is running. */
	readonly completedAt?: number;
}

/** What the files of a kind are. */
export function fileTypeOf(kind: Kind): 'png' | 'mp4' {
	return kind === 'video' || kind === 'videoHd' || kind === 'extend' ? 'mp4' : 'png';
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
		private readonly random: Random,
		private readonly latencyMs: Readonly<Record<Kind, Range>>,
		/** Told of every task that ended, in success or not. */
		private readonly onEnd: (task: Task) => void,
	) {}

	book(order: Order): Task {
		const task: Task = { ...order, id: this.random.hex(20), createdAt: this.clock.now() };
		this.tasks.set(task.id, task);
		const latency = this.random.within(this.latencyMs[order.kind]);
		this.endings.set(
			task.id,
			this.clock.after(latency, () => this.finish(task.id)),
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

	/** Calls off all waiting; running tasks stay as they are for ever. */
	close(): void {
		for (const callOff of this.endings.values()) callOff();
		this.endings.clear();
	}
}
