import type { IBinaryData } from 'n8n-workflow';

import { failed, success, type Answer, type Failure } from '../providers/http';
import { isRecord, text } from '../providers/json';
import type { Output, Task } from '../providers/Task';
import type { ExecutionClock } from './clock';
import { Limiter } from './wait/limiter';
import type { Host } from './host';
import { patiently } from './retry';

/** How many files are under way at once. */
const IN_FLIGHT = 3;

/** Until the server begins to answer, in ms. */
const TIMEOUT_MS = 60_000;

const EXTENSIONS: Record<string, string> = {
	'image/png': 'png',
	'image/jpeg': 'jpeg',
	'image/webp': 'webp',
	'image/gif': 'gif',
	'video/mp4': 'mp4',
	'video/webm': 'webm',
	'video/quicktime': 'mov',
};

type Body = Exclude<Parameters<Host['helpers']['prepareBinaryData']>[0], Uint8Array>;

/**
 * Brings the files of tasks into n8n, a few at a time, streamed: no file is ever held in memory whole, unless n8n itself
 * keeps binary data there. A download that fails for a passing reason is tried again; it costs nothing.
 */
export class Downloads {
	private readonly limiter: Limiter;

	constructor(
		private readonly host: Host,
		private readonly clock: ExecutionClock,
	) {
		this.limiter = new Limiter(IN_FLIGHT, clock);
	}

	/**
	 * @param limit no file is larger, in bytes
	 * @returns for each output what came of it: stored by n8n, or why not
	 */
	async of(
		task: Task,
		limit: number,
	): Promise<Array<{ output: Output; stored: Answer<IBinaryData> }>> {
		return await Promise.all(
			task.outputs.map(async (output) => ({
				output,
				stored: await this.limiter.run(
					async () =>
						await patiently(this.clock, async () => await this.fetch(task, output, limit)),
				),
			})),
		);
	}

	private async fetch(task: Task, output: Output, limit: number): Promise<Answer<IBinaryData>> {
		try {
			const reply: unknown = await this.host.helpers.httpRequest({
				url: output.url,
				encoding: 'stream',
				returnFullResponse: true,
				ignoreHttpStatusErrors: true,
				timeout: TIMEOUT_MS,
				abortSignal: this.host.cancelSignal,
			});
			if (!isRecord(reply) || !isStream(reply.body)) return failed(NOT_A_FILE);
			const status = Number(reply.statusCode);
			const headers = isRecord(reply.headers) ? reply.headers : {};
			const type = text(headers['content-type'])?.split(';')[0]?.trim() ?? '';
			const length = Number(text(headers['content-length']) ?? 0);
			const refusal = status !== 200 ? gone(status) : length > limit ? tooLarge(limit) : undefined;
			if (refusal ?? /^text\/|json/.test(type)) {
				reply.body.destroy();
				return failed(refusal ?? NOT_A_FILE);
			}
			const stored = await this.host.helpers.prepareBinaryData(
				bounded(reply.body, limit),
				`${task.taskId}_${output.index}.${extension(output, type)}`,
				type in EXTENSIONS ? type : undefined,
			);
			return success(stored);
		} catch (error) {
			const over = error instanceof Error && error.message === TOO_LARGE;
			return failed(over ? tooLarge(limit) : BROKEN_OFF);
		}
	}
}

const TOO_LARGE = 'The file is larger than the limit';
const NOT_A_FILE: Failure = {
	reason: 'unreadable',
	words: 'The link leads to no image or video',
	taken: 'no',
	passing: false,
};
const BROKEN_OFF: Failure = { reason: 'connectionLost', taken: 'no', passing: true };

const tooLarge = (limit: number): Failure => ({
	reason: 'invalidRequest',
	words: `The file is larger than ${limit / 1e6} MB, the limit set in Options`,
	taken: 'no',
	passing: false,
});

const gone = (status: number): Failure => ({
	reason: status === 429 ? 'rateLimited' : status >= 500 ? 'serverError' : 'notFound',
	code: String(status),
	taken: 'no',
	passing: status === 429 || status >= 500,
});

const isStream = (value: unknown): value is Body =>
	typeof value === 'object' && value !== null && 'pipe' in value && 'destroy' in value;

/** The same stream, ended by an error as soon as it has given more than `limit` bytes. */
function bounded(stream: Body, limit: number): Body {
	let size = 0;
	return stream.map((chunk: Uint8Array) => {
		size += chunk.length;
		if (size > limit) throw new Error(TOO_LARGE);
		return chunk;
	});
}

function extension(output: Output, type: string): string {
	const named = /\.(png|jpe?g|webp|gif|mp4|webm|mov)(?:\?|$)/i.exec(output.url)?.[1];
	return EXTENSIONS[type] ?? named?.toLowerCase() ?? (output.type === 'video' ? 'mp4' : 'png');
}
