import type { NodeHint } from 'n8n-workflow';

import { DASHES, patternOf } from '../providers/flags';
import {
	known,
	KNOWN_VERSIONS,
	LANGUAGE,
	versionName,
	versionOf,
	type Word,
} from '../providers/language';
import type { TaskRequest } from '../providers/provider';
import { impliedBy, type Label } from './promptFlags';

/** Checks a request against its version of Midjourney before anything is bought. What is not certain is a hint in the panel. */

/**
 * The first thing in a request that its version certainly does not take, in fields or as a flag in the prompt.
 *
 * @param nameOf what people call the field that a setting comes from
 * @returns in full, with what to choose; undefined when there is none, or no version is chosen
 */
export function languageProblem(
	request: TaskRequest,
	nameOf: (path: readonly string[]) => string,
): string | undefined {
	const chosen = versionIn(request);
	if (chosen === undefined) return undefined;
	if (known(chosen) === 'never') {
		return `'${nameOf(['version'])}' is ${versionName(chosen)}, and there has never been such a version: choose another one`;
	}
	const version = versionOf(chosen);
	for (const word of LANGUAGE) {
		if (!word.refuses.some((one) => one === version)) continue;
		const used = useOf(word, request, nameOf);
		if (used === undefined) continue;
		return `'${used.field}' ${used.says}, which version ${versionName(version)} does not take: choose version ${choicesOf(word)}, or ${used.remedy}`;
	}
	return undefined;
}

/** The version that a request asks for, by its field or by a flag. */
function versionIn(request: TaskRequest): string | undefined {
	if ('version' in request && request.version !== undefined) return request.version;
	if (!('prompt' in request) || request.prompt === undefined) return undefined;
	for (const [flags, family] of [
		[['v', 'version'], ''],
		[['niji'], 'niji'],
	] as const) {
		const found = new RegExp(`${patternOf(flags)}\\s*(\\d+(?:\\.\\d+)?)`, 'i').exec(request.prompt);
		if (found) return `${family}${found[1]}`;
	}
	return undefined;
}

/** Where a request says this word, how it does, and what would take it out. */
function useOf(
	{ flags, setting }: Word,
	request: TaskRequest,
	nameOf: (path: readonly string[]) => string,
): { field: string; says: string; remedy: string } | undefined {
	const says = `asks for --${flags[0]}`;
	const set = new Map<string, unknown>(Object.entries(request));
	const value = setting === undefined ? undefined : set.get(setting);
	if (setting !== undefined && value !== undefined && value !== false) {
		return { field: nameOf([setting]), says, remedy: 'empty the field' };
	}
	if (setting !== undefined && impliedBy(request) === setting) {
		return { field: nameOf(['mode']), says, remedy: 'choose another mode' };
	}
	const prompt = set.get('prompt');
	const found =
		typeof prompt === 'string' ? new RegExp(patternOf(flags), 'i').exec(prompt)?.[0] : undefined;
	if (found === undefined) return undefined;
	const flag = found.replace(new RegExp(`^.*?(?=${DASHES})`, 's'), '');
	return { field: nameOf(['prompt']), says: `holds ${flag}`, remedy: 'take the flag out' };
}

const choicesOf = ({ takes }: Word): string =>
	takes
		.map(versionName)
		.join(', ')
		.replace(/, ([^,]*)$/, ' or $1');

/** The version that stands in the panel, as the table has it. */
const PANEL_VERSION =
	'String(($parameter["version"] === "custom" ? $parameter["customVersion"] : $parameter["version"]) ?? "").toLowerCase().replace(/[v\\s]/g, "").replace(/\\.0+$/, "")';

const hint = (message: string, type: 'info' | 'warning', condition: string): NodeHint => ({
	message,
	type,
	location: 'outputPane',
	whenToDisplay: 'always',
	displayCondition: `={{ ((version) => ${condition})(${PANEL_VERSION}) }}`,
});

/** Shown where a version is chosen that this node does not know. */
export const NEW_VERSION = hint(
	'This node does not know the chosen <b>Version</b>. A newer version is sent as it is, without a check. A version that never existed is refused before anything is bought.',
	'info',
	`version !== "" && !${JSON.stringify(KNOWN_VERSIONS)}.includes(version)`,
);

/**
 * The same check while the user types, and what the pages of Midjourney leave open.
 *
 * @param fields what a word may stand in
 * @param valueOf the expression that gives the value of a field
 */
export const languageHints = (
	fields: readonly Label[],
	valueOf: (name: string) => string,
): NodeHint[] =>
	fields.flatMap(({ name, displayName }) =>
		LANGUAGE.filter(({ setting }) => setting === name).flatMap((word) => {
			const isUsed = `![undefined, null, "", false].includes(${valueOf(name)})`;
			const among = (versions: Word['takes']) =>
				`${JSON.stringify(versions)}.includes(version) && ${isUsed}`;
			const { refuses, unclear } = word;
			return [
				...(refuses.length === 0
					? []
					: [
							hint(
								`The chosen <b>Version</b> does not take <b>${displayName}</b>: choose version ${choicesOf(word)}, or empty the field. With both, nothing is submitted.`,
								'warning',
								among(refuses),
							),
						]),
				...(unclear.length === 0
					? []
					: [
							hint(
								`The pages of Midjourney contradict each other on whether the chosen <b>Version</b> takes <b>${displayName}</b>. It is sent as it is.`,
								'info',
								among(unclear),
							),
						]),
			];
		}),
	);
