/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- packs the package, it is not a node */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { withLock } from './lock';
import { npm } from './npm';

/** The root of this repository. */
export const ROOT = join(__dirname, '..', '..');

/** A build empties the folder that another process may be packing. */
const LOCK = join(
	tmpdir(),
	`n8n-midjourney-dist-${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}`,
);
const alone = async (args: string[]) =>
	await withLock(
		LOCK,
		() => undefined,
		async () => void (await npm({ args, cwd: ROOT })),
	);

/** Rebuilds `dist`: compiled code, icons, schemas. */
export async function buildPackage(): Promise<void> {
	await alone(['run', 'build']);
}

/** Packs the built package as it would be published, into `folder` (an existing, empty one); gives the tarball's path. */
export async function packPackage(folder: string): Promise<string> {
	await alone(['pack', '--pack-destination', folder, '--ignore-scripts']);
	const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
	if (tarball === undefined) throw new Error(`npm pack left no tarball in ${folder}`);
	return join(folder, tarball);
}
