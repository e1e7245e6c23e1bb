import { DIALECTS } from './dialects';
import { MIDJOURNEY } from './harness';
import { useEngine } from './setup';

describe.each(DIALECTS)('With $displayName', (dialect) => {
	const bench = useEngine({ latencyMs: Infinity }, dialect);

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
			const urls = bench.emulator.ledger.submits.map(
				({ callbackUrl }) => new URL(String(callbackUrl)),
			);
			expect(urls.map(({ pathname }) => pathname)).toEqual(
				Array(2).fill('/webhook-waiting/1/midjourney'),
			);
			expect(urls.map(({ searchParams }) => searchParams.get('mjReference'))).toEqual([
				'for a cup',
				'for a bowl',
			]);
			expect(new Set(urls.map(({ searchParams }) => searchParams.get('mjNonce'))).size).toBe(1);
			expect(urls[0]?.searchParams.get('mjNonce')).toMatch(/^[0-9a-f]{32}$/);
			expect(bench.emulator.ledger.reads).toHaveLength(2);
		});

		it('leaves the items before it alone', async () => {
			const { data } = await bench.generate({ ...eachPrompt, waitMode: 'callback' }, two);
			expect(data.resultData.runData.Items?.[0]?.data?.main?.[0]?.map(({ json }) => json)).toEqual(
				two.items,
			);
		});

		it('shows what it waits for meanwhile', async () => {
			const { items } = await bench.generate({ ...eachPrompt, waitMode: 'callback' }, two);
			expect(items.map(({ json }) => [json.taskId, json.status])).toEqual(
				bench.emulator.ledger.submits.map(({ taskId }) => [taskId, 'pending']),
			);
		});

		it.each(['callback', 'auto'])('never parks as the tool of an agent: %s', async (waitMode) => {
			const result = await bench.generate(
				{ waitMode, options: { parkAfter: 0, timeLimit: 0.05 } },
				{ settings: { type: `${MIDJOURNEY}Tool` } },
			);
			expect(result.status).toBe('success');
			expect(result.items[0]?.json.message).toContain('is still open');
			expect(bench.emulator.ledger.submits[0]?.callbackUrl).toBeUndefined();
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
			const url = new URL(String(bench.emulator.ledger.submits[0]?.callbackUrl));
			expect(url.pathname).toBe('/webhook/abc');
			expect(url.searchParams.get('mjResume')).toContain('/webhook-waiting/1/midjourney');
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

	describe('In an n8n that has only what it documents', () => {
		const onlyDocumented = true;

		it('ends the wait at the longest time limit', async () => {
			const before = Date.now();
			const { data } = await bench.generate(
				{ waitMode: 'callback', options: { timeLimit: 90 } },
				{ onlyDocumented },
			);
			const waitTill = new Date(String(data.waitTill)).getTime();
			expect(waitTill - before).toBeGreaterThanOrEqual(90 * 60_000);
			expect(waitTill - Date.now()).toBeLessThanOrEqual(90 * 60_000);
		});

		it('saves what it waits for as its own input, and leaves the items before it alone', async () => {
			const { data } = await bench.generate(
				{ ...eachPrompt, waitMode: 'callback' },
				{ ...two, onlyDocumented },
			);
			const stack = data.executionData?.nodeExecutionStack ?? [];
			expect(stack).toHaveLength(1);
			expect(stack[0]?.data.main?.[0]?.map(({ json }) => [json.taskId, json.status])).toEqual(
				bench.emulator.ledger.submits.map(({ taskId }) => [taskId, 'pending']),
			);
			expect(stack[0]?.data.main?.[0]?.[0]?.json.parked).toEqual(expect.any(String));
			expect(data.resultData.runData.Items?.[0]?.data?.main?.[0]?.map(({ json }) => json)).toEqual(
				two.items,
			);
		});

		it('says when the time is up which task is open, and how to go on', async () => {
			const parked = await bench.generate({ waitMode: 'callback' }, { onlyDocumented });
			const { status, error } = await bench.generate(
				{ waitMode: 'callback' },
				{ onlyDocumented, retryOf: parked.data },
			);
			const [submit] = bench.emulator.ledger.submits;
			expect(status).toBe('error');
			expect(error?.message).toContain(`task ${submit?.taskId} is still open`);
			// For an n8n that cannot let the node fail then.
			const [passes] = parked.data.executionData?.nodeExecutionStack[0]?.data.main?.[0] ?? [];
			expect(passes?.json.errorMessage).toBe(error?.message);
		});

		it('passes pending items without an error when the user wants them', async () => {
			const parameters = { waitMode: 'callback', options: { onTimeLimit: 'returnPending' } };
			const parked = await bench.generate(parameters, { onlyDocumented });
			const { status, after } = await bench.generate(parameters, {
				onlyDocumented,
				retryOf: parked.data,
			});
			expect(status).toBe('success');
			expect(after.map((items) => items.map(({ json }) => json.status))).toEqual([['pending']]);
			expect(after[0]?.[0]?.json).not.toHaveProperty('errorMessage');
		});

		it('polls in a retried execution, because its tasks call back the one before', async () => {
			const parked = await bench.generate({ waitMode: 'callback' }, { onlyDocumented });
			const saved = parked.data;
			delete saved.waitTill;
			delete saved.resultData.runData.Midjourney;
			const [entry] = saved.executionData?.nodeExecutionStack ?? [];
			if (entry) {
				entry.data.main = [[{ json: {} }]];
				delete entry.metadata;
			}
			const second = bench.generate(
				{ waitMode: 'callback' },
				{ onlyDocumented, retryOf: saved, executionId: '2' },
			);
			bench.emulator.finish(String(bench.emulator.ledger.submits[0]?.taskId));
			const { status, items } = await second;
			expect(status).toBe('success');
			expect(items[0]?.json).toMatchObject({ status: 'completed', via: 'poll' });
			expect(bench.emulator.ledger.submits).toHaveLength(1);
		});
	});
});
