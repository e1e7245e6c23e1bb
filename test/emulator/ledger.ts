import type { JsonObject } from './json';
import { parseUrl } from './json';
import type { OddCallback } from './callbacks';
import type { Kind, ProviderName } from './kinds';

/** A submit that was accepted and paid. */
export interface Submit {
	readonly provider: ProviderName;
	readonly taskId: string;
	/** The id of the provider's own supplier; Vtrix only. */
	readonly jobId?: string;
	/** For Vtrix the model. */
	readonly kind: Kind;
	readonly path: string;
	/** The body exactly as it was sent. */
	readonly body: JsonObject;
	/** What was requested: the body for MidAPI, the model's parameters in it for Vtrix. */
	readonly params: JsonObject;
	/** Where the provider is to call. */
	readonly callbackUrl?: string;
	/** The output it is made from; the index counts from 0, however it was sent. */
	readonly source?: { readonly taskId: string; readonly index: number };
	/** Fields that no page documents for this path. */
	readonly unknownFields: readonly string[];
	/** Fields that are documented, but not for this task type, such as `ow` on a text-to-image task. */
	readonly inapplicableFields: readonly string[];
	/** In credits for MidAPI, in US dollars for Vtrix. */
	readonly price: number;
	/** Unix time in ms. */
	readonly at: number;
}

/** A submit that was refused; it cost nothing. */
export interface Refusal {
	readonly provider: ProviderName;
	readonly path: string;
	/** The code in the body of the answer (wire.md: MidAPI codes, Vtrix codes); the HTTP status where there is none. */
	readonly code: number;
	readonly msg: string;
	readonly body: unknown;
	readonly at: number;
}

/** A read of a task; also one of a task that does not exist. */
export interface Read {
	readonly provider: ProviderName;
	readonly taskId: string;
	/** The code in the body for MidAPI, the HTTP status for Vtrix. */
	readonly code: number;
	readonly at: number;
}

/** One attempt to deliver a callback. */
export interface CallbackDelivery {
	readonly provider: ProviderName;
	readonly taskId: string;
	readonly url: string;
	/** Set if it was not what the provider would post. */
	readonly as?: OddCallback;
	/** HTTP status of the receiver's answer, or why there was none. */
	readonly status:
		| number
		| 'timeout'
		| 'unreachable'
		| 'refused: not an http address of this machine';
	readonly at: number;
}

/** A result file that was fetched. */
export interface Download {
	readonly taskId: string;
	readonly index: number;
	/** Fetched from a signed URL of download-url, not from the result URL. */
	readonly signed: boolean;
	readonly at: number;
}

/** A file taken; it cost nothing. */
export interface Upload {
	readonly fileName: string;
	readonly mimeType: string;
	/** Its size. */
	readonly bytes: number;
	readonly sha256: string;
	readonly at: number;
}

/** An image that a submit names, fetched or not. */
export interface ImageFetch {
	/** Without its query. */
	readonly url: string;
	/** HTTP status; 0 when there was no answer. */
	readonly status: number;
	readonly bytes: number;
	readonly sha256: string;
	readonly at: number;
}

/** Any call to the API or for a file, whatever its answer. */
export interface CallEntry {
	readonly method: string;
	readonly path: string;
	/** HTTP status sent, or how the call was left without an answer. */
	readonly answered: number | 'reset' | 'hang';
	/** A fault answered it. */
	readonly byFault: boolean;
	readonly at: number;
}

/** Everything that was bought and requested, in order. Holds no key and no signature of the emulator. */
export class Ledger {
	readonly submits: Submit[] = [];
	readonly refusals: Refusal[] = [];
	readonly reads: Read[] = [];
	readonly callbacks: CallbackDelivery[] = [];
	readonly downloads: Download[] = [];
	readonly uploads: Upload[] = [];
	readonly images: ImageFetch[] = [];
	/** In the order of their end. */
	readonly calls: CallEntry[] = [];
	/** The most calls under way at one moment. */
	mostCallsAtOnce = 0;

	/** Credits spent at MidAPI so far. */
	get spent(): number {
		return this.spentAt('midApi');
	}

	/** US dollars spent at Vtrix so far. */
	get spentUsd(): number {
		return inDollars(this.spentAt('vtrix'));
	}

	submitsOf(kind: Kind): Submit[] {
		return this.submits.filter((submit) => submit.kind === kind);
	}

	readsOf(taskId: string): Read[] {
		return this.reads.filter((read) => read.taskId === taskId);
	}

	callbacksOf(taskId: string): CallbackDelivery[] {
		return this.callbacks.filter((delivery) => delivery.taskId === taskId);
	}

	/** The highest number of reads of any one task. */
	mostReadsOfOneTask(): number {
		const counts = new Map<string, number>();
		for (const { taskId } of this.reads) counts.set(taskId, (counts.get(taskId) ?? 0) + 1);
		return Math.max(0, ...counts.values());
	}

	/** Empties the ledger; tasks and credits stay as they are. */
	clear(): void {
		const pages = [
			this.submits,
			this.refusals,
			this.reads,
			this.callbacks,
			this.downloads,
			this.uploads,
			this.images,
			this.calls,
		];
		for (const page of pages) page.length = 0;
		this.mostCallsAtOnce = 0;
	}

	private spentAt(provider: ProviderName): number {
		return this.submits
			.filter((submit) => submit.provider === provider)
			.reduce((sum, { price }) => sum + price, 0);
	}

	/** For display: the ledger with URLs cut before their query, which may hold a caller's secrets. */
	toJSON(): unknown {
		const shown = {
			spent: this.spent,
			spentUsd: this.spentUsd,
			mostCallsAtOnce: this.mostCallsAtOnce,
			submits: this.submits,
			refusals: this.refusals,
			reads: this.reads,
			callbacks: this.callbacks,
			downloads: this.downloads,
			uploads: this.uploads,
			images: this.images,
			calls: this.calls,
		};
		return JSON.parse(JSON.stringify(shown, (_key, value: unknown) => withoutQuery(value)));
	}
}

/** Rounded to the last digit that any price has, because sums of fractions are not exact. */
export function inDollars(sum: number): number {
	return Math.round(sum * 1e6) / 1e6;
}

function withoutQuery(value: unknown): unknown {
	const url = parseUrl(value);
	return url?.search ? `${url.origin}${url.pathname}?…` : value;
}
