import type { IRunExecutionData } from 'n8n-workflow';

import { altered, decodeClaims, underOtherTag, withoutToken } from '../callbackAddress';
import { DIALECTS } from './dialects';
import { EXECUTION, OTHER_EXECUTION } from './executions';
import { MIDJOURNEY, type Scenario } from './harness';
import { retryOf, until, useEngine } from './setup';

/**
 * Parked executions in n8n's own engine, with an n8n around it that keeps and resumes them (instance.ts). What leans on
 * n8n's inside (tasks/n8n/internals.ts) is noticed here when an n8n treats it otherwise.
 */

const eachPrompt = { prompt: '={{ $json.prompt }}' };
const prompts = (count: number) =>
	Array.from({ length: count }, (_, index) => ({ prompt: `product ${index}` }));

describe.each(DIALECTS)('With $displayName', (dialect) => {
	const bench = useEngine({ latencyMs: 300 }, dialect);
	const { promptOf, isSubmit } = dialect;
	const auto = (parameters: Scenario['parameters'] = {}, scenario: Partial<Scenario> = {}) =>
		bench.generating({ waitMode: 'auto', ...parameters }, scenario);
	const submits = () => bench.emulator.ledger.submits;

	describe('Auto', () => {
		it('saves its intent before anything is sent', async () => {
			const instance = await bench.instance();
			const first = await instance.begin(auto());
			expect(first.status).toBe('waiting');
			expect(submits()).toEqual([]);
			expect(JSON.stringify(first.data.executionData)).toContain('toBuy');
			expect(first.items).toEqual([]);
		});

		it('is woken by its own process, in one run of the node', async () => {
			const instance = await bench.instance();
			const result = await instance.complete(auto(eachPrompt, { items: prompts(3) }));
			expect(result.items.map(({ json }) => [json.prompt, json.status])).toEqual(
				prompts(3).map(({ prompt }) => [prompt, 'completed']),
			);
			expect(submits()).toHaveLength(3);
			expect(result.data.resultData.runData.Midjourney).toHaveLength(1);
			expect(result.after).toHaveLength(1);
		});

		it('buys in batches, and saves the ids of each before the next is sent', async () => {
			const instance = await bench.instance();
			await bench.emulate({ latencyMs: Infinity });
			void instance.begin(auto(eachPrompt, { items: prompts(25) }));
			const saved = await instance.until(EXECUTION, ({ data }) => {
				const ids = submits().map(({ taskId }) => taskId);
				const text = JSON.stringify(data.executionData);
				return ids.length >= 10 && ids.length < 25 && ids.every((id) => text.includes(id));
			});
			expect(saved.status).toBe('waiting');
			for (const { taskId } of submits()) bench.emulator.finish(taskId);
			await until('all items are bought', () => submits().length === 25);
		});

		it('does not change the output of the previous node', async () => {
			const instance = await bench.instance();
			const { data } = await instance.complete(auto(eachPrompt, { items: prompts(2) }));
			const [run] = data.resultData.runData.Items ?? [];
			expect(run?.data?.main?.[0]?.map(({ json }) => json)).toEqual(prompts(2));
		});

		it('shows the open tasks while it waits', async () => {
			const instance = await bench.instance();
			await bench.emulate({ latencyMs: Infinity });
			void instance.begin(auto(eachPrompt, { items: prompts(2) }));
			const { items } = await instance.until(EXECUTION, ({ items: shown }) => shown.length > 0);
			expect(items.map(({ json }) => [json.taskId, json.status])).toEqual(
				submits().map(({ taskId }) => [taskId, 'pending']),
			);
		});

		it.each([
			['stopWorkflow', 'error', 0],
			['continueRegularOutput', 'success', 2],
			['continueErrorOutput', 'success', 1],
		] as const)('obeys On Error for a failed task: %s', async (onError, status, count) => {
			const instance = await bench.instance();
			const result = await instance.complete(
				auto(eachPrompt, {
					items: [{ prompt: 'a cup [fail]' }, { prompt: 'a bowl' }],
					settings: { onError },
				}),
			);
			expect(result.status).toBe(status);
			expect(result.items).toHaveLength(count);
			expect(submits()).toHaveLength(2);
		});

		it('goes on after a pause for the rate limit, and buys each item once', async () => {
			const instance = await bench.instance();
			await bench.emulate({ latencyMs: 100, rateLimit: { requests: 4, perMs: 1500 } });
			const result = await instance.complete(auto(eachPrompt, { items: prompts(9) }));
			expect(result.items).toHaveLength(9);
			expect(submits().map(promptOf).sort()).toEqual(prompts(9).map(({ prompt }) => prompt));
		}, 30_000);

		it('ends at the time limit with an error that names the task ids', async () => {
			const instance = await bench.instance();
			await bench.emulate({ latencyMs: Infinity });
			const { status, error } = await instance.complete(auto({ waitOptions: { timeLimit: 0.05 } }));
			expect(status).toBe('error');
			expect(error?.message).toContain(submits()[0]?.taskId);
		}, 15_000);

		it("saves its intent, but does not wait, with Don't Wait", async () => {
			const instance = await bench.instance();
			await bench.emulate({ latencyMs: Infinity });
			const result = await instance.complete(auto({ waitMode: 'dontWait' }));
			expect(result.items.map(({ json }) => json.taskId)).toEqual([submits()[0]?.taskId]);
			expect(instance.runsOf()).toBe(2);
		});
	});

	describe('In the foreground', () => {
		it.each<[string, Partial<Scenario>, Scenario['parameters']]>([
			['with Poll', {}, { waitMode: 'poll' }],
			['as the tool of an agent', { settings: { type: `${MIDJOURNEY}Tool` } }, {}],
			['in a sub-workflow', { mode: 'integrated' }, {}],
			['in n8n execute', { mode: 'cli' }, {}],
			['in an evaluation', { mode: 'evaluation' }, {}],
			['in an n8n that has only what it documents', { onlyDocumented: true }, {}],
		])('it waits %s', async (_, scenario, parameters) => {
			const instance = await bench.instance();
			const { items } = await instance.begin(auto(parameters, scenario));
			expect(items.map(({ json }) => json.status)).toEqual(['completed']);
			expect(instance.runsOf()).toBe(1);
			expect(submits()[0]?.callbackUrl).toBeUndefined();
		});
	});

	describe('An execution that is killed', () => {
		it('before anything was sent: the retry buys each item once', async () => {
			const instance = await bench.instance();
			const scenario = auto(eachPrompt, { items: prompts(2) });
			const first = await instance.begin(scenario, { dies: true });
			const retried = await instance.complete({
				...scenario,
				executionId: OTHER_EXECUTION,
				retryOf: retryOf(first),
			});
			expect(retried.items).toHaveLength(2);
			expect(submits()).toHaveLength(2);
		});

		it('while it sends: the retry sends nothing and names each item', async () => {
			const instance = await bench.instance();
			const scenario = auto(eachPrompt, { items: prompts(2) });
			const { data } = await instance.begin(scenario, { dies: true });
			const secret = String(/\\"wake\\":\\"([0-9a-f]{32})/.exec(JSON.stringify(data))?.[1]);
			// n8n saves this with the wake, before the node runs.
			const woken = await bench.engine.call(scenario, data, {
				query: {},
				body: { midjourneyWake: secret },
			});
			expect(woken).toMatchObject({ status: 200, woken: true });
			const retried = await instance.complete({
				...scenario,
				executionId: OTHER_EXECUTION,
				retryOf: retryOf(woken),
			});
			expect(submits()).toHaveLength(0);
			expect(retried.error?.message).toContain('[item 0]');
			expect(retried.error?.description).toMatch(/may have been paid/);
			expect(retried.error?.description).toMatch(/\bitems? 1\b/);
		});

		it('while it sends, and is revived by a late call: nothing is sent a second time', async () => {
			const scenario = auto();
			const instance = await bench.instance();
			const { data } = await instance.begin(scenario, { dies: true });
			const secret = String(/\\"wake\\":\\"([0-9a-f]{32})/.exec(JSON.stringify(data))?.[1]);
			const call = { query: {}, body: { midjourneyWake: secret } };
			const woken = await bench.engine.call(scenario, data, call);
			// Another process of n8n does not remember the first wake.
			const revived = JSON.stringify(woken.data.executionData).replaceAll('sending', 'unknown');
			const { status, error } = await bench.engine.run({
				...scenario,
				retryOf: { ...woken.data, executionData: JSON.parse(revived) },
			});
			expect(status).toBe('error');
			expect(error?.description).toMatch(/may have been paid/);
			expect(submits()).toHaveLength(0);
		});

		it('while it waits: the retry picks up what was bought', async () => {
			const instance = await bench.instance();
			await bench.emulate({ latencyMs: Infinity });
			const scenario = auto(eachPrompt, { items: prompts(2) });
			void instance.begin(scenario);
			const waiting = await instance.until(EXECUTION, ({ items }) => items.length > 0);
			instance.forget();
			for (const { taskId } of submits()) bench.emulator.finish(taskId);
			const retried = await instance.complete({
				...scenario,
				executionId: OTHER_EXECUTION,
				retryOf: retryOf(waiting),
			});
			expect(retried.items.map(({ json }) => json.status)).toEqual(['completed', 'completed']);
			expect(submits()).toHaveLength(2);
		});

		it('while it waits for calls: the retry reads tasks whose calls go to the first execution', async () => {
			const instance = await bench.instance();
			await bench.emulate({ latencyMs: Infinity, callbacks: 'manual' });
			const scenario = auto({ ...eachPrompt, waitMode: 'callback' }, { items: prompts(2) });
			void instance.begin(scenario);
			const waiting = await instance.until(EXECUTION, ({ items }) => items.length > 0);
			instance.forget();
			void instance.begin({ ...scenario, executionId: OTHER_EXECUTION, retryOf: retryOf(waiting) });
			await instance.until(OTHER_EXECUTION, ({ items }) => items.length > 0);
			for (const { taskId } of submits()) bench.emulator.finish(taskId);
			const { items } = await instance.ended(OTHER_EXECUTION);
			expect(items.map(({ json }) => json.status)).toEqual(['completed', 'completed']);
			expect(submits()).toHaveLength(2);
		});

		it('while it waits: n8n runs it again when its time is up, and another process goes on', async () => {
			const instance = await bench.instance();
			await bench.emulate({ latencyMs: Infinity });
			void instance.begin(auto());
			await instance.until(EXECUTION, ({ items }) => items.length > 0);
			bench.emulator.finish(String(submits()[0]?.taskId));
			const result = await instance.timeUp();
			const ended = result.status === 'waiting' ? await instance.ended() : result;
			expect(ended.items.map(({ json }) => json.status)).toEqual(['completed']);
			expect(submits()).toHaveLength(1);
		});

		it('in an older version of the package: it ends with an error that names what was bought', async () => {
			const { data } = await bench.engine.run(auto());
			const stack = JSON.stringify(data.executionData)
				.replaceAll('\\"version\\":1', '\\"version\\":0')
				.replaceAll('\\"at\\":\\"toBuy\\"', '\\"taskId\\":\\"task-77\\"');
			const result = await bench.engine.run({
				...auto(),
				retryOf: { ...data, executionData: JSON.parse(stack) },
			});
			expect(result.error?.message).toMatch(/another version/);
			expect(submits()).toHaveLength(1);
		});
	});

	describe('Callbacks', () => {
		const callback = (options: Record<string, unknown> = {}, scenario: Partial<Scenario> = {}) =>
			bench.generating(
				{ ...eachPrompt, waitMode: 'callback', waitOptions: { firstCheck: 60 }, options },
				scenario,
			);
		const parked = async (scenario: Scenario) => {
			const instance = await bench.instance();
			void instance.begin(scenario);
			return await instance.until(EXECUTION, ({ items }) => items.length > 0);
		};
		beforeEach(async () => {
			await bench.emulate({ latencyMs: Infinity, callbacks: 'manual', callbackRetryPausesMs: [] });
		});
		const taskId = (position: number) =>
			String(submits().find((submit) => promptOf(submit) === `product ${position}`)?.taskId);

		it('go to an address of this node alone, with the wait, the item and the reference in it', async () => {
			await parked(callback({ reference: '={{ "for " + $json.prompt }}' }, { items: prompts(2) }));
			const urls = [0, 1].map(
				(position) =>
					submits().find((submit) => promptOf(submit) === `product ${position}`)?.callbackUrl,
			);
			expect(urls.map((url) => new URL(String(url)).pathname)).toEqual(
				Array(2).fill(`/webhook-waiting/${EXECUTION}/n8n-nodes-midjourney`),
			);
			const [one, other] = urls.map(decodeClaims);
			expect([one, other]).toMatchObject([
				{ position: 0, reference: 'for product 0', nonce: expect.stringMatching(/^[0-9a-f]{32}$/) },
				{ position: 1, reference: 'for product 1', nonce: one?.nonce },
			]);
			expect(other?.submit).not.toBe(one?.submit);
		});

		it('wake the execution once, when the last task has ended, with one read for each task', async () => {
			await parked(callback({}, { items: prompts(5) }));
			const instance = await bench.instance();
			const before = instance.runsOf();
			for (const position of [3, 1, 4, 0, 2]) {
				bench.emulator.finish(taskId(position));
				await bench.emulator.deliverCallback(taskId(position));
			}
			const { items } = await instance.ended();
			expect(items.map(({ json }) => [json.status, json.via])).toEqual(
				Array(5).fill(['completed', 'callback']),
			);
			expect(instance.runsOf()).toBe(before + 1);
			expect(bench.emulator.ledger.reads).toHaveLength(5);
		});

		it('leave nothing to read before them once a task has taken as long, not even for a look', async () => {
			const instance = await bench.instance();
			await bench.emulate({ latencyMs: 8 * 60_000, callbacks: 'automatic' });
			const parameters = { ...{ resource: 'image', operation: 'generate' }, prompt: 'a teapot' };
			// Without Wait Options, which would say when to read.
			const scenario = bench.scenario({ parameters: { ...parameters, waitMode: 'auto' } });
			await instance.complete(scenario);
			const before = bench.emulator.ledger.reads.length;
			await instance.complete({ ...scenario, executionId: OTHER_EXECUTION });
			expect(instance.runsOf(OTHER_EXECUTION)).toBeGreaterThan(3);
			expect(bench.emulator.ledger.reads).toHaveLength(before + 1);
		});

		it.each<[string, (address: unknown) => URL]>([
			['no token', withoutToken],
			['another tag', underOtherTag],
			['another item', (address) => altered(address, { i: 1 })],
			['another wait', (address) => altered(address, { w: '0'.repeat(32) })],
			['a later end', (address) => altered(address, { x: 9e9 })],
		])('that do not prove themselves are refused without a read: %s', async (_, change) => {
			await parked(callback({}, { items: prompts(1) }));
			const url = change(submits()[0]?.callbackUrl);
			const { status } = await fetch(url, { method: 'POST', body: '{}' });
			expect(status).toBe(401);
			expect(bench.emulator.ledger.reads).toHaveLength(0);
		});

		it('for another execution are refused without a read', async () => {
			await parked(callback({}, { items: prompts(1) }));
			const instance = await bench.instance();
			void instance.begin({ ...callback({}, { items: prompts(1) }), executionId: OTHER_EXECUTION });
			await instance.until(OTHER_EXECUTION, ({ items }) => items.length > 0);
			const url = new URL(String(submits()[0]?.callbackUrl));
			url.pathname = `/webhook-waiting/${OTHER_EXECUTION}/n8n-nodes-midjourney`;
			const { status } = await fetch(url, { method: 'POST', body: '{}' });
			expect(status).toBe(401);
			expect(bench.emulator.ledger.reads).toHaveLength(0);
		});

		it('that claim too much are not believed: the task is read, and the execution waits on', async () => {
			await parked(callback({}, { items: prompts(1) }));
			await bench.emulator.deliverCallback(taskId(0));
			const instance = await bench.instance();
			expect(instance.forget().status).toBe('waiting');
			expect(bench.emulator.ledger.reads).toHaveLength(1);
		});

		it('name the task of a submit that was not answered, and its item gets the result', async () => {
			bench.emulator.intercept(async (call) => {
				if (!isSubmit(call)) return undefined;
				await call.handle();
				return 'reset';
			});
			const instance = await bench.instance();
			void instance.begin(callback({}, { items: prompts(1) }));
			await until('the item is bought', () => submits().length === 1);
			await instance.until(EXECUTION, ({ items }) => items.length > 0);
			bench.emulator.finish(taskId(0));
			await bench.emulator.deliverCallback(taskId(0));
			const { items, error } = await instance.ended();
			expect(error).toBeUndefined();
			expect(items.map(({ json }) => [json.taskId, json.status])).toEqual([
				[taskId(0), 'completed'],
			]);
			expect(submits()).toHaveLength(1);
		});

		it('stop the node before any submit if none can arrive', async () => {
			const result = await bench.engine.run({
				...callback({}, { items: prompts(1) }),
				credentials: { baseUrl: 'https://api.provider.example' },
			});
			expect(result.error?.message).toMatch(/Callbacks cannot arrive: .*127\.0\.0\.1/);
			expect(result.error?.description).toMatch(/Nothing was submitted/);
		});

		const triggerUrl = 'http://127.0.0.1:5678/webhook/6f1c/webhook';

		it('go through the given Trigger, with the execution that it is to hand them on to', async () => {
			await parked(callback({ triggerUrl }, { items: prompts(1) }));
			const address = submits()[0]?.callbackUrl;
			expect(new URL(String(address)).pathname).toBe('/webhook/6f1c/webhook');
			expect(decodeClaims(address)).toMatchObject({
				...{ position: 0, nonce: expect.stringMatching(/^[0-9a-f]{32}$/) },
				...{ executionId: EXECUTION, resumeToken: expect.any(String) },
			});
		});

		it("go to the given Trigger, without a wait, with Don't Wait", async () => {
			await bench.generate({
				waitMode: 'dontWait',
				options: { triggerUrl, reference: 'order 7' },
			});
			const address = submits()[0]?.callbackUrl;
			expect(new URL(String(address)).pathname).toBe('/webhook/6f1c/webhook');
			const { reference, nonce, executionId, resumeToken } = decodeClaims(address);
			expect({ reference, nonce, executionId, resumeToken }).toEqual({ reference: 'order 7' });
		});

		it("are not requested with Don't Wait and no Trigger", async () => {
			await bench.generate({ waitMode: 'dontWait' });
			expect(submits().map((submit) => submit.callbackUrl)).toEqual([undefined]);
		});

		it("stop the node before any submit with Don't Wait if the Trigger cannot be reached", async () => {
			const { error } = await bench.generate(
				{ waitMode: 'dontWait', options: { triggerUrl } },
				{ credentials: { baseUrl: 'https://api.provider.example' } },
			);
			expect(error?.message).toMatch(/Callbacks cannot arrive: .*127\.0\.0\.1/);
			expect(error?.description).toMatch(/Nothing was submitted/);
			expect(submits()).toHaveLength(0);
		});
	});

	describe('Where the process cannot reach its own n8n', () => {
		const waitOf = ({ data }: { data: IRunExecutionData }) =>
			(new Date(String(data.waitTill)).getTime() - Date.now()) / 60_000;

		it('runs the node again after a minute if no call will come', async () => {
			await bench.emulate({ latencyMs: Infinity });
			const { items } = await bench.generate({ waitMode: 'dontWait' });
			const waiting = await bench.run({
				parameters: {
					...{ resource: 'task', operation: 'wait', waitMode: 'auto' },
					taskIds: '={{ $json.taskId }}',
				},
				items: items.map(({ json }) => json),
			});
			expect(waitOf(waiting)).toBeCloseTo(1, 1);
		});

		it('buys in the foreground, parks, and runs again when its time is up', async () => {
			await bench.emulate({ latencyMs: Infinity });
			const scenario = auto({ waitOptions: { firstCheck: 0 } });
			const first = await bench.engine.run(scenario);
			expect(first.status).toBe('waiting');
			expect(submits()).toHaveLength(1);
			expect(waitOf(first)).toBeCloseTo(5, 1);
			bench.emulator.finish(String(submits()[0]?.taskId));
			const { items } = await bench.engine.run({ ...scenario, retryOf: first.data });
			expect(items.map(({ json }) => json.status)).toEqual(['completed']);
		});
	});

	describe('Task → Wait', () => {
		it('reads at once, and parks only for open tasks', async () => {
			await bench.emulate({ latencyMs: Infinity });
			const { items: bought } = await bench.generate({ waitMode: 'dontWait' });
			bench.emulator.finish(String(submits()[0]?.taskId));
			const { items, status } = await bench.run({
				parameters: {
					resource: 'task',
					operation: 'wait',
					waitMode: 'auto',
					taskIds: '={{ $json.taskId }}',
				},
				items: bought.map(({ json }) => json),
			});
			expect(status).toBe('success');
			expect(items[0]?.json.status).toBe('completed');
			expect(submits()).toHaveLength(1);
		});
	});
});
