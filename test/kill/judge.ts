import { isObject, type JsonObject } from '../n8n/json';

/** What is known of one execution after n8n was killed and has run again. */
export interface Evidence {
	/** One for each item, all different. */
	prompts: readonly string[];
	/** The submits that the provider accepted. */
	submits: ReadonlyArray<{
		prompt: string;
		taskId: string;
		/** It was accepted, but n8n was killed before the answer. */
		unanswered?: boolean;
	}>;
	/** The status of the execution, or of its retry. */
	status: string;
	/** The error of that one. */
	error?: string;
	/** The output of the node; `n` is the position of the item. */
	items: readonly JsonObject[];
	/** Everything that n8n has stored of it: the saved data of all its executions, and the log. */
	kept: string;
}

/** What the user got for the money. All lists but `lost` hold positions of items. */
export interface Verdict {
	bought: number;
	/** Paid more than once. */
	twice: number[];
	/** Output as completed. */
	delivered: number[];
	/** Named to the user by task id or by number. */
	named: number[];
	/** Known by their number at most, so that nobody can say whether they were bought. */
	unknown: number[];
	/** The ids of paid tasks that are named nowhere. */
	lost: string[];
	/** What is wrong, in words; empty if all is well. */
	faults: string[];
}

/** A batch is at most what the provider accepts at once: 20 submits in 10 seconds. */
export const LARGEST_BATCH = 20;

const FINAL = ['success', 'error', 'canceled', 'crashed'];

/**
 * Judges by what was paid and by what the user can see.
 *
 * @param goesOn the execution is expected to have brought all it can (it was retried, or was parked); else it is enough that
 * n8n has kept the ids somewhere
 */
export function judge(evidence: Evidence, goesOn: boolean): Verdict {
	const { prompts, submits, items, status, error = '', kept } = evidence;
	const at = (prompt: string) => prompts.indexOf(prompt);
	const counts = new Map<number, number>();
	for (const { prompt } of submits) counts.set(at(prompt), (counts.get(at(prompt)) ?? 0) + 1);
	const completed = items.filter((item) => item.status === 'completed');
	const delivered = unique(completed.map(({ n }) => Number(n)));
	const others = items.filter((item) => item.status !== 'completed');
	const told = [error, ...others.map((item) => JSON.stringify(item))].join('\n');
	const byNumber = new Set([
		...numbersIn(told),
		...others.filter(saysWhy).map(({ n }) => Number(n)),
	]);
	const ids = (position: number) =>
		submits.filter(({ prompt }) => at(prompt) === position).map(({ taskId }) => taskId);
	const isNamed = (position: number) =>
		ids(position).some((id) => told.includes(id)) || byNumber.has(position);
	const all = prompts.map((_, position) => position);
	const named = all.filter((position) => !delivered.includes(position) && isNamed(position));
	const unknown = goesOn
		? named.filter((position) => !ids(position).some((id) => told.includes(id)))
		: submits.filter(({ unanswered }) => unanswered).map(({ prompt }) => at(prompt));
	const out = new Map<string, number>();
	for (const { taskId } of completed) out.set(String(taskId), (out.get(String(taskId)) ?? 0) + 1);
	const isLost = ({ taskId, prompt, unanswered }: Evidence['submits'][number]) => {
		if (out.has(taskId) || told.includes(taskId)) return false;
		// An execution that ended without an error names no unknown items.
		if (!goesOn && unanswered) return false;
		// If it was bought twice, the first task is lost unless it is named itself.
		const only = counts.get(at(prompt)) === 1;
		if (only && byNumber.has(at(prompt))) return false;
		return goesOn || !kept.includes(taskId);
	};
	const lost = submits.filter(isLost).map(({ taskId }) => taskId);
	const twice = all.filter((position) => (counts.get(position) ?? 0) > 1);
	const left = all.filter((position) => !delivered.includes(position) && !named.includes(position));
	const doubled = [...out.values()].filter((count) => count > 1).length;
	const faults = [
		twice.length > 0 && `${twice.length} bought twice`,
		lost.length > 0 &&
			`${lost.length} paid and ${goesOn ? 'neither delivered nor named' : 'kept nowhere'}`,
		goesOn && left.length > 0 && lost.length === 0 && `${left.length} left out in silence`,
		unknown.length > LARGEST_BATCH && `${unknown.length} unknown: more than a batch`,
		doubled > 0 && `${doubled} came out more than once`,
		!FINAL.includes(status) && `does not end (${status})`,
		goesOn && status === 'crashed' && 'crashed',
	].filter((fault) => fault !== false);
	return { bought: submits.length, twice, delivered, named, unknown, lost, faults };
}

/** The items that a text names: `[item 3]`, `[items 3, 4 and 7-9]`. */
export function numbersIn(text: string): number[] {
	return [...text.matchAll(/\[items? ([^\]]+)\]/gi)].flatMap(([, list = '']) =>
		[...list.matchAll(/(\d+)(?:\s*[-–]\s*(\d+))?/g)].flatMap(([, from, to = from]) => {
			const [first, last] = [Number(from), Number(to)];
			return Array.from({ length: last - first + 1 }, (_, step) => first + step);
		}),
	);
}

/** Whether an item has an error, in whatever form. */
const saysWhy = (item: JsonObject): boolean =>
	[item.error, item.errorMessage, item.problem].some(
		(value) => (typeof value === 'string' && value !== '') || isObject(value),
	);

const unique = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
