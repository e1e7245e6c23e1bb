/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a real n8n, it is not a node */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import { callbackUrl, relayKey } from '../../nodes/Midjourney/tasks/callbackUrl';
import { type Emulator, startEmulator } from '../emulator';
import type { Item, N8nClient } from '../n8n/client';
import { CURRENT_N8N, OLDER_N8N } from '../n8n/install';
import { isObject, type JsonObject, object, text } from '../n8n/json';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { createCredentials, type Credentials } from '../n8n/workflows';

const MINUTE = 60_000;
const API_KEY = 'trigger-test-key';
const HMAC_KEY = 'trigger-test-hmac';
const TRIGGER = 'Midjourney Trigger';

/** Whose callbacks; `foreign`: those of a Vtrix that names its task as its own supplier does. */
type ProviderName = 'midApi' | 'vtrix' | 'foreign';

describe.each([CURRENT_N8N, OLDER_N8N])('The Trigger in n8n %s', (version) => {
	let n8n: N8nServer;
	let client: N8nClient;
	let emulator: Emulator;
	/** Where a workflow tells its resume URL while it is running. */
	let notes: { server: Server; url: string; next: () => Promise<string> };
	/** Like `emulator`, but its Vtrix calls back with the words of its own supplier (wire.md: Vtrix callbacks). */
	let foreign: Emulator;
	let credentials: Record<ProviderName, Credentials>;

	beforeAll(async () => {
		({ n8n, client } = await startStage(version));
		emulator = await startEmulator({
			apiKey: API_KEY,
			hmacKey: HMAC_KEY,
			latencyMs: Infinity,
			callbackRetryPausesMs: [],
		});
		const data = { apiKey: API_KEY, baseUrl: emulator.url, webhookSecret: HMAC_KEY };
		const id = await client.createCredential('MidAPI', 'midApi', data);
		foreign = await startEmulator({
			...{ apiKey: API_KEY, latencyMs: Infinity, callbackRetryPausesMs: [] },
			vtrix: { callbackBody: 'job' },
		});
		const vtrix = await createCredentials(client, { apiKey: API_KEY, baseUrl: emulator.url });
		const other = await createCredentials(client, { apiKey: API_KEY, baseUrl: foreign.url });
		credentials = { midApi: { midApi: { id, name: 'MidAPI' } }, vtrix, foreign: other };
		notes = await startNotes();
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		notes?.server.close();
		await emulator?.close();
		await foreign?.close();
		await n8n?.stop();
	});

	/** Publishes a workflow of the Trigger alone. */
	async function publish(
		parameters: JsonObject,
		provider: ProviderName = 'midApi',
	): Promise<{ workflowId: string; url: string }> {
		const webhookId = randomUUID();
		const workflowId = await client.importWorkflow({
			name: `Trigger ${webhookId}`,
			nodes: [
				{
					...{ id: randomUUID(), name: TRIGGER, webhookId, position: [0, 0] },
					...{ type: 'n8n-nodes-midjourney.midjourneyTrigger', typeVersion: 1 },
					parameters: {
						authentication: provider === 'midApi' ? 'midApi' : 'vtrix',
						...parameters,
					},
					credentials: credentials[provider],
				},
			],
			connections: {},
			settings: { executionOrder: 'v1' },
		});
		await client.activate(workflowId);
		const url = `${n8n.url}/webhook/${webhookId}/webhook`;
		// It is live a moment after n8n says so; its own refusal of a call without anything in it shows when.
		for (const deadline = Date.now() + MINUTE; Date.now() < deadline; await pause(100)) {
			if ('ok' in (await post(url, {})).body) return { workflowId, url };
		}
		throw new Error(`${url} never came to life`);
	}

	/** Buys a task that reports to `url` and ends in the given way. */
	async function taskThatEnds(url: string, prompt = 'A lighthouse'): Promise<string> {
		const answer = await fetch(`${emulator.url}/api/v1/mj/generate`, {
			method: 'POST',
			headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
			body: JSON.stringify({ taskType: 'mj_txt2img', prompt, speed: 'fast', callBackUrl: url }),
		});
		const { data } = object(await answer.json(), 'answer');
		const taskId = text(object(data, 'data').taskId, 'taskId');
		emulator.finish(taskId);
		await emulator.callbacksSettled();
		return taskId;
	}

	/** The same at Vtrix. */
	async function vtrixTaskThatEnds(
		callback: string,
		{ of = emulator, text: prompt = 'A lighthouse' } = {},
	): Promise<string> {
		const answer = await fetch(`${of.url}/model/v1/generation`, {
			method: 'POST',
			headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
			body: JSON.stringify({
				model: 'midjourney_diffusion',
				input: [{ params: { text: prompt, callback } }],
			}),
		});
		const taskId = text(object(await answer.json(), 'answer').id, 'id');
		of.finish(taskId);
		await of.callbacksSettled();
		return taskId;
	}

	const answersFor = (taskId: string) =>
		emulator.ledger.callbacks.flatMap((sent) => (sent.taskId === taskId ? [sent.status] : []));

	/** The items that the Trigger started executions with, once there are as many executions as expected. */
	async function started(workflowId: string, count: number): Promise<Item[][]> {
		// One too many would have begun by then.
		await pause(500);
		for (const deadline = Date.now() + MINUTE; Date.now() < deadline; await pause(200)) {
			if ((await client.executions(workflowId)).length >= count) break;
		}
		const executions = await client.executions(workflowId);
		expect(executions).toHaveLength(count);
		return await Promise.all(
			executions.map(async ({ id }) => {
				const { runs } = await client.finished(id, MINUTE);
				return (runs.get(TRIGGER) ?? []).flatMap(({ outputs }) => outputs.flat());
			}),
		);
	}

	/** Starts a workflow that tells its resume URL, works for some seconds, and then waits. */
	async function waitingExecution(): Promise<{ executionId: string; resumeUrl: string }> {
		const manual = 'When clicking ‘Execute workflow’';
		const node = (name: string, type: string, typeVersion: number, parameters: JsonObject) => ({
			...{ id: randomUUID(), name, position: [0, 0], webhookId: randomUUID() },
			...{ type: `n8n-nodes-base.${type}`, typeVersion, parameters },
		});
		const to = (name: string) => ({ main: [[{ node: name, type: 'main', index: 0 }]] });
		const workflowId = await client.importWorkflow({
			name: 'Waits',
			nodes: [
				node(manual, 'manualTrigger', 1, {}),
				node('Tell', 'httpRequest', 4.2, {
					...{ method: 'POST', url: notes.url, sendBody: true },
					bodyParameters: {
						parameters: [{ name: 'url', value: '={{ $execution.resumeUrl }}' }],
					},
				}),
				node('Work', 'wait', 1.1, { resume: 'timeInterval', amount: 3, unit: 'seconds' }),
				node('Park', 'wait', 1.1, { resume: 'webhook', httpMethod: 'POST', options: {} }),
			],
			connections: { [manual]: to('Tell'), Tell: to('Work'), Work: to('Park') },
			settings: { executionOrder: 'v1' },
		});
		const executionId = await client.run(workflowId, manual);
		return { executionId, resumeUrl: await notes.next() };
	}

	const relayed = (resumeUrl: string, url: string, key = API_KEY) =>
		callbackUrl({
			...{ resumeUrl, nonce: 'n', position: 0, reference: 'order 7' },
			relay: { url, key: relayKey(key) },
		});

	test(
		'starts one execution for each end, however often it is told',
		async () => {
			const { workflowId, url } = await publish({});
			const completed = await taskThatEnds(`${url}?mjReference=order%207`);
			await Promise.all([emulator.deliverCallback(completed), emulator.deliverCallback(completed)]);
			const failed = await taskThatEnds(url, 'A lighthouse [fail]');
			await emulator.deliverCallback(failed);
			expect([answersFor(completed), answersFor(failed)]).toEqual([
				[200, 200, 200],
				[200, 200],
			]);
			const items = (await started(workflowId, 2)).flat().map(({ json }) => json);
			expect(items).toHaveLength(2);
			expect(items.find(({ taskId }) => taskId === completed)).toMatchObject({
				...{ provider: 'midApi', status: 'completed', via: 'callback', reference: 'order 7' },
				outputs: [{ index: 0, type: 'image' }, { index: 1 }, { index: 2 }, { index: 3 }],
				callback: { receivedAt: expect.stringMatching(/^\d{4}-/) },
			});
			expect(items.find(({ taskId }) => taskId === failed)).toMatchObject({
				...{ status: 'failed', outputs: [], errorMessage: expect.any(String) },
			});
		},
		2 * MINUTE,
	);

	test(
		'refuses what is not signed, and starts nothing for what is filtered',
		async () => {
			const { workflowId, url } = await publish({ triggerOn: ['failed'] });
			const taskId = await taskThatEnds(url);
			expect(answersFor(taskId)).toEqual([200]);
			expect((await post(url, { data: { taskId } })).status).toBe(401);
			await started(workflowId, 0);
		},
		3 * MINUTE,
	);

	test(
		'answers first, then downloads',
		async () => {
			const options = { download: true, outputItems: 'output' };
			const { workflowId, url } = await publish({ options });
			// No file comes before the provider has its answer: downloading first would never end.
			const release = emulator.intercept(async ({ path }) => {
				if (!path.startsWith('/api/')) await emulator.callbacksSettled();
				return undefined;
			});
			const taskId = await taskThatEnds(url);
			expect(answersFor(taskId)).toEqual([200]);
			const [items = []] = await started(workflowId, 1);
			expect(items.map(({ binary }) => binary.data?.mimeType)).toEqual(Array(4).fill('image/png'));
			release();
		},
		2 * MINUTE,
	);

	test(
		'comes again while the provider cannot be asked',
		async () => {
			const { workflowId, url } = await publish({});
			const mend = emulator.intercept(async ({ path }) =>
				path.includes('record-info') ? { status: 503, body: {} } : undefined,
			);
			const taskId = await taskThatEnds(url);
			mend();
			await emulator.deliverCallback(taskId);
			expect(answersFor(taskId)).toEqual([503, 200]);
			await started(workflowId, 1);
		},
		2 * MINUTE,
	);

	test(
		'starts for both ends of a task of Vtrix, which signs nothing, and for nothing that it does not know',
		async () => {
			const { workflowId, url } = await publish({}, 'vtrix');
			const completed = await vtrixTaskThatEnds(`${url}?mjReference=order%207`);
			await emulator.deliverCallback(completed);
			const failed = await vtrixTaskThatEnds(url, { text: 'A lighthouse [fail]' });
			expect((await post(url, { id: 'made-up', status: 'completed' })).status).toBe(404);
			expect([answersFor(completed), answersFor(failed)]).toEqual([[200, 200], [200]]);
			const items = (await started(workflowId, 2)).flat().map(({ json }) => json);
			expect(items.find(({ taskId }) => taskId === completed)).toMatchObject({
				...{ provider: 'vtrix', status: 'completed', via: 'callback', reference: 'order 7' },
				...{ jobId: expect.any(String), cost: expect.any(Number), outputs: { length: 4 } },
			});
			expect(items.find(({ taskId }) => taskId === failed)).toMatchObject({
				...{ status: 'failed', outputs: [], errorMessage: expect.any(String) },
			});
		},
		2 * MINUTE,
	);

	test(
		'hands a callback on that names its task in words of its own, because the address is signed',
		async () => {
			const { workflowId, url } = await publish({}, 'foreign');
			const { executionId, resumeUrl } = await waitingExecution();
			const taskId = await vtrixTaskThatEnds(relayed(resumeUrl, url), { of: foreign });
			expect(foreign.ledger.callbacksOf(taskId)).toMatchObject([{ status: 200 }]);
			expect(await client.finished(executionId, MINUTE)).toMatchObject({ status: 'success' });
			await started(workflowId, 0);
		},
		3 * MINUTE,
	);

	test(
		'resumes an execution that is not yet waiting when the callback comes, and no other address',
		async () => {
			const { workflowId, url } = await publish({ onCallback: 'resume' });
			const { executionId, resumeUrl } = await waitingExecution();
			const stranger = await taskThatEnds(relayed(notes.url, url, 'other-key'));
			expect(answersFor(stranger)).toEqual([401]);

			expect((await client.execution(executionId)).status).toBe('running');
			const taskId = await taskThatEnds(relayed(resumeUrl, url));
			expect(answersFor(taskId)).toEqual([200]);
			const { status, runs } = await client.finished(executionId, MINUTE);
			expect(status).toBe('success');
			expect(runs.get('Park')?.[0]?.outputs[0]?.[0]?.json).toMatchObject({
				body: { data: { taskId } },
				query: { mjNonce: 'n', mjReference: 'order 7' },
				headers: { 'x-webhook-signature': expect.any(String) },
			});

			// Late, when nothing waits any more: acknowledged.
			await emulator.deliverCallback(taskId);
			expect(answersFor(taskId)).toEqual([200, 200]);
			await started(workflowId, 0);
		},
		3 * MINUTE,
	);
});

async function post(url: string, body: JsonObject): Promise<{ status: number; body: JsonObject }> {
	const headers = { 'content-type': 'application/json' };
	const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
	const said: unknown = await answer.json().catch(() => ({}));
	return { status: answer.status, body: isObject(said) ? said : {} };
}

/** A server that takes notes of URLs. */
async function startNotes(): Promise<{ server: Server; url: string; next: () => Promise<string> }> {
	const urls: string[] = [];
	const server = createServer((request, response) => {
		let body = '';
		request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
		request.on('end', () => {
			urls.push(text(object(JSON.parse(body), 'note').url, 'url'));
			response.setHeader('content-type', 'application/json').end('{}');
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('No port');
	const next = async () => {
		for (const deadline = Date.now() + MINUTE; Date.now() < deadline; await pause(50)) {
			const url = urls.shift();
			if (url !== undefined) return url;
		}
		throw new Error('Nobody told a URL');
	};
	return { server, url: `http://127.0.0.1:${address.port}/`, next };
}
