/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- plays a file server, it is not a node */
import { createServer } from 'node:http';

import { BinaryDataService } from 'n8n-core';

import { DIALECTS } from './dialects';
import { QUICK, until, useEngine } from './setup';

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const three = { items: [{ prompt: 'one' }, { prompt: 'two [fail]' }, { prompt: 'three' }] };
const eachPrompt = { prompt: '={{ $json.prompt }}' };

/** A provider's answer about a task without its outputs. */
const withoutResults = (body: unknown): unknown =>
	JSON.parse(
		JSON.stringify(body, (key, value) => {
			if (key === 'resultInfoJson') return { resultUrls: [] };
			return key === 'output' ? [] : value;
		}),
	);

/** File servers that never end: the pieces they send, and the pause (in ms) between further bytes. */
const ENDLESS: Record<string, { pieces?: Buffer[]; drips?: number }> = {
	'does not answer': {},
	'falls silent after the first bytes': { pieces: [PNG] },
	'falls silent later': { pieces: [PNG, Buffer.alloc(500)] },
	drips: { pieces: [PNG, Buffer.alloc(500)], drips: 10 },
};

/** The limits of requests to the provider, in ms. */
const OF_REQUESTS = [30_000, 120_000];

/** A file server that never ends what it begins. */
async function startEndless({ pieces, drips }: (typeof ENDLESS)[string]) {
	const timers: NodeJS.Timeout[] = [];
	const server = createServer((_, response) => {
		if (!pieces) return;
		response.writeHead(200, { 'content-type': 'image/png' });
		for (const piece of pieces) response.write(piece);
		if (drips) timers.push(setInterval(() => response.write('.'), drips));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('No port');
	return {
		url: `http://127.0.0.1:${address.port}/0.png`,
		close: async () => {
			timers.forEach((timer) => clearInterval(timer));
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

describe.each(DIALECTS)('$displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { promptOf } = dialect;

	describe('Items', () => {
		it('come in the order of the input and paired with it, in whatever order the tasks finish', async () => {
			const latencies = [500, 50, 250];
			await bench.emulate({ latencyMs: Infinity });
			const running = bench.generate(eachPrompt, {
				items: [{ prompt: 'a' }, { prompt: 'b' }, { prompt: 'c' }],
				meanwhile: async () => {
					await until('all items are bought', () => bench.emulator.ledger.submits.length === 3);
					const last = [...bench.emulator.ledger.submits].sort(
						(a, b) =>
							Number(latencies['abc'.indexOf(String(promptOf(a)))]) -
							Number(latencies['abc'.indexOf(String(promptOf(b)))]),
					);
					for (const { taskId } of last) bench.emulator.finish(taskId);
				},
			});
			const { items } = await running;
			expect(items.map(({ json, pairedItem }) => [json.prompt, pairedItem])).toEqual([
				['a', { item: 0 }],
				['b', { item: 1 }],
				['c', { item: 2 }],
			]);
		});

		it('have the fields that the README promises', async () => {
			const { items } = await bench.generate({ prompt: 'a cup' });
			const [submit] = bench.emulator.ledger.submits;
			expect(items[0]?.json).toEqual({
				provider: dialect.name,
				taskId: submit?.taskId,
				operation: 'image:generate',
				status: 'completed',
				outputs: [0, 1, 2, 3].map((index) => ({
					index,
					type: 'image',
					url: `${bench.emulator.url}/files/${submit?.taskId}_${index}.png`,
				})),
				prompt: 'a cup',
				createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
				...dialect.itemOf(submit),
				waitedMs: expect.any(Number),
				polls: expect.any(Number),
				via: 'poll',
			});
		});

		it('say when the files expire if the provider says how long it keeps them', async () => {
			const { items } = await bench.generate({});
			const { completedAt, expiresAt } = items[0]?.json ?? {};
			const kept = dialect.retentionDays;
			expect(expiresAt).toBe(
				kept && new Date(Date.parse(String(completedAt)) + kept * 86_400_000).toISOString(),
			);
		});

		it('hold the raw answer when Simplify is off', async () => {
			const { items } = await bench.generate({ options: { simplify: false } });
			expect(items[0]?.json.raw).toMatchObject(dialect.raw);
		});

		it('come one per output, and Upscale takes them unchanged', async () => {
			const generated = await bench.generate({ options: { outputItems: 'output' } });
			expect(generated.items.map(({ json }) => [json.index, json.type])).toEqual([
				[0, 'image'],
				[1, 'image'],
				[2, 'image'],
				[3, 'image'],
			]);
			expect(generated.items.every(({ json }) => !('outputs' in json))).toBe(true);
			// The defaults that the editor saves for these fields.
			const byDefault = {
				taskId: '={{ $json.taskId }}',
				jobId: '={{ $json.jobId }}',
				index: '={{ $json.index ?? 0 }}',
			};
			const upscaled = await bench.run({
				parameters: {
					resource: 'image',
					operation: 'upscale',
					...byDefault,
					options: QUICK,
				},
				items: generated.items.map(({ json }) => json),
			});
			const { taskId } = generated.items[0]?.json ?? {};
			expect(upscaled.items.map(({ json }) => json.status)).toEqual(Array(4).fill('completed'));
			const sources = bench.emulator.ledger.submits.flatMap(({ source }) => source ?? []);
			expect(sources.sort((a, b) => a.index - b.index)).toEqual(
				[0, 1, 2, 3].map((index) => ({ taskId, index })),
			);
		});

		it('leave the input items unchanged', async () => {
			const { data } = await bench.generate(eachPrompt, { items: [{ prompt: 'a cup' }] });
			expect(data.resultData.runData.Items?.[0]?.data?.main?.[0]?.[0]?.json).toEqual({
				prompt: 'a cup',
			});
		});
	});

	describe('On Error', () => {
		it('Stop: the error is about the failed task and names the others', async () => {
			const result = await bench.generate(eachPrompt, three);
			const [one, two, last] = bench.emulator.ledger.submits;
			expect(result.status).toBe('error');
			expect(result.error?.message).toContain(`task ${two?.taskId} [item 1]`);
			expect(result.error?.description).toContain(one?.taskId);
			expect(result.error?.description).toContain(last?.taskId);
		});

		it('Continue: the failed item is marked and keeps its task id, the others are whole', async () => {
			const result = await bench.generate(eachPrompt, {
				...three,
				settings: { onError: 'continueRegularOutput' },
			});
			expect(result.items.map(({ json, pairedItem }) => [json.status, pairedItem])).toEqual([
				['completed', { item: 0 }],
				['failed', { item: 1 }],
				['completed', { item: 2 }],
			]);
			expect(result.items[1]?.json).toMatchObject({
				taskId: bench.emulator.ledger.submits[1]?.taskId,
				errorMessage: expect.stringContaining(dialect.failure.words),
			});
		});

		it('Continue (using error output): the failed item goes there with all its fields and those of the input', async () => {
			const result = await bench.generate(
				{ ...eachPrompt, options: { reference: 'order 7' } },
				{
					items: three.items.map((item, n) => ({ ...item, n })),
					settings: { onError: 'continueErrorOutput' },
				},
			);
			const { taskId } = bench.emulator.ledger.submits[1] ?? {};
			expect(result.items.map(({ json }) => json.prompt)).toEqual(['one', 'three']);
			expect(result.errorItems).toEqual([
				{
					json: expect.objectContaining({
						taskId,
						n: 1,
						status: 'failed',
						outputs: [],
						reference: 'order 7',
						prompt: 'two [fail]',
						provider: dialect.name,
						errorMessage: expect.stringContaining(`task ${taskId} [item 1]`),
						errorDescription: expect.any(String),
					}),
					pairedItem: expect.objectContaining({ item: 1 }),
				},
			]);
			// As n8n saves it.
			const [, saved] = result.data.resultData.runData.Midjourney?.at(-1)?.data?.main ?? [];
			expect(saved).toEqual(result.errorItems);
		});

		it.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
			'%s: Retry On Fail does not run the node again for a failed first item',
			async (onError) => {
				const result = await bench.generate(eachPrompt, {
					items: [{ prompt: 'one [fail]' }, { prompt: 'two' }],
					settings: { onError, retryOnFail: true, maxTries: 3, waitBetweenTries: 1 },
				});
				expect(
					[...result.items, ...result.errorItems].map(({ json }) => json.status).sort(),
				).toEqual(['completed', 'failed']);
				expect(bench.emulator.ledger.submits).toHaveLength(2);
			},
		);

		it('Continue: a bad item costs nothing, and the others are bought', async () => {
			const result = await bench.generate(eachPrompt, {
				items: [{ prompt: 'one' }, { prompt: '' }],
				settings: { onError: 'continueRegularOutput' },
			});
			expect(result.items.map(({ json }) => json.status)).toEqual(['completed', 'failed']);
			expect(result.items[1]?.json.errorMessage).toBe("'Prompt' is empty [item 1]");
			for (const field of ['via', 'polls', 'waitedMs'])
				expect(result.items[1]?.json).not.toHaveProperty(field);
			expect(bench.emulator.ledger.submits).toHaveLength(1);
		});
	});

	describe('Download', () => {
		it('stores the real files, named by task and index', async () => {
			const { items } = await bench.generate({ download: true });
			const { taskId } = items[0]?.json ?? {};
			const binary = items[0]?.binary ?? {};
			expect(Object.keys(binary)).toEqual(['data_0', 'data_1', 'data_2', 'data_3']);
			expect(binary.data_2).toMatchObject({
				fileName: `${taskId}_2.png`,
				mimeType: 'image/png',
				fileExtension: 'png',
			});
			const bytes = await bench.engine.bytes(binary.data_2);
			expect(bytes.subarray(0, PNG.length)).toEqual(PNG);
			expect(bytes.length).toBe(binary.data_2?.bytes);
		});

		it('gives each item its file with one item per output', async () => {
			const { items } = await bench.generate({
				download: true,
				options: { outputItems: 'output', binaryField: 'picture' },
			});
			expect(items.map(({ json, binary }) => [json.index, binary?.picture?.fileName])).toEqual(
				[0, 1, 2, 3].map((index) => [index, `${items[0]?.json.taskId}_${index}.png`]),
			);
		});

		it('stores videos as videos', async () => {
			const { items } = await bench.run({
				parameters: { ...dialect.video, download: true, options: QUICK },
			});
			expect(items[0]?.binary?.data_0).toMatchObject({
				mimeType: 'video/mp4',
				fileExtension: 'mp4',
			});
		});

		it.each([true, false])(
			'does not store what is larger than the limit (size announced: %s)',
			async (announced) => {
				const huge = Buffer.concat([PNG, Buffer.alloc(1_200_000)]);
				bench.emulator.intercept(async ({ path }) =>
					path.endsWith('_1.png')
						? {
								status: 200,
								headers: {
									'content-type': 'image/png',
									...(announced ? {} : { 'transfer-encoding': 'chunked' }),
								},
								body: huge,
							}
						: undefined,
				);
				const result = await bench.generate({
					download: true,
					options: { downloadLimit: 1, outputItems: 'output' },
				});
				expect(result.error?.message).toMatch(/Output 1 of task .* larger than 1 MB/);
				expect(bench.emulator.ledger.submits).toHaveLength(1);
			},
		);

		it('tries again after a passing failure of the file server', async () => {
			let stumbles = 0;
			bench.emulator.intercept(async ({ path }) =>
				path.startsWith('/files/') && stumbles++ === 0 ? { status: 503 } : undefined,
			);
			const { items } = await bench.generate({ download: true });
			expect(Object.keys(items[0]?.binary ?? {})).toHaveLength(4);
		});

		describe('with one of four files gone', () => {
			beforeEach(() => {
				bench.emulator.intercept(async ({ path }) =>
					path.endsWith('_2.png') ? { status: 404 } : undefined,
				);
			});
			const urls = (taskId: unknown) =>
				[0, 1, 2, 3].map((index) => `${bench.emulator.url}/files/${taskId}_${index}.png`);

			it('Stop: the error says which file, that the task is paid, and how to get the others', async () => {
				const { error } = await bench.generate({ download: true });
				const { taskId } = bench.emulator.ledger.submits[0] ?? {};
				expect(error?.message).toBe(
					`Output 2 of task ${taskId} could not be downloaded: the file is not there (404) [item 0]`,
				);
				expect(error?.description).toContain('paid: do not submit it again');
				expect(error?.description).toContain('Task → Wait');
			});

			it.each([
				['continueRegularOutput', 'items'],
				['continueErrorOutput', 'errorItems'],
			] as const)(
				'%s, One Item per Task: the item keeps all links and three files',
				async (onError, output) => {
					const result = await bench.generate(
						{ download: true },
						{
							settings: { onError },
						},
					);
					const { taskId } = bench.emulator.ledger.submits[0] ?? {};
					expect([...result.items, ...result.errorItems]).toHaveLength(1);
					const [item] = result[output];
					expect(item?.json).toMatchObject({
						taskId,
						status: 'completed',
						outputs: urls(taskId).map((url, index) => ({ index, url })),
						errorMessage: expect.stringContaining(`Output 2 of task ${taskId}`),
					});
					expect(Object.keys(item?.binary ?? {})).toEqual(['data_0', 'data_1', 'data_3']);
					expect(item?.pairedItem).toMatchObject({ item: 0 });
				},
			);

			it.each([
				['continueRegularOutput', [0, 1, 2, 3], []],
				['continueErrorOutput', [0, 1, 3], [2]],
			] as const)(
				'%s, One Item per Output: three items are whole, and one says what it lacks',
				async (onError, good, bad) => {
					const result = await bench.generate(
						{ download: true, options: { outputItems: 'output' } },
						{ settings: { onError } },
					);
					const { taskId } = bench.emulator.ledger.submits[0] ?? {};
					expect(result.items.map(({ json }) => json.index)).toEqual(good);
					expect(result.errorItems.map(({ json }) => json.index)).toEqual(bad);
					const all = [...result.items, ...result.errorItems];
					for (const { json, binary } of all) {
						expect(json.url).toBe(urls(taskId)[Number(json.index)]);
						expect('errorMessage' in json).toBe(json.index === 2);
						expect(Object.keys(binary ?? {})).toEqual(json.index === 2 ? [] : ['data']);
					}
				},
			);
		});

		it.each([
			['nothing', Buffer.alloc(0), 'the file is empty'],
			[
				'HTML',
				Buffer.from('<!DOCTYPE html><title>Expired</title>'),
				'does not lead to an image or a video',
			],
			[
				'a program',
				Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff'),
				'does not lead to an image or a video',
			],
		])('does not store %s for a PNG', async (_, body, words) => {
			bench.emulator.intercept(async ({ path }) =>
				path.startsWith('/files/')
					? { status: 200, headers: { 'content-type': 'image/png' }, body }
					: undefined,
			);
			const { items } = await bench.generate(
				{ download: true },
				{ settings: { onError: 'continueRegularOutput' } },
			);
			expect(items[0]?.binary).toBeUndefined();
			expect(items[0]?.json.errorMessage).toContain(`Outputs 0, 1, 2, 3 of task`);
			expect(items[0]?.json.errorMessage).toContain(words);
		});

		it('reports that n8n cannot store a file, and does not fetch it again', async () => {
			const full = Object.assign(new Error("ENOSPC: no space left on device, write '/data'"), {
				code: 'ENOSPC',
			});
			const store = jest.spyOn(BinaryDataService.prototype, 'store').mockRejectedValue(full);
			try {
				const { error } = await bench.generate({ download: true });
				expect(error?.message).toContain(
					'n8n could not store it (ENOSPC: no space left on device) [item 0]',
				);
				expect(bench.emulator.ledger.downloads).toHaveLength(4);
			} finally {
				store.mockRestore();
			}
		});

		it.each(Object.entries(ENDLESS))('ends when the file server %s', async (_, fault) => {
			const server = await startEndless(fault);
			// Limits of minutes become parts of a second, except for requests to the provider.
			const timeout = AbortSignal.timeout.bind(AbortSignal);
			const spy = jest
				.spyOn(AbortSignal, 'timeout')
				.mockImplementation((ms) => timeout(OF_REQUESTS.includes(ms) ? ms : Math.ceil(ms / 1000)));
			try {
				bench.emulator.intercept(async ({ path }) =>
					path.startsWith('/files/')
						? { status: 302, headers: { location: server.url } }
						: undefined,
				);
				const { items } = await bench.generate(
					{ download: true },
					{ settings: { onError: 'continueRegularOutput' } },
				);
				const { taskId } = bench.emulator.ledger.submits[0] ?? {};
				expect(items[0]?.json).toMatchObject({ taskId, status: 'completed' });
				expect(items[0]?.json.outputs).toHaveLength(4);
				expect(items[0]?.json.errorMessage).toMatch(
					/Outputs 0, 1, 2, 3 of task .*: the file server (took too long|stopped sending)/,
				);
			} finally {
				spy.mockRestore();
				await server.close();
			}
		});

		it('names the paid tasks when it is cancelled', async () => {
			let asked = false;
			bench.emulator.intercept(async ({ path }) => {
				if (!path.startsWith('/files/')) return undefined;
				asked = true;
				return 'hang';
			});
			const { error } = await bench.generate(
				{ ...eachPrompt, download: true },
				{
					items: [{ prompt: 'one' }, { prompt: 'two' }],
					meanwhile: async ({ cancel }) => {
						await until('a file is requested', () => asked);
						cancel();
					},
				},
			);
			expect(error?.message).toContain('The execution was cancelled; these tasks are completed');
			expect(bench.emulator.ledger.submits).toHaveLength(2);
			for (const { taskId } of bench.emulator.ledger.submits) {
				expect(error?.message).toContain(taskId);
			}
		});
	});

	describe('A completed task without outputs', () => {
		beforeEach(() => {
			bench.emulator.intercept(async (call) => {
				if (!dialect.isRead(call)) return undefined;
				const answer = await call.handle();
				return { ...answer, body: withoutResults(answer.body) };
			});
		});

		it('fails its item with an error that names the task', async () => {
			const { error } = await bench.generate({});
			const { taskId } = bench.emulator.ledger.submits[0] ?? {};
			expect(error?.message).toBe(
				`Task ${taskId} is completed, but ${dialect.displayName} lists no image or video for it [item 0]`,
			);
			expect(error?.description).toContain('paid: do not submit it again');
		});

		it("puts the provider's answer into the item", async () => {
			const { items } = await bench.generate(
				{},
				{ settings: { onError: 'continueRegularOutput' } },
			);
			expect(items).toHaveLength(1);
			expect(items[0]?.json).toMatchObject({
				status: 'completed',
				outputs: [],
				errorMessage: expect.stringContaining('lists no image or video'),
				raw: dialect.raw,
			});
		});

		it('is described, but does not fail, in Task → Get', async () => {
			await bench.generate({}, { settings: { onError: 'continueRegularOutput' } });
			const { taskId } = bench.emulator.ledger.submits[0] ?? {};
			const { items, error } = await bench.run({
				parameters: { resource: 'task', operation: 'get', taskId },
			});
			expect(error).toBeUndefined();
			expect(items[0]?.json.errorMessage).toContain('lists no image or video');
		});
	});
});
