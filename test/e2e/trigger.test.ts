/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- drives a real n8n, it is not a node */
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { type Emulator, startEmulator } from '../emulator';
import type { Item, N8nClient } from '../n8n/client';
import { CURRENT_N8N, LAST_N8N_1, OLDER_N8N } from '../n8n/install';
import { isObject, type JsonObject, text } from '../n8n/json';
import { holdFiles } from '../scenarios/heldFiles';
import { prompts, Wait } from '../scenarios/wait';
import { until } from '../n8n/until';
import { freePort } from '../n8n/process';
import type { RegularN8n } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { createCredentials, type Credentials, MIDJOURNEY } from '../n8n/workflows';

const MINUTE = 60_000;
const API_KEY = 'trigger-test-key';
const HMAC_KEY = 'trigger-test-hmac';
const TRIGGER = 'Midjourney Trigger';
const MANUAL = 'When clicking ‘Execute workflow’';

/** With and without signed callbacks; a Vtrix that names the task as its supplier does (wire.md: Vtrix callbacks). */
type ProviderName = 'signing' | 'midApi' | 'vtrix' | 'foreign';

describe.each([CURRENT_N8N, OLDER_N8N, LAST_N8N_1])('The Trigger in n8n %s', (version) => {
	/** The file that says how far n8n's clock is ahead; see later.cjs. */
	const clock = join(tmpdir(), `midjourney-clock-${randomUUID()}`);
	let n8n: RegularN8n;
	let client: N8nClient;
	let signing: Emulator;
	let plain: Emulator;
	let foreign: Emulator;
	let credentials: Record<ProviderName, Credentials>;

	beforeAll(async () => {
		({ n8n, client } = await startStage(version, {
			NODE_OPTIONS: `--require ${join(__dirname, '..', 'n8n', 'later.cjs')}`,
			MIDJOURNEY_LATER: clock,
		}));
		const usual = { apiKey: API_KEY, latencyMs: Infinity, callbackRetryPausesMs: [] };
		signing = await startEmulator({ ...usual, hmacKey: HMAC_KEY });
		plain = await startEmulator(usual);
		foreign = await startEmulator({ ...usual, vtrix: { callbackBody: 'job' } });
		const store = async (of: Emulator, more: JsonObject = {}): Promise<Credentials> => {
			const name = `MidAPI ${randomUUID()}`;
			const data = { apiKey: API_KEY, baseUrl: of.url, ...more };
			return { midApi: { id: await client.createCredential(name, 'midApi', data), name } };
		};
		const both = async (of: Emulator) =>
			await createCredentials(client, { apiKey: API_KEY, baseUrl: of.url });
		credentials = {
			// As while the secret is being changed.
			signing: await store(signing, {
				webhookSecret: 'the new one',
				previousWebhookSecret: HMAC_KEY,
			}),
			midApi: await store(plain),
			vtrix: await both(plain),
			foreign: await both(foreign),
		};
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		for (const emulator of [signing, plain, foreign]) await emulator?.close();
		await n8n?.stop();
		await rm(clock, { force: true });
	});

	const emulatorOf = (provider: ProviderName): Emulator =>
		({ signing, midApi: plain, vtrix: plain, foreign })[provider];
	const isVtrix = (provider: ProviderName) => provider === 'vtrix' || provider === 'foreign';
	const nodeOf = (provider: ProviderName, parameters: JsonObject) => ({
		...{ id: randomUUID(), position: [0, 0], typeVersion: 1 },
		parameters: {
			authentication: isVtrix(provider) ? 'vtrix' : 'midApi',
			download: false,
			...parameters,
			options: { outputItems: 'task', ...(isObject(parameters.options) && parameters.options) },
		},
		credentials: credentials[provider],
	});

	/** Imports a workflow with the Trigger alone. */
	async function draft(
		parameters: JsonObject,
		provider: ProviderName,
	): Promise<{ workflowId: string; webhookId: string }> {
		const webhookId = randomUUID();
		const node = nodeOf(provider, parameters);
		const workflowId = await client.importWorkflow({
			name: `Trigger ${webhookId}`,
			nodes: [
				{
					...node,
					...{ name: TRIGGER, webhookId, type: 'n8n-nodes-midjourney.midjourneyTrigger' },
				},
			],
			connections: {},
			settings: { executionOrder: 'v1' },
		});
		return { workflowId, webhookId };
	}

	/** Imports and publishes such a workflow. */
	async function publish(
		parameters: JsonObject,
		provider: ProviderName = 'signing',
	): Promise<{ workflowId: string; url: string }> {
		const { workflowId, webhookId } = await draft(parameters, provider);
		const url = `${n8n.url}/webhook/${webhookId}/webhook`;
		await goLive(workflowId, url);
		return { workflowId, url };
	}

	async function goLive(workflowId: string, url: string): Promise<void> {
		await client.activate(workflowId);
		await live(url);
	}

	/** Waits until the Trigger itself answers, a moment after n8n calls it published. */
	async function live(url: string): Promise<void> {
		await until(
			`${url} is live`,
			async () => (await post(url, {})).body,
			(body) => 'ok' in body,
			MINUTE,
		);
	}

	/** Has a real Midjourney node buy a task whose callback goes to the Trigger. */
	async function buy(
		triggerUrl: string,
		{ provider = 'signing', prompt = 'A lighthouse', waits = false, reference = '' }: Buying = {},
	): Promise<Bought> {
		const unique = `${prompt} ${randomUUID()}`;
		const workflowId = await client.importWorkflow({
			name: unique,
			nodes: [
				{
					...{ id: randomUUID(), name: MANUAL, position: [0, 0], typeVersion: 1 },
					...{ type: 'n8n-nodes-base.manualTrigger', parameters: {} },
				},
				{
					...nodeOf(provider, {
						...{ resource: 'image', operation: 'generate', mode: 'textToImage', prompt: unique },
						waitMode: waits ? 'callback' : 'dontWait',
						options: { triggerUrl, ...(reference !== '' && { reference }) },
					}),
					...{ name: 'Generate', type: MIDJOURNEY },
				},
			],
			connections: { [MANUAL]: { main: [[{ node: 'Generate', type: 'main', index: 0 }]] } },
			settings: { executionOrder: 'v1' },
		});
		const executionId = await client.run(workflowId, MANUAL);
		const { taskId, callbackUrl } = await until(
			'the task is bought',
			() => {
				const { submits } = emulatorOf(provider).ledger;
				return submits.find(({ params }) => Object.values(params).includes(unique));
			},
			(submit) => submit !== undefined,
			MINUTE,
		).then((submit) => submit ?? { taskId: '', callbackUrl: '' });
		await until(
			'the node is done, or parked',
			async () => (await client.execution(executionId)).status,
			(status) => status === (waits ? 'waiting' : 'success'),
			MINUTE,
		);
		return { taskId, url: text(callbackUrl, 'callbackUrl'), executionId, provider };
	}

	/** Ends the task and delivers its callback. */
	async function finish({ taskId, provider }: Bought): Promise<void> {
		emulatorOf(provider).finish(taskId);
		await emulatorOf(provider).callbacksSettled();
	}

	/** Delivers the callback again, or to another address. */
	const call = async ({ taskId, provider }: Bought, to?: string) =>
		(await emulatorOf(provider).deliverCallback(taskId, { to }))[0];

	const answersFor = ({ taskId, provider }: Bought) =>
		emulatorOf(provider)
			.ledger.callbacksOf(taskId)
			.map(({ status }) => status);

	/** The items that the Trigger has started workflows with, once there are as many as expected. */
	async function started(workflowId: string, count: number): Promise<Item[]> {
		// One too many would have begun by then.
		await pause(500);
		const look = async () => {
			const executions = await client.executions(workflowId);
			const all = await Promise.all(
				executions.map(async ({ id }) => await client.finished(id, MINUTE)),
			);
			return all.flatMap(({ runs }) =>
				(runs.get(TRIGGER) ?? []).flatMap(({ outputs }) => outputs.flat()),
			);
		};
		const items = await until(
			`${count} items`,
			look,
			({ length }) => length >= count,
			MINUTE,
		).catch(look);
		expect(items).toHaveLength(count);
		return items;
	}

	test(
		'starts once for each task that ends, however often it is called',
		async () => {
			const { workflowId, url } = await publish({});
			const completed = await buy(url, { reference: 'order 7' });
			const failed = await buy(url, { prompt: 'A lighthouse [fail]' });
			await finish(completed);
			await Promise.all([call(completed), call(completed)]);
			await finish(failed);
			await call(failed);
			expect([answersFor(completed), answersFor(failed)]).toEqual([
				[200, 200, 200],
				[200, 200],
			]);
			const items = (await started(workflowId, 2)).map(({ json }) => json);
			expect(items.find(({ taskId }) => taskId === completed.taskId)).toMatchObject({
				...{ provider: 'midApi', status: 'completed', via: 'callback', reference: 'order 7' },
				outputs: [{ index: 0, type: 'image' }, { index: 1 }, { index: 2 }, { index: 3 }],
				callback: { receivedAt: expect.stringMatching(/^\d{4}-/) },
				deduplicationKey: `${completed.taskId}:completed`,
			});
			expect(items.find(({ taskId }) => taskId === failed.taskId)).toMatchObject({
				...{ status: 'failed', outputs: [], errorMessage: expect.any(String) },
			});
			expect(await client.executions(workflowId)).toHaveLength(2);
		},
		3 * MINUTE,
	);

	test(
		'starts once also after unpublishing and publishing, and after a restart of n8n',
		async () => {
			const { workflowId, url } = await publish({});
			const bought = await buy(url);
			await finish(bought);
			await started(workflowId, 1);
			await client.deactivate(workflowId);
			await goLive(workflowId, url);
			expect(await call(bought)).toBe(200);
			await n8n.crashAndStart();
			await live(url);
			expect(await Promise.all([call(bought), call(bought), call(bought)])).toEqual([
				200, 200, 200,
			]);
			expect(await call(bought)).toBe(200);
			await started(workflowId, 1);
			const another = await buy(url);
			await finish(another);
			await started(workflowId, 2);
		},
		5 * MINUTE,
	);

	test(
		'refuses calls that do not prove themselves, without a further word, a read or a start',
		async () => {
			const { workflowId, url } = await publish({});
			const other = await publish({});
			const bought = await buy(url);
			signing.finish(bought.taskId);
			await signing.callbacksSettled();
			await started(workflowId, 1);
			signing.ledger.clear();
			const body = { data: { taskId: bought.taskId } };
			const altered = bought.url.replace(/(mjToken=.{30})./, '$1-');
			const refusals = await Promise.all([
				post(url, body),
				post(bought.url, body),
				post(altered, body),
				post(`${url}?mjReference=order`, body),
			]);
			for (const { status, body: said } of refusals) {
				expect({ status, said }).toEqual({
					status: 401,
					said: { ok: false, message: 'The call is not authenticated' },
				});
			}
			// Signed by the provider, but not asked for at this address.
			const to = bought.url.replace(url, other.url);
			expect(to).toContain(other.url);
			expect([
				await call(bought, altered),
				await call(bought, to),
				await call(bought, url),
			]).toEqual([401, 401, 401]);
			expect(signing.ledger.reads).toEqual([]);
			await started(workflowId, 1);
			await started(other.workflowId, 0);
			expect(n8n.log()).toMatch(
				/Midjourney Trigger 'Midjourney Trigger' refused \d+ calls? in the/,
			);
		},
		3 * MINUTE,
	);

	test(
		'starts nothing for an end that is not chosen',
		async () => {
			const { workflowId, url } = await publish({ triggerOn: ['failed'] });
			const bought = await buy(url);
			await finish(bought);
			expect(answersFor(bought)).toEqual([200]);
			await started(workflowId, 0);
		},
		2 * MINUTE,
	);

	test(
		'accepts tasks submitted elsewhere if it may, and reads a bounded number of them',
		async () => {
			const parameters = { onlyOwnTasks: false, options: { outputItems: 'task' } };
			const { workflowId, url } = await publish(parameters, 'midApi');
			const bought = await buy(url, { provider: 'midApi' });
			plain.finish(bought.taskId);
			await plain.callbacksSettled();
			await started(workflowId, 1);
			// An address that somebody else might give, with a task that was not bought with it.
			const elsewhere = await buy((await publish({}, 'midApi')).url, { provider: 'midApi' });
			plain.finish(elsewhere.taskId);
			await plain.callbacksSettled();
			expect(await call(elsewhere, `${url}?mjReference=order%209`)).toBe(200);
			const items = await started(workflowId, 2);
			expect(items.find(({ json }) => json.taskId === elsewhere.taskId)?.json).toMatchObject({
				reference: 'order 9',
			});
			plain.ledger.clear();
			const begin = Date.now();
			const unknown = await Promise.all(
				Array.from({ length: 120 }, async (_, n) => await post(url, { taskId: `made-up-${n}` })),
			);
			const seconds = (Date.now() - begin) / 1000;
			expect(unknown.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
			// Forty at once, and twenty a second.
			expect(plain.ledger.reads.length).toBeLessThanOrEqual(41 + 20 * seconds);
			const { length } = plain.ledger.reads;
			const [first] = plain.ledger.reads;
			await Promise.all(
				Array.from({ length: 10 }, async () => await post(url, { taskId: first?.taskId ?? '' })),
			);
			expect(plain.ledger.reads).toHaveLength(length);
			await started(workflowId, 2);
		},
		3 * MINUTE,
	);

	const FILES = { download: true, options: { outputItems: 'output' } };
	const typesOf = (items: readonly Item[]) => items.map(({ binary }) => binary.data?.mimeType);
	const FOUR_PICTURES: readonly string[] = Array(4).fill('image/png');

	test(
		'answers once the execution has begun, while its files are still being fetched',
		async () => {
			const { workflowId, url } = await publish(FILES);
			const bought = await buy(url);
			const files = holdFiles(signing);
			await finish(bought);
			expect(answersFor(bought)).toEqual([200]);
			await files.areAskedFor();
			expect(await client.executions(workflowId)).toMatchObject([{ status: 'running' }]);
			files.letGo();
			expect(typesOf(await started(workflowId, 4))).toEqual(FOUR_PICTURES);
		},
		2 * MINUTE,
	);

	test(
		'leaves an execution that can be retried if n8n is killed before the files are fetched',
		async () => {
			const { workflowId, url } = await publish(FILES);
			const bought = await buy(url, { reference: 'order 7' });
			const files = holdFiles(signing);
			await finish(bought);
			expect(answersFor(bought)).toEqual([200]);
			await files.areAskedFor();
			await n8n.crashAndStart();
			files.letGo();
			const [crashed] = await until(
				'the execution has crashed',
				async () => await client.executions(workflowId),
				([execution]) => execution?.status === 'crashed',
				MINUTE,
			);
			await live(url);
			expect(await call(bought)).toBe(200);
			await started(workflowId, 0);
			await client.retry(workflowId, text(crashed?.id, 'id'));
			const items = await started(workflowId, 4);
			expect(typesOf(items)).toEqual(FOUR_PICTURES);
			expect(items.map(({ json }) => [json.taskId, json.reference])).toEqual(
				Array(4).fill([bought.taskId, 'order 7']),
			);
		},
		3 * MINUTE,
	);

	test(
		'accepts test calls while the workflow is being built, also for the same task',
		async () => {
			const { workflowId, webhookId } = await draft(FILES, 'midApi');
			const bought = await buy(`${n8n.url}/webhook-test/${webhookId}/webhook`, {
				provider: 'midApi',
			});
			plain.finish(bought.taskId);
			await plain.callbacksSettled();
			for (const count of [4, 8]) {
				await client.listen(workflowId, TRIGGER);
				expect(await call(bought)).toBe(200);
				const items = await started(workflowId, count);
				expect(new Set(typesOf(items))).toEqual(new Set(['image/png']));
			}
		},
		2 * MINUTE,
	);

	test(
		'asks calls to come again while the provider cannot be read',
		async () => {
			const { workflowId, url } = await publish({});
			const bought = await buy(url);
			const mend = signing.intercept(async ({ path }) =>
				path.includes('record-info') ? { status: 503, body: {} } : undefined,
			);
			await finish(bought);
			mend();
			await call(bought);
			expect(answersFor(bought)).toEqual([503, 200]);
			await started(workflowId, 1);
		},
		2 * MINUTE,
	);

	test(
		'starts for a task of Vtrix, which does not sign its calls',
		async () => {
			const { workflowId, url } = await publish({}, 'vtrix');
			const bought = await buy(url, { provider: 'vtrix', reference: 'order 7' });
			await finish(bought);
			await call(bought);
			expect(answersFor(bought)).toEqual([200, 200]);
			const [item] = await started(workflowId, 1);
			expect(item?.json).toMatchObject({
				...{ provider: 'vtrix', status: 'completed', via: 'callback', reference: 'order 7' },
				...{ jobId: expect.any(String), cost: expect.any(Number), outputs: { length: 4 } },
			});
		},
		2 * MINUTE,
	);

	test.each<ProviderName>(['signing', 'foreign'])(
		'wakes the execution that waits in the same process, and starts, after one read of the task (%s)',
		async (provider) => {
			const { workflowId, url } = await publish({}, provider);
			const bought = await buy(url, { provider, waits: true });
			const { ledger } = emulatorOf(provider);
			await finish(bought);
			expect(answersFor(bought)).toEqual([200]);
			expect(await client.finished(bought.executionId, 10_000)).toMatchObject({
				status: 'success',
			});
			expect(ledger.readsOf(bought.taskId)).toHaveLength(1);
			await call(bought);
			expect(answersFor(bought)[1]).toBe(provider === 'foreign' ? 503 : 200);
			await started(workflowId, 1);
		},
		3 * MINUTE,
	);

	test(
		'hands a call on to the execution that has waited since before a restart of n8n, and to no other',
		async () => {
			const { workflowId, url } = await publish({ onCallback: 'resume' });
			const bought = await buy(url, { waits: true });
			await n8n.crashAndStart();
			await live(url);
			await finish(bought);
			expect(answersFor(bought)).toEqual([200]);
			expect(await client.finished(bought.executionId, 10_000)).toMatchObject({
				status: 'success',
			});
			// A late call, when nothing waits any more.
			expect(await call(bought)).toBe(200);
			await started(workflowId, 0);
		},
		3 * MINUTE,
	);

	// This test is the last one, because n8n's clock stays ahead.
	test(
		'refuses an address more than a day past the time limit of its task, without a read',
		async () => {
			const { workflowId, url } = await publish({}, 'midApi');
			const late = await buy(url, { provider: 'midApi' });
			await writeFile(clock, String(26 * 60 * MINUTE));
			await n8n.crashAndStart();
			await live(url);
			await finish(late);
			expect(answersFor(late)).toEqual([401]);
			expect(plain.ledger.readsOf(late.taskId)).toEqual([]);
			const fresh = await buy(url, { provider: 'midApi' });
			await finish(fresh);
			expect(answersFor(fresh)).toEqual([200]);
			const [item] = await started(workflowId, 1);
			expect(item?.json.taskId).toBe(fresh.taskId);
		},
		3 * MINUTE,
	);
});

describe(`The Trigger in an n8n ${CURRENT_N8N} that is kept from private addresses, its own too`, () => {
	let n8n: RegularN8n;
	let client: N8nClient;

	beforeAll(async () => {
		({ n8n, client } = await startStage(CURRENT_N8N, {
			N8N_SSRF_PROTECTION_ENABLED: 'true',
			// The provider, and n8n under this name.
			N8N_SSRF_ALLOWED_HOSTNAMES: 'localhost',
		}));
	}, START_TIMEOUT_MS);

	afterAll(async () => await n8n?.stop());

	/** An execution that waits for a call through a Trigger with these options. */
	async function waitBehind(relayOptions: JsonObject): Promise<Wait> {
		const port = await freePort();
		return await Wait.parked(
			{ client, n8n },
			{
				...{ prompts: prompts(1), relay: true, relayOptions, emulator: { port } },
				credential: { baseUrl: `http://localhost:${port}` },
			},
		);
	}

	test(
		'says what has to be allowed when it is published and when a call comes',
		async () => {
			const before = n8n.log().length;
			const wait = await waitBehind({});
			const refuses = `refuses ${n8n.url}`;
			const advice = "Allow it in n8n's environment (N8N_SSRF_ALLOWED_IP_RANGES";
			const published = n8n.log().slice(before);
			expect(published).toContain('cannot forward calls to executions that wait');
			expect(published).toContain(refuses);
			expect(await wait.finishAndDeliver(0)).toEqual([503]);
			const [, called = ''] = n8n
				.log()
				.split('so it cannot hand calls on to the executions that wait for them');
			expect(called).toContain(refuses);
			expect(called).toContain(advice);
			await client.stopExecution(wait.executionId);
			await wait.close();
		},
		2 * MINUTE,
	);

	test(
		'hands a call on at an Internal Base URL that is allowed',
		async () => {
			const internalUrl = n8n.url.replace('127.0.0.1', 'localhost');
			const before = n8n.log().length;
			const wait = await waitBehind({ internalUrl });
			expect(n8n.log().slice(before)).not.toContain('cannot forward calls');
			expect(await wait.finishAndDeliver(0)).toEqual([200]);
			expect(await client.finished(wait.executionId, MINUTE)).toMatchObject({ status: 'success' });
			await wait.close();
		},
		2 * MINUTE,
	);
});

interface Buying {
	provider?: ProviderName;
	prompt?: string;
	/** Parks until the call comes; unset: returns the task id at once. */
	waits?: boolean;
	reference?: string;
}

interface Bought {
	taskId: string;
	/** The URL that the provider is to call. */
	url: string;
	executionId: string;
	provider: ProviderName;
}

async function post(url: string, body: JsonObject): Promise<{ status: number; body: JsonObject }> {
	const headers = { 'content-type': 'application/json' };
	const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
	const said: unknown = await answer.json().catch(() => ({}));
	return { status: answer.status, body: isObject(said) ? said : {} };
}
