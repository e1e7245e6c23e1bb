import type { IExecuteFunctions, INodeExecutionData, IWebhookFunctions } from 'n8n-workflow';

import { text } from '../../providers/json';
import type { Task } from '../../providers/task';
import { wordsOf } from '../n8n/nodeErrors';

/**
 * A task starts a workflow once. A repeated start that this process knows is refused before it makes an execution. The
 * others are found by n8n's own memory of processed items, in the database, which outlasts restarts and is available
 * only in `execute()`. This is exact in one process. Two processes that ask at the same moment may both start: at least
 * once is better than never.
 */

/** The field of the items by which the nodes behind can tell a repeated start. */
export const KEY_FIELD = 'deduplicationKey';

/** Identifies one end of one task. */
export const keyOf = ({ taskId, status }: Task): string => `${taskId}:${status}`;

/** How long n8n has to begin a start, in ms. One that has not begun by then never will, and may be repeated. */
const CLAIMED_MS = 30_000;

/** How many entries a process remembers for each Trigger; n8n's memory holds more. */
const REMEMBERED = 5_000;

/** How many ends of tasks n8n remembers for each Trigger, each with the execution that it has started. */
const REMEMBERED_BY_N8N = 10_000;

/** What this process knows of the starts of one Trigger. */
export class Starts {
	/** Until when each is held back, in Unix ms; oldest first. Infinity: it has started. */
	private readonly heldUntil = new Map<string, number>();

	/** The task that each submit has led to. */
	private readonly tasks = new Map<string, string>();

	/**
	 * Whether this end may start an execution. If so, it may not do so again for a while. Synchronous, so nothing can
	 * come in between.
	 */
	claim(key: string, now: number): boolean {
		if ((this.heldUntil.get(key) ?? -Infinity) > now) return false;
		keep(this.heldUntil, key, now + CLAIMED_MS);
		return true;
	}

	/** Records that it has started, now or before. */
	confirm(key: string): void {
		keep(this.heldUntil, key, Infinity);
	}

	/** Whether this submit led to this task: to the first one that its address has reported, and to no other. */
	isOfSubmit(submit: string, taskId: string): boolean {
		if (!this.tasks.has(submit)) keep(this.tasks, submit, taskId);
		return this.tasks.get(submit) === taskId;
	}
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
	map.delete(key);
	map.set(key, value);
	const [oldest] = map.keys();
	if (map.size > REMEMBERED && oldest !== undefined) map.delete(oldest);
}

const startsByTrigger = new Map<string, Starts>();

/** The name that tells a Trigger from all others. */
export const triggerOf = (context: IWebhookFunctions | IExecuteFunctions): string =>
	`${context.getWorkflow().id} ${context.getNode().id}`;

/** What this process knows of the starts of a Trigger, by `triggerOf`. */
export function startsOf(trigger: string): Starts {
	const starts = startsByTrigger.get(trigger) ?? new Starts();
	startsByTrigger.set(trigger, starts);
	return starts;
}

/**
 * The checks that are running or queued, the last of each Trigger. They run in turn, because n8n's memory forgets what
 * comes at the same moment.
 */
const turns = new Map<string, Promise<unknown>>();

async function inTurn<T>(trigger: string, work: () => Promise<T>): Promise<T> {
	const before = turns.get(trigger) ?? Promise.resolve();
	const turn = before.then(work, work);
	turns.set(trigger, turn);
	try {
		return await turn;
	} finally {
		if (turns.get(trigger) === turn) turns.delete(trigger);
	}
}

/**
 * The items with which a workflow starts: those that n8n was given, without those that have started another execution
 * before. Retries and tests are never held back, and nothing is when n8n's memory fails.
 */
export async function firstStarts(
	context: IExecuteFunctions,
	starts: Starts,
	trigger: string,
): Promise<INodeExecutionData[]> {
	const items = context.getInputData();
	const mode = context.getMode();
	if (mode === 'retry' || mode === 'manual') return items;
	const keyIn = ({ json }: INodeExecutionData) => text(json[KEY_FIELD]);
	const keys = [...new Set(items.flatMap((item) => keyIn(item) ?? []))];
	if (keys.length === 0) return items;
	for (const key of keys) starts.confirm(key);
	// Retry On Fail runs an execution again, and so does the queue of n8n 1.x after a worker has died. Neither is a
	// repeated start.
	const ownOf = (key: string) => `${key} ${context.getExecutionId()}`;
	try {
		const seen = await inTurn(
			trigger,
			async () =>
				await context.helpers.checkProcessedAndRecord(
					keys.flatMap((key) => [key, ownOf(key)]),
					'node',
					{ mode: 'entries', maxEntries: 2 * REMEMBERED_BY_N8N },
				),
		);
		const known = new Set(seen.processed.map(String));
		const isRepeated = (key: string) => known.has(key) && !known.has(ownOf(key));
		return items.filter((item) => !isRepeated(keyIn(item) ?? ''));
	} catch (error) {
		context.logger.warn(
			`Midjourney Trigger cannot tell whether ${keys.join(', ')} has started this workflow before, and starts it: ${wordsOf(error)}`,
		);
		return items;
	}
}
