import { randomUUID } from 'node:crypto';

import {
	type Answer,
	type Call,
	DEFAULT_API_KEY,
	type Emulator,
	type EmulatorOptions,
	type ProviderName,
	type Reaction,
	startEmulator,
} from '../emulator';
import type { Execution, Item, N8nClient } from '../n8n/client';
import { CURRENT_N8N } from '../n8n/install';
import type { JsonObject } from '../n8n/json';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { createCredentials, type Credentials, MIDJOURNEY } from '../n8n/workflows';

/** The most expensive faults of docs/faults.md in a real n8n: what was bought, and what n8n shows and stores. */

const RUN_TIMEOUT_MS = 120_000;

/** The settings of one execution, and its fault. */
interface Plan {
	provider?: ProviderName;
	items: number;
	parameters?: JsonObject;
	waitOptions?: JsonObject;
	settings?: JsonObject;
	emulator?: EmulatorOptions;
	fault: (call: Call, emulator: Emulator) => Promise<Reaction | undefined>;
}

const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 100 };
const CONTINUE = { onError: 'continueRegularOutput' };
const ERROR_OUTPUT = { onError: 'continueErrorOutput' };

const isSubmit = ({ method, path }: Call): boolean =>
	method === 'POST' && /^\/(api\/v1\/mj|model\/v1)\/generat/.test(path);
const isRead = ({ path }: Call): boolean => /\/record-info$|\/generation\/task\//.test(path);
const isItem = ({ body }: Call, index: number): boolean =>
	JSON.stringify(body ?? '').includes(`picture ${index}`);

/** Lets the provider do its work, but answers with this. */
async function after(call: Call, reaction: Reaction): Promise<Reaction> {
	await call.handle();
	return reaction;
}

const NOBODY: Answer = {
	status: 200,
	body: {
		model: 'midjourney_diffusion',
		status: 'failed',
		error: { code: 8004001099, error_message: 'provider unavailable' },
	},
};

describe(`A fault in n8n ${CURRENT_N8N}`, () => {
	let n8n: N8nServer;
	let client: N8nClient;
	const emulators: Emulator[] = [];

	beforeAll(async () => {
		({ n8n, client } = await startStage(CURRENT_N8N));
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		await Promise.all(emulators.map(async (emulator) => await emulator.close()));
		await n8n?.stop();
	});

	async function run(plan: Plan): Promise<{ execution: Execution; emulator: Emulator }> {
		const emulator = await startEmulator({ latencyMs: 1500, ...plan.emulator });
		emulators.push(emulator);
		emulator.intercept(async (call) => await plan.fault(call, emulator));
		const credentials = await createCredentials(
			client,
			{ apiKey: DEFAULT_API_KEY, baseUrl: emulator.url },
			` ${randomUUID()}`,
		);
		const id = await client.importWorkflow(workflowOf(plan, credentials));
		const execution = await client.finished(await client.run(id, 'Start'), RUN_TIMEOUT_MS);
		return { execution, emulator };
	}

	/** The items of the node's first output and of its error output. */
	const outOf = ({ runs }: Execution): { items: Item[]; failed: Item[] } => {
		const [items = [], failed = []] = runs.get('Generate')?.at(-1)?.outputs ?? [];
		return { items, failed };
	};
	const bought = ({ ledger }: Emulator): number[] =>
		ledger.submits.map(({ body }) => Number(/picture (\d)/.exec(JSON.stringify(body))?.[1])).sort();

	it.each([
		['503 comes from a proxy', 'midApi', { status: 503, body: '<html>Service Unavailable</html>' }],
		['nobody is available (…099)', 'vtrix', NOBODY],
	] as const)(
		'after the submit was taken, with Retry On Fail: %s',
		async (_, provider, reaction) => {
			const { execution, emulator } = await run({
				provider,
				items: 1,
				settings: RETRY,
				fault: async (call) => (isSubmit(call) ? await after(call, reaction) : undefined),
			});
			expect(bought(emulator)).toEqual([0]);
			expect(execution.status).toBe('error');
			expect(execution.error).toMatch(/\[item 0\].*may have been paid/s);
		},
		RUN_TIMEOUT_MS,
	);

	it(
		'in the middle of several items harms no other item, and none is bought twice',
		async () => {
			const { execution, emulator } = await run({
				items: 3,
				settings: { ...CONTINUE, ...RETRY },
				fault: async (call) =>
					isSubmit(call) && isItem(call, 1) ? await after(call, 'reset') : undefined,
			});
			expect(bought(emulator)).toEqual([0, 1, 2]);
			const { items } = outOf(execution);
			expect(items.map(({ json }) => json.status)).toEqual(['completed', 'failed', 'completed']);
			expect(JSON.stringify(items[1]?.json)).toMatch(/may have been paid/);
		},
		RUN_TIMEOUT_MS,
	);

	it(
		'that hides the task of a parked execution at first does not end the wait',
		async () => {
			let unknown = 0;
			const { execution, emulator } = await run({
				items: 1,
				parameters: { waitMode: 'callback' },
				// A long limit, so that no timed read is near and the call wakes it.
				waitOptions: { timeLimit: 10 },
				emulator: { callbackRetryPausesMs: [500, 1000, 2000, 4000] },
				// Only once the task is done, because that read is the one for which the execution is woken.
				fault: async (call, { ledger }) =>
					isRead(call) && ledger.callbacks.length > 0 && unknown++ === 0
						? { status: 200, body: { code: 422, msg: 'recordInfo is null', data: null } }
						: undefined,
			});
			expect(outOf(execution).items.map(({ json }) => json.status)).toEqual(['completed']);
			expect(bought(emulator)).toEqual([0]);
		},
		RUN_TIMEOUT_MS,
	);

	it(
		'that cuts the answer to a read makes the node read again',
		async () => {
			let cuts = 0;
			const { execution, emulator } = await run({
				items: 1,
				fault: async (call) =>
					isRead(call) && cuts++ < 2 ? { ...(await call.handle()), manner: 'cut' } : undefined,
			});
			expect(outOf(execution).items.map(({ json }) => json.status)).toEqual(['completed']);
			expect(cuts).toBeGreaterThanOrEqual(3);
			expect(bought(emulator)).toEqual([0]);
		},
		RUN_TIMEOUT_MS,
	);

	it(
		'at one of four files keeps the links and the task, also at the error output',
		async () => {
			const { execution, emulator } = await run({
				items: 2,
				parameters: { download: true },
				settings: ERROR_OUTPUT,
				fault: async (call, { ledger }) => {
					const victim = ledger.submits.find(({ body }) => body.prompt === 'picture 1')?.taskId;
					return call.path.startsWith(`/files/${victim}_1.`) ? { status: 404 } : undefined;
				},
			});
			const { items, failed } = outOf(execution);
			expect(bought(emulator)).toEqual([0, 1]);
			expect(items.map(({ json, binary }) => [json.prompt, Object.keys(binary).length])).toEqual([
				['picture 0', 4],
			]);
			const victim = emulator.ledger.submits.find(({ body }) => body.prompt === 'picture 1');
			const words = JSON.stringify(failed.map(({ json }) => json));
			for (const index of [0, 1, 2, 3]) {
				expect(words).toContain(`/files/${victim?.taskId}_${index}.png`);
			}
		},
		RUN_TIMEOUT_MS,
	);
});

function workflowOf(plan: Plan, credentials: Credentials) {
	const node = (name: string, type: string, typeVersion: number, parameters: JsonObject) => ({
		...{ id: randomUUID(), name, type, typeVersion, parameters },
		position: [0, 0],
	});
	const prompts = Array.from({ length: plan.items }, (_, index) => ({
		json: { prompt: `picture ${index}` },
	}));
	const to = (name: string) => ({ main: [[{ node: name, type: 'main', index: 0 }]] });
	return {
		name: `Faults ${randomUUID()}`,
		nodes: [
			node('Start', 'n8n-nodes-base.manualTrigger', 1, {}),
			node('Items', 'n8n-nodes-base.code', 2, { jsCode: `return ${JSON.stringify(prompts)};` }),
			{
				...node('Generate', MIDJOURNEY, 1, {
					authentication: plan.provider ?? 'midApi',
					resource: 'image',
					operation: 'generate',
					mode: 'textToImage',
					prompt: '={{ $json.prompt }}',
					waitMode: 'poll',
					download: false,
					...plan.parameters,
					waitOptions: { firstCheck: 0.5, longestPause: 1, timeLimit: 1, ...plan.waitOptions },
					options: { outputItems: 'task' },
				}),
				credentials,
				...plan.settings,
			},
			node('After', 'n8n-nodes-base.noOp', 1, {}),
		],
		connections: { Start: to('Items'), Items: to('Generate'), Generate: to('After') },
		settings: { executionOrder: 'v1' },
	};
}
