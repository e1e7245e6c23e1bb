import type { GenerateImage, GenerateVideo, ImageMode, TaskRequest } from './provider';

/**
 * Midjourney's own language: image prompts, text, then flags (wire.md: Vtrix models). Some providers have fields for the
 * settings, others only accept this text. A user may also write flags in a prompt.
 */

/** Every version that has existed, oldest first; the Niji models have numbers of their own. */
const VERSIONS = {
	midjourney: ['1', '2', '3', '4', '5', '5.1', '5.2', '6', '6.1', '7', '8', '8.1', '8.2'],
	niji: ['niji4', 'niji5', 'niji6', 'niji7'],
} as const;

export type Version = (typeof VERSIONS)[keyof typeof VERSIONS][number];

const V5 = ['5.1', '5.2'] as const;
const V6 = ['6', '6.1'] as const;
const V8 = ['8.1', '8.2'] as const;

/**
 * The flags that say the same, and the versions that take them (wire.md: Midjourney's language by version).
 * What no page mentions passes, because a provider may know more, and so does every newer version.
 */
export interface Word {
	/** Without hyphens, as sources of regular expressions; the first one is a plain word. Empty if there is none. */
	flags: readonly string[];
	/** The versions to choose from where it is refused. */
	takes?: readonly Version[];
	/** The versions that do not take it: a submit with it would be refused, or would buy something else. */
	refuses?: readonly Version[];
	/** The versions about which the pages contradict each other. */
	unclear?: readonly Version[];
	/** Writes it, if that is not the first flag with the value of the setting. */
	write?(request: GenerateImage): string | undefined;
}

/** A setting of a request for an image or a video. */
type Setting = Exclude<keyof GenerateImage | keyof GenerateVideo, 'kind'>;

const OMNI: Pick<Word, 'takes' | 'refuses'> = { takes: ['7'], refuses: [...V5, ...V6, ...V8] };
const STYLE: typeof OMNI = { takes: [...V6, '7', ...V8, 'niji6'], refuses: V5 };
const CHARACTER: typeof OMNI = { takes: [...V6, 'niji6'], refuses: [...V5, '7', ...V8] };

/** The word for each setting, in the order in which they are written. A setting without a row does not compile. */
export const LANGUAGE: Readonly<Record<Setting, Word>> = {
	mode: { flags: [] },
	imageUrl: { flags: [] },
	imageUrls: { flags: [], write: (request) => imagesFor('imageUrls', request)?.join(' ') },
	prompt: { flags: [], write: ({ prompt }) => prompt.trim() },
	quality: { flags: [] },
	motion: { flags: ['motion'] },
	videoCount: { flags: ['bs'] },
	aspectRatio: { flags: ['ar', 'aspect'] },
	version: {
		flags: ['v', 'version', 'niji'],
		write: ({ version }) => (version === undefined ? undefined : versionFlag(version)),
	},
	imageQuality: { flags: ['q', 'quality'], takes: [...V5, ...V6, '7'], unclear: V8 },
	stylization: { flags: ['s', 'stylize', 'stylise'] },
	experimental: { flags: ['exp'], takes: ['7', ...V8], refuses: V6 },
	variety: { flags: ['c', 'chaos'] },
	weirdness: { flags: ['w', 'weird'] },
	seed: { flags: ['seed'] },
	imageWeight: { flags: ['iw'] },
	styleReferences: {
		flags: ['sref'],
		...STYLE,
		write: (request) => {
			const images = imagesFor('styleReferences', request) ?? [];
			return flag('sref', [...images, ...(request.styleReferences ?? [])]);
		},
	},
	styleVersion: { flags: ['sv'], takes: [...V6, '7', 'niji6'], refuses: V5, unclear: V8 },
	styleWeight: { flags: ['sw'], ...STYLE },
	personalization: { flags: ['p', 'profile', 'personalize'] },
	omniReference: {
		flags: ['oref'],
		...OMNI,
		write: (request) => {
			const images = imagesFor('omniReference', request);
			return flag('oref', images ? images[0] : request.omniReference);
		},
	},
	omniIntensity: { flags: ['ow'], ...OMNI },
	raw: { flags: ['raw', 'style\\s+raw'] },
	tile: { flags: ['tile'] },
	draft: { flags: ['draft'], takes: ['7'], refuses: [...V5, ...V6], unclear: V8 },
	hd: { flags: ['hd'], takes: V8, refuses: [...V6, '7'] },
	// Only for providers that have a field for it.
	speed: { flags: ['fast', 'relax', 'relaxed', 'turbo'], write: () => undefined },
	translatePrompt: { flags: [] },
	watermark: { flags: [] },
	// Last, because everything up to the next flag belongs to its list of words.
	exclude: { flags: ['no'], write: ({ exclude }) => flag('no', exclude?.trim()) },
};

/** Flags that are no setting. */
const OTHER_WORDS: readonly Word[] = [
	{ flags: ['sd'], takes: V8, refuses: [...V6, '7'] },
	{ flags: ['cref'], ...CHARACTER },
	{ flags: ['cw'], ...CHARACTER },
	{ flags: ['stop'], takes: [...V5, '6'], refuses: ['7', ...V8] },
];

/** All words, each with its setting if it has one. */
export const WORDS: ReadonlyArray<Word & { setting?: string }> = [
	...Object.entries(LANGUAGE).map(([setting, word]) => ({ ...word, setting })),
	...OTHER_WORDS,
];

/** The word for a setting of any request; one without flags if there is none. */
export const wordOf = (setting: string): Word =>
	WORDS.find((word) => word.setting === setting) ?? { flags: [] };

/** What the images of a mode are: the same as those of this setting. A mode without a row does not compile. */
const IMAGES_OF_MODE: Readonly<Record<ImageMode, Setting | undefined>> = {
	textToImage: undefined,
	imageToImage: 'imageUrls',
	styleReference: 'styleReferences',
	omniReference: 'omniReference',
};

/** The setting that the mode of a request stands for; undefined if there is none. */
export const impliedBy = (request: TaskRequest): string | undefined =>
	request.kind === 'generateImage' ? IMAGES_OF_MODE[request.mode] : undefined;

/** The images of the mode, if they are the same as those of this setting. */
const imagesFor = (setting: Setting, { mode, imageUrls = [] }: GenerateImage) =>
	IMAGES_OF_MODE[mode] === setting ? imageUrls : undefined;

/** A flag with its value; undefined if it is not set, empty, or off. */
function flag(name: string, value: unknown): string | undefined {
	const said = Array.isArray(value) ? value.join(' ') : value;
	if (said === undefined || said === false || said === '') return undefined;
	return said === true ? `--${name}` : `--${name} ${String(said)}`;
}

/** Niji versions have a flag of their own. */
function versionFlag(version: string): string {
	const niji = /^niji\s*(.*)$/i.exec(version)?.[1];
	return niji === undefined ? `--v ${version}` : `--niji ${niji}`.trim();
}

/** The whole request as one text. */
export function promptText(request: GenerateImage): string {
	const values = new Map<string, unknown>(Object.entries(request));
	return Object.entries(LANGUAGE)
		.map(
			([
				setting,
				{
					flags: [name],
					write,
				},
			]) => {
				if (write) return write(request);
				return name === undefined ? undefined : flag(name, values.get(setting));
			},
		)
		.filter((part) => part !== undefined && part !== '')
		.join(' ');
}

/** What may come before a flag: nothing, a space, or the end of a word. The source of a regular expression. */
export const BEFORE = '(?:^|[\\s,;.:!?)}\\]])';

/** Two hyphens, or a dash that some editors turn them into. The source of a regular expression. */
export const DASHES = '(?:--+|[‒–—―])';

/**
 * The pattern that finds these flags in a text, also with a value directly attached: `--ar16:9`.
 *
 * @returns the source of a regular expression, to be used case-insensitively
 */
export const patternOf = (flags: readonly string[]): string =>
	`${BEFORE}${DASHES}(?:${flags.join('|')})(?:(?![a-z-])|(?=https?:))`;

const ANY_FLAG = new RegExp(`${BEFORE}(${DASHES}\\p{L}+)`, 'u');

/** The first flag in a text, whether Midjourney knows it or not; undefined if there is none. */
export const flagIn = (text: string): string | undefined => ANY_FLAG.exec(text)?.[1];

/** All versions, as they are written in a request. */
export const KNOWN_VERSIONS: readonly string[] = [...VERSIONS.midjourney, ...VERSIONS.niji];

/** The version as the tables have it: 6.0 is 6. */
export const versionOf = (version: string): string => version.toLowerCase().replace(/\.0+$/, '');

/** Whether a version is known, is newer than all of its family, or has never existed although newer ones do. */
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
