import { DIALECTS } from './dialects';
import { QUICK, until, useEngine } from './setup';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);
const three = { items: [{ prompt: 'one' }, { prompt: 'two [fail]' }, { prompt: 'three' }] };
const eachPrompt = { prompt: '={{ $json.prompt }}' };

describe.each(DIALECTS)('$displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { promptOf } = dialect;

	describe('Items', () => {
		it('come in the order of the input, paired with it, whatever order the tasks finish in', async () => {
			const latencies = [500, 50, 250];
			await bench.emulate({ latencyMs: Infinity });
			const running = bench.generate(eachPrompt, {
				items: [{ prompt: 'a' }, { prompt: 'b' }, { prompt: 'c' }],
				meanwhile: async () => {
					await until(() => bench.emulator.ledger.submits.length === 3);
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

		it('have what the README promises', async () => {
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

		it('say when the files expire, if the provider says for how long it keeps them', async () => {
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

		it('come one per output, and feed Upscale as they are', async () => {
			const generated = await bench.generate({ options: { outputItems: 'output' } });
			expect(generated.items.map(({ json }) => [json.index, json.type])).toEqual([
				[0, 'image'],
				[1, 'image'],
				[2, 'image'],
				[3, 'image'],
			]);
			expect(generated.items.every(({ json }) => !('outputs' in json))).toBe(true);
			// What the editor saves as the defaults of these fields.
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

		it('do not touch the items that came in', async () => {
			const { data } = await bench.generate(eachPrompt, { items: [{ prompt: 'a cup' }] });
			expect(data.resultData.runData.Items?.[0]?.data?.main?.[0]?.[0]?.json).toEqual({
				prompt: 'a cup',
			});
		});
	});

	describe('On Error', () => {
		it('Stop: fails with the task, and names the others', async () => {
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

		it('Continue (using error output): the failed item goes there, its message names the task', async () => {
			const result = await bench.generate(eachPrompt, {
				...three,
				settings: { onError: 'continueErrorOutput' },
			});
			expect(result.items.map(({ json }) => json.prompt)).toEqual(['one', 'three']);
			expect(result.errorItems).toHaveLength(1);
			expect(result.errorItems[0]?.json.error).toContain(bench.emulator.ledger.submits[1]?.taskId);
		});

		it('Continue: a bad item costs nothing, and the others are bought', async () => {
			const result = await bench.generate(eachPrompt, {
				items: [{ prompt: 'one' }, { prompt: '' }],
				settings: { onError: 'continueRegularOutput' },
			});
			expect(result.items.map(({ json }) => json.status)).toEqual(['completed', 'failed']);
			expect(result.items[1]?.json.errorMessage).toBe("'Prompt' is empty [item 1]");
			expect(bench.emulator.ledger.submits).toHaveLength(1);
		});
	});

	describe('Download', () => {
		it('stores the real files, named by task and index', async () => {
			const { items } = await bench.generate({ options: { download: true } });
			const { taskId } = items[0]?.json ?? {};
			const binary = items[0]?.binary ?? {};
			expect(Object.keys(binary)).toEqual(['data_0', 'data_1', 'data_2', 'data_3']);
			expect(binary.data_2).toMatchObject({
				fileName: `${taskId}_2.png`,
				mimeType: 'image/png',
				fileExtension: 'png',
			});
			const bytes = await bench.engine.bytes(binary.data_2);
			expect(bytes.subarray(0, 4)).toEqual(PNG);
			expect(bytes.length).toBe(Number(binary.data_2?.bytes ?? bytes.length));
		});

		it('gives each output its file when there is one item per output', async () => {
			const { items } = await bench.generate({
				options: { download: true, outputItems: 'output', binaryField: 'picture' },
			});
			expect(items.map(({ json, binary }) => [json.index, binary?.picture?.fileName])).toEqual(
				[0, 1, 2, 3].map((index) => [index, `${items[0]?.json.taskId}_${index}.png`]),
			);
		});

		it('stores videos as videos', async () => {
			const { items } = await bench.run({
				parameters: { ...dialect.video, options: { ...QUICK, download: true } },
			});
			expect(items[0]?.binary?.data_0).toMatchObject({
				mimeType: 'video/mp4',
				fileExtension: 'mp4',
			});
		});

		it.each([true, false])(
			'does not store what is larger than the limit (size announced: %s)',
			async (announced) => {
				const huge = Buffer.alloc(1_200_000);
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
					options: { download: true, downloadLimit: 1, outputItems: 'output' },
				});
				expect(result.error?.message).toMatch(/Output 1 of task .* larger than 1 MB/);
				expect(bench.emulator.ledger.submits).toHaveLength(1);
			},
		);

		it('survives a file server that stumbles', async () => {
			let stumbles = 0;
			bench.emulator.intercept(async ({ path }) =>
				path.startsWith('/files/') && stumbles++ === 0 ? { status: 503 } : undefined,
			);
			const { items } = await bench.generate({ options: { download: true } });
			expect(Object.keys(items[0]?.binary ?? {})).toHaveLength(4);
		});

		it('with On Error = continue, marks only the output whose file is gone', async () => {
			bench.emulator.intercept(async ({ path }) =>
				path.endsWith('_3.png') ? { status: 404 } : undefined,
			);
			const { items } = await bench.generate(
				{ options: { download: true, outputItems: 'output' } },
				{ settings: { onError: 'continueRegularOutput' } },
			);
			expect(items.map(({ json }) => 'errorMessage' in json)).toEqual([false, false, false, true]);
			expect(items[3]?.json.errorMessage).toContain('Output 3 of task');
		});
	});
});
