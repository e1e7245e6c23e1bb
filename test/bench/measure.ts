/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- measures servers, it is not a node */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** Mean, 95th percentile and worst of some values. */
export interface Spread {
	mean: number;
	p95: number;
	worst: number;
}

/** Of no values: NaN throughout. */
export function spreadOf(values: readonly number[]): Spread {
	const sorted = [...values].sort((a, b) => a - b);
	const at = Math.max(0, Math.ceil(sorted.length * 0.95) - 1);
	return {
		mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
		p95: sorted[at] ?? NaN,
		worst: sorted.at(-1) ?? NaN,
	};
}

/** Milliseconds as seconds, as exact as is of interest; a dash for what was not measured. */
export function seconds(ms: number): string {
	if (!Number.isFinite(ms)) return '–';
	return (ms / 1000).toFixed(ms < 995 ? 2 : ms < 9950 ? 1 : 0);
}

/** A markdown table. */
export function table(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
	const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
	return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** CPU that a process has used so far, its threads included, in ms; NaN where the system does not tell (not Linux). */
export function cpuOf(pid: number): number {
	try {
		const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
		// utime and stime, in hundredths of a second.
		return (Number(fields[11]) + Number(fields[12])) * 10;
	} catch {
		return NaN;
	}
}

/** What somebody else got from n8n meanwhile. */
export interface Probe {
	/** Ends it; hands back the slowest answer in ms, and how many were errors or did not come within 10 s. */
	stop(): Promise<{ worstMs: number; failed: number }>;
}

const PROBE_EVERY_MS = 200;
const PROBE_TIMEOUT_MS = 10_000;

/** Asks n8n for its health every 200 ms, whether the last answer has come or not. */
export function probe(url: string): Probe {
	let worstMs = 0;
	let failed = 0;
	const underWay = new Set<Promise<void>>();
	const ask = async () => {
		const since = performance.now();
		const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
		const ok = await fetch(`${url}/healthz`, { signal }).then(
			async (answer) => (await answer.text(), answer.ok),
			() => false,
		);
		if (!ok) failed++;
		worstMs = Math.max(worstMs, performance.now() - since);
	};
	const timer = setInterval(() => {
		const asking = ask().finally(() => underWay.delete(asking));
		underWay.add(asking);
	}, PROBE_EVERY_MS);
	return {
		stop: async () => {
			clearInterval(timer);
			await Promise.all(underWay);
			return { worstMs, failed };
		},
	};
}

/** Looks until it is so, or `timeoutMs` are over; says which. */
export async function happens(
	look: () => Promise<boolean> | boolean,
	timeoutMs: number,
	everyMs = 200,
): Promise<boolean> {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		if (await look()) return true;
		if (Date.now() > deadline) return false;
		await pause(everyMs);
	}
}
