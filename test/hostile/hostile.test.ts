import type { N8nClient } from '../n8n/client';
import { CURRENT_N8N, LAST_N8N_1, OLDER_N8N } from '../n8n/install';
import type { RegularN8n } from '../n8n/server';
import { say, START_TIMEOUT_MS, startStage } from '../n8n/stage';
import type { Attack } from './attacks';
import { send, startWitness, type Witness } from './http';
import { countsOf, judge } from './judge';
import { CALLS_ROWS, CallsTally, isFull, StoriesTally } from './page';
import { RESTARTS } from './restarts';
import {
	type Addressed,
	faultsOf,
	fresh,
	type Scene,
	startsOnceSettled,
	STORIES,
	type Story,
} from './stories';
import { introduce, ParkedTarget, type Target, TARGETS, WebhookTarget } from './targets';

const MINUTE = 60_000;
/** A row with the largest bodies, at a machine that does other things at the same time. */
const ROW_TIMEOUT_MS = 3 * MINUTE;

/** Those that tasks are told of. */
const NAMES: readonly Addressed[] = ['resume', 'trigger', 'relay', 'open', 'signed'];

const calls = new CallsTally();
const stories = new StoriesTally();
afterAll(() => {
	calls.conclude();
	stories.conclude();
});

/** The Trigger itself takes up to 12 s, in ms. */
const PATIENCE_MS = 15_000;
/** What has no answer by then never gets one, in ms. */
const HANGS_MS = 4_000;

/** How many calls of an attack are under way at a target at once: more are a flood. */
const LANES = 4;

async function inLanes<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
	const results: R[] = [];
	const left = [...all];
	const lane = async () => {
		for (let one = left.shift(); one !== undefined; one = left.shift()) {
			results.push(await work(one));
		}
	};
	await Promise.all(Array.from({ length: LANES }, lane));
	return results;
}

describe.each([CURRENT_N8N, OLDER_N8N, LAST_N8N_1])('n8n %s', (version) => {
	let n8n: RegularN8n;
	let client: N8nClient;
	let witness: Witness;
	let scene: Scene;
	const targets: Target[] = [];

	beforeAll(async () => {
		witness = await startWitness();
		({ n8n, client } = await startStage(version, witness.proxy));
		scene = { n8n, client, witness };
		const addressed: Array<Awaited<ReturnType<typeof fresh>>> = [];
		for (const name of NAMES) addressed.push(await fresh(scene, name, 1));
		targets.push(...addressed, await WebhookTarget.publish(scene));
		const other = await ParkedTarget.park('resume', scene, 1);
		introduce([...addressed, other]);
		// It was there for its address.
		await other.close();
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		await Promise.all(targets.map(async (target) => await target.close()));
		await n8n?.stop();
		await witness?.close();
	}, MINUTE);

	/** At all targets at once: each has a provider of its own. */
	async function run(row: string, attacks: readonly Attack[]): Promise<string[]> {
		const heard = witness.heard.length;
		const all = await Promise.all(
			targets.map(async (target) => {
				const before = await target.look();
				const sent = attacks
					.filter(({ kinds }) => kinds.includes(target.kind))
					.flatMap(({ name, mayHang, calls: callsOf }) =>
						callsOf(target.aim()).map((call) => ({ call, about: { to: name, mayHang } })),
					);
				const answers = await inLanes(sent, async ({ call, about }) => ({
					...(await send(call, { timeoutMs: about.mayHang ? HANGS_MS : PATIENCE_MS })),
					...about,
				}));
				return { target, evidence: { kind: target.kind, answers, before } };
			}),
		);
		const [{ proof, byN8n } = { proof: 'none' as const }] = attacks;
		const faults: string[] = [];
		for (const { target, evidence } of all) {
			const after = await target.look();
			const whole = { ...evidence, after, elsewhere: witness.heard.slice(heard) };
			calls.add(row, target.name, whole.answers, countsOf(whole));
			for (const fault of judge({ proof, byN8n }, whole)) {
				faults.push(`${TARGETS[target.name]}: ${fault}`);
			}
		}
		return faults;
	}

	test.each([...CALLS_ROWS])(
		'%s',
		async (row, attacks) => {
			expect(await run(row, attacks)).toEqual([]);
		},
		ROW_TIMEOUT_MS,
	);

	test.each(NAMES.map((name) => [TARGETS[name], name] as const))(
		'%s: after all of it the honest call is served, and counts once',
		async (_, name) => {
			const target = targets.find((one) => one.name === name);
			if (!target) throw new Error('It was never there');
			expect((await target.honest(0)).at(-1)).toBe(200);
			expect(await startsOnceSettled(target, 1)).toBe(1);
		},
		ROW_TIMEOUT_MS,
	);

	/** At all its targets, side by side unless it keeps n8n busy by itself. */
	const told = (story: Story) =>
		test(
			story.name,
			async () => {
				const heard = witness.heard.length;
				const faults: string[] = [];
				const at = async (name: Addressed) => {
					const what = await story.tell(scene, name);
					stories.add(story.name, name, what);
					say(`${story.name}, ${TARGETS[name]}: ${what.statuses.slice(0, 12).join(', ')}`);
					faults.push(...faultsOf(what).map((fault) => `${TARGETS[name]}: ${fault}`));
				};
				if (story.isHeavy) for (const name of story.at) await at(name);
				else await Promise.all(story.at.map(at));
				expect({ faults, elsewhere: witness.heard.slice(heard) }).toEqual({
					...{ faults: [], elsewhere: [] },
				});
			},
			ROW_TIMEOUT_MS,
		);

	describe('in time and number', () => {
		for (const story of STORIES) told(story);
	});

	// They cost a start of n8n each.
	if (isFull || version === CURRENT_N8N) {
		describe('n8n ended and started again', () => {
			for (const story of RESTARTS) told(story);
		});
	}
});
