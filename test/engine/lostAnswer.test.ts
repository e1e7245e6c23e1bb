import type { Call, Reaction, Submit } from '../emulator';
import { DIALECTS } from './dialects';
import { EXECUTION, OTHER_EXECUTION } from './executions';
import type { Result, Scenario } from './harness';
import { retryOf, until, useEngine } from './setup';

/** A submit whose answer was lost: its callback names its task. */

const MINUTE = 60_000;

/** A short time limit for the call, in minutes. */
const SOON = 0.02;

const prompts = (count: number) =>
	Array.from({ length: count }, (_, index) => ({ prompt: `product ${index}` }));

describe.each(DIALECTS)('With $displayName', (dialect) => {
	const bench = useEngine(
		{ latencyMs: Infinity, callbacks: 'manual', callbackRetryPausesMs: [] },
		dialect,
	);
	const { isSubmit, isRead, promptOf } = dialect;
	const submits = () => bench.emulator.ledger.submits;
	const two = [{ prompt: 'a cup' }, { prompt: 'a bowl' }];

	/** Generates from the items and waits for calls alone, unless the scenario says otherwise. */
	const calledBack = (
		items: Scenario['items'] = two,
		parameters: Scenario['parameters'] = {},
		scenario: Partial<Scenario> = {},
	): Scenario =>
		bench.generating(
			{ waitMode: 'callback', prompt: '={{ $json.prompt }}', ...parameters },
			{ ...scenario, items },
		);
	/** Leaves every submit with this text in its prompt accepted, but not answered. */
	const lose = (text: string) =>
		bench.emulator.intercept(async (call: Call): Promise<Reaction | undefined> => {
			if (!isSubmit(call) || !JSON.stringify(call.body).includes(text)) return undefined;
			await call.handle();
			return 'reset';
		});
	/** Runs until it waits for tasks, or for calls that name them. */
	const parked = async (scenario: Scenario): Promise<Result> => {
		const instance = await bench.instance();
		void instance.begin(scenario);
		return await instance.until(
			EXECUTION,
			({ status, items }) => status !== 'waiting' || items.length > 0,
		);
	};
	/** The submit that the provider has booked for a prompt. */
	const bought = (prompt: string): Submit => {
		const found = submits().find((submit) => promptOf(submit) === prompt);
		if (!found) throw new Error(`Nobody has bought ${prompt}`);
		return found;
	};
	/** Ends the task of a prompt and delivers its callback; gives the answers. */
	const ends = async (prompt: string) => {
		const { taskId } = bought(prompt);
		bench.emulator.finish(taskId);
		return await bench.emulator.deliverCallback(taskId);
	};
	/** Calls the address of a submit and names a task. */
	const tell = async ({ callbackUrl }: Submit, taskId: string): Promise<number> => {
		const body = dialect.name === 'midApi' ? { code: 200, data: { taskId } } : { id: taskId };
		const answer = await fetch(String(callbackUrl), {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		return answer.status;
	};
	const shown = ({ items }: Result) => items.map(({ json }) => [json.taskId, json.status]);
	const hasSaved = (taskId: string) => (result: Result) =>
		result.status === 'waiting' && JSON.stringify(result.data.executionData).includes(taskId);

	it.each(['callback', 'auto'])(
		'does not fail the node, which waits; its item is pending: %s',
		async (waitMode) => {
			lose('a bowl');
			const waiting = await parked(calledBack(two, { waitMode }));
			expect(waiting.status).toBe('waiting');
			expect(shown(waiting)).toEqual([
				[bought('a cup').taskId, 'pending'],
				[null, 'pending'],
			]);
		},
	);

	it('is found by its callback: one submit, the item its result', async () => {
		lose('a bowl');
		await parked(calledBack());
		const instance = await bench.instance();
		expect(await ends('a bowl')).toEqual([200]);
		await instance.until(EXECUTION, hasSaved(bought('a bowl').taskId));
		expect(await ends('a cup')).toEqual([200]);
		const { items } = await instance.ended();
		expect(items.map(({ json }) => [json.taskId, json.status, json.prompt])).toEqual([
			[bought('a cup').taskId, 'completed', 'a cup'],
			[bought('a bowl').taskId, 'completed', 'a bowl'],
		]);
		expect(submits()).toHaveLength(2);
	});

	it('is picked up by a retried execution once it was found', async () => {
		lose('a bowl');
		const scenario = calledBack();
		await parked(scenario);
		const instance = await bench.instance();
		await ends('a bowl');
		const waiting = await instance.until(EXECUTION, hasSaved(bought('a bowl').taskId));
		instance.forget();
		bench.emulator.finish(bought('a cup').taskId);
		const retried = await instance.complete({
			...scenario,
			executionId: OTHER_EXECUTION,
			retryOf: retryOf(waiting),
		});
		expect(shown(retried)).toEqual([
			[bought('a cup').taskId, 'completed'],
			[bought('a bowl').taskId, 'completed'],
		]);
		expect(submits()).toHaveLength(2);
	});

	describe('is not found by', () => {
		/** A task that somebody else has bought on the same account. */
		const foreign = async (): Promise<Submit> => {
			await bench.generate(
				{ waitMode: 'dontWait', prompt: 'a spoon' },
				{ executionId: OTHER_EXECUTION },
			);
			return bought('a spoon');
		};

		it.each<[string, (cup: Submit, bowl: Submit) => Promise<[Submit, string]>]>([
			['the task of another item', async (cup, bowl) => [bowl, cup.taskId]],
			['a task that nobody knows', async (_, bowl) => [bowl, 'f'.repeat(20)]],
			['a task of another request', async (_, bowl) => [bowl, (await foreign()).taskId]],
			['a call to the address of another item', async (cup, bowl) => [cup, bowl.taskId]],
		])('%s', async (_, told) => {
			lose('a bowl');
			await parked(calledBack());
			const instance = await bench.instance();
			const runs = instance.runsOf();
			const [address, taskId] = await told(bought('a cup'), bought('a bowl'));
			bench.emulator.finish(bought('a bowl').taskId);
			expect(await tell(address, taskId)).toBe(200);
			expect(instance.forget().status).toBe('waiting');
			expect(instance.runsOf()).toBe(0);
			expect(runs).toBeGreaterThan(0);
		});

		it('a second call, which is an ordinary callback by then', async () => {
			lose('a bowl');
			await parked(calledBack());
			const instance = await bench.instance();
			await ends('a bowl');
			await instance.until(EXECUTION, hasSaved(bought('a bowl').taskId));
			const runs = instance.runsOf();
			expect(await ends('a bowl')).toEqual([200]);
			expect(instance.runsOf()).toBe(runs);
		});

		it('a call while the provider cannot be read, which is asked to come again', async () => {
			lose('a bowl');
			await parked(calledBack());
			const undo = bench.emulator.intercept(async (call) =>
				isRead(call) ? { status: 503 } : undefined,
			);
			expect(await ends('a bowl')).toEqual([503]);
			undo();
			expect(await ends('a bowl')).toEqual([200]);
			const instance = await bench.instance();
			await instance.until(EXECUTION, hasSaved(bought('a bowl').taskId));
		});
	});

	describe('while no call has named its task', () => {
		const items = [{ prompt: 'a bowl' }, ...prompts(14)];

		it('stops the buying, because this may be an outage, until all tasks are named', async () => {
			const lost = [{ prompt: 'an earthen bowl' }, { prompt: 'an earthen jug' }];
			const all = [...lost, ...prompts(14)];
			lose('earthen');
			const instance = await bench.instance();
			// While the form of a submit is not known, one goes out at a time.
			const credentials = { requestFormat: 'wrapped' };
			void instance.begin(calledBack(all, {}, { credentials }));
			await instance.until(EXECUTION, hasSaved('connectionLost'));
			const before = submits().length;
			expect(before).toBeLessThanOrEqual(5);
			await ends('an earthen bowl');
			await instance.until(EXECUTION, hasSaved(bought('an earthen bowl').taskId));
			expect(submits()).toHaveLength(before);
			await ends('an earthen jug');
			await until('all items are bought', () => submits().length === all.length);
			await instance.until(EXECUTION, ({ data }) =>
				submits().every(({ taskId }) => JSON.stringify(data.executionData).includes(taskId)),
			);
			for (const { prompt } of all.slice(2)) await ends(prompt);
			const { items: results } = await instance.ended();
			expect(results.map(({ json }) => [json.prompt, json.status])).toEqual(
				all.map(({ prompt }) => [prompt, 'completed']),
			);
			expect(submits()).toHaveLength(all.length);
		}, 15_000);

		it('does not stop the buying with On Error = continue', async () => {
			lose('a bowl');
			const settings = { onError: 'continueRegularOutput' as const };
			await parked(calledBack(items, {}, { settings }));
			expect(submits()).toHaveLength(items.length);
		}, 15_000);
	});

	describe('whose task no call names in time', () => {
		const waitOptions = { lostAnswerLimit: SOON, firstCheck: 60 };

		it('fails the node, which names it and the open tasks', async () => {
			lose('a bowl');
			await parked(calledBack(two, { waitOptions }));
			const { status, error } = await (await bench.instance()).ended();
			expect(status).toBe('error');
			expect(error?.message).toContain('[item 1]');
			expect(error?.description).toMatch(/may have been paid/);
			expect(error?.description).toContain(bought('a cup').taskId);
			expect(submits()).toHaveLength(2);
		}, 15_000);

		it('fails alone with On Error = continue, while the others are waited for', async () => {
			lose('a bowl');
			const settings = { onError: 'continueRegularOutput' as const };
			await parked(calledBack(two, { waitOptions }, { settings }));
			const instance = await bench.instance();
			await instance.until(EXECUTION, hasSaved('may have been paid'));
			await ends('a cup');
			const { items } = await instance.ended();
			expect(items.map(({ json }) => json.status)).toEqual(['completed', 'failed']);
		}, 15_000);

		it('leaves at most the batch under way unknown', async () => {
			lose('product');
			await parked(calledBack(prompts(40), { waitOptions }));
			const { status } = await (await bench.instance()).ended();
			expect(status).toBe('error');
			expect(submits().length).toBeLessThanOrEqual(10);
		}, 15_000);
	});

	it.each([
		['two minutes', undefined, 2],
		['as long as the user says', 3, 3],
	])('is waited for %s', async (_, lostAnswerLimit, minutes) => {
		lose('a bowl');
		const { data } = await parked(
			calledBack([{ prompt: 'a bowl' }], { waitOptions: { lostAnswerLimit } }),
		);
		// n8n's timer fires somewhat later, because it is for a process that has died.
		const wait = new Date(String(data.waitTill)).getTime() - Date.now();
		expect(wait).toBeGreaterThan(minutes * MINUTE);
		expect(wait).toBeLessThan((minutes + 2) * MINUTE);
	});

	it.each<[string, Scenario['parameters'], Partial<Scenario>]>([
		['the user does not want to wait for it', { waitOptions: { lostAnswerLimit: 0 } }, {}],
		['the Wait Mode is Poll', { waitMode: 'poll' }, {}],
		['n8n offers only what it documents', {}, { onlyDocumented: true }],
	])('fails at once where %s', async (_, parameters, scenario) => {
		lose('a bowl');
		const { status, error } = await parked(calledBack(two, parameters, scenario));
		expect(status).toBe('error');
		expect(error?.message).toContain('[item 1]');
		expect(error?.description).toMatch(/may have been paid/);
	});
});
