import { flagIn } from '../providers/flags';
import type { TaskRequest } from '../providers/provider';
import { isParameter, isPrompt, textsIn, type RequestText } from '../providers/texts';
import { languageProblem } from './language';
import { flagConflict, impliedBy, type Label } from './promptFlags';
import { permutationProblem } from './permutations';

/**
 * What no request may contain, whichever fields it comes from: settings that contradict each other or the version, flags that a
 * field smuggles in, and braces or --repeat, which the provider would turn into several paid tasks.
 *
 * @param nameOf the display name of the field that a text comes from
 * @param permutable whether the operation has the field Permutations
 * @returns the first problem, as a full message; undefined if there is none
 */
export function requestProblem(
	request: TaskRequest,
	nameOf: (path: readonly string[]) => string,
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
	const conflict =
		'prompt' in request && request.prompt !== undefined
			? flagConflict(request.prompt, settingsOf(request, nameOf))
			: undefined;
	return conflict ?? languageProblem(request, nameOf);
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

/** The fields that are set besides the prompt, including the setting that the mode implies. */
function settingsOf(request: TaskRequest, nameOf: (path: readonly string[]) => string): Label[] {
	const set = Object.entries(request)
		.filter(([, value]) => value !== undefined)
		.map(([name]) => ({ name, displayName: nameOf([name]) }));
	const implied = impliedBy(request);
	return implied === undefined ? set : [...set, { name: implied, displayName: nameOf(['mode']) }];
}
