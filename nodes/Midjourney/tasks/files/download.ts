import type { IBinaryData } from 'n8n-workflow';

import { retryAfterMs } from '../../providers/http';
import { isHttpUrl, text } from '../../providers/json';
import type { Output, Task } from '../../providers/task';
import { backoff, type ExecutionClock } from '../n8n/clock';
import type { Host } from '../n8n/host';
import { Limiter } from '../wait/limiter';
import { FileStream, tooLarge, type DownloadFailure } from './fileStream';
import { fileNameOf, mediaOf } from './media';

/** How many files are downloaded at once. */
const IN_FLIGHT = 3;

/** How often a download that fails for a transient reason is tried. */
const ATTEMPTS = 4;

/** The longest pause between two tries, in ms, even if the server asks for more. */
const LONGEST_PAUSE_MS = 60_000;

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

/** The result of one file. */
export type Stored = { ok: true; value: IBinaryData } | { ok: false; failure: DownloadFailure };

const failed = (failure: DownloadFailure): Stored => ({ ok: false, failure });

/**
 * Downloads the files of tasks into n8n, a few at a time and streamed: no file is held in memory as a whole, unless n8n
 * itself keeps binary data there. A transient failure is tried again, within a time limit for each file and one for all
 * of them. A server that delivers nothing is soon given up on, however many files it has.
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
		if (!isHttpUrl(output.url)) return failed(NO_ADDRESS);
		const server = new URL(output.url).host;
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
		const stream = new FileStream(limit, end, this.host.cancelSignal);
		try {
			const reply = await stream.request(this.host.helpers, url);
			if (!reply) return failed(NOT_A_FILE);
			const { status, headers } = reply;
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

const NO_ADDRESS: DownloadFailure = {
	words: 'its link is not a web address (https://…)',
	transient: false,
};
const NOT_A_FILE: DownloadFailure = {
	words: 'the link does not lead to an image or a video',
	transient: false,
};
const EMPTY: DownloadFailure = { words: 'the file is empty', transient: false };
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
