import { send } from './http';
import { callOf, fresh, type Scene, startsOnceSettled, type Story } from './stories';

/** Tasks that are told of before n8n ends. */
const TASKS = 5;

/** Delivers all, lets n8n end or forget, and delivers all once more. */
const repeatedAfter = (
	name: string,
	wanted: readonly [number, number],
	between: (scene: Scene, target: Awaited<ReturnType<typeof fresh>>) => Promise<void>,
	{ atOnce = false } = {},
): Story => ({
	name,
	at: ['trigger'],
	tell: async (scene, targetName) => {
		const target = await fresh(scene, targetName, TASKS);
		try {
			const positions = Array.from({ length: TASKS }, (_, at) => at);
			const first = await Promise.all(positions.map(async (at) => await target.honest(at)));
			if (!atOnce) await startsOnceSettled(target, TASKS);
			await between(scene, target);
			const { reads } = await target.look();
			const again = await Promise.all(positions.map(async (at) => await target.deliver(at)));
			const statuses = [...first, ...again].flat();
			return {
				calls: statuses.length,
				statuses,
				starts: await startsOnceSettled(target, wanted[0]),
				wanted,
				reads: (await target.look()).reads - reads,
				faults: again.every((one) => one.at(-1) === 200) ? [] : [`again: ${again.join(' | ')}`],
			};
		} finally {
			await target.close();
		}
	},
});

/** What happens to n8n while the provider goes on calling. */
export const RESTARTS: readonly Story[] = [
	repeatedAfter('n8n stopped in order and started', [TASKS, TASKS], async ({ n8n }) => {
		await n8n.down('SIGTERM');
		await n8n.up();
	}),
	repeatedAfter(
		'n8n killed right after its answers',
		[TASKS, 2 * TASKS],
		async ({ n8n }) => await n8n.crashAndStart(),
		{ atOnce: true },
	),
	repeatedAfter('The workflow unpublished and published', [TASKS, TASKS], async (_, target) => {
		if (!('goDown' in target)) return;
		await target.goDown();
		await target.goLive();
	}),
	{
		name: 'Killed while parked, then forged and repeated',
		at: ['resume', 'relay'],
		isHeavy: true,
		tell: async (scene, name) => {
			const target = await fresh(scene, name, 2);
			try {
				await scene.n8n.crashAndStart();
				const forged = await send(target.aim(0).call('forged'));
				const open = [await send(callOf(target, 0)), await send(callOf(target, 0))];
				const before = await target.starts();
				const { reads } = await target.look();
				const last = [...(await target.honest(0)), ...(await target.honest(1))];
				const late = [await send(callOf(target, 0)), await send(callOf(target, 1))];
				const statuses = [forged, ...open, ...late].map(({ status }) => status);
				return {
					calls: statuses.length + last.length,
					statuses: [...statuses, ...last],
					starts: await startsOnceSettled(target, 1),
					wanted: 1,
					reads: Math.max(0, (await target.look()).reads - reads - 2),
					faults: [
						...(forged.status === 401 ? [] : [`forged: ${forged.status}`]),
						...(before === 0 ? [] : [`${before} before the end`]),
					],
				};
			} finally {
				await target.close();
			}
		},
	},
];
