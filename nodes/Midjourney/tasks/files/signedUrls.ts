import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';

import type { Settings } from '../settings';
import { unreachableBecause } from '../submit/reach';
import type { Limiter } from '../wait/limiter';
import { requestFile } from './fileStream';
import { beginningOf } from './imageSize';
import { HEAD_LENGTH } from './media';

/** How long n8n may take to answer its own request, in ms. */
const SELF_TEST_MS = 5_000;

/** Where n8n keeps the files of a trigger until their execution has an id. */
const BEFORE_EXECUTION = '/temp/';

/** The longest life of a signed URL, in s. */
const LONGEST_LIFE_S = 24 * 3600;

/** The helpers of n8n that make an address for a file, and try it. */
export type SigningHelpers = Pick<
	IExecuteFunctions['helpers'],
	'createBinarySignedUrl' | 'getBinaryStream' | 'httpRequest' | 'prepareBinaryData'
>;

/** What it needs. */
interface SignedUrlDeps {
	helpers: SigningHelpers;
	/** Shared by all that reads and sends files. */
	limiter: Limiter;
	/** The base URL of the provider that is to fetch the files. */
	fetchedFrom?: string;
}

/** Whether n8n's own address serves a file; `unknown`: this cannot be found out from here. */
export type SelfTest = 'served' | 'unknown' | { refused: string };

/** URLs under which n8n serves the files of one run to anyone who has them. */
export class SignedUrls {
	private readonly tested = new Map<string, Promise<SelfTest>>();

	private readonly copied = new Map<string, Promise<IBinaryData>>();

	constructor(private readonly deps: SignedUrlDeps) {}

	/** The URL of a file, or why there is none that the provider could call. Never rejects. */
	async of(
		binary: IBinaryData,
		settings: Settings,
	): Promise<{ url: string } | { problem: string }> {
		const { helpers, fetchedFrom = '' } = this.deps;
		if (binary.id === undefined) return { problem: 'this n8n keeps binary data in memory' };
		try {
			const life = `${lifeOf(settings)}s`;
			const url = helpers.createBinarySignedUrl(binary, life);
			const problem = unreachableBecause(url, fetchedFrom);
			if (problem !== undefined) return { problem };
			const kept = await this.lasting(binary);
			return { url: kept === binary ? url : helpers.createBinarySignedUrl(kept, life) };
		} catch {
			return { problem: 'this n8n cannot make an address for the file' };
		}
	}

	/**
	 * Whether the URL leads to the file. Tested once for each address of this n8n: a proxy may block requests for its files.
	 *
	 * @param head how the file begins
	 */
	async isServed(url: string, head: Uint8Array): Promise<SelfTest> {
		const { origin } = new URL(url);
		const tested = this.tested.get(origin) ?? this.ask(url, head);
		this.tested.set(origin, tested);
		return await tested;
	}

	/**
	 * The file, or a copy that stays in place. n8n moves the files of a form or a webhook when it first saves the execution,
	 * which for a parked one is before the submit. Which files it moves depends on its version. It does not move a copy.
	 */
	private async lasting(binary: IBinaryData): Promise<IBinaryData> {
		const { id = '', fileName, mimeType } = binary;
		if (!id.includes(BEFORE_EXECUTION)) return binary;
		const { helpers, limiter } = this.deps;
		const copied =
			this.copied.get(id) ??
			limiter.run(
				async () =>
					await helpers.prepareBinaryData(await helpers.getBinaryStream(id), fileName, mimeType),
			);
		this.copied.set(id, copied);
		return await copied;
	}

	private async ask(url: string, head: Uint8Array): Promise<SelfTest> {
		const { host } = new URL(url);
		try {
			const reply = await requestFile(this.deps.helpers, {
				url,
				headers: { range: `bytes=0-${HEAD_LENGTH - 1}` },
				timeout: SELF_TEST_MS,
				abortSignal: AbortSignal.timeout(SELF_TEST_MS),
			});
			if (!reply) return 'unknown';
			const { status } = reply;
			const served = await beginningOf(reply.body);
			if (status !== 200 && status !== 206) {
				return { refused: `${host} answers ${status} to a request for it` };
			}
			return head.every((byte, at) => served[at] === byte)
				? 'served'
				: { refused: `${host} answers a request for it with something else` };
		} catch {
			// An address that works from outside need not work from inside.
			return 'unknown';
		}
	}
}

/** The life of a signed URL, in s. A task may wait before its submit, and then at the provider. */
function lifeOf({ waitMode, timeLimitMs }: Settings): number {
	const life = (2 * timeLimitMs) / 1000 + 3600;
	return waitMode === 'dontWait' ? LONGEST_LIFE_S : Math.min(Math.ceil(life), LONGEST_LIFE_S);
}
