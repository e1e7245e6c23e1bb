/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- drives a real n8n, it is not a node */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import { N8nClient } from '../n8n/client';
import { CURRENT_N8N, installN8n } from '../n8n/install';
import { inspectMedia } from '../n8n/media';
import { packPackage } from '../n8n/pack';
import { type QueueN8n, startQueueN8n } from '../n8n/queue';
import {
	createCredentials,
	impatient,
	readExample,
	triggerOf,
	withCredentials,
} from '../n8n/workflows';

const MINUTE = 60_000;
const FILE = '02-many-prompts.json';

let folder: string;
let emulator: Emulator;
let n8n: QueueN8n;
let client: N8nClient;

const say = (line: string) => process.stderr.write(`    ${line}\n`);

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'midjourney-pack-'));
	const tarball = await packPackage(folder);
	emulator = await startEmulator();
	const installation = await installN8n(CURRENT_N8N, say);
	n8n = await startQueueN8n({ installation, tarball, env: { N8N_LOG_LEVEL: 'debug' } });
	say(`queue mode: ready after ${(n8n.startedInMs / 1000).toFixed(1)} s`);
	client = new N8nClient(n8n.url);
	await client.setUpOwner({ email: 'owner@example.com', password: 'Correct-horse-1' });
}, 20 * MINUTE);

afterAll(async () => {
	await n8n?.stop();
	await emulator?.close();
	await rm(folder, { recursive: true, force: true });
}, MINUTE);

test(
	`${FILE} runs on a worker and its files are in the shared store`,
	async () => {
		const credential = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url };
		const credentials = await createCredentials(client, credential);
		const workflow = impatient(withCredentials(await readExample(FILE), credentials));
		const workflowId = await client.importWorkflow(workflow);
		const executionId = await client.run(workflowId, triggerOf(workflow));
		const { status, error, runs } = await client.finished(executionId, 2 * MINUTE);
		expect({ status, error }).toEqual({ status: 'success', error: undefined });
		const items = (runs.get('File Names') ?? []).flatMap(({ outputs }) => outputs.flat());
		const files = items.flatMap(({ binary }) => binary.data ?? []);
		expect(files).toHaveLength(12);
		for (const file of files) {
			expect(file.id).toMatch(/^database:/);
			expect(inspectMedia(await client.download(file)).type).toBe('png');
		}
		expect(n8n.logOf('worker1') + n8n.logOf('worker2')).toContain(`execution ${executionId}`);
	},
	3 * MINUTE,
);
