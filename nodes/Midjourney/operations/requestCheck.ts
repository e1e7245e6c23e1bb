import {
	DASHES,
	flagIn,
	impliedBy,
	known,
	patternOf,
	versionName,
	versionOf,
	wordOf,
	WORDS,
	type Word,
} from '../providers/language';
import type { TaskRequest } from '../providers/provider';
import { isParameter, isPrompt, textsIn, type RequestText } from '../providers/texts';
import type { Parameters } from './parameters';
import { permutationProblem } from './permutations';

/**
 * What no request may contain, whichever fields it comes from: settings that contradict each other or the version, flags that a
 * field smuggles in, and braces or --repeat, which the provider would turn into several paid tasks (architecture.md: Checked
 * before it is sent).
 */

/** The display name of the field that a setting, or a text within it, comes from. */
type NameOf = Parameters['nameOf'];

/**
 * @param permutable whether the operation has the field Permutations
 * @returns the first problem, as a full message; undefined if there is none
 */
export function requestProblem(
	request: TaskRequest,
	nameOf: NameOf,
	permutable: boolean,
): string | undefined {
	const remedy = permutable
		? 'If you want that, add the field Permutations and switch it on. If not, remove them'
		: 'Remove them, and send one item for each wording';
	const problemOf = (one: RequestText): string | undefined =>
		isPrompt(one)
			? permutationProblem(one.text, remedy)
			: isParameter(one)
				? undefined
				: fieldProblem(one.text);
	for (const one of textsIn(request)) {
		const problem = problemOf(one);
		if (problem !== undefined) return `'${nameOf(one.path)}' ${problem}`;
	}
	return flagConflict(request, nameOf) ?? versionProblem(request, nameOf);
}

function fieldProblem(text: string): string | undefined {
	const found = flagIn(text);
	if (found !== undefined) {
		return `contains ${found}: a flag belongs in its own field, or at the end of the prompt`;
	}
	return /[{}]/.test(text)
		? 'contains a brace, which Midjourney takes for permutations: remove it (in a URL, write %7B and %7D)'
		: undefined;
}

/** The prompt of a request; empty if it has none. */
const promptOf = (request: TaskRequest): string =>
	'prompt' in request ? (request.prompt ?? '') : '';

/** One of these flags in a text, as it is written there. */
const foundIn = (text: string, flags: readonly string[]): string | undefined =>
	flags.length === 0
		? undefined
		: new RegExp(patternOf(flags), 'i')
				.exec(text)?.[0]
				.replace(new RegExp(`^.*?(?=${DASHES})`, 's'), '');

/**
 * A setting that is given both as a field and as a flag in the prompt: a contradiction that only the provider could resolve, at
 * the user's cost.
 */
function flagConflict(request: TaskRequest, nameOf: NameOf): string | undefined {
	const set = Object.entries(request)
		.filter(([, value]) => value !== undefined)
		.map(([setting]) => ({ setting, field: nameOf([setting]) }));
	const implied = impliedBy(request);
	if (implied !== undefined) set.push({ setting: implied, field: nameOf(['mode']) });
	for (const { setting, field } of set) {
		const flag = foundIn(promptOf(request), wordOf(setting).flags);
		if (flag !== undefined) {
			return `'Prompt' contains ${flag} and '${field}' is set as well: remove the flag from the prompt, or clear the field`;
		}
	}
	return undefined;
}

/** The first thing in a request that its version certainly does not support, in fields or as a flag in the prompt. */
function versionProblem(request: TaskRequest, nameOf: NameOf): string | undefined {
	const chosen = versionIn(request);
	if (chosen === undefined) return undefined;
	if (known(chosen) === 'never') {
		return `'${nameOf(['version'])}' is ${versionName(chosen)}, and there has never been such a version: choose another one`;
	}
	const version = versionOf(chosen);
	for (const word of WORDS) {
		if (!word.refuses?.some((one) => one === version)) continue;
		const used = useOf(word, request, nameOf);
		if (used === undefined) continue;
		return `'${used.field}' ${used.says}, which version ${versionName(version)} does not support: choose version ${choicesOf(word)}, or ${used.remedy}`;
	}
	return undefined;
}

/** The version that a request asks for, by its field or by a flag. */
function versionIn(request: TaskRequest): string | undefined {
	if ('version' in request && request.version !== undefined) return request.version;
	for (const [flags, family] of [
		[['v', 'version'], ''],
		[['niji'], 'niji'],
	] as const) {
		const pattern = new RegExp(`${patternOf(flags)}\\s*(\\d+(?:\\.\\d+)?)`, 'i');
		const found = pattern.exec(promptOf(request));
		if (found) return `${family}${found[1]}`;
	}
	return undefined;
}

/** Where a request says this word, how it does, and what would take it out. */
function useOf(
	{ flags, setting }: (typeof WORDS)[number],
	request: TaskRequest,
	nameOf: NameOf,
): { field: string; says: string; remedy: string } | undefined {
	const says = `asks for --${flags[0]}`;
	if (setting !== undefined) {
		const value = new Map<string, unknown>(Object.entries(request)).get(setting);
		if (value !== undefined && value !== false) {
			return { field: nameOf([setting]), says, remedy: 'empty the field' };
		}
		if (impliedBy(request) === setting) {
			return { field: nameOf(['mode']), says, remedy: 'choose another mode' };
		}
	}
	const flag = foundIn(promptOf(request), flags);
	return flag === undefined
		? undefined
		: { field: nameOf(['prompt']), says: `contains ${flag}`, remedy: 'take the flag out' };
}

/** The versions that take a word, as in “7, 8.1 or 8.2”. */
export const choicesOf = ({ takes = [] }: Word): string =>
	takes
		.map(versionName)
		.join(', ')
		.replace(/, ([^,]*)$/, ' or $1');
