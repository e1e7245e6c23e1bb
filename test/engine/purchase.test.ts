import type { IDataObject, INode, IRunExecutionData } from 'n8n-workflow';

import type { Call } from '../emulator';
import { DIALECTS } from './dialects';
import { OTHER_EXECUTION } from './executions';
import type { Scenario } from './harness';
import { QUICK, retryOf, useEngine } from './setup';

/** Purchases are made once, whatever an expression gives the next time. */

// n8n takes a pause of 0 for its default of a second.
const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

/** The options of the node as the bench sets them. */
const TASKS = { outputItems: 'task' };

const products = (count: number) =>
	Array.from({ length: count }, (_, index) => ({ product: `product ${index}` }));

/** n8n's Retry with the currently saved workflow: the node has other parameters or settings. */
function withNow(data: IRunExecutionData, parameters: IDataObject, settings: Partial<INode> = {}) {
	for (const { node } of data.executionData?.nodeExecutionStack ?? []) {
		Object.assign(node.parameters, parameters);
		Object.assign(node, settings);
	}
	return data;
}

describe.each(DIALECTS)('$displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { isSubmit, isRead, promptOf, keyRefused } = dialect;
	const accepted = () => bench.emulator.ledger.submits;
	const isAbout = (call: Call, taskId: unknown) =>
		JSON.stringify([call.path, call.query]).includes(String(taskId));
	/** Makes reads of the last bought task fail, so that the node fails. */
	const lastFails = (count: number) =>
		bench.emulator.intercept(async (call) =>
			isRead(call) && accepted().length >= count && isAbout(call, accepted()[count - 1]?.taskId)
				? keyRefused
				: undefined,
		);

	describe('A prompt whose expression gives something else each time', () => {
		it.each([
			['={{ $json.product }} {{ Math.random() }}'],
			['={{ $json.product }} {{ $now.toMillis() }}'],
		])('is bought once, in all tries and in a retried execution: %s', async (prompt) => {
			const undo = lastFails(10);
			const scenario = { items: products(10), settings: RETRY };
			const first = await bench.generate({ prompt }, scenario);
			expect(first.status).toBe('error');
			expect(accepted()).toHaveLength(10);
			undo();
			const second = await bench.generate(
				{ prompt },
				{ ...scenario, retryOf: retryOf(first), executionId: OTHER_EXECUTION },
			);
			expect(accepted()).toHaveLength(10);
			expect(second.items.map(({ json }) => json.status)).toEqual(Array(10).fill('completed'));
			// The prompts that were bought, not what the expression gives now.
			expect(second.items.map(({ json }) => json.prompt).sort()).toEqual(
				accepted().map(promptOf).sort(),
			);
		});
	});

	describe('A retried execution', () => {
		const prompt = '={{ $json.product }} {{ Math.random() }}';
		const failed = async (parameters: Scenario['parameters'] = {}) => {
			const undo = lastFails(3);
			const first = await bench.generate({ prompt, ...parameters }, { items: products(3) });
			expect(first.status).toBe('error');
			undo();
			return retryOf(first);
		};
		const again = async (saved: IRunExecutionData) =>
			await bench.generate(
				{ prompt },
				{ items: products(3), retryOf: saved, executionId: OTHER_EXECUTION },
			);

		it.each<[string, IDataObject]>([
			['another time limit', { waitOptions: { ...QUICK, timeLimit: 60 } }],
			['another wait mode', { waitMode: 'dontWait' }],
			['a reference', { options: { ...TASKS, reference: 'order 7' } }],
		])('with %s picks up what was bought', async (_, parameters) => {
			const { items } = await again(withNow(await failed(), parameters));
			expect(accepted()).toHaveLength(3);
			expect(items.map(({ json }) => json.taskId)).toEqual(accepted().map(({ taskId }) => taskId));
		});

		it.each<[string, IDataObject]>([
			['another prompt', { prompt: '={{ $json.product }} in blue {{ Math.random() }}' }],
			['another aspect ratio', { aspectRatio: '16:9' }],
		])('with %s buys anew', async (_, parameters) => {
			await again(withNow(await failed(), parameters));
			expect(accepted()).toHaveLength(6);
		});

		it('with a credential that cannot read the tasks fails at once, and names the credential that bought them', async () => {
			const other = { id: 'B', name: 'another' };
			const credentials = { midApi: other, vtrixApi: other };
			const saved = withNow(await failed(), {}, { credentials });
			const [unknown] = Object.values(dialect.unknownTask);
			bench.emulator.intercept(async (call) => (isRead(call) ? unknown : undefined));
			const { status, error } = await again(saved);
			expect(status).toBe('error');
			expect(accepted()).toHaveLength(3);
			expect(error?.message).toContain('[item 0]');
			expect(error?.message).toContain(accepted()[0]?.taskId);
			const was = dialect.name === 'midApi' ? 'MidAPI' : 'Vtrix';
			expect(error?.message).toContain(`credential ${was}`);
			expect(error?.description).toMatch(/is paid/);
			for (const { taskId } of accepted()) {
				expect(`${error?.message} ${error?.description}`).toContain(taskId);
			}
		});
	});

	describe('Two items', () => {
		it('with the same prompt are two purchases', async () => {
			const { items } = await bench.generate({}, { items: [{}, {}] });
			expect(new Set(items.map(({ json }) => json.taskId)).size).toBe(2);
		});
	});

	describe('What stopped the first try stops the next', () => {
		const sixty = { items: products(60), settings: RETRY };
		const prompt = '={{ $json.product }}';
		const [[refusal] = [undefined]] = Object.values(dialect.final);
		/** Loses the answer to the accepted submit of item 2. */
		const loseOne = () =>
			bench.emulator.intercept(async (call) => {
				if (!isSubmit(call) || !JSON.stringify(call.body).includes('product 2"')) return undefined;
				await call.handle();
				return 'reset';
			});

		it('if it was an ambiguous submit', async () => {
			loseOne();
			const { status, error } = await bench.generate({ prompt }, sixty);
			expect(status).toBe('error');
			expect(error?.message).toContain('[item 2]');
			expect(accepted().length).toBeLessThanOrEqual(7);
		});

		it('if it was a permanent refusal, which is not sent again', async () => {
			let refused = 0;
			bench.emulator.intercept(async (call) => {
				if (!isSubmit(call) || !JSON.stringify(call.body).includes('product 2"')) return undefined;
				refused++;
				return refusal;
			});
			const { error } = await bench.generate({ prompt }, sixty);
			expect(error?.message).toContain('[item 2]');
			expect(refused).toBe(1);
			expect(accepted().length).toBeLessThanOrEqual(7);
		});

		it('in the same execution alone: another one sends what was refused', async () => {
			const undo = bench.emulator.intercept(async (call) => (isSubmit(call) ? refusal : undefined));
			const first = await bench.generate({ prompt }, { items: products(3) });
			undo();
			const { items } = await bench.generate(
				{ prompt },
				{ items: products(3), retryOf: retryOf(first), executionId: OTHER_EXECUTION },
			);
			expect(items.map(({ json }) => json.status)).toEqual(Array(3).fill('completed'));
		});
	});

	describe('Items to Buy Again', () => {
		it('buys the items it names once, and no others, in a retried execution', async () => {
			// Both are lost before the provider has seen them.
			let sent = 0;
			const undo = bench.emulator.intercept(async (call) => {
				if (!isSubmit(call)) return undefined;
				sent++;
				return /product [12]"/.test(JSON.stringify(call.body)) ? 'reset' : undefined;
			});
			const prompt = '={{ $json.product }}';
			const scenario = { items: products(4) };
			const first = await bench.generate({ prompt }, scenario);
			expect(sent).toBe(4);
			undo();
			const saved = withNow(
				retryOf(first),
				{ options: { ...TASKS, buyAgain: '2' } },
				{ onError: 'continueRegularOutput' },
			);
			const second = await bench.generate(
				{ prompt },
				{
					...scenario,
					retryOf: saved,
					executionId: OTHER_EXECUTION,
				},
			);
			expect(accepted().map(promptOf).sort()).toEqual(['product 0', 'product 2', 'product 3']);
			expect(second.items.map(({ json }) => json.status)).toEqual([
				'completed',
				'failed',
				'completed',
				'completed',
			]);
		});

		it('buys nothing again within the tries of one execution', async () => {
			let sent = 0;
			bench.emulator.intercept(async (call) => {
				if (!isSubmit(call)) return undefined;
				sent++;
				return 'reset';
			});
			await bench.generate({ options: { buyAgain: '0' } }, { settings: RETRY });
			expect(sent).toBe(1);
		});
	});
});
