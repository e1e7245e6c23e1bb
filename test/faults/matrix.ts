/* eslint-disable @n8n/community-nodes/no-restricted-globals -- reads how large a run is wanted, it is not a node */
import type { Dialect } from '../engine/dialects';
import { Engine } from '../engine/harness';
import { type Cell, dialectsFor, MODES, type Mode, runCell } from './cells';
import { type Fault, FAULTS, type Route } from './faults';
import { Tally } from './summary';
import { judge, KINDS } from './verdict';

/**
 * How many of the ways to set up the node each row meets; the rows take turns, so that all ways are met often. All of them
 * with FAULTS=all: more than half an hour. Fewer with FAULTS=few, for CI: two or three minutes.
 */
const WAYS_AT_ONCE =
	process.env.FAULTS === 'few' ? { ordinary: 1, important: 3 } : { ordinary: 2, important: 6 };

/** Enough for a row in all ways on a busy machine. */
const ROW_TIMEOUT_MS = 120_000;

/** The ways in which the row at this position runs. */
function waysOf({ route, important }: Fault, position: number): readonly Mode[] {
	// A balance request never parks.
	const modes = route === 'balance' ? MODES.filter(({ waitMode }) => waitMode === 'poll') : MODES;
	if (process.env.FAULTS === 'all') return modes;
	const count = important ? WAYS_AT_ONCE.important : WAYS_AT_ONCE.ordinary;
	// 7 has no common factor with 18 or with 6, so the steps reach every way and change the mode each time.
	const picked = Array.from(
		{ length: count },
		(_, step) => modes[((position * count + step) * 7) % modes.length],
	);
	return picked.filter((mode) => mode !== undefined);
}

/** Tests for all rows of some routes. The summary is printed at the end and, with FAULTS_WRITE, goes into the docs. */
export function testRoutes(...routes: Route[]): void {
	const tally = new Tally();
	let engine: Engine | undefined;
	beforeAll(async () => {
		engine = await Engine.start();
	});
	afterAll(() => {
		engine?.close();
		for (const route of routes) tally.conclude(route);
	});

	const rows = FAULTS.flatMap((fault, position) =>
		dialectsFor(fault).map((dialect) => ({ fault, dialect, modes: waysOf(fault, position) })),
	);
	for (const route of routes) {
		const own = rows.filter(({ fault }) => fault.route === route);
		describe(route, () => {
			it.each(own.map((row) => [nameOf(row.fault, row.dialect), row] as const))(
				'%s',
				async (_, { fault, dialect, modes }) => {
					const complaints: string[] = [];
					for (const mode of modes) {
						if (!engine) throw new Error('Only within a test');
						const cell: Cell = { fault, dialect, mode };
						const verdict = judge(cell, await runCell(engine, cell));
						tally.add(cell, verdict);
						for (const kind of KINDS) {
							for (const words of verdict[kind]) {
								complaints.push(`${kind} (${waysIn(mode)}): ${words.slice(0, 1200)}`);
							}
						}
					}
					expect(complaints).toEqual([]);
				},
				ROW_TIMEOUT_MS,
			);
		});
	}
}

const nameOf = (fault: Fault, { displayName }: Dialect): string =>
	[displayName, fault.route === 'submit' ? `${fault.when} acceptance` : undefined, fault.name]
		.filter(Boolean)
		.join(', ');

const waysIn = ({ onError, retryOnFail, waitMode }: Mode): string =>
	[onError, retryOnFail ? 'Retry On Fail' : undefined, waitMode].filter(Boolean).join(', ');
