import type { GenerateImage, GenerateVideo } from './provider';

/**
 * Midjourney's own language: image prompts, text, then flags (wire.md: Vtrix models). Some providers have fields for
 * the settings, others only this text; and whoever writes a prompt may have put flags into it.
 */

/** What can be set in a request for an image or a video. */
export type Setting = Exclude<keyof GenerateImage | keyof GenerateVideo, 'kind'>;

/** The flags of every setting; none where no flag says the same. A setting without its row does not compile. */
export type FlagTable = Readonly<Record<Setting, readonly string[]>>;

/** The flags that say the same as a setting of a request. The first is the one that is written. */
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

/** The flags of a setting, of whatever request it is; none where it has none. */
export const flagsOf = (setting: string): readonly string[] => BY_NAME.get(setting) ?? [];

/** What may stand before a flag: nothing, a space, or what ends a word. The source of a regular expression. */
export const BEFORE = '(?:^|[\\s,;.:!?)}\\]])';

/** Two hyphens, or one of the dashes that some editors make of them. The source of a regular expression. */
export const DASHES = '(?:--+|[‒–—―])';

/**
 * What finds these flags in a text, also where a value is glued to one: `--ar16:9`.
 *
 * @returns the source of a regular expression, to be used without regard to case
 */
export const patternOf = (flags: readonly string[]): string =>
	`${BEFORE}${DASHES}(?:${flags.join('|')})(?:(?![a-z-])|(?=https?:))`;

const ANY_FLAG = new RegExp(`${BEFORE}(${DASHES}\\p{L}+)`, 'u');

/** The first flag in a text, whether Midjourney knows it or not; undefined when there is none. */
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

/** Of what the text does not hold: another setting says it, or only a field of the wire. */
const NOT_WRITTEN: Writer = () => undefined;

/** How every setting stands in the text, in this order. */
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
	// What comes behind it, up to the next flag, belongs to it: a list of words.
	exclude: ({ exclude }) => flag('exclude', exclude?.trim()),
} satisfies Record<Exclude<keyof GenerateImage, 'kind'>, Writer>;

/** Niji versions have a flag of their own. */
function versionFlag(version: string): string {
	const niji = /^niji\s*(.*)$/i.exec(version)?.[1];
	return niji === undefined ? `--v ${version}` : `--niji ${niji}`.trim();
}
