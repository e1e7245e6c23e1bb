import { permutationProblem, permutationsOf } from '../../nodes/Midjourney/operations/permutations';

describe('The permutations of a prompt', () => {
	const CASES: Array<[string, string, string[]]> = [
		['no braces', 'a cup', ['a cup']],
		['two', 'a {red, green} bird', ['a red bird', 'a green bird']],
		['without spaces', 'a {red,green} bird', ['a red bird', 'a green bird']],
		['one', 'a {red} bird', ['a red bird']],
		['an empty one', 'a {, red }bird', ['a bird', 'a redbird']],
		[
			'two sets',
			'a {red, green} {bird, cup}',
			['a red bird', 'a red cup', 'a green bird', 'a green cup'],
		],
		[
			'nested ones',
			'a {sculpture, painting} of {a {duck, heron} on a lake, nothing}',
			[
				'a sculpture of a duck on a lake',
				'a sculpture of a heron on a lake',
				'a sculpture of nothing',
				'a painting of a duck on a lake',
				'a painting of a heron on a lake',
				'a painting of nothing',
			],
		],
		['an escaped comma', 'a {red, pastel\\, yellow} bird', ['a red bird', 'a pastel, yellow bird']],
		['commas and backslashes outside', 'a, b\\, c\\d {e}', ['a, b\\, c\\d e']],
		['flags', 'a cup --ar {1:1, 16:9}', ['a cup --ar 1:1', 'a cup --ar 16:9']],
		['a repeat', 'a cup --repeat 3', ['a cup', 'a cup', 'a cup']],
		['a repeat in short, glued', 'a cup --r2', ['a cup', 'a cup']],
		['a repeat among flags', 'a cup --r 2 --ar 1:1', ['a cup --ar 1:1', 'a cup --ar 1:1']],
		['a repeat with a dash', 'a cup —repeat 2', ['a cup', 'a cup']],
		['a repeat of some', 'a {cup, bowl --repeat 2}', ['a cup', 'a bowl', 'a bowl']],
		['both', '{a, b} --r 2', ['a', 'a', 'b', 'b']],
		['what only looks like a repeat', 'a cup --raw --remix', ['a cup --raw --remix']],
	];

	it.each(CASES)('%s', (_, prompt, prompts) => {
		expect(permutationsOf(prompt)).toEqual({ value: prompts });
	});

	it('may be 40', () => {
		expect(permutationsOf('{a,b,c,d} {a,b} {a,b,c,d,e}')).toMatchObject({
			value: { length: 40 },
		});
		expect(permutationsOf('a cup --repeat 40')).toMatchObject({ value: { length: 40 } });
	});

	it.each([
		['too many', '{a,b,c,d,e,f} {a,b,c,d,e,f,g}', /makes 42 tasks of one item, but at most 40/],
		['too many with a repeat', '{a,b,c} --r 20', /makes 60 tasks/],
		['far too many', '{a,b}'.repeat(400), /makes more than 1000 tasks of one item/],
		['a repeat of one', 'a --repeat 1', /--repeat only once, with a number from 2 to 40/],
		['a repeat of 41', 'a --repeat 41', /from 2 to 40/],
		['a repeat of a word', 'a --repeat often', /from 2 to 40/],
		['a repeat without a number', 'a --repeat', /from 2 to 40/],
		['two repeats', 'a --r 2 --repeat 3', /--repeat only once/],
		['a brace that is not closed', 'a {red, green bird', /an unmatched brace/],
		['a brace that is not opened', 'a red} bird', /an unmatched brace/],
		['an escaped brace', 'a \\{red\\} bird', /contains \\{: a brace cannot be sent/],
		['nothing but braces', '{}', /is empty in one of its permutations/],
		['endless nesting', '{'.repeat(5000), /nests braces more than 10 levels deep/],
		['JSON', '{"scene": "a cup", "light": "soft"}', /looks like JSON/],
		['JSON in typographic quotes', '{ “scene”: “a cup” }', /looks like JSON/],
		['a list of JSON', '[{"scene": "a cup"}]', /looks like JSON/],
	])('are refused: %s', (_, prompt, problem) => {
		expect(permutationsOf(prompt)).toEqual({ problem: expect.stringMatching(problem) });
	});
});

describe('A prompt that would become several tasks says how many', () => {
	it.each([
		['a {red, green, blue} bird', /^contains braces: .*, here 3, and each is paid. Do so$/],
		['a cup --repeat 4', /^contains --repeat: .*, here 4,/],
		['{a, b} --r 3', /, here 6,/],
		['{a, b}'.repeat(10), /, here more than 1000,/],
		['a {red} bird', /^contains braces: .* each combination and each is paid/],
		['{"scene": "a cup"}', /looks like JSON/],
		['a } bird', /unmatched brace/],
		['a {{ $json.colour }} bird', /switch the field from Fixed to Expression/],
		['a \\{ bird', /a brace cannot be sent/],
		['a cup --repeat', /^contains --repeat/],
		['a cup,--repeat 4', /^contains --repeat: .*, here 4,/],
		['a cup!—r 4', /^contains --repeat: .*, here 4,/],
		['(a cup)--repeat 4', /^contains --repeat: .*, here 4,/],
	])('%s', (prompt, problem) => {
		expect(permutationProblem(prompt, 'Do so')).toMatch(problem);
	});

	it.each(['a cup', 'a (red, green) bird', 'a cup --ar 16:9 --raw', 'a --remix'])(
		'and nothing is said of %s',
		(prompt) => {
			expect(permutationProblem(prompt, 'Do so')).toBeUndefined();
		},
	);
});
