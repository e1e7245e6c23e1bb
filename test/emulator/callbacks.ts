/* eslint-disable @n8n/community-nodes/no-restricted-imports -- the emulator is a server of its own, not a node */
import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import type { Clock } from './clock';
import { parseUrl } from './json';
import type { CallbackDelivery, Ledger } from './ledger';
import { hasSucceeded, type Task } from './tasks';

export interface CallbackOptions {
	/** How long a receiver may take to answer, in ms. */
	readonly deadlineMs: number;
	/** The pauses before the second, third … attempt, in ms; as many retries as there are pauses. */
	readonly retryPausesMs: readonly number[];
	/** Signs deliveries; unsigned without it. */
	readonly hmacKey?: string;
}

/** The value of X-Webhook-Signature (api-contract 1.10). The body is not part of what is signed. */
export function signCallback(hmacKey: string, taskId: string, unixSeconds: number): string {
	return createHmac('sha256', hmacKey).update(`${taskId}.${unixSeconds}`).digest('base64');
}

/** Delivers callbacks, as the provider does after the end of a task (api-contract 1.9). */
export class Callbacks {
	private readonly underWay = new Set<Promise<void>>();
	private readonly abort = new AbortController();

	constructor(
		private readonly options: CallbackOptions,
		private readonly clock: Clock,
		private readonly ledger: Ledger,
		private readonly resultUrlsOf: (task: Task) => string[],
	) {}

	/** Delivers now, and again after a failure, until the retries are used up. */
	async deliver(task: Task): Promise<void> {
		if (task.callBackUrl === undefined) return;
		const delivery = this.deliverWithRetries(task, task.callBackUrl);
		this.underWay.add(delivery);
		await delivery;
		this.underWay.delete(delivery);
	}

	/** Resolves when no delivery is under way and none will be tried again. */
	async settled(): Promise<void> {
		while (this.underWay.size > 0) await Promise.all(this.underWay);
	}

	close(): void {
		this.abort.abort();
	}

	private async deliverWithRetries(task: Task, url: string): Promise<void> {
		for (const pause of [0, ...this.options.retryPausesMs]) {
			if (pause > 0) await this.pause(pause);
			if (this.abort.signal.aborted) return;
			const at = this.clock.now();
			const status = isOnThisMachine(url) ? await this.post(task, url) : REFUSED;
			this.ledger.callbacks.push({ taskId: task.id, url, status, at });
			if (status === 200 || status === REFUSED) return;
		}
	}

	private async pause(ms: number): Promise<void> {
		await new Promise<void>((resolve) => {
			const callOff = this.clock.after(ms, resolve);
			this.abort.signal.addEventListener('abort', () => {
				callOff();
				resolve();
			});
		});
	}

	private async post(task: Task, url: string): Promise<CallbackDelivery['status']> {
		const body = JSON.stringify(callbackBody(task, this.resultUrlsOf(task)));
		return await new Promise((resolve) => {
			const outgoing = request(url, {
				method: 'POST',
				// A connection of its own: none is left open behind a test.
				agent: false,
				signal: this.abort.signal,
				headers: {
					'content-type': 'application/json',
					'content-length': Buffer.byteLength(body),
					...this.signature(task.id),
				},
			});
			const callOff = this.clock.after(this.options.deadlineMs, () => {
				resolve('timeout');
				outgoing.destroy();
			});
			outgoing.on('response', (response) => {
				response.resume();
				callOff();
				resolve(response.statusCode ?? 0);
			});
			outgoing.on('error', () => {
				callOff();
				resolve('unreachable');
			});
			outgoing.end(body);
		});
	}

	private signature(taskId: string): Record<string, string> {
		const { hmacKey } = this.options;
		if (hmacKey === undefined) return {};
		const seconds = Math.floor(this.clock.now() / 1000);
		return {
			'x-webhook-timestamp': String(seconds),
			'x-webhook-signature': signCallback(hmacKey, taskId, seconds),
		};
	}
}

const REFUSED = 'refused: not an http address of this machine';

/** The emulator stays on this machine, so that a test never calls a stranger. */
function isOnThisMachine(text: string): boolean {
	const url = parseUrl(text);
	return url?.protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

/** A task still running gives the acknowledgement that third parties report: the id and the request, no result. */
function callbackBody(task: Task, resultUrls: string[]): unknown {
	const about = { taskId: task.id, promptJson: task.paramJson };
	if (task.completedAt === undefined) return { code: 200, msg: 'success', data: about };
	return hasSucceeded(task)
		? { code: 200, msg: 'success', data: { ...about, resultUrls } }
		: { code: 500, msg: 'generation failed', data: { ...about, resultUrls: [] } };
}
