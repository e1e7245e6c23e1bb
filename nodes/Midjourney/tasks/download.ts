import type { IBinaryData } from 'n8n-workflow';

import { retryAfterMs } from '../providers/http';
import { isRecord, text } from '../providers/json';
import type { Output, Task } from '../providers/task';
import { backoff, type ExecutionClock } from './clock';
import type { Host } from './host';
import { Limiter } from './wait/limiter';
import { fileNameOf, HEAD_LENGTH, mediaOf } from './media';

/** How many files are downloaded at once. */
const IN_FLIGHT = 3;

/** How often a download that fails for a transient reason is tried. */
const ATTEMPTS = 4;

/** The longest pause between two tries, in ms, even if the server asks for more. */
const LONGEST_PAUSE_MS = 60_000;

/** How long a server may be silent, in ms: before it answers, and between two pieces of a file. */
const SILENCE_MS = 60_000;

/** How long one file may take, with all tries, in ms. */
const FILE_MS = 300_000;

/**
 * How long all files of a run may take together, in ms, or the file that may take longest, if that is more. Every file
 * that arrives adds time.
 */
const ALL_FILES_MS = 1_800_000;

/** No download is started with less time than this left for all files, in ms. */
const TOO_SHORT_MS = 5_000;

/**
 * The slowest rate that is allowed for, in bytes per ms. A file that may be too large for its time gets the time that
 * it takes at this rate. Every file that has arrived adds its time at this rate to that of all files.
 */
const SLOWEST_RATE = 350;

/** After this many files in a row that a server failed to deliver, the rest of its files are not requested. */
const HOPELESS_AFTER = 3;

type Body = Exclude<Parameters<Host['helpers']['prepareBinaryData']>[0], Uint8Array>;

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

/** The result of one file. */
export type Stored = { ok: true; value: IBinaryData } | { ok: false; failure: DownloadFailure };

const failed = (failure: DownloadFailure): Stored => ({ ok: false, failure });

/**
 * Downloads the files of tasks into n8n, a few at a time and streamed: no file is held in memory as a whole, unless n8n
 * itself keeps binary data there. A download that fails for a transient reason is tried again; that costs nothing.
 * Whatever a server does, each file has a time limit, and so have all files of a run together. A server that delivers
 * nothing is soon given up on, however many files it has.
 */
export class Downloads {
	private readonly limiter: Limiter;

	/** How many files in a row each server has failed to deliver. */
	private readonly misses = new Map<string, number>();

	/** When the first download started, in Unix ms. */
	private startedAt?: number;

	/** The time that the files that have arrived add for the others, in ms. */
	private earnedMs = 0;

	constructor(
		private readonly host: Pick<Host, 'helpers' | 'cancelSignal'>,
		private readonly clock: ExecutionClock,
	) {
		this.limiter = new Limiter(IN_FLIGHT, clock);
	}

	/**
	 * Downloads all outputs of a task.
	 *
	 * @param limit the largest size of a file, in bytes
	 * @returns for each output what n8n has stored, or why it has stored nothing
	 * @throws when the execution is cancelled
	 */
	async of(task: Task, limit: number): Promise<Array<{ output: Output; stored: Stored }>> {
		return await Promise.all(
			task.outputs.map(async (output) => ({
				output,
				stored: await this.limiter.run(async () => await this.bring(task, output, limit)),
			})),
		);
	}

	private async bring(task: Task, output: Output, limit: number): Promise<Stored> {
		const server = serverOf(output.url);
		if (server === undefined) return failed(NO_ADDRESS);
		if (this.hasGivenUp(server)) return failed(SERVER_GIVEN_UP);
		const leftMs = this.leftFor(limit);
		if (leftMs < TOO_SHORT_MS) return failed(OUT_OF_TIME);
		const stored = await this.withRetries(task, output, { limit, server, leftMs });
		// A file that is gone says nothing about the others.
		const missed = !stored.ok && stored.failure.transient;
		this.misses.set(server, missed ? (this.misses.get(server) ?? 0) + 1 : 0);
		return stored;
	}

	private hasGivenUp(server: string): boolean {
		return (this.misses.get(server) ?? 0) >= HOPELESS_AFTER;
	}

	/** How much of the time for all files is left, in ms. */
	private leftFor(limit: number): number {
		const now = this.clock.now();
		this.startedAt ??= now;
		return this.startedAt + Math.max(ALL_FILES_MS, fileMs(limit)) + this.earnedMs - now;
	}

	private async withRetries(
		task: Task,
		output: Output,
		{ limit, server, leftMs }: { limit: number; server: string; leftMs: number },
	): Promise<Stored> {
		const { clock } = this;
		const end = AbortSignal.timeout(Math.ceil(Math.min(fileMs(limit), leftMs)));
		for (let attempt = 1; ; attempt++) {
			const stored = await clock.orCancelled(
				async () => await this.fetch(task, output, limit, end),
			);
			if (stored.ok || !stored.failure.transient || attempt === ATTEMPTS) return stored;
			const { retryAfterMs: asked } = stored.failure;
			if (!end.aborted && !this.hasGivenUp(server)) {
				await clock.sleep(Math.min(asked ?? backoff(attempt, clock), LONGEST_PAUSE_MS));
			}
			if (end.aborted || this.hasGivenUp(server)) return stored;
		}
	}

	private async fetch(
		{ taskId }: Task,
		{ url, index }: Output,
		limit: number,
		end: AbortSignal,
	): Promise<Stored> {
		const stream = new Watched(limit, end, this.host.cancelSignal);
		try {
			const reply: unknown = await stream.orEnded(
				this.host.helpers.httpRequest({
					url,
					encoding: 'stream',
					returnFullResponse: true,
					ignoreHttpStatusErrors: true,
					timeout: SILENCE_MS,
					abortSignal: stream.signal,
				}),
			);
			if (!isRecord(reply) || !isStream(reply.body)) return failed(NOT_A_FILE);
			stream.open(reply.body);
			const headers = isRecord(reply.headers) ? reply.headers : {};
			const status = Number(reply.statusCode);
			if (status !== 200) return failed(refusal(status, retryAfterMs(headers['retry-after'])));
			if (Number(text(headers['content-length']) ?? 0) > limit) return failed(tooLarge(limit));
			const head = await stream.orEnded(stream.head());
			const media = mediaOf(head);
			if (!media) return failed(head.length === 0 ? EMPTY : NOT_A_FILE);
			const storing = this.host.helpers.prepareBinaryData(
				stream.whole(),
				fileNameOf(taskId, index, media),
				media.mimeType,
			);
			const value = await stream.orEnded(storing);
			this.earnedMs += stream.size / SLOWEST_RATE;
			return { ok: true, value };
		} catch (error) {
			return failed(stream.why(error));
		} finally {
			stream.close();
		}
	}
}

/** The answer of a file server while it arrives: makes sure that it ends, and knows why it did. */
class Watched {
	/** For the request. */
	readonly signal: AbortSignal;

	private body?: Body;

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

	/** Starts to follow the body of the answer. */
	open(body: Body): void {
		this.body = body;
		body.on('error', (error) => (this.broken ??= error));
		this.listen();
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
	whole(): Body {
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

	/**
	 * Ends the answer early.
	 *
	 * @returns the error with which it ends
	 */
	private stop(why: DownloadFailure): Error {
		this.ended ??= why;
		const error = new Error(why.words);
		this.interrupt(error);
		this.body?.destroy(error);
		return error;
	}
}

const NO_ADDRESS: DownloadFailure = {
	words: 'its link is not a web address (https://…)',
	transient: false,
};
const NOT_A_FILE: DownloadFailure = {
	words: 'the link does not lead to an image or a video',
	transient: false,
};
const EMPTY: DownloadFailure = { words: 'the file is empty', transient: false };
const SILENT: DownloadFailure = { words: 'the file server stopped sending', transient: true };
const TOO_SLOW: DownloadFailure = { words: 'the file server took too long', transient: true };
const SERVER_GIVEN_UP: DownloadFailure = {
	words: 'not tried, because the file server did not deliver the files before it',
	transient: true,
};
const OUT_OF_TIME: DownloadFailure = {
	words: 'not tried, because the files of this run have taken too long together',
	transient: true,
};

/** How long a file of up to this size may take, with all tries, in ms. */
const fileMs = (limit: number): number => Math.max(FILE_MS, limit / SLOWEST_RATE);

const tooLarge = (limit: number): DownloadFailure => ({
	words: `the file is larger than ${limit / 1e6} MB, the limit set in Options (Largest Download)`,
	transient: false,
});

function refusal(status: number, pauseMs: number | undefined): DownloadFailure {
	const code = String(status);
	if (status === 429 || status >= 500) {
		const words = `the file server could not deliver it (${code})`;
		return { words, code, transient: true, retryAfterMs: pauseMs };
	}
	const gone = status === 404 || status === 410;
	const words = gone ? 'the file is not there' : 'the file server refuses to deliver it';
	return { words: `${words} (${code})`, code, transient: false };
}

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

/** Host and port; undefined if this is not an absolute web address. */
function serverOf(url: string): string | undefined {
	if (!URL.canParse(url)) return undefined;
	const { protocol, host } = new URL(url);
	return protocol === 'http:' || protocol === 'https:' ? host : undefined;
}

const isStream = (value: unknown): value is Body =>
	typeof value === 'object' && value !== null && 'pipe' in value && 'destroy' in value;
