/* eslint-disable @n8n/community-nodes/no-restricted-globals -- reads whether a page of the docs is wanted, it is not a node */
import { DocsPage, inColumns } from '../docsPage';
import type { Cell } from './cells';
import { type Fault, FAULTS, type Route } from './faults';
import type { Soaked } from './soak';
import { KINDS, type Verdict } from './verdict';

export const PAGE = new DocsPage('faults.md', 'npm run test:faults');

const WAIT_MODES = ['poll', 'auto', 'callback'] as const;

const HEAD = ['What goes wrong', 'Poll', 'Auto', 'Callback', ...KINDS.map(capital)];

function capital(word: string): string {
	return word.charAt(0).toUpperCase() + word.slice(1);
}

/** The row of the summary that counts a fault. */
export const rowOf = ({ route, when, group }: Fault): string =>
	route === 'submit' ? `${capital(when)} acceptance: ${group}` : capital(group);

/** All rows of a route, in the order of the table of faults. */
export const rowsOf = (route: Route): string[] => [
	...new Set(FAULTS.filter((fault) => fault.route === route).map(rowOf)),
];

/** Counts cells, and those with each kind of mistake. */
export class Tally {
	private readonly counts = new Map<string, number>();

	add({ fault, mode }: Cell, verdict: Verdict): void {
		const row = `${fault.route} ${rowOf(fault)}`;
		this.count(`${row} ${mode.waitMode}`);
		for (const kind of KINDS) if (verdict[kind].length > 0) this.count(`${row} ${kind}`);
	}

	/** Prints the table of a route and, with FAULTS_WRITE, puts it into the docs. */
	conclude(route: Route): void {
		const table = this.table(route);
		process.stdout.write(`\n${capital(route)}\n${table}\n`);
		if (process.env.FAULTS_WRITE) PAGE.write(route, table);
	}

	private count(what: string): void {
		this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
	}

	private table(route: Route): string {
		const columns = [...WAIT_MODES, ...KINDS];
		const rows = rowsOf(route).map((row) => ({
			row,
			counts: columns.map((column) => this.counts.get(`${route} ${row} ${column}`) ?? 0),
		}));
		const all = columns.map((_, at) =>
			rows.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0),
		);
		return inColumns([
			HEAD,
			...rows.map(({ row, counts }) => [row, ...counts.map(String)]),
			['All', ...all.map(String)],
		]);
	}
}

/** The counts of a soak with the names of their columns. */
const SOAK_COLUMNS = {
	accepted: 'Accepted',
	delivered: 'Delivered',
	failedWithId: 'Failed, with ID',
	ambiguousNamed: 'Maybe paid, named',
	refused: 'Refused',
	notSent: 'Not sent',
	dropped: 'Dropped',
	doubled: 'Doubled',
	mispaired: 'Mispaired',
} satisfies Record<keyof Soaked['account'], string>;

/** Prints the table of the soaks and, with FAULTS_WRITE, puts it into the docs. */
export function concludeSoak(rows: ReadonlyArray<readonly [string, Soaked]>): void {
	const keys = Object.keys(SOAK_COLUMNS) as Array<keyof Soaked['account']>;
	const table = inColumns([
		['500 items', ...keys.map((key) => SOAK_COLUMNS[key]), 'Virtual time'],
		...rows.map(([name, { account, ms }]) => [
			name,
			...keys.map((key) => String(account[key])),
			`${Math.round(ms / 1000)} s`,
		]),
	]);
	process.stdout.write(`\nSoak\n${table}\n`);
	if (process.env.FAULTS_WRITE) PAGE.write('soak', table);
}
