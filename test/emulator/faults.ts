/* eslint-disable @n8n/community-nodes/no-restricted-imports -- the emulator is a server of its own, not a node */
import type { IncomingHttpHeaders } from 'node:http';

/** One call that arrived at the emulator, parsed. */
export interface Call {
	readonly method: string;
	/** Without the query. */
	readonly path: string;
	readonly query: Readonly<Record<string, string>>;
	readonly headers: IncomingHttpHeaders;
	/** The parsed JSON; undefined without a body, the raw text if it is not JSON, the bytes of a form with files. */
	readonly body: unknown;
	/**
	 * Lets the emulator do its work (book the submit, take the credits, write the ledger) and returns
	 * what it would answer. Takes effect once, however often it is called. A fault that never calls it and
	 * returns something makes the call as if it had never arrived.
	 */
	handle(): Promise<Answer>;
}

/** What goes back over the wire. */
export interface Answer {
	/** HTTP status. */
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	/** A string or Buffer is sent unchanged, anything else as JSON, undefined as an empty body. */
	readonly body?: unknown;
	/** How the body is sent; unset: at once and whole. */
	readonly manner?: Manner;
}

/**
 * How an answer can fail on its way. `cut`: half of the body, then the connection is torn; `stall`: the headers and half of
 * the body, then silence with the connection open; or byte by byte, one every so many ms of the emulator's clock.
 */
export type Manner = 'cut' | 'stall' | { readonly byteEveryMs: number };

/** An answer, or the ways not to give one: tear the connection, or keep it open in silence. */
export type Reaction = Answer | 'reset' | 'hang';

/**
 * Stands between the wire and the emulator. Returns what the caller gets instead of the emulator's
 * answer, or undefined to let it pass.
 *
 *     // the gateway is down: nothing is booked
 *     async () => ({ status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad Gateway' })
 *     // the submit is booked and paid, its answer is lost
 *     async (call) => { await call.handle(); return 'reset'; }
 */
export type Interceptor = (call: Call) => Promise<Reaction | undefined | void>;

/** The faults in force, asked from the latest to the first until one reacts. */
export class Faults {
	private interceptors: Interceptor[] = [];

	/** Puts a fault in force; the returned function removes it. */
	add(interceptor: Interceptor): () => void {
		this.interceptors = [interceptor, ...this.interceptors];
		return () => {
			this.interceptors = this.interceptors.filter((other) => other !== interceptor);
		};
	}

	/** The reaction of a fault to the call; undefined if none reacts. */
	async react(call: Call): Promise<Reaction | undefined> {
		for (const interceptor of this.interceptors) {
			const reaction = await interceptor(call);
			if (reaction) return reaction;
		}
		return undefined;
	}
}
