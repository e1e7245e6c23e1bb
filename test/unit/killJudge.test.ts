import { type Evidence, judge, numbersIn } from '../kill/judge';

const PROMPTS = ['a cup', 'a bowl', 'a plate'];
const bought = (...positions: number[]): Evidence['submits'] =>
	positions.map((position, nth) => ({
		prompt: PROMPTS[position] ?? '',
		taskId: `task${position}${positions.indexOf(position) === nth ? '' : 'again'}`,
	}));
const done = (n: number) => ({ n, taskId: `task${n}`, status: 'completed' });
const ALL_WELL: Evidence = {
	prompts: PROMPTS,
	submits: bought(0, 1, 2),
	status: 'success',
	items: [0, 1, 2].map(done),
	kept: '',
};

describe('The judge of the kill matrix', () => {
	const cases: Array<[string, Partial<Evidence>, boolean, string[]]> = [
		['finds nothing where all came out', {}, true, []],
		[
			'sees what was bought twice, and lost thereby',
			{ submits: bought(0, 1, 2, 2) },
			true,
			['1 bought twice', '1 paid and neither delivered nor named'],
		],
		[
			'accepts a task that an error names',
			{ status: 'error', error: 'still open: task0, task1, task2', items: [] },
			true,
			[],
		],
		[
			'accepts an item that an error names by its number',
			{ items: [done(0), done(1), { n: 2, error: 'It may have been bought' }] },
			true,
			[],
		],
		[
			'sees a paid task that nobody names',
			{ items: [done(0), done(1)] },
			true,
			['1 paid and neither delivered nor named'],
		],
		[
			'sees an item that was neither bought nor named',
			{ submits: bought(0, 1), items: [done(0), done(1)] },
			true,
			['1 left out in silence'],
		],
		[
			'takes a crashed execution as it is where nobody retries it, if the ids are kept',
			{ status: 'crashed', items: [], kept: 'task0 task1 task2' },
			false,
			[],
		],
		[
			'sees an id that is kept nowhere',
			{ status: 'crashed', items: [], kept: 'task0 task1' },
			false,
			['1 paid and kept nowhere'],
		],
		[
			'lets pass that nobody knows a task whose answer never came, where nobody retries',
			{
				submits: bought(0, 1, 2).map((one) => ({ ...one, unanswered: one.taskId === 'task2' })),
				status: 'crashed',
				items: [],
				kept: 'task0 task1',
			},
			false,
			[],
		],
		[
			'sees a task that came out twice',
			{ items: [0, 1, 2, 2].map(done) },
			true,
			['1 came out more than once'],
		],
		[
			'sees an execution without an end',
			{ status: 'waiting', items: [], error: 'task0 task1 task2' },
			true,
			['does not end (waiting)'],
		],
	];
	test.each(cases)('%s', (_title, changes, goesOn, faults) => {
		expect(judge({ ...ALL_WELL, ...changes }, goesOn).faults).toEqual(faults);
	});

	test('counts a named item without an id as unknown, and one with an id as known', () => {
		const items = [
			done(0),
			{ n: 1, error: 'task1 is still open' },
			{ n: 2, error: 'nobody knows' },
		];
		const { named, unknown } = judge({ ...ALL_WELL, items }, true);
		expect({ named, unknown }).toEqual({ named: [1, 2], unknown: [2] });
	});

	test.each([
		['It failed [item 3]', [3]],
		['Nobody knows [items 0, 2-4]', [0, 2, 3, 4]],
		['item 3', []],
	])('finds the item numbers in %p', (text, numbers) => {
		expect(numbersIn(text)).toEqual(numbers);
	});
});
