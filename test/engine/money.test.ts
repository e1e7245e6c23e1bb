import type { Call, Reaction } from '../emulator';
import { DIALECTS } from './dialects';
import { retryOf, useEngine } from './setup';

const prompts = (count: number) =>
	Array.from({ length: count }, (_, index) => ({ prompt: `product ${index}` }));
// n8n takes a pause of 0 for its default of a second.
const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

/** Lets the emulator do its work, but answers with this. */
const instead =
	(reaction: Reaction) =>
	async (call: Call): Promise<Reaction> => {
		await call.handle();
		return reaction;
	};

/** How the answer to an accepted submit may go wrong with any provider. */
const ENDS: Record<string, (call: Call) => Promise<Reaction>> = {
	'the connection is torn': instead('reset'),
	'a gateway answers 502': instead({ status: 502, body: '<html>Bad Gateway</html>' }),
	'a gateway sends the success on with status 503': async (call) => ({
		...(await call.handle()),
		status: 503,
	}),
	'HTML comes with status 200': instead({
		status: 200,
		headers: { 'content-type': 'text/html' },
		body: '<html>Welcome</html>',
	}),
	'the body is empty': instead({ status: 200 }),
	'a proxy answers 503': instead({ status: 503 }),
	'a proxy limits the rate': instead({ status: 429, headers: { 'retry-after': '1' } }),
	'a firewall answers 403': instead({ status: 403, body: '<html>Blocked</html>' }),
	'a proxy finds nothing': instead({ status: 404, body: '<html>Not Found</html>' }),
	'a proxy leads elsewhere': instead({ status: 302, headers: { location: '/login' } }),
};

/** A page of something between n8n and the provider. */
const PAGE: Reaction = {
	status: 403,
	headers: { 'content-type': 'text/html' },
	body: '<html>Access denied</html>',
};

describe.each(DIALECTS)('$displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { isSubmit, isRead, promptOf, keyRefused } = dialect;

	describe('An ambiguous submit', () => {
		const ends = {
			...ENDS,
			...Object.fromEntries(
				Object.entries(dialect.unclear).map(([name, answer]) => [name, instead(answer)]),
			),
		};

		it.each(Object.entries(ends))(
			'is not repeated, and the message says so: %s',
			async (_, end) => {
				bench.emulator.intercept(async (call) => (isSubmit(call) ? end(call) : undefined));
				const result = await bench.generate({}, { settings: RETRY });
				expect(bench.emulator.ledger.submits).toHaveLength(1);
				expect(result.status).toBe('error');
				expect(result.error?.message).toContain('[item 0]');
				expect(result.error?.description).toMatch(/may have been paid/);
			},
		);
	});

	describe('A submit that was certainly not taken', () => {
		it.each(Object.entries(dialect.passing))(
			'is sent again, and bought once: %s',
			async (_, refusal) => {
				let refused = 0;
				bench.emulator.intercept(async (call) =>
					isSubmit(call) && refused++ === 0 ? refusal : undefined,
				);
				const result = await bench.generate({});
				expect(result.items[0]?.json.status).toBe('completed');
				expect(bench.emulator.ledger.submits).toHaveLength(1);
				expect(refused).toBe(2);
			},
		);

		it.each(Object.entries(dialect.final))(
			'is not sent again when it is final: %s',
			async (_, [refusal, words]) => {
				let sent = 0;
				bench.emulator.intercept(async (call) => {
					if (!isSubmit(call)) return undefined;
					sent++;
					return refusal;
				});
				const result = await bench.generate({});
				expect(result.error?.message).toMatch(words);
				expect(result.error?.description).not.toMatch(/may have been paid/);
				expect(sent).toBe(1);
			},
		);
	});

	describe('Retry On Fail', () => {
		it('picks up what was submitted: 50 items with reads that fail in the middle make 50 submits', async () => {
			await bench.emulate({ latencyMs: 400 });
			let reads = 0;
			// The key is refused for a while in the middle of the wait: the node fails, and n8n runs it again.
			bench.emulator.intercept(async (call) =>
				isRead(call) && reads++ >= 20 && reads <= 60 ? keyRefused : undefined,
			);
			const result = await bench.generate(
				{ prompt: '={{ $json.prompt }}' },
				{ items: prompts(50), settings: RETRY },
			);
			expect(result.error).toBeUndefined();
			expect(result.items.map(({ json }) => json.prompt)).toEqual(
				prompts(50).map(({ prompt }) => prompt),
			);
			expect(bench.emulator.ledger.submits).toHaveLength(50);
		}, 20_000);

		it('buys only a failed task again', async () => {
			let failures = 0;
			await bench.emulate({
				outcome: ({ prompt }) =>
					prompt === 'product 1' && failures++ === 0 ? 'failed3' : 'success',
			});
			const result = await bench.generate(
				{ prompt: '={{ $json.prompt }}' },
				{ items: prompts(3), settings: RETRY },
			);
			expect(result.items.map(({ json }) => json.status)).toEqual(Array(3).fill('completed'));
			expect(bench.emulator.ledger.submits.map(promptOf).sort()).toEqual([
				'product 0',
				'product 1',
				'product 1',
				'product 2',
			]);
		});

		it('does not run the node again for a failed first item with On Error = continue', async () => {
			const result = await bench.generate(
				{ prompt: '={{ $json.prompt }}' },
				{
					items: [{ prompt: 'one [fail]' }, { prompt: 'two' }],
					settings: { ...RETRY, onError: 'continueRegularOutput' },
				},
			);
			expect(result.items.map(({ json }) => json.status)).toEqual(['failed', 'completed']);
			expect(bench.emulator.ledger.submits).toHaveLength(2);
		});
	});

	describe('A retried execution', () => {
		it('goes on with the tasks of the failed one, also after it was saved', async () => {
			const undo = bench.emulator.intercept(async (call) =>
				isRead(call) ? keyRefused : undefined,
			);
			const scenario = { items: prompts(3) };
			const first = await bench.generate({ prompt: '={{ $json.prompt }}' }, scenario);
			expect(first.status).toBe('error');
			undo();

			const second = await bench.generate(
				{ prompt: '={{ $json.prompt }}' },
				{ ...scenario, retryOf: retryOf(first) },
			);
			expect(second.items.map(({ json }) => json.status)).toEqual(Array(3).fill('completed'));
			expect(bench.emulator.ledger.submits).toHaveLength(3);
		});
	});

	describe('A refusal in the middle', () => {
		it('stops the buying if the node is going to fail anyway, and the error names what was submitted', async () => {
			await bench.emulate(dialect.creditFor(10));
			const result = await bench.generate(
				{ prompt: '={{ $json.prompt }}' },
				{ items: prompts(40) },
			);
			const { submits } = bench.emulator.ledger;
			expect(submits).toHaveLength(10);
			expect(result.error?.message).toMatch(/enough credits/);
			for (const { taskId } of submits) expect(result.error?.description).toContain(taskId);
			// After the first refusal only submits that were under way are refused.
			expect(bench.emulator.ledger.refusals.length).toBeLessThanOrEqual(5);
		});

		it('leaves the results of what was bought and marks the rest with On Error = continue', async () => {
			await bench.emulate(dialect.creditFor(2));
			const result = await bench.generate(
				{ prompt: '={{ $json.prompt }}' },
				{ items: prompts(4), settings: { onError: 'continueRegularOutput' } },
			);
			expect(result.items.map(({ json }) => json.status)).toEqual([
				'completed',
				'completed',
				'failed',
				'failed',
			]);
		});
	});

	describe('The page of a firewall', () => {
		it('in place of one submit stops no other', async () => {
			bench.emulator.intercept(async (call) =>
				isSubmit(call) && JSON.stringify(call.body).includes('product 3') ? PAGE : undefined,
			);
			const result = await bench.generate(
				{ prompt: '={{ $json.prompt }}' },
				{ items: prompts(12), settings: { onError: 'continueRegularOutput' } },
			);
			const expected = prompts(12).map((_, index) => (index === 3 ? 'failed' : 'completed'));
			expect(result.items.map(({ json }) => json.status)).toEqual(expected);
			expect(result.items[3]?.json.errorDescription).toMatch(/may have been paid/);
		});

		it('in place of a read ends no wait', async () => {
			let looks = 0;
			bench.emulator.intercept(async (call) => (isRead(call) && looks++ < 3 ? PAGE : undefined));
			const result = await bench.generate({});
			expect(result.items[0]?.json.status).toBe('completed');
			expect(looks).toBeGreaterThan(3);
		});
	});

	describe('The id of a task', () => {
		it("is in n8n's log from the submit on", async () => {
			const result = await bench.generate({});
			const [submit] = bench.emulator.ledger.submits;
			expect(result.log.join('\n')).toContain(submit?.taskId);
		});

		it('is in the message of a failed task', async () => {
			const result = await bench.generate({ prompt: 'a [fail]' });
			const [submit] = bench.emulator.ledger.submits;
			expect(result.error?.message).toContain(submit?.taskId);
			expect(result.error?.message).toContain('[item 0]');
		});
	});

	describe('The API key', () => {
		it('appears in no error, no log and no saved execution', async () => {
			const secret = 'key-that-must-stay-secret';
			const { ledger } = await bench.emulate({ apiKey: secret });
			bench.emulator.intercept(async (call) => (isRead(call) ? 'reset' : undefined));
			const result = await bench.generate(
				{ waitOptions: { timeLimit: 0.05 } },
				{ credentials: { apiKey: secret } },
			);
			expect(ledger.submits).toHaveLength(1);
			expect(result.status).toBe('error');
			expect(JSON.stringify([result.error, result.data, result.log])).not.toContain(secret);
		});
	});
});
