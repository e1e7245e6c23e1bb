import type { INodeProperties, NodeHint } from 'n8n-workflow';

import { KNOWN_VERSIONS, patternOf, wordOf, type Version } from '../providers/language';
import { choicesOf } from './requestCheck';

/** What requestCheck.ts refuses, as hints in the panel while the user types; and what Midjourney's pages leave open. */

/** The names of a field: internal and displayed. */
type Label = Pick<INodeProperties, 'name' | 'displayName'>;

/** The input pane evaluates the hints of the previous node, so a hint there would never be shown. */
const hint = (message: string, type: 'info' | 'warning', condition: string): NodeHint => ({
	message,
	type,
	location: 'outputPane',
	whenToDisplay: 'always',
	displayCondition: `={{ ${condition} }}`,
});

/**
 * Shown where a setting is given both in its field and in the prompt.
 *
 * @param fields the fields that may have a flag
 * @param valueOf the expression for the value of a field
 */
export const flagHints = (
	fields: readonly Label[],
	valueOf: (name: string) => string,
): NodeHint[] =>
	fields.flatMap(({ name, displayName }) => {
		const { flags } = wordOf(name);
		if (flags.length === 0) return [];
		const isSet = `(${valueOf(name)} ?? "") !== ""`;
		const isInPrompt = `/${patternOf(flags)}/i.test($parameter["prompt"] ?? "")`;
		return [
			hint(
				`The prompt contains <code>--${flags[0]}</code> and <b>${displayName}</b> is set as well. Remove the flag or clear the field: nothing is submitted while both are set.`,
				'warning',
				`${isSet} && ${isInPrompt}`,
			),
		];
	});

/** A condition on the chosen version, written as in the tables. */
const ofVersion = (condition: string): string =>
	`((version) => ${condition})(String(($parameter["version"] === "custom" ? $parameter["customVersion"] : $parameter["version"]) ?? "").toLowerCase().replace(/[v\\s]/g, "").replace(/\\.0+$/, ""))`;

/** Shown where a version is chosen that this node does not know. */
export const NEW_VERSION = hint(
	'This node does not know the chosen <b>Version</b>. A newer version is sent as it is, without a check. A version that never existed is refused before anything is bought.',
	'info',
	ofVersion(`version !== "" && !${JSON.stringify(KNOWN_VERSIONS)}.includes(version)`),
);

/** The same where the chosen version does not support a setting, or may not. */
export const versionHints = (
	fields: readonly Label[],
	valueOf: (name: string) => string,
): NodeHint[] =>
	fields.flatMap(({ name, displayName }) => {
		const word = wordOf(name);
		const isUsed = `![undefined, null, "", false].includes(${valueOf(name)})`;
		const among = (versions: readonly Version[]) =>
			ofVersion(`${JSON.stringify(versions)}.includes(version) && ${isUsed}`);
		const hints: NodeHint[] = [];
		if (word.refuses) {
			const message = `The chosen <b>Version</b> does not support <b>${displayName}</b>: choose version ${choicesOf(word)}, or empty the field. With both, nothing is submitted.`;
			hints.push(hint(message, 'warning', among(word.refuses)));
		}
		if (word.unclear) {
			const message = `The pages of Midjourney contradict each other on whether the chosen <b>Version</b> takes <b>${displayName}</b>. It is sent as it is.`;
			hints.push(hint(message, 'info', among(word.unclear)));
		}
		return hints;
	});
