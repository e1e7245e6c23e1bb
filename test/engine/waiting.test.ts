import type { Reaction } from '../emulator';
import { DIALECTS } from './dialects';
import { until, useEngine } from './setup';

const eachPrompt = { prompt: '={{ $json.prompt }}' };

/** How a read may fail with any provider. */
const STUMBLES: Record<string, Reaction> = {
	'503': { status: 503 },
	'429 with Retry-After': { status: 429, headers: { 'retry-after': '1' } },
	'HTML of a gateway': { status: 502, body: '<html>Bad Gateway</html>' },
	'HTML with status 200': { status: 200, body: '<html>Welcome</html>' },
	'an empty body': { status: 200 },
	'a torn connection': 'reset',
};

describe.each(DIALECTS)('$displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { isRead } = dialect;

	describe('50 items', () => {
		it('take about as long as one, with 50 submits and at most 4 reads for each task', async () => {
			const taskMs = 4000;
			const { ledger } = await bench.emulate({ latencyMs: taskMs });
			const result = await bench.generate(
				{ ...eachPrompt, waitOptions: { firstCheck: taskMs / 2000, longestPause: 30 } },
				{ items: Array.from({ length: 50 }, (_, index) => ({ prompt: `product ${index}` })) },
			);
			expect(result.items).toHaveLength(50);
			expect(result.items.every(({ json }) => json.status === 'completed')).toBe(true);
			expect(ledger.submits).toHaveLength(50);
			expect(ledger.mostReadsOfOneTask()).toBeLessThanOrEqual(4);
			// By the emulator's ledger: from the last submit to the last read.
			const lastSubmit = Math.max(...ledger.submits.map(({ at }) => at));
			const lastRead = Math.max(...ledger.reads.map(({ at }) => at));
			expect(lastRead - lastSubmit).toBeLessThan(1.5 * taskMs);
			expect(ledger.mostCallsAtOnce).toBeLessThanOrEqual(8);
		}, 20_000);
	});

	describe('Cancel', () => {
		it('ends the node at once with an error that names the open task, and stops all reads', async () => {
			await bench.emulate({ latencyMs: Infinity });
			// Without the cancel this would wait for an hour, far beyond the limit of the test.
			const result = await bench.generate(
				{ waitOptions: { firstCheck: 3600, timeLimit: 1440 } },
				{
					meanwhile: async ({ cancel }) => {
						await until('the task is bought', () => bench.emulator.ledger.submits.length === 1);
						cancel();
					},
				},
			);
			const [submit] = bench.emulator.ledger.submits;
			expect(result.error?.message).toBe(
				`The execution was cancelled; these tasks continue at ${dialect.displayName}: ${submit?.taskId}`,
			);
			expect(bench.emulator.ledger.reads).toHaveLength(0);
		});

		it('during a submit ends the node with an error that says so, and the task id still reaches the log', async () => {
			let release = () => undefined as void;
			let arrived = false;
			bench.emulator.intercept(async (call) => {
				if (call.method !== 'POST') return undefined;
				const answer = await call.handle();
				arrived = true;
				await new Promise<void>((resolve) => (release = resolve));
				return answer;
			});
			const { error } = await bench.generate(
				{},
				{
					meanwhile: async ({ cancel }) => {
						await until('the submit arrives', () => arrived);
						cancel();
					},
				},
			);
			expect(error?.message).toContain(
				'1 submit was in flight and may have been accepted and paid',
			);
			release();
			const [submit] = bench.emulator.ledger.submits;
			await until('the task id is logged', () =>
				bench.engine.logged.some((line) => line.includes(String(submit?.taskId))),
			);
		});
	});

	describe('Cancel in the middle of many submits', () => {
		it('sends no more of them, and names those that are under way', async () => {
			const result = await bench.generate(
				{ ...eachPrompt },
				{
					items: Array.from({ length: 50 }, (_, index) => ({ prompt: `product ${index}` })),
					meanwhile: async ({ cancel }) => {
						await until('the first task is bought', () => bench.emulator.ledger.submits.length > 0);
						cancel();
					},
				},
			);
			const { submits } = bench.emulator.ledger;
			expect(submits.length).toBeLessThan(50);
			for (const { taskId } of submits) expect(result.error?.message).toContain(taskId);
		});
	});

	describe('The time limit', () => {
		it('fails with the id of the open task and the way to go on', async () => {
			await bench.emulate({ latencyMs: Infinity });
			const result = await bench.generate({ waitOptions: { timeLimit: 0.05 } });
			const [submit] = bench.emulator.ledger.submits;
			expect(result.error?.message).toContain(submit?.taskId);
			expect(result.error?.description).toMatch(/Task → Wait/);
		});

		it('gives an item that Task → Wait takes unchanged with On Time Limit = Return Pending', async () => {
			await bench.emulate({ latencyMs: Infinity });
			const { items } = await bench.generate({
				waitOptions: { timeLimit: 0.05, onTimeLimit: 'returnPending' },
			});
			expect(items[0]?.json.status).toBe('pending');
			const [submit] = bench.emulator.ledger.submits;
			bench.emulator.finish(String(submit?.taskId));
			const waited = await bench.run({
				parameters: { resource: 'task', operation: 'wait', taskIds: '={{ $json.taskId }}' },
				items: items.map(({ json }) => json),
			});
			expect(waited.items[0]?.json.status).toBe('completed');
			expect(bench.emulator.ledger.submits).toHaveLength(1);
		});
	});

	describe('A failed read', () => {
		it.each(Object.entries({ ...STUMBLES, ...dialect.stumbles }))(
			'loses no task: %s',
			async (_, stumble) => {
				let stumbles = 0;
				bench.emulator.intercept(async (call) =>
					isRead(call) && stumbles++ === 0 ? stumble : undefined,
				);
				const { items } = await bench.generate({});
				expect(items[0]?.json.status).toBe('completed');
				expect(stumbles).toBeGreaterThan(1);
			},
		);

		it.each(Object.entries(dialect.unknownTask))(
			'right after the submit does not mean that the task is lost: %s',
			async (_, unknown) => {
				let stumbles = 0;
				bench.emulator.intercept(async (call) =>
					isRead(call) && stumbles++ === 0 ? unknown : undefined,
				);
				const { items } = await bench.generate({});
				expect(items[0]?.json.status).toBe('completed');
				expect(stumbles).toBeGreaterThan(1);
			},
		);
	});
});
