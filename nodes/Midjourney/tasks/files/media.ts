/** The type of a file, told by its first bytes: what a server says, or the file name, may be wrong. */
export interface Media {
	mimeType: string;
	/** Without the dot. */
	extension: string;
}

/** The number of bytes that are enough to tell the type. */
export const HEAD_LENGTH = 16;

const media = (mimeType: string, extension: string): Media => ({ mimeType, extension });

const MP4 = media('video/mp4', 'mp4');

/** The four letters after `ftyp`, where they mean something other than MP4. */
const BRANDS: Record<string, Media> = {
	'qt  ': media('video/quicktime', 'mov'),
	avif: media('image/avif', 'avif'),
	heic: media('image/heic', 'heic'),
	heix: media('image/heic', 'heic'),
	mif1: media('image/heif', 'heif'),
};

/** The type of a file, by its first `HEAD_LENGTH` bytes; undefined when it is neither an image nor a video. */
export function mediaOf(head: Uint8Array): Media | undefined {
	const letters = String.fromCharCode(...head.subarray(0, HEAD_LENGTH));
	if (letters.startsWith('\x89PNG\r\n\x1a\n')) return media('image/png', 'png');
	if (letters.startsWith('\xff\xd8\xff')) return media('image/jpeg', 'jpeg');
	if (/^RIFF[^]{4}WEBP/.test(letters)) return media('image/webp', 'webp');
	if (/^GIF8[79]a/.test(letters)) return media('image/gif', 'gif');
	if (letters.startsWith('\x1aE\xdf\xa3')) return media('video/webm', 'webm');
	if (letters.slice(4, 8) === 'ftyp') return BRANDS[letters.slice(8, 12)] ?? MP4;
	return undefined;
}

/** The longest task id in a file name, in characters. */
const LONGEST_NAME = 100;

/**
 * The name under which n8n is to store a file: `taskId_index.extension`. The id comes from outside, so it is cleaned:
 * no part of it can be taken for a folder.
 */
export function fileNameOf(taskId: string, index: number, { extension }: Media): string {
	const clean = taskId
		.replace(/[^A-Za-z0-9._-]/g, '_')
		.replace(/^\.+/, '')
		.slice(0, LONGEST_NAME);
	return `${clean || 'task'}_${index}.${extension}`;
}
