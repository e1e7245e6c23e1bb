/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/require-node-api-error -- guards installations, it is not a node */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { isObject } from './json';

/** The holder touches its lock this often to show that it is alive. */
const HEARTBEAT_MS = 5_000;
/** A lock that was not touched for this long has lost its holder (killed, powered off). */
const STALE_MS = 45_000;
const LOOK_AGAIN_MS = 1_000;

/**
 * Runs `work` while no other process of this user runs work under the same lock `folder`.
 * Waits for as long as a living process holds it; a lock whose holder is gone is taken over.
 */
export async function withLock(
	folder: string,
	log: (line: string) => void,
	work: () => Promise<void>,
): Promise<void> {
	const token = randomUUID();
	const owner = join(folder, 'owner');
	let told = false;
	while (!(await take(folder))) {
		if (await isStale(folder)) {
			await clearAway(folder);
			continue;
		}
		if (!told) log(`Another process is installing (${folder} says so); waiting for it …`);
		told = true;
		await pause(LOOK_AGAIN_MS);
	}
	await writeFile(owner, token);
	const heartbeat = setInterval(() => {
		const now = new Date();
		void utimes(folder, now, now).catch(() => undefined);
	}, HEARTBEAT_MS);
	try {
		await work();
	} finally {
		clearInterval(heartbeat);
		// Only our own: it may have been taken over while this machine slept.
		if ((await readFile(owner, 'utf8').catch(() => '')) === token) {
			await rm(folder, { recursive: true, force: true });
		}
	}
}

async function take(folder: string): Promise<boolean> {
	try {
		await mkdir(folder);
		return true;
	} catch (error) {
		// Not `instanceof Error`: in jest, Node's Error is another class than that of the tests.
		if (isObject(error) && error.code === 'EEXIST') return false;
		throw error;
	}
}

/**
 * Removes a stale lock. It is renamed first, which succeeds for one process alone. If another waiter was faster and the
 * renamed lock is its new one, it is put back.
 */
async function clearAway(folder: string): Promise<void> {
	const aside = `${folder}.${randomUUID()}`;
	const moved = await rename(folder, aside).then(
		() => true,
		() => false,
	);
	if (!moved) return;
	if (await isStale(aside)) await rm(aside, { recursive: true, force: true });
	else await rename(aside, folder);
}

async function isStale(folder: string): Promise<boolean> {
	const found = await stat(folder).catch(() => undefined);
	return found !== undefined && Date.now() - found.mtimeMs > STALE_MS;
}
