/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a real n8n, it is not a node */
import { createServer, request } from 'node:http';

import { freePort } from '../n8n/process';

/** A proxy in front of n8n's webhooks that can hold back the calls that wake an execution. */
export interface Gate {
	/** The address that n8n takes for its own. */
	readonly url: string;
	/** Sets the address that calls are forwarded to. */
	leadTo(url: string): void;
	/**
	 * Keeps from now on the calls to the resume address of one execution: the first that is called while it has bought
	 * nothing. Which one that is, is said by `isOf`.
	 */
	holdNextWake(of: string): { reached: Promise<void>; release: () => void };
	/** Says which execution a `holdNextWake` was about. */
	isOf(of: string, executionId: string): void;
	close(): Promise<void>;
}

interface Held {
	executionId?: string;
	reached: () => void;
	released: Promise<void>;
	release: () => void;
}

/** Opens a gate on a free port of 127.0.0.1. */
export async function openGate(): Promise<Gate> {
	const port = await freePort();
	let target = '';
	const holds = new Map<string, Held>();
	/** Calls that came before their execution was known. */
	const early = new Map<string, () => void>();

	const heldFor = (executionId: string) =>
		[...holds.values()].find((held) => held.executionId === executionId);

	const server = createServer((incoming, response) => {
		const goOn = () => {
			const outgoing = request(
				new URL(incoming.url ?? '/', target),
				{ method: incoming.method, headers: incoming.headers, agent: false },
				(answer) => {
					response.writeHead(answer.statusCode ?? 502, answer.headers);
					answer.pipe(response);
				},
			);
			outgoing.on('error', () => response.destroy());
			incoming.pipe(outgoing);
		};
		const [, executionId] = /^\/webhook-waiting\/(\d+)/.exec(incoming.url ?? '') ?? [];
		if (incoming.method !== 'POST' || executionId === undefined) return goOn();
		const keep = (held: Held) => {
			held.reached();
			void held.released.then(() => response.destroy());
		};
		const held = heldFor(executionId);
		if (held) return keep(held);
		// While a hold does not know its execution yet, this wake may be the one.
		if (![...holds.values()].some((other) => other.executionId === undefined)) return goOn();
		early.set(executionId, () => {
			const mine = heldFor(executionId);
			if (mine) keep(mine);
			else goOn();
		});
	});
	await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

	return {
		url: `http://127.0.0.1:${port}`,
		leadTo: (url) => {
			target = url;
		},
		holdNextWake: (of) => {
			let [reached, release] = [() => {}, () => {}];
			const seen = new Promise<void>((resolve) => (reached = resolve));
			const released = new Promise<void>((resolve) => (release = resolve));
			holds.set(of, { reached, released, release });
			return {
				reached: seen,
				release: () => {
					holds.delete(of);
					release();
				},
			};
		},
		isOf: (of, executionId) => {
			const held = holds.get(of);
			if (held) held.executionId = executionId;
			const waiting = [...early.values()];
			early.clear();
			for (const decide of waiting) decide();
		},
		close: async () => {
			for (const { release } of holds.values()) release();
			server.closeAllConnections();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}
