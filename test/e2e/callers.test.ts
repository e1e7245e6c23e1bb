/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a real n8n, it is not a node */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import type { Execution, N8nClient } from '../n8n/client';
import { CURRENT_N8N, LAST_N8N_1, OLDER_N8N } from '../n8n/install';
import { isObject, type JsonObject, object } from '../n8n/json';
import { until } from '../n8n/parking';
import type { RegularN8n } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { MIDJOURNEY, successorsOf, type Workflow } from '../n8n/workflows';

const MINUTE = 60_000;
/** Longer than anybody takes to answer at once, shorter than a caller's patience. */
const TASK_MS = 3000;
const GENERATE = 'Generate';
const LAST = 'Last';

/** What stands before the node, behind it, and who waits for what. */
interface Case {
	title: string;
	trigger: JsonObject;
	/** Behind the node; default: nothing but *Last*. */
	last?: JsonObject;
	/** Calls, and gives what the caller gets. */
	call: (place: Place) => Promise<unknown>;
	/** Whether that is the finished item; else the caller waits for nothing. */
	answered: boolean;
}

interface Place {
	n8n: RegularN8n;
	client: N8nClient;
	workflowId: string;
	/** Where its trigger listens. */
	path: string;
}

const post = async (url: string, body: JsonObject): Promise<unknown> => {
	for (let tries = 1; ; tries++) {
		const answer = await fetch(url, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		const text = await answer.text();
		// Publishing takes a moment.
		if (answer.status === 404 && tries < 50) await pause(100);
		else if (answer.ok) return JSON.parse(text);
		else throw new Error(`${answer.status} ${text}`);
	}
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
const manual = (): JsonObject => node('Start', 'n8n-nodes-base.manualTrigger', 1, {});
const noOp = (name: string): JsonObject => node(name, 'n8n-nodes-base.noOp', 1, {});

const CASES: Case[] = [
	{
		title: 'Webhook, responds immediately',
		trigger: webhook('onReceived'),
		call: callWebhook,
		answered: false,
	},
	{
		title: 'Webhook, responds when the last node finishes',
		trigger: webhook('lastNode'),
		call: callWebhook,
		answered: true,
	},
	{
		title: 'Webhook, responds when the last node finishes, with all entries',
		trigger: webhook('lastNode', { responseData: 'allEntries' }),
		call: callWebhook,
		answered: true,
	},
	{
		title: 'Webhook, with a Respond to Webhook node behind',
		trigger: webhook('responseNode'),
		last: node(LAST, 'n8n-nodes-base.respondToWebhook', 1.1, { options: {} }),
		call: callWebhook,
		answered: true,
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
		answered: true,
	},
	{
		title: 'started by hand',
		trigger: manual(),
		call: async ({ client, workflowId }) => await client.run(workflowId, 'Start'),
		answered: false,
	},
	...[true, false].map(
		(waits): Case => ({
			title: `Execute Sub-workflow, ${waits ? 'waiting' : 'not waiting'}`,
			trigger: node('Start', 'n8n-nodes-base.executeWorkflowTrigger', 1.1, {
				inputSource: 'passthrough',
			}),
			call: async (place) => await callFromParent(place, waits),
			answered: waits,
		}),
	),
];

/** What the node behind *Execute Sub-workflow* gets. */
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
					options: { outputItems: 'task', firstCheck: 1 },
				}),
				credentials: { midApi: credential },
			},
			last ?? noOp(LAST),
		],
		connections: { Start: to(GENERATE), [GENERATE]: to(LAST) },
		settings: { executionOrder: 'v1' },
	};
}

/** What the caller got, however it is wrapped: one item of a task. */
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
				const answer = await one.call({ n8n, client, workflowId, path });
				if (one.answered) expect(finished(answer)).toMatchObject({ status: 'completed' });

				// Whatever the caller got, the execution comes to its end with the result.
				const [execution] = await until(
					'the execution is listed',
					async () => await client.executions(workflowId),
					({ length }) => length > 0,
				);
				const ended = await client.finished(execution?.id ?? '', MINUTE);
				expect(itemsOf(ended)).toMatchObject([{ status: 'completed' }]);
				expect(emulator.ledger.submits).toHaveLength(before + 1);
			},
			2 * MINUTE,
		);

		test(
			'n8n execute: what it prints is the finished item',
			async () => {
				const one: Case = { title: '', trigger: manual(), call: async () => {}, answered: true };
				const workflowId = await client.importWorkflow(workflowOf(one, credential, randomUUID()));
				await n8n.down('SIGTERM');
				const printed = await n8n
					.command('execute', `--id=${workflowId}`, '--rawOutput')
					.finally(async () => await n8n.up());
				// That of the execution, and that of its items.
				const statuses = [...printed.matchAll(/"status":\s*"(\w+)"/g)].map(([, status]) => status);
				expect(statuses).toContain('completed');
				expect(statuses).not.toContain('waiting');
				expect(statuses).not.toContain('pending');
			},
			3 * MINUTE,
		);
	},
);
