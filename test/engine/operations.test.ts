import { DIALECTS } from './dialects';
import { useEngine } from './setup';

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
