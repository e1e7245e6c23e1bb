import type { Answer, Call, Reaction, Submit } from '../emulator';
import { DIALECTS } from './dialects';
import type { Result, Scenario } from './harness';
import { useEngine } from './setup';

/** A submit whose answer was lost: its callback tells which task it has become. */

const MINUTE = 60_000;

afterEach(() => jest.restoreAllMocks());

/** Lets the time of everybody in this process pass. */
function later(ms: number): void {
	const now = Date.now();
	jest.spyOn(Date, 'now').mockImplementation(() => now + ms);
}

describe.each(DIALECTS)('With $displayName', (dialect) => {
	const bench = useEngine({ latencyMs: Infinity }, dialect);
	const { isSubmit, isRead, promptOf } = dialect;
	const callback = { waitMode: 'callback', prompt: '={{ $json.prompt }}' };
	const two = { items: [{ prompt: 'a cup' }, { prompt: 'a bowl' }] };

	const lose = (prompt: string) =>
		bench.emulator.intercept(async (call: Call): Promise<Reaction | undefined> => {
			if (!isSubmit(call) || !JSON.stringify(call.body).includes(prompt)) return undefined;
			await call.handle();
			return 'reset';
		});
	/** What the provider has booked for a prompt. */
	const bought = (prompt: string): Submit => {
		const found = bench.emulator.ledger.submits.find((submit) => promptOf(submit) === prompt);
		if (!found) throw new Error(`Nobody has bought ${prompt}`);
		return found;
	};
	const bodyFor = (taskId: string) =>
		dialect.name === 'midApi' ? { code: 200, data: { taskId } } : { id: taskId };
	/** The provider says that a task has ended, under the address of a submit. */
	const call = async (parked: Pick<Result, 'data'>, { callbackUrl }: Submit, taskId: string) => {
		const { submits } = bench.emulator.ledger;
		if (submits.some((submit) => submit.taskId === taskId)) bench.emulator.finish(taskId);
		return await bench.call(parked, callbackUrl, bodyFor(taskId));
	};
	const wake = async (
		{ data }: Pick<Result, 'data'>,
		parameters: Scenario['parameters'] = callback,
		scenario: Partial<Scenario> = two,
	) => await bench.generate(parameters, { ...scenario, retryOf: data });
	const read = (status: number): ((call: Call) => Promise<Answer | undefined>) => {
		return async (one) => (isRead(one) ? { status } : undefined);
	};

	it.each(['callback', 'auto'])(
		'parks at once instead of failing, and the item is pending: %s',
		async (waitMode) => {
			lose('a bowl');
			const { status, items } = await bench.generate({ ...callback, waitMode }, two);
			expect(status).toBe('waiting');
			expect(items.map(({ json }) => [json.taskId, json.status])).toEqual([
				[bought('a cup').taskId, 'pending'],
				[null, 'pending'],
			]);
		},
	);

	it('is found by its callback: one submit, the item its result', async () => {
		lose('a bowl');
		const parked = await bench.generate(callback, two);
		const bowl = bought('a bowl');
		const called = await call(parked, bowl, bowl.taskId);
		expect(called).toMatchObject({ woken: true, status: 200 });
		const waiting = await wake(called);
		expect(waiting.status).toBe('waiting');
		bench.emulator.finish(bought('a cup').taskId);
		const { items } = await wake(waiting);
		expect(items.map(({ json }) => [json.taskId, json.status, json.prompt])).toEqual([
			[bought('a cup').taskId, 'completed', 'a cup'],
			[bowl.taskId, 'completed', 'a bowl'],
		]);
		expect(bench.emulator.ledger.submits).toHaveLength(2);
	});

	it('is picked up in a retried execution once it was found', async () => {
		lose('a bowl');
		const parked = await bench.generate(callback, two);
		const bowl = bought('a bowl');
		const waiting = await wake(await call(parked, bowl, bowl.taskId));
		bench.emulator.finish(bought('a cup').taskId);
		const { items } = await bench.generate(callback, {
			...two,
			retryOf: waiting.data,
			executionId: '2',
		});
		expect(items.map(({ json }) => json.taskId)).toEqual([bought('a cup').taskId, bowl.taskId]);
		expect(bench.emulator.ledger.submits).toHaveLength(2);
	});

	it('found shortly before the next look is kept, and the look ends it: n8n has set a timer by then', async () => {
		lose('a bowl');
		const parameters = { ...callback, options: { lostAnswerLimit: 1 } };
		const scenario = { items: [{ prompt: 'a bowl' }] };
		const parked = await bench.generate(parameters, scenario);
		const bowl = bought('a bowl');
		const called = await call(parked, bowl, bowl.taskId);
		expect(called.woken).toBe(true);
		const waiting = await wake(called, parameters, scenario);
		expect(waiting.status).toBe('waiting');
		expect(waiting.data.waitTill).toEqual(parked.data.waitTill);
		later(MINUTE);
		const { items } = await wake(waiting, parameters, scenario);
		expect(items.map(({ json }) => [json.taskId, json.status])).toEqual([
			[bowl.taskId, 'completed'],
		]);
	});

	describe('is not found by', () => {
		it.each<[string, (cup: Submit, bowl: Submit) => Promise<[Submit, string]>, number]>([
			['the task of another item', async (cup, bowl) => [bowl, cup.taskId], 200],
			['a task that nobody knows', async (_, bowl) => [bowl, 'f'.repeat(20)], 503],
			['a task of another request', async (_, bowl) => [bowl, (await foreign()).taskId], 200],
			['a call to the address of another item', async (cup, bowl) => [cup, bowl.taskId], 200],
		])('%s', async (_, told, status) => {
			lose('a bowl');
			const parked = await bench.generate(callback, two);
			const [address, taskId] = await told(bought('a cup'), bought('a bowl'));
			expect(await call(parked, address, taskId)).toMatchObject({ woken: false, status });
		});

		/** What somebody else has bought on the same account. */
		const foreign = async (): Promise<Submit> => {
			await bench.generate({ waitMode: 'dontWait', prompt: 'a spoon' });
			return bought('a spoon');
		};

		it('a second call, which is an ordinary hint by then', async () => {
			lose('a bowl');
			const parked = await bench.generate(callback, two);
			const bowl = bought('a bowl');
			const waiting = await wake(await call(parked, bowl, bowl.taskId));
			expect(await call(waiting, bowl, bowl.taskId)).toMatchObject({ woken: false, status: 200 });
		});

		it('a call while the provider cannot be asked, which is to come again', async () => {
			lose('a bowl');
			const parked = await bench.generate(callback, two);
			const bowl = bought('a bowl');
			const undo = bench.emulator.intercept(read(503));
			expect(await call(parked, bowl, bowl.taskId)).toMatchObject({ woken: false, status: 503 });
			undo();
			expect(await call(parked, bowl, bowl.taskId)).toMatchObject({ woken: true });
		});
	});

	it('fails the node when nobody has called within two minutes, and names what is open', async () => {
		lose('a bowl');
		const parked = await bench.generate(callback, two);
		later(2 * MINUTE);
		const { status, error } = await wake(parked);
		expect(status).toBe('error');
		expect(error?.message).toContain('[item 1]');
		expect(error?.description).toMatch(/may have been paid/);
		expect(error?.description).toContain(bought('a cup').taskId);
		expect(bench.emulator.ledger.submits).toHaveLength(2);
	});

	it('with On Error = continue fails alone, the others are waited for', async () => {
		lose('a bowl');
		const scenario = { ...two, settings: { onError: 'continueRegularOutput' as const } };
		const parked = await bench.generate(callback, scenario);
		later(2 * MINUTE);
		const waiting = await wake(parked, callback, scenario);
		expect(waiting.status).toBe('waiting');
		bench.emulator.finish(bought('a cup').taskId);
		const { items } = await wake(waiting, callback, scenario);
		expect(items.map(({ json }) => json.status)).toEqual(['completed', 'failed']);
	});

	it.each([
		['as long as the user says', 10],
		['not at all when the user says so', 0],
	])('is waited for %s', async (_, lostAnswerLimit) => {
		lose('a bowl');
		const before = Date.now();
		const { status, data } = await bench.generate(
			{ ...callback, options: { lostAnswerLimit } },
			{ items: [{ prompt: 'a bowl' }] },
		);
		expect(status).toBe(lostAnswerLimit === 0 ? 'error' : 'waiting');
		if (lostAnswerLimit === 0) return;
		// A look comes every five minutes at least.
		const waitTill = new Date(String(data.waitTill)).getTime();
		expect(waitTill - before).toBeGreaterThanOrEqual(5 * MINUTE);
	});

	it('in numbers is an outage: buying stops', async () => {
		bench.emulator.intercept(async (one) => {
			if (!isSubmit(one)) return undefined;
			await one.handle();
			return 'reset';
		});
		const items = Array.from({ length: 40 }, (_, index) => ({ prompt: `cup ${index}` }));
		const { status } = await bench.generate(callback, { items });
		expect(status).toBe('error');
		expect(bench.emulator.ledger.submits.length).toBeLessThanOrEqual(10);
	});

	it.each([
		['Poll', { waitMode: 'poll' }, {}],
		['an n8n that has only what it documents', {}, { onlyDocumented: true }],
	])('fails as ever with %s, where no call can tell', async (_, parameters, scenario) => {
		lose('a bowl');
		const { status, error } = await bench.generate(
			{ ...callback, ...parameters },
			{ ...two, ...scenario },
		);
		expect(status).toBe('error');
		expect(error?.message).toContain('[item 1]');
	});
});
