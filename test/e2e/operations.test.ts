import { randomUUID } from 'node:crypto';

import { operations } from '../../nodes/Midjourney/operations';
import { providersOf } from '../../nodes/Midjourney/operations/operation';
import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import type { Execution, N8nClient } from '../n8n/client';
import { CURRENT_N8N, OLDER_N8N } from '../n8n/install';
import type { JsonObject } from '../n8n/json';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { createCredentials, type Credentials, MIDJOURNEY, type Workflow } from '../n8n/workflows';

/** Every operation that buys something, with every provider that has it, in a real n8n: by polling and by callback. */

const RUN_TIMEOUT_MS = 3 * 60_000;

const PICTURE = 'https://example.com/teapot.png';
const FROM_ITEM = { taskId: '={{ $json.taskId }}', index: '={{ $json.index ?? 0 }}' };
const FROM_JOB = { ...FROM_ITEM, jobId: '={{ $json.jobId }}' };
const AREAS = {
	mask: 'areas',
	maskAreas: {
		rectangle: [{ x: 100, y: 100, width: 300, height: 200 }],
		polygon: [{ points: '400,400 700,400 550,700' }],
	},
};

/** The parameters besides provider, resource and operation; `kind`: what must have been bought. */
const ENTERED: Record<string, { kind: string; parameters: JsonObject; outputs?: number }> = {
	'midApi image:generate': {
		kind: 'imageTurbo',
		parameters: { mode: 'textToImage', prompt: 'a teapot', speed: 'turbo' },
	},
	'midApi image:upscale': { kind: 'upscale', parameters: FROM_ITEM, outputs: 1 },
	'midApi image:vary': { kind: 'vary', parameters: FROM_ITEM },
	'midApi video:generate': {
		kind: 'video',
		parameters: { prompt: 'steam rises', imageUrl: '={{ $json.url }}', motion: 'low' },
		outputs: 1,
	},
	'midApi video:extend': { kind: 'extend', parameters: FROM_ITEM, outputs: 1 },
	'vtrix image:generate': {
		kind: 'midjourney_diffusion',
		parameters: { mode: 'imageToImage', prompt: 'a teapot', imageUrls: PICTURE },
	},
	'vtrix image:upscale': {
		kind: 'midjourney_upscale',
		parameters: { ...FROM_JOB, upscaler: 'creative' },
		outputs: 1,
	},
	'vtrix image:vary': {
		kind: 'midjourney_variation',
		parameters: { ...FROM_JOB, strength: 'strong' },
	},
	'vtrix image:edit': {
		kind: 'midjourney_edit',
		parameters: { ...FROM_JOB, prompt: 'a table', canvasFit: 'aspectRatio', ...AREAS },
	},
	'vtrix image:remix': {
		kind: 'midjourney_remix',
		parameters: { ...FROM_JOB, prompt: 'a bowl', strength: 'subtle' },
	},
	'vtrix image:inpaint': { kind: 'midjourney_inpaint', parameters: { ...FROM_JOB, ...AREAS } },
	'vtrix image:outpaint': { kind: 'midjourney_outpaint', parameters: { ...FROM_JOB, scale: 1.5 } },
	'vtrix image:uploadPaint': {
		kind: 'midjourney_uploadpaint',
		parameters: {
			...{ imageUrl: PICTURE, prompt: 'a table', ...AREAS },
			additionalFields: { imageWidth: 1024, imageHeight: 768 },
		},
	},
	'vtrix image:retexture': {
		kind: 'midjourney_retexture',
		parameters: { imageUrl: PICTURE, prompt: 'made of copper' },
	},
	'vtrix model:run': {
		kind: 'midjourney_reroll',
		parameters: { model: 'midjourney_reroll', parameters: '={ "jobId": "{{ $json.jobId }}" }' },
	},
};

const WAIT_MODES = ['poll', 'callback'];

test('every operation that buys something is expected here', () => {
	const buying = operations
		.filter(({ does }) => does === 'submit')
		.flatMap((one) =>
			providersOf(one).map(({ name }) => `${name} ${one.resource}:${one.operation}`),
		);
	expect(Object.keys(ENTERED).sort()).toEqual(buying.sort());
});

/** The parameters of a node that does this operation. */
function parametersOf(name: string, more: JsonObject): JsonObject {
	const [authentication = '', choice = ''] = name.split(' ');
	const [resource = '', operation = ''] = choice.split(':');
	const { options, ...rest } = more;
	return {
		...{ authentication, resource, operation, download: false },
		...{ ...ENTERED[name]?.parameters, ...rest },
		options: {
			...{ firstCheck: 1, longestPause: 2, outputItems: 'task' },
			...(options as JsonObject | undefined),
		},
	};
}

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

	beforeAll(async () => {
		({ n8n, client } = await startStage(version));
		// n8n refuses callbacks that come too early, and the provider tries them again, as documented.
		emulator = await startEmulator({
			latencyMs: [2000, 4000],
			callbackRetryPausesMs: [500, 1000, 2000, 4000],
		});
		const data = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url };
		const credentials = await createCredentials(client, data);

		const run = async (parameters: JsonObject, item: JsonObject = {}) => {
			const id = await client.importWorkflow(workflowOf(parameters, item, credentials));
			return await client.finished(await client.run(id, 'Start'), RUN_TIMEOUT_MS);
		};
		/** The last image or video of a finished task, as an item. */
		const made = async (name: string, item?: JsonObject): Promise<JsonObject> => {
			const more = { waitMode: 'poll', options: { outputItems: 'output' } };
			const execution = await run(parametersOf(name, more), item);
			const json = itemsOf(execution).at(-1)?.json;
			if (!json) throw new Error(`${name} made nothing: ${JSON.stringify(execution.error)}`);
			return json;
		};
		const image = await made('midApi image:generate');
		const sources: Record<string, JsonObject> = {
			midApi: image,
			'midApi video:extend': await made('midApi video:generate', image),
			vtrix: await made('vtrix image:generate'),
		};
		emulator.ledger.clear();
		for (const name of Object.keys(ENTERED)) {
			for (const waitMode of WAIT_MODES) {
				const source = sources[name] ?? sources[name.split(' ')[0] ?? ''];
				const parameters = parametersOf(name, { waitMode, options: { reference: name } });
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
		test.each(Object.keys(ENTERED))(
			'%s',
			async (name) => {
				const { status, error, ...execution } = await resultOf(`${name} ${waitMode}`);
				expect({ status, error }).toEqual({ status: 'success', error: undefined });
				const [item, ...others] = itemsOf(execution);
				expect(others).toEqual([]);
				const [provider, operation] = name.split(' ');
				expect(item?.json).toMatchObject({
					...{ status: 'completed', via: waitMode, provider, operation, reference: name },
					outputs: { length: ENTERED[name]?.outputs ?? 4 },
				});
				const bought = emulator.ledger.submits.filter(({ taskId }) => taskId === item?.json.taskId);
				expect(bought).toMatchObject([
					{ kind: ENTERED[name]?.kind, unknownFields: [], inapplicableFields: [] },
				]);
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
