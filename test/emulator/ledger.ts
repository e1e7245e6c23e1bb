import type { JsonObject } from './json';
import { parseUrl } from './json';
import type { Oddity } from './callbacks';
import type { Kind, ProviderName } from './kinds';

/** A task bought. */
export interface Submit {
	readonly provider: ProviderName;
	readonly taskId: string;
	/** By which the provider's own supplier knows it; Vtrix only. */
	readonly jobId?: string;
	/** At Vtrix the model. */
	readonly kind: Kind;
	readonly path: string;
	/** The body exactly as it was sent. */
	readonly body: JsonObject;
	/** What is asked for: at MidAPI the body, at Vtrix what stands in it as the model's parameters. */
	readonly params: JsonObject;
	/** Where the provider is to call. */
	readonly callbackUrl?: string;
	/** The output that it is made from; the index counts from 0, however it was sent. */
	readonly source?: { readonly taskId: string; readonly index: number };
	/** Fields that no page knows for this path. */
	readonly unknownFields: readonly string[];
	/** Fields that the documentation knows, but not for this task type, such as `ow` on a text-to-image task. */
	readonly inapplicableFields: readonly string[];
	/** What was taken: credits at MidAPI, US dollars at Vtrix. */
	readonly price: number;
	/** Unix time in ms. */
	readonly at: number;
}

/** A submit that was turned down; it cost nothing. */
export interface Refusal {
	readonly provider: ProviderName;
	readonly path: string;
	/** The code in the body of the answer (wire.md: MidAPI codes, Vtrix codes); the HTTP status where there is none. */
	readonly code: number;
	readonly msg: string;
	readonly body: unknown;
	readonly at: number;
}

/** A look at a task's record; also one in vain, for a task that does not exist. */
export interface Read {
	readonly provider: ProviderName;
	readonly taskId: string;
	/** The code in the body of MidAPI's answer, the HTTP status of Vtrix's. */
	readonly code: number;
	readonly at: number;
}

/** One attempt to deliver a callback. */
export interface CallbackDelivery {
	readonly provider: ProviderName;
	readonly taskId: string;
	readonly url: string;
	/** Set when it was not what the provider would post. */
	readonly as?: Oddity;
	/** HTTP status of the receiver's answer, or why there was none. */
	readonly status:
		| number
		| 'timeout'
		| 'unreachable'
		| 'refused: not an http address of this machine';
	readonly at: number;
}

/** A result file fetched. */
export interface Download {
	readonly taskId: string;
	readonly index: number;
	/** Fetched over a signed URL of download-url, not over the result URL. */
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

/** Any call to the API or for a file, whatever became of it. */
export interface CallEntry {
	readonly method: string;
	readonly path: string;
	/** HTTP status sent, or how the call was left without an answer. */
	readonly answered: number | 'reset' | 'hang';
	/** A fault had the word. */
	readonly byFault: boolean;
	readonly at: number;
}

/** Everything that was bought and asked, in the order of its happening. Holds no key and no signature of ours. */
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
	/** The most calls that were in the emulator's hands at one moment. */
	mostCallsAtOnce = 0;

	/** Credits taken at MidAPI so far. */
	get spent(): number {
		return this.spentAt('midApi');
	}

	/** US dollars taken at Vtrix so far. */
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

	/** How often the task was read that was read most; 0 when none was. */
	mostReadsOfOneTask(): number {
		const counts = new Map<string, number>();
		for (const { taskId } of this.reads) counts.set(taskId, (counts.get(taskId) ?? 0) + 1);
		return Math.max(0, ...counts.values());
	}

	/** Begins a new page; tasks and credits stay as they are. */
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

	/** For showing around: as the ledger, but URLs without their query, which may hold a caller's secrets. */
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

/** Without what adding fractions leaves behind the last digit that any price has. */
export function inDollars(sum: number): number {
	return Math.round(sum * 1e6) / 1e6;
}

function withoutQuery(value: unknown): unknown {
	const url = parseUrl(value);
	return url?.search ? `${url.origin}${url.pathname}?…` : value;
}
