import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import type { N8nClient } from '../n8n/client';
import { CURRENT_N8N } from '../n8n/install';
import { inspectMedia } from '../n8n/media';
import { type QueueN8n, startQueueN8n } from '../n8n/queue';
import { say, signUp, START_TIMEOUT_MS, withPackage } from '../n8n/stage';
import {
	createCredentials,
	withQuickReads,
	readExample,
	triggerOf,
	withCredentials,
} from '../n8n/workflows';

const MINUTE = 60_000;
const FILE = '02-many-prompts.json';

let emulator: Emulator;
let n8n: QueueN8n;
let client: N8nClient;

beforeAll(async () => {
	emulator = await startEmulator();
	n8n = await withPackage(
		CURRENT_N8N,
		async (ready) => await startQueueN8n({ ...ready, env: { N8N_LOG_LEVEL: 'debug' } }),
	);
	say(`queue mode: ready after ${(n8n.startedInMs / 1000).toFixed(1)} s`);
	client = await signUp(n8n.url);
}, START_TIMEOUT_MS);

afterAll(async () => {
	await n8n?.stop();
	await emulator?.close();
}, MINUTE);

test(
	`${FILE} runs on a worker, and its files are in the shared storage`,
	async () => {
		const credential = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url };
		const credentials = await createCredentials(client, credential);
		const workflow = withQuickReads(withCredentials(await readExample(FILE), credentials));
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
