import { CALLS_ROWS, PAGE } from '../hostile/page';
import { RESTARTS } from '../hostile/restarts';
import { STORIES } from '../hostile/stories';
import { TARGETS } from '../hostile/targets';

/** docs/security.md shows the results of `npm run test:hostile`; its rows must be those of the suite. */

const NAMES: readonly string[] = Object.values(TARGETS);

const KINDS_OF_CALL = [...CALLS_ROWS.keys()];

describe('The table of calls', () => {
	const rows = PAGE.rows('calls');

	it('has a row for each kind of call', () => {
		expect(rows.map(([name]) => name)).toEqual(KINDS_OF_CALL);
	});

	it.each(KINDS_OF_CALL)(
		'%s: many calls, no start, nothing asked elsewhere, nothing bought',
		(name) => {
			const [, calls, starts, , elsewhere, bought, ...answers] =
				rows.find(([one]) => one === name) ?? [];
			expect(Number(calls)).toBeGreaterThan(0);
			expect([starts, elsewhere, bought]).toEqual(['0', '0', '0']);
			expect(answers).toHaveLength(NAMES.length);
			expect(answers.join('')).not.toBe('');
		},
	);
});

describe('The table of stories', () => {
	const rows = PAGE.rows('stories');

	it.each(
		[...STORIES, ...RESTARTS].flatMap(({ name, at }) =>
			at.map((target) => [name, TARGETS[target]] as const),
		),
	)('has a row for %s, %s', (name, target) => {
		expect(rows.filter(([one, other]) => one === name && other === target)).toHaveLength(1);
	});
});

it('The table of processes says how often the workflow was started', () => {
	const rows = PAGE.rows('processes');
	expect(rows.map(([name]) => name)).toEqual(
		expect.arrayContaining([
			'Both processes are told, 2 s apart',
			'Both processes are told at the same moment',
		]),
	);
});

describe('The table of floods', () => {
	it.each(NAMES)('has %s with 20 and 500 calls a second', (name) => {
		const forged = PAGE.rows('floods').filter(([one, wave]) => one === name && wave === 'forged');
		expect(forged.map(([, , perSecond]) => perSecond)).toEqual(['20', '500']);
	});

	it("shows no false start but at n8n's own node, which takes a repeated call for a new one", () => {
		const ours = PAGE.rows('floods').filter(([target]) => target !== TARGETS.webhook);
		expect(ours.map((row) => row[11])).toEqual(ours.map(() => '0'));
	});
});
