/* eslint-disable @n8n/community-nodes/no-restricted-imports -- tests what guards installations, it is not a node */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { withLock } from '../n8n/lock';

/** The lock around installing and packing, which two jest workers may begin at once. */
test('work under a lock that is held waits until the lock is released', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'midjourney-lock-'));
	const lock = join(folder, 'lock');
	const done: string[] = [];
	let giveBack = () => undefined as void;
	const isTold = new Promise<void>((resolve) => (giveBack = resolve));
	await new Promise<void>((held, failed) => {
		const silent = () => undefined;
		const first = withLock(lock, silent, async () => {
			const second = withLock(lock, giveBack, async () => void done.push('second'));
			second.then(held, failed);
			await isTold;
			done.push('first');
		});
		first.catch(failed);
	});
	expect(done).toEqual(['first', 'second']);
	rmSync(folder, { recursive: true, force: true });
});
