import { unwrapJson } from './json';

/** In bytes. No answer of a provider comes near this size; a larger one is not read to its end. */
const LARGEST = 4_000_000;

type Stream = AsyncIterable<unknown> & { destroy(): void };

/**
 * The content of an answer: parsed if it is JSON, text otherwise. A body that was already read is returned as it is.
 *
 * @param signal ends the reading
 * @param clean applied to the text before anything else
 * @throws if the stream breaks off, or the signal is aborted
 */
export async function bodyOf(
	body: unknown,
	signal: AbortSignal,
	clean: (text: string) => string,
): Promise<{ ok: true; body: unknown } | { ok: false; words: string }> {
	if (!isStream(body)) {
		return { ok: true, body: typeof body === 'string' ? unwrapJson(clean(body)) : body };
	}
	const stop = () => body.destroy();
	signal.addEventListener('abort', stop, { once: true });
	try {
		const chunks: Uint8Array[] = [];
		let size = 0;
		for await (const chunk of body) {
			const bytes = chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
			size += bytes.length;
			// Leaving the loop ends the stream.
			if (size > LARGEST) return { ok: false, words: `It is larger than ${LARGEST / 1e6} MB` };
			chunks.push(bytes);
		}
		// An aborted stream may end like a complete one.
		signal.throwIfAborted();
		const text = Buffer.concat(chunks)
			.toString()
			.replace(/^\uFEFF/, '');
		return { ok: true, body: unwrapJson(clean(text)) };
	} finally {
		signal.removeEventListener('abort', stop);
	}
}

const isStream = (value: unknown): value is Stream =>
	typeof value === 'object' &&
	value !== null &&
	Symbol.asyncIterator in value &&
	'destroy' in value;
