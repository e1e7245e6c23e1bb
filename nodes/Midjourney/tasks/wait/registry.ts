import type { Http } from '../../providers/http';
import type { How } from './how';
import type { Watcher } from './watcher';

/** What this process knows of a wait besides the saved state. */
export interface Known {
	watcher: Watcher;
	/** Access to the provider, so that a callback need not open the credential again. */
	http: Http;
	/** The secret of the park that this process is to wake; undefined: it is not to wake one. */
	secret?: string;
	/** How the wait proceeds, as decided when it was parked. */
	how?: How;
	/** The task id at each position, where it was known when the execution was parked. */
	taskIds?: ReadonlyArray<string | undefined>;
	/** Unix ms at which the entry is forgotten, where nothing else would remove it. A later callback starts anew. */
	expiresAt?: number;
}

/** The waits that this process knows, by their nonce. */
const waits = new Map<string, Known>();

/** What this process knows of a wait; undefined if it knows nothing. */
export const knownWait = (nonce: string): Known | undefined => waits.get(nonce);

/** Remembers a wait, and forgets those that have expired. */
export function keepWait(nonce: string, known: Known, now: number): void {
	waits.set(nonce, known);
	for (const [other, { expiresAt = Infinity }] of waits) if (expiresAt < now) forgetWait(other);
}

/** Forgets a wait that has ended or continues elsewhere, and stops its watcher. */
export function forgetWait(nonce: string): void {
	waits.get(nonce)?.watcher.stop();
	waits.delete(nonce);
}

/**
 * The secrets of the parks that this process has woken, each with its time in Unix ms. n8n takes a moment until the
 * execution runs, and n8n 1.x would run it again at every further wake.
 */
const woken = new Map<string, number>();

/** How long a wake is remembered, in ms. */
const REMEMBERED_MS = 600_000;

/** Whether this process has already woken this park. From now on it counts as woken. */
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
