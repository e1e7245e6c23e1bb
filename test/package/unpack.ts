/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-dangerous-functions -- unpacks what npm packs, it is not a node */
import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';

import { packPackage } from '../n8n/pack';

/** Packs the built package into an empty folder and unpacks it there, as n8n's own scanner does. */
export async function unpackedPackage(
	folder: string,
): Promise<{ tarball: string; contents: string }> {
	const tarball = await packPackage(folder);
	// By its name alone: some versions of tar take the colon of C:\ for a host.
	execFileSync('tar', ['-xzf', basename(tarball)], { cwd: folder });
	return { tarball, contents: join(folder, 'package') };
}
