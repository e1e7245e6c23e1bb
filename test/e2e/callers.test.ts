/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a real n8n, it is not a node */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import type { Execution, N8nClient } from '../n8n/client';
import { CURRENT_N8N, LAST_N8N_1, OLDER_N8N } from '../n8n/install';
import { isObject, type JsonObject, list, object, text } from '../n8n/json';
import { until } from '../n8n/until';
import type { RegularN8n } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { MIDJOURNEY, successorsOf, type Workflow } from '../n8n/workflows';

const MINUTE = 60_000;
/** Too long for an immediate answer, but within a caller's time limit, in ms. */
const TASK_MS = 3000;
const GENERATE = 'Generate';
const LAST = 'Last';

/** The nodes before and behind the Midjourney node, and what the caller gets. */
interface Case {
	title: string;
	trigger: JsonObject;
	/** Behind the node; default: nothing but *Last*. */
	last?: JsonObject;
	/** Calls the workflow and gives what the caller gets. */
	call: (place: Place) => Promise<unknown>;
	/** The finished item, a message that it is finished, or nothing that the caller waits for. */
	gets: 'item' | 'end' | 'nothing';
}

interface Place {
	n8n: RegularN8n;
	client: N8nClient;
	workflowId: string;
	/** The path of its trigger. */
	path: string;
}

/** Requests until the workflow that was just published answers. */
const ask = async (url: string, request?: RequestInit): Promise<Response> => {
	for (let tries = 1; ; tries++) {
		const answer = await fetch(url, request);
		if (answer.ok) return answer;
		const words = await answer.text();
		if (answer.status !== 404 || tries === 50) throw new Error(`${answer.status} ${words}`);
		await pause(100);
	}
};
const post = async (url: string, body: JsonObject): Promise<unknown> => {
	const headers = { 'content-type': 'application/json' };
	const answer = await ask(url, { method: 'POST', headers, body: JSON.stringify(body) });
	return await answer.json();
};
const callWebhook = async ({ n8n, path }: Place) =>
	await post(`${n8n.webhookUrl}/webhook/${path}`, {});

const node = (
	name: string,
	type: string,
	typeVersion: number,
	parameters: JsonObject,
): JsonObject => ({
	...{ id: randomUUID(), name, type, typeVersion, parameters },
	position: [0, 0],
});
const webhook = (responseMode: string, more: JsonObject = {}): JsonObject =>
	node('Start', 'n8n-nodes-base.webhook', 2, {
		...{ httpMethod: 'POST', responseMode, options: {} },
		...more,
	});
const form = (responseMode?: string): JsonObject =>
	node('Start', 'n8n-nodes-base.formTrigger', 2.2, {
		...{ formTitle: 'Order', formFields: { values: [{ fieldLabel: 'Prompt' }] } },
		...{ ...(responseMode && { responseMode }), options: {} },
	});
/** The first answer to somebody who fills in the form. */
const submitForm = async ({ n8n, path }: Place): Promise<unknown> => {
	const body = new FormData();
	body.set('field-0', 'a cup');
	const answer = await ask(`${n8n.webhookUrl}/form/${path}`, { method: 'POST', body });
	const words = await answer.text();
	return words === '' ? {} : JSON.parse(words);
};

const manual = (): JsonObject => node('Start', 'n8n-nodes-base.manualTrigger', 1, {});
const noOp = (name: string): JsonObject => node(name, 'n8n-nodes-base.noOp', 1, {});

const CASES: Case[] = [
	{
		title: 'Webhook, responds immediately',
		trigger: webhook('onReceived'),
		call: callWebhook,
		gets: 'nothing',
	},
	{
		title: 'Webhook, responds when the last node finishes',
		trigger: webhook('lastNode'),
		call: callWebhook,
		gets: 'item',
	},
	{
		title: 'Webhook, responds when the last node finishes, with all entries',
		trigger: webhook('lastNode', { responseData: 'allEntries' }),
		call: callWebhook,
		gets: 'item',
	},
	{
		title: 'Webhook, with a Respond to Webhook node behind',
		trigger: webhook('responseNode'),
		last: node(LAST, 'n8n-nodes-base.respondToWebhook', 1.1, { options: {} }),
		call: callWebhook,
		gets: 'item',
	},
	{
		title: 'Chat Trigger, public',
		trigger: node('Start', '@n8n/n8n-nodes-langchain.chatTrigger', 1.1, {
			...{ public: true, mode: 'webhook', options: {} },
		}),
		call: async ({ n8n, path }) =>
			await post(`${n8n.webhookUrl}/webhook/${path}/chat`, {
				...{ action: 'sendMessage', sessionId: randomUUID(), chatInput: 'a cup' },
			}),
		gets: 'item',
	},
	{
		title: 'Form, responds when it is submitted',
		trigger: form('onReceived'),
		call: submitForm,
		gets: 'nothing',
	},
	{
		title: 'Form, responds when the workflow finishes',
		trigger: form('lastNode'),
		call: submitForm,
		gets: 'end',
	},
	{
		title: 'Form, with an ending behind',
		trigger: form(),
		last: {
			...node(LAST, 'n8n-nodes-base.form', 1, {
				...{ operation: 'completion', completionTitle: '=It is {{ $json.status }}' },
				options: {},
			}),
			webhookId: randomUUID(),
		},
		call: async (place) => await lastPage(await submitForm(place)),
		gets: 'item',
	},
	{
		title: 'Error workflow',
		trigger: node('Start', 'n8n-nodes-base.errorTrigger', 1, {}),
		call: failBefore,
		gets: 'nothing',
	},
	{
		title: 'started by hand',
		trigger: manual(),
		call: async ({ client, workflowId }) => await client.run(workflowId, 'Start'),
		gets: 'nothing',
	},
	...[true, false].map(
		(waits): Case => ({
			title: `Execute Sub-workflow, ${waits ? 'waiting' : 'not waiting'}`,
			trigger: node('Start', 'n8n-nodes-base.executeWorkflowTrigger', 1.1, {
				inputSource: 'passthrough',
			}),
			call: async (place) => await callFromParent(place, waits),
			gets: waits ? 'item' : 'nothing',
		}),
	),
];

/** The last page that a browser reaches, as an item. */
async function lastPage(submitted: unknown): Promise<JsonObject> {
	const page = text(object(submitted, 'answer of the form').formWaitingUrl, 'formWaitingUrl');
	const status = new URL(page);
	status.pathname += '/n8n-execution-status';
	await until(
		'the form has its last page',
		async () => await (await fetch(status)).text(),
		(word) => word === 'form-waiting',
	);
	const shown = await (await fetch(page)).text();
	// The page sends this by itself.
	await fetch(page, { method: 'POST' });
	return { status: /It is (\w+)/.exec(shown)?.[1] ?? shown };
}

/** Runs a failing workflow whose error workflow this is. */
async function failBefore({ n8n, client, workflowId }: Place): Promise<void> {
	const path = randomUUID();
	const failing = await client.importWorkflow({
		name: `Fails ${path}`,
		nodes: [
			{
				...node('Start', 'n8n-nodes-base.webhook', 2, { httpMethod: 'POST', path, options: {} }),
				webhookId: path,
			},
			node('Fail', 'n8n-nodes-base.stopAndError', 1, { errorMessage: 'It does not work' }),
		],
		connections: { Start: to('Fail') },
		settings: { executionOrder: 'v1', errorWorkflow: workflowId },
	});
	await client.activate(failing);
	await post(`${n8n.webhookUrl}/webhook/${path}`, {});
}

/** The input of the node behind *Execute Sub-workflow*. */
async function callFromParent({ client, workflowId }: Place, waits: boolean): Promise<unknown> {
	const parent: Workflow = {
		name: `Parent ${randomUUID()}`,
		nodes: [
			manual(),
			node('Call', 'n8n-nodes-base.executeWorkflow', 1.2, {
				workflowId: { __rl: true, value: workflowId, mode: 'id' },
				workflowInputs: { mappingMode: 'defineBelow', value: {} },
				options: { waitForSubWorkflow: waits },
			}),
			noOp(LAST),
		],
		connections: { Start: to('Call'), Call: to(LAST) },
		settings: { executionOrder: 'v1' },
	};
	const parentId = await client.importWorkflow(parent);
	const execution = await client.finished(await client.run(parentId, 'Start'), MINUTE);
	return itemsOf(execution);
}

const to = (name: string) => ({ main: [[{ node: name, type: 'main', index: 0 }]] });

const itemsOf = ({ runs }: Execution): JsonObject[] =>
	(runs.get(LAST) ?? []).flatMap(({ outputs }) => outputs.flat().map(({ json }) => json));

function workflowOf({ trigger, last }: Case, credential: JsonObject, path: string): Workflow {
	const parameters = isObject(trigger.parameters) ? trigger.parameters : {};
	const isWebhook = trigger.type === 'n8n-nodes-base.webhook';
	return {
		name: `Caller ${path}`,
		nodes: [
			{ ...trigger, webhookId: path, parameters: { ...parameters, ...(isWebhook && { path }) } },
			{
				...node(GENERATE, MIDJOURNEY, 1, {
					...{ authentication: 'midApi', resource: 'image', operation: 'generate' },
					...{ mode: 'textToImage', prompt: 'a cup', waitMode: 'auto' },
					download: false,
					waitOptions: { firstCheck: 1 },
					options: { outputItems: 'task' },
				}),
				credentials: { midApi: credential },
			},
			last ?? noOp(LAST),
		],
		connections: { Start: to(GENERATE), [GENERATE]: to(LAST) },
		settings: { executionOrder: 'v1' },
	};
}

/** A client of an MCP server of n8n, with one session. */
class McpClient {
	private count = 0;

	private session?: string;

	private constructor(private readonly url: string) {}

	static async connect(url: string): Promise<McpClient> {
		const client = new McpClient(url);
		await client.call('initialize', {
			...{ protocolVersion: '2025-03-26', capabilities: {} },
			clientInfo: { name: 'test', version: '1' },
		});
		await client.send({ method: 'notifications/initialized' });
		return client;
	}

	/** Gives the result. */
	async call(method: string, params: JsonObject): Promise<unknown> {
		const answer = await this.send({ id: ++this.count, method, params });
		// As an event of a stream, or plain.
		const message = /^data: (.*)$/m.exec(answer)?.[1] ?? answer;
		const { result, error } = object(JSON.parse(message), method);
		if (error !== undefined) throw new Error(JSON.stringify(error));
		return result;
	}

	private async send(message: JsonObject): Promise<string> {
		const answer = await ask(this.url, {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				accept: 'application/json, text/event-stream',
				...(this.session && { 'mcp-session-id': this.session }),
			},
			body: JSON.stringify({ jsonrpc: '2.0', ...message }),
		});
		this.session ??= answer.headers.get('mcp-session-id') ?? undefined;
		return await answer.text();
	}
}

/** The first execution of a workflow. */
async function firstOf(client: N8nClient, workflowId: string): Promise<string> {
	const [execution] = await until(
		'the execution is listed',
		async () => await client.executions(workflowId),
		({ length }) => length > 0,
	);
	return execution?.id ?? '';
}

/** Unwraps the item of a task from what the caller got. */
function finished(answer: unknown): JsonObject {
	const one = Array.isArray(answer) ? answer[0] : answer;
	return object(one, 'what the caller got');
}

describe.each([CURRENT_N8N, OLDER_N8N, LAST_N8N_1])(
	'Who waits for the answer, n8n %s',
	(version) => {
		let n8n: RegularN8n;
		let client: N8nClient;
		let emulator: Emulator;
		let credential: JsonObject;

		beforeAll(async () => {
			({ n8n, client } = await startStage(version));
			emulator = await startEmulator({ latencyMs: TASK_MS, credits: 1e6 });
			const data = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url };
			credential = { id: await client.createCredential('MidAPI', 'midApi', data), name: 'MidAPI' };
		}, START_TIMEOUT_MS);

		afterAll(async () => {
			await n8n?.stop();
			await emulator?.close();
		});

		test.each(CASES.map((one): [string, Case] => [one.title, one]))(
			'%s',
			async (_, one) => {
				const path = randomUUID();
				const workflow = workflowOf(one, credential, path);
				expect(successorsOf(workflow, GENERATE)).toEqual([LAST]);
				const workflowId = await client.importWorkflow(workflow);
				if (one.trigger.type !== manual().type) await client.activate(workflowId);
				const before = emulator.ledger.submits.length;
				const since = Date.now();
				const answer = await one.call({ n8n, client, workflowId, path });
				const took = Date.now() - since;
				if (one.gets === 'item') expect(finished(answer)).toMatchObject({ status: 'completed' });
				if (one.gets === 'end') expect(took).toBeGreaterThan(TASK_MS);

				// Whatever the caller got, the execution ends with the result.
				const ended = await client.finished(await firstOf(client, workflowId), MINUTE);
				expect(itemsOf(ended)).toMatchObject([{ status: 'completed' }]);
				expect(emulator.ledger.submits).toHaveLength(before + 1);
			},
			2 * MINUTE,
		);

		test(
			'MCP Server Trigger: the client gets the finished task',
			async () => {
				const path = randomUUID();
				const workflowId = await client.importWorkflow({
					name: `MCP ${path}`,
					nodes: [
						{
							...node('Server', '@n8n/n8n-nodes-langchain.mcpTrigger', 2, { path }),
							webhookId: path,
						},
						{
							...node('Painter', `${MIDJOURNEY}Tool`, 1, {
								...{ authentication: 'midApi', resource: 'image', operation: 'generate' },
								prompt: "={{ $fromAI('prompt', 'What to paint', 'string') }}",
								waitOptions: { firstCheck: 1 },
							}),
							credentials: { midApi: credential },
						},
					],
					connections: { Painter: { ai_tool: [[{ node: 'Server', type: 'ai_tool', index: 0 }]] } },
					settings: { executionOrder: 'v1' },
				});
				await client.activate(workflowId);
				const before = emulator.ledger.submits.length;
				const mcp = await McpClient.connect(`${n8n.webhookUrl}/mcp/${path}`);
				const tools = await mcp.call('tools/list', {});
				const [tool] = list(object(tools, 'tools').tools, 'tools');
				const answer = await mcp.call('tools/call', {
					name: object(tool, 'tool').name,
					arguments: { prompt: 'a cup' },
				});
				expect(JSON.stringify(answer)).toContain('completed');
				expect(emulator.ledger.submits).toHaveLength(before + 1);
			},
			2 * MINUTE,
		);

		test(
			'evaluation: the finished item is evaluated',
			async () => {
				const project = object(await client.request('GET', '/rest/projects/personal'), 'project');
				const tables = `/rest/projects/${text(project.id, 'id')}/data-tables`;
				const columns = [{ name: 'prompt', type: 'string' }];
				const created = await client.request('POST', tables, { name: randomUUID(), columns });
				const tableId = text(object(created, 'data table').id, 'id');
				const data = [{ prompt: 'a cup' }];
				await client.request('POST', `${tables}/${tableId}/insert`, { data, returnType: 'count' });

				const one: Case = {
					...{ title: '', call: async () => {}, gets: 'nothing' },
					trigger: node('Start', 'n8n-nodes-base.evaluationTrigger', 4.7, {
						source: 'dataTable',
						dataTableId: { __rl: true, mode: 'id', value: tableId },
					}),
					last: node(LAST, 'n8n-nodes-base.evaluation', 4.7, {
						...{ operation: 'setMetrics', metric: 'customMetrics' },
						metrics: {
							assignments: [
								{
									...{ id: randomUUID(), name: 'isDone', type: 'number' },
									value: "={{ $json.status === 'completed' ? 1 : 0 }}",
								},
							],
						},
					}),
				};
				const workflowId = await client.importWorkflow(workflowOf(one, credential, randomUUID()));
				const runs = `/rest/workflows/${workflowId}/test-runs`;
				const before = emulator.ledger.submits.length;
				await client.request('POST', `${runs}/new`, {});
				const run = await until(
					'the evaluation has ended',
					async () => list(await client.request('GET', runs), 'runs').find(isObject),
					(one) => one?.status === 'completed' || one?.status === 'error',
				);
				expect(run).toMatchObject({ status: 'completed', metrics: { isDone: 1 } });
				expect(emulator.ledger.submits).toHaveLength(before + 1);
			},
			2 * MINUTE,
		);

		test(
			'n8n execute: the finished item is printed',
			async () => {
				const one: Case = { title: '', trigger: manual(), call: async () => {}, gets: 'item' };
				const workflowId = await client.importWorkflow(workflowOf(one, credential, randomUUID()));
				await n8n.down('SIGTERM');
				const printed = await n8n
					.command('execute', `--id=${workflowId}`, '--rawOutput')
					.finally(async () => await n8n.up());
				// The status of the execution and that of its items.
				const statuses = [...printed.matchAll(/"status":\s*"(\w+)"/g)].map(([, status]) => status);
				expect(statuses).toContain('completed');
				expect(statuses).not.toContain('waiting');
				expect(statuses).not.toContain('pending');
			},
			3 * MINUTE,
		);
	},
);
