import { collectGarbage } from '../garbage';
import { DIALECTS } from './dialects';
import { MIDJOURNEY, type Scenario } from './harness';
import { useEngine } from './setup';

/** What the process holds of executions in which the node has run: of the last one only, to send by its helpers. */

let count = 0;

describe.each(DIALECTS)('With $displayName, the process holds nothing', (dialect) => {
	const bench = useEngine({ latencyMs: 300 }, dialect);

	/** What n8n has made for an execution and is still held. */
	async function heldOf(executionId: string): Promise<object[]> {
		await collectGarbage();
		const made = bench.engine.made.get(executionId) ?? [];
		expect(made).not.toEqual([]);
		return made.flatMap((one) => one.deref() ?? []);
	}

	it.each<[string, Scenario['parameters'], Partial<Scenario>]>([
		['one that has waited', {}, {}],
		["one with Don't Wait", { waitMode: 'dontWait' }, {}],
		['one that failed', { prompt: 'a cup [fail]' }, {}],
		['one without a credential', {}, { settings: { credentials: {} } }],
		['one at its time limit', { waitOptions: { timeLimit: 0.001 } }, {}],
		['one that was cancelled', {}, { meanwhile: ({ cancel }) => cancel() }],
		['a call of a tool', {}, { settings: { type: `${MIDJOURNEY}Tool` } }],
		['a dry run', { options: { dryRun: true } }, {}],
	])(
		'of an execution that has ended, once another one has: %s',
		async (_, parameters, scenario) => {
			const executionId = `ended-${++count}`;
			await bench.generate(parameters, { ...scenario, executionId });
			await bench.generate({ waitMode: 'auto' }, { executionId: `after ${executionId}` });
			expect(await heldOf(executionId)).toEqual([]);
		},
	);

	it('of a parked execution, once another one is parked', async () => {
		const instance = await bench.instance();
		await bench.emulate({ latencyMs: Infinity });
		const [first = '', second = ''] = [`parked-${++count}`, `parked-${++count}`];
		for (const executionId of [first, second]) {
			void instance.begin(bench.generating({ waitMode: 'auto' }, { executionId }));
			await instance.until(executionId, ({ items }) => items.length > 0);
		}
		expect(await heldOf(first)).toEqual([]);
		// It is read and woken all the same.
		for (const { taskId } of bench.emulator.ledger.submits) bench.emulator.finish(taskId);
		expect(await instance.ended(first)).toMatchObject({ status: 'success' });
	});
});
