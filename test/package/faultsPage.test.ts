import { PAGE, rowsOf } from '../faults/summary';

/** docs/faults.md shows the results of `npm run test:faults`; its rows must be those of the table of faults. */

describe.each(['submit', 'read', 'file', 'balance'] as const)('The table of %s', (route) => {
	it('has a row for each kind of fault, and a total', () => {
		expect(PAGE.rows(route).map(([name]) => name)).toEqual([...rowsOf(route), 'All']);
	});

	it('has a count of cells in every row', () => {
		for (const [name, ...counts] of PAGE.rows(route)) {
			expect([name, counts.length, counts.every((count) => /^\d+$/.test(count))]).toEqual([
				name,
				8,
				true,
			]);
			expect([name, counts.slice(0, 3).some((count) => count !== '0')]).toEqual([name, true]);
		}
	});
});

it('The table of the soak has a row for each provider with each On Error', () => {
	expect(PAGE.rows('soak').map(([name]) => name)).toEqual(
		['MidAPI', 'Vtrix'].flatMap((provider) =>
			['stopWorkflow', 'continueRegularOutput', 'continueErrorOutput'].map(
				(onError) => `${provider}, ${onError}`,
			),
		),
	);
});
