import type { IDataObject, IHttpRequestOptions } from 'n8n-workflow';

import { isRecord, text } from '../../providers/json';
import type { Host } from '../n8n/host';
import { HEAD_LENGTH } from './media';

/** Files of the web, as streams. */

type Requester = Pick<Host['helpers'], 'httpRequest'>;

/** The content of a file as it arrives. */
export type FileBody = Exclude<Parameters<Host['helpers']['prepareBinaryData']>[0], Uint8Array>;

/** The answer of a file server, whatever its status. */
interface FileReply {
	status: number;
	headers: IDataObject;
	body: FileBody;
}

/**
 * Requests a file. No credential is sent, because the address may be anybody's.
 *
 * @returns undefined when the answer is no stream
 * @throws when the connection fails, or the signal is aborted
 */
export async function requestFile(
	helpers: Requester,
	request: Pick<IHttpRequestOptions, 'url' | 'headers' | 'timeout' | 'abortSignal'>,
): Promise<FileReply | undefined> {
	const reply: unknown = await helpers.httpRequest({
		...request,
		encoding: 'stream',
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
	});
	if (!isRecord(reply) || !isStream(reply.body)) return undefined;
	const headers = isRecord(reply.headers) ? reply.headers : {};
	return { status: Number(reply.statusCode), headers, body: reply.body };
}

const isStream = (value: unknown): value is FileBody =>
	typeof value === 'object' && value !== null && 'pipe' in value && 'destroy' in value;

/** How long a server may be silent, in ms: before it answers, and between two pieces of a file. */
const SILENCE_MS = 60_000;

/** Why a file was not stored. */
export interface DownloadFailure {
	/** What happened; follows a colon. */
	words: string;
	/** The HTTP status, or the error code of the system. */
	code?: string;
	/** Whether another try may succeed. */
	transient: boolean;
	/** How long the server asked to wait, in ms. */
	retryAfterMs?: number;
}

/** A file while it arrives: makes sure that it ends, and knows why it did. */
export class FileStream {
	private readonly signal: AbortSignal;

	private body?: FileBody;

	/** How many pieces have arrived. */
	private pieces = 0;

	/** How much of the file was passed on, in bytes. */
	size = 0;

	/** Why the answer was ended early, if it was. */
	private ended?: DownloadFailure;

	/** The error that broke the connection, if one did. */
	private broken: unknown;

	private readonly interrupted: Promise<never>;

	private interrupt: (error: Error) => void = () => undefined;

	constructor(
		private readonly limit: number,
		end: AbortSignal,
		cancelSignal: Host['cancelSignal'],
	) {
		this.signal = cancelSignal ? AbortSignal.any([end, cancelSignal]) : end;
		this.interrupted = new Promise((_, reject) => (this.interrupt = reject));
		// Nobody may be waiting when it rejects.
		this.interrupted.catch(() => undefined);
		const onEnd = () => this.stop(TOO_SLOW);
		if (this.signal.aborted) onEnd();
		this.signal.addEventListener('abort', onEnd, { once: true });
	}

	/** The result of the work, unless the answer has to end first. */
	async orEnded<T>(work: Promise<T>): Promise<T> {
		return await Promise.race([this.interrupted, work]);
	}

	/** Requests the file, and follows what arrives. Throws as `requestFile`, or when the answer has to end first. */
	async request(helpers: Requester, url: string): Promise<FileReply | undefined> {
		const { signal } = this;
		const reply = await this.orEnded(
			requestFile(helpers, { url, timeout: SILENCE_MS, abortSignal: signal }),
		);
		if (!reply) return undefined;
		this.body = reply.body;
		reply.body.on('error', (error) => (this.broken ??= error));
		this.listen();
		return reply;
	}

	/** The first bytes of the file; the stream then starts with them again. */
	async head(): Promise<Uint8Array> {
		const { body } = this;
		if (!body) return new Uint8Array();
		const pieces: Uint8Array[] = [];
		let length = 0;
		await new Promise<void>((resolve, reject) => {
			const read = () => {
				while (length < HEAD_LENGTH) {
					const piece: unknown = body.read();
					if (!(piece instanceof Uint8Array)) return;
					this.pieces++;
					length += piece.length;
					pieces.push(piece);
				}
				body.off('readable', read);
				// Put them back at once: a moment later, a stream that was read to its end takes nothing back.
				for (const piece of [...pieces].reverse()) body.unshift(piece);
				resolve();
			};
			body.on('readable', read);
			body.once('end', resolve);
			body.once('error', reject);
		});
		const bytes = pieces.flatMap((piece) => [...piece.subarray(0, HEAD_LENGTH)]);
		return Uint8Array.from(bytes.slice(0, HEAD_LENGTH));
	}

	/** The whole stream. It fails as soon as it has delivered more than the limit. */
	whole(): FileBody {
		const { body, limit } = this;
		if (!body) throw new Error('There is no answer yet');
		return body.map((piece: Uint8Array) => {
			this.pieces++;
			this.size += piece.length;
			if (this.size > limit) throw this.stop(tooLarge(limit));
			return piece;
		});
	}

	/** The reason for `error`. */
	why(error: unknown): DownloadFailure {
		if (this.ended) return this.ended;
		const { code, message } = seen(error);
		if (!this.body) {
			return { words: `the file server cannot be reached (${message})`, code, transient: true };
		}
		return error === this.broken || BROKEN_OFF_CODES.has(code ?? '')
			? { words: 'the connection to the file server broke off', code, transient: true }
			: { words: `n8n could not store it (${message})`, code, transient: false };
	}

	/** Closes the connection, if it is still open. */
	close(): void {
		this.body?.destroy();
	}

	/** Ends an answer that falls silent. */
	private listen(heard = this.pieces): void {
		const pause = AbortSignal.timeout(SILENCE_MS);
		const check = () => {
			if (this.body?.destroyed) return;
			if (this.pieces === heard) this.stop(SILENT);
			else this.listen(this.pieces);
		};
		pause.addEventListener('abort', check, { once: true });
	}

	/** Ends the answer early, with the error that it returns. */
	private stop(why: DownloadFailure): Error {
		this.ended ??= why;
		const error = new Error(why.words);
		this.interrupt(error);
		this.body?.destroy(error);
		return error;
	}
}

const SILENT: DownloadFailure = { words: 'the file server stopped sending', transient: true };
const TOO_SLOW: DownloadFailure = { words: 'the file server took too long', transient: true };

/** The failure of a file with more bytes than this. */
export const tooLarge = (limit: number): DownloadFailure => ({
	words: `the file is larger than ${limit / 1e6} MB, the limit set in Options (Largest Download)`,
	transient: false,
});

/** Error codes of a connection, even if n8n has wrapped the error. */
const BROKEN_OFF_CODES: ReadonlySet<string> = new Set([
	'ECONNRESET',
	'ECONNABORTED',
	'EPIPE',
	'ETIMEDOUT',
	'ERR_CANCELED',
	'ERR_STREAM_PREMATURE_CLOSE',
]);

/** The code and message of an error. Paths of this machine, which the system names after a comma, are cut off. */
function seen(error: unknown): { code?: string; message: string } {
	const { code, message } = isRecord(error) ? error : { code: undefined, message: error };
	const words = text(message) ?? 'no reason was given';
	return { code: text(code), message: text(code) ? (words.split(',')[0] ?? words) : words };
}
