import type { Call } from '../emulator';
import { QUICK, useEngine } from './setup';

const bench = useEngine();

const isSubmit = ({ method, path }: Call) => method === 'POST' && path.startsWith('/api/v1/mj/');
const isRead = ({ path }: Call) => path.endsWith('/record-info');
const prompts = (count: number) =>
	Array.from({ length: count }, (_, index) => ({ prompt: `product ${index}` }));
const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 0 };

describe('A submit whose end is not known', () => {
	const ENDS = {
		'the connection is torn after the task was booked': async (call: Call) => {
			await call.handle();
			return 'reset' as const;
		},
		'a gateway answers 502 after the task was booked': async (call: Call) => {
			await call.handle();
			return { status: 502, body: '<html>Bad Gateway</html>' };
		},
		'a gateway sends the success on with status 503': async (call: Call) => ({
			...(await call.handle()),
			status: 503,
		}),
		'HTML comes with status 200': async (call: Call) => {
			await call.handle();
			return {
				status: 200,
				headers: { 'content-type': 'text/html' },
				body: '<html>Welcome</html>',
			};
		},
		'the body is empty': async (call: Call) => {
			await call.handle();
			return { status: 200 };
		},
		'the answer has no data': async (call: Call) => {
			await call.handle();
			return { status: 200, body: { code: 200, msg: 'success' } };
		},
		'the provider reports an internal error': async (call: Call) => {
			await call.handle();
			return { status: 200, body: { code: 500, msg: 'Internal Error', data: null } };
		},
	};

	it.each(Object.entries(ENDS))('is not repeated, and says so: %s', async (_, end) => {
		bench.emulator.intercept(async (call) => (isSubmit(call) ? end(call) : undefined));
		const result = await bench.generate({}, { settings: RETRY });
		expect(bench.emulator.ledger.submits).toHaveLength(1);
		expect(result.status).toBe('error');
		expect(result.error?.message).toContain('[item 0]');
		expect(result.error?.description).toMatch(/may have been paid/);
	});
});

describe('A submit that was certainly not taken', () => {
	const REFUSALS = {
		'429 in the body': { status: 200, body: { code: 429, msg: 'Too Many Requests', data: null } },
		'429 as HTTP status with Retry-After': { status: 429, headers: { 'retry-after': '1' } },
		'455 maintenance': { status: 200, body: { code: 455, msg: 'Maintenance', data: null } },
		'503 without a body': { status: 503 },
	};

	it.each(Object.entries(REFUSALS))('is sent again, and bought once: %s', async (_, refusal) => {
		let refused = 0;
		bench.emulator.intercept(async (call) =>
			isSubmit(call) && refused++ === 0 ? refusal : undefined,
		);
		const result = await bench.generate({});
		expect(result.items[0]?.json.status).toBe('completed');
		expect(bench.emulator.ledger.submits).toHaveLength(1);
		expect(refused).toBe(2);
	});

	const FINAL = {
		'401, wrong key': [401, /did not accept the API key/],
		'402, no credits': [402, /too little credit/],
		'422, refused': [422, /refused the request.*no such thing/],
		'505, switched off': [505, /switched this feature off/],
	} as const;

	it.each(Object.entries(FINAL))(
		'is not sent again when it is final: %s',
		async (_, [code, words]) => {
			let sent = 0;
			bench.emulator.intercept(async (call) => {
				if (!isSubmit(call)) return undefined;
				sent++;
				return { status: 200, body: { code, msg: 'no such thing', data: null } };
			});
			const result = await bench.generate({});
			expect(result.error?.message).toMatch(words);
			expect(sent).toBe(1);
		},
	);
});

describe('Retry On Fail', () => {
	it('picks up what was submitted: 50 items, reads fail in the middle, 50 submits', async () => {
		await bench.emulate({ latencyMs: 400 });
		let reads = 0;
		// In the middle of waiting the key is refused for a while: the node fails, n8n runs it again.
		bench.emulator.intercept(async (call) =>
			isRead(call) && reads++ >= 20 && reads <= 60
				? { status: 200, body: { code: 401, msg: 'Unauthorized', data: null } }
				: undefined,
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
	});

	it('buys a failed task again, and only that one', async () => {
		let failures = 0;
		await bench.emulate({
			outcome: ({ prompt }) => (prompt === 'product 1' && failures++ === 0 ? 'failed3' : 'success'),
		});
		const result = await bench.generate(
			{ prompt: '={{ $json.prompt }}' },
			{ items: prompts(3), settings: RETRY },
		);
		expect(result.items.map(({ json }) => json.status)).toEqual(Array(3).fill('completed'));
		expect(bench.emulator.ledger.submits.map(({ body }) => body.prompt).sort()).toEqual([
			'product 0',
			'product 1',
			'product 1',
			'product 2',
		]);
	});

	it('with On Error = continue, a failed first item makes n8n run nothing again', async () => {
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
	it('goes on with the tasks of the failed one, also through its saved form', async () => {
		const undo = bench.emulator.intercept(async (call) =>
			isRead(call)
				? { status: 200, body: { code: 401, msg: 'Unauthorized', data: null } }
				: undefined,
		);
		const scenario = { items: prompts(3) };
		const first = await bench.generate({ prompt: '={{ $json.prompt }}' }, scenario);
		expect(first.status).toBe('error');
		undo();

		// What n8n's Retry does: the run of the failed node is taken off, its stack is executed again.
		const saved = JSON.parse(JSON.stringify(first.data));
		delete saved.resultData.error;
		delete saved.resultData.runData.Midjourney;
		const second = await bench.generate(
			{ prompt: '={{ $json.prompt }}' },
			{ ...scenario, retryOf: saved },
		);
		expect(second.items.map(({ json }) => json.status)).toEqual(Array(3).fill('completed'));
		expect(bench.emulator.ledger.submits).toHaveLength(3);
	});
});

describe('A refusal in the middle', () => {
	it('stops buying when the node is going to fail anyway, and names what was submitted', async () => {
		await bench.emulate({ credits: 10, prices: 1 });
		const result = await bench.generate({ prompt: '={{ $json.prompt }}' }, { items: prompts(40) });
		const { submits } = bench.emulator.ledger;
		expect(submits).toHaveLength(10);
		expect(result.error?.message).toMatch(/too little credit/);
		for (const { taskId } of submits) expect(result.error?.description).toContain(taskId);
		// At most what was under way at once is refused after the first refusal.
		expect(bench.emulator.ledger.refusals.length).toBeLessThanOrEqual(5);
	});

	it('with On Error = continue, brings what was bought and marks the rest', async () => {
		await bench.emulate({ credits: 2, prices: 1 });
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

describe('The id of a task', () => {
	it("stands in n8n's log at submit", async () => {
		const result = await bench.generate({});
		const [submit] = bench.emulator.ledger.submits;
		expect(result.log.join('\n')).toContain(submit?.taskId);
	});

	it('stands in the message of a failed task', async () => {
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
			{ options: { ...QUICK, timeLimit: 0.05 } },
			{ credentials: { apiKey: secret } },
		);
		expect(ledger.submits).toHaveLength(1);
		expect(result.status).toBe('error');
		expect(JSON.stringify([result.error, result.data, result.log])).not.toContain(secret);
	});
});
