/* eslint-disable @n8n/community-nodes/no-restricted-imports -- floods a real n8n, it is not a node */
import { setTimeout as pause } from 'node:timers/promises';

import type { N8nClient } from '../n8n/client';
import { CURRENT_N8N } from '../n8n/install';
import { until } from '../n8n/until';
import type { RegularN8n } from '../n8n/server';
import { say, START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { bodyOf } from './attacks';
import { flood, type Flooded, pulse, residentMb } from './flood';
import { send, type Sent, startWitness, type Witness } from './http';
import { conclude, isFull } from './page';
import { fresh, type Scene } from './stories';
import { RETRY_PAUSES_MS, type Target, type TargetName, TARGETS, WebhookTarget } from './targets';

/**
 * Floods, with honest callbacks meanwhile. What is counted is asserted, what is measured is only shown: n8n's own Webhook
 * node stands beside it, in the same run.
 */

const SECONDS = isFull ? 20 : 5;
const HONEST = 6;
const MINUTE = 60_000;
/** A provider tries so long, and n8n has to come to rest. */
const ROW_TIMEOUT_MS = (2 * SECONDS + 180) * 1000;
const RATES = [20, 500] as const;

/** What the calls of a flood show: nothing of worth, or the good address of a task that still runs. */
type Wave = 'forged' | 'replayed';

interface Row {
	wave: Wave;
	perSecond: (typeof RATES)[number];
	name: TargetName;
}

/** The Webhook node comes first: the others are measured by it. */
const ALL_ROWS: readonly Row[] = [
	...RATES.flatMap((perSecond) =>
		(['webhook', 'resume', 'trigger', 'relay', 'open', 'signed'] as const).map(
			(name): Row => ({ wave: 'forged', perSecond, name }),
		),
	),
	...RATES.flatMap((perSecond) =>
		(['webhook', 'resume', 'trigger'] as const).map(
			(name): Row => ({ wave: 'replayed', perSecond, name }),
		),
	),
];

/** The short form floods three of them with 500 a second, which keep n8n busy for half a minute each. */
const ROWS = ALL_ROWS.filter(
	({ wave, perSecond, name }) =>
		isFull ||
		perSecond === 20 ||
		(wave === 'forged' && ['webhook', 'resume', 'trigger'].includes(name)),
);

interface Result {
	flooded: Flooded;
	/** Honest calls that were heard within the retries. */
	heard: number;
	/** From the end of a task to the answer to its call, at worst, in ms. */
	latest: number;
	/** Of tasks that were not ended, and of unknown ones. */
	reads: number;
	falseStarts: number;
	elsewhere: readonly string[];
}

/** How many tasks a Trigger looks up a second, at most, that nobody vouches for. */
const LOOKUPS_PER_SECOND = 20;

const table: string[][] = [
	[
		...['Target', 'Wave', 'A second', 'Due', 'Served', 'Turned away', 'No answer', 'Not sent'],
		...['Honest heard', 'Latest', 'Reads', 'False starts', '/healthz', 'Memory, MB'],
	],
];

describe(`n8n ${CURRENT_N8N} flooded for ${SECONDS} s`, () => {
	let n8n: RegularN8n;
	let client: N8nClient;
	let witness: Witness;
	let scene: Scene;
	let webhook: WebhookTarget;
	/** Honest calls that the Webhook node has heard, by wave and rate. */
	const yardstick = new Map<string, number>();

	beforeAll(async () => {
		witness = await startWitness();
		({ n8n, client } = await startStage(CURRENT_N8N, witness.proxy));
		scene = { n8n, client, witness };
		webhook = await WebhookTarget.publish(scene);
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		conclude('floods', table, 2);
		await n8n?.stop();
		await witness?.close();
	}, MINUTE);

	/** n8n answers again as if nothing had been. */
	const atRest = async () =>
		await until(
			'n8n is at rest',
			async () => {
				const since = Date.now();
				const url = new URL(`${n8n.url}/healthz`);
				const { status } = await send({ method: 'GET', url, headers: {} });
				await client.executions('none').catch(() => pause(1000));
				return status === 200 ? Date.now() - since : Infinity;
			},
			(ms) => ms < 500,
			2 * MINUTE,
		);

	async function run({ wave, perSecond, name }: Row): Promise<Result> {
		// The first task is the one that is attacked, and still runs.
		const target: Target = name === 'webhook' ? webhook : await fresh(scene, name, HONEST + 1);
		try {
			const before = await target.look();
			const heardBefore = witness.heard.length;
			const memory = residentMb(n8n.pid);
			let isOver = false;
			const beating = pulse(n8n.url, () => isOver);
			const flooding = flood({ perSecond, seconds: SECONDS, of: (n) => callOf(target, wave, n) });
			const honest = await Promise.all(
				Array.from({ length: HONEST }, async (_, nth) => {
					await pause(((nth + 0.5) / HONEST) * SECONDS * 1000);
					const since = Date.now();
					const statuses = await target.honest(nth + 1);
					return { isHeard: isHeard(statuses.at(-1)), ms: Date.now() - since, statuses };
				}),
			);
			const flooded = await flooding;
			isOver = true;
			const { asked, answered } = await beating;
			await atRest();
			const heard = honest.filter(({ isHeard: is }) => is);
			const after = await target.look();
			const result: Result = {
				flooded,
				heard: heard.length,
				latest: Math.max(0, ...heard.map(({ ms }) => ms)),
				reads: strayReads(target),
				falseStarts: falseStarts(wave, target, before.executions, after.executions, heard.length),
				elsewhere: witness.heard.slice(heardBefore),
			};
			table.push(rowOf({ wave, perSecond, name }, result, `${answered} of ${asked}`, memory));
			say(`${TARGETS[name]}: ${[...flooded.answers].map((pair) => pair.join(' × ')).join(', ')}`);
			say(
				`honest: ${honest.map(({ statuses, ms }) => `${statuses.join('→')} ${ms} ms`).join('; ')}`,
			);
			expect(after.isParked || name === 'webhook').toBe(true);
			return result;
		} finally {
			if (name !== 'webhook') await target.close();
		}
	}

	function rowOf(row: Row, result: Result, pulses: string, memory?: number): string[] {
		const { flooded, heard, latest, reads, falseStarts: wrong } = result;
		return [
			...[TARGETS[row.name], row.wave, String(row.perSecond)],
			...[flooded.sent + flooded.unsent, flooded.served, flooded.turnedAway].map(String),
			...[flooded.unanswered, flooded.unsent].map(String),
			...[`${heard} of ${HONEST}`, `${(latest / 1000).toFixed(1)} s`, String(reads), String(wrong)],
			...[pulses, `${memory ?? '?'} → ${residentMb(n8n.pid) ?? '?'}`],
		];
	}

	test.each(
		ROWS.map(
			(row) => [`${TARGETS[row.name]}, ${row.wave}, ${row.perSecond} a second`, row] as const,
		),
	)(
		'%s',
		async (_, row) => {
			const { heard, reads, falseStarts: wrong, elsewhere } = await run(row);
			const key = `${row.wave} ${row.perSecond}`;
			if (row.name === 'webhook') yardstick.set(key, heard);
			expect(elsewhere).toEqual([]);
			// n8n's own node starts once more for a call that is repeated because its answer came too late.
			if (row.name !== 'webhook') expect(wrong).toBe(0);
			expect(reads).toBeLessThanOrEqual(readsAllowed(row));
			// At 20 a second nothing honest is lost; at 500 no more than with n8n's own node.
			const least = row.perSecond === 20 ? HONEST : (yardstick.get(key) ?? 0);
			expect(heard).toBeGreaterThanOrEqual(least);
		},
		ROW_TIMEOUT_MS,
	);
});

const isHeard = (status: number | string | undefined): boolean => status === 200 || status === 202;

/** Forged: every second one with nothing at all. Where nothing has to be proved: each about another task. */
function callOf(target: Target, wave: Wave, n: number): Sent {
	const aim = target.aim(0);
	if (wave === 'replayed') return aim.call('valid');
	return aim.call(n % 2 === 0 ? 'forged' : 'none', {
		body: bodyOf(`${aim.taskId.slice(0, -6)}${String(n).padStart(6, '0')}`),
	});
}

/** Reads of the task that was attacked, and of those that nobody has. */
function strayReads({ emulator }: Target): number {
	if (!emulator) return 0;
	const { submits, reads } = emulator.ledger;
	const honest = new Set(submits.slice(1).map(({ taskId }) => taskId));
	return reads.filter(({ taskId }) => !honest.has(taskId)).length;
}

/** Executions beside those of the honest calls; a replayed call starts one at n8n's own node, and is meant to. */
function falseStarts(
	wave: Wave,
	{ name }: Target,
	before: number,
	after: number,
	heard: number,
): number {
	if (name === 'webhook' && wave === 'replayed') return 0;
	const isParked = name === 'resume' || name === 'relay';
	return Math.max(0, after - before - (isParked ? 0 : Math.max(heard, HONEST)));
}

function readsAllowed({ wave, name }: Row): number {
	const seconds = SECONDS + (RETRY_PAUSES_MS.at(-1) ?? 0) / 1000;
	if (wave === 'replayed') return LOOKUPS_PER_SECOND * seconds;
	return name === 'open' ? LOOKUPS_PER_SECOND * seconds : 0;
}
