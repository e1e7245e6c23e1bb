import * as fc from 'fast-check';
import type { IDataObject } from 'n8n-workflow';

import { DIALECTS } from './dialects';
import { MIDJOURNEY, type Scenario } from './harness';
import { retryOf, useEngine } from './setup';

/** What a run may spend: the ledger never holds more. */

const eachPrompt = { prompt: '={{ $json.prompt }}' };
const prompts = (count: number) =>
	Array.from({ length: count }, (_, index) => ({ prompt: `product ${index}` }));
const PERMUTATIONS = { additionalFields: { allowPermutations: true } };

describe.each(DIALECTS)('Maximum Tasks per Run with $displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { isSubmit, isRead, keyRefused } = dialect;
	const bought = () => bench.emulator.ledger.submits.length;
	const limited = (
		maxTasks: unknown,
		items: IDataObject[],
		scenario: Partial<Scenario> = {},
		parameters: IDataObject = {},
	) =>
		bench.generating(
			{ ...eachPrompt, ...parameters, options: { maxTasks } },
			{ items, ...scenario },
		);
	const run = async (...entered: Parameters<typeof limited>) =>
		await bench.engine.run(limited(...entered));

	it.each<[string, IDataObject[], number, number]>([
		['as many items as allowed', prompts(3), 3, 3],
		['fewer', prompts(2), 3, 2],
		['as many permutations', [{ prompt: 'a {red, green} bird' }, { prompt: 'a cup' }], 3, 3],
	])('lets be bought: %s', async (_, items, maxTasks, expected) => {
		const { error } = await run(maxTasks, items, {}, PERMUTATIONS);
		expect(error).toBeUndefined();
		expect(bought()).toBe(expected);
	});

	it.each<[string, IDataObject[], number, number]>([
		['one item too many', prompts(4), 3, 4],
		['one permutation too many', [{ prompt: 'a {red, green} bird --repeat 2' }], 3, 4],
		['both together', [{ prompt: 'a {red, green} bird' }, ...prompts(2)], 3, 4],
	])('refuses the whole run before the first submit: %s', async (_, items, maxTasks, count) => {
		const { error, status } = await run(maxTasks, items, {}, PERMUTATIONS);
		expect(status).toBe('error');
		expect(error?.message).toBe(
			`This run would buy ${count} tasks, but 'Maximum Tasks per Run' is ${maxTasks}`,
		);
		expect(error?.description).toMatch(/^Nothing was bought\./);
		expect(bench.emulator.ledger.calls).toEqual([]);
	});

	it('refuses all items alike with On Error = continue', async () => {
		const settings = { onError: 'continueRegularOutput' } as const;
		const { items } = await run(2, prompts(3), { settings });
		expect(items.map(({ json }) => [json.status, json.errorMessage])).toEqual(
			Array(3).fill(['failed', "This run would buy 3 tasks, but 'Maximum Tasks per Run' is 2"]),
		);
		expect(bought()).toBe(0);
	});

	it('sends all items to the error output where there is one', async () => {
		const settings = { onError: 'continueErrorOutput' } as const;
		const { items, errorItems } = await run(2, prompts(3), { settings });
		expect([items.length, errorItems.length]).toEqual([0, 3]);
	});

	it('does not count what cannot be bought anyway', async () => {
		const settings = { onError: 'continueRegularOutput' } as const;
		const items = [...prompts(2), { prompt: '' }, { prompt: 'a {' }];
		const result = await run(2, items, { settings });
		expect(result.items.map(({ json }) => json.status)).toEqual([
			...['completed', 'completed'],
			...['failed', 'failed'],
		]);
		expect(bought()).toBe(2);
	});

	it.each([
		[0, /'Maximum Tasks per Run' must be a whole number from 1 to \d+, not “0”/],
		[-1, /not “-1”/],
		[2.5, /not “2.5”/],
		['many', /not “many”/],
		['', /'Maximum Tasks per Run' is empty/],
		// n8n evaluates no expression there.
		['={{ $json.limit }}', /not “{{ \$json.limit }}”/],
	])('is itself refused before anything is bought: %j', async (maxTasks, message) => {
		const { error } = await run(maxTasks, prompts(1));
		expect(error?.message).toMatch(message);
		expect(bench.emulator.ledger.calls).toEqual([]);
	});

	it('does not count what an earlier try has bought', async () => {
		let refusals = 0;
		bench.emulator.intercept(async (call) =>
			isRead(call) && refusals++ < 1 ? keyRefused : undefined,
		);
		const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
		const { error, items } = await run(3, prompts(3), { settings });
		expect(error).toBeUndefined();
		expect(items).toHaveLength(3);
		expect(bought()).toBe(3);
	});

	it('counts, in a retried execution, what is left to buy', async () => {
		const all = prompts(4);
		const undo = bench.emulator.intercept(async (call) =>
			isSubmit(call) && bought() >= 3 ? keyRefused : undefined,
		);
		const first = await run(4, all);
		expect(first.status).toBe('error');
		const before = bought();
		undo();
		const retried = { retryOf: retryOf(first), executionId: '2' };
		for (const { node } of retried.retryOf.executionData?.nodeExecutionStack ?? []) {
			Object.assign(node.parameters, { options: { maxTasks: 1 } });
		}
		const second = await run(1, all, retried);
		expect([before, second.status, bought()]).toEqual([3, 'success', 4]);
	});

	it('is looked at once, and not again where a parked run goes on buying', async () => {
		const instance = await bench.instance();
		const result = await instance.complete(limited(12, prompts(12), {}, { waitMode: 'auto' }));
		expect(result.items).toHaveLength(12);
		expect(bought()).toBe(12);
	});

	it('refuses before anything is parked or written down', async () => {
		const instance = await bench.instance();
		const first = await instance.begin(limited(11, prompts(12), {}, { waitMode: 'auto' }));
		expect(first.status).toBe('error');
		expect(bought()).toBe(0);
	});

	it('answers a tool call with what it is', async () => {
		const settings = { type: `${MIDJOURNEY}Tool` };
		const { items } = await run(1, [{ prompt: 'a {red, green} bird' }], { settings }, PERMUTATIONS);
		expect(items[0]?.json.message).toBe(
			"This run would buy 2 tasks, but 'Maximum Tasks per Run' is 1. Nothing was bought. Send fewer items, or raise the limit in Options.",
		);
		expect(bought()).toBe(0);
	});

	it('holds for any items, permutations and limit', async () => {
		await bench.emulate(dialect.creditFor(100_000));
		const anyItem = fc.record({ colours: fc.integer({ min: 1, max: 4 }), repeat: fc.nat(3) });
		await fc.assert(
			fc.asyncProperty(
				fc.array(anyItem, { minLength: 1, maxLength: 6 }),
				fc.integer({ min: 1, max: 25 }),
				fc.boolean(),
				async (wanted, maxTasks, continues) => {
					bench.emulator.ledger.clear();
					const items = wanted.map(({ colours, repeat }, at) => ({
						prompt: `${at} {${Array.from({ length: colours }, (_, one) => `c${one}`).join(',')}}${repeat > 1 ? ` --repeat ${repeat}` : ''}`,
					}));
					const tasks = wanted
						.map(({ colours, repeat }) => colours * Math.max(1, repeat))
						.reduce((sum, one) => sum + one, 0);
					const settings: Scenario['settings'] = continues
						? { onError: 'continueRegularOutput' }
						: {};
					await run(maxTasks, items, { settings }, { ...PERMUTATIONS, waitMode: 'dontWait' });
					expect(bought()).toBe(tasks <= maxTasks ? tasks : 0);
				},
			),
			{ numRuns: 25 },
		);
	}, 60_000);
});

describe('Minimum Balance', () => {
	const [midApi] = DIALECTS.filter(({ name }) => name === 'midApi');
	const bench = useEngine({ credits: 100, prices: 1 }, midApi);
	const bought = () => bench.emulator.ledger.submits.length;
	const questions = () =>
		bench.emulator.ledger.calls.filter(({ path }) => path.endsWith('/credit')).length;
	const run = async (
		minimumBalance: number | string | undefined,
		count = 1,
		scenario: Partial<Scenario> = {},
	) => {
		const credentials = { ...bench.scenario({ parameters: {} }).credentials, minimumBalance };
		return await bench.generate(eachPrompt, { items: prompts(count), ...scenario, credentials });
	};

	it.each([
		['less than there is', 99],
		['as much as there is', 100],
	])('lets a run buy, and is asked for once: %s', async (_, minimum) => {
		const { error } = await run(minimum, 5);
		expect(error).toBeUndefined();
		expect([bought(), questions()]).toEqual([5, 1]);
	});

	it.each([[0], [''], [undefined]])('that is %j asks nobody', async (minimum) => {
		await run(minimum);
		expect([bought(), questions()]).toEqual([1, 0]);
	});

	it('that is more than there is lets nothing be bought, and names both numbers', async () => {
		const { error } = await run(101, 5);
		expect(error?.message).toBe(
			'The MidAPI account has 100 credits left, less than the Minimum Balance of 101 in its credential',
		);
		expect(error?.description).toMatch(/^Nothing was bought\./);
		expect([bought(), questions()]).toEqual([0, 1]);
	});

	it('is obeyed by all items with On Error = continue', async () => {
		const { items } = await run(101, 3, { settings: { onError: 'continueRegularOutput' } });
		expect(items.map(({ json }) => json.errorMessage)).toEqual(
			Array(3).fill(
				'The MidAPI account has 100 credits left, less than the Minimum Balance of 101 in its credential',
			),
		);
		expect([bought(), questions()]).toEqual([0, 1]);
	});

	it('lets nothing be bought where the balance cannot be read, and says how it is switched off', async () => {
		bench.emulator.intercept(async ({ path }) =>
			path.endsWith('/credit') ? { status: 403, body: 'no' } : undefined,
		);
		const { error } = await run(1);
		expect(error?.message).toMatch(/^The balance of the MidAPI account could not be read: /);
		expect(error?.description).toMatch(/set Minimum Balance to 0/);
		expect(bought()).toBe(0);
	});

	it.each<[string, unknown, number]>([
		['enough, as text', '100', 1],
		['less than nothing', -5, 0],
		['nothing', null, 0],
		['words', 'plenty', 0],
		['text that is no number', 'NaN', 0],
		['more than there are numbers', '1e999', 0],
		['an object', { credits: 100 }, 0],
		['a list', [100], 0],
	])('lets be bought only with a number that is enough: %s', async (_, data, count) => {
		bench.emulator.intercept(async ({ path }) =>
			path.endsWith('/credit')
				? { status: 200, body: { code: 200, msg: 'success', data } }
				: undefined,
		);
		const { error } = await run(50);
		expect(error?.message ?? '').toMatch(count ? /^$/ : /^The (MidAPI account has -5|balance of)/);
		expect(bought()).toBe(count);
	});

	it('is asked for again where that fails for a passing reason', async () => {
		let asked = 0;
		bench.emulator.intercept(async ({ path }) =>
			path.endsWith('/credit') && asked++ === 0 ? { status: 503 } : undefined,
		);
		const { error } = await run(1);
		expect([error, bought()]).toEqual([undefined, 1]);
	});

	it.each([['fifty'], [-1]])('that is %j lets nothing be bought', async (minimum) => {
		const { error } = await run(minimum);
		expect(error?.message).toMatch(/'Minimum Balance' in the MidAPI credential is not a number/);
		expect([bought(), questions()]).toEqual([0, 0]);
	});

	it('is found where kie keeps the balance', async () => {
		await bench.emulate({ creditPath: 'chat', credits: 7 });
		const { error } = await run(8);
		expect(error?.message).toMatch(/has 7 credits left/);
	});

	it('is not asked for where nothing is to be bought', async () => {
		const { items } = await run(0);
		const { taskId } = items[0]?.json ?? {};
		await run(101, 1);
		const before = questions();
		const credentials = { ...bench.scenario({ parameters: {} }).credentials, minimumBalance: 101 };
		const looked = await bench.run({
			parameters: { resource: 'task', operation: 'wait', taskIds: taskId },
			credentials,
		});
		expect([looked.status, questions()]).toEqual(['success', before]);
	});

	it('is asked for once where a parked run goes on buying, although it falls below meanwhile', async () => {
		const instance = await bench.instance();
		const scenario = bench.generating(
			{ ...eachPrompt, waitMode: 'auto' },
			{ items: prompts(12), credentials: { minimumBalance: 95 } },
		);
		const result = await instance.complete(scenario);
		expect([result.status, bought(), questions()]).toEqual(['success', 12, 1]);
	});
});
