import { randomUUID } from 'node:crypto';

import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import type { Execution, N8nClient } from '../n8n/client';
import { CURRENT_N8N, OLDER_N8N } from '../n8n/install';
import type { JsonObject } from '../n8n/json';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { createCredentials, type Credentials, MIDJOURNEY, type Workflow } from '../n8n/workflows';
import { type Entry, outputsOf, parametersOf, PURCHASES, rowWith, SOURCE, WIRES } from '../wire';

/** Every operation that buys something, with every provider that has it, in a real n8n: by polling and by callback. */

const RUN_TIMEOUT_MS = 3 * 60_000;

const WAIT_MODES = ['poll', 'callback'];

/** What people typically ask for, by provider and operation. */
const TYPICAL = new Map(
	PURCHASES.filter(({ isTypical }) => isTypical).map((entry) => [
		`${entry.provider} ${entry.id}`,
		entry,
	]),
);
const NAMES = [...TYPICAL.keys()];

/** A typical row, for the item that comes in. */
function entryFor(name: string, source: JsonObject): Entry {
	const entry = TYPICAL.get(name);
	if (!entry) throw new Error(`No table has ${name}`);
	return { ...entry, row: rowWith(source, entry.row) };
}

/** The parameters of a node that does it, and looks soon. */
const impatient = (entry: Entry, waitMode: string, options: JsonObject): JsonObject => ({
	...{ ...parametersOf(entry), waitMode, download: false },
	waitOptions: { firstCheck: 1, longestPause: 2 },
	options: { outputItems: 'task', ...options },
});

/** Start → an item → the node. */
function workflowOf(parameters: JsonObject, item: JsonObject, credentials: Credentials): Workflow {
	const node = (name: string, type: string, typeVersion: number, own: JsonObject) => ({
		...{ id: randomUUID(), name, type, typeVersion, position: [0, 0], parameters: own },
	});
	const to = (name: string) => ({ main: [[{ node: name, type: 'main', index: 0 }]] });
	return {
		name: `Operation ${randomUUID()}`,
		nodes: [
			node('Start', 'n8n-nodes-base.manualTrigger', 1, {}),
			node('Item', 'n8n-nodes-base.code', 2, {
				jsCode: `return [{ json: ${JSON.stringify(item)} }];`,
			}),
			{ ...node('Midjourney', MIDJOURNEY, 1, parameters), credentials },
		],
		connections: { Start: to('Item'), Item: to('Midjourney') },
		settings: { executionOrder: 'v1' },
	};
}

describe.each([CURRENT_N8N, OLDER_N8N])('n8n %s', (version) => {
	const executions = new Map<string, Promise<Execution>>();
	let n8n: N8nServer;
	let client: N8nClient;
	let emulator: Emulator;
	/** The items that operations go on from: by provider, or by provider and operation. */
	let sources: Record<string, JsonObject> = {};
	const sourceOf = (name: string) => sources[name] ?? sources[name.split(' ')[0] ?? ''] ?? {};

	beforeAll(async () => {
		({ n8n, client } = await startStage(version));
		// n8n refuses callbacks that come too early, and the provider tries them again, as documented.
		emulator = await startEmulator({
			latencyMs: [2000, 4000],
			callbackRetryPausesMs: [500, 1000, 2000, 4000],
		});
		const data = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url };
		const credentials = await createCredentials(client, data);

		const run = async (parameters: JsonObject, item: JsonObject) => {
			const id = await client.importWorkflow(workflowOf(parameters, item, credentials));
			return await client.finished(await client.run(id, 'Start'), RUN_TIMEOUT_MS);
		};
		/** The third image or video of a finished task, as an item. */
		const made = async (name: string, item: JsonObject): Promise<JsonObject> => {
			const parameters = impatient(entryFor(name, item), 'poll', { outputItems: 'output' });
			const execution = await run(parameters, item);
			const third = itemsOf(execution).find(({ json }) => json.index === SOURCE.index);
			if (!third) throw new Error(`${name} made no third: ${JSON.stringify(execution.error)}`);
			return third.json;
		};
		const image = await made('midApi image:generate', {});
		sources = {
			midApi: image,
			'midApi video:extend': await made('midApi video:generate', image),
			vtrix: await made('vtrix image:generate', {}),
		};
		emulator.ledger.clear();
		for (const name of NAMES) {
			for (const waitMode of WAIT_MODES) {
				const source = sourceOf(name);
				const parameters = impatient(entryFor(name, source), waitMode, { reference: name });
				const execution = run(parameters, source);
				// The test that waits for it reports its failure.
				execution.catch(() => undefined);
				executions.set(`${name} ${waitMode}`, execution);
			}
		}
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		await Promise.allSettled(executions.values());
		await n8n?.stop();
		await emulator?.close();
	}, RUN_TIMEOUT_MS);

	describe.each(WAIT_MODES)('by %s', (waitMode) => {
		test.each(NAMES)(
			'%s',
			async (name) => {
				const { status, error, ...execution } = await resultOf(`${name} ${waitMode}`);
				expect({ status, error }).toEqual({ status: 'success', error: undefined });
				const [item, ...others] = itemsOf(execution);
				expect(others).toEqual([]);
				const { provider, id, row } = entryFor(name, sourceOf(name));
				expect(item?.json).toMatchObject({
					...{ status: 'completed', via: waitMode, provider, operation: id, reference: name },
					outputs: { length: outputsOf(row.request) },
				});
				const bought = emulator.ledger.submits.filter(({ taskId }) => taskId === item?.json.taskId);
				const { path, body } = row.call;
				const { calling } = WIRES[provider];
				const [{ callbackUrl } = {}] = bought;
				expect(callbackUrl !== undefined).toBe(waitMode === 'callback');
				const sent = callbackUrl === undefined ? body : calling(callbackUrl, body);
				expect(bought).toMatchObject([{ path, unknownFields: [], inapplicableFields: [] }]);
				expect(bought[0]?.body).toEqual(sent);
			},
			RUN_TIMEOUT_MS,
		);
	});

	test('buys nothing else', async () => {
		await Promise.allSettled(executions.values());
		expect(emulator.ledger.submits).toHaveLength(executions.size);
	});

	async function resultOf(key: string): Promise<Execution> {
		const execution = await executions.get(key);
		if (!execution) throw new Error(`${key} was not started`);
		return execution;
	}
});

const itemsOf = ({ runs }: Pick<Execution, 'runs'>) =>
	(runs.get('Midjourney') ?? []).flatMap(({ outputs }) => outputs.flat());
