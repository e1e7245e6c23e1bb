import { MIDJOURNEY } from './harness';
import { useEngine } from './setup';

const bench = useEngine({ latencyMs: Infinity });

const eachPrompt = { prompt: '={{ $json.prompt }}' };
const two = { items: [{ prompt: 'a cup' }, { prompt: 'a bowl' }] };

describe('Wait Mode: Callback', () => {
	it('submits with the resume URL, a nonce and the reference, looks once, and parks', async () => {
		const result = await bench.generate(
			{
				...eachPrompt,
				waitMode: 'callback',
				options: { reference: '={{ "for " + $json.prompt }}' },
			},
			two,
		);
		expect(result.status).toBe('waiting');
		const urls = bench.emulator.ledger.submits.map(({ body }) => new URL(String(body.callBackUrl)));
		expect(urls.map(({ pathname }) => pathname)).toEqual(Array(2).fill('/webhook-waiting/1'));
		expect(urls.map(({ searchParams }) => searchParams.get('mjReference'))).toEqual([
			'for a cup',
			'for a bowl',
		]);
		expect(new Set(urls.map(({ searchParams }) => searchParams.get('mjNonce'))).size).toBe(1);
		expect(urls[0]?.searchParams.get('mjNonce')).toMatch(/^[0-9a-f]{32}$/);
		expect(bench.emulator.ledger.reads).toHaveLength(2);
	});

	it('sets the end of the wait by the longest time limit', async () => {
		const before = Date.now();
		const { data } = await bench.generate({ waitMode: 'callback', options: { timeLimit: 90 } });
		const waitTill = new Date(String(data.waitTill)).getTime();
		expect(waitTill - before).toBeGreaterThanOrEqual(90 * 60_000);
		expect(waitTill - Date.now()).toBeLessThanOrEqual(90 * 60_000);
	});

	it('saves what it waits for as its own input, and leaves the items before it alone', async () => {
		const { data } = await bench.generate({ ...eachPrompt, waitMode: 'callback' }, two);
		const saved = data.executionData?.nodeExecutionStack[0]?.data.main?.[0] ?? [];
		expect(saved.map(({ json }) => [json.taskId, json.status])).toEqual(
			bench.emulator.ledger.submits.map(({ taskId }) => [taskId, 'pending']),
		);
		expect(data.resultData.runData.Items?.[0]?.data?.main?.[0]?.map(({ json }) => json)).toEqual(
			two.items,
		);
	});

	it('says in what passes when the time is up which task is open, and how to go on', async () => {
		const { data } = await bench.generate({ waitMode: 'callback' });
		const entry = data.executionData?.nodeExecutionStack[0];
		const [submit] = bench.emulator.ledger.submits;
		const message = entry?.data.main?.[0]?.[0]?.json.errorMessage;
		expect(message).toContain(`task ${submit?.taskId} is still open`);
		expect(entry?.metadata?.resumeError?.message).toBe(message);
	});

	it('passes without an error when the user wants pending items', async () => {
		const { data } = await bench.generate({
			waitMode: 'callback',
			options: { onTimeLimit: 'returnPending' },
		});
		const entry = data.executionData?.nodeExecutionStack[0];
		expect(entry?.metadata?.resumeError).toBeUndefined();
		expect(entry?.data.main?.[0]?.[0]?.json).not.toHaveProperty('errorMessage');
	});

	it.each(['callback', 'auto'])('never parks as the tool of an agent: %s', async (waitMode) => {
		const result = await bench.generate(
			{ waitMode, options: { parkAfter: 0, timeLimit: 0.05 } },
			{ settings: { type: `${MIDJOURNEY}Tool` } },
		);
		expect(result.status).toBe('error');
		expect(result.error?.message).toContain('is still open');
		const [submit] = bench.emulator.ledger.submits;
		expect(submit?.body).not.toHaveProperty('callBackUrl');
	});

	it('does not park when everything is finished by the look before', async () => {
		await bench.emulate({ latencyMs: 0 });
		const result = await bench.generate({ waitMode: 'callback' });
		expect(result.status).toBe('success');
		expect(result.items[0]?.json.status).toBe('completed');
	});

	it('goes through the Trigger whose URL is given, with the resume URL signed inside', async () => {
		await bench.generate({
			waitMode: 'callback',
			options: { triggerUrl: 'http://127.0.0.1:5678/webhook/abc' },
		});
		const url = new URL(String(bench.emulator.ledger.submits[0]?.body.callBackUrl));
		expect(url.pathname).toBe('/webhook/abc');
		expect(url.searchParams.get('mjResume')).toContain('/webhook-waiting/1');
		expect(url.searchParams.get('mjSignature')).toBeTruthy();
	});

	it('refuses before any submit when the provider cannot reach this n8n', async () => {
		const result = await bench.run({
			parameters: {
				resource: 'image',
				operation: 'generate',
				prompt: 'a cup',
				waitMode: 'callback',
			},
			credentials: { baseUrl: 'https://api.provider.example' },
		});
		expect(result.error?.message).toMatch(/Callbacks cannot arrive: .*127\.0\.0\.1/);
		expect(result.error?.description).toMatch(/Nothing was submitted/);
	});

	it('reads a task that failed before parking again at the end, instead of keeping a mere message', async () => {
		await bench.emulate({ latencyMs: { imageTurbo: 0, imageFast: Infinity } });
		const { data, status } = await bench.generate(
			{
				...eachPrompt,
				waitMode: 'callback',
				additionalFields: { speed: '={{ $json.speed }}' },
			},
			{
				items: [
					{ prompt: 'a cup [fail]', speed: 'turbo' },
					{ prompt: 'a bowl', speed: 'fast' },
				],
				settings: { onError: 'continueRegularOutput' },
			},
		);
		expect(status).toBe('waiting');
		const saved = data.executionData?.nodeExecutionStack[0]?.data.main?.[0] ?? [];
		expect(saved[0]?.json.status).toBe('failed');
		const states: Array<{ taskId: string; problem?: object }> = JSON.parse(
			String(saved[0]?.json.parked),
		);
		expect(states.map(({ taskId, problem }) => [taskId, problem])).toEqual(
			bench.emulator.ledger.submits.map(({ taskId }) => [taskId, undefined]),
		);
	});

	it('with On Error = continue, keeps the problem of an item that was never submitted', async () => {
		const { data, status } = await bench.generate(
			{ ...eachPrompt, waitMode: 'callback' },
			{
				items: [{ prompt: '' }, { prompt: 'a cup' }],
				settings: { onError: 'continueRegularOutput' },
			},
		);
		expect(status).toBe('waiting');
		const saved = data.executionData?.nodeExecutionStack[0]?.data.main?.[0] ?? [];
		expect(saved.map(({ json }) => json.errorMessage)).toEqual([
			"'Prompt' is empty [item 0]",
			expect.stringContaining('still open'),
		]);
	});
});

describe('Wait Mode: Auto', () => {
	it('brings the result of a quick task without parking', async () => {
		await bench.emulate({ latencyMs: 200 });
		const result = await bench.generate({ waitMode: 'auto', options: { parkAfter: 10 } });
		expect(result.status).toBe('success');
		expect(result.items[0]?.json.via).toBe('poll');
	});

	it('parks what is slow after its patience', async () => {
		const result = await bench.generate({ waitMode: 'auto', options: { parkAfter: 0.3 } });
		expect(result.status).toBe('waiting');
	});
});

describe('A retried execution that was parked', () => {
	it('polls for tasks that call back another execution', async () => {
		const first = await bench.generate({ waitMode: 'callback' });
		const saved = JSON.parse(JSON.stringify(first.data));
		delete saved.waitTill;
		delete saved.resultData.runData.Midjourney;
		const [entry] = saved.executionData.nodeExecutionStack;
		entry.data.main = [[{ json: {} }]];
		delete entry.metadata;
		// As n8n does: another execution with the data of the old one.
		for (const value of Object.values(saved.executionData.contextData['node:Midjourney'] ?? {})) {
			if (typeof value === 'object' && value && 'executionId' in value) value.executionId = 'old';
		}
		const [submit] = bench.emulator.ledger.submits;
		const second = bench.generate({ waitMode: 'callback' }, { retryOf: saved });
		bench.emulator.finish(String(submit?.taskId));
		const { status, items } = await second;
		expect(status).toBe('success');
		expect(items[0]?.json).toMatchObject({ status: 'completed', via: 'poll' });
		expect(bench.emulator.ledger.submits).toHaveLength(1);
	});
});
