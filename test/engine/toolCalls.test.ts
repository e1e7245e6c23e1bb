import type { IDataObject } from 'n8n-workflow';

import type { Reaction } from '../emulator';
import { DIALECTS } from './dialects';
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
		const { json, message, submits } = await call({ options: { timeLimit: 0.05 } });
		const { taskId } = submits[0] ?? {};
		expect(json).toMatchObject({ taskId, status: 'pending' });
		expect(message).toMatch(/is still open/);
		expect(message).toContain('paid: do not submit it again');
		expect(message).toContain(`Task → Get with this task ID (${taskId})`);
		expect(message).not.toMatch(/retry of this execution|Raise Time Limit/);
	});

	it.each([
		['Return Pending', { options: { timeLimit: 0.05, onTimeLimit: 'returnPending' } }],
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

	it('for a task that does not exist does not say that it was submitted', async () => {
		const { message } = await call({ resource: 'task', operation: 'get', taskId: 'gone-1' });
		expect(message).toMatch(/does not know the task/);
		expect(message).toMatch(/Nothing was bought by asking/);
		expect(message).toMatch(/If the ID is right, task gone-1 is paid/);
		expect(message).not.toMatch(/was submitted and is paid/);
	});

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
