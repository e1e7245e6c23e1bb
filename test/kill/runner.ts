/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/require-node-api-error -- drives a real n8n, it is not a node */
import { setTimeout as pause } from 'node:timers/promises';

import type { Execution, N8nClient } from '../n8n/client';
import { prompts, resultsOf, Wait } from '../scenarios/wait';
import type { Ending } from '../n8n/process';
import type { Part } from '../n8n/queue';
import type { N8nServer } from '../n8n/server';
import type { Gate } from './gate';
import { judge, type Verdict } from './judge';
import type { Cell, Round } from './plan';
import { type Hold, STEPS } from './steps';

/** An n8n that can be killed, in whole or in part. */
export interface Killable extends Omit<N8nServer, 'down'> {
	down(signal: Ending, part?: Part): Promise<void>;
}

/** What a round needs. */
export interface Place {
	n8n: Killable;
	client: N8nClient;
	gate: Gate;
}

/** The result of one cell. */
export interface Result extends Verdict {
	cell: Cell;
	/** The status once n8n runs again, and that of the last execution. */
	statuses: string[];
	/** The time since n8n was ready again, in ms. */
	tookMs: number;
}

/** The time limit for an execution to reach its step, with a list of ordinary length, in ms. */
const REACHED_MS = 25_000;
const REACHED_MS_PER_ITEM = 1000;
/** In queue mode the job of a dead worker is noticed after half a minute or more. */
const SETTLED_MS = 120_000;
const LOOK_MS = 700;
/** How often a request to a busy n8n is repeated, a second apart. */
const BUSY_TRIES = 60;
const FINAL = new Set(['success', 'error', 'canceled', 'crashed']);
/** The pause between the ends of tasks once n8n runs again, in ms. */
const BEAT_MS = 250;

interface Standing {
	cell: Cell;
	wait: Wait;
	hold: Hold;
	reached: boolean;
}

/**
 * Brings one execution for each cell to its step, kills n8n, starts it again, and judges each execution.
 *
 * @param patienceMs how long an execution that is not retried may take to go on by itself
 */
export async function runRound(
	place: Place,
	{ signal, part, cells }: Round,
	patienceMs: number,
): Promise<Map<Cell, Result>> {
	const { n8n, client } = place;
	const standing: Standing[] = [];
	try {
		for (const cell of cells) standing.push(await begin(place, cell));
		await Promise.all(
			standing.map(async (one) => {
				const { parks, items } = STEPS[one.cell.step];
				const patience = Math.max(REACHED_MS, items * REACHED_MS_PER_ITEM);
				const arrived = one.hold.reached.then(async () => {
					if (parks) await one.wait.untilParked();
					one.reached = true;
				});
				await Promise.race([arrived.catch(() => undefined), pause(patience)]);
			}),
		);
		await Promise.all(standing.map(async ({ hold }) => await hold.beforeKill?.()));
		await n8n.down(signal, part);
		for (const { hold } of standing) {
			hold.whileDown?.();
			// In queue mode executions run on workers.
			hold.release(part === 'main');
		}
		if (standing.some(({ hold }) => hold.whileDown)) await pause(1000);
		await n8n.up();
		const results = await Promise.all(
			standing.map(async (one) => await followed(client, n8n, one, patienceMs)),
		);
		return new Map(results.map((result) => [result.cell, result]));
	} finally {
		await Promise.all(standing.map(async ({ wait }) => await wait.close()));
	}
}

/** Gives every execution different task ids, because all are searched in the same log of n8n. */
let seed = 0;

async function begin({ client, n8n, gate }: Place, cell: Cell): Promise<Standing> {
	const { items, download, emulator, hold } = STEPS[cell.step];
	let held: Hold | undefined;
	const wait = await Wait.start(
		{ client, n8n },
		{
			prompts: prompts(items),
			waitMode: 'auto',
			waitOptions: { firstCheck: 1, longestPause: 2 },
			download,
			settings: { onError: cell.onError },
			emulator: {
				seed: (seed += 1000),
				callbacks: 'automatic',
				callbackRetryPausesMs: [1000, 3000, 10_000],
				...emulator,
			},
		},
		(provider) => (held = hold(provider, items, gate)),
	);
	gate.isOf(wait.emulator.url, wait.executionId);
	if (!held) throw new Error('Nothing holds the execution');
	return { cell, wait, hold: held, reached: false };
}

/** Repeats a request while n8n is too busy to answer, which is not what is judged here. */
async function withRetries<T>(ask: () => Promise<T>): Promise<T> {
	for (let nth = 1; ; nth++) {
		try {
			return await ask();
		} catch (error) {
			if (nth === BUSY_TRIES || !String(error).includes(' → 503')) throw error;
			await pause(1000);
		}
	}
}

/** Follows one execution to its end while the provider ends every task, and judges it. */
async function followed(
	client: N8nClient,
	n8n: Killable,
	{ cell, wait, hold, reached }: Standing,
	patienceMs: number,
): Promise<Result> {
	const { emulator, workflowId, executionId } = wait;
	const since = Date.now();
	const ended = new Set<string>();
	const beat = setInterval(() => {
		const next = emulator.ledger.submits.find(({ taskId }) => !ended.has(taskId));
		if (next === undefined) return;
		ended.add(next.taskId);
		emulator.finish(next.taskId);
	}, BEAT_MS);
	const troubles: string[] = reached ? [] : ['never stood at this step'];
	const look = async (id: string): Promise<Execution> =>
		await withRetries(async () => await client.execution(id)).catch((error: unknown) => ({
			id,
			status: 'unreadable',
			runs: new Map(),
			raw: String(error),
		}));
	/** Waits for a status, which is read without the data of the executions, because loading it would slow n8n down. */
	const turns = async (id: string, isRight: (status: string) => boolean, ms: number) => {
		const deadline = Date.now() + ms;
		for (;;) {
			const all = await withRetries(async () => await client.executions(workflowId));
			const status = all.find((one) => one.id === id)?.status ?? 'unreadable';
			if (isRight(status) || Date.now() > deadline) return await look(id);
			await pause(LOOK_MS);
		}
	};
	/** Whether the execution could be stopped; false when it has ended by itself meanwhile. */
	const stops = async () =>
		await withRetries(async () => await client.stopExecution(executionId)).then(
			() => true,
			(error: unknown) => {
				if (!String(error).includes('Only running or waiting')) throw error;
				return false;
			},
		);
	const retried = async () => {
		const id = await client
			.retry(workflowId, executionId)
			.catch((error: unknown) => void troubles.push(`no retry: ${String(error)}`));
		return id === undefined ? await look(executionId) : await turns(id, isFinal, SETTLED_MS);
	};
	const isFinal = (status: string) => FINAL.has(status);
	const isSettled = (status: string) => !['new', 'running', 'unreadable'].includes(status);
	try {
		const settled = await turns(executionId, isSettled, SETTLED_MS);
		let last = settled;
		if (cell.then === 'restart') {
			if (!isFinal(settled.status)) last = await turns(executionId, isFinal, patienceMs);
		} else {
			// A waiting execution would go on by itself. A user who does not trust that stops and retries it.
			const isStopped = isFinal(settled.status) || (await stops());
			if (!isStopped) last = await turns(executionId, isFinal, SETTLED_MS);
			else if (settled.status !== 'success') last = await retried();
		}
		// Anything else that n8n has begun for it counts, too.
		await pause(1000);
		const all = await withRetries(async () => await client.executions(workflowId));
		const raws = await Promise.all(all.map(async ({ id }) => (await look(id)).raw));
		const statuses = [...new Set([settled.status, last.status])];
		const verdict = judge(
			{
				prompts: prompts(STEPS[cell.step].items),
				submits: emulator.ledger.submits.map(({ body, taskId }) => ({
					prompt: String(body.prompt),
					taskId,
					unanswered: hold.unanswered?.has(body.prompt) ?? false,
				})),
				status: last.status,
				error: last.error,
				items: resultsOf(last).map(({ json }) => json),
				kept: [...raws, n8n.log()].join('\n'),
			},
			cell.then === 'retry' || last.status !== 'crashed',
		);
		const faults = [...troubles, ...verdict.faults];
		return { ...verdict, faults, cell, statuses, tookMs: Date.now() - since };
	} finally {
		clearInterval(beat);
	}
}
