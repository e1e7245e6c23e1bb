import type { Answer, Failure } from '../../nodes/Midjourney/providers/http';
import { midApi } from '../../nodes/Midjourney/providers/midApi';
import type { GenerateImage, Provider } from '../../nodes/Midjourney/providers/Provider';
import { Gate } from '../../nodes/Midjourney/tasks/gate';
import { Memory } from '../../nodes/Midjourney/tasks/memory';
import type { Order } from '../../nodes/Midjourney/tasks/order';
import { submitAll, type SubmitDeps } from '../../nodes/Midjourney/tasks/submit';
import { FakeClock } from './fakeClock';
import { NO_HTTP, SETTINGS } from './fixtures';

const request = (prompt: string): GenerateImage => ({
	kind: 'generateImage',
	mode: 'textToImage',
	prompt,
});
const order = (itemIndex: number, prompt = `p${itemIndex}`): Order => ({
	itemIndex,
	part: 0,
	request: request(prompt),
	settings: SETTINGS,
});
const orders = (count: number) => Array.from({ length: count }, (_, index) => order(index));

const LIMITED: Failure = { reason: 'rateLimited', taken: 'no', passing: true };
const REFUSED: Failure = { reason: 'invalidRequest', taken: 'no', passing: false };
const BROKE: Failure = { reason: 'noCredits', taken: 'no', passing: false };
const LOST: Failure = { reason: 'connectionLost', taken: 'unknown', passing: true };

/** A provider that answers the nth submit as told, and takes 100 ms for each. */
function stage(answer: (attempt: number, prompt: string) => Failure | undefined = () => undefined) {
	const clock = new FakeClock();
	const store = {};
	const sent: string[] = [];
	const failedTasks = new Set<string>();
	let inFlight = 0;
	let most = 0;
	const provider: Provider = {
		...midApi,
		async submit(_http, wanted): Promise<Answer<string>> {
			const prompt = 'prompt' in wanted ? (wanted.prompt ?? '') : '';
			const attempt = sent.push(prompt);
			most = Math.max(most, ++inFlight);
			await clock.sleep(100);
			inFlight--;
			const failure = answer(attempt, prompt);
			return failure ? { ok: false, failure } : { ok: true, value: `task of ${prompt}` };
		},
		async read(_http, taskId) {
			const status = failedTasks.has(taskId) ? 'failed' : 'running';
			return { ok: true, value: { provider: 'midApi', taskId, status, outputs: [], raw: {} } };
		},
	};
	const deps = (more: Partial<SubmitDeps> = {}): SubmitDeps => ({
		provider,
		http: NO_HTTP,
		clock,
		memory: new Memory(store, 0, 'midApi'),
		sizeOf: async () => ({ ok: true, value: { width: 1456, height: 816 } }),
		stopAtRefusal: false,
		onSubmitted: () => undefined,
		...more,
	});
	return { clock, deps, sent, store, failedTasks, mostInFlight: () => most };
}

describe('Submits', () => {
	it('are sent once each, in order, a few at a time', async () => {
		const { clock, deps, sent, mostInFlight } = stage();
		const results = await clock.until(submitAll(orders(30), deps()));
		expect(sent).toEqual(orders(30).map(({ itemIndex }) => `p${itemIndex}`));
		expect(results.map((result) => (result.ok ? result.ticket.taskId : ''))).toEqual(
			sent.map((prompt) => `task of ${prompt}`),
		);
		expect(mostInFlight()).toBe(5);
	});

	it('that were certainly not taken are sent again with growing pauses', async () => {
		const { clock, deps, sent } = stage((attempt) => (attempt <= 3 ? LIMITED : undefined));
		const [result] = await clock.until(submitAll([order(0)], deps()));
		expect(result?.ok).toBe(true);
		expect(sent).toHaveLength(4);
		expect(clock.time).toBe(1000 + 2000 + 4000 + 4 * 100);
	});

	it('obey Retry-After', async () => {
		const { clock, deps } = stage((attempt) =>
			attempt === 1 ? { ...LIMITED, retryAfterMs: 90_000 } : undefined,
		);
		await clock.until(submitAll([order(0)], deps()));
		expect(clock.time).toBe(90_200);
	});

	it('are given up when the provider asks for too long a pause, or goes on refusing', async () => {
		const long = stage(() => ({ ...LIMITED, retryAfterMs: 3_600_000 }));
		const forever = stage(() => LIMITED);
		await long.clock.until(submitAll([order(0)], long.deps()));
		await forever.clock.until(submitAll([order(0)], forever.deps()));
		expect([long.sent.length, forever.sent.length]).toEqual([1, 12]);
	});

	it.each([
		['refused', REFUSED],
		['lost on the way', LOST],
	])('that are %s are not sent again', async (_, failure) => {
		const { clock, deps, sent } = stage(() => failure);
		const [result] = await clock.until(submitAll([order(0)], deps()));
		expect(result).toMatchObject({ ok: false, failure, ambiguous: failure === LOST });
		expect(sent).toHaveLength(1);
	});

	it('go on after a refusal of one item, when failed items are to be continued', async () => {
		const { clock, deps, sent } = stage((_, prompt) => (prompt === 'p0' ? REFUSED : undefined));
		await clock.until(submitAll(orders(20), deps()));
		expect(sent).toHaveLength(20);
	});

	it.each([
		['any refusal, when the node stops at the first', REFUSED, true],
		['a refusal that all would meet', BROKE, false],
		['a refusal for the account', { ...BROKE, reason: 'notAllowed' } as const, false],
	])('end with %s', async (_, failure, stopAtRefusal) => {
		const { clock, deps, sent } = stage((_attempt, prompt) =>
			prompt === 'p0' ? failure : undefined,
		);
		const results = await clock.until(submitAll(orders(20), deps({ stopAtRefusal })));
		// Those that were under way at once, and none after.
		expect(sent).toHaveLength(5);
		expect(results[19]).toEqual({ ok: false, ambiguous: false });
	});
});

describe('The memory of an execution', () => {
	it('buys nothing again, and keeps the time of the submit', async () => {
		const { clock, deps, sent } = stage();
		await clock.until(submitAll(orders(3), deps()));
		const again = await clock.until(submitAll(orders(3), deps()));
		expect(sent).toHaveLength(3);
		expect(again.map((result) => result.ok && result.ticket.since)).toEqual([0, 0, 0]);
	});

	it('lets a task that has failed meanwhile be bought again, and no other', async () => {
		const { clock, deps, sent, failedTasks } = stage();
		await clock.until(submitAll(orders(3), deps()));
		failedTasks.add('task of p1');
		await clock.until(submitAll(orders(3), deps()));
		expect(sent).toEqual(['p0', 'p1', 'p2', 'p1']);
	});

	it('survives being saved as JSON', async () => {
		const { clock, deps, sent, store } = stage();
		await clock.until(submitAll(orders(3), deps()));
		const saved = JSON.parse(JSON.stringify(store));
		await clock.until(submitAll(orders(3), deps({ memory: new Memory(saved, 0, 'midApi') })));
		expect(sent).toHaveLength(3);
	});

	it('keeps an ambiguous submit from ever being sent again, with its reason', async () => {
		const { clock, deps, sent } = stage(() => LOST);
		await clock.until(submitAll([order(0)], deps()));
		const [again] = await clock.until(submitAll([order(0)], deps()));
		expect(again).toEqual({ ok: false, failure: LOST, ambiguous: true });
		expect(sent).toHaveLength(1);
	});

	it('forgets what was refused', async () => {
		const { clock, deps, sent } = stage((attempt) => (attempt === 1 ? REFUSED : undefined));
		await clock.until(submitAll([order(0)], deps()));
		const [again] = await clock.until(submitAll([order(0)], deps()));
		expect(again?.ok).toBe(true);
		expect(sent).toHaveLength(2);
	});

	it.each<[string, Order]>([
		['another item', order(1, 'p0')],
		['another content', order(0, 'other')],
	])('takes %s for a new purchase', async (_, other) => {
		const { clock, deps, sent } = stage();
		await clock.until(submitAll([order(0, 'p0')], deps()));
		await clock.until(submitAll([other], deps()));
		expect(sent).toHaveLength(2);
	});

	it('takes the next run of the node, as in a loop, for a new purchase', async () => {
		const { clock, deps, sent, store } = stage();
		await clock.until(submitAll([order(0)], deps()));
		await clock.until(submitAll([order(0)], deps({ memory: new Memory(store, 1, 'midApi') })));
		expect(sent).toHaveLength(2);
	});

	it('does not mind the order in which a request is put together, nor what is not set', () => {
		const memory = new Memory({}, 0, 'midApi');
		const one: Order = { ...order(0), request: { ...request('p'), version: undefined } };
		const two: Order = {
			...order(0),
			request: { prompt: 'p', mode: 'textToImage', kind: 'generateImage' },
		};
		memory.submitted(one, 5, 'task');
		expect(memory.recall(two)).toEqual({ taskId: 'task', at: 5 });
	});
});

describe('A gate', () => {
	it('gives its place on when the work fails', async () => {
		const clock = new FakeClock();
		const gate = new Gate(1, clock);
		const failing = gate.pass(async () => await Promise.reject(new Error('no')));
		const next = gate.pass(async () => 'yes');
		await expect(clock.until(failing)).rejects.toThrow('no');
		expect(await clock.until(next)).toBe('yes');
	});

	it('lets nobody in while it is closed, also when it is closed again meanwhile', async () => {
		const clock = new FakeClock();
		const gate = new Gate(2, clock);
		gate.close(1000);
		const entered = gate.pass(async () => clock.now());
		await Promise.resolve();
		gate.close(5000);
		expect(await clock.until(entered)).toBe(5000);
	});
});
