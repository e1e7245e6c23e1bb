import type { Clock } from './clock';
import type { Call } from './faults';
import { isJsonObject, isString } from './json';
import type { Ledger } from './ledger';
import { digestOf } from './uploads';

const FIRST_BYTES = ['\x89PNG\r\n\x1a\n', '\xff\xd8\xff', 'RIFF', 'GIF8'];
const CALLBACKS = new Set(['callBackUrl', 'callback']);
const SUBMITS = ['/api/v1/mj/', '/model/v1/generation'];

/**
 * Fetches the images that a submit names, as a provider does, and has the submit refused for what it cannot fetch or what
 * is no image. Only this machine is asked; whatever stands elsewhere cannot be fetched.
 */
export class Images {
	private readonly problems = new WeakMap<Call, string>();

	constructor(
		private readonly isOn: boolean,
		private readonly clock: Clock,
		private readonly ledger: Ledger,
	) {}

	/** To be called before the provider answers. */
	async look(call: Call): Promise<void> {
		const isSubmit = call.method === 'POST' && SUBMITS.some((path) => call.path.startsWith(path));
		if (!this.isOn || !isSubmit) return;
		for (const url of urlsIn(call.body)) {
			const problem = await this.fetch(url);
			if (problem !== undefined) return void this.problems.set(call, problem);
		}
	}

	/** Why a submit must be refused; undefined when all its images could be fetched, or nobody has looked. */
	problemOf(call: Call): string | undefined {
		return this.problems.get(call);
	}

	private async fetch(url: string): Promise<string | undefined> {
		const { origin, pathname, hostname } = new URL(url);
		const shown = origin + pathname;
		const note = (status: number, body: Buffer) =>
			this.ledger.images.push({ url: shown, status, ...digestOf(body), at: this.clock.now() });
		if (hostname !== '127.0.0.1') {
			note(0, Buffer.alloc(0));
			return `the image at ${shown} cannot be fetched`;
		}
		try {
			const answer = await fetch(url);
			const body = Buffer.from(await answer.arrayBuffer());
			note(answer.status, body);
			if (!answer.ok) return `the image at ${shown} cannot be fetched (${answer.status})`;
			const head = body.toString('latin1', 0, 16);
			return FIRST_BYTES.some((magic) => head.startsWith(magic))
				? undefined
				: `what is at ${shown} is no image`;
		} catch {
			note(0, Buffer.alloc(0));
			return `the image at ${shown} cannot be fetched`;
		}
	}
}

/** All addresses that a body names, in prompts, too, but those to call back. */
function urlsIn(value: unknown): string[] {
	if (isString(value)) return value.match(/https?:\/\/[^\s,]+/g) ?? [];
	if (Array.isArray(value)) return value.flatMap(urlsIn);
	if (!isJsonObject(value)) return [];
	return Object.entries(value).flatMap(([name, inner]) =>
		CALLBACKS.has(name) ? [] : urlsIn(inner),
	);
}
