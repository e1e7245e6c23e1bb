import { DIALECTS } from './dialects';
import { useEngine } from './setup';

const meant = { additionalFields: { allowPermutations: true } };
/** Given by an expression, because n8n takes braces in an entered text for one. */
const prompt = '={{ $json.prompt }}';

describe.each(DIALECTS)('Permutations with $displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { promptOf } = dialect;
	const sold = () => bench.emulator.ledger.submits.map((submit) => promptOf(submit));

	const UNMEANT: Array<[string, string, RegExp]> = [
		[
			'braces',
			'a {red, green, blue} bird',
			/'Prompt' contains braces: .*, here 3, and each is paid. If you want that, add the field Permutations/,
		],
		['--repeat', 'a bird --repeat 4', /'Prompt' contains --repeat: .*, here 4,/],
		['JSON', '{"scene": "a bird"}', /'Prompt' looks like JSON/],
	];

	it.each(UNMEANT)(
		'that nobody has approved are not bought, nor is what comes before: %s',
		async (_, unmeant, message) => {
			const result = await bench.generate(
				{ prompt },
				{ items: [{ prompt: 'a cup' }, { prompt: unmeant }] },
			);
			expect(result.error?.message).toMatch(message);
			expect(result.error?.message).toContain('[item 1]');
			expect(bench.emulator.ledger.calls).toEqual([]);
		},
	);

	it('that are not allowed fail their own item alone with On Error = continue', async () => {
		const { items } = await bench.generate(
			{ prompt },
			{
				items: [{ prompt: 'a {red, green} bird' }, { prompt: 'a cup' }],
				settings: { onError: 'continueRegularOutput' },
			},
		);
		expect(items.map(({ json }) => json.status)).toEqual(['failed', 'completed']);
		expect(sold()).toEqual(['a cup']);
	});

	it('that are allowed make a task and an item each, paired with the item they come from', async () => {
		const { items, error } = await bench.generate(
			{ prompt, ...meant },
			{
				items: [{ prompt: 'a {red, green} bird' }, { prompt: 'a cup' }, { prompt: '{x,y} --r 2' }],
			},
		);
		expect(error).toBeUndefined();
		const wanted = ['a red bird', 'a green bird', 'a cup', 'x', 'x', 'y', 'y'];
		expect(sold().sort()).toEqual([...wanted].sort());
		expect(items.map(({ json, pairedItem }) => [json.prompt, pairedItem])).toEqual(
			wanted.map((one, at) => [one, { item: at < 2 ? 0 : at < 3 ? 1 : 2 }]),
		);
		expect(new Set(items.map(({ json }) => json.taskId)).size).toBe(7);
	});

	it('that are allowed are limited to 40 an item', async () => {
		const result = await bench.generate(
			{ prompt, ...meant },
			{ items: [{ prompt: 'a cup' }, { prompt: '{a,b,c,d,e,f} {a,b,c,d,e,f,g}' }] },
		);
		expect(result.error?.message).toMatch(/'Prompt' makes 42 tasks of one item, but at most 40/);
		expect(bench.emulator.ledger.calls).toEqual([]);
	});

	it('that are allowed, but not in the prompt, make one task', async () => {
		await bench.generate({ prompt: 'a cup', ...meant });
		expect(sold()).toEqual(['a cup']);
	});

	it('that are allowed may not contradict a field either', async () => {
		const result = await bench.generate(
			{
				prompt,
				aspectRatio: '1:1',
				additionalFields: { allowPermutations: true },
			},
			{ items: [{ prompt: 'a bird {--ar 16:9, --stop 80}' }] },
		);
		expect(result.error?.message).toMatch(/'Prompt' contains --ar and 'Aspect Ratio' is set/);
		expect(bench.emulator.ledger.calls).toEqual([]);
	});
});
