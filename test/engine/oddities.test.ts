import type { EmulatorOptions, ProviderName, VtrixChanges } from '../emulator';
import type { Scenario } from './harness';
import { DIALECTS } from './dialects';
import { QUICK, until, useEngine } from './setup';

/** One way in which a provider may answer where its pages leave that open or sources disagree. */
interface Oddity {
	options: EmulatorOptions;
	credentials?: Scenario['credentials'];
	/** The number of images of a generation; unset: 4. */
	outputs?: number;
	/** The upstream's job is named nowhere, so the task id takes its place. */
	withoutJob?: boolean;
	/** Failed tasks have a message and no code. */
	withoutCode?: boolean;
	/** The message about a balance that is too low, if it differs. */
	noCredit?: RegExp;
}

const vtrix = (changes: VtrixChanges, rest: Partial<Oddity> = {}): Oddity => ({
	options: { vtrix: changes },
	...rest,
});

const ODDITIES: Record<ProviderName, Record<string, Oddity>> = {
	midApi: {
		'nothing odd': { options: {} },
		'results as JSON text': { options: { resultInfoAsString: true } },
		'URLs as plain strings': { options: { plainResultUrls: true } },
		'plain strings in JSON text': { options: { resultInfoAsString: true, plainResultUrls: true } },
	},
	vtrix: {
		'nothing odd': vtrix({}),
		'a flat body': vtrix({ body: 'flat' }, { credentials: { requestFormat: 'flat' } }),
		'the other words for states': vtrix({
			words: { submitted: 'pending', running: 'processing' },
		}),
		'words in capitals': vtrix({
			words: { running: 'IN_PROGRESS', completed: 'Succeeded', failed: 'CANCELLED' },
		}),
		'failed tasks that are completed with an error': vtrix({ words: { failed: 'completed' } }),
		'ids as task_id': vtrix({ idField: 'task_id' }),
		'ids as request_id': vtrix({ idField: 'request_id' }),
		'times in ISO': vtrix({ createdAt: 'iso' }),
		'errors with message': vtrix({ errorShape: 'message' }),
		'errors as text': vtrix({ errorShape: 'string' }, { withoutCode: true }),
		'HTTP errors under error': vtrix({ httpErrors: 'error' }),
		'HTTP errors as text under error': vtrix(
			{ httpErrors: 'error', errorShape: 'string' },
			{ withoutCode: true },
		),
		'HTTP errors as SeaCloud has them': vtrix({ httpErrors: 'status' }),
		'bad submits as tasks without an id': vtrix({ refusals: 'task' }),
		'403 for an empty balance': vtrix({ emptyBalanceStatus: 403 }, { noCredit: /does not allow/ }),
		'job ids in the metadata of the content': vtrix({ jobIdPlace: 'contentMetadata' }),
		'job ids in the metadata of the task': vtrix({ jobIdPlace: 'metadata' }),
		'no job ids': vtrix({ jobIdPlace: 'none' }, { withoutJob: true }),
		'outputs in blocks of their own': vtrix({ outputLayout: 'apart' }),
		'one output': vtrix({ outputs: 1 }, { outputs: 1 }),
		'two outputs': vtrix({ outputs: 2 }, { outputs: 2 }),
		'videos as video_url': vtrix({ videoType: 'video_url' }),
	},
};

/** The defaults that the editor saves for the fields that take an incoming item. */
const UPSCALE = {
	resource: 'image',
	operation: 'upscale',
	taskId: '={{ $json.taskId }}',
	jobId: '={{ $json.jobId }}',
	index: '={{ $json.index ?? 0 }}',
	waitOptions: QUICK,
};

describe.each(DIALECTS)('$displayName with', (dialect) => {
	describe.each(Object.entries(ODDITIES[dialect.name]))('%s', (_, oddity) => {
		const { options, credentials, outputs = 4 } = oddity;
		const bench = useEngine({ latencyMs: 0, ...options }, dialect);

		it('waits for a task that is still running, and gives all of its results', async () => {
			await bench.emulate({ latencyMs: Infinity });
			const { items, error } = await bench.generate(
				{ prompt: 'a cup' },
				{
					credentials,
					meanwhile: async () => {
						const { ledger } = bench.emulator;
						await until('the task was read', () => ledger.reads.length > 0);
						bench.emulator.finish(String(ledger.submits[0]?.taskId));
					},
				},
			);
			expect(error).toBeUndefined();
			const [submit] = bench.emulator.ledger.submits;
			expect(submit?.unknownFields).toEqual([]);
			expect(items[0]?.json).toMatchObject({
				status: 'completed',
				taskId: submit?.taskId,
				prompt: 'a cup',
				createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
				outputs: Array.from({ length: outputs }, (__, index) => ({
					index,
					type: 'image',
					url: `${bench.emulator.url}/files/${submit?.taskId}_${index}.png`,
				})),
			});
			expect(items[0]?.json.jobId).toBe(oddity.withoutJob ? submit?.taskId : submit?.jobId);
		});

		it('takes the last of its outputs as a source', async () => {
			const images = await bench.generate({ options: { outputItems: 'output' } }, { credentials });
			const last = images.items.at(-1)?.json ?? {};
			expect(last.index).toBe(outputs - 1);
			const { items } = await bench.run({ parameters: UPSCALE, items: [last], credentials });
			expect(items[0]?.json.status).toBe('completed');
			expect(items[0]?.json.outputs).toHaveLength(1);
			expect(bench.emulator.ledger.submits[1]?.source).toEqual({
				taskId: last.taskId,
				index: last.index,
			});
		});

		it('gives videos as videos', async () => {
			const { items } = await bench.run({
				parameters: { ...dialect.video, waitOptions: QUICK },
				credentials,
			});
			const made = items[0]?.json.outputs as Array<{ type: string }>;
			expect(new Set(made.map(({ type }) => type))).toEqual(new Set(['video']));
		});

		it('fails for a failed task with its message and its id', async () => {
			const { code, words } = dialect.failure;
			const result = await bench.generate({ prompt: 'a [fail]' }, { credentials });
			const own = oddity.withoutCode ? `“${words}”` : `${code} “${words}”`;
			expect(result.error?.message).toContain(`could not generate this (${own})`);
			expect(result.error?.message).toContain(
				`task ${bench.emulator.ledger.submits[0]?.taskId} [item 0]`,
			);
		});

		it('recognises a refusal, with its message: nothing was bought', async () => {
			const { error } = await bench.run({
				parameters: { ...UPSCALE, index: 0, ...dialect.refusedSource },
				credentials,
			});
			expect(error?.message).toMatch(/refused the request \(.*Id is unknown”\) \[item 0\]/);
			expect(error?.description).toMatch(/Nothing was bought/);
			expect(bench.emulator.ledger.submits).toEqual([]);
		});

		it('reports what is wrong with the account', async () => {
			const wrongKey = await bench.generate(
				{},
				{ credentials: { ...credentials, apiKey: 'wrong' } },
			);
			expect(wrongKey.error?.message).toMatch(/did not accept the API key \(.*“the API key is/);
			bench.emulator.credits = 0;
			bench.emulator.balanceUsd = 0;
			const noCredit = await bench.generate({}, { credentials });
			expect(noCredit.error?.message).toMatch(oddity.noCredit ?? /enough credits \(402/);
		});

		it('recognises that a task is unknown', async () => {
			const { error } = await bench.run({
				parameters: { resource: 'task', operation: 'get', taskId: 'gone-1' },
				credentials,
			});
			expect(error?.message).toMatch(/does not know the task .*“.*”\), task gone-1 \[item 0\]/);
		});
	});
});
