import { refused, success, type Failed, type Result } from '../../providers/http';
import type { Size } from '../../providers/provider';
import type { Host } from '../n8n/host';
import { requestFile, type FileBody } from './fileStream';

/** The most that is read of a file, in bytes: enough for the profiles and previews that cameras put before the size. */
const MOST_BYTES = 256 * 1024;

/** The time limit for silence, and for the whole read, in ms. */
const TIMEOUT_MS = 20_000;

/** Finds the size of an image on the web, in px. */
export type SizeOf = (url: string) => Promise<Result<Size>>;

/** Makes a reader of image sizes, which reads the beginning of the file. The reader never throws. */
export const sizeReader =
	({ helpers, cancelSignal }: Host): SizeOf =>
	async (url) => {
		if (!URL.canParse(url)) return sizeUnknown('its address is not a URL');
		const { host } = new URL(url);
		try {
			const reply = await requestFile(helpers, {
				url,
				headers: {
					accept: 'image/png, image/jpeg, image/webp',
					range: `bytes=0-${MOST_BYTES - 1}`,
				},
				timeout: TIMEOUT_MS,
				abortSignal: cancelSignal,
			});
			if (!reply) return sizeUnknown(`${host} sends no file`);
			const { status, body } = reply;
			if (status !== 200 && status !== 206) {
				body.destroy();
				return sizeUnknown(`${host} answers ${status}`, status === 429 || status >= 500);
			}
			const size = imageSize(await beginningOf(body));
			return size ? success(size) : sizeUnknown(`${host} sends no PNG, JPEG or WebP image`);
		} catch {
			return sizeUnknown(`the connection to ${host} broke off`, true);
		}
	};

/** The beginning of a file, until it contains the size or enough was read. Leaving the loop ends the stream. */
export async function beginningOf(stream: FileBody): Promise<Uint8Array> {
	const bytes = new Uint8Array(MOST_BYTES);
	const until = Date.now() + TIMEOUT_MS;
	let filled = 0;
	for await (const chunk of stream) {
		if (!(chunk instanceof Uint8Array)) break;
		const part = chunk.subarray(0, MOST_BYTES - filled);
		bytes.set(part, filled);
		filled += part.length;
		const enough = filled === MOST_BYTES || Date.now() > until;
		if (enough || imageSize(bytes.subarray(0, filled))) break;
	}
	stream.destroy();
	return bytes.subarray(0, filled);
}

/** The failure of an image whose size cannot be found. */
export const sizeUnknown = (message: string, transient = false): Failed =>
	refused('unknownSize', { message, transient });

/**
 * The size of an image, in px, in the beginning of its file.
 *
 * @returns undefined when it is not a PNG, JPEG or WebP, or when its size comes later in the file
 */
export function imageSize(bytes: Uint8Array): Size | undefined {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const size = png(view) ?? jpeg(view) ?? webp(view);
	return size && size.width > 0 && size.height > 0 ? size : undefined;
}

const holds = (view: DataView, at: number, word: string): boolean =>
	at + word.length <= view.byteLength &&
	[...word].every((letter, position) => view.getUint8(at + position) === letter.charCodeAt(0));

function png(view: DataView): Size | undefined {
	if (!holds(view, 0, '\x89PNG\r\n\x1a\n') || !holds(view, 12, 'IHDR') || view.byteLength < 24) {
		return undefined;
	}
	return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Whether a marker starts a frame, of any kind; C4, C8 and CC mean something else. */
const isFrame = (marker: number): boolean =>
	marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

function jpeg(view: DataView): Size | undefined {
	if (!holds(view, 0, '\xff\xd8')) return undefined;
	let at = 2;
	while (at + 9 <= view.byteLength) {
		if (view.getUint8(at) !== 0xff) return undefined;
		const marker = view.getUint8(at + 1);
		if (isFrame(marker)) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
		// More than one FF may precede a marker. Some markers stand alone, without a length.
		if (marker === 0xff) at += 1;
		else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
		else if (marker === 0xd9 || marker === 0xda) return undefined;
		else at += 2 + Math.max(2, view.getUint16(at + 2));
	}
	return undefined;
}

function webp(view: DataView): Size | undefined {
	if (!holds(view, 0, 'RIFF') || !holds(view, 8, 'WEBP') || view.byteLength < 30) return undefined;
	if (holds(view, 12, 'VP8X')) {
		const side = (at: number) => 1 + view.getUint16(at, true) + view.getUint8(at + 2) * 65_536;
		return { width: side(24), height: side(27) };
	}
	if (holds(view, 12, 'VP8L') && view.getUint8(20) === 0x2f) {
		const bits = view.getUint32(21, true);
		return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
	}
	if (holds(view, 12, 'VP8 ') && holds(view, 23, '\x9d\x01\x2a')) {
		return {
			width: view.getUint16(26, true) & 0x3fff,
			height: view.getUint16(28, true) & 0x3fff,
		};
	}
	return undefined;
}
