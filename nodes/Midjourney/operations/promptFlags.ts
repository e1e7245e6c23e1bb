import type { INodeProperties, NodeHint } from 'n8n-workflow';

import { flagsOf, patternOf } from '../providers/flags';
import type { TaskRequest } from '../providers/provider';

/**
 * Midjourney takes settings as flags inside the prompt, too. A setting given both ways is a contradiction that only the
 * provider could resolve, at the user's cost: it is told, not sent.
 */

/** The setting that the mode of a request says as good as a field; undefined where it says none. */
export const impliedBy = (request: TaskRequest): string | undefined =>
	request.kind === 'generateImage' ? IMPLIED[request.mode] : undefined;

const IMPLIED: Partial<Record<string, string>> = {
	omniReference: 'omniReference',
	styleReference: 'styleReferences',
};

/** How a field is called, by the node and by people. */
export type Label = Pick<INodeProperties, 'name' | 'displayName'>;

/**
 * What contradicts itself between prompt and fields.
 *
 * @param set the display names of what the user has set, by name
 * @returns the first contradiction, in full; undefined when there is none
 */
export function flagConflict(prompt: string, set: readonly Label[]): string | undefined {
	for (const { name, displayName } of set) {
		const flags = flagsOf(name);
		if (flags.length === 0) continue;
		const found = new RegExp(patternOf(flags), 'i').exec(prompt)?.[0];
		if (found !== undefined) {
			const flag = found.replace(/^[^-‒–—―]+/, '');
			return `'Prompt' holds ${flag} and '${displayName}' is set, too: take the flag out of the prompt, or empty the field`;
		}
	}
	return undefined;
}

/**
 * The same check while the user types, as hints in the node's panel.
 *
 * @param fields what a flag may stand for
 * @param valueOf the expression that gives the value of a field
 */
export const flagHints = (
	fields: readonly Label[],
	valueOf: (name: string) => string,
): NodeHint[] =>
	fields.flatMap(({ name, displayName }) => {
		const flags = flagsOf(name);
		if (flags.length === 0) return [];
		const isSet = `(${valueOf(name)} ?? "") !== ""`;
		const test = `/${patternOf(flags)}/i.test($parameter["prompt"] ?? "")`;
		return [
			{
				message: `The prompt holds <code>--${flags[0]}</code> and <b>${displayName}</b> is set, too. Take the flag out or empty the field: with both, nothing is submitted.`,
				type: 'warning',
				// The input pane evaluates the hints of the node before this one: what stands there is never shown.
				location: 'outputPane',
				whenToDisplay: 'always',
				displayCondition: `={{ ${isSet} && ${test} }}`,
			},
		];
	});
