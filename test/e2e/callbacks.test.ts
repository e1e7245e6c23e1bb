/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- drives a real n8n, it is not a node */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CURRENT_N8N, installN8n, OLDER_N8N } from '../n8n/install';
import { packPackage } from '../n8n/pack';
import { testParkedExecutions } from '../n8n/scenarios';
import { startN8n } from '../n8n/server';

const STAGES = [
	{ version: CURRENT_N8N, abilities: { signsResumeUrls: true } },
	{ version: OLDER_N8N, abilities: { signsResumeUrls: false } },
];

describe.each(STAGES)('n8n $version', ({ version, abilities }) => {
	let folder: string;

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'midjourney-pack-'));
	});

	afterAll(async () => await rm(folder, { recursive: true, force: true }));

	testParkedExecutions({
		name: `n8n ${version}`,
		abilities,
		start: async () => {
			const tarball = await packPackage(folder);
			const installation = await installN8n(version, (line) =>
				process.stderr.write(`    ${line}\n`),
			);
			return await startN8n({ installation, tarball });
		},
	});
});
