import type { GenerateImage, GenerateVideo } from './provider';

/**
 * Midjourney's own language: image prompts, text, then flags (wire.md: Vtrix models). Some providers have fields for the
 * settings, others only accept this text. A user may also write flags in a prompt.
 */

/** A setting of a request for an image or a video. */
export type Setting = Exclude<keyof GenerateImage | keyof GenerateVideo, 'kind'>;

/** The flags of every setting; empty if it has none. A setting without a row does not compile. */
export type FlagTable = Readonly<Record<Setting, readonly string[]>>;

/** The flags that are equivalent to a setting of a request. The first one is written. */
export const FLAGS = {
	aspectRatio: ['ar', 'aspect'],
	draft: ['draft'],
	exclude: ['no'],
	experimental: ['exp'],
	hd: ['hd'],
	imageQuality: ['q', 'quality'],
	imageUrl: [],
	imageUrls: [],
	imageWeight: ['iw'],
	mode: [],
	motion: ['motion'],
	omniIntensity: ['ow'],
	omniReference: ['oref'],
	personalization: ['p', 'profile', 'personalize'],
	prompt: [],
	quality: [],
	raw: ['raw', 'style\\s+raw'],
	seed: ['seed'],
	speed: ['fast', 'relax', 'relaxed', 'turbo'],
	styleReferences: ['sref'],
	styleVersion: ['sv'],
	styleWeight: ['sw'],
	stylization: ['s', 'stylize', 'stylise'],
	tile: ['tile'],
	translatePrompt: [],
	variety: ['c', 'chaos'],
	version: ['v', 'version', 'niji'],
	videoCount: ['bs'],
	watermark: [],
	weirdness: ['w', 'weird'],
} as const satisfies FlagTable;

/** A setting that has a flag. */
export type Flagged = {
	[S in Setting]: (typeof FLAGS)[S] extends readonly [] ? never : S;
}[Setting];

const BY_NAME: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(FLAGS));

/** The flags of a setting of any request; empty if it has none. */
export const flagsOf = (setting: string): readonly string[] => BY_NAME.get(setting) ?? [];

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

/** The whole request as one text. */
export function promptText(request: GenerateImage): string {
	return Object.values(WRITERS)
		.map((write) => write(request))
		.filter((part) => part !== undefined && part !== '')
		.join(' ');
}

type Writer = (request: GenerateImage) => string | undefined;

/** A flag with its value. */
export const flag = (name: Flagged, value: string | number | undefined): string | undefined =>
	value === undefined || value === '' ? undefined : `--${FLAGS[name][0]} ${value}`;

const switchFlag = (name: Flagged, on: boolean | undefined): string | undefined =>
	on ? `--${FLAGS[name][0]}` : undefined;

/** For settings that are not in the text: another setting or a field on the wire expresses them. */
const NOT_WRITTEN: Writer = () => undefined;

/** How every setting is written in the text, in this order. */
const WRITERS = {
	mode: NOT_WRITTEN,
	imageUrls: ({ mode, imageUrls = [] }) =>
		mode === 'imageToImage' ? imageUrls.join(' ') : undefined,
	prompt: ({ prompt }) => prompt.trim(),
	aspectRatio: ({ aspectRatio }) => flag('aspectRatio', aspectRatio),
	version: ({ version }) => (version === undefined ? undefined : versionFlag(version)),
	imageQuality: ({ imageQuality }) => flag('imageQuality', imageQuality),
	stylization: ({ stylization }) => flag('stylization', stylization),
	experimental: ({ experimental }) => flag('experimental', experimental),
	variety: ({ variety }) => flag('variety', variety),
	weirdness: ({ weirdness }) => flag('weirdness', weirdness),
	seed: ({ seed }) => flag('seed', seed),
	imageWeight: ({ imageWeight }) => flag('imageWeight', imageWeight),
	styleReferences: ({ mode, imageUrls = [], styleReferences = [] }) =>
		flag(
			'styleReferences',
			[...(mode === 'styleReference' ? imageUrls : []), ...styleReferences].join(' '),
		),
	styleVersion: ({ styleVersion }) => flag('styleVersion', styleVersion),
	styleWeight: ({ styleWeight }) => flag('styleWeight', styleWeight),
	personalization: ({ personalization = [] }) => flag('personalization', personalization.join(' ')),
	omniReference: ({ mode, imageUrls = [], omniReference }) =>
		flag('omniReference', mode === 'omniReference' ? imageUrls[0] : omniReference),
	omniIntensity: ({ omniIntensity }) => flag('omniIntensity', omniIntensity),
	raw: ({ raw }) => switchFlag('raw', raw),
	tile: ({ tile }) => switchFlag('tile', tile),
	draft: ({ draft }) => switchFlag('draft', draft),
	hd: ({ hd }) => switchFlag('hd', hd),
	speed: NOT_WRITTEN,
	translatePrompt: NOT_WRITTEN,
	watermark: NOT_WRITTEN,
	// Last, because everything up to the next flag belongs to its list of words.
	exclude: ({ exclude }) => flag('exclude', exclude?.trim()),
} satisfies Record<Exclude<keyof GenerateImage, 'kind'>, Writer>;

/** Niji versions have a flag of their own. */
function versionFlag(version: string): string {
	const niji = /^niji\s*(.*)$/i.exec(version)?.[1];
	return niji === undefined ? `--v ${version}` : `--niji ${niji}`.trim();
}
