/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- the emulator is a server of its own, not a node */
import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from './clock';
import type { Answer, Call } from './faults';
import type { Ledger } from './ledger';
import { drawPicture } from './pictures';
import { hasSucceeded, type Task, type TaskStore } from './tasks';

/** How long a signed URL of download-url is valid (wire.md: MidAPI download links). */
const SIGNED_FOR_MS = 20 * 60 * 1000;

const CONTENT_TYPE = { png: 'image/png', mp4: 'video/mp4' };

/** The result files: their URLs, and their content, which is made at the first download. */
export class Files {
	private readonly secret = randomBytes(32);
	private readonly contents = new Map<string, Promise<Buffer>>();

	constructor(
		private readonly baseUrl: () => string,
		private readonly tasks: TaskStore,
		private readonly clock: Clock,
		private readonly ledger: Ledger,
	) {}

	/** The URLs of all outputs of a task that succeeded; of any other task none. */
	resultUrlsOf(task: Task): string[] {
		if (!hasSucceeded(task)) return [];
		return Array.from(
			{ length: task.outputs },
			(_, index) => `${this.baseUrl()}/files/${task.id}_${index}.${task.media}`,
		);
	}

	/** The output whose file is at this URL; undefined for a URL that is not ours. */
	at(resultUrl: string): { task: Task; index: number } | undefined {
		const prefix = `${this.baseUrl()}/files/`;
		return resultUrl.startsWith(prefix) ? this.find(resultUrl.slice(prefix.length)) : undefined;
	}

	/** A URL that serves the file of a result URL for 20 minutes; undefined for any URL that is not ours. */
	sign(resultUrl: string): string | undefined {
		if (!this.at(resultUrl)) return undefined;
		const name = resultUrl.slice(`${this.baseUrl()}/files/`.length);
		const expires = this.clock.now() + SIGNED_FOR_MS;
		const sig = this.signatureOf(name, expires);
		return `${this.baseUrl()}/signed/${name}?expires=${expires}&sig=${sig}`;
	}

	/** Serves /files/… and /signed/…; undefined for any other call. */
	async answer(call: Call): Promise<Answer | undefined> {
		const [, place, name] = /^\/(files|signed)\/([^/]+)$/.exec(call.path) ?? [];
		if (name === undefined || !['GET', 'HEAD'].includes(call.method)) return undefined;
		const signed = place === 'signed';
		if (signed && !this.isSigned(name, call.query)) {
			return { status: 403, body: 'The signature does not fit or has expired.' };
		}
		const file = this.find(name);
		if (!file) return { status: 404, body: 'No such file.' };

		const { task, index } = file;
		let content = this.contents.get(name);
		if (!content) {
			content = task.media === 'mp4' ? video() : drawPicture(task, index);
			this.contents.set(name, content);
		}
		const body = await content;
		if (call.method === 'GET') {
			this.ledger.downloads.push({ taskId: task.id, index, signed, at: this.clock.now() });
		}
		return { status: 200, headers: { 'content-type': CONTENT_TYPE[task.media] }, body };
	}

	private find(name: string): { task: Task; index: number } | undefined {
		const [, id = '', index = '', type] = /^(\w+)_(\d+)\.(\w+)$/.exec(name) ?? [];
		const task = this.tasks.get(id);
		if (!task || !hasSucceeded(task) || task.media !== type) return undefined;
		return Number(index) < task.outputs ? { task, index: Number(index) } : undefined;
	}

	private signatureOf(name: string, expires: number | string): string {
		return createHmac('sha256', this.secret).update(`${name}.${expires}`).digest('hex');
	}

	private isSigned(name: string, { expires = '', sig = '' }: Call['query']): boolean {
		return sig === this.signatureOf(name, expires) && this.clock.now() < Number(expires);
	}
}

async function video(): Promise<Buffer> {
	return await readFile(join(__dirname, 'assets', 'video.mp4'));
}
