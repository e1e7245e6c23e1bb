import { randomUUID } from 'node:crypto';

import { decodeClaims } from '../callbackAddress';
import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import type { Execution, N8nClient } from '../n8n/client';
import { CURRENT_N8N, OLDER_N8N } from '../n8n/install';
import type { JsonObject } from '../n8n/json';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { MIDJOURNEY, type Workflow } from '../n8n/workflows';

const RUN_TIMEOUT_MS = 60_000;

interface Node {
	type: string;
	typeVersion: number;
	parameters: JsonObject;
	/** The nodes behind each output. */
	to?: string[][];
}

/** A workflow that begins with *Start*, a manual trigger. */
function workflowOf(name: string, nodes: Record<string, Node>, credential: JsonObject): Workflow {
	const entries = Object.entries(nodes);
	return {
		name: `${name} ${randomUUID()}`,
		nodes: entries.map(([node, { type, typeVersion, parameters }]) => ({
			...{ id: randomUUID(), name: node, type, typeVersion, parameters, position: [0, 0] },
			...(type === MIDJOURNEY && { credentials: { midApi: credential } }),
		})),
		connections: Object.fromEntries(
			entries.map(([node, { to = [] }]) => [
				node,
				{
					main: to.map((names) => names.map((name) => ({ node: name, type: 'main', index: 0 }))),
				},
			]),
		),
		settings: { executionOrder: 'v1' },
	};
}

const start = (to: string): Node => ({
	type: 'n8n-nodes-base.manualTrigger',
	typeVersion: 1,
	parameters: {},
	to: [[to]],
});
const items = (to: string): Node => ({
	type: 'n8n-nodes-base.code',
	typeVersion: 2,
	parameters: {
		jsCode: 'return [{ json: { prompt: "a cup" } }, { json: { prompt: "a bowl" } }];',
	},
	to: [[to]],
});
const generate = (to: string): Node => ({
	type: MIDJOURNEY,
	typeVersion: 1,
	parameters: {
		...{ authentication: 'midApi', resource: 'image', operation: 'generate', mode: 'textToImage' },
		...{ prompt: '={{ $json.prompt }}', waitMode: 'callback', download: false },
		options: { outputItems: 'task' },
	},
	to: [[to]],
});
const noOp: Node = { type: 'n8n-nodes-base.noOp', typeVersion: 1, parameters: {} };

describe.each([CURRENT_N8N, OLDER_N8N])('A parked node in n8n %s', (version) => {
	let n8n: N8nServer;
	let client: N8nClient;
	let emulator: Emulator;
	let credential: JsonObject;

	beforeAll(async () => {
		({ n8n, client } = await startStage(version));
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		await n8n?.stop();
	});

	beforeEach(async () => {
		// n8n refuses callbacks that come too early, and the provider tries them again, as documented.
		emulator = await startEmulator({
			latencyMs: [300, 1500],
			callbackRetryPausesMs: [500, 1000, 2000],
		});
		const name = `MidAPI ${randomUUID()}`;
		const data = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url };
		credential = { id: await client.createCredential(name, 'midApi', data), name };
	});

	afterEach(async () => await emulator.close());

	async function run(nodes: Record<string, Node>): Promise<Execution> {
		const id = await client.importWorkflow(workflowOf('Surroundings', nodes, credential));
		return await client.finished(await client.run(id, 'Start'), RUN_TIMEOUT_MS);
	}

	const promptsBehind = (execution: Execution, node: string) =>
		(execution.runs.get(node) ?? []).map(({ outputs }) =>
			outputs.flat().map(({ json }) => [json.prompt, json.status, json.via]),
		);
	const RESULT = ['completed', 'callback'];
	/** In a sub-workflow the node never parks, whatever the wait mode. */
	const POLLED = ['completed', 'poll'];

	test(
		'resumes an execution that was started by hand in the editor',
		async () => {
			const execution = await run({
				Start: start('Items'),
				Items: items('Generate'),
				Generate: generate('After'),
				After: noOp,
			});
			expect(execution).toMatchObject({ status: 'success' });
			expect(promptsBehind(execution, 'After')).toEqual([
				[
					['a cup', ...RESULT],
					['a bowl', ...RESULT],
				],
			]);
			expect(emulator.ledger.submits).toHaveLength(2);
		},
		RUN_TIMEOUT_MS,
	);

	test(
		'waits once in each round of a loop, and each round buys its own tasks',
		async () => {
			const execution = await run({
				Start: start('Items'),
				Items: items('Loop'),
				Loop: {
					type: 'n8n-nodes-base.splitInBatches',
					typeVersion: 3,
					parameters: { batchSize: 1, options: {} },
					to: [['After'], ['Generate']],
				},
				Generate: generate('Loop'),
				After: noOp,
			});
			expect(execution).toMatchObject({ status: 'success' });
			expect(promptsBehind(execution, 'After')).toEqual([
				[
					['a cup', ...RESULT],
					['a bowl', ...RESULT],
				],
			]);
			const nonces = emulator.ledger.submits.map(
				({ body }) => decodeClaims(body.callBackUrl).nonce,
			);
			expect(new Set(nonces).size).toBe(2);
		},
		RUN_TIMEOUT_MS,
	);

	test(
		'waits in a sub-workflow, whose parent gets the results',
		async () => {
			const child = workflowOf(
				'Child',
				{
					Start: {
						type: 'n8n-nodes-base.executeWorkflowTrigger',
						typeVersion: 1.1,
						parameters: { inputSource: 'passthrough' },
						to: [['Generate']],
					},
					Generate: generate('Done'),
					Done: noOp,
				},
				credential,
			);
			const childId = await client.importWorkflow(child);
			// n8n 2.x calls only published sub-workflows.
			await client.activate(childId);
			const execution = await run({
				Start: start('Items'),
				Items: items('Call'),
				Call: {
					type: 'n8n-nodes-base.executeWorkflow',
					typeVersion: 1.2,
					parameters: {
						workflowId: { __rl: true, mode: 'id', value: childId },
						options: { waitForSubWorkflow: true },
					},
					to: [['After']],
				},
				After: noOp,
			});
			expect({ status: execution.status, error: execution.error }).toEqual({
				status: 'success',
				error: undefined,
			});
			expect(promptsBehind(execution, 'After')).toEqual([
				[
					['a cup', ...POLLED],
					['a bowl', ...POLLED],
				],
			]);
			expect(emulator.ledger.submits).toHaveLength(2);
		},
		RUN_TIMEOUT_MS,
	);
});
