import { flagIn } from '../providers/flags';
import type { TaskRequest } from '../providers/provider';
import { isParameter, isPrompt, textsIn, type RequestText } from '../providers/texts';
import { languageProblem } from './language';
import { flagConflict, impliedBy, type Label } from './promptFlags';
import { permutationProblem } from './permutations';

/**
 * What no request may hold, whichever fields it was made from: settings that contradict each other or its version, flags that a
 * field smuggles in, and braces or --repeat, which the provider would make several paid tasks of.
 *
 * @param nameOf what people call the field that a text comes from
 * @param permutable whether the operation has the field Permutations
 * @returns the first such thing, in full; undefined when there is none
 */
export function requestProblem(
	request: TaskRequest,
	nameOf: (path: readonly string[]) => string,
	permutable: boolean,
): string | undefined {
	const remedy = permutable
		? 'add the field Permutations and switch it on if that is meant, else take them out'
		: 'take them out, and send one item for each wording';
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
		return `holds ${found}: a flag belongs in its own field, or at the end of the prompt`;
	}
	return /[{}]/.test(text)
		? 'holds a brace, which makes permutations of a prompt: take it out (in a URL, write %7B and %7D)'
		: undefined;
}

/** What is set besides the prompt, and what the mode says as good as a field. */
function settingsOf(request: TaskRequest, nameOf: (path: readonly string[]) => string): Label[] {
	const set = Object.entries(request)
		.filter(([, value]) => value !== undefined)
		.map(([name]) => ({ name, displayName: nameOf([name]) }));
	const implied = impliedBy(request);
	return implied === undefined ? set : [...set, { name: implied, displayName: nameOf(['mode']) }];
}
