/* eslint-disable @n8n/community-nodes/no-restricted-globals -- reads whether a page of the docs is wanted, it is not a node */
import { DocsPage, inColumns } from '../docsPage';
import { type Attack, ATTACKS } from './attacks';
import type { Answer } from './http';
import type { Counts } from './judge';
import type { Told } from './stories';
import { type TargetName, TARGETS } from './targets';

export const PAGE = new DocsPage('security.md', 'npm run test:hostile');

/** Long floods, and every version ended and started again. */
export const isFull = process.env.HOSTILE === 'all';

/** Prints a table, and with HOSTILE_WRITE puts it into the page of the docs. */
export function conclude(section: string, rows: readonly string[][], toTheLeft = 1): void {
	const table = inColumns(rows, toTheLeft);
	process.stdout.write(`\n${table}\n`);
	if (process.env.HOSTILE_WRITE) PAGE.write(section, table);
}

const rowOf = ({ group, proof }: Attack): string =>
	proof === 'valid' ? `${group}, with a proof` : group;

/** After a call that proves itself a task is read again for a while: such calls come last, as their reads are allowed. */
const byProof = (one: Attack, other: Attack): number =>
	Number(one.proof === 'valid') - Number(other.proof === 'valid');

/** The rows of the table of calls, each with the attacks that are counted in it. */
export const CALLS_ROWS: ReadonlyMap<string, readonly Attack[]> = new Map(
	[...new Set([...ATTACKS].sort(byProof).map(rowOf))].map((row) => [
		row,
		ATTACKS.filter((attack) => rowOf(attack) === row),
	]),
);

const TARGET_NAMES = Object.keys(TARGETS).filter((name): name is TargetName => name in TARGETS);

/** Sums up what the attacks have done. */
export class CallsTally {
	private readonly rows = new Map<string, Counts & { answers: Map<TargetName, Set<string>> }>();

	add(name: string, target: TargetName, answers: readonly Answer[], counts: Counts): void {
		const row = this.rows.get(name) ?? {
			...{ calls: 0, started: 0, reads: 0, elsewhere: 0, bought: 0 },
			answers: new Map<TargetName, Set<string>>(),
		};
		this.rows.set(name, {
			calls: row.calls + counts.calls,
			started: row.started + counts.started,
			reads: row.reads + counts.reads,
			elsewhere: row.elsewhere + counts.elsewhere,
			bought: row.bought + counts.bought,
			answers: row.answers,
		});
		const seen = row.answers.get(target) ?? new Set();
		row.answers.set(target, seen);
		for (const { status } of answers) seen.add(String(status));
	}

	conclude(): void {
		conclude('calls', [
			[
				...['What is sent', 'Calls', 'Starts', 'Reads', 'Other requests', 'Purchases'],
				...TARGET_NAMES.map((name) => TARGETS[name]),
			],
			...[...CALLS_ROWS.keys()].map((name) => {
				const row = this.rows.get(name);
				const { calls = 0, started = 0, reads = 0, elsewhere = 0, bought = 0 } = row ?? {};
				return [
					name,
					...[calls, started, reads, elsewhere, bought].map(String),
					...TARGET_NAMES.map((target) => [...(row?.answers.get(target) ?? [])].sort().join(', ')),
				];
			}),
		]);
	}
}

/** What became of calls in time and number, by story and target. */
export class StoriesTally {
	private readonly rows = new Map<string, Told[]>();

	add(story: string, target: TargetName, told: Told): void {
		const key = `${story}\n${TARGETS[target]}`;
		this.rows.set(key, [...(this.rows.get(key) ?? []), told]);
	}

	conclude(section = 'stories'): void {
		conclude(
			section,
			[
				['What happens', 'Target', 'Times', 'Calls', 'Starts wanted', 'Starts', 'Reads more'],
				...[...this.rows].map(([key, all]) => [
					...key.split('\n'),
					String(all.length),
					...[
						all.map(({ calls }) => calls),
						all.map(({ wanted }) => (typeof wanted === 'number' ? wanted : wanted.join(' to '))),
						all.map(({ starts }) => starts),
						all.map(({ reads }) => reads),
					].map((values) => [...new Set(values)].join(', ')),
				]),
			],
			2,
		);
	}
}
