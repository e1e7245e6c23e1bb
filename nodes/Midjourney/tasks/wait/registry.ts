import type { Http } from '../../providers/http';
import type { How } from './how';
import type { Watcher } from './watcher';

/** What this process knows of a wait besides what is saved. */
export interface Known {
	watcher: Watcher;
	/** The way to the provider: a call need not open the credential once more. */
	http: Http;
	/** The secret of the park that this process is to wake; undefined: somebody else is. */
	secret?: string;
	/** How the wait goes on, as found out when it was parked. */
	how?: How;
	/** The task at each position, where it has one and it was known when the execution was parked. */
	taskIds?: ReadonlyArray<string | undefined>;
	/** Unix ms: forgotten then, where nobody is left who would; a later call begins anew. */
	expiresAt?: number;
}

/** The waits that this process watches, by their nonce. */
const waits = new Map<string, Known>();

/** What is known of a wait; undefined when this process has not heard of it. */
export const knownWait = (nonce: string): Known | undefined => waits.get(nonce);

/**
 * Knows a wait from now on.
 *
 * @param now Unix ms
 */
export function keepWait(nonce: string, known: Known, now: number): void {
	waits.set(nonce, known);
	for (const [other, { expiresAt = Infinity }] of waits) if (expiresAt < now) forgetWait(other);
}

/** The wait has ended, or goes on elsewhere. */
export function forgetWait(nonce: string): void {
	waits.get(nonce)?.watcher.stop();
	waits.delete(nonce);
}

/**
 * The secrets of parks that this process has woken, with the Unix ms: n8n needs a moment until the execution runs, and
 * n8n 1.x would run it again at every further wake.
 */
const woken = new Map<string, number>();

const REMEMBERED_MS = 600_000;

/** Whether this process has woken this park before; from now on it has. */
export function wakesAgain(secret: string, now: number): boolean {
	for (const [known, at] of woken) {
		if (now - at < REMEMBERED_MS) break;
		woken.delete(known);
	}
	if (woken.has(secret)) return true;
	woken.set(secret, now);
	return false;
}

/** Whether this process has woken this park. */
export const hasWoken = (secret: string): boolean => woken.has(secret);
