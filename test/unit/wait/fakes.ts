import type { IDataObject } from 'n8n-workflow';

import type { Result, Failure, Http } from '../../../nodes/Midjourney/providers/http';
import type { Task, TaskStatus } from '../../../nodes/Midjourney/providers/task';
import type { ExecutionClock } from '../../../nodes/Midjourney/tasks/n8n/clock';
import { Memory } from '../../../nodes/Midjourney/tasks/submit/memory';
import type { Settings } from '../../../nodes/Midjourney/tasks/settings';
import { Forms } from '../../../nodes/Midjourney/tasks/wait/forms';
import { Limiter, type Account } from '../../../nodes/Midjourney/tasks/wait/limiter';
import { FakeClock } from '../fakeClock';

/** How often the time may be read: code that loops without sleeping would hang the tests. */
const ENOUGH = 200_000;

/** A fake clock whose execution can be cancelled, and which throws when code loops without sleeping. */
export class WaitClock extends FakeClock implements ExecutionClock {
	private asked = 0;

	private isCancelled = false;

	private readonly waiting = new Set<() => void>();

	override now = () => {
		if (++this.asked > ENOUGH) throw new Error('Goes round and round without sleeping');
		return this.time;
	};

	/** The user stops the execution. */
	cancel() {
		this.isCancelled = true;
		for (const give of this.waiting) give();
	}

	override orCancelled = async <T>(work: () => Promise<T>, graceMs = 0): Promise<T> => {
		const refuse = () => new Error('The execution was cancelled');
		if (this.isCancelled) throw refuse();
		let give = () => {};
		const cancelled = new Promise<void>((resolve) => (give = resolve)).then(
			async (): Promise<never> => {
				if (graceMs > 0) await this.sleep(graceMs);
				throw refuse();
			},
		);
		this.waiting.add(give);
		try {
			return await Promise.race([cancelled, work()]);
		} finally {
			this.waiting.delete(give);
		}
	};

	/** Advances the time by so many ms and runs everything due in them. */
	async pass(ms: number) {
		await this.until(this.sleep(ms));
		await settled();
	}
}

/** Resolves when everything that needs no time has happened. */
export async function settled() {
	for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

export const NO_HTTP: Http = {
	baseUrl: 'https://api.example.com',
	callbackKey: 'key',
	webhookSecrets: [],
	account: 'scripted account',
	send: async () => {
		throw new Error('Nothing goes over a wire here');
	},
};

export const SETTINGS: Settings = {
	waitMode: 'auto',
	timeLimitMs: 600_000,
	onTimeLimit: 'error',
	schedule: {},
	outputItems: 'task',
	simplify: true,
};

export const task = (status: TaskStatus, taskId = 't1'): Task => ({
	provider: 'scripted',
	taskId,
	status,
	outputs:
		status === 'completed' ? [{ index: 0, type: 'image', url: 'https://example.com/0.png' }] : [],
	raw: {},
});

export const found = (status: TaskStatus, taskId = 't1'): Result<Task> => ({
	ok: true,
	value: task(status, taskId),
});

export const failing = (
	reason: Failure['reason'],
	more: Partial<Failure> = {},
): { ok: false; failure: Failure } => ({
	ok: false,
	failure: { reason, accepted: 'no', transient: true, ...more },
});

export const never = async () => await new Promise<never>(() => {});

/** The id of the execution that most of these tests are about. */
export const EXECUTION = '7';

/** The memory of an execution, over the node context that n8n keeps. */
export const memoryOver = (store: IDataObject, executionId = EXECUTION) =>
	new Memory(store, {
		executionId,
		runIndex: 0,
		written: {},
		itemAt: () => ({ json: {} }),
		account: { id: '1', name: 'Scripted' },
		isToolCall: false,
	});

export const newAccount = (clock: FakeClock, reads = 32, submits = 5): Account => ({
	reads: new Limiter(reads, clock),
	submits: new Limiter(submits, clock),
	forms: new Forms(clock),
	watched: 0,
});
