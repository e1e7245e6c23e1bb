/* eslint-disable @n8n/community-nodes/no-restricted-imports -- floods a real n8n, it is not a node */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import { type Answer, send, type Sent } from './http';

/** How a flood comes. */
export interface FloodOptions {
	perSecond: number;
	seconds: number;
	/** The call number n. */
	of: (n: number) => Sent;
}

/** What became of it. */
export interface Flooded {
	/** Calls that were due and left; the rest found no free connection. */
	sent: number;
	unsent: number;
	/** Answered by the node, whatever it said. */
	served: number;
	/** 503 of n8n itself. */
	turnedAway: number;
	/** Connection torn, or no answer until the end. */
	unanswered: number;
	/** How often each answer came. */
	answers: Map<string, number>;
	/** ms. */
	median: number;
	worst: number;
}

/** One attacker has no more connections than this. */
const SOCKETS = 250;
/** What is not answered so long after the last call never is, in ms. */
const PATIENCE_MS = 5_000;
const TICK_MS = 10;

/** Calls at a steady rate, whatever is answered: an open loop. */
export async function flood({ perSecond, seconds, of }: FloodOptions): Promise<Flooded> {
	const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
	const begin = Date.now();
	const end = begin + seconds * 1000;
	const calls: Array<Promise<void>> = [];
	const took: number[] = [];
	const answers = new Map<string, number>();
	let underWay = 0;
	let due = 0;
	let unsent = 0;
	let turnedAway = 0;
	let unanswered = 0;
	const call = async (nth: number) => {
		underWay++;
		const since = Date.now();
		const answer = await send(of(nth), { agent, timeoutMs: end + PATIENCE_MS - since });
		underWay--;
		took.push(Date.now() - since);
		if (typeof answer.status !== 'number') unanswered++;
		else if (isTurnedAway(answer)) turnedAway++;
		const name = isTurnedAway(answer) ? '503 of n8n' : String(answer.status);
		answers.set(name, (answers.get(name) ?? 0) + 1);
	};
	for (; Date.now() < end; await pause(TICK_MS)) {
		const wanted = Math.floor(((Date.now() - begin) / 1000) * perSecond);
		for (; due < wanted; due++) {
			if (underWay < SOCKETS) calls.push(call(due));
			else unsent++;
		}
	}
	await Promise.all(calls);
	agent.destroy();
	took.sort((a, b) => a - b);
	return {
		...{ sent: calls.length, unsent, turnedAway, unanswered, answers },
		served: calls.length - turnedAway - unanswered,
		median: took[Math.floor(took.length / 2)] ?? 0,
		worst: took.at(-1) ?? 0,
	};
}

/** The node's own 503 asks to be called again. */
function isTurnedAway({ status, body }: Answer): boolean {
	return status === 503 && !body.includes('"ok":false');
}

/** Memory of a process, in MB; undefined where the system does not tell. */
export function residentMb(pid: number): number | undefined {
	try {
		const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
		return kb === undefined ? undefined : Math.round(Number(kb) / 1024);
	} catch {
		return undefined;
	}
}

/** Asks n8n each second whether it is there, until `isOver`. */
export async function pulse(
	url: string,
	isOver: () => boolean,
): Promise<{ asked: number; answered: number; worst: number }> {
	let asked = 0;
	let answered = 0;
	let worst = 0;
	while (!isOver()) {
		const since = Date.now();
		const { status } = await send(
			{ method: 'GET', url: new URL(`${url}/healthz`), headers: {} },
			{ timeoutMs: 10_000 },
		);
		asked++;
		if (status === 200) answered++;
		worst = Math.max(worst, Date.now() - since);
		await pause(Math.max(0, since + 1000 - Date.now()));
	}
	return { asked, answered, worst };
}
