import type { GenerateImage } from './Provider';

/**
 * Midjourney's own language: image prompts, text, then flags (contract 2.3). Some providers have fields for the settings,
 * others only this text; and whoever writes a prompt may have put flags into it.
 */

/** The flags that say the same as a field of a request, by its name. The first is the one that is written. */
export const FLAGS: Readonly<Record<string, readonly string[]>> = {
	aspectRatio: ['ar', 'aspect'],
	draft: ['draft'],
	exclude: ['no'],
	imageQuality: ['q', 'quality'],
	imageWeight: ['iw'],
	motion: ['motion'],
	omniIntensity: ['ow'],
	omniReference: ['oref'],
	raw: ['raw', 'style\\s+raw'],
	seed: ['seed'],
	speed: ['fast', 'relax', 'relaxed', 'turbo'],
	styleReferences: ['sref'],
	styleWeight: ['sw'],
	stylization: ['s', 'stylize', 'stylise'],
	tile: ['tile'],
	variety: ['c', 'chaos'],
	version: ['v', 'version', 'niji'],
	videoCount: ['bs'],
	weirdness: ['w', 'weird'],
};

/** The whole request as one text. */
export function asText(request: GenerateImage): string {
	const { mode, prompt, imageUrls = [], styleReferences = [], omniReference } = request;
	const styles = [...(mode === 'styleReference' ? imageUrls : []), ...styleReferences];
	const subject = mode === 'omniReference' ? imageUrls[0] : omniReference;
	return [
		...(mode === 'imageToImage' ? imageUrls : []),
		prompt.trim(),
		flag('aspectRatio', request.aspectRatio),
		request.version === undefined ? undefined : versionFlag(request.version),
		flag('imageQuality', request.imageQuality),
		flag('stylization', request.stylization),
		flag('variety', request.variety),
		flag('weirdness', request.weirdness),
		flag('seed', request.seed),
		flag('imageWeight', request.imageWeight),
		styles.length > 0 ? flag('styleReferences', styles.join(' ')) : undefined,
		flag('styleWeight', request.styleWeight),
		flag('omniReference', subject),
		flag('omniIntensity', request.omniIntensity),
		request.raw ? '--raw' : undefined,
		request.tile ? '--tile' : undefined,
		request.draft ? '--draft' : undefined,
		// What comes behind it, up to the next flag, belongs to it: a list of words.
		flag('exclude', request.exclude?.trim()),
	]
		.filter((part) => part !== undefined && part !== '')
		.join(' ');
}

const flag = (name: string, value: string | number | undefined): string | undefined =>
	value === undefined || value === '' ? undefined : `--${FLAGS[name]?.[0]} ${value}`;

/** Niji versions have a flag of their own. */
function versionFlag(version: string): string {
	const niji = /^niji\s*(.*)$/i.exec(version)?.[1];
	return niji === undefined ? `--v ${version}` : `--niji ${niji}`.trim();
}
