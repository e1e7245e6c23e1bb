import { BEFORE, DASHES } from '../providers/language';
import type { Reading } from './field';

/**
 * Midjourney's permutations: `a {red, green} bird` is two prompts, and `--repeat 4` is the same prompt four times. Providers
 * make a task of each, and each is paid, but they answer with one id. So neither is ever sent: the node makes the prompts
 * itself.
 */

/** The maximum number of tasks per item, which is also Midjourney's own. */
export const MOST_TASKS = 40;
const MOST_REPEATS = 40;
const DEEPEST = 10;

/** A text, or alternatives, each of which is itself a sequence. */
type Part = string | Part[][];

/** A prompt as a sequence of parts. */
function parse(prompt: string): Reading<Part[]> {
	const open: Array<{ before: Part[]; alternatives: Part[][] }> = [];
	let parts: Part[] = [];
	for (const [token] of prompt.matchAll(/\\[,{}]|[{},]|\\|[^\\{},]+/g)) {
		const inner = open[open.length - 1];
		if (token === '\\{' || token === '\\}') {
			return {
				problem: `contains ${token}: a brace cannot be sent, not even escaped. Use parentheses, or remove it`,
			};
		} else if (token === '{') {
			if (open.length === DEEPEST)
				return { problem: `nests braces more than ${DEEPEST} levels deep` };
			open.push({ before: parts, alternatives: [] });
			parts = [];
		} else if (token === '}') {
			if (!inner) return UNPAIRED;
			open.pop();
			parts = [...inner.before, [...inner.alternatives, parts]];
		} else if (token === ',' && inner) {
			inner.alternatives.push(parts);
			parts = [];
		} else {
			parts.push(token === '\\,' && inner ? ',' : token);
		}
	}
	return open.length > 0 ? UNPAIRED : { value: parts };
}

const UNPAIRED = { problem: 'contains an unmatched brace: remove it' };

/** The number of texts that a sequence stands for. */
const countOf = (parts: readonly Part[]): number =>
	parts.reduce<number>(
		(product, part) =>
			typeof part === 'string'
				? product
				: product * part.reduce((sum, alternative) => sum + countOf(alternative), 0),
		1,
	);

const textsOf = (parts: readonly Part[]): string[] =>
	parts.reduce<string[]>(
		(texts, part) => {
			const endings =
				typeof part === 'string'
					? [part]
					: part.flatMap((alternative) => textsOf(alternative).map((text) => text.trim()));
			return texts.flatMap((text) => endings.map((ending) => text + ending));
		},
		[''],
	);

const REPEAT = new RegExp(
	String.raw`(?:\s|(?<=${BEFORE}))${DASHES}(?:repeat|r)(?![a-z-])\s*(?:(\d+)(?=\s|$))?`,
	'gi',
);

/** A prompt, as many times as its --repeat says. */
function repeated(prompt: string): Reading<string[]> {
	const found = [...prompt.matchAll(REPEAT)];
	if (found.length === 0) return { value: [prompt] };
	const times = Number(found[0]?.[1] ?? 0);
	if (found.length > 1 || times < 2 || times > MOST_REPEATS) {
		return {
			problem: `must contain --repeat only once, with a number from 2 to ${MOST_REPEATS}`,
		};
	}
	const once = prompt.replace(REPEAT, '').trim();
	return { value: Array.from({ length: times }, () => once) };
}

/** Whether a prompt has braces around a quoted name and a colon. */
const isJson = (prompt: string): boolean => /\{\s*(["“”'])[^{}"“”']*["“”']\s*:/.test(prompt);

const JSON_PROMPT =
	'looks like JSON, and Midjourney takes its braces for permutations, each of them a paid task: write the prompt in plain words';

/** The prompts that a prompt with permutations and --repeat stands for. Each becomes a task of its own. */
export function permutationsOf(prompt: string): Reading<string[]> {
	if (isJson(prompt)) return { problem: JSON_PROMPT };
	const parsed = parse(prompt);
	if ('problem' in parsed) return parsed;
	const combinations = countOf(parsed.value);
	if (combinations > MOST_TASKS) return tooMany(combinations);
	const prompts: string[] = [];
	for (const text of textsOf(parsed.value)) {
		const found = repeated(text);
		if ('problem' in found) return found;
		if (found.value[0]?.trim() === '') return { problem: 'is empty in one of its permutations' };
		prompts.push(...found.value);
	}
	return prompts.length > MOST_TASKS ? tooMany(prompts.length) : { value: prompts };
}

/** A number of tasks for a message, without long digits. */
const inWords = (tasks: number): string => (tasks > 1000 ? 'more than 1000' : String(tasks));

const tooMany = (tasks: number) => ({
	problem: `makes ${inWords(tasks)} tasks of one item, but at most ${MOST_TASKS} are allowed: remove some, or spread them over several items`,
});

/**
 * Why a prompt would become several paid tasks, or would be taken for such a prompt.
 *
 * @param remedy what to do if this is intended, and if not: a sentence without the full stop
 * @returns undefined if it is a single prompt
 */
export function permutationProblem(prompt: string, remedy: string): string | undefined {
	if (!/[{}]/.test(prompt) && !new RegExp(REPEAT.source, 'i').test(prompt)) return undefined;
	if (/\{\{\s*\$/.test(prompt)) {
		return 'contains {{ … }} as plain text: switch the field from Fixed to Expression';
	}
	if (isJson(prompt)) return JSON_PROMPT;
	const parsed = parse(prompt);
	if ('problem' in parsed) return parsed.problem;
	const all = permutationsOf(prompt);
	const tasks = 'value' in all ? all.value.length : countOf(parsed.value);
	const what = /[{}]/.test(prompt) ? 'braces' : '--repeat';
	const count = tasks > 1 ? `, here ${inWords(tasks)},` : '';
	return `contains ${what}: Midjourney makes a task of each combination${count} and each is paid. ${remedy}`;
}
