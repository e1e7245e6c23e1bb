import type { INodeExecutionData } from 'n8n-workflow';

import type { Submit } from '../emulator';
import type { Result } from '../engine/harness';
import { type Cell, type CellRun, itemOf, ITEMS, TIME_LIMIT_MS, VICTIM } from './cells';
import { LIES, MAYBE_PAID } from './faults';

/** The mistakes in a cell, each described in words. */
export interface Verdict {
	/** Items bought more than once. */
	overpaid: string[];
	/** Paid tasks that are named nowhere, and missing items. */
	lost: string[];
	/** Executions that did not end within the limit. */
	late: string[];
	/** Messages that are untrue or say too little. */
	untrue: string[];
	/** Items other than the victim that are not whole, and items with the result of another. */
	harmed: string[];
}

export const KINDS = ['overpaid', 'lost', 'late', 'untrue', 'harmed'] as const;

const MINUTE = 60_000;

/**
 * How long a cell may take, in virtual ms, for each try. The time limit is the end, whatever hangs; besides: a submit may
 * take two minutes, a parked execution is woken up to a minute late, and files get some minutes of their own.
 */
const LIMIT_MS = {
	submit: TIME_LIMIT_MS + 3 * MINUTE,
	read: TIME_LIMIT_MS + 2 * MINUTE,
	file: TIME_LIMIT_MS + 5 * MINUTE,
	balance: 2 * MINUTE + 30_000,
};

/** Judges a cell by the emulator's ledger and the saved execution. */
export function judge(cell: Cell, run: CellRun): Verdict {
	const verdict: Verdict = { overpaid: [], lost: [], late: [], untrue: [], harmed: [] };
	const { fault, dialect, mode } = cell;
	const { result, ms, submits } = run;
	const bought = (list: readonly Submit[], index: number) =>
		list.filter((submit) => itemOf(dialect.promptOf(submit)) === index);

	for (let index = 0; index < ITEMS; index++) {
		const { length } = bought(run.allSubmits, index);
		const inFirst = bought(submits, index).length;
		if (length > 1) {
			verdict.overpaid.push(
				`item ${index} was bought ${length} times${inFirst < length ? ' (with Retry execution)' : ''}`,
			);
		}
	}

	const tries = mode.retryOnFail ? 3 : 1;
	if (!result) verdict.late.push(`no end after ${seconds(ms)}`);
	else if (ms > LIMIT_MS[fault.route] * tries) verdict.late.push(`ended after ${seconds(ms)}`);
	if (!result) return verdict;

	if (fault.route === 'balance') judgeBalance(cell, result, submits, verdict);
	else judgeItems(cell, result, submits, verdict);
	if (run.retried) judgeRetried(cell, run.retried, run.allSubmits, verdict);
	return verdict;
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

/** All texts of an item. */
const wordsOf = ({ json, error }: INodeExecutionData): string =>
	[JSON.stringify(json), error?.message, error?.description ?? ''].join(' ');

const errorOf = ({ error }: Result): string =>
	error ? `${error.message} ${error.description ?? ''}` : '';

const indexOf = ({ pairedItem }: INodeExecutionData): number | undefined => {
	const [first] = [pairedItem].flat();
	return typeof first === 'object' ? first.item : first;
};

function judgeItems(
	{ fault, dialect, mode }: Cell,
	result: Result,
	submits: readonly Submit[],
	verdict: Verdict,
): void {
	const stops = result.status === 'error';
	const stopped = errorOf(result);
	const all = [...result.items, ...result.errorItems];
	const itemsOf = (index: number) => all.filter((item) => indexOf(item) === index);
	const said = (index: number) => (stops ? stopped : itemsOf(index).map(wordsOf).join('\n'));
	const mayContinue = mode.onError !== 'stopWorkflow';

	if (stops && mayContinue)
		verdict.harmed.push(`the node failed in spite of ${mode.onError}: ${stopped}`);
	const owner = new Map<string, number>();
	for (const submit of submits) {
		const index = itemOf(dialect.promptOf(submit));
		owner.set(submit.taskId, index);
		const isNamed = said(index).includes(submit.taskId);
		const isMaybe =
			fault.route === 'submit' &&
			MAYBE_PAID.test(said(index)) &&
			(!stops || stopped.includes(`[item ${index}]`));
		if (!isNamed && !isMaybe)
			verdict.lost.push(`task ${submit.taskId} of item ${index}: ${said(index)}`);
	}
	for (const item of all) {
		const index = owner.get(String(item.json.taskId));
		if (index !== undefined && index !== indexOf(item)) {
			verdict.harmed.push(`the task of item ${index} came out as item ${indexOf(item)}`);
		}
	}
	if (!stops) {
		for (let index = 0; index < ITEMS; index++) {
			if (itemsOf(index).length === 0) verdict.lost.push(`item ${index} came out nowhere`);
			if (index === VICTIM) continue;
			const wasBought = [...owner.values()].includes(index);
			if (fault.accountWide && !wasBought) continue;
			if (!itemsOf(index).every((item) => isWhole(item, fault.route === 'file'))) {
				verdict.harmed.push(`item ${index} is not whole: ${said(index)}`);
			}
		}
	}

	const victim = itemsOf(VICTIM);
	const isWholeVictim =
		!stops && victim.length > 0 && victim.every((item) => isWhole(item, fault.route === 'file'));
	if (isWholeVictim) {
		if (fault.ends === 'told') verdict.untrue.push(`item ${VICTIM} is given as whole`);
		return;
	}
	const words = said(VICTIM);
	if (fault.ends === 'delivered') {
		verdict.lost.push(`item ${VICTIM} was not delivered: ${words}`);
		return;
	}
	if (!fault.says.some((pattern) => pattern.test(words))) {
		verdict.untrue.push(`says nothing of ${fault.says.map(String).join(' or ')}: ${words}`);
	}
	const isPaid = [...owner.values()].includes(VICTIM);
	const lies = [
		...(isPaid ? LIES.ofPaid : []),
		...(isPaid && !fault.blamesPrompt ? LIES.ofPrompts : []),
		...(mayContinue ? LIES.ofContinued : []),
	];
	for (const lie of lies) {
		const [found] = lie.exec(words) ?? [];
		if (found) verdict.untrue.push(`“${found}”: ${words}`);
	}
	// A failed download must leave the links.
	if (fault.route === 'file' && !stops && !victim.some((item) => /\/files\//.test(wordsOf(item)))) {
		verdict.lost.push(`the addresses of the files of item ${VICTIM}: ${words}`);
	}
}

function isWhole({ json, binary }: INodeExecutionData, withFiles: boolean): boolean {
	const { outputs } = json;
	const isComplete = json.status === 'completed' && Array.isArray(outputs) && outputs.length > 0;
	return isComplete && (!withFiles || Object.keys(binary ?? {}).length === outputs.length);
}

function judgeBalance(
	{ fault, mode }: Cell,
	result: Result,
	submits: readonly Submit[],
	verdict: Verdict,
): void {
	if (submits.length > 0) verdict.overpaid.push('a question for the balance bought something');
	const all = [...result.items, ...result.errorItems];
	const words = `${errorOf(result)} ${all.map(wordsOf).join('\n')}`;
	if (result.items.some(({ json }) => typeof json.credits === 'number')) {
		if (fault.ends === 'told') verdict.untrue.push(`gives a balance: ${words}`);
		return;
	}
	if (fault.ends === 'delivered') verdict.lost.push(`no balance: ${words}`);
	else if (!fault.says.some((pattern) => pattern.test(words))) {
		verdict.untrue.push(`says nothing of ${fault.says.map(String).join(' or ')}: ${words}`);
	}
	if (result.status === 'error' && mode.onError !== 'stopWorkflow') {
		verdict.harmed.push(`the node failed in spite of ${mode.onError}: ${words}`);
	}
	for (const lie of LIES.ofFree) {
		if (lie.test(words)) verdict.untrue.push(`“${lie}”: ${words}`);
	}
}

/** After n8n's Retry without the fault, everything must be delivered or named. */
function judgeRetried(
	{ dialect }: Cell,
	retried: Result,
	submits: readonly Submit[],
	verdict: Verdict,
): void {
	const all = [...retried.items, ...retried.errorItems];
	const words = `${errorOf(retried)} ${all.map(wordsOf).join('\n')}`;
	for (const submit of submits) {
		if (words.includes(submit.taskId)) continue;
		if (MAYBE_PAID.test(words) && itemOf(dialect.promptOf(submit)) === VICTIM) continue;
		verdict.lost.push(`task ${submit.taskId} (with Retry execution): ${words}`);
	}
}
