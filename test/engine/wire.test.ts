import type { IDataObject } from 'n8n-workflow';

import {
	hasSource,
	outputsOf,
	parametersOf,
	PURCHASES,
	rowWith,
	SOURCE,
	type Entry,
} from '../wire';
import { DIALECTS } from './dialects';
import { QUICK, useEngine } from './setup';

/** The tables of test/wire: the built node in n8n's engine sends what they say, and a dry run shows it. */
describe.each(DIALECTS)('With $displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const purchases = PURCHASES.filter(({ provider }) => provider === dialect.name);

	const typical = (id: string) => purchases.find((entry) => entry.id === id && entry.isTypical);

	/** The third output of a finished task of the kind that a row goes on from. */
	async function sourceFor({ id, row }: Entry): Promise<IDataObject> {
		if (!hasSource(row)) return {};
		const made = typical(id === 'video:extend' ? 'video:generate' : 'image:generate');
		if (!made) throw new Error(`Nothing makes what ${id} goes on from`);
		const { items } = await bench.run({
			parameters: { ...parametersOf(made), waitOptions: QUICK, options: { outputItems: 'output' } },
			items: [{ url: 'https://example.com/cup.png' }],
		});
		bench.emulator.ledger.clear();
		return items.find(({ json }) => json.index === SOURCE.index)?.json ?? {};
	}

	it.each(purchases)('$title', async (entry) => {
		if (entry.row.emulated) await bench.emulate(entry.row.emulated);
		const source = await sourceFor(entry);
		const row = rowWith(source, entry.row);
		const { request, call } = row;
		const shown = await bench.run({
			parameters: { ...parametersOf({ ...entry, row }), options: { dryRun: true } },
			items: [source],
		});
		expect(bench.emulator.ledger.submits).toEqual([]);
		expect(shown.items[0]?.json).toMatchObject({ valid: true, tasksInRun: 1 });
		const { items, error } = await bench.run({
			parameters: { ...parametersOf({ ...entry, row }), waitOptions: QUICK },
			items: [source],
		});
		expect(error).toBeUndefined();
		const [submit, ...others] = bench.emulator.ledger.submits;
		expect(others).toEqual([]);
		expect(submit).toMatchObject({ path: call.path, unknownFields: [], inapplicableFields: [] });
		expect(submit?.body).toEqual(call.body);
		const { path, body } = submit ?? {};
		expect(shown.items[0]?.json.request).toEqual({ method: 'POST', path, body });
		if ('index' in request) {
			expect(submit?.source).toEqual({ taskId: source.taskId, index: request.index });
		}
		expect(items[0]?.json).toMatchObject({
			...{ provider: dialect.name, operation: entry.id, status: 'completed' },
			...{
				taskId: submit?.taskId,
				outputs: { length: outputsOf(request) },
				...dialect.itemOf(submit),
			},
		});
	});
});
