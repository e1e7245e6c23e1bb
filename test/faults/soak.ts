import type { INodeExecutionData } from 'n8n-workflow';

import type { Call, Emulator, Reaction, Submit } from '../emulator';
import { seededRandom } from '../emulator/random';
import type { Dialect } from '../engine/dialects';
import type { Engine, Result, Scenario } from '../engine/harness';
import { Bench, type Mode, react } from './cells';
import { type Fault, FAULTS, FILE_OPTIONS, MAYBE_PAID } from './faults';

/** One soak: many items, some with faults. */
export interface SoakPlan {
	readonly dialect: Dialect;
	readonly onError: Mode['onError'];
	readonly waitMode: Mode['waitMode'];
	readonly items: number;
	/** The share of faulty items, from 0 to 1. */
	readonly faulty: number;
	readonly seed: number;
}

/** What became of the items. Each counts in one of the first five; the last three must be 0. */
export interface Account {
	accepted: number;
	delivered: number;
	/** Not delivered; the ID of its task is known. */
	failedWithId: number;
	/** Without an ID, but named as possibly paid. */
	ambiguousNamed: number;
	/** Reported as refused, and nothing was accepted for it. */
	refused: number;
	/** Neither sent nor in the output, because On Error = stop ended the node before. */
	notSent: number;
	/** Accepted but named nowhere, or missing in the output. */
	dropped: number;
	/** Accepted or delivered more than once. */
	doubled: number;
	/** With the result of another item. */
	mispaired: number;
}

const promptOf = (index: number) => `soak item ${index}.`;
const indexIn = (prompt: unknown): number => Number(/soak item (\d+)\./.exec(String(prompt))?.[1]);

/** The time limit of a soak, in virtual ms. */
export const SOAK_LIMIT_MS = 30 * 60_000;

/** The result of a soak. */
export interface Soaked {
	readonly account: Account;
	/** Virtual. */
	readonly ms: number;
	readonly ended: boolean;
	/** The number of items with a fault. */
	readonly faulty: number;
	/** What is wrong with each dropped item. */
	readonly unaccounted: string[];
}

/** Runs a soak and accounts for every item. */
export async function soak(engine: Engine, plan: SoakPlan): Promise<Soaked> {
	const { dialect, onError, waitMode, items, seed } = plan;
	const bench = await Bench.open(engine, { credits: 1e9, vtrix: { balanceUsd: 1e9 } });
	try {
		const { emulator } = bench;
		const random = seededRandom(seed);
		const kinds = FAULTS.filter(
			({ route, provider, accountWide }) =>
				route !== 'balance' &&
				!accountWide &&
				(provider === undefined || provider === dialect.name),
		);
		const fate = new Map<number, Fault>();
		for (let index = 0; index < items; index++) {
			const fault = kinds[Math.floor(random.next() * kinds.length)];
			if (random.next() < plan.faulty && fault) fate.set(index, fault);
		}
		emulator.intercept(fates(fate, dialect, emulator));
		const scenario: Scenario = {
			parameters: {
				authentication: dialect.name,
				resource: 'image',
				operation: 'generate',
				prompt: '={{ $json.prompt }}',
				waitMode,
				download: true,
				waitOptions: { firstCheck: 10, timeLimit: 10 },
				options: { outputItems: 'task', ...FILE_OPTIONS },
			},
			items: Array.from({ length: items }, (_, index) => ({ prompt: promptOf(index) })),
			settings: { onError },
		};
		const { result, ms } = await bench.toEnd(scenario);
		const { submits } = emulator.ledger;
		return {
			...(result
				? accountFor(result, submits, dialect, items)
				: { account: none(), unaccounted: [] }),
			ms,
			faulty: fate.size,
			ended: result !== undefined,
		};
	} finally {
		await bench.close();
	}
}

/** A fault of its own for each faulty item. */
function fates(fate: ReadonlyMap<number, Fault>, dialect: Dialect, { ledger }: Emulator) {
	const met = new Map<number, number>();
	const owners = new Map<string, number>();
	const ownerOf = (taskId: string): number | undefined => {
		for (let at = owners.size; at < ledger.submits.length; at++) {
			const submit = ledger.submits[at];
			if (submit) owners.set(submit.taskId, indexIn(dialect.promptOf(submit)));
		}
		return owners.get(taskId);
	};
	const meant = (call: Call): { index?: number; route: Fault['route'] } => {
		if (dialect.isSubmit(call))
			return { index: indexIn(JSON.stringify(call.body)), route: 'submit' };
		if (dialect.isRead(call)) {
			const taskId = call.query.taskId ?? call.path.split('/').pop() ?? '';
			return { index: ownerOf(taskId), route: 'read' };
		}
		const [, taskId = ''] = /^\/files\/(\w+)_1\./.exec(call.path) ?? [];
		return { index: ownerOf(taskId), route: 'file' };
	};
	return async (call: Call): Promise<Reaction | undefined> => {
		const { index = -1, route } = meant(call);
		const fault = fate.get(index);
		if (fault?.route !== route) return undefined;
		const before = met.get(index) ?? 0;
		if (before >= (fault.times ?? Infinity)) return undefined;
		met.set(index, before + 1);
		return await react(fault.wire, fault.when, call);
	};
}

const none = (): Account => ({
	accepted: 0,
	delivered: 0,
	failedWithId: 0,
	ambiguousNamed: 0,
	refused: 0,
	notSent: 0,
	dropped: 0,
	doubled: 0,
	mispaired: 0,
});

function accountFor(
	result: Result,
	submits: readonly Submit[],
	dialect: Dialect,
	items: number,
): { account: Account; unaccounted: string[] } {
	const account = none();
	const unaccounted: string[] = [];
	const bought = new Map<number, string[]>();
	for (const submit of submits) {
		const index = indexIn(dialect.promptOf(submit));
		bought.set(index, [...(bought.get(index) ?? []), submit.taskId]);
	}
	account.accepted = submits.length;
	const stopped = result.status === 'error';
	const error = `${result.error?.message ?? ''}\n${result.error?.description ?? ''}`;
	const named = namedIn(error);
	const out = [...result.items, ...result.errorItems];
	for (let index = 0; index < items; index++) {
		const ids = bought.get(index) ?? [];
		const own = out.filter((item) => pairedWith(item) === index);
		const words = stopped ? error : own.map(wordsOf).join('\n');
		if (ids.length > 1 || own.length > 1) account.doubled++;
		const isOthers = own.some(
			({ json }) => typeof json.taskId === 'string' && !ids.includes(json.taskId),
		);
		if (isOthers) account.mispaired++;
		const isMaybe = MAYBE_PAID.test(words) && (!stopped || named.has(index));
		const vanish = (what: string) => {
			account.dropped++;
			unaccounted.push(`item ${index}: ${what}: ${words.slice(0, 1500)}`);
		};
		if (ids.length > 0) {
			if (own.some(({ json }) => json.status === 'completed' && json.errorMessage === undefined)) {
				account.delivered++;
			} else if (ids.every((id) => words.includes(id))) account.failedWithId++;
			else if (isMaybe) account.ambiguousNamed++;
			else vanish('accepted, and in no item and no error');
		} else if (stopped) account.notSent++;
		else if (own.length === 0) vanish('came out nowhere');
		else if (isMaybe) account.ambiguousNamed++;
		else account.refused++;
	}
	return { account, unaccounted };
}

/** The numbers of items in an error: `[item 3]`, `items 3, 7 and 9`. */
function namedIn(words: string): Set<number> {
	const lists = [...words.matchAll(/items?:? ((?:\d+(?:, | and )?)+)/gi)].map(
		([, list = '']) => list,
	);
	return new Set(lists.flatMap((list) => (list.match(/\d+/g) ?? []).map(Number)));
}

const wordsOf = ({ json, error }: INodeExecutionData): string =>
	[JSON.stringify(json), error?.message, error?.description ?? ''].join(' ');

function pairedWith({ pairedItem }: INodeExecutionData): number | undefined {
	const [first] = [pairedItem].flat();
	return typeof first === 'object' ? first.item : first;
}
