/* eslint-disable @n8n/community-nodes/no-restricted-imports -- attacks a real n8n, it is not a node */
import { setTimeout as pause } from 'node:timers/promises';

import type { Emulator } from '../emulator';
import { CALL_AWAITED } from '../scenarios/approvals';
import type { Place } from '../scenarios/wait';
import { until } from '../n8n/until';
import { bodyOf } from './attacks';
import { send, type Witness } from './http';
import { LoopTarget, ParkedTarget, type Target, type TargetName, TriggerTarget } from './targets';

/** Where a story takes place. */
export interface Scene extends Place {
	witness: Witness;
}

/** Those that carry a real task each. */
export type Addressed = Exclude<TargetName, 'webhook'>;

/** What a story has come to. */
export interface Told {
	calls: number;
	statuses: ReadonlyArray<number | string>;
	/** How often what is behind the target went on. */
	starts: number;
	/** What was expected; two numbers: at least, at most. */
	wanted: number | readonly [number, number];
	/** Reads of tasks that had been told of before. */
	reads: number;
	/** What else must not be, in words. */
	faults: string[];
}

/** Something that happens to a callback between its task and the workflow. */
export interface Story {
	name: string;
	at: readonly Addressed[];
	/** n8n has enough to do with one target. */
	isHeavy?: boolean;
	tell(scene: Scene, name: Addressed): Promise<Told>;
}

export const HMAC_KEY = 'the secret of provider and credential';

/** A target with so many tasks, none of which has ended. `prepare` sees the provider before anything is bought. */
export async function fresh(
	scene: Scene,
	name: Addressed,
	count: number,
	prepare?: (emulator: Emulator) => void,
): Promise<ParkedTarget | TriggerTarget> {
	if (name === 'resume' || name === 'relay') {
		return await ParkedTarget.park(name, scene, count, { prepare });
	}
	const target = await TriggerTarget.publish(name, scene, {
		provider: name === 'trigger' ? 'vtrix' : 'midApi',
		onlyOwnTasks: name === 'trigger',
		...(name === 'signed' && { hmacKey: HMAC_KEY }),
	});
	prepare?.(target.emulator);
	await target.buy(count);
	return target;
}

/** What one too many would need to show itself, in ms. */
const ONE_TOO_MANY_MS = 700;

/** How often it went on, once it did as often as it should. */
export async function startsOnceSettled(target: Target, wanted: number): Promise<number> {
	await until(
		`${target.name} went on ${wanted} times`,
		async () => await target.starts(),
		(starts) => starts >= wanted,
	);
	await pause(ONE_TOO_MANY_MS);
	return await target.starts();
}

/** A parked execution goes on once, however many tasks it has; a workflow starts for each. */
const wantedOf = (target: Target, tasks: number): number =>
	target instanceof ParkedTarget ? 1 : tasks;

const ALL: readonly Addressed[] = ['resume', 'trigger', 'relay', 'open', 'signed'];
const TRIGGERS: readonly Addressed[] = ['trigger', 'open', 'signed'];

const isSuccess = (status: number | string): boolean => status === 200 || status === 202;

const unless = (isRight: boolean, fault: string): string[] => (isRight ? [] : [fault]);

const AT_ONCE = 50;
const AT_THE_SAME_MOMENT = `${AT_ONCE} at the same moment`;

/** A story with one target of its own, which is closed at its end. */
const story = (
	name: string,
	at: readonly Addressed[],
	tasks: number,
	tell: (target: ParkedTarget | TriggerTarget, scene: Scene) => Promise<Omit<Told, 'calls'>>,
): Story => ({
	...{ name, at, isHeavy: name === AT_THE_SAME_MOMENT },
	tell: async (scene, targetName) => {
		const target = await fresh(scene, targetName, tasks);
		try {
			const told = await tell(target, scene);
			return { ...told, calls: told.statuses.length };
		} finally {
			await target.close();
		}
	},
});

/** Everything that has to do with time and number, in a process that goes on living. */
const ORDINARY: readonly Story[] = [
	story('Three times, one after the other', ALL, 2, async (target) => {
		const first = await target.honest(1);
		const { reads } = await target.look();
		const again = [...(await target.deliver(1)), ...(await target.deliver(1))];
		const more = (await target.look()).reads - reads;
		const last = await target.honest(0);
		return {
			statuses: [...first, ...again, ...last],
			starts: await startsOnceSettled(target, wantedOf(target, 2)),
			wanted: wantedOf(target, 2),
			reads: more,
			faults: unless(again.every(isSuccess), `repeated: ${again.join(', ')}`),
		};
	}),

	story(AT_THE_SAME_MOMENT, ALL, 1, async (target) => {
		const { emulator } = target;
		const taskId = emulator.ledger.submits[0]?.taskId ?? '';
		emulator.finish(taskId);
		const { reads } = await target.look();
		const all = await Promise.all(
			Array.from({ length: AT_ONCE }, async () => await send(callOf(target))),
		);
		const statuses = all.map(({ status }) => status);
		const starts = await startsOnceSettled(target, 1);
		const more = (await target.look()).reads - reads - 1;
		return { statuses, starts, wanted: 1, reads: more, faults: [] };
	}),

	story('Late, and ten times', ALL, 1, async (target) => {
		const first = await target.honest(0);
		await startsOnceSettled(target, 1);
		const { reads } = await target.look();
		const late: Array<number | string> = [];
		for (let nth = 0; nth < 10; nth++) late.push((await send(callOf(target))).status);
		return {
			statuses: [...first, ...late],
			starts: await startsOnceSettled(target, 1),
			wanted: 1,
			reads: (await target.look()).reads - reads,
			faults: [],
		};
	}),

	story('While the task still runs, and then again', ALL, 1, async (target) => {
		const early = [(await send(callOf(target))).status, (await send(callOf(target))).status];
		await pause(ONE_TOO_MANY_MS);
		const before = await target.starts();
		const { reads } = await target.look();
		const last = await target.honest(0);
		return {
			statuses: [...early, ...last],
			starts: await startsOnceSettled(target, 1),
			wanted: 1,
			reads: Math.max(0, (await target.look()).reads - reads - 1),
			faults: [
				...unless(before === 0, `${before} before the end`),
				...unless(last.at(-1) === 200, `honest: ${last.join(', ')}`),
			],
		};
	}),

	story('Unknown, open and ended are answered alike', TRIGGERS, 2, async (target) => {
		const delivered = await target.honest(1);
		await startsOnceSettled(target, 1);
		const { reads } = await target.look();
		const unknown = target.aim(0).call('valid', { body: bodyOf('a'.repeat(20)) });
		const calls = [
			callOf(target, 0),
			callOf(target, 1),
			...(target.kind === 'open' ? [unknown] : []),
		];
		const answers = [];
		for (const call of calls) answers.push(await send(call));
		const kinds = new Set(answers.map(({ status, body }) => `${status} ${body}`));
		return {
			statuses: [...delivered, ...answers.map(({ status }) => status)],
			starts: await startsOnceSettled(target, 1),
			wanted: 1,
			reads: (await target.look()).reads - reads,
			faults: unless(kinds.size === 1, `told apart: ${[...kinds].join(' | ')}`),
		};
	}),

	{
		name: 'Before the submit is answered',
		at: ['resume', 'trigger', 'relay'],
		tell: async (scene, name) => {
			let early: Promise<Array<number | string>> | undefined;
			const target = await fresh(scene, name, 1, (emulator) => {
				const mend = emulator.intercept(async (call) => {
					if (call.method !== 'POST') return undefined;
					mend();
					const answer = await call.handle();
					early = emulator.deliverCallback(emulator.ledger.submits[0]?.taskId ?? '');
					await pause(ONE_TOO_MANY_MS);
					return answer;
				});
			});
			try {
				// The provider calls again until it is heard; the task still runs.
				const first = (await early) ?? [];
				const before = await target.starts();
				const { reads } = await target.look();
				const last = await target.honest(0);
				return {
					calls: first.length + last.length,
					statuses: [...first, ...last],
					starts: await startsOnceSettled(target, 1),
					wanted: 1,
					reads: Math.max(0, (await target.look()).reads - reads - 1),
					faults: [
						...unless(first.length > 0, 'nobody called early'),
						...unless(before === 0, `${before} before the end`),
						...unless(last.at(-1) === 200, `honest: ${last.join(', ')}`),
					],
				};
			} finally {
				await target.close();
			}
		},
	},

	{
		name: 'An approval waits behind the execution',
		at: ['resume', 'relay'],
		tell: async (scene, name) => {
			if (name !== 'resume' && name !== 'relay') throw new Error('Nothing waits there');
			const target = await ParkedTarget.park(name, scene, 1, {
				approval: CALL_AWAITED,
			});
			const { wait } = target;
			try {
				const first = await target.honest(0);
				await wait.untilHeld();
				const answers: Array<number | string> = [];
				for (const method of ['POST', 'POST', 'GET', 'PUT']) {
					answers.push((await send(target.aim().call('valid', { method }))).status);
				}
				answers.push((await send(target.aim().call('none'))).status);
				await pause(ONE_TOO_MANY_MS);
				const still = await wait.status();
				await wait.approve();
				const { status, runs } = await wait.ended();
				return {
					calls: first.length + answers.length,
					statuses: [...first, ...answers],
					starts: runs.get('Done')?.length ?? 0,
					wanted: 1,
					reads: 0,
					faults: [
						...unless(still === 'waiting', `the approval was ${still}`),
						...unless(status === 'success', `it ended: ${status}`),
					],
				};
			} finally {
				await target.close();
			}
		},
	},
];

/** Two rounds of a loop: the execution and, in n8n's eyes, the address are the same in both. */
const ROUNDS: Story = {
	name: 'The address of an earlier round of a loop',
	at: ['resume'],
	tell: async (scene) => {
		const loop = await LoopTarget.begin(scene);
		const { ledger } = loop.emulator;
		try {
			await loop.isParked(1);
			const first = await loop.honest(0);
			await loop.isParked(2);
			const { length } = ledger.reads;
			const repeated: Array<number | string> = [];
			for (let nth = 0; nth < 5; nth++) repeated.push(...(await loop.repeat(0)));
			await pause(ONE_TOO_MANY_MS);
			const status = await loop.status();
			const reads = ledger.reads.length - length;
			const last = await loop.honest(1);
			const statuses = [...first, ...repeated, ...last];
			const told = {
				calls: statuses.length,
				statuses,
				starts: await loop.rounds(),
				wanted: 2,
				reads,
			};
			return {
				...told,
				faults: [
					...unless(status === 'waiting', `the second round was ${status}`),
					...unless(reads === 0, `${reads} reads for an earlier round`),
				],
			};
		} finally {
			await loop.close();
		}
	},
};

export const STORIES: readonly Story[] = [...ORDINARY, ROUNDS];

/** The provider's call about a task, as it goes over the wire. */
export function callOf(target: ParkedTarget | TriggerTarget, position = 0) {
	return target.aim(position).call('valid');
}

/** What is wrong with what a story has come to. */
export function faultsOf({ starts, wanted, faults }: Told): string[] {
	const [least, most] = typeof wanted === 'number' ? [wanted, wanted] : wanted;
	return [
		...faults,
		...unless(starts >= least && starts <= most, `${starts} instead of ${String(wanted)}`),
	];
}
