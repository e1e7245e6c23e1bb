import type { Attack, Kind } from './attacks';
import type { Answer } from './http';
import type { Sight } from './targets';

/** What some rows of the table of attacks have done at one target. */
export interface Evidence {
	kind: Kind;
	/** `to`: the row that it answers. */
	answers: ReadonlyArray<Answer & { to: string; mayHang?: boolean }>;
	before: Sight;
	after: Sight;
	/** What n8n has asked of other hosts meanwhile. */
	elsewhere: readonly string[];
}

/** What there is to count of it. */
export interface Counts {
	calls: number;
	/** Executions that began, or went on. */
	started: number;
	reads: number;
	/** Requests to other hosts, or at the provider for something else than a task. */
	elsewhere: number;
	bought: number;
}

export function countsOf({ answers, before, after, elsewhere }: Evidence): Counts {
	return {
		calls: answers.length,
		started: after.executions - before.executions + (before.isParked && !after.isParked ? 1 : 0),
		reads: after.reads - before.reads,
		elsewhere: elsewhere.length + after.strayCalls - before.strayCalls,
		bought: after.submits - before.submits,
	};
}

/** The status of a call that is refused because it is not authenticated. */
const REFUSED = 401;

const isSuccess = (status: Answer['status']): boolean =>
	typeof status === 'number' && status >= 200 && status < 300;

/** n8n answers these by itself, and allows every page of a browser to ask what is allowed. */
const isHarmless = ({ status, body }: Answer): boolean => status === 204 && body === '';

/**
 * What must not be, in words; empty when all is well. All attacks are made on tasks that still run: nothing may start.
 * Who proves himself may have a task read, once more a moment later where it is open.
 */
export function judge(
	{ proof, byN8n }: Pick<Attack, 'proof' | 'byN8n'>,
	evidence: Evidence,
): string[] {
	const { kind, answers } = evidence;
	const { calls, started, reads, elsewhere, bought } = countsOf(evidence);
	// Where no task has to prove itself, each id may be looked for.
	const perCall = proof === 'valid' && kind !== 'open' ? 2 : kind === 'open' ? 1 : 0;
	const mayRead = perCall * calls;
	const faults = [
		started > 0 && `${started} started or went on`,
		bought > 0 && `${bought} bought`,
		elsewhere > 0 && `${elsewhere} requests elsewhere ${evidence.elsewhere.join(', ')}`,
		reads > mayRead && `${reads} reads`,
	].filter((fault) => fault !== false);
	for (const answer of answers) {
		const { status, body, to } = answer;
		const shown = `${to}: ${status} ${body.slice(0, 120)}`;
		if (typeof status !== 'number') {
			// n8n ends the connection of a call that it finds too large.
			const isN8n = status === 'reset' ? byN8n : answer.mayHang;
			if (!isN8n) faults.push(shown);
			continue;
		}
		if (proof === 'valid' || kind === 'open') continue;
		if (isSuccess(status) ? !isHarmless(answer) : !byN8n && !isRefusal(kind, status)) {
			faults.push(`answered to ${shown}`);
		}
	}
	return faults;
}

/** n8n's own node says 403 to a wrong header. */
const isRefusal = (kind: Kind, status: Answer['status']): boolean =>
	status === REFUSED || (kind === 'header' && status === 403);
