import type { Setting } from './flags';

/**
 * Which version of Midjourney takes which flag, according to Midjourney's own pages (wire.md: Midjourney's language by version).
 * What no page mentions passes, because a provider may know more, and so does every newer version.
 */

/** Every version that has existed, oldest first; the Niji models have numbers of their own. */
export const VERSIONS = {
	midjourney: ['1', '2', '3', '4', '5', '5.1', '5.2', '6', '6.1', '7', '8', '8.1', '8.2'],
	niji: ['niji4', 'niji5', 'niji6', 'niji7'],
} as const;

export type Version = (typeof VERSIONS)[keyof typeof VERSIONS][number];

const V5 = ['5.1', '5.2'] as const;
const V6 = ['6', '6.1'] as const;
const V8 = ['8.1', '8.2'] as const;

/** The address of a help page, by the number of its article. */
const help = (article: string): string =>
	`https://docs.midjourney.com/hc/en-us/articles/${article}`;
const VERSION_CHART = help('32199405667853');
const LEGACY = help('33329788681101');
const OMNI_REFERENCE = help('36285124473997');
const DRAFT_MODE = help('35577175650957');
const STYLE_REFERENCE = 'https://docs.midjourney.com/v1/docs/style-reference';
const CHARACTER_REFERENCE = 'https://docs.midjourney.com/docs/character-reference';

/** What is documented about one flag. No page mentions it for a version that is in none of the lists. */
export interface Word {
	/** Without hyphens, the usual one first. */
	flags: readonly [string, ...string[]];
	/** The setting of a request that says the same. */
	setting?: Setting;
	/** The versions that take it. */
	takes: readonly Version[];
	/** The versions that do not: a submit with it would be refused, or would buy something else. */
	refuses: readonly Version[];
	/** The versions about which the pages contradict each other. */
	unclear: readonly Version[];
	sources: readonly [string, ...string[]];
	/** The day on which the sources were read, as YYYY-MM-DD. */
	read: string;
}

const READ = '2026-11-22';

const word = (
	flags: Word['flags'],
	setting: Setting | undefined,
	{ takes = [], refuses = [], unclear = [] }: Partial<Word>,
	...sources: Word['sources']
): Word => ({ flags, setting, takes, refuses, unclear, sources, read: READ });

/** A row for each flag. */
export const LANGUAGE: readonly Word[] = [
	word(['hd'], 'hd', { takes: V8, refuses: [...V6, '7'] }, VERSION_CHART),
	word(['sd'], undefined, { takes: V8, refuses: [...V6, '7'] }, VERSION_CHART),
	word(['exp'], 'experimental', { takes: ['7', ...V8], refuses: V6 }, VERSION_CHART),
	word(
		['draft'],
		'draft',
		{ takes: ['7'], refuses: [...V5, ...V6], unclear: V8 },
		DRAFT_MODE,
		VERSION_CHART,
	),
	word(
		['oref'],
		'omniReference',
		{ takes: ['7'], refuses: [...V5, ...V6, ...V8] },
		OMNI_REFERENCE,
		VERSION_CHART,
	),
	word(
		['ow'],
		'omniIntensity',
		{ takes: ['7'], refuses: [...V5, ...V6, ...V8] },
		OMNI_REFERENCE,
		VERSION_CHART,
	),
	word(
		['cref'],
		undefined,
		{ takes: [...V6, 'niji6'], refuses: [...V5, '7', ...V8] },
		CHARACTER_REFERENCE,
		VERSION_CHART,
	),
	word(
		['cw'],
		undefined,
		{ takes: [...V6, 'niji6'], refuses: [...V5, '7', ...V8] },
		CHARACTER_REFERENCE,
		VERSION_CHART,
	),
	word(
		['sref'],
		'styleReferences',
		{ takes: [...V6, '7', ...V8, 'niji6'], refuses: V5 },
		STYLE_REFERENCE,
		VERSION_CHART,
	),
	word(
		['sw'],
		'styleWeight',
		{ takes: [...V6, '7', ...V8, 'niji6'], refuses: V5 },
		STYLE_REFERENCE,
		VERSION_CHART,
	),
	word(
		['sv'],
		'styleVersion',
		{ takes: [...V6, '7', 'niji6'], refuses: V5, unclear: V8 },
		STYLE_REFERENCE,
		VERSION_CHART,
	),
	word(
		['p', 'profile', 'personalize'],
		'personalization',
		{ takes: [...V6, '7', ...V8] },
		VERSION_CHART,
	),
	word(['stop'], undefined, { takes: [...V5, '6'], refuses: ['7', ...V8] }, LEGACY),
	word(
		['q', 'quality'],
		'imageQuality',
		{ takes: [...V5, ...V6, '7'], unclear: V8 },
		LEGACY,
		VERSION_CHART,
	),
	word(['tile'], 'tile', { takes: [...V5, ...V6, '7', ...V8] }, LEGACY, VERSION_CHART),
	word(['w', 'weird'], 'weirdness', { takes: [...V5, ...V6, '7', ...V8] }, LEGACY, VERSION_CHART),
	word(['iw'], 'imageWeight', { takes: [...V5, ...V6, '7', ...V8] }, LEGACY, VERSION_CHART),
	word(['no'], 'exclude', { takes: [...V5, ...V6, '7', ...V8] }, LEGACY, VERSION_CHART),
	word(['raw'], 'raw', { takes: [...V5, ...V6, '7', ...V8] }, LEGACY, VERSION_CHART),
];

/** All of them, as a version is written in a request. */
export const KNOWN_VERSIONS: readonly string[] = [...VERSIONS.midjourney, ...VERSIONS.niji];

/** The version as the table has it: 6.0 is 6. */
export const versionOf = (version: string): string => version.toLowerCase().replace(/\.0+$/, '');

/** Whether a version is in the table, is newer than all in it, or has never existed although newer ones do. */
export function known(version: string): 'known' | 'never' | 'newer' {
	const wanted = versionOf(version);
	if (KNOWN_VERSIONS.includes(wanted)) return 'known';
	const family = wanted.startsWith('niji') ? VERSIONS.niji : VERSIONS.midjourney;
	const newest = Math.max(...family.map(numberOf));
	// Niji without a number is the newest one.
	return wanted !== 'niji' && numberOf(wanted) < newest ? 'never' : 'newer';
}

const numberOf = (version: string): number => Number(version.replace('niji', ''));

/** The version as people write it. */
export const versionName = (version: string): string =>
	version.startsWith('niji') ? `Niji ${version.slice(4)}`.trim() : version;
