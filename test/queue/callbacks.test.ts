/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- drives a real n8n, it is not a node */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CURRENT_N8N, installN8n } from '../n8n/install';
import { packPackage } from '../n8n/pack';
import { startQueueN8n } from '../n8n/queue';
import { testParkedExecutions } from '../n8n/scenarios';

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'midjourney-pack-'));
});

afterAll(async () => await rm(folder, { recursive: true, force: true }));

testParkedExecutions({
	name: `n8n ${CURRENT_N8N} in queue mode`,
	abilities: { signsResumeUrls: true },
	start: async () => {
		const tarball = await packPackage(folder);
		const installation = await installN8n(CURRENT_N8N, (line) =>
			process.stderr.write(`    ${line}\n`),
		);
		return await startQueueN8n({ installation, tarball });
	},
});
