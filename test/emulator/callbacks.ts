/* eslint-disable @n8n/community-nodes/no-restricted-imports -- the emulator is a server of its own, not a node */
import { createHmac } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { request } from 'node:http';
import type { Clock } from './clock';
import { type JsonObject, parseUrl } from './json';
import type { CallbackDelivery, Ledger } from './ledger';
import type { Provider } from './provider';
import type { Task } from './tasks';

export interface CallbackOptions {
	/** How long a receiver may take to answer, in ms. */
	readonly deadlineMs: number;
	/** The pauses before the second, third … attempt, in ms; as many retries as there are pauses. */
	readonly retryPausesMs: readonly number[];
	/** Signs deliveries; unsigned without it. */
	readonly hmacKey?: string;
}

/**
 * What may be posted in place of the provider's own callback:
 * - `forged`: somebody else says that the task is done and names a file; unsigned
 * - `otherTask`: the same for a task that does not exist
 * - `wrongSignature`, `oldSignature`, `unsigned`: the provider's own, but signed with another key, an hour
 *   ago, or not at all
 * - `notJson`, `brokenJson`, `empty`: from the provider, but with a page, half a body or none
 * - `huge`: as `forged`, but signed, and with 5 MB of body
 */
export type OddCallback =
	| 'forged'
	| 'otherTask'
	| 'wrongSignature'
	| 'oldSignature'
	| 'unsigned'
	| 'notJson'
	| 'brokenJson'
	| 'empty'
	| 'huge';

/** How a callback is delivered on demand. */
export interface Delivery {
	/** Sent once. Unset: what the provider would post, with its retries. */
	readonly as?: OddCallback;
	/** Replaces the URL that the submit named. */
	readonly to?: string | URL;
}

/** The value of X-Webhook-Signature (wire.md: MidAPI signatures). The body is not part of what is signed. */
export function signCallback(hmacKey: string, taskId: string, unixSeconds: number): string {
	return createHmac('sha256', hmacKey).update(`${taskId}.${unixSeconds}`).digest('base64');
}

/** Delivers callbacks, as the provider does after the end of a task (wire.md: MidAPI callbacks). */
export class Callbacks {
	private readonly underWay = new Set<Promise<unknown>>();
	private readonly abort = new AbortController();

	constructor(
		private readonly options: CallbackOptions,
		private readonly clock: Clock,
		private readonly ledger: Ledger,
		private readonly providerOf: (task: Task) => Provider,
	) {
		// One listener for each delivery under way: there may be as many as tasks.
		setMaxListeners(0, this.abort.signal);
	}

	/**
	 * Delivers now, and again after a failure, until the retries are used up. Hands back how each attempt
	 * was answered.
	 */
	async deliver(task: Task, { as, to }: Delivery = {}): Promise<Array<CallbackDelivery['status']>> {
		const url = to === undefined ? task.callbackUrl : String(to);
		if (url === undefined) return [];
		const pauses = as === undefined ? this.options.retryPausesMs : [];
		const delivery = this.attempt(task, url, [0, ...pauses], as);
		this.underWay.add(delivery);
		try {
			return await delivery;
		} finally {
			this.underWay.delete(delivery);
		}
	}

	/** Resolves when no delivery is under way and none will be tried again. */
	async settled(): Promise<void> {
		while (this.underWay.size > 0) await Promise.all(this.underWay);
	}

	close(): void {
		this.abort.abort();
	}

	private async attempt(
		task: Task,
		url: string,
		pauses: readonly number[],
		as: OddCallback | undefined,
	): Promise<Array<CallbackDelivery['status']>> {
		const statuses: Array<CallbackDelivery['status']> = [];
		for (const pause of pauses) {
			if (pause > 0) await this.pause(pause);
			if (this.abort.signal.aborted) break;
			const at = this.clock.now();
			const status = isOnThisMachine(url) ? await this.post(url, this.message(task, as)) : REFUSED;
			statuses.push(status);
			const { provider, id: taskId } = task;
			this.ledger.callbacks.push({ provider, taskId, url, ...(as && { as }), status, at });
			if (status === 200 || status === REFUSED) break;
		}
		return statuses;
	}

	private async pause(ms: number): Promise<void> {
		await new Promise<void>((resolve) => {
			const { signal } = this.abort;
			const end = () => {
				callOff();
				signal.removeEventListener('abort', end);
				resolve();
			};
			const callOff = this.clock.after(ms, end);
			signal.addEventListener('abort', end);
		});
	}

	private message(task: Task, as: OddCallback | undefined): Message {
		const provider = this.providerOf(task);
		const { hmacKey } = this.options;
		const key = provider.signsCallbacks ? hmacKey : undefined;
		const now = Math.floor(this.clock.now() / 1000);
		const message = (
			body: string | JsonObject,
			signature: Headers = signed(key, task.id, now),
			type = 'application/json',
		): Message => ({
			body: typeof body === 'string' ? body : JSON.stringify(body),
			headers: { 'content-type': type, ...signature },
		});
		const forged = (taskId: string) => provider.forgedCallbackBody(taskId, FORGED_URL);
		switch (as) {
			case undefined:
				return message(provider.callbackBody(task));
			case 'forged':
				return message(forged(task.id), {});
			case 'otherTask':
				return message(forged('f'.repeat(20)), {});
			case 'wrongSignature':
				return message(provider.callbackBody(task), signed(`not ${hmacKey ?? ''}`, task.id, now));
			case 'oldSignature':
				return message(provider.callbackBody(task), signed(key, task.id, now - HOUR_S));
			case 'unsigned':
				return message(provider.callbackBody(task), {});
			case 'notJson':
				return message('<html>It is done</html>', undefined, 'text/html');
			case 'brokenJson':
				return message('{"code": 200, "data": {');
			case 'empty':
				return message('');
			case 'huge':
				return message({ ...forged(task.id), filler: 'x'.repeat(HUGE) });
		}
	}

	private async post(url: string, { body, headers }: Message): Promise<CallbackDelivery['status']> {
		return await new Promise((resolve) => {
			const outgoing = request(url, {
				method: 'POST',
				// A connection of its own, so that none stays open after a test.
				agent: false,
				signal: this.abort.signal,
				headers: { 'content-length': Buffer.byteLength(body), ...headers },
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
}

type Headers = Readonly<Record<string, string>>;

interface Message {
	readonly body: string;
	readonly headers: Headers;
}

/** Nobody listens there. */
const FORGED_URL = 'http://127.0.0.1:9/forged.png';
const HOUR_S = 3600;
/** n8n's usual limit is 16 MB. */
const HUGE = 5 * 1024 * 1024;

function signed(hmacKey: string | undefined, taskId: string, unixSeconds: number): Headers {
	if (hmacKey === undefined) return {};
	return {
		'x-webhook-timestamp': String(unixSeconds),
		'x-webhook-signature': signCallback(hmacKey, taskId, unixSeconds),
	};
}

const REFUSED = 'refused: not an http address of this machine';

/** The emulator stays on this machine, so that a test never calls a stranger. */
function isOnThisMachine(text: string): boolean {
	const url = parseUrl(text);
	return url?.protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}
