/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a real n8n, it is not a node */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { DEFAULT_API_KEY, type Emulator, type EmulatorOptions, startEmulator } from '../emulator';
import { signCallback } from '../emulator/callbacks';
import type { Approval } from '../scenarios/approvals';
import type { N8nClient } from '../n8n/client';
import { isObject, type JsonObject, optionalText, text } from '../n8n/json';
import { type Place, prompts, Wait } from '../scenarios/wait';
import { until } from '../n8n/until';
import { MIDJOURNEY } from '../n8n/workflows';
import { type Aim, bodyOf, type Change, type Kind, type Proof, TOKEN, tokenOf } from './attacks';
import { send, type Sent, type Witness } from './http';

/** The pauses between the attempts of a provider to deliver a callback, in ms. */
export const RETRY_PAUSES_MS = [1000, 5000, 15_000];

export const TARGETS = {
	resume: 'Resume address',
	trigger: 'Trigger',
	relay: 'Trigger, relaying',
	open: 'Trigger, any task',
	signed: 'Trigger, any signed task',
	webhook: 'Webhook node',
} as const;

export type TargetName = keyof typeof TARGETS;

/** What can be seen from outside of what a target has done so far. */
export interface Sight {
	/** Executions of the attacked workflow in n8n's list, whatever became of them. */
	executions: number;
	/** Of a parked execution: whether it still is. */
	isParked: boolean;
	reads: number;
	/** Calls at the provider for anything but its own tasks. */
	strayCalls: number;
	submits: number;
}

/** Something that takes calls from outside, and what it is to do with honest ones. */
export interface Target {
	readonly name: TargetName;
	readonly kind: Kind;
	/** Undefined: nothing is ever asked for. */
	readonly emulator?: Emulator;
	/** Aims at the task at this position, which still runs. */
	aim(position?: number): Aim;
	look(): Promise<Sight>;
	/** Ends the task at this position, and calls as the provider does; hands back how each attempt was answered. */
	honest(position: number): Promise<Array<number | string>>;
	/** The call once more, or in the place of an honest one. */
	deliver(position: number): Promise<Array<number | string>>;
	/** How often what is behind the target went on for the honest ones. */
	starts(): Promise<number>;
	close(): Promise<void>;
}

/** Sees the provider before anything is bought. */
type Prepare = (emulator: Emulator) => void;

const JSON_TYPE = { 'content-type': 'application/json' };
const TRIGGER = 'n8n-nodes-midjourney.midjourneyTrigger';
const AFTER = 'After';
/** n8n lists no more at once. */
const LISTED_AT_MOST = 100;
const MINUTE = 60_000;

const node = (name: string, type: string, typeVersion: number, parameters: JsonObject) => ({
	...{ id: randomUUID(), name, type, typeVersion, parameters },
	position: [0, 0],
});

const to = (name: string) => ({ main: [[{ node: name, type: 'main', index: 0 }]] });

const randomToken = (): string =>
	`${randomBytes(150).toString('base64url')}.${randomBytes(32).toString('base64url')}`;

function sent(url: URL, { method = 'POST', headers = {}, body, alter }: Change): Sent {
	const address = new URL(url);
	alter?.(address);
	return {
		method,
		url: address,
		headers: { ...JSON_TYPE, ...headers },
		body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
	};
}

/** Aims at an address with a token. */
function aimAt(address: URL, taskId: string, about: Omit<Aim, 'kind' | 'call' | 'taskId'>): Aim {
	return {
		...about,
		kind: 'token',
		taskId,
		call: (proof: Proof, change: Change = {}) => {
			const url = new URL(address);
			if (proof === 'forged') url.searchParams.set(TOKEN, randomToken());
			if (proof === 'none') url.searchParams.delete(TOKEN);
			return sent(url, { body: bodyOf(taskId), ...change });
		},
	};
}

/**
 * How often a workflow was started: the node behind its trigger ran, or n8n was killed in it and says so. An execution that
 * brought nothing does not count.
 */
async function startsOf({ client, n8n }: Place, workflowId: string): Promise<number> {
	const all = await client.executions(workflowId, LISTED_AT_MOST);
	const counts = await Promise.all(
		all.map(async ({ id, status: listed, startedAt }) => {
			// What was killed before its first node n8n 1.x and 2.8.4 call running for ever.
			if (listed === 'running' && startedAt < n8n.upSince) return 0;
			const { status, runs } = await client.finished(id, MINUTE);
			return runs.get(AFTER)?.length ?? (status === 'crashed' ? 1 : 0);
		}),
	);
	return counts.reduce((sum, count) => sum + count, 0);
}

const OWN_PATHS = [
	/^\/api\/v1\/mj\/(generate|record-info)$/,
	/^\/model\/v1\/generation(\/task\/(?!\.+$)[^/]+)?$/,
];

const strayCallsOf = ({ ledger }: Emulator): number =>
	ledger.calls.filter(({ path }) => !OWN_PATHS.some((own) => own.test(path))).length;

/** An execution of n8n that is parked in a Midjourney node. */
export class ParkedTarget implements Target {
	readonly kind = 'token';

	private constructor(
		readonly name: 'resume' | 'relay',
		readonly wait: Wait,
		private readonly client: N8nClient,
		private readonly witness: Witness,
		/** May be filled later: addresses of targets that do not exist yet. */
		readonly elsewhere: string[],
	) {}

	/** With so many tasks, none of which has ended. */
	static async park(
		name: 'resume' | 'relay',
		place: Place & { witness: Witness },
		count: number,
		{ approval, prepare }: { approval?: Approval; prepare?: Prepare } = {},
	): Promise<ParkedTarget> {
		const plan = {
			prompts: prompts(count),
			relay: name === 'relay',
			emulator: { callbackRetryPausesMs: RETRY_PAUSES_MS },
			...(approval && { approval }),
		};
		const wait = await Wait.start(place, plan, prepare);
		await wait.untilParked();
		return new ParkedTarget(name, wait, place.client, place.witness, []);
	}

	get emulator(): Emulator {
		return this.wait.emulator;
	}

	address(position: number): URL {
		return this.wait.url(position);
	}

	aim(position = 0): Aim {
		return aimAt(this.address(position), this.wait.submit(position).taskId, {
			...{ apiKey: DEFAULT_API_KEY, elsewhere: this.elsewhere, witness: this.witness.url },
		});
	}

	async look(): Promise<Sight> {
		const { wait, client } = this;
		const { workflowId, relayId } = wait;
		const relayed = relayId === undefined ? 0 : await client.countExecutions(relayId);
		return {
			executions: (await client.countExecutions(workflowId)) + relayed,
			isParked: (await wait.status()) === 'waiting',
			reads: this.emulator.ledger.reads.length,
			strayCalls: strayCallsOf(this.emulator),
			submits: this.emulator.ledger.submits.length,
		};
	}

	async honest(position: number): Promise<Array<number | string>> {
		return await this.wait.finishAndDeliver(position);
	}

	async deliver(position: number): Promise<Array<number | string>> {
		return await this.wait.deliver(position);
	}

	async starts(): Promise<number> {
		const { runs } = await this.client.execution(this.wait.executionId);
		return runs.get(AFTER)?.length ?? 0;
	}

	async close(): Promise<void> {
		await this.wait.close();
	}
}

/** Which tasks a Trigger takes, and from whom. */
interface TriggerOptions {
	provider: 'midApi' | 'vtrix';
	/** Default: yes. */
	onlyOwnTasks?: boolean;
	/** The Trigger fetches the files; default: no. */
	download?: boolean;
	/** The provider signs its calls, and the Trigger checks that. */
	hmacKey?: string;
	emulator?: EmulatorOptions;
}

const CREDENTIAL_OF = { midApi: 'midApi', vtrix: 'vtrixApi' } as const;

/** A published workflow that a Midjourney Trigger starts. */
export class TriggerTarget implements Target {
	private constructor(
		readonly name: 'trigger' | 'open' | 'signed',
		readonly url: string,
		readonly workflowId: string,
		readonly emulator: Emulator,
		readonly elsewhere: string[],
		private readonly place: Place & { witness: Witness },
		private readonly options: TriggerOptions,
		private readonly credentials: JsonObject,
	) {}

	static async publish(
		name: 'trigger' | 'open' | 'signed',
		place: Place & { witness: Witness },
		options: TriggerOptions,
	): Promise<TriggerTarget> {
		const { client, n8n } = place;
		const { provider, onlyOwnTasks = true, download = false, hmacKey } = options;
		const emulator = await startEmulator({
			...{ credits: 1e6, latencyMs: Infinity, callbacks: 'manual', hmacKey },
			callbackRetryPausesMs: RETRY_PAUSES_MS,
			...options.emulator,
		});
		emulator.balanceUsd = 1e6;
		const type = CREDENTIAL_OF[provider];
		const title = `${name} ${randomUUID()}`;
		const data = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url };
		const secret = hmacKey === undefined ? {} : { webhookSecret: hmacKey };
		const id = await client.createCredential(title, type, { ...data, ...secret });
		const credentials = { [type]: { id, name: title } };
		const webhookId = randomUUID();
		const workflowId = await client.importWorkflow({
			name: title,
			nodes: [
				{
					...node('Midjourney Trigger', TRIGGER, 1, {
						...{ authentication: provider, onlyOwnTasks, download },
					}),
					...{ webhookId, credentials },
				},
				node(AFTER, 'n8n-nodes-base.noOp', 1, {}),
			],
			connections: { 'Midjourney Trigger': to(AFTER) },
			settings: { executionOrder: 'v1' },
		});
		const url = `${n8n.webhookUrl}/webhook/${webhookId}/webhook`;
		const target = new TriggerTarget(
			name,
			url,
			workflowId,
			emulator,
			[],
			place,
			options,
			credentials,
		);
		await target.goLive();
		return target;
	}

	/** Publishes the workflow, and waits until it listens. */
	async goLive(): Promise<void> {
		await this.place.client.activate(this.workflowId);
		await listens(this.url);
	}

	/** Takes it out of service, and waits until it does not listen any more. */
	async goDown(): Promise<void> {
		await this.place.client.deactivate(this.workflowId);
		await until(
			'the Trigger is gone',
			async () => (await send(sent(new URL(this.url), { body: {} }))).status,
			(status) => status === 404,
		);
	}

	get kind(): Kind {
		return this.name === 'trigger' ? 'token' : this.name;
	}

	/** So many tasks more that tell this Trigger of their end: bought by a Midjourney node, or by somebody else. */
	async buy(count: number): Promise<void> {
		const { emulator } = this;
		const wanted = emulator.ledger.submits.length + count;
		if (this.name === 'trigger') await this.buyWithNode(count);
		else for (let nth = 0; nth < count; nth++) await this.buyElsewhere();
		const { length } = emulator.ledger.submits;
		if (length !== wanted) throw new Error(`${length} instead of ${wanted} tasks were bought`);
	}

	private async buyWithNode(count: number): Promise<void> {
		const { client } = this.place;
		const list = Array.from({ length: count }, () => ({ prompt: `picture ${randomUUID()}` }));
		const workflowId = await client.importWorkflow({
			name: `Buys ${randomUUID()}`,
			nodes: [
				node('Start', 'n8n-nodes-base.manualTrigger', 1, {}),
				node('List', 'n8n-nodes-base.set', 3.4, {
					...{ mode: 'raw', jsonOutput: JSON.stringify({ list }), options: {} },
				}),
				node('Items', 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: 'list', options: {} }),
				{
					...node('Generate', MIDJOURNEY, 1, {
						...{ authentication: this.options.provider, resource: 'image', operation: 'generate' },
						...{ mode: 'textToImage', prompt: '={{ $json.prompt }}', waitMode: 'dontWait' },
						options: { triggerUrl: this.url },
					}),
					credentials: this.credentials,
				},
			],
			connections: { Start: to('List'), List: to('Items'), Items: to('Generate') },
			settings: { executionOrder: 'v1' },
		});
		const executionId = await client.run(workflowId, 'Start');
		const { status, error = '' } = await client.finished(executionId, MINUTE);
		if (status !== 'success') throw new Error(`Nothing was bought: ${error}`);
	}

	private async buyElsewhere(): Promise<void> {
		const answer = await fetch(`${this.emulator.url}/api/v1/mj/generate`, {
			method: 'POST',
			headers: { ...JSON_TYPE, authorization: `Bearer ${DEFAULT_API_KEY}` },
			body: JSON.stringify({
				...{ taskType: 'mj_txt2img', prompt: 'a lighthouse', speed: 'fast' },
				callBackUrl: this.url,
			}),
		});
		if (!answer.ok) throw new Error(`The emulator has sold nothing: ${answer.status}`);
	}

	taskId(position: number): string {
		const submit = this.emulator.ledger.submits[position];
		if (!submit) throw new Error(`Nothing was bought at ${position}`);
		return submit.taskId;
	}

	address(position: number): URL {
		return new URL(text(this.emulator.ledger.submits[position]?.callbackUrl, 'callback address'));
	}

	aim(position = 0): Aim {
		const taskId = this.taskId(position);
		const { hmacKey = '' } = this.options;
		const about = {
			...{ apiKey: DEFAULT_API_KEY, elsewhere: this.elsewhere, witness: this.place.witness.url },
		};
		if (this.kind === 'token') return aimAt(this.address(position), taskId, about);
		return {
			...about,
			...{ kind: this.kind, taskId },
			call: (proof, change = {}) => {
				const { body = bodyOf(taskId), headers } = change;
				const key = proof === 'valid' ? hmacKey : `not ${hmacKey}`;
				const signature = this.kind === 'open' || proof === 'none' ? {} : signatureOf(key, body);
				return sent(this.address(position), {
					...change,
					...{ body, headers: { ...signature, ...headers } },
				});
			},
		};
	}

	async look(): Promise<Sight> {
		const { ledger } = this.emulator;
		return {
			executions: await this.place.client.countExecutions(this.workflowId),
			isParked: true,
			reads: ledger.reads.length,
			strayCalls: strayCallsOf(this.emulator),
			submits: ledger.submits.length,
		};
	}

	async honest(position: number): Promise<Array<number | string>> {
		this.emulator.finish(this.taskId(position));
		return await this.deliver(position);
	}

	async deliver(position: number): Promise<Array<number | string>> {
		return await this.emulator.deliverCallback(this.taskId(position));
	}

	async starts(): Promise<number> {
		return await startsOf(this.place, this.workflowId);
	}

	async close(): Promise<void> {
		await this.emulator.close();
	}
}

/** The provider's signature for the first task that a body names. */
function signatureOf(key: string, body: unknown): Record<string, string> {
	const data = isObject(body) && isObject(body.data) ? body.data : {};
	const now = Math.floor(Date.now() / 1000);
	return {
		'x-webhook-timestamp': String(now),
		'x-webhook-signature': signCallback(key, optionalText(data.taskId) ?? '', now),
	};
}

/** An execution that generates twice, in a loop. */
export class LoopTarget {
	private constructor(
		readonly emulator: Emulator,
		private readonly client: N8nClient,
		private readonly workflowId: string,
		private readonly executionId: string,
	) {}

	static async begin({ client }: Place): Promise<LoopTarget> {
		const emulator = await startEmulator({
			...{ credits: 1e6, latencyMs: Infinity, callbacks: 'manual' },
			callbackRetryPausesMs: RETRY_PAUSES_MS,
		});
		const name = `loop ${randomUUID()}`;
		const data = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url };
		const credential = { id: await client.createCredential(name, 'midApi', data), name };
		const list = prompts(2).map((prompt) => ({ prompt }));
		const workflowId = await client.importWorkflow({
			name,
			nodes: [
				node('Start', 'n8n-nodes-base.manualTrigger', 1, {}),
				node('List', 'n8n-nodes-base.set', 3.4, {
					...{ mode: 'raw', jsonOutput: JSON.stringify({ list }), options: {} },
				}),
				node('Items', 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: 'list', options: {} }),
				node('Loop', 'n8n-nodes-base.splitInBatches', 3, { batchSize: 1, options: {} }),
				{
					...node('Generate', MIDJOURNEY, 1, {
						...{ authentication: 'midApi', resource: 'image', operation: 'generate' },
						...{ mode: 'textToImage', prompt: '={{ $json.prompt }}', waitMode: 'callback' },
						...{ download: false, options: { outputItems: 'task' } },
					}),
					credentials: { midApi: credential },
				},
				node(AFTER, 'n8n-nodes-base.noOp', 1, {}),
			],
			connections: {
				...{ Start: to('List'), List: to('Items'), Items: to('Loop') },
				Loop: { main: [[], [{ node: 'Generate', type: 'main', index: 0 }]] },
				...{ Generate: to(AFTER), [AFTER]: to('Loop') },
			},
			settings: { executionOrder: 'v1' },
		});
		const executionId = await client.run(workflowId, 'Start');
		return new LoopTarget(emulator, client, workflowId, executionId);
	}

	/** Waits until so many tasks are bought and the execution is parked for the last of them. */
	async isParked(bought: number): Promise<void> {
		const { submits } = this.emulator.ledger;
		await until(
			`round ${bought} is parked`,
			async () => (submits.length === bought ? await this.status() : 'not bought'),
			(status) => status === 'waiting',
		);
		// Bought and still running, it may have waited to write down what it was about to buy.
		await pause(1000);
		await until(
			`round ${bought} is still parked`,
			async () => await this.status(),
			(status) => status === 'waiting',
		);
	}

	async status(): Promise<string> {
		const all = await this.client.executions(this.workflowId);
		return all.find(({ id }) => id === this.executionId)?.status ?? 'not listed';
	}

	/** Ends the task of this round, from 0, and calls as the provider does. */
	async honest(round: number): Promise<Array<number | string>> {
		this.emulator.finish(this.taskId(round));
		return await this.repeat(round);
	}

	async repeat(round: number): Promise<Array<number | string>> {
		return await this.emulator.deliverCallback(this.taskId(round));
	}

	/** How often the node behind ran, once the execution has ended. */
	async rounds(): Promise<number> {
		const { runs } = await this.client.finished(this.executionId, MINUTE);
		return runs.get(AFTER)?.length ?? 0;
	}

	async close(): Promise<void> {
		await this.client.stopExecution(this.executionId).catch(() => undefined);
		await this.emulator.close();
	}

	private taskId(round: number): string {
		return text(this.emulator.ledger.submits[round]?.taskId, `task of round ${round}`);
	}
}

const HEADER = 'x-secret';

/** n8n's own Webhook node that wants a header: what the others are measured by. */
export class WebhookTarget implements Target {
	readonly name = 'webhook';
	readonly kind = 'header';

	private constructor(
		private readonly url: URL,
		private readonly workflowId: string,
		private readonly value: string,
		private readonly place: Place & { witness: Witness },
	) {}

	static async publish(place: Place & { witness: Witness }): Promise<WebhookTarget> {
		const { client, n8n } = place;
		const value = randomBytes(16).toString('hex');
		const name = `header ${randomUUID()}`;
		const id = await client.createCredential(name, 'httpHeaderAuth', { name: HEADER, value });
		const path = randomUUID();
		const workflowId = await client.importWorkflow({
			name: `Webhook ${path}`,
			nodes: [
				{
					...node('Webhook', 'n8n-nodes-base.webhook', 2, {
						...{ httpMethod: 'POST', path, authentication: 'headerAuth', options: {} },
					}),
					...{ webhookId: path, credentials: { httpHeaderAuth: { id, name } } },
				},
				node(AFTER, 'n8n-nodes-base.noOp', 1, {}),
			],
			connections: { Webhook: to(AFTER) },
			settings: { executionOrder: 'v1' },
		});
		await client.activate(workflowId);
		const url = `${n8n.webhookUrl}/webhook/${path}`;
		await listens(url);
		return new WebhookTarget(new URL(url), workflowId, value, place);
	}

	aim(): Aim {
		return {
			...{ kind: this.kind, taskId: 'task', apiKey: this.value.slice(1), elsewhere: [] },
			witness: this.place.witness.url,
			call: (proof, change = {}) => {
				const value = proof === 'valid' ? this.value : `not ${this.value}`;
				return sent(this.url, {
					...{ body: bodyOf('task'), ...change },
					headers: { ...(proof !== 'none' && { [HEADER]: value }), ...change.headers },
				});
			},
		};
	}

	async look(): Promise<Sight> {
		const executions = await this.place.client.countExecutions(this.workflowId);
		return { executions, isParked: true, reads: 0, strayCalls: 0, submits: 0 };
	}

	/** As the providers do it. */
	async honest(): Promise<Array<number | string>> {
		const statuses: Array<number | string> = [];
		for (const wait of [0, ...RETRY_PAUSES_MS]) {
			await pause(wait);
			const { status } = await send(this.aim().call('valid'), { timeoutMs: 15_000 });
			statuses.push(status);
			if (status === 200) break;
		}
		return statuses;
	}

	async deliver(): Promise<Array<number | string>> {
		return await this.honest();
	}

	async starts(): Promise<number> {
		return await startsOf(this.place, this.workflowId);
	}

	async close(): Promise<void> {}
}

/** n8n says that a workflow is published a moment before it is. */
async function listens(url: string): Promise<void> {
	await until(
		`${url} listens`,
		async () => (await send(sent(new URL(url), { body: {} }))).body,
		(body) => !body.includes('not registered'),
	);
}

/** Lets each target know the tokens of the others. */
export function introduce(targets: ReadonlyArray<ParkedTarget | TriggerTarget>): void {
	for (const target of targets) {
		for (const other of targets) {
			if (other === target || other.kind !== 'token') continue;
			target.elsewhere.push(tokenOf(other.address(0)));
		}
	}
}
