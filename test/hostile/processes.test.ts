/* eslint-disable @n8n/community-nodes/no-restricted-imports -- attacks a real n8n, it is not a node */
import { setTimeout as pause } from 'node:timers/promises';

import { CURRENT_N8N } from '../n8n/install';
import { text } from '../n8n/json';
import { type QueueN8n, startQueueN8n } from '../n8n/queue';
import { say, signUp, START_TIMEOUT_MS, withPackage } from '../n8n/stage';
import { until } from '../n8n/until';
import { holdFiles } from '../scenarios/heldFiles';
import { send, type Sent, startWitness, type Witness } from './http';
import { StoriesTally } from './page';
import { callOf, faultsOf, fresh, type Scene, startsOnceSettled, type Told } from './stories';
import { TARGETS, TriggerTarget } from './targets';

/** A main process and a webhook process that both take calls, and two workers, on one database. */

const MINUTE = 60_000;
/** As many tasks as are told of twice. */
const TASKS = 4;

const stories = new StoriesTally();

describe(`n8n ${CURRENT_N8N} in queue mode`, () => {
	let n8n: QueueN8n;
	let witness: Witness;
	let scene: Scene;

	beforeAll(async () => {
		witness = await startWitness();
		const env = { ...witness.proxy, N8N_DISABLE_PRODUCTION_MAIN_PROCESS: 'false' };
		n8n = await withPackage(CURRENT_N8N, async (ready) => await startQueueN8n({ ...ready, env }));
		scene = { n8n, client: await signUp(n8n.url), witness };
		say(`queue mode: ready after ${(n8n.startedInMs / 1000).toFixed(1)} s`);
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		stories.conclude('processes');
		await n8n?.stop();
		await witness?.close();
	}, MINUTE);

	const atMain = (call: Sent): Sent => {
		const { pathname, search } = call.url;
		return { ...call, url: new URL(pathname + search, n8n.url) };
	};

	/** Tells both processes of each task, so far apart. */
	async function tellBoth(apartMs: number, wanted: Told['wanted']): Promise<Told> {
		const target = await fresh(scene, 'trigger', TASKS);
		try {
			const statuses: Array<number | string> = [];
			for (let at = 0; at < TASKS; at++) {
				target.emulator.finish(target.aim(at).taskId);
				const call = callOf(target, at);
				const first = send(call);
				if (apartMs > 0) await pause(apartMs);
				const both = await Promise.all([first, send(atMain(call))]);
				statuses.push(...both.map(({ status }) => status));
			}
			const starts = await startsOnceSettled(target, TASKS);
			return { calls: statuses.length, statuses, starts, wanted, reads: 0, faults: [] };
		} finally {
			await target.close();
		}
	}

	test.each([
		['Both processes are told, 2 s apart', 2000, TASKS],
		['Both processes are told at the same moment', 0, [TASKS, 2 * TASKS] as const],
	] as const)(
		'%s',
		async (name, apartMs, wanted) => {
			const told = await tellBoth(apartMs, wanted);
			stories.add(name, 'trigger', told);
			say(`${name}: ${told.statuses.join(', ')}; ${told.starts} starts of ${TASKS} tasks`);
			expect({ faults: faultsOf(told), elsewhere: witness.heard }).toEqual({
				...{ faults: [], elsewhere: [] },
			});
		},
		3 * MINUTE,
	);

	test.each(['trigger', 'relay'] as const)(
		'%s: a forged call reaches neither, and an honest one is served once',
		async (name) => {
			const target = await fresh(scene, name, 1);
			try {
				const call = target.aim(0).call('forged');
				const forged = [await send(call), await send(atMain(call))];
				expect(forged.map(({ status }) => status)).toEqual([401, 401]);
				expect((await target.look()).reads).toBe(0);
				const statuses = [...(await target.honest(0)), ...(await target.deliver(0))];
				const starts = await startsOnceSettled(target, 1);
				const told = { calls: 4, statuses, starts, wanted: 1, reads: 0, faults: [] };
				stories.add('Forged at both, then honest', name, told);
				expect([TARGETS[name], faultsOf(told)]).toEqual([TARGETS[name], []]);
			} finally {
				await target.close();
			}
		},
		3 * MINUTE,
	);

	test(
		'Workers that are killed while the Trigger fetches files leave an execution that can be retried',
		async () => {
			const target = await TriggerTarget.publish('trigger', scene, {
				...{ provider: 'midApi', download: true },
			});
			const { client } = scene;
			try {
				await target.buy(1);
				const files = holdFiles(target.emulator);
				target.emulator.finish(target.aim(0).taskId);
				expect((await send(callOf(target, 0))).status).toBe(200);
				await files.areAskedFor();
				await n8n.down('SIGKILL', 'workers');
				files.letGo();
				await n8n.up();
				const [crashed] = await until(
					'the execution has crashed',
					async () => await client.executions(target.workflowId),
					([execution]) => execution?.status === 'crashed',
					MINUTE,
				);
				// The task has started its workflow: a repeated call does not start it again.
				expect((await send(callOf(target, 0))).status).toBe(200);
				const retried = await client.retry(target.workflowId, text(crashed?.id, 'id'));
				const { status, runs } = await client.finished(retried, MINUTE);
				const items = runs.get('After')?.flatMap(({ outputs }) => outputs.flat()) ?? [];
				expect([status, ...items.map(({ binary }) => binary.data?.mimeType)]).toEqual([
					...['success', 'image/png', 'image/png', 'image/png', 'image/png'],
				]);
			} finally {
				await target.close();
			}
		},
		3 * MINUTE,
	);
});
