import { failed, success, type Result, type Failure } from '../providers/http';
import { isRecord } from '../providers/json';
import type { Size } from '../providers/provider';
import type { Host } from './host';
import { imageSize } from './imageHeader';

/** The most that is read of a file, in bytes: enough for the profiles and previews that cameras put before the size. */
const MOST_BYTES = 256 * 1024;

/** The time limit for silence, and for the whole read, in ms. */
const TIMEOUT_MS = 20_000;

/** Finds the size of an image on the web, in px. */
export type SizeOf = (url: string) => Promise<Result<Size>>;

/**
 * Makes a reader of image sizes, which reads the beginning of the file. It sends no credential, because the address may
 * be anybody's. The reader never throws.
 */
export const sizeReader =
	({ helpers, cancelSignal }: Host): SizeOf =>
	async (url) => {
		if (!URL.canParse(url)) return notRead('its address is not a URL');
		const { host } = new URL(url);
		try {
			const reply: unknown = await helpers.httpRequest({
				url,
				headers: {
					accept: 'image/png, image/jpeg, image/webp',
					range: `bytes=0-${MOST_BYTES - 1}`,
				},
				encoding: 'stream',
				returnFullResponse: true,
				ignoreHttpStatusErrors: true,
				timeout: TIMEOUT_MS,
				abortSignal: cancelSignal,
			});
			if (!isRecord(reply) || !isStream(reply.body)) return notRead(`${host} sends no file`);
			const status = Number(reply.statusCode);
			if (status !== 200 && status !== 206) {
				reply.body.destroy();
				return notRead(`${host} answers ${status}`, status === 429 || status >= 500);
			}
			const size = imageSize(await beginningOf(reply.body));
			return size ? success(size) : notRead(`${host} sends no PNG, JPEG or WebP image`);
		} catch {
			return notRead(`the connection to ${host} broke off`, true);
		}
	};

/** The beginning of a file, until it contains the size or enough was read. Leaving the loop ends the stream. */
export async function beginningOf(stream: Stream): Promise<Uint8Array> {
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

export interface Stream extends AsyncIterable<unknown> {
	destroy(): unknown;
}

export const isStream = (value: unknown): value is Stream =>
	typeof value === 'object' &&
	value !== null &&
	Symbol.asyncIterator in value &&
	'destroy' in value;

const notRead = (message: string, transient = false): { ok: false; failure: Failure } =>
	failed({ reason: 'unknownSize', message, accepted: 'no', transient });
