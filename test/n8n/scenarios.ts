/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/require-node-api-error -- drives a real n8n, it is not a node */
import { setTimeout as pause } from 'node:timers/promises';

import type { Emulator } from '../emulator';
import { type Execution, N8nClient } from './client';
import { lastLines } from './npm';
import { failuresOf, type Plan, prompts, resultsOf, runsBehind, until, Wait } from './parking';
import type { N8nServer } from './server';

const MINUTE = 60_000;
/** n8n looks for executions whose time is up once a minute. */
const TIMER_TIMEOUT_MS = 3 * MINUTE;
const SHORTEST_LIMIT = { timeLimit: 0.05 };
/** So long before the end of a wait n8n has not set its timer for it; a minute later it has. In minutes. */
const TIMER_AHEAD_MIN = 1.2;
/** By then a timer that was due has fired, and what it has begun is seen. */
const SURELY_MS = 5_000;

/** What an n8n can do; older ones cannot do everything. */
export interface Abilities {
	/** Checks a signature of its own in resume URLs. */
	signsResumeUrls: boolean;
}

/** An n8n to run the scenarios in. */
export interface Stage {
	name: string;
	start: () => Promise<N8nServer>;
	abilities: Abilities;
}

/**
 * Everything that can happen to a parked execution, as tests: the same in every way to run n8n.
 * To be called where jest collects tests.
 */
export function testParkedExecutions({ name, start, abilities }: Stage): void {
	const { signsResumeUrls } = abilities;
	const say = (line: string) => process.stderr.write(`    ${name}: ${line}\n`);
	const waits: Wait[] = [];
	let n8n: N8nServer;
	let client: N8nClient;
	/** Those that take a minute or two run beside the others. */
	let outOfTime: Promise<Wait>;
	let lost: Promise<Wait>;
	let looking: Promise<Wait>;
	let approving: Promise<Awaited<ReturnType<typeof approved>>>;

	const kept = async (starting: Promise<Wait>): Promise<Wait> => {
		const wait = await starting;
		waits.push(wait);
		return wait;
	};
	const park = async (plan: Plan) => await kept(Wait.parked({ client, n8n }, plan));
	const begin = async (plan: Plan, prepare?: (emulator: Emulator) => void) =>
		await kept(Wait.start({ client, n8n }, plan, prepare));

	/** A test whose failure shows the end of n8n's log. */
	const scenario = (title: string, work: () => Promise<void>, timeoutMs = 2 * MINUTE) =>
		test(
			title,
			async () => {
				try {
					await work();
				} catch (error) {
					if (error instanceof Error && n8n !== undefined) {
						const log = n8n.log().replace(/^.* \| debug \| .*\n/gm, '');
						error.message += `\n\nThe end of the log of n8n (${name}):\n${lastLines(log, 30)}`;
					}
					throw error;
				}
			},
			timeoutMs,
		);

	/** What the provider got for its early call. n8n says no, in whatever way it does. */
	function expectRefused(status: unknown): void {
		say(`an early callback was answered ${String(status)}`);
		expect(Number(status)).toBeGreaterThanOrEqual(400);
	}

	/** The execution went on once, with the result of every task, in the order of the items and paired with them. */
	function expectResumedOnce(wait: Wait, execution: Execution, since: number): void {
		const { status, error } = execution;
		expect({ status, error }).toEqual({ status: 'success', error: undefined });
		const ids = wait.taskIds();
		const shown = resultsOf(execution).map(({ json }) => {
			return { n: json.n, taskId: json.taskId, status: json.status, via: json.via };
		});
		expect(shown).toEqual(
			ids.map((taskId, n) => ({ n, taskId, status: 'completed', via: 'callback' })),
		);
		const behind = runsBehind(execution);
		expect(behind.count).toBe(1);
		// Not a moment before the last task was finished, whatever had been called before.
		expect(behind.startedAt).toBeGreaterThanOrEqual(since);
		expect(wait.emulator.ledger.submits).toHaveLength(ids.length);
		expect(JSON.stringify(resultsOf(execution))).not.toContain('forged.png');
	}

	/** The execution went on once, with the result of every task, and nobody had called it. */
	function expectLookedUp(wait: Wait, execution: Execution): void {
		const { status, error } = execution;
		expect({ status, error }).toEqual({ status: 'success', error: undefined });
		expect(
			resultsOf(execution).map(({ json }) => [json.n, json.taskId, json.status, json.via]),
		).toEqual(wait.taskIds().map((taskId, n) => [n, taskId, 'completed', 'poll']));
		expect(runsBehind(execution).count).toBe(1);
		expect(execution.runs.get('Generate')).toHaveLength(1);
		expect(wait.emulator.ledger.submits).toHaveLength(wait.taskIds().length);
	}

	/** Ends the tasks at these positions, one by one, and sees the execution go on at the last. */
	async function finishAll(wait: Wait, positions: number[]): Promise<void> {
		let since = 0;
		for (const position of positions) {
			since = Date.now();
			expect(await wait.finishAndDeliver(position)).toEqual([200]);
		}
		expectResumedOnce(wait, await wait.ended(), since);
	}

	/** Retried, so that callbacks go to the execution before and only looks find anything. Ends after the first look. */
	async function lookedAt(): Promise<Wait> {
		const first = await Wait.parked({ client, n8n }, { prompts: prompts(3) });
		const wait = await kept(first.stoppedAndRetried());
		const { reads } = wait.emulator.ledger;
		const before = reads.length;
		await until(
			'the node has looked',
			() => reads.length,
			(count) => count > before,
			TIMER_TIMEOUT_MS,
		);
		await wait.untilParked();
		for (const position of [1, 2, 0]) wait.finish(position);
		return wait;
	}

	/** Called when n8n has set the timer for the end of the wait, and followed beyond that. */
	async function approved() {
		const options = { timeLimit: TIMER_AHEAD_MIN };
		const wait = await park({ prompts: prompts(1), options, approval: 'GET' });
		await pause(MINUTE);
		const answers = await wait.finishAndDeliver(0);
		await pause(TIMER_AHEAD_MIN * MINUTE - MINUTE + SURELY_MS);
		return { wait, answers, status: await wait.status() };
	}

	beforeAll(async () => {
		n8n = await start();
		say(`ready after ${(n8n.startedInMs / 1000).toFixed(1)} s`);
		client = new N8nClient(n8n.url);
		await client.setUpOwner({ email: 'owner@example.com', password: 'Correct-horse-1' });
		outOfTime = park({ prompts: prompts(2), options: SHORTEST_LIMIT });
		lost = park({ prompts: prompts(1), options: SHORTEST_LIMIT }).then((wait) => {
			wait.finish(0);
			return wait;
		});
		looking = lookedAt();
		approving = approved();
		for (const starting of [outOfTime, lost, looking, approving]) starting.catch(() => undefined);
	}, 20 * MINUTE);

	afterAll(async () => {
		await Promise.all(waits.map(async (wait) => await wait.close()));
		await n8n?.stop();
	}, MINUTE);

	describe('parked and resumed once, in order, paired', () => {
		scenario('one item', async () => await finishAll(await park({ prompts: prompts(1) }), [0]));

		scenario('three items, called back out of order', async () => {
			await finishAll(await park({ prompts: prompts(3) }), [2, 0, 1]);
		});

		scenario('100 items, called back in random order: in the order of N log N reads', async () => {
			await many('random order', shuffled(100));
		});

		scenario(
			'30 items, called back in the order of their submits: no more reads than that',
			async () => {
				await many('the order of submits', [...Array(30).keys()]);
			},
		);
	});

	/** Calls back many tasks in this order and counts how often they are read. */
	async function many(order: string, positions: number[]): Promise<void> {
		const count = positions.length;
		const begun = Date.now();
		const wait = await park({ prompts: prompts(count) });
		const { reads } = wait.emulator.ledger;
		const before = reads.length;
		const parked = Date.now();
		await finishAll(wait, positions);
		const later = reads.length - before;
		say(
			`${count} items, called back in ${order}: ${before} reads until parked (${parked - begun} ms), ` +
				`${later} reads for ${count} callbacks (${Date.now() - parked} ms); ` +
				`N log2 N = ${Math.round(count * Math.log2(count))}, N² / 2 = ${count ** 2 / 2}`,
		);
		// One look at each before parking.
		expect(before).toBeLessThanOrEqual(2 * count);
		// Batches make some reads in vain.
		expect(later).toBeLessThan(2 * count * Math.log2(count));
	}

	describe('callbacks', () => {
		/** The provider calls before it has answered the submit. */
		const callsEarly = async (plan: Plan) =>
			await begin(plan, (emulator) => {
				const mend = emulator.intercept(async (call) => {
					if (!call.path.endsWith('/generate')) return undefined;
					mend();
					const answer = await call.handle();
					const [submit] = emulator.ledger.submits;
					if (submit) await emulator.deliverCallback(submit.taskId);
					return answer;
				});
			});

		scenario(
			'early, before the submit is answered: refused by n8n, the next one counts',
			async () => {
				const wait = await callsEarly({ prompts: prompts(1) });
				await wait.untilParked();
				expectRefused(wait.emulator.ledger.callbacks[0]?.status);
				await finishAll(wait, [0]);
			},
		);

		/** The task ends, and the provider calls, after the node has looked and before the execution is parked. */
		const callsBeforeSaved = async (plan: Plan, isCalled: (emulator: Emulator) => boolean) => {
			let delivered: Promise<unknown> | undefined;
			let since = 0;
			const wait = await begin(plan, (emulator) => {
				const mend = emulator.intercept(async (call) => {
					if (!call.path.endsWith('/record-info')) return undefined;
					mend();
					const answer = await call.handle();
					const taskId = call.query.taskId ?? '';
					since = Date.now();
					emulator.finish(taskId);
					delivered = emulator.deliverCallback(taskId);
					await until(
						'the provider has called',
						() => isCalled(emulator),
						(called) => called,
					);
					return answer;
				});
			});
			const execution = await wait.ended();
			await delivered;
			const statuses = wait.emulator.ledger.callbacks.map(({ status }) => status);
			return { wait, execution, since, statuses };
		};

		scenario('before the execution is saved: the retry of the provider resumes', async () => {
			const { wait, execution, since, statuses } = await callsBeforeSaved(
				{ prompts: prompts(1), emulator: { callbackRetryPausesMs: Array<number>(20).fill(500) } },
				({ ledger }) => ledger.callbacks.length > 0,
			);
			expectRefused(statuses[0]);
			expect(statuses.at(-1)).toBe(200);
			expectResumedOnce(wait, execution, since);
		});

		scenario('before the execution is saved, over the Trigger: one call is enough', async () => {
			const { wait, execution, since, statuses } = await callsBeforeSaved(
				{ prompts: prompts(1), relay: true },
				// The Trigger reads the task, is refused by n8n like anyone else, and tries again.
				({ ledger }) => ledger.reads.length > 1,
			);
			expect(statuses).toEqual([200]);
			expectResumedOnce(wait, execution, since);
		});

		scenario('late: the execution that has ended stays as it is', async () => {
			const wait = await park({ prompts: prompts(1) });
			await finishAll(wait, [0]);
			const reads = wait.emulator.ledger.reads.length;
			expect(await wait.deliver(0)).toEqual([409]);
			expect(wait.emulator.ledger.reads).toHaveLength(reads);
			expect(runsBehind(await wait.ended()).count).toBe(1);
		});

		scenario('twice: the second changes nothing', async () => {
			const wait = await park({ prompts: prompts(2) });
			expect(await wait.finishAndDeliver(0)).toEqual([200]);
			expect(await wait.deliver(0)).toEqual([200]);
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [1]);
		});

		scenario('three at once, all of them the last: one resumes', async () => {
			const wait = await park({ prompts: prompts(3) });
			const since = Date.now();
			for (const position of [0, 1, 2]) wait.finish(position);
			const answers = await Promise.all([0, 1, 2].map(async (at) => await wait.deliver(at)));
			say(`three at once were answered ${answers.flat().join(', ')}`);
			expect(answers.flat()).toContain(200);
			expectResumedOnce(wait, await wait.ended(), since);
		});

		scenario('two last ones at the same time, ten times over: one resumes each time', async () => {
			const all = await Promise.all(
				Array.from({ length: 10 }, async () => await park({ prompts: prompts(2) })),
			);
			const since = Date.now();
			for (const wait of all) for (const position of [0, 1]) wait.finish(position);
			await Promise.all(
				all.map(async (wait) => await Promise.all([wait.deliver(0), wait.deliver(1)])),
			);
			for (const wait of all) expectResumedOnce(wait, await wait.ended(), since);
		});

		scenario('lost, but not the last: the others bring its result along', async () => {
			const wait = await park({ prompts: prompts(3) });
			wait.finish(1);
			await finishAll(wait, [0, 2]);
		});

		scenario('of a submit whose answer was lost: the item has its task, bought once', async () => {
			const loses = (emulator: Emulator) =>
				emulator.intercept(async (call) => {
					if (!call.path.endsWith('/generate')) return undefined;
					if (!JSON.stringify(call.body).includes(prompts(2)[1] ?? '')) return undefined;
					await call.handle();
					return 'reset';
				});
			const wait = await begin({ prompts: prompts(2) }, loses);
			await wait.untilParked();
			const called = Date.now();
			expect(await wait.finishAndDeliver(1)).toEqual([200]);
			say(`the task of a lost answer was found ${Date.now() - called} ms after its end`);
			await wait.untilParked();
			await finishAll(wait, [0]);
		});

		scenario('again, after the node is done: an approval (POST) behind it waits on', async () => {
			const wait = await park({ prompts: prompts(1), approval: 'POST' });
			expect(await wait.finishAndDeliver(0)).toEqual([200]);
			await until(
				'the approval is waited for',
				async () => (await client.execution(wait.executionId)).runs.has('Approval'),
				(waits) => waits,
			);
			await wait.untilParked();
			const [again] = await wait.deliver(0);
			expect(Number(again)).toBeGreaterThanOrEqual(400);
			expect(await wait.status()).toBe('waiting');
		});

		scenario('forged: "completed" for a running task changes nothing', async () => {
			const wait = await park({ prompts: prompts(1) });
			expect(await wait.deliver(0, { as: 'forged' })).toEqual([200]);
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [0]);
		});

		scenario('about a task that nobody waits for: changes nothing', async () => {
			const wait = await park({ prompts: prompts(1) });
			await wait.deliver(0, { as: 'otherTask' });
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [0]);
		});

		scenario('with a wrong nonce, or none: turned away without a read', async () => {
			const wait = await park({ prompts: prompts(1) });
			wait.finish(0);
			const reads = wait.emulator.ledger.reads.length;
			const wrong = wait.url(0);
			wrong.searchParams.set('mjNonce', '0'.repeat(32));
			const none = wait.url(0);
			none.searchParams.delete('mjNonce');
			for (const to of [wrong, none]) expect(await wait.deliver(0, { to })).toEqual([404]);
			expect(wait.emulator.ledger.reads).toHaveLength(reads);
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [0]);
		});

		if (signsResumeUrls) {
			scenario("with a wrong signature of n8n's own: turned away by n8n", async () => {
				const wait = await park({ prompts: prompts(1) });
				const url = wait.url(0);
				expect(url.searchParams.get('signature')).toBeTruthy();
				url.searchParams.set('signature', '0'.repeat(64));
				expect(await wait.deliver(0, { to: url })).toEqual([401]);
				expect(await wait.status()).toBe('waiting');
				await finishAll(wait, [0]);
			});
		}

		scenario(
			'with a wrong signature of the provider, or none: turned away without a read',
			async () => {
				const secret = 'the secret of both';
				const wait = await park({
					prompts: prompts(1),
					credential: { webhookSecret: secret },
					emulator: { hmacKey: secret },
				});
				wait.finish(0);
				const reads = wait.emulator.ledger.reads.length;
				for (const as of ['wrongSignature', 'oldSignature', 'unsigned'] as const) {
					expect(await wait.deliver(0, { as })).toEqual([401]);
				}
				expect(wait.emulator.ledger.reads).toHaveLength(reads);
				expect(await wait.status()).toBe('waiting');
				await finishAll(wait, [0]);
			},
		);

		for (const [what, as] of [
			['whose body is no JSON', 'notJson'],
			['whose body only calls itself JSON', 'brokenJson'],
			['without a body', 'empty'],
		] as const) {
			scenario(`${what}: answered, changes nothing`, async () => {
				const wait = await park({ prompts: prompts(1) });
				const [status] = await wait.deliver(0, { as });
				say(`a callback ${what} was answered ${status}`);
				expect(await wait.status()).toBe('waiting');
				await finishAll(wait, [0]);
			});
		}

		scenario('with 5 MB: answered, changes nothing', async () => {
			const wait = await park({ prompts: prompts(1) });
			const statuses = await wait.deliver(0, { as: 'huge' });
			say(`a callback with 5 MB was answered ${statuses.join(', ')}`);
			expect(statuses).toEqual([200]);
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [0]);
		});
	});

	describe('a task that fails, among three', () => {
		const failing = ['picture number 0', '[fail] picture', 'picture number 2'];
		const end = async (settings: Plan['settings']) => {
			const wait = await park({ prompts: failing, settings });
			for (const position of [1, 0, 2]) await wait.finishAndDeliver(position);
			const execution = await wait.ended();
			expect(wait.emulator.ledger.submits).toHaveLength(3);
			return { wait, execution, failed: wait.submit(1).taskId };
		};
		const outcomes = (items: ReturnType<typeof resultsOf>) =>
			items.map(({ json }) => ({ n: json.n, taskId: json.taskId }));

		scenario('On Error = stop: the execution fails and names the task', async () => {
			const { execution, failed } = await end({});
			expect(execution.status).toBe('error');
			expect(execution.error).toContain(failed);
			expect(runsBehind(execution).count).toBe(0);
			expect(execution.runs.get('Items')?.[0]?.outputs[0]).toHaveLength(3);
		});

		scenario('On Error = continue: an error in its place among the results', async () => {
			const { wait, execution, failed } = await end({ onError: 'continueRegularOutput' });
			expect(execution.status).toBe('success');
			const [first, second, third] = resultsOf(execution);
			expect(String(second?.json.errorMessage)).toContain(failed);
			expect([first?.json.taskId, third?.json.taskId]).toEqual(
				[0, 2].map((position) => wait.submit(position).taskId),
			);
			expect([first, second, third].map((item) => item?.json.n)).toEqual([0, 1, 2]);
		});

		scenario('On Error = error output: leaves by it, the others by the first', async () => {
			const { wait, execution, failed } = await end({ onError: 'continueErrorOutput' });
			expect(execution.status).toBe('success');
			expect(outcomes(resultsOf(execution))).toEqual(
				[0, 2].map((n) => ({ n, taskId: wait.submit(n).taskId })),
			);
			const failures = failuresOf(execution);
			expect(failures).toHaveLength(1);
			expect(failures[0]?.json).toMatchObject({ taskId: failed, status: 'failed', n: 1 });
			expect(String(failures[0]?.json.errorMessage)).toContain(failed);
		});
	});

	describe('Auto', () => {
		scenario('a quick task is polled for, nothing is parked', async () => {
			const wait = await begin({
				prompts: prompts(2),
				waitMode: 'auto',
				options: { firstCheck: 1, longestPause: 1 },
				emulator: { latencyMs: 1500 },
			});
			const seen = new Set<string>();
			const execution = await client.finished(wait.executionId, MINUTE, ({ status }) =>
				seen.add(status),
			);
			expect(execution).toMatchObject({ status: 'success' });
			expect([...seen]).not.toContain('waiting');
			expect(resultsOf(execution).map(({ json }) => json.via)).toEqual(['poll', 'poll']);
		});

		scenario('a slow task beside a quick one is parked, and both come out', async () => {
			const wait = await begin({
				prompts: prompts(2),
				waitMode: 'auto',
				options: { firstCheck: 0, longestPause: 1, parkAfter: 3 },
			});
			await until(
				'both are bought',
				() => wait.emulator.ledger.submits.length,
				(count) => count === 2,
			);
			wait.finish(0);
			await wait.untilParked();
			const since = Date.now();
			expect(await wait.finishAndDeliver(1)).toEqual([200]);
			const execution = await wait.ended();
			expect(runsBehind(execution)).toMatchObject({ count: 1 });
			expect(runsBehind(execution).startedAt).toBeGreaterThanOrEqual(since);
			expect(resultsOf(execution).map(({ json }) => json.taskId)).toEqual(wait.taskIds());
			expect(wait.emulator.ledger.submits).toHaveLength(2);
		});
	});

	describe('without a call', () => {
		scenario(
			'the time limit ends the wait and names the open tasks',
			async () => {
				const wait = await outOfTime;
				const { status, error, runs } = await wait.ended(TIMER_TIMEOUT_MS);
				expect(status).toBe('error');
				for (const id of wait.taskIds()) expect(error).toContain(id);
				expect(runs.get('After')).toBeUndefined();
				expect(wait.emulator.ledger.submits).toHaveLength(2);
			},
			TIMER_TIMEOUT_MS,
		);

		scenario(
			'what has ended by the time limit comes out',
			async () => {
				const wait = await lost;
				expectLookedUp(wait, await wait.ended(TIMER_TIMEOUT_MS));
			},
			TIMER_TIMEOUT_MS,
		);

		scenario(
			'the node looks by itself, without a trace, until the last task has ended',
			async () => {
				const wait = await looking;
				expectLookedUp(wait, await wait.ended(TIMER_TIMEOUT_MS));
			},
			2 * TIMER_TIMEOUT_MS,
		);
	});

	// n8n sets the timer of a wait up to 70 s ahead, and a call does not take it back.
	scenario(
		"the timer of a wait does not end the next one, somebody else's",
		async () => {
			const { wait, answers, status } = await approving;
			expect({ answers, status }).toEqual({ answers: [200], status: 'waiting' });
			expect((await client.execution(wait.executionId)).runs.get('Approval')).toHaveLength(1);
			await wait.approve();
			const execution = await wait.ended();
			expect(execution.status).toBe('success');
			expect(execution.runs.get('Done')).toHaveLength(1);
			expect(runsBehind(execution).count).toBe(1);
		},
		TIMER_TIMEOUT_MS,
	);

	// The last: it takes everything else down with it.
	scenario(
		'n8n killed while parked and started again: resumes, nothing is bought twice',
		async () => {
			const overdue = await park({ prompts: prompts(1), options: SHORTEST_LIMIT });
			overdue.finish(0);
			const wait = await park({ prompts: prompts(3) });
			expect(await wait.finishAndDeliver(1)).toEqual([200]);
			// Until its log of events says that an execution waits, n8n takes it for crashed.
			await pause(1000);
			const crashed = Date.now();
			await n8n.crashAndStart();
			say(`killed and ready again after ${((Date.now() - crashed) / 1000).toFixed(1)} s`);
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [2, 0]);
			// A wait that has run out meanwhile begins to look while n8n still reads its log of events for what was running
			// when it died; now and then n8n finds it there and marks it as crashed (docs/waiting.md).
			const ended = await overdue.ended(TIMER_TIMEOUT_MS);
			if (ended.status === 'crashed') say('n8n took the overdue wait for crashed');
			else expectLookedUp(overdue, ended);
			expect(overdue.emulator.ledger.submits).toHaveLength(1);
		},
		5 * MINUTE,
	);
}

/** 0 to count - 1 in an order that is the same every time, but none that anything could be made for. */
function shuffled(count: number): number[] {
	const positions = Array.from({ length: count }, (_, at) => at);
	let state = 12345;
	for (let at = count - 1; at > 0; at--) {
		state = (state * 1103515245 + 12345) % 2 ** 31;
		const other = state % (at + 1);
		const [a, b] = [positions[at] ?? 0, positions[other] ?? 0];
		positions[at] = b;
		positions[other] = a;
	}
	return positions;
}
