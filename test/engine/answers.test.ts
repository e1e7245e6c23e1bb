import type { IDataObject } from 'n8n-workflow';

import type { Call } from '../emulator';
import { DIALECTS } from './dialects';
import { QUICK, useEngine } from './setup';

/** A provider's answer with changes made on its way. */
const changed =
	(isMeant: (call: Call) => boolean, change: (text: string) => string) => async (call: Call) => {
		if (!isMeant(call)) return undefined;
		const { status, body } = await call.handle();
		return { status, body: change(JSON.stringify(body)) };
	};

describe.each(DIALECTS)('$displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { isRead, isSubmit } = dialect;

	it("shows an unknown state in the provider's own word", async () => {
		await bench.emulate({ latencyMs: Infinity, vtrix: { words: { running: 'in review' } } });
		bench.emulator.intercept(
			changed(isRead, (text) => text.replace(/"successFlag":0/, '"successFlag":"in review"')),
		);
		const { items } = await bench.generate({
			waitOptions: { onTimeLimit: 'returnPending', timeLimit: 0.05 },
		});
		expect(items[0]?.json).toMatchObject({ status: 'pending', providerStatus: 'in review' });
	});

	it('keeps the numbers of outputs when one is missing', async () => {
		bench.emulator.intercept(
			changed(isRead, (text) => text.replace(/"https?:[^"]*_0\.png"/, '""')),
		);
		const { items } = await bench.generate({ options: { outputItems: 'output' } });
		expect(items.map(({ json }) => json.index)).toEqual([1, 2, 3]);
		for (const { json } of items) expect(json.url).toContain(`_${json.index}.png`);

		const second: IDataObject = items[0]?.json ?? {};
		const upscale = {
			resource: 'image',
			operation: 'upscale',
			taskId: '={{ $json.taskId }}',
			jobId: '={{ $json.jobId }}',
			index: '={{ $json.index ?? 0 }}',
			waitOptions: QUICK,
		};
		await bench.run({ parameters: upscale, items: [second] });
		const { submits } = bench.emulator.ledger;
		expect(submits[1]?.source).toEqual({ taskId: second.taskId, index: 1 });
	});

	it('does not believe an answer about another task', async () => {
		let looks = 0;
		bench.emulator.intercept(async (call) => {
			if (!isRead(call) || looks++ > 1) return undefined;
			const { status, body } = await call.handle();
			const { taskId = '' } = bench.emulator.ledger.submits[0] ?? {};
			return { status, body: JSON.stringify(body).replaceAll(taskId, 'another') };
		});
		const { items } = await bench.generate({});
		expect(items[0]?.json).toMatchObject({
			status: 'completed',
			taskId: bench.emulator.ledger.submits[0]?.taskId,
		});
		expect(looks).toBeGreaterThan(2);
	});

	it('hides secrets that the provider repeats: key, callback address, signed link', async () => {
		const apiKey = 'key-that-must-stay-secret';
		await bench.emulate({ apiKey });
		const echo = `Bearer ${apiKey} https://n8n.example.com/w/7?signature=hush&mjToken=hush.hush`;
		const said: IDataObject = { code: 400, msg: echo, error: { code: 400, message: echo } };
		bench.emulator.intercept(async (call) =>
			isSubmit(call) ? { status: 400, body: said } : undefined,
		);
		const { error, data, log } = await bench.generate({}, { credentials: { apiKey } });
		expect(error?.message).toMatch(/refused the request \(400 “Bearer \*\*\* https:\/\/n8n/);
		expect(JSON.stringify([error, data, log])).not.toMatch(/hush|must-stay-secret/);
	});
});

describe.each([
	['flat', 'wrapped'],
	['wrapped', 'flat'],
] as const)('A Vtrix that takes the body %s', (body, requestFormat) => {
	const dialect = DIALECTS.find(({ name }) => name === 'vtrix');
	const bench = useEngine({ vtrix: { body } }, dialect);

	it(`and gets it ${requestFormat}: Request Format is named`, async () => {
		const { error } = await bench.generate({}, { credentials: { requestFormat } });
		expect(error?.description).toMatch(
			/Request Format in the Vtrix credential is not Auto, choose Auto/,
		);
	});
});
