/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a real n8n, it is not a node */
import { setTimeout as pause } from 'node:timers/promises';

import { isObject } from './json';

/** The default time limit in ms: nothing takes longer unless it is broken. */
export const PATIENCE_MS = 30_000;

/** Polls `look` until `isRight` accepts its value. Throws an Error with `what` and the last value at the time limit. */
export async function until<T>(
	what: string,
	look: () => Promise<T> | T,
	isRight: (seen: T) => boolean,
	timeoutMs = PATIENCE_MS,
): Promise<T> {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		const seen = await look();
		if (isRight(seen)) return seen;
		if (Date.now() > deadline) {
			const shown = isObject(seen) && 'status' in seen ? seen.status : seen;
			throw new Error(`Waited ${timeoutMs / 1000} s in vain until ${what}: ${String(shown)}`);
		}
		await pause(100);
	}
}
