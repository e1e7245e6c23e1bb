/* eslint-disable @n8n/community-nodes/no-restricted-imports, no-console -- a command line program, not a node */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { DEFAULT_API_KEY } from '../emulator';
import { send, type Sent } from '../hostile/http';
import { TriggerTarget } from '../hostile/targets';
import type { N8nClient } from '../n8n/client';
import { CURRENT_N8N } from '../n8n/install';
import type { JsonObject } from '../n8n/json';
import { startStage } from '../n8n/stage';
import { cpuOf, happens, seconds, spreadOf, table } from './measure';

const HELP = `npm run bench:calls -- [options]

Measures what an honest call costs that starts a workflow: at the Midjourney Trigger, which checks its token and reads
the task, and at n8n's own Webhook node with header authentication, alone and with an HTTP Request node that reads the
task. Every call at the Trigger is about another task. It asserts nothing.

  --calls <number>   of each contestant (default 100)
  --rounds <number>  in turns (default 2)
  --every <ms>       a call (default 100)
  --n8n <version>    default ${CURRENT_N8N}`;

/** Before anything is measured: what an n8n does for the first time takes longer. */
const WARM_UP = 20;
const REST_MS = 3000;
const HEADER = 'x-webhook-key';
const TOKEN = randomUUID();

/** Somebody who starts a workflow for each call. */
interface Contestant {
	name: string;
	workflowId: string;
	/** As many calls, none of which was made before. */
	calls(count: number): Promise<Sent[]>;
}

const { values: options } = parseArgs({
	options: {
		calls: { type: 'string', default: '100' },
		rounds: { type: 'string', default: '2' },
		every: { type: 'string', default: '100' },
		n8n: { type: 'string', default: CURRENT_N8N },
		help: { type: 'boolean', default: false },
	},
});

const node = (name: string, type: string, typeVersion: number, parameters: JsonObject) => ({
	...{ id: randomUUID(), name, type, typeVersion, parameters, position: [0, 0] },
});

/** n8n's Webhook node, and behind it nothing, or an HTTP Request node that reads a task of this provider. */
async function webhook(client: N8nClient, n8nUrl: string, read?: URL): Promise<Contestant> {
	const path = randomUUID();
	const header = async (name: string, value: string) => {
		const title = `${name} ${randomUUID()}`;
		const id = await client.createCredential(title, 'httpHeaderAuth', { name, value });
		return { httpHeaderAuth: { id, name: title } };
	};
	const parameters = { httpMethod: 'POST', path, authentication: 'headerAuth', options: {} };
	const workflowId = await client.importWorkflow({
		name: `Webhook ${path}`,
		nodes: [
			{
				...node('Webhook', 'n8n-nodes-base.webhook', 2, parameters),
				...{ webhookId: path, credentials: await header(HEADER, TOKEN) },
			},
			read
				? {
						...node('Read', 'n8n-nodes-base.httpRequest', 4.2, {
							...{ url: read.href, authentication: 'genericCredentialType' },
							...{ genericAuthType: 'httpHeaderAuth', sendQuery: true, options: {} },
							queryParameters: {
								parameters: [{ name: 'taskId', value: '={{ $json.body.data.taskId }}' }],
							},
						}),
						credentials: await header('Authorization', `Bearer ${DEFAULT_API_KEY}`),
					}
				: node('After', 'n8n-nodes-base.noOp', 1, {}),
		],
		connections: {
			Webhook: { main: [[{ node: read ? 'Read' : 'After', type: 'main', index: 0 }]] },
		},
		settings: { executionOrder: 'v1' },
	});
	await client.activate(workflowId);
	const url = new URL(`${n8nUrl}/webhook/${path}`);
	return {
		name: read ? 'Webhook node, HTTP Request node' : 'Webhook node',
		workflowId,
		calls: async (count) =>
			Array.from({ length: count }, () => callTo(url, nextTask(), { [HEADER]: TOKEN })),
	};
}

/** Tasks that have ended, for those who do not buy any. */
let nextTask = (): string => '';

const callTo = (url: URL, taskId: string, headers: Record<string, string> = {}): Sent => ({
	...{ method: 'POST', url, headers: { 'content-type': 'application/json', ...headers } },
	body: JSON.stringify({ code: 200, msg: 'success', data: { taskId } }),
});

/** The Midjourney Trigger as it is, but without files. */
function trigger(target: TriggerTarget): Contestant {
	let used = 0;
	return {
		name: 'Midjourney Trigger',
		workflowId: target.workflowId,
		calls: async (count) => {
			await target.buy(count);
			used += count;
			return Array.from({ length: count }, (_, nth) => {
				const position = used - count + nth;
				target.emulator.finish(target.taskId(position));
				return callTo(target.address(position), target.taskId(position));
			});
		},
	};
}

/** What calls have cost, in ms: of n8n's CPU each, and until the answer of each. */
interface Cost {
	cpu: number;
	answers: number[];
	failed: number;
}

async function measure(
	{ workflowId, calls }: Contestant,
	client: N8nClient,
	pid: number,
	count: number,
): Promise<Cost> {
	const all = await calls(count);
	const before = await client.countExecutions(workflowId);
	await pause(REST_MS);
	const idleFrom = { cpu: cpuOf(pid), at: performance.now() };
	await pause(REST_MS);
	const idle = (cpuOf(pid) - idleFrom.cpu) / (performance.now() - idleFrom.at);
	const from = { cpu: cpuOf(pid), at: performance.now() };
	const answers: number[] = [];
	let failed = 0;
	const made = all.map(async (call, nth) => {
		await pause(nth * Number(options.every));
		const since = performance.now();
		const { status } = await send(call);
		answers.push(performance.now() - since);
		if (status !== 200) failed++;
	});
	await Promise.all(made);
	await pause(REST_MS);
	const used = cpuOf(pid) - from.cpu - idle * (performance.now() - from.at);
	const started = async () => (await client.countExecutions(workflowId)) - before;
	if (!(await happens(async () => (await started()) >= count, 10_000))) {
		console.log(`Only ${await started()} of ${count} calls have started a workflow`);
	}
	return { cpu: used / count, answers, failed };
}

async function main(): Promise<void> {
	if (options.help) return console.log(HELP);
	const count = Number(options.calls);
	const { n8n, client } = await startStage(options.n8n, { N8N_LOG_LEVEL: 'warn' });
	const witness = { url: '', proxy: {}, heard: [], close: async () => {} };
	const target = await TriggerTarget.publish(
		'trigger',
		{ n8n, client, witness },
		{ provider: 'midApi' },
	);
	try {
		nextTask = () => target.taskId(0);
		const read = new URL('/api/v1/mj/record-info', target.emulator.url);
		const contestants = [
			await webhook(client, n8n.url),
			await webhook(client, n8n.url, read),
			trigger(target),
		].reverse();
		const costs = new Map<string, Cost[]>();
		for (const contestant of contestants) {
			await measure(contestant, client, n8n.pid, WARM_UP);
		}
		for (let round = 0; round < Number(options.rounds); round++) {
			for (const contestant of contestants) {
				const cost = await measure(contestant, client, n8n.pid, count);
				costs.set(contestant.name, [...(costs.get(contestant.name) ?? []), cost]);
			}
		}
		const rows = [...costs].reverse().map(([name, rounds]) => {
			const answers = spreadOf(rounds.flatMap((cost) => cost.answers));
			return [
				...[name, rounds.map(({ cpu }) => cpu.toFixed(0)).join(', ')],
				...[seconds(answers.mean), seconds(answers.p95)],
				String(rounds.reduce((sum, { failed }) => sum + failed, 0)),
			];
		});
		const header = ['Called', 'CPU a call, ms', 'Answer, mean s', '95 %', 'Not 200'];
		console.log(`\nn8n ${options.n8n}, ${count} calls each, every ${options.every} ms\n`);
		console.log(table(header, rows));
	} finally {
		await target.close();
		await n8n.stop();
	}
}

void main();
