/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- packs the package, it is not a node */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { npm } from './npm';

/** The root of this repository. */
export const ROOT = join(__dirname, '..', '..');

/** Empties and fills `dist`: compiled code, icons, schemas. */
export async function buildPackage(): Promise<void> {
	await npm({ args: ['run', 'build'], cwd: ROOT });
}

/** Packs the built package as it would be published, into `folder` (an existing, empty one); gives the tarball's path. */
export async function packPackage(folder: string): Promise<string> {
	await npm({ args: ['pack', '--pack-destination', folder, '--ignore-scripts'], cwd: ROOT });
	const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
	if (tarball === undefined) throw new Error(`npm pack left no tarball in ${folder}`);
	return join(folder, tarball);
}
