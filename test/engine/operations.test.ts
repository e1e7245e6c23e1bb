import { DIALECTS } from './dialects';
import { QUICK, useEngine } from './setup';

const bench = useEngine();

describe('Account and File', () => {
	it.each(['common', 'chat'] as const)(
		'Account → Get Credits finds the balance where the provider keeps it: %s',
		async (creditPath) => {
			await bench.emulate({ creditPath, credits: 77 });
			const { items } = await bench.run({
				parameters: { resource: 'account', operation: 'getCredits' },
			});
			expect(items[0]?.json).toEqual({
				provider: 'midApi',
				operation: 'account:getCredits',
				credits: 77,
			});
		},
	);

	it('File → Get Download URL gives a link with the time at which it expires', async () => {
		const { items } = await bench.generate({ options: { outputItems: 'output' } });
		const url = items[0]?.json.url;
		const result = await bench.run({
			parameters: { resource: 'file', operation: 'getDownloadUrl', url },
		});
		expect(result.items[0]?.json).toMatchObject({
			url,
			downloadUrl: expect.stringMatching(/^http/),
		});
		expect(Date.parse(String(result.items[0]?.json.expiresAt))).toBeGreaterThan(Date.now());
	});
});

describe.each(DIALECTS)('With $displayName', (dialect) => {
	const bench = useEngine({}, dialect);

	describe('Task', () => {
		it('Task → Get shows an unfinished task as pending after one read', async () => {
			await bench.emulate({ latencyMs: Infinity });
			const { items } = await bench.generate({ waitMode: 'dontWait' });
			const taskId = items[0]?.json.taskId;
			const result = await bench.run({
				parameters: { resource: 'task', operation: 'get', taskId },
			});
			expect(result.items[0]?.json).toMatchObject({ taskId, status: 'pending', outputs: [] });
			expect(bench.emulator.ledger.reads).toHaveLength(1);
		});

		it('Task → Get shows a failed task with its reason and does not fail itself', async () => {
			const { items } = await bench.generate({ waitMode: 'dontWait', prompt: 'a cup [fail]' });
			bench.emulator.finish(String(items[0]?.json.taskId));
			const result = await bench.run({
				parameters: { resource: 'task', operation: 'get', taskId: items[0]?.json.taskId },
			});
			expect(result.status).toBe('success');
			expect(result.items[0]?.json).toMatchObject({
				status: 'failed',
				errorMessage: dialect.failure.words,
			});
		});

		/** What reads tasks again, and the name of its list of them. */
		const AGAIN = [
			['get', 'taskId'],
			['wait', 'taskIds'],
		] as const;

		/** Two tasks, bought and finished. */
		async function bought(): Promise<string[]> {
			const submitted = await bench.generate(
				{ waitMode: 'dontWait', prompt: '={{ $json.prompt }}' },
				{ items: [{ prompt: 'a cup' }, { prompt: 'a bowl' }] },
			);
			const ids = submitted.items.map(({ json }) => String(json.taskId));
			for (const taskId of ids) bench.emulator.finish(taskId);
			return ids;
		}

		it('Task → Wait waits for several tasks of one item and buys nothing', async () => {
			const submitted = await bench.generate(
				{ waitMode: 'dontWait', prompt: '={{ $json.prompt }}' },
				{ items: [{ prompt: 'a cup' }, { prompt: 'a bowl' }] },
			);
			const ids = submitted.items.map(({ json }) => json.taskId);
			const result = await bench.run({
				parameters: { resource: 'task', operation: 'wait', taskIds: '={{ $json.ids }}' },
				items: [{ ids }],
			});
			expect(result.items.map(({ json }) => [json.taskId, json.status, json.prompt])).toEqual([
				[ids[0], 'completed', 'a cup'],
				[ids[1], 'completed', 'a bowl'],
			]);
			expect(result.items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 0 }]);
			expect(bench.emulator.ledger.submits).toHaveLength(2);
		});

		it.each([
			['an array', (ids: string[]) => ids],
			['commas', (ids: string[]) => ids.join(', ')],
			['new lines', (ids: string[]) => ids.join('\n')],
		])('Task → Get looks at several tasks of one item, given as %s', async (_, listed) => {
			const ids = await bought();
			const result = await bench.run({
				parameters: { resource: 'task', operation: 'get', taskId: '={{ $json.ids }}' },
				items: [{ ids: listed(ids) }, { ids: ids[1] ?? '' }],
			});
			expect(result.items.map(({ json, pairedItem }) => [json.taskId, pairedItem])).toEqual([
				[ids[0], { item: 0 }],
				[ids[1], { item: 0 }],
				[ids[1], { item: 1 }],
			]);
			expect(bench.emulator.ledger.submits).toHaveLength(2);
		});

		it.each(AGAIN)('Task → %s takes an ID that is listed twice once', async (operation, list) => {
			const [cup = '', bowl = ''] = await bought();
			bench.emulator.ledger.clear();
			const { items } = await bench.run({
				parameters: { resource: 'task', operation, [list]: `${cup}, ${bowl}\n${cup}` },
			});
			expect(items.map(({ json }) => json.taskId)).toEqual([cup, bowl]);
			expect(bench.emulator.ledger.reads).toHaveLength(2);
		});

		it.each(AGAIN)(
			'Task → %s gives each item what it asked for, and the cost of a task once',
			async (operation, list) => {
				const [taskId = ''] = await bought();
				const { items } = await bench.run({
					parameters: {
						...{ resource: 'task', operation, [list]: '={{ $json.taskId }}' },
						options: { ...QUICK, outputItems: 'output' },
					},
					items: [{ taskId }, { taskId }],
				});
				expect(items.map(({ json, pairedItem }) => [json.index, pairedItem])).toEqual(
					[0, 1].flatMap((item) => [0, 1, 2, 3].map((index) => [index, { item }])),
				);
				const { cost } = dialect.itemOf(bench.emulator.ledger.submits[0]);
				expect(items.flatMap(({ json }) => json.cost ?? [])).toEqual([cost ?? []].flat());
			},
		);

		it.each(AGAIN)(
			'Task → %s tells what has ended, failed, stays open and is not of this provider',
			async (operation, list) => {
				await bench.emulate({ latencyMs: Infinity });
				const submitted = await bench.generate(
					{ waitMode: 'dontWait', prompt: '={{ $json.prompt }}' },
					{ items: [{ prompt: 'a cup' }, { prompt: 'a [fail]' }, { prompt: 'a lamp' }] },
				);
				const [cup, failing, open] = submitted.items.map(({ json }) => String(json.taskId));
				for (const taskId of [cup, failing]) bench.emulator.finish(String(taskId));
				const [other] = DIALECTS.filter(({ name }) => name !== dialect.name);
				const foreign = await bench.generate({
					...{ authentication: other?.name, waitMode: 'dontWait' },
				});
				const { taskId: ofOther } = foreign.items[0]?.json ?? {};
				const { items, status } = await bench.run({
					parameters: {
						...{ resource: 'task', operation, [list]: [cup, failing, open, ofOther].join() },
						options: { ...QUICK, timeLimit: 0.05 },
					},
					settings: { onError: 'continueRegularOutput' },
				});
				expect(status).toBe('success');
				expect(items.map(({ json, pairedItem }) => [json.taskId, json.status, pairedItem])).toEqual(
					[
						[cup, 'completed', { item: 0 }],
						[failing, 'failed', { item: 0 }],
						[open, 'pending', { item: 0 }],
						[ofOther, 'pending', { item: 0 }],
					],
				);
				expect(items[1]?.json.errorMessage).toContain(dialect.failure.words);
				expect(items[3]?.json.errorMessage).toMatch(
					new RegExp(`${dialect.displayName} does not know the task`),
				);
			},
		);

		it.each(AGAIN)(
			'Task → %s brings links and files of what was bought before, for nothing',
			async (operation, list) => {
				const ids = await bought();
				const { items } = await bench.run({
					parameters: {
						...{ resource: 'task', operation, [list]: ids.join(), download: true },
						waitOptions: QUICK,
						options: { outputItems: 'output' },
					},
				});
				expect(items.map(({ json, binary }) => [json.index, binary?.data?.fileName])).toEqual(
					ids.flatMap((id) => [0, 1, 2, 3].map((index) => [index, `${id}_${index}.png`])),
				);
				expect(bench.emulator.ledger.submits).toHaveLength(2);
			},
		);

		it.each(AGAIN)(
			'Task → %s says of files that are gone until when they were kept, if anybody knows',
			async (operation, list) => {
				const [taskId = ''] = await bought();
				bench.emulator.intercept(async (call) => {
					if (call.path.startsWith('/files/')) return { status: 404 };
					if (!dialect.isRead(call)) return undefined;
					const { status, body } = await call.handle();
					const long = '"completeTime":"2025-01-01T00:00:00Z"';
					return { status, body: JSON.stringify(body).replace(/"completeTime":[^,}]+/, long) };
				});
				const { error } = await bench.run({
					parameters: { resource: 'task', operation, [list]: taskId, download: true },
				});
				expect(error?.message).toContain('the file is not there (404)');
				expect(error?.description).toMatch(
					dialect.retentionDays === undefined
						? /paid: do not submit it again\. Task → Wait/
						: /completed and paid, but MidAPI kept its files until 2025-01-16.*no other operation returns them/,
				);
			},
		);
	});

	describe('The credential', () => {
		it.each([
			['a purchase', { waitMode: 'poll' }],
			['Task → Get', { resource: 'task', operation: 'get', taskId: 'a task of nobody' }],
			['Task → Wait', { resource: 'task', operation: 'wait', taskId: 'a task of nobody' }],
		])('is opened once for %s, which costs n8n tens of ms', async (_, parameters) => {
			const before = bench.engine.credentialsOpened;
			await bench.run({
				parameters: { resource: 'image', operation: 'generate', prompt: 'a cup', ...parameters },
			});
			expect(bench.engine.credentialsOpened - before).toBe(1);
		});
	});

	describe("Don't Wait", () => {
		it('gives the task id at once without a read', async () => {
			const { items } = await bench.generate({ waitMode: 'dontWait' });
			expect(items[0]?.json).toMatchObject({
				taskId: bench.emulator.ledger.submits[0]?.taskId,
				status: 'pending',
				via: 'submit',
			});
			expect(bench.emulator.ledger.reads).toHaveLength(0);
		});
	});
});
