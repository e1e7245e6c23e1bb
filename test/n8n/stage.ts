/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- starts servers, it is not a node */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { N8nClient } from './client';
import { installN8n, type N8nInstallation } from './install';
import { packPackage } from './pack';
import { type RegularN8n, startN8n } from './server';

/** Installing n8n, if it is not in the cache, starting it and signing in may take this long, in ms. */
export const START_TIMEOUT_MS = 20 * 60_000;

/** Writes a line among the results of the tests. */
export const say = (line: string): void => void process.stderr.write(`    ${line}\n`);

/** Calls `start` with this version of n8n and the package, packed as it would be published; gives its value. */
export async function withPackage<T>(
	version: string,
	start: (ready: { installation: N8nInstallation; tarball: string }) => Promise<T>,
): Promise<T> {
	const folder = await mkdtemp(join(tmpdir(), 'midjourney-pack-'));
	try {
		const tarball = await packPackage(folder);
		const begin = Date.now();
		const installation = await installN8n(version, say);
		const seconds = ((Date.now() - begin) / 1000).toFixed(1);
		say(`n8n ${version}: installed after ${seconds} s, Node ${installation.nodeVersion}`);
		return await start({ installation, tarball });
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** A client that has created the owner of a fresh n8n. */
export async function signUp(url: string): Promise<N8nClient> {
	const client = new N8nClient(url);
	await client.setUpOwner({ email: 'owner@example.com', password: 'Correct-horse-1' });
	return client;
}

/** A real n8n of this version with the package installed, and a client of it. */
export async function startStage(
	version: string,
	env?: Record<string, string>,
): Promise<{ n8n: RegularN8n; client: N8nClient }> {
	const n8n = await withPackage(version, async (ready) => await startN8n({ ...ready, env }));
	say(`n8n ${version}: ready after ${(n8n.startedInMs / 1000).toFixed(1)} s`);
	return { n8n, client: await signUp(n8n.url) };
}
