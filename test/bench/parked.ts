/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- measures servers, it is not a node */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import { object } from '../n8n/json';
import { type N8nServer, startN8n } from '../n8n/server';
import { signUp, withPackage } from '../n8n/stage';
import { parkingWorkflow } from './contestants';
import { cpuOf, happens, seconds, table } from './measure';

/** Who parks. */
const WAYS = { midjourney: 'Midjourney, Task → Wait', wait: "n8n's Wait on webhook" } as const;

/** So many executions are started at once. */
const STARTS_AT_ONCE = 10;

/** Executions that are not parked by then are not counted. */
const PARKED_WITHIN_MS = 90_000;

/** An n8n that was just started, or has just parked, does other things at first. */
const REST_MS = 10_000;

/** So long is looked at what is parked. */
const HELD_MS = 30_000;

/** What n8n says of itself; see ticks.cjs. */
interface Vitals {
	/** The longest tick since the question before, and the CPU of the busiest one. */
	ms: number;
	cpuMs: number;
	heapUsed: number;
	rss: number;
}

/** Executions parked at once, each for a task that does not end: what they cost n8n while nothing happens. */
export async function parked(version: string, count: number, say: (line: string) => void) {
	const rows: string[][] = [];
	for (const way of ['wait', 'midjourney'] as const) {
		say(`${count} executions parked by ${WAYS[way]} …`);
		const row = [WAYS[way], ...(await park(version, way, count))];
		say(row.join(' | '));
		rows.push(row);
	}
	return table(
		[
			...['parked by', 'executions', 'heap for each kB', 'resident, more MB'],
			...['CPU s a minute', 'reads a second', 'most in a second'],
			...['longest tick ms', 'CPU of the busiest tick ms'],
		],
		rows,
	);
}

async function park(version: string, way: keyof typeof WAYS, count: number): Promise<string[]> {
	const folder = await mkdtemp(join(tmpdir(), 'midjourney-ticks-'));
	const env = {
		...{ NODE_OPTIONS: `--require ${join(__dirname, 'ticks.cjs')}`, BENCH_FOLDER: folder },
		N8N_LOG_LEVEL: 'warn',
	};
	const n8n = await withPackage(version, async (ready) => await startN8n({ ...ready, env }));
	const emulator = await startEmulator({ credits: 1e9, latencyMs: Infinity });
	try {
		const client = await signUp(n8n.url);
		const data = { apiKey: DEFAULT_API_KEY, baseUrl: emulator.url };
		const credential = {
			id: await client.createCredential('MidAPI', 'midApi', data),
			name: 'MidAPI',
		};
		const workflowId = await client.importWorkflow(parkingWorkflow(way, credential));
		await client.activate(workflowId);
		const url = `${n8n.webhookUrl}/webhook/${way}`;
		const start = async () => {
			const body = JSON.stringify({ taskId: await bought(emulator) });
			const headers = { 'content-type': 'application/json' };
			return (await fetch(url, { method: 'POST', headers, body })).ok;
		};
		// What is loaded and compiled with the first ones is not counted.
		await happens(start, 30_000);
		for (let times = 0; times < 20; times++) await start();
		await pause(REST_MS);
		const before = await vitalsOf(n8n, folder);

		const deadline = Date.now() + PARKED_WITHIN_MS;
		let begun = 0;
		const some = async () => {
			while (begun < count && Date.now() < deadline) {
				begun++;
				await happens(start, 30_000);
			}
		};
		await Promise.all(Array.from({ length: STARTS_AT_ONCE }, some));
		await happens(async () => (await client.countExecutions(workflowId, 'running')) === 0, 60_000);
		const waiting = (await client.countExecutions(workflowId, 'waiting')) - 21;
		await pause(REST_MS);

		await vitalsOf(n8n, folder);
		const { reads } = emulator.ledger;
		const [cpu, since, read] = [cpuOf(n8n.pid), Date.now(), reads.length];
		await pause(HELD_MS);
		const heldMs = Date.now() - since;
		const used = cpuOf(n8n.pid) - cpu;
		const perSecond = reads.slice(read).reduce<Map<number, number>>((all, { at }) => {
			const second = Math.floor(at / 1000);
			return all.set(second, (all.get(second) ?? 0) + 1);
		}, new Map());
		const made = reads.length - read;
		const after = await vitalsOf(n8n, folder);
		return [
			...[String(waiting), ((after.heapUsed - before.heapUsed) / waiting / 1e3).toFixed(1)],
			...[((after.rss - before.rss) / 1e6).toFixed(0), seconds((used / heldMs) * 60_000)],
			...[((made / heldMs) * 1000).toFixed(1), String(Math.max(0, ...perSecond.values()))],
			...[after.ms.toFixed(0), after.cpuMs.toFixed(0)],
		];
	} finally {
		await n8n.stop();
		await emulator.close();
		await rm(folder, { recursive: true, force: true });
	}
}

/** A task that was bought without the node. */
async function bought({ url }: Emulator): Promise<unknown> {
	const answer = await fetch(`${url}/api/v1/mj/generate`, {
		method: 'POST',
		headers: { authorization: `Bearer ${DEFAULT_API_KEY}`, 'content-type': 'application/json' },
		body: JSON.stringify({ taskType: 'mj_txt2img', prompt: 'a cup', speed: 'fast' }),
	});
	const { data } = object(await answer.json(), 'answer to the submit');
	return object(data, 'data').taskId;
}

async function vitalsOf({ pid }: N8nServer, folder: string): Promise<Vitals> {
	const file = join(folder, `${pid}.json`);
	await rm(file, { force: true });
	process.kill(pid, 'SIGUSR2');
	if (!(await happens(() => existsSync(file), 30_000)))
		throw new Error('n8n does not tell of itself');
	const said = object(JSON.parse(await readFile(file, 'utf8')), 'vitals');
	const number = (name: keyof Vitals) => Number(said[name] ?? NaN);
	return {
		...{ ms: number('ms'), cpuMs: number('cpuMs') },
		...{ heapUsed: number('heapUsed'), rss: number('rss') },
	};
}
