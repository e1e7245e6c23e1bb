/* eslint-disable @n8n/community-nodes/no-restricted-globals -- drives a real n8n, it is not a node */
import { N8nClient } from '../n8n/client';
import { startQueueN8n } from '../n8n/queue';
import { startN8n } from '../n8n/server';
import { say, signUp, START_TIMEOUT_MS, withPackage } from '../n8n/stage';
import { type Gate, openGate } from './gate';
import { type Cell, isFull, PLAN, type Round, type Stage } from './plan';
import { type Killable, type Result, runRound } from './runner';
import { STEPS } from './steps';

const MINUTE = 60_000;
/** The next run of the node may be five minutes away, and n8n's timer one more. */
const PATIENCE_MS = isFull ? 7 * MINUTE : MINUTE;
const ROUND_TIMEOUT_MS = PATIENCE_MS + 8 * MINUTE;
/** All executions of a round are under way at once. */
const CONCURRENCY = 20;
/** The time that n8n waits for running executions when it is asked to end; its default is half a minute. */
const GRACE_S = '4';

const HEADER =
	'| killed | at this step | then | wanted | bought | twice | delivered | named | unknown | lost | ended | s | |';
const rows: string[] = [];

function rowOf({ version, mode }: Stage, { signal, part }: Round, result: Result): string {
	const { cell, bought, twice, delivered, named, unknown, lost } = result;
	const who = mode === 'queue' ? `queue, ${part}` : 'regular';
	const cells = [
		`${version} ${who}, ${signal}`,
		cell.step + (cell.onError === 'stopWorkflow' ? ' (On Error: stop)' : ''),
		cell.then,
		...[STEPS[cell.step].items, bought, twice.length, delivered.length],
		...[named.length, unknown.length, lost.length],
		result.statuses.join(' → '),
		Math.round(result.tookMs / 1000),
		result.faults.length === 0 ? 'ok' : result.faults.join('; '),
	];
	return `| ${cells.join(' | ')} |`;
}

const nameOf = ({ step, then, onError }: Cell) =>
	`${step}, then ${then}${onError === 'stopWorkflow' ? ', On Error: stop' : ''}`;

async function start({ version, mode }: Stage, gate: Gate): Promise<Killable> {
	const env = { WEBHOOK_URL: `${gate.url}/`, N8N_GRACEFUL_SHUTDOWN_TIMEOUT: GRACE_S };
	return await withPackage(version, async (ready) =>
		mode === 'regular'
			? await startN8n({ ...ready, env })
			: await startQueueN8n({ ...ready, env, concurrency: CONCURRENCY }),
	);
}

afterAll(() => {
	const table = [HEADER, HEADER.replace(/[^|]+/g, ' --- '), ...rows].join('\n');
	process.stderr.write(`\n${table}\n\n`);
});

describe.each(PLAN.map((stage) => ({ ...stage, name: `n8n ${stage.version}, ${stage.mode}` })))(
	'$name',
	(stage) => {
		let n8n: Killable;
		let gate: Gate;
		let client: N8nClient;

		beforeAll(async () => {
			gate = await openGate();
			n8n = await start(stage, gate);
			gate.leadTo(n8n.webhookUrl);
			client = await signUp(n8n.url);
			say(`${stage.mode}: ready after ${(n8n.startedInMs / 1000).toFixed(1)} s`);
		}, START_TIMEOUT_MS);

		afterAll(async () => {
			await n8n?.stop();
			await gate?.close();
		}, MINUTE);

		describe.each(stage.rounds)('$signal of $part', (round) => {
			let results: Map<Cell, Result>;

			beforeAll(async () => {
				results = await runRound({ n8n, client, gate }, round, PATIENCE_MS);
				for (const result of results.values()) rows.push(rowOf(stage, round, result));
			}, ROUND_TIMEOUT_MS);

			test.each(round.cells.map((cell): [string, Cell] => [nameOf(cell), cell]))(
				'%s',
				(_, cell) => {
					expect(results.get(cell)?.faults).toEqual([]);
				},
			);
		});
	},
);
