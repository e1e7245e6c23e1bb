import type { INodeProperties, NodeHint } from 'n8n-workflow';

import { flagsOf, patternOf } from '../providers/flags';
import type { TaskRequest } from '../providers/provider';

/**
 * Midjourney also accepts settings as flags in the prompt. A setting given both ways is a contradiction that only the
 * provider could resolve, at the user's cost. So it is reported, not sent.
 */

/** The setting that the mode of a request implies; undefined if it implies none. */
export const impliedBy = (request: TaskRequest): string | undefined =>
	request.kind === 'generateImage' ? IMPLIED[request.mode] : undefined;

const IMPLIED: Partial<Record<string, string>> = {
	omniReference: 'omniReference',
	styleReference: 'styleReferences',
};

/** The names of a field: internal and displayed. */
export type Label = Pick<INodeProperties, 'name' | 'displayName'>;

/**
 * The contradiction between a prompt and the fields.
 *
 * @param set the fields that the user has set
 * @returns the first contradiction, as a full message; undefined if there is none
 */
export function flagConflict(prompt: string, set: readonly Label[]): string | undefined {
	for (const { name, displayName } of set) {
		const flags = flagsOf(name);
		if (flags.length === 0) continue;
		const found = new RegExp(patternOf(flags), 'i').exec(prompt)?.[0];
		if (found !== undefined) {
			const flag = found.replace(/^[^-‒–—―]+/, '');
			return `'Prompt' contains ${flag} and '${displayName}' is set as well: remove the flag from the prompt, or clear the field`;
		}
	}
	return undefined;
}

/**
 * The same check while the user types, as hints in the node's panel.
 *
 * @param fields the fields that may have a flag
 * @param valueOf the expression for the value of a field
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
				message: `The prompt contains <code>--${flags[0]}</code> and <b>${displayName}</b> is set as well. Remove the flag or clear the field: nothing is submitted while both are set.`,
				type: 'warning',
				// The input pane evaluates the hints of the previous node, so a hint there would never be shown.
				location: 'outputPane',
				whenToDisplay: 'always',
				displayCondition: `={{ ${isSet} && ${test} }}`,
			},
		];
	});
