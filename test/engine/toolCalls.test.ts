import type { IDataObject } from 'n8n-workflow';

import type { Reaction } from '../emulator';
import { DIALECTS } from './dialects';
import { OTHER_EXECUTION } from './executions';
import { MIDJOURNEY, type Scenario } from './harness';
import { until, useEngine } from './setup';

/** What an agent gets: `message` is for its model. */
describe.each(DIALECTS)('A tool call with $displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { isSubmit, isRead } = dialect;

	// With Retry On Fail n8n would repeat a failed call.
	const settings = {
		type: `${MIDJOURNEY}Tool`,
		retryOnFail: true,
		maxTries: 3,
		waitBetweenTries: 1,
	};

	/** Expects a call to end without an error, whatever has happened; gives its answer. */
	async function call(parameters: Scenario['parameters'], scenario: Partial<Scenario> = {}) {
		const { items, status, error } = await bench.generate(parameters, { settings, ...scenario });
		expect({ status, error }).toEqual({ status: 'success', error: undefined });
		const json: IDataObject = items[0]?.json ?? {};
		expect(json).not.toHaveProperty('error');
		return { json, items, message: String(json.message), submits: bench.emulator.ledger.submits };
	}

	const submitted = () => bench.emulator.ledger.submits[0]?.taskId ?? '';

	const answering = (reaction: Reaction, book = false) =>
		bench.emulator.intercept(async (request) => {
			if (!isSubmit(request)) return undefined;
			if (book) await request.handle();
			return reaction;
		});

	it('that succeeds gives links without a message, and fetches no file', async () => {
		const { json, items } = await call({ download: true });
		expect(json).toMatchObject({ status: 'completed' });
		expect(json).not.toHaveProperty('message');
		expect(items.every(({ binary }) => binary === undefined)).toBe(true);
		expect(bench.emulator.ledger.downloads).toEqual([]);
	});

	it('whose parameters are refused says which, and that nothing was bought', async () => {
		const { json, message, submits } = await call({ prompt: '={{ "" }}' });
		expect(json.status).toBe('failed');
		expect(message).toBe("'Prompt' is empty [item 0]. Nothing was submitted.");
		expect(submits).toEqual([]);
	});

	it('whose submit is refused says why, and that nothing was bought', async () => {
		await bench.emulate(dialect.creditFor(0));
		const { message, submits } = await call({});
		expect(message).toMatch(/enough credits/);
		expect(message).toMatch(/Nothing was bought/);
		expect(submits).toEqual([]);
	});

	it('whose submit is ambiguous says that it may be paid', async () => {
		answering('reset', true);
		const { message, submits } = await call({});
		expect(message).toMatch(/may be paid: do not submit it again/);
		expect(message).toMatch(/task list .* Task → Get/);
		expect(message).not.toMatch(/Nothing was bought|retry of this execution/);
		expect(submits).toHaveLength(1);
	});

	it('whose task fails says that it is over', async () => {
		const { json, message, submits } = await call({ prompt: 'a [fail]' });
		const { taskId } = submits[0] ?? {};
		expect(json).toMatchObject({ taskId, status: 'failed' });
		expect(message).toContain(dialect.failure.words);
		expect(message).toContain(`task ${taskId}`);
		expect(message).toMatch(/brings no result. Submitting it again is another purchase/);
		expect(submits).toHaveLength(1);
	});

	it('whose time is up says that the task is paid, and how to get its result', async () => {
		await bench.emulate({ latencyMs: Infinity });
		const { json, message, submits } = await call({ waitOptions: { timeLimit: 0.05 } });
		const { taskId } = submits[0] ?? {};
		expect(json).toMatchObject({ taskId, status: 'pending' });
		expect(message).toMatch(/is still open/);
		expect(message).toContain('paid: do not submit it again');
		expect(message).toContain(`Task → Get or Task → Wait with this task ID (${taskId})`);
		expect(message).not.toMatch(/retry of this execution|Raise Time Limit/);
	});

	it.each([
		['Return Pending', { waitOptions: { timeLimit: 0.05, onTimeLimit: 'returnPending' } }],
		["Don't Wait", { waitMode: 'dontWait' }],
	])('that does not wait to the end says the same: %s', async (_, parameters) => {
		await bench.emulate({ latencyMs: Infinity });
		const { json, message, submits } = await call(parameters);
		expect(json.status).toBe('pending');
		expect(message).toMatch(/paid: do not submit it again/);
		expect(message).toContain(submits[0]?.taskId);
	});

	it('whose task cannot be read says that it is paid', async () => {
		bench.emulator.intercept(async (request) => (isRead(request) ? dialect.keyRefused : undefined));
		const { json, message, submits } = await call({});
		expect(json.taskId).toBe(submits[0]?.taskId);
		expect(message).toMatch(/paid: do not submit it again/);
	});

	describe('that repeats an earlier one of the execution', () => {
		const TOOL = { settings };
		const prompt = 'a teapot';

		/** Calls twice with the same arguments. */
		async function twice(
			parameters: Scenario['parameters'],
			{ between = () => undefined, executionId }: { between?(): void; executionId?: string } = {},
		) {
			const first = await bench.generate({ prompt, ...parameters }, TOOL);
			between();
			const { json, items, message, submits } = await call(
				{ prompt, ...parameters },
				{ onceMoreAfter: first, executionId },
			);
			return { first: first.items[0]?.json ?? {}, json, items, message, submits };
		}

		it('gets the result of that one, and buys nothing', async () => {
			const { first, json, items, message, submits } = await twice({});
			expect(submits).toHaveLength(1);
			expect(json).toMatchObject({ taskId: first.taskId, status: 'completed' });
			expect(items.map(({ json: { outputs } }) => outputs)).toEqual([first.outputs]);
			expect(message).toMatch(/^This call repeats an earlier one .* nothing was bought again/);
		});

		it('hears again why it failed, and buys nothing', async () => {
			const { first, json, message, submits } = await twice({ prompt: 'a [fail]' });
			expect(submits).toHaveLength(1);
			expect(json).toMatchObject({ taskId: first.taskId, status: 'failed' });
			expect(message).toContain(dialect.failure.words);
			expect(message).toMatch(/nothing was bought again/);
		});

		it('after the time limit goes on waiting', async () => {
			await bench.emulate({ latencyMs: Infinity });
			const { first, json, submits } = await twice(
				{ waitOptions: { timeLimit: 0.05 } },
				{ between: () => bench.emulator.finish(submitted()) },
			);
			expect(first.status).toBe('pending');
			expect(json).toMatchObject({ taskId: first.taskId, status: 'completed' });
			expect(submits).toHaveLength(1);
		});

		it("with Don't Wait is given the same task", async () => {
			const { first, json, submits } = await twice({ waitMode: 'dontWait' });
			expect(json).toMatchObject({ taskId: first.taskId, status: 'pending' });
			expect(submits).toHaveLength(1);
		});

		it('and nobody knows whether that one was taken: it is not sent again', async () => {
			answering('reset', true);
			const { message, submits } = await twice({});
			expect(submits).toHaveLength(1);
			expect(message).toMatch(/may be paid: do not submit it again/);
		});

		it('and was refused: it is not sent again, and nothing is bought', async () => {
			await bench.emulate(dialect.creditFor(0));
			const { message, submits } = await twice({});
			expect(submits).toEqual([]);
			expect(message).toMatch(/Nothing was bought/);
		});

		it('buys again in another execution, if the task has failed', async () => {
			const { submits } = await twice({ prompt: 'a [fail]' }, { executionId: OTHER_EXECUTION });
			expect(submits).toHaveLength(2);
		});

		it('buys nothing, if nothing but white space differs', async () => {
			const written = { prompt: '={{ $json.prompt }}' };
			const items = (text: string) => ({ settings, items: [{ prompt: text }] });
			const first = await bench.generate(written, items(' a red\n teapot '));
			const { json, submits } = await call(written, {
				...items('a red teapot'),
				onceMoreAfter: first,
			});
			expect(submits).toHaveLength(1);
			expect(json.taskId).toBe(first.items[0]?.json.taskId);
		});

		it('is another purchase with another prompt', async () => {
			const written = { prompt: '={{ $now.toMillis() }}' };
			const { first, json, submits } = await twice(written);
			expect(submits).toHaveLength(2);
			expect(json.taskId).not.toBe(first.taskId);
		});
	});

	it('at the same time as another one of its execution waits for its own task', async () => {
		const first = await bench.generate({ waitMode: 'dontWait' }, { settings });
		await bench.emulate({ latencyMs: 5000 });
		// An agent that works on several items at once gives their calls the same run index.
		const calls = await Promise.all(
			['a cup', 'a bowl'].map(
				async (prompt) =>
					await call(
						{ prompt: '={{ $json.prompt }}' },
						{ items: [{ prompt }], onceMoreAfter: first },
					),
			),
		);
		expect(calls.map(({ json }) => [json.prompt, json.status, json.message])).toEqual([
			['a cup', 'completed', undefined],
			['a bowl', 'completed', undefined],
		]);
	});

	it.each([
		['get', 'taskId'],
		['wait', 'taskIds'],
	])(
		'for a task that does not exist does not say that it was submitted: Task → %s',
		async (operation, list) => {
			const { message } = await call({ resource: 'task', operation, [list]: 'gone-1' });
			expect(message).toMatch(/does not know the task/);
			expect(message).toMatch(/Nothing was bought by asking/);
			expect(message).toMatch(/If the ID is right, task gone-1 is paid/);
			expect(message).not.toMatch(/was submitted and is paid/);
		},
	);

	it('without a credential is answered, too', async () => {
		const { message, submits } = await call({}, { settings: { ...settings, credentials: {} } });
		expect(message).toMatch(/credential/i);
		expect(message).toMatch(/Nothing was bought/);
		expect(submits).toEqual([]);
	});

	it('that is cancelled ends like any cancelled node', async () => {
		await bench.emulate({ latencyMs: Infinity });
		const { error, items } = await bench.generate(
			{},
			{
				settings: { type: settings.type },
				meanwhile: async ({ cancel }) => {
					await until('the task is bought', () => bench.emulator.ledger.submits.length === 1);
					cancel();
				},
			},
		);
		expect(items).toEqual([]);
		expect(error?.message).toContain('The execution was cancelled');
	});
});

describe('A tool call for what is no task', () => {
	const bench = useEngine();

	it.each([
		['Account → Get Credits', { resource: 'account', operation: 'getCredits' }],
		[
			'File → Get Download URL',
			{ resource: 'file', operation: 'getDownloadUrl', url: 'https://example.com/a.png' },
		],
	])('says what is wrong, and that nothing was bought: %s', async (_, parameters) => {
		const { items, status } = await bench.run({
			parameters,
			settings: { type: `${MIDJOURNEY}Tool` },
			credentials: { apiKey: 'another' },
		});
		expect(status).toBe('success');
		expect(items.map(({ json }) => json.message)).toEqual([
			expect.stringMatching(/did not accept the API key.*Nothing was bought/),
		]);
	});
});
