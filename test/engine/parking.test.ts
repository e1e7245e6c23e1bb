/* eslint-disable @n8n/community-nodes/no-restricted-globals -- waits, it is not a node */
import type { INodeExecutionData, IRunExecutionData } from 'n8n-workflow';

import { useEngine } from './setup';

const bench = useEngine({ latencyMs: Infinity });

const eachPrompt = { prompt: '={{ $json.prompt }}' };
const two = { items: [{ prompt: 'a cup' }, { prompt: 'a bowl' }] };

const savedIn = (data: IRunExecutionData): INodeExecutionData[] =>
	data.executionData?.nodeExecutionStack[0]?.data.parked?.[0] ?? [];

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

	it('looks again after five minutes, or at the time limit if that is sooner', async () => {
		const before = Date.now();
		const { data } = await bench.generate({ waitMode: 'callback', options: { timeLimit: 90 } });
		const { data: brief } = await bench.generate({
			waitMode: 'callback',
			options: { timeLimit: 0.5 },
		});
		const after = Date.now();
		for (const [{ waitTill }, ms] of [[data, 300_000] as const, [brief, 30_000] as const]) {
			const at = new Date(String(waitTill)).getTime();
			expect(at).toBeGreaterThanOrEqual(before + ms);
			expect(at).toBeLessThanOrEqual(after + ms);
		}
	});

	it('saves what it waits for beside the input, and leaves the items before it alone', async () => {
		const { data } = await bench.generate({ ...eachPrompt, waitMode: 'callback' }, two);
		expect(savedIn(data).map(({ json }) => [json.taskId, json.status])).toEqual(
			bench.emulator.ledger.submits.map(({ taskId }) => [taskId, 'pending']),
		);
		expect(data.resultData.runData.Items?.[0]?.data?.main?.[0]?.map(({ json }) => json)).toEqual(
			two.items,
		);
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
		expect(savedIn(data).map(({ json }) => json.errorMessage)).toEqual([
			"'Prompt' is empty [item 0]",
			undefined,
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

describe('A parked execution whose time has come', () => {
	it('waits on while a task is open, and leaves no trace of the look', async () => {
		const parked = await bench.generate({ waitMode: 'callback' });
		const { status, data } = await bench.generate(
			{ waitMode: 'callback' },
			{ retryOf: parked.data },
		);
		expect(status).toBe('waiting');
		expect(data.resultData.runData.Midjourney).toHaveLength(1);
		expect(data.executionData?.nodeExecutionStack).toHaveLength(2);
		expect(bench.emulator.ledger.submits).toHaveLength(1);
	});

	it('ends with the results when all tasks have ended, in one run and paired', async () => {
		const parked = await bench.generate({ ...eachPrompt, waitMode: 'callback' }, two);
		for (const { taskId } of bench.emulator.ledger.submits) bench.emulator.finish(taskId);
		const { status, items, data } = await bench.generate(
			{ ...eachPrompt, waitMode: 'callback' },
			{ ...two, retryOf: parked.data },
		);
		expect(status).toBe('success');
		expect(items.map(({ json, pairedItem }) => [json.status, pairedItem])).toEqual([
			['completed', { item: 0 }],
			['completed', { item: 1 }],
		]);
		expect(data.resultData.runData.Midjourney).toHaveLength(1);
	});

	it.each([
		['fails', 'error', 'error'],
		['ends with pending items', 'returnPending', 'success'],
	])('%s at the time limit with On Time Limit = %s', async (_, onTimeLimit, expected) => {
		const options = { timeLimit: 0.05, onTimeLimit };
		const parked = await bench.generate({ waitMode: 'callback', options });
		await new Promise((resolve) => setTimeout(resolve, 3100));
		const result = await bench.generate(
			{ waitMode: 'callback', options },
			{ retryOf: parked.data },
		);
		expect(result.status).toBe(expected);
		if (expected === 'error') expect(result.error?.message).toMatch(/task \w+ is still open/);
		else expect(result.items[0]?.json.status).toBe('pending');
	});

	it('buys nothing again with Retry On Fail, however often it looks', async () => {
		const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 0 };
		const parameters = { prompt: 'a cup [fail]', waitMode: 'callback' };
		const parked = await bench.generate(parameters, { settings });
		bench.emulator.finish(String(bench.emulator.ledger.submits[0]?.taskId));
		const { status } = await bench.generate(parameters, { settings, retryOf: parked.data });
		expect(status).toBe('error');
		expect(bench.emulator.ledger.submits).toHaveLength(1);
	});
});

describe('A retried execution that was parked', () => {
	it('polls for tasks that call back another execution', async () => {
		const first = await bench.generate({ waitMode: 'callback' });
		const saved = JSON.parse(JSON.stringify(first.data));
		delete saved.waitTill;
		delete saved.resultData.runData.Midjourney;
		const [, entry] = saved.executionData.nodeExecutionStack;
		saved.executionData.nodeExecutionStack = [entry];
		entry.data.parked[0][0].json.parked.executionId = 'old';
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
