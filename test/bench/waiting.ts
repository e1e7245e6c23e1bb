/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, no-console -- a command line program, not a node */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { DEFAULT_API_KEY, type Emulator, type EmulatorOptions, startEmulator } from '../emulator';
import type { Execution, N8nClient } from '../n8n/client';
import { CURRENT_N8N } from '../n8n/install';
import { startQueueN8n } from '../n8n/queue';
import { type N8nServer, startN8n } from '../n8n/server';
import { signUp, withPackage } from '../n8n/stage';
import {
	NAMES,
	NEXT,
	type Provider,
	quickWorkflow,
	triggerWorkflow,
	type Way,
	workflowFor,
} from './contestants';
import { cpuOf, happens, probe, seconds, spreadOf, table } from './measure';
import { parked } from './parked';

const HELP = `npm run bench:waiting -- [options]

Measures how the node waits, beside what n8n brings by itself, in a real n8n, and prints tables. It asserts nothing.

  --only <list>      of: delay, burst, ten, queue (default: all)
  --reps <number>    runs of each case of the delays (default 3)
  --long             tasks of 240 and 600 s, too (half an hour)
  --burst <list>     tasks that end together (default 1,10,50,100,200)
  --spread <seconds> that end one after the other within this (default 0: all at the same moment)
  --ways <list>      that are waited for so: webhook, firstCall, auto, callback, relayed (default: all)
  --cap <seconds>    give up a burst after this (default 90)
  --parked <number>  only this: so many executions parked at once (1000: six minutes)
  --workers <number> workers of the queue, each with five slots (default 1)
  --n8n <version>    default ${CURRENT_N8N}`;

const SHORT_S = [6, 20, 45, 60, 90];
const LONG_S = [240, 600];
/** Starts follow one another at this distance, so that they do not disturb each other. */
const APART_MS = 1200;
/** A look may be minutes away. */
const LATEST_MS = 7 * 60_000;
/** From the last submit until everybody has come to rest. */
const REST_MS = 4000;
const QUEUE = { slow: 20, taskMs: 30_000, quickEveryMs: 1000, quickForMs: 40_000 };
/** Stands before the emulator's port in the address that looks public; see names.cjs. */
const PUBLIC_HOST = 'http://api.provider.test';

const FINAL = new Set(['success', 'error', 'canceled', 'crashed']);
const env = { NODE_OPTIONS: `--require ${join(__dirname, 'names.cjs')}`, N8N_LOG_LEVEL: 'warn' };

/** An n8n to measure in. */
interface Place {
	n8n: N8nServer;
	client: N8nClient;
}

/** A provider, and the workflows that buy from it. */
class Market {
	private constructor(
		readonly place: Place,
		readonly emulator: Emulator,
		private readonly provider: Provider,
	) {}

	static async open(place: Place, options: EmulatorOptions): Promise<Market> {
		const emulator = await startEmulator({ credits: 1e9, ...options });
		const make = async (baseUrl: string) => {
			const name = `MidAPI ${randomUUID()}`;
			const data = { apiKey: DEFAULT_API_KEY, baseUrl };
			return { id: await place.client.createCredential(name, 'midApi', data), name };
		};
		const { port } = new URL(emulator.url);
		const credential = await make(emulator.url);
		const webhookId = randomUUID();
		const { client, n8n } = place;
		await client.activate(await client.importWorkflow(triggerWorkflow(credential, webhookId)));
		return new Market(place, emulator, {
			url: emulator.url,
			credential,
			publicCredential: await make(`${PUBLIC_HOST}:${port}`),
			triggerUrl: `${n8n.webhookUrl}/webhook/${webhookId}/webhook`,
		});
	}

	/** Publishes the workflow of this way to wait. */
	async stand(way: Way): Promise<Stand> {
		const path = randomUUID();
		const { client } = this.place;
		const workflowId = await client.importWorkflow(workflowFor(way, this.provider, path));
		await client.activate(workflowId);
		return { workflowId, url: `${this.place.n8n.webhookUrl}/webhook/${path}` };
	}

	async close(): Promise<void> {
		await this.emulator.close();
	}
}

interface Stand {
	workflowId: string;
	url: string;
}

/** Starts an execution for these prompts. Asks again while the webhook is not there yet. */
async function order({ url }: Stand, prompts: string[]): Promise<void> {
	const body = JSON.stringify({ prompts });
	const headers = { 'content-type': 'application/json' };
	const taken = await happens(
		async () => (await fetch(url, { method: 'POST', headers, body })).ok,
		30_000,
	);
	if (!taken) throw new Error(`n8n does not take orders at ${url}`);
}

const promptsFor = (count: number): string[] => {
	const name = randomUUID();
	return Array.from({ length: count }, (_, nth) => `picture ${nth} of ${name}`);
};

/** When the node behind the wait began for the last time, in Unix ms; NaN if it did not. */
function nextAt(execution: Execution): number {
	const runs = execution.runs.get(NEXT) ?? [];
	return runs.length === 0 ? NaN : Math.max(...runs.map(({ startedAt }) => startedAt));
}

/** All executions of a workflow that have ended, or all when the time is over. */
async function endedExecutions(
	client: N8nClient,
	{ workflowId }: Stand,
	count: number,
	timeoutMs: number,
): Promise<Execution[]> {
	await happens(
		async () => {
			const all = await client.executions(workflowId, count).catch(() => []);
			return all.length >= count && all.every(({ status }) => FINAL.has(status));
		},
		timeoutMs,
		1000,
	);
	const all = await client.executions(workflowId, count).catch(() => []);
	const found: Execution[] = [];
	for (const { id } of all) found.push(await client.execution(id));
	return found;
}

/** What one execution of several tasks showed. */
interface Measured {
	/** From the end of its last task to the node behind, in ms; NaN if that was not seen. */
	delayMs: number;
	reads: number;
}

// --- 1: how late, and at what price -----------------------------------------------------------------------------------

/** Lets n8n hear the call of a task for the account, as it has after its first one: until then it reads more often. */
async function hearCall({ place }: Market, stand: Stand, length: number): Promise<void> {
	await order(stand, promptsFor(1));
	await endedExecutions(place.client, stand, 1, length * 1000 + LATEST_MS);
}

async function delays(place: Place, lengths: number[], reps: number): Promise<string> {
	interface Case {
		length: number;
		count: number;
		way: Way;
		market: Market;
		stand: Stand;
		orders: string[][];
	}
	const cases: Case[] = [];
	const markets: Market[] = [];
	const firsts: Array<Promise<void>> = [];
	for (const length of lengths) {
		const market = await Market.open(place, { latencyMs: length * 1000, seed: length });
		markets.push(market);
		for (const count of [1, 10]) {
			for (const way of ['auto', 'autoUncalled', 'loop', 'webhook'] as const) {
				// One call wakes one execution: it cannot wait for ten.
				if (way === 'webhook' && count > 1) continue;
				const stand = await market.stand(way);
				if (way === 'auto') firsts.push(hearCall(market, stand, length));
				const orders = Array.from({ length: reps }, () => promptsFor(count));
				cases.push({ length, count, way, market, stand, orders });
			}
		}
	}
	say('one task for each account first …');
	await Promise.all(firsts);
	// The longest first, each kind spread over the whole time.
	const plan = Array.from({ length: reps }, (_, rep) =>
		[...cases].reverse().map((one) => ({ one, prompts: one.orders[rep] ?? [] })),
	).flat();
	say(`${plan.length} executions, ${APART_MS} ms apart …`);
	for (const { one, prompts } of plan) {
		await order(one.stand, prompts);
		await pause(APART_MS);
	}
	say('all started, waiting for them …');
	const rows: string[][] = [];
	for (const { length, count, way, market, stand, orders } of cases) {
		const { client } = place;
		const executions = await endedExecutions(client, stand, reps, length * 1000 + LATEST_MS);
		const { ledger } = market.emulator;
		const measured = orders.map((prompts): Measured => {
			const bought = ledger.submits.filter(({ body }) => prompts.includes(String(body.prompt)));
			const lastEnd = Math.max(...bought.map(({ at }) => at)) + length * 1000;
			const execution = executions.find(({ raw }) => raw.includes(prompts[0] ?? ''));
			const reads = bought.reduce((sum, { taskId }) => sum + ledger.readsOf(taskId).length, 0);
			return {
				delayMs: execution ? nextAt(execution) - lastEnd : NaN,
				reads: reads / count,
			};
		});
		const seen = measured.map(({ delayMs }) => delayMs).filter(Number.isFinite);
		const { mean, p95, worst } = spreadOf(seen);
		const reads = spreadOf(measured.map((one) => one.reads)).mean;
		rows.push([
			...[String(length), String(count), NAMES[way]],
			...[seconds(mean), `${((mean / length / 1000) * 100).toFixed(0)} %`],
			...[seconds(p95), seconds(worst), reads.toFixed(1), `${seen.length} of ${reps}`],
		]);
	}
	await Promise.all(markets.map(async (market) => await market.close()));
	return table(
		[
			...['task s', 'tasks', 'waits by', 'delay: mean s', 'of the task', 'p95 s', 'worst s'],
			...['reads a task', 'seen'],
		],
		rows,
	);
}

// --- 2: many that end together ----------------------------------------------------------------------------------------

/** `firstCall` is n8n's share: no node can be quicker in an n8n that takes the calls of all tasks. */
const BURST_WAYS = ['webhook', 'firstCall', 'auto', 'callback', 'relayed'] as const;

interface BurstOptions {
	sizes: number[];
	ways: Way[];
	/** From the end of the first task to that of the last. */
	spreadMs: number;
	capMs: number;
}

async function bursts(place: Place, options: BurstOptions): Promise<string> {
	const rows: string[][] = [];
	for (const size of options.sizes) {
		for (const way of options.ways) {
			say(`${size} that end together, ${NAMES[way]} …`);
			rows.push([String(size), NAMES[way], ...(await burst(place, way, size, options))]);
		}
	}
	return table(
		[
			...['tasks', 'waits by', 'last end → next node s', 'reads a task', 'CPU of n8n s'],
			...['slowest other answer s', 'others refused'],
		],
		rows,
	);
}

async function burst(
	place: Place,
	way: Way,
	size: number,
	{ spreadMs, capMs }: BurstOptions,
): Promise<string[]> {
	const { n8n, client } = place;
	const market = await Market.open(place, { latencyMs: Infinity });
	const { emulator } = market;
	const { ledger } = emulator;
	try {
		const stand = await market.stand(way);
		const prompts = promptsFor(size);
		// One execution for all, or for each its own where a call can only wake one.
		const executions = way === 'webhook' ? size : 1;
		const orders = way === 'webhook' ? prompts.map((prompt) => [prompt]) : [prompts];
		for (const one of orders) await order(stand, one);
		const bought = await happens(() => ledger.submits.length === size, 120_000);
		if (!bought) return [`only ${ledger.submits.length} bought`, '', '', '', ''];
		await pause(REST_MS);
		const before = { cpu: cpuOf(n8n.pid), reads: ledger.reads.length };
		const others = probe(n8n.url);
		const firstEnd = Date.now();
		for (const [nth, { taskId }] of ledger.submits.entries()) {
			const early = firstEnd + (spreadMs * nth) / size - Date.now();
			if (early > 0) await pause(early);
			emulator.finish(taskId);
		}
		const lastEnd = Date.now();
		// A look at n8n costs it something: not before the provider has been asked about every task that is read.
		const wanted = way === 'firstCall' ? 1 : size;
		await happens(() => ledger.reads.length - before.reads >= wanted, capMs, 50);
		await happens(
			async () => {
				const all = await client.executions(stand.workflowId, executions).catch(() => []);
				return all.length === executions && all.every(({ status }) => FINAL.has(status));
			},
			Math.max(0, capMs - (Date.now() - lastEnd)),
			500,
		);
		const cpu = cpuOf(n8n.pid) - before.cpu;
		const { worstMs, failed } = await others.stop();
		const found = await endedExecutions(client, stand, executions, 0).catch(() => []);
		const times = found.map(nextAt).filter(Number.isFinite);
		const all = times.length === executions;
		return [
			all ? seconds(Math.max(...times) - lastEnd) : `not after ${capMs / 1000}`,
			(ledger.reads.length / size).toFixed(1),
			seconds(cpu),
			seconds(worstMs),
			String(failed),
		];
	} finally {
		await market.close();
		await recovered(place);
	}
}

/** The next measurement finds an n8n at rest: one that has gone down under the last is started anew. */
async function recovered({ n8n, client }: Place): Promise<void> {
	const rests = async () => {
		const before = cpuOf(n8n.pid);
		await pause(1000);
		const answer = await fetch(`${n8n.url}/healthz/readiness`).catch(() => undefined);
		// Half a core is not rest; without a figure, an answer has to do.
		return answer?.ok === true && !(cpuOf(n8n.pid) - before > 500);
	};
	if (await happens(rests, 20_000)) return;
	say('n8n does not come to rest: started anew');
	await n8n.crashAndStart();
	await client.n8nVersion();
}

// --- 3: ten tasks of six seconds --------------------------------------------------------------------------------------

async function ten(place: Place, reps: number): Promise<string> {
	const rows: string[][] = [];
	for (const way of ['auto', 'autoUncalled', 'callback', 'loop'] as const) {
		say(`10 tasks of 6 s, ${NAMES[way]} …`);
		const market = await Market.open(place, { latencyMs: 6000 });
		const stand = await market.stand(way);
		const whole: number[] = [];
		for (let rep = 0; rep < reps; rep++) {
			const prompts = promptsFor(10);
			// Until the webhook is there, nothing has begun.
			const tried = await happens(
				async () => (await fetch(stand.url, { method: 'OPTIONS' })).status !== 404,
				5000,
			);
			if (!tried) say('the webhook is slow to come');
			const since = Date.now();
			await order(stand, prompts);
			const executions = await endedExecutions(place.client, stand, rep + 1, 120_000);
			const mine = executions.find(({ raw }) => raw.includes(prompts[0] ?? ''));
			whole.push(mine ? nextAt(mine) - since : NaN);
		}
		const seen = whole.filter(Number.isFinite);
		const { mean, worst } = spreadOf(seen);
		const { ledger } = market.emulator;
		const reads = ledger.reads.length / ledger.submits.length;
		rows.push([NAMES[way], seconds(mean), seconds(worst), reads.toFixed(1)]);
		await market.close();
	}
	return table(['waits by', 'start → next node: mean s', 'worst s', 'reads a task'], rows);
}

// --- 4: a quick workflow beside slow ones, in queue mode --------------------------------------------------------------

async function besideSlow(place: Place): Promise<string> {
	const rows: string[][] = [];
	const { n8n, client } = place;
	const path = randomUUID();
	await client.activate(await client.importWorkflow(quickWorkflow(path)));
	const quick = `${n8n.webhookUrl}/webhook/${path}`;
	await happens(async () => (await fetch(quick, { method: 'POST' })).ok, 30_000);
	for (const way of ['auto', 'autoUncalled', 'webhook', 'loop'] as const) {
		say(`${QUEUE.slow} slow ones, ${NAMES[way]} …`);
		const market = await Market.open(place, { latencyMs: QUEUE.taskMs });
		const stand = await market.stand(way);
		const since = Date.now();
		for (let nth = 0; nth < QUEUE.slow; nth++) await order(stand, promptsFor(1));
		const took: number[] = [];
		const asking: Array<Promise<void>> = [];
		for (let at = 0; at < QUEUE.quickForMs; at += QUEUE.quickEveryMs) {
			const asked = performance.now();
			const ask = fetch(quick, { method: 'POST', signal: AbortSignal.timeout(LATEST_MS) }).then(
				async (answer) => {
					await answer.text();
					took.push(performance.now() - asked);
				},
				() => void took.push(NaN),
			);
			asking.push(ask);
			await pause(QUEUE.quickEveryMs);
		}
		await Promise.all(asking);
		const executions = await endedExecutions(client, stand, QUEUE.slow, LATEST_MS);
		const lastAt = Math.max(...executions.map(nextAt));
		const seen = took.filter(Number.isFinite).sort((a, b) => a - b);
		rows.push([
			...[NAMES[way], seconds(seen[Math.floor(seen.length / 2)] ?? NaN)],
			...[seconds(spreadOf(seen).p95), seconds(spreadOf(seen).worst), seconds(lastAt - since)],
		]);
		await market.close();
	}
	return table(
		['slow ones wait by', 'quick one: median s', 'p95 s', 'worst s', 'all slow ones done after s'],
		rows,
	);
}

// ----------------------------------------------------------------------------------------------------------------------

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function withRegular(version: string, work: (place: Place) => Promise<void>): Promise<void> {
	const n8n = await withPackage(version, async (ready) => await startN8n({ ...ready, env }));
	try {
		await work({ n8n, client: await signUp(n8n.url) });
	} finally {
		await n8n.stop();
	}
}

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			only: { type: 'string', default: 'delay,burst,ten,queue' },
			reps: { type: 'string', default: '3' },
			long: { type: 'boolean', default: false },
			burst: { type: 'string', default: '1,10,50,100,200' },
			spread: { type: 'string', default: '0' },
			ways: { type: 'string', default: BURST_WAYS.join(',') },
			cap: { type: 'string', default: '90' },
			parked: { type: 'string', default: '0' },
			workers: { type: 'string', default: '1' },
			n8n: { type: 'string', default: CURRENT_N8N },
			help: { type: 'boolean', short: 'h', default: false },
		},
	});
	if (values.help) return console.log(HELP);
	const count = Number(values.parked);
	const parts = count > 0 ? [] : values.only.split(',');
	const reps = Number(values.reps);
	const version = values.n8n;
	const print = (title: string, shown: string) => console.log(`\n### ${title}\n\n${shown}`);

	if (count > 0) {
		const title = `${count} executions parked at once (n8n ${version})`;
		print(title, await parked(version, count, say));
	}
	if (parts.some((part) => part !== 'queue')) {
		await withRegular(version, async (place) => {
			if (parts.includes('ten')) {
				const title = `Ten tasks of 6 s in one execution, nothing else going on (n8n ${version})`;
				print(title, await ten(place, Math.min(reps, 3)));
			}
			if (parts.includes('delay')) {
				const lengths = values.long ? [...SHORT_S, ...LONG_S] : SHORT_S;
				const title = `From the end of the last task to the next node (n8n ${version})`;
				print(title, await delays(place, lengths, reps));
			}
			if (parts.includes('burst')) {
				const chosen = values.ways.split(',');
				const within = Number(values.spread) > 0 ? ` within ${values.spread} s` : '';
				const title = `Tasks that end together${within}, each with a callback (n8n ${version})`;
				const shown = await bursts(place, {
					sizes: values.burst.split(',').map(Number),
					ways: BURST_WAYS.filter((way) => chosen.includes(way)),
					spreadMs: Number(values.spread) * 1000,
					capMs: Number(values.cap) * 1000,
				});
				print(title, shown);
			}
		});
	}
	if (parts.includes('queue')) {
		const workers = Number(values.workers);
		const n8n = await withPackage(
			version,
			async (ready) => await startQueueN8n({ ...ready, env, workers }),
		);
		try {
			const title = `A quick workflow beside ${QUEUE.slow} with a task of ${QUEUE.taskMs / 1000} s, queue mode, ${workers * 5} slots (n8n ${version})`;
			print(title, await besideSlow({ n8n, client: await signUp(n8n.url) }));
		} finally {
			await n8n.stop();
		}
	}
}

main().catch((error: unknown) => {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
});
