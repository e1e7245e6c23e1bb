/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a real n8n, it is not a node */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { RESUME_PATH } from '../../nodes/Midjourney/tasks/n8n/host';
import {
	DEFAULT_API_KEY,
	type Delivery,
	type Emulator,
	type EmulatorOptions,
	startEmulator,
	type Submit,
} from '../emulator';
import { type Approval, type Held } from '../scenarios/approvals';
import { formDataOf } from '../n8n/forms';
import type { Execution, Item, N8nClient } from '../n8n/client';
import { type JsonObject, text } from '../n8n/json';
import type { Mailbox } from '../n8n/mailbox';
import type { N8nServer } from '../n8n/server';
import { PATIENCE_MS, until } from '../n8n/until';
import { MIDJOURNEY, type Workflow } from '../n8n/workflows';

/** What is to be bought and how it is waited for. */
export interface Plan {
	prompts: string[];
	/** Default: `callback`. */
	waitMode?: 'callback' | 'auto' | 'poll';
	/** Of the Midjourney node. */
	waitOptions?: JsonObject;
	/** Whether it fetches the files; not by default. */
	download?: boolean;
	/** Settings of the node beside its parameters, such as `onError`. */
	settings?: JsonObject;
	/** Beside key and address. */
	credential?: JsonObject;
	/** Callbacks come through a Midjourney Trigger that hands them on. */
	relay?: boolean;
	/** Of that Trigger. */
	relayOptions?: JsonObject;
	/** What the execution waits for behind the node. */
	approval?: Approval;
	/** By default tasks end only by `finish`, callbacks go out only by `deliverCallback` and are not tried again. */
	emulator?: EmulatorOptions;
}

/** Where to run it. */
export interface Place {
	client: N8nClient;
	n8n: N8nServer;
	/** Where approvers get their mail; only approvals by mail need it. */
	post?: { mailbox: Mailbox; smtp: { id: string; name: string } };
}

/** While the status of an execution changes, its list may leave it out. */
const UNLISTED = 'not listed';

const GENERATE = 'Generate';
const AFTER = 'After';
const FAILED = 'Failed';
const APPROVAL = 'Approval';
/** Node type of the Trigger of this package. */
const TRIGGER = 'n8n-nodes-midjourney.midjourneyTrigger';

/** An execution of one Midjourney node between two others, started as in production, with a provider of its own. */
export class Wait {
	private constructor(
		readonly emulator: Emulator,
		readonly workflowId: string,
		readonly executionId: string,
		private readonly place: Place,
		private readonly plan: Plan,
		/** The workflow of the Trigger that hands on. */
		readonly relayId?: string,
	) {}

	private get client(): N8nClient {
		return this.place.client;
	}

	/** Starts the execution. `prepare` sees the provider before anything is bought. */
	static async start(
		place: Place,
		plan: Plan,
		prepare?: (emulator: Emulator) => void,
	): Promise<Wait> {
		const { client, n8n } = place;
		const emulator = await startEmulator({
			credits: 1e6,
			latencyMs: Infinity,
			callbacks: 'manual',
			callbackRetryPausesMs: [],
			...plan.emulator,
		});
		prepare?.(emulator);
		const name = `MidAPI ${randomUUID()}`;
		const data = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url, ...plan.credential };
		const credential = { id: await client.createCredential(name, 'midApi', data), name };
		const path = randomUUID();
		let relayId: string | undefined;
		let triggerUrl: string | undefined;
		if (plan.relay) {
			const id = randomUUID();
			relayId = await client.importWorkflow(relayOf(credential, id, plan.relayOptions));
			await client.activate(relayId);
			const url = `${n8n.webhookUrl}/webhook/${id}/webhook`;
			// The Trigger answers unknown callers with 404 too, but with its own message.
			await until(
				'the Trigger listens',
				async () => await (await fetch(url, { method: 'POST' })).text(),
				(answer) => !answer.includes('not registered'),
			);
			triggerUrl = url;
		}
		const workflow = workflowOf(plan, place, credential, path, triggerUrl);
		const workflowId = await client.importWorkflow(workflow);
		await client.activate(workflowId);
		await until(
			'the workflow listens',
			async () => (await fetch(`${n8n.webhookUrl}/${startOf(plan)}/${path}`, asked(plan))).status,
			(status) => status === 200,
		);
		const [execution] = await until(
			'the execution is listed',
			async () => await client.executions(workflowId),
			({ length }) => length > 0,
		);
		const executionId = execution?.id ?? '';
		return new Wait(emulator, workflowId, executionId, place, plan, relayId);
	}

	/** As `start`, and waits until everything is bought and the execution is parked. */
	static async parked(place: Place, plan: Plan): Promise<Wait> {
		const wait = await Wait.start(place, plan);
		await wait.untilParked();
		return wait;
	}

	/**
	 * Waits until everything is bought and the execution is parked. Before that it is parked only to save the next intent.
	 * Throws if the execution ends instead, or does neither.
	 */
	async untilParked(timeoutMs = PATIENCE_MS): Promise<void> {
		const wanted = this.plan.prompts.length;
		const seen = await until(
			`execution ${this.executionId} is parked`,
			async () => {
				// In this order: a submit that was counted before the status was read has made it run.
				const bought = this.emulator.ledger.submits.length;
				return { bought, status: await this.status() };
			},
			({ bought, status }) =>
				!['new', 'running', UNLISTED].includes(status) &&
				(status !== 'waiting' || bought >= wanted),
			timeoutMs,
		);
		if (seen.status !== 'waiting') {
			const { error = '' } = await this.client.execution(this.executionId);
			throw new Error(`Not parked but ended: ${seen.status} ${error}`);
		}
	}

	/** Waits until it has run again since the park of this secret, and is parked anew. */
	async untilParkedAgain(secret: string): Promise<void> {
		await until(
			'another park has another secret',
			async () => await this.wakeSecret().catch(() => secret),
			(now) => now !== secret,
		);
		await this.untilParked();
	}

	/** `waiting` while it is parked. Costs n8n little, because the data of the execution is not loaded. */
	async status(): Promise<string> {
		const all = await this.client.executions(this.workflowId);
		return all.find(({ id }) => id === this.executionId)?.status ?? UNLISTED;
	}

	/** What was bought for the item at this position. */
	submit(position: number): Submit {
		const prompt = this.plan.prompts[position];
		const found = this.emulator.ledger.submits.find(({ body }) => body.prompt === prompt);
		if (!found) throw new Error(`Nothing was bought for item ${position}`);
		return found;
	}

	/** The address that the provider was told to call. */
	url(position: number): URL {
		return new URL(text(this.submit(position).body.callBackUrl, 'callBackUrl'));
	}

	/** The ids of all tasks in the order of the items. */
	taskIds(): string[] {
		return this.plan.prompts.map((_, position) => this.submit(position).taskId);
	}

	/** Ends the task at this position without a callback. */
	finish(position: number): void {
		this.emulator.finish(this.submit(position).taskId);
	}

	/**
	 * Delivers the callback of the task at this position, or something odd in its place; gives the answers to its
	 * attempts.
	 */
	async deliver(position: number, delivery?: Delivery): Promise<Array<number | string>> {
		return await this.emulator.deliverCallback(this.submit(position).taskId, delivery);
	}

	/**
	 * Wakes the execution as its own process does, and gives the status of n8n's answer.
	 *
	 * @param secret that of the present park by default; another one to be refused
	 * @param to an address of this n8n, if the tasks' own address leads elsewhere
	 */
	async wake(secret?: string, to = this.url(0)): Promise<number> {
		const url = new URL(to);
		for (const name of [...url.searchParams.keys()]) {
			if (name !== 'signature') url.searchParams.delete(name);
		}
		const answer = await fetch(url, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ midjourneyWake: secret ?? (await this.wakeSecret()) }),
		});
		return answer.status;
	}

	/** The secret that wakes this parked execution. */
	async wakeSecret(): Promise<string> {
		const { raw } = await this.client.execution(this.executionId);
		const [, secret] = /\bwake[\\":]+([0-9a-f]{32})/.exec(raw) ?? [];
		if (secret === undefined) throw new Error('Nothing saved tells how to wake the execution');
		return secret;
	}

	/** Ends the task at this position and delivers its callback. */
	async finishAndDeliver(position: number): Promise<Array<number | string>> {
		this.finish(position);
		return await this.deliver(position);
	}

	/** "Stop" and "Retry" in the list of executions; gives the new execution, which is parked. */
	async stoppedAndRetried(): Promise<Wait> {
		const { emulator, workflowId, executionId, client, place, plan } = this;
		await client.stopExecution(executionId);
		const retryId = await client.retry(workflowId, executionId);
		const wait = new Wait(emulator, workflowId, retryId, place, plan, this.relayId);
		await wait.untilParked();
		return wait;
	}

	/**
	 * "Stop" in the list of executions this many ms after the call of the last task, and "Retry" if n8n then offers it. Gives
	 * the results of whichever brought them, and everything that n8n has stored of both.
	 */
	async stoppedWhileWoken(afterMs: number): Promise<{ results: Item[]; stored: string }> {
		const { workflowId, executionId, client, plan } = this;
		const last = plan.prompts.length - 1;
		for (const position of plan.prompts.keys()) {
			if (position < last) await this.finishAndDeliver(position);
		}
		const called = this.finishAndDeliver(last);
		await pause(afterMs);
		// Where it has ended meanwhile, there is nothing to stop.
		await client.stopExecution(executionId).catch(() => undefined);
		await called;
		const stopped = await this.ended();
		const retryId =
			stopped.status === 'success'
				? executionId
				: // It may end with success after all, and is not to be retried then.
					await client.retry(workflowId, executionId).catch(() => executionId);
		const end = await client.finished(retryId, PATIENCE_MS);
		return { results: resultsOf(end), stored: stopped.raw + end.raw };
	}

	/** Waits until the execution has gone on, and waits for the approval behind the node. */
	async untilHeld(timeoutMs = PATIENCE_MS): Promise<void> {
		const wanted = this.plan.prompts.length + (this.plan.approval?.buys ?? 0);
		await until(
			`execution ${this.executionId} waits for the approval`,
			async () => {
				const status = await this.status();
				if (status !== 'waiting' || this.emulator.ledger.submits.length < wanted) return status;
				const { runs } = await this.client.execution(this.executionId);
				return runs.has(APPROVAL) ? 'held' : status;
			},
			(seen) => seen === 'held',
			timeoutMs,
		);
	}

	/**
	 * Once the execution has left the node: calls of every task as the provider makes them, three at a time, with another
	 * token, and by somebody who follows redirects; by the process that had parked it; and by a browser. Gives how they were
	 * answered.
	 *
	 * @param secret of the park that it has left
	 */
	async callAgain(secret: string): Promise<Array<number | string>> {
		const left = new URL((await this.held()).resumeUrl);
		left.pathname += `/${RESUME_PATH}`;
		const answers: Array<number | string> = [
			await this.wake(secret, left),
			(await fetch(left)).status,
		];
		for (const position of this.plan.prompts.keys()) {
			const url = this.url(position);
			const altered = new URL(url);
			for (const [name, value] of url.searchParams) {
				if (name !== 'signature') altered.searchParams.set(name, `${value.slice(0, -4)}AAAA`);
			}
			const repeated = await Promise.all([1, 2, 3].map(async () => await this.deliver(position)));
			const followed = await fetch(url, { method: 'POST', redirect: 'follow' });
			answers.push(...repeated.flat(), ...(await this.deliver(position, { to: altered })));
			answers.push(followed.status);
		}
		return answers;
	}

	/** Gives the approval that the execution waits for. */
	async approve(): Promise<void> {
		await this.plan.approval?.give(await this.held());
	}

	private async held(): Promise<Held> {
		const { emulator, executionId, place } = this;
		const [item] = resultsOf(await this.client.execution(executionId));
		const resumeUrl = text(item?.json.resumeUrl, 'resumeUrl');
		const formUrl = text(item?.json.formUrl, 'formUrl');
		return { emulator, executionId, resumeUrl, formUrl, mailbox: place.post?.mailbox };
	}

	/** Waits for the end of the execution. */
	async ended(timeoutMs = PATIENCE_MS): Promise<Execution> {
		return await this.client.finished(this.executionId, timeoutMs);
	}

	/** Ends the provider, and the execution if it still waits. */
	async close(): Promise<void> {
		if ((await this.status().catch(() => '')) === 'waiting') {
			await this.client.stopExecution(this.executionId).catch(() => undefined);
		}
		await this.emulator.close();
	}
}

/** The items of the Midjourney node's first output, as the next node saw them. */
export function resultsOf(execution: Execution): Item[] {
	return itemsOf(execution, AFTER);
}

/** The items of the error output. */
export function failuresOf(execution: Execution): Item[] {
	return itemsOf(execution, FAILED);
}

/** How often the next node ran, and when it first did (Unix ms). */
export function runsBehind(execution: Execution): { count: number; startedAt: number } {
	const runs = execution.runs.get(AFTER) ?? [];
	return { count: runs.length, startedAt: runs[0]?.startedAt ?? 0 };
}

/** So many different prompts. */
export function prompts(count: number): string[] {
	return Array.from({ length: count }, (_, position) => `picture number ${position}`);
}

function itemsOf(execution: Execution, node: string): Item[] {
	return (execution.runs.get(node) ?? []).flatMap(({ outputs }) => outputs.flat());
}

/** A Midjourney Trigger that only hands on. */
function relayOf(
	credential: { id: string; name: string },
	webhookId: string,
	options: JsonObject = {},
): Workflow {
	return {
		name: `Relay ${webhookId}`,
		nodes: [
			{
				...{ id: randomUUID(), name: 'Relay', type: TRIGGER, typeVersion: 1, webhookId },
				parameters: { authentication: 'midApi', onCallback: 'resume', options },
				credentials: { midApi: credential },
				position: [0, 0],
			},
		],
		connections: {},
		settings: { executionOrder: 'v1' },
	};
}

/** The endpoint of n8n that starts the execution. */
const startOf = ({ approval }: Plan): string => (approval?.followsForm ? 'form' : 'webhook');

const asked = ({ approval }: Plan): RequestInit => ({
	method: 'POST',
	...(approval?.followsForm && { body: formDataOf() }),
});

function workflowOf(
	plan: Plan,
	{ post }: Place,
	credential: { id: string; name: string },
	path: string,
	triggerUrl?: string,
): Workflow {
	const list = plan.prompts.map((prompt, n) => ({ n, prompt }));
	const node = (name: string, type: string, typeVersion: number, parameters: JsonObject) => ({
		...{ id: randomUUID(), name, type, typeVersion, parameters },
		position: [0, 0],
	});
	// Only n8n's pairing tells which item a result belongs to.
	const assigned = (name: string, type: string, value: string) => {
		return { id: randomUUID(), name, type, value: `={{ ${value} }}` };
	};
	const tell = (name: string) =>
		node(name, 'n8n-nodes-base.set', 3.4, {
			assignments: {
				assignments: [
					assigned('n', 'number', "$('Items').item.json.n"),
					// The message to an approver.
					...(plan.approval
						? [
								assigned('resumeUrl', 'string', '$execution.resumeUrl'),
								assigned('formUrl', 'string', '$execution.resumeFormUrl'),
							]
						: []),
				],
			},
			includeOtherFields: true,
			options: {},
		});
	const to = (...names: string[]) => ({
		main: names.map((name) => [{ node: name, type: 'main', index: 0 }]),
	});
	const start = plan.approval?.followsForm
		? node('Start', 'n8n-nodes-base.formTrigger', 2.2, {
				...{ path, formTitle: 'Pictures', options: {} },
				formFields: { values: [{ fieldLabel: 'What', fieldType: 'text' }] },
			})
		: node('Start', 'n8n-nodes-base.webhook', 2, { httpMethod: 'POST', path, options: {} });
	const midjourney = {
		...node(GENERATE, MIDJOURNEY, 1, {
			authentication: 'midApi',
			resource: 'image',
			operation: 'generate',
			mode: 'textToImage',
			prompt: '={{ $json.prompt }}',
			waitMode: plan.waitMode ?? 'callback',
			download: plan.download ?? false,
			waitOptions: plan.waitOptions ?? {},
			options: { outputItems: 'task', ...(triggerUrl !== undefined && { triggerUrl }) },
		}),
		credentials: { midApi: credential },
		...plan.settings,
	};
	const bothWays = plan.settings?.onError === 'continueErrorOutput';
	return {
		name: `Wait ${randomUUID()}`,
		nodes: [
			{ ...start, webhookId: path },
			node('List', 'n8n-nodes-base.set', 3.4, {
				mode: 'raw',
				jsonOutput: JSON.stringify({ list }),
				options: {},
			}),
			node('Items', 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: 'list', options: {} }),
			midjourney,
			tell(AFTER),
			tell(FAILED),
			...(plan.approval
				? [
						{
							...plan.approval.node({ midjourney, smtp: post?.smtp }),
							...{ id: randomUUID(), name: APPROVAL, position: [0, 0] },
						},
					]
				: []),
			node('Done', 'n8n-nodes-base.noOp', 1, {}),
		],
		connections: {
			Start: to('List'),
			List: to('Items'),
			Items: to(GENERATE),
			[GENERATE]: bothWays ? to(AFTER, FAILED) : to(AFTER),
			...(plan.approval && { [AFTER]: to(APPROVAL), [APPROVAL]: to('Done') }),
		},
		settings: { executionOrder: 'v1' },
	};
}
