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

/** Where a round takes place. */
export interface Place {
	n8n: Killable;
	client: N8nClient;
	gate: Gate;
}

/** What became of one cell. */
export interface Result extends Verdict {
	cell: Cell;
	/** Status after n8n was there again, and of the last execution. */
	statuses: string[];
	/** From the moment when n8n was ready again, in ms. */
	tookMs: number;
}

/** Nobody is slower to get to his step, with a list of ordinary length. */
const REACHED_MS = 25_000;
const REACHED_MS_PER_ITEM = 1000;
/** In queue mode a job of a dead worker is found dead after half a minute or more. */
const SETTLED_MS = 120_000;
const LOOK_MS = 700;
/** A second apart. */
const BUSY_TRIES = 60;
const FINAL = new Set(['success', 'error', 'canceled', 'crashed']);
/** The provider, once n8n is there again: so often it ends the next task. */
const BEAT_MS = 250;

interface Standing {
	cell: Cell;
	wait: Wait;
	hold: Hold;
	reached: boolean;
}

/**
 * Brings one execution for each cell to its step, kills n8n, starts it again, and judges what comes of each.
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
			// In queue mode executions run in the workers.
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

/** No two executions get the same task ids: they are looked for in n8n's one log. */
let seed = 0;

async function begin({ client, n8n, gate }: Place, cell: Cell): Promise<Standing> {
	const { items, options, download, emulator, hold } = STEPS[cell.step];
	let held: Hold | undefined;
	const wait = await Wait.start(
		{ client, n8n },
		{
			prompts: prompts(items),
			waitMode: 'auto',
			options: { firstCheck: 1, longestPause: 2, ...options },
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

/** Asks n8n again while it is too busy to answer: that is not what is judged here. */
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

/** Sees one execution to its end, with the provider ending every task, and judges. */
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
	/** Looks at the statuses of all executions alone: their data would keep n8n from its work. */
	const turns = async (id: string, isRight: (status: string) => boolean, ms: number) => {
		const deadline = Date.now() + ms;
		for (;;) {
			const all = await withRetries(async () => await client.executions(workflowId));
			const status = all.find((one) => one.id === id)?.status ?? 'unreadable';
			if (isRight(status) || Date.now() > deadline) return await look(id);
			await pause(LOOK_MS);
		}
	};
	const isFinal = (status: string) => FINAL.has(status);
	const isSettled = (status: string) => !['new', 'running', 'unreadable'].includes(status);
	try {
		const settled = await turns(executionId, isSettled, SETTLED_MS);
		let last = settled;
		if (cell.then === 'restart') {
			if (!isFinal(settled.status)) last = await turns(executionId, isFinal, patienceMs);
		} else if (settled.status !== 'success') {
			// One that still waits would go on by itself; a user who does not trust it stops and retries it.
			if (!isFinal(settled.status))
				await withRetries(async () => await client.stopExecution(executionId));
			const retried = await client
				.retry(workflowId, executionId)
				.catch((error: unknown) => void troubles.push(`no retry: ${String(error)}`));
			last =
				retried === undefined ? await look(executionId) : await turns(retried, isFinal, SETTLED_MS);
		}
		// Whatever else n8n has begun about it counts, too.
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
