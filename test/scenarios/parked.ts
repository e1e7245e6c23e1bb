/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/require-node-api-error -- drives a real n8n, it is not a node */
import { setTimeout as pause } from 'node:timers/promises';

import { altered, underOtherTag, withoutToken } from '../callbackAddress';
import type { Emulator } from '../emulator';
import { type Approval, APPROVALS, CALL_AWAITED } from './approvals';
import { type Execution, N8nClient } from '../n8n/client';
import { type Mailbox, startMailbox } from '../n8n/mailbox';
import { lastLines } from '../n8n/npm';
import { failuresOf, type Place, type Plan, prompts, resultsOf, runsBehind, Wait } from './wait';
import { until } from '../n8n/until';
import type { N8nServer } from '../n8n/server';

const MINUTE = 60_000;
/** n8n's timer of a parked execution fires this long after the time for which its process is to wake it. */
const TIMER_BEHIND_MS = 80_000;
/** By then n8n's timer has run the execution again, and it has ended. */
const TIMER_TIMEOUT_MS = TIMER_BEHIND_MS + MINUTE;
const SHORTEST_LIMIT = { timeLimit: 0.05 };
/** By then a due timer has fired and its effect can be seen. */
const SURELY_MS = 5_000;
/** A task is not read earlier after its submit unless a call names it. */
const FIRST_READ_MS = 4_000;

/** How long after the call that wakes an execution it is stopped. */
const STOPS_AFTER_MS = [0, 10, 25, 40];

/** Each approval with calls that come directly and through a Trigger. */
const WAYS: ReadonlyArray<Omit<Plan, 'prompts'>> = APPROVALS.flatMap((approval) => [
	{ approval, waitMode: 'auto', waitOptions: { firstCheck: 60 } },
	{ approval, relay: true },
]);

/** How this n8n differs from others. */
export interface Abilities {
	/** Signs its resume URLs. */
	signsResumeUrls: boolean;
	/** The answer to a call for an open task: a process that does not watch it asks to be called again. */
	stillOpen: 200 | 503;
	/** The reads of a task that a call names: by the called process, and by the one that goes on if that is another. */
	readsPerTask: number;
	/** The process with the editor accepts calls, too, beside that for webhooks. */
	hasTwoForCalls?: true;
	/** The process that watches learns of calls only when one wakes the execution, so it may read an end before that. */
	hearsLate?: true;
}

/** An n8n to run the scenarios in. */
export interface Stage {
	name: string;
	start: () => Promise<N8nServer>;
	abilities: Abilities;
}

/**
 * Everything that can happen to a parked execution, as tests that are the same for every way to run n8n.
 * To be called where jest collects tests.
 */
export function testParkedExecutions({ name, start, abilities }: Stage): void {
	const { signsResumeUrls, readsPerTask, stillOpen, hasTwoForCalls, hearsLate } = abilities;
	const say = (line: string) => process.stderr.write(`    ${name}: ${line}\n`);
	const waits: Wait[] = [];
	let n8n: N8nServer;
	let client: N8nClient;
	let mailbox: Mailbox;
	let place: Place;
	/** Scenarios of a minute or two run beside the others. */
	let holding: Array<ReturnType<typeof heldForLong>>;
	let surviving: Array<ReturnType<typeof survived>>;
	let leaving: ReturnType<typeof leftToTimer>;
	let crashing: Promise<Awaited<ReturnType<typeof crashed>>>;

	const kept = async (starting: Promise<Wait>): Promise<Wait> => {
		const wait = await starting;
		waits.push(wait);
		return wait;
	};
	const park = async (plan: Plan) => await kept(Wait.parked(place, plan));
	const begin = async (plan: Plan, prepare?: (emulator: Emulator) => void) =>
		await kept(Wait.start(place, plan, prepare));

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

	/** Expects n8n's refusal of an early call, in whatever form. */
	function expectRefused(status: unknown): void {
		say(`an early callback was answered ${String(status)}`);
		expect(Number(status)).toBeGreaterThanOrEqual(400);
	}

	/**
	 * Expects that the execution went on once, with all results in the order of the items and paired with them.
	 *
	 * @param silent the positions of the tasks without a call
	 */
	function expectResumedOnce(
		wait: Wait,
		execution: Execution,
		since: number,
		silent: readonly number[] = [],
	): void {
		const { status, error } = execution;
		expect({ status, error }).toEqual({ status: 'success', error: undefined });
		const ids = wait.taskIds();
		const shown = resultsOf(execution).map(({ json }) => {
			return { n: json.n, taskId: json.taskId, status: json.status, via: json.via };
		});
		const told = hearsLate ? expect.stringMatching(/^(callback|poll)$/) : 'callback';
		expect(shown).toEqual(
			ids.map((taskId, n) => {
				return { n, taskId, status: 'completed', via: silent.includes(n) ? 'poll' : told };
			}),
		);
		expect(execution.runs.get('Generate')).toHaveLength(1);
		const behind = runsBehind(execution);
		expect(behind.count).toBe(1);
		// Not before the last task was finished, whatever calls came before.
		expect(behind.startedAt).toBeGreaterThanOrEqual(since);
		expect(wait.emulator.ledger.submits).toHaveLength(ids.length);
		expect(JSON.stringify(resultsOf(execution))).not.toContain('forged.png');
	}

	/** Ends the tasks at these positions one by one, and expects the execution to go on at the last. */
	async function finishAll(
		wait: Wait,
		positions: number[],
		silent?: readonly number[],
	): Promise<void> {
		let since = 0;
		for (const position of positions) {
			since = Date.now();
			expect(await wait.finishAndDeliver(position)).toEqual([200]);
		}
		expectResumedOnce(wait, await wait.ended(), since, silent);
	}

	/** Waits from its submits until a task may be read. */
	const untilRead = async (wait: Wait) => {
		const submitted = Math.max(...wait.emulator.ledger.submits.map(({ at }) => at));
		await pause(Math.max(0, submitted + FIRST_READ_MS - Date.now()));
	};

	/** Runs to the approval behind the node; the last call comes three times at once. */
	async function held(plan: Omit<Plan, 'prompts'>) {
		const wait = await park({ prompts: prompts(2), ...plan });
		const secret = await wait.wakeSecret();
		const answers = await wait.finishAndDeliver(1);
		wait.finish(0);
		const last = await Promise.all([1, 2, 3].map(async () => await wait.deliver(0)));
		await wait.untilHeld();
		return { wait, secret, answers: [...answers, ...last.flat()] };
	}

	/** As `held`, and called while it waits for the approval. */
	async function heldAndCalled(plan: Omit<Plan, 'prompts'>) {
		const { wait, secret, answers } = await held(plan);
		return { wait, secret, answers, again: await wait.callAgain(secret) };
	}

	/** As `heldAndCalled`, and called once more after every timer of the node's own wait was due. */
	async function heldForLong(approval: Approval) {
		const waitOptions = { timeLimit: 0.25 };
		const { wait, secret, answers, again } = await heldAndCalled({ approval, waitOptions });
		await pause(waitOptions.timeLimit * MINUTE + TIMER_BEHIND_MS + SURELY_MS);
		return { wait, answers, again: [...again, ...(await wait.callAgain(secret))] };
	}

	/** Expects that it still waits for the approval, approves, and expects the next node to run once. */
	async function expectApproved(wait: Wait): Promise<void> {
		expect(await wait.status()).toBe('waiting');
		const { runs } = await client.execution(wait.executionId);
		expect([...runs.keys()]).not.toContain('Done');
		await wait.approve();
		const execution = await wait.ended();
		const { status, error } = execution;
		expect({ status, error }).toEqual({ status: 'success', error: undefined });
		for (const node of ['Generate', 'After', 'Approval', 'Done']) {
			expect({ node, runs: execution.runs.get(node)?.length }).toEqual({ node, runs: 1 });
		}
	}

	/**
	 * Parked when n8n was killed and started again: with its time running out meanwhile, once with an approval behind it, and
	 * with one task told of.
	 */
	async function crashed() {
		const waitOptions = { timeLimit: 0.25 };
		const overdue = await park({ prompts: prompts(1), waitOptions });
		const nearTimer = await park({ prompts: prompts(1), waitOptions, approval: CALL_AWAITED });
		const due = Date.now() + waitOptions.timeLimit * MINUTE + TIMER_BEHIND_MS;
		const wait = await park({ prompts: prompts(3) });
		const answer = await wait.finishAndDeliver(1);
		overdue.finish(0);
		const since = Date.now();
		await n8n.crashAndStart();
		// n8n 2.8 calls it crashed until it has found that it waits.
		await Promise.all(
			waits.map(
				async (one) =>
					await until(
						`n8n has looked at execution ${one.executionId}`,
						async () => await one.status(),
						(status) => status !== 'crashed',
					),
			),
		);
		say(`killed and ready again after ${((Date.now() - since) / 1000).toFixed(1)} s`);
		return { overdue, nearTimer, due, wait, answer, since, status: await wait.status() };
	}

	/** After the crash it is called once more; then the approval is given. */
	async function survived(holding: ReturnType<typeof heldAndCalled>) {
		const { wait, secret, answers, again } = await holding;
		await crashing;
		const after = await wait.callAgain(secret);
		await expectApproved(wait);
		return { answers, again: [...again, ...after] };
	}

	/** After the crash a call comes when n8n has set its timer. The execution goes on when that is due. */
	async function leftToTimer() {
		const { nearTimer: wait, due } = await crashing;
		const secret = await wait.wakeSecret();
		await pause(due - 2 * SURELY_MS - Date.now());
		const answer = await wait.finishAndDeliver(0);
		// Without the timer it would have gone on by then.
		await pause(SURELY_MS);
		const left = await client.execution(wait.executionId);
		await wait.untilHeld(TIMER_TIMEOUT_MS);
		await pause(Math.max(0, due - Date.now()) + SURELY_MS);
		await wait.callAgain(secret);
		return { wait, answer, status: left.runs.has('After') ? 'went on' : left.status };
	}

	beforeAll(async () => {
		n8n = await start();
		say(`ready after ${(n8n.startedInMs / 1000).toFixed(1)} s`);
		client = new N8nClient(n8n.url);
		await client.setUpOwner({ email: 'owner@example.com', password: 'Correct-horse-1' });
		mailbox = await startMailbox();
		const smtp = {
			name: 'SMTP',
			id: await client.createCredential('SMTP', 'smtp', mailbox.account),
		};
		place = { client, n8n, post: { mailbox, smtp } };
		const before = WAYS.map(heldAndCalled);
		await Promise.allSettled(before);
		crashing = crashed();
		// Before anything else is under way, because the crash ends everything.
		await crashing.catch(() => undefined);
		surviving = before.map(survived);
		leaving = leftToTimer();
		holding = APPROVALS.map(heldForLong);
		for (const one of [...surviving, leaving, ...holding]) one.catch(() => undefined);
	}, 20 * MINUTE);

	afterAll(async () => {
		await Promise.all(waits.map(async (wait) => await wait.close()));
		await mailbox?.close();
		await n8n?.stop();
	}, MINUTE);

	describe('is parked and resumed once, with items in order and paired:', () => {
		scenario('one item', async () => await finishAll(await park({ prompts: prompts(1) }), [0]));

		scenario('three items, called back out of order', async () => {
			await finishAll(await park({ prompts: prompts(3) }), [2, 0, 1]);
		});

		scenario('100 items, called back one by one in random order', async () => {
			await many(100, async (wait) => await finishAll(wait, shuffled(100)));
		});

		scenario('50 items that end together', async () => {
			await many(50, async (wait) => {
				const since = Date.now();
				for (const at of shuffled(50)) wait.finish(at);
				await Promise.all(shuffled(50).map(async (at) => await wait.deliver(at)));
				expectResumedOnce(wait, await wait.ended(), since);
			});
		});
	});

	/** Buys in batches, and reports how often each task is read until all have ended. */
	async function many(count: number, end: (wait: Wait) => Promise<void>): Promise<void> {
		const begun = Date.now();
		const wait = await begin({ prompts: prompts(count) });
		await wait.untilParked(MINUTE);
		const { reads } = wait.emulator.ledger;
		const parked = Date.now();
		expect(reads).toHaveLength(0);
		await end(wait);
		say(
			`${count} items: all bought after ${parked - begun} ms, ${reads.length} reads, ` +
				`ended ${Date.now() - parked} ms after they were bought`,
		);
		expect(reads.length).toBeLessThanOrEqual(readsPerTask * count);
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
			'early, before the submit is answered: n8n refuses it, and the next one counts',
			async () => {
				const wait = await callsEarly({ prompts: prompts(1) });
				await wait.untilParked();
				expectRefused(wait.emulator.ledger.callbacks[0]?.status);
				await finishAll(wait, [0]);
			},
		);

		/** True from so many ms after the first question on. */
		const heldFor = (ms: number) => {
			let since: number | undefined;
			return () => Date.now() - (since ??= Date.now()) > ms;
		};
		/** Runs an execution whose task ends before its submit is answered; the answer is held back until `isCalled`. */
		const endsEarly = async (plan: Plan, isCalled: (emulator: Emulator) => boolean) => {
			let delivered: Promise<unknown> | undefined;
			let since = 0;
			const wait = await begin(plan, (emulator) => {
				const mend = emulator.intercept(async (call) => {
					if (!call.path.endsWith('/generate')) return undefined;
					mend();
					const answer = await call.handle();
					const taskId = emulator.ledger.submits[0]?.taskId ?? '';
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

		scenario(
			'before the execution is saved: the next attempt of the provider resumes',
			async () => {
				const { wait, execution, since, statuses } = await endsEarly(
					{ prompts: prompts(1), emulator: { callbackRetryPausesMs: Array<number>(20).fill(500) } },
					({ ledger }) => ledger.callbacks.length > 0,
				);
				expectRefused(statuses[0]);
				expect(statuses.at(-1)).toBe(200);
				expectResumedOnce(wait, execution, since);
			},
		);

		scenario('before the execution is saved, through the Trigger: one call is enough', async () => {
			const { wait, execution, since, statuses } = await endsEarly(
				{ prompts: prompts(1), relay: true },
				// n8n refuses the Trigger like anyone else, and the Trigger tries again.
				heldFor(700),
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
			const { length } = wait.emulator.ledger.reads;
			expect(await wait.deliver(0)).toEqual([200]);
			expect(wait.emulator.ledger.reads).toHaveLength(length);
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [1]);
		});

		scenario('three at once for the last task: one resumes', async () => {
			const wait = await park({ prompts: prompts(3) });
			const since = Date.now();
			for (const position of [0, 1, 2]) wait.finish(position);
			const answers = await Promise.all([0, 1, 2].map(async (at) => await wait.deliver(at)));
			say(`three at once were answered ${answers.flat().join(', ')}`);
			expect(answers.flat()).toContain(200);
			expectResumedOnce(wait, await wait.ended(), since);
		});

		scenario(
			'two for the last tasks at the same time, ten times over: one resumes each time',
			async () => {
				const all = await Promise.all(
					Array.from({ length: 10 }, async () => await park({ prompts: prompts(2) })),
				);
				const since = Date.now();
				for (const wait of all) for (const position of [0, 1]) wait.finish(position);
				await Promise.all(
					all.map(async (wait) => await Promise.all([wait.deliver(0), wait.deliver(1)])),
				);
				for (const wait of all) expectResumedOnce(wait, await wait.ended(), since);
			},
		);

		scenario('lost: the next read finds its result', async () => {
			const wait = await park({ prompts: prompts(3) });
			const since = Date.now();
			wait.finish(1);
			for (const at of [0, 2]) expect(await wait.finishAndDeliver(at)).toEqual([200]);
			expect(await wait.status()).toBe('waiting');
			await untilRead(wait);
			expect(await wait.wake()).toBe(200);
			// Where the calls reach another process, the one that goes on reads all tasks again.
			const looked = stillOpen === 503 ? [0, 1, 2] : [1];
			expectResumedOnce(wait, await wait.ended(), since, looked);
		});

		scenario('for a submit whose answer was lost: the item has its task, bought once', async () => {
			const loses = (emulator: Emulator) =>
				emulator.intercept(async (call) => {
					if (!call.path.endsWith('/generate')) return undefined;
					if (!JSON.stringify(call.body).includes(prompts(2)[1] ?? '')) return undefined;
					await call.handle();
					return 'reset';
				});
			const wait = await begin({ prompts: prompts(2) }, loses);
			await wait.untilParked();
			const secret = await wait.wakeSecret();
			const called = Date.now();
			expect(await wait.finishAndDeliver(1)).toEqual([200]);
			say(`the task of a lost answer was found ${Date.now() - called} ms after its end`);
			await wait.untilParkedAgain(secret);
			await finishAll(wait, [0]);
		});

		scenario('forged: "completed" for a running task changes nothing', async () => {
			const wait = await park({ prompts: prompts(1) });
			expect(await wait.deliver(0, { as: 'forged' })).toEqual([stillOpen]);
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [0]);
		});

		scenario('for a task that nobody waits for: changes nothing', async () => {
			const wait = await park({ prompts: prompts(1) });
			await wait.deliver(0, { as: 'otherTask' });
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [0]);
		});

		scenario('with an altered token or none: refused without a read', async () => {
			const wait = await park({ prompts: prompts(1) });
			wait.finish(0);
			const reads = wait.emulator.ledger.reads.length;
			const url = wait.url(0);
			for (const to of [altered(url, { i: 1 }), underOtherTag(url), withoutToken(url)]) {
				expect(await wait.deliver(0, { to })).toEqual([401]);
			}
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

		scenario('with a wrong signature of the provider or none: refused without a read', async () => {
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
		});

		for (const [what, as] of [
			['whose body is no JSON', 'notJson'],
			['whose body only calls itself JSON', 'brokenJson'],
			['without a body', 'empty'],
		] as const) {
			scenario(`${what}: answered, but changes nothing`, async () => {
				const wait = await park({ prompts: prompts(1) });
				const [status] = await wait.deliver(0, { as });
				say(`a callback ${what} was answered ${status}`);
				expect(await wait.status()).toBe('waiting');
				await finishAll(wait, [0]);
			});
		}

		scenario('with 5 MB: answered, but changes nothing', async () => {
			const wait = await park({ prompts: prompts(1) });
			const statuses = await wait.deliver(0, { as: 'huge' });
			say(`a callback with 5 MB was answered ${statuses.join(', ')}`);
			expect(statuses).toEqual([stillOpen]);
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

		scenario(
			'On Error = error output: the failed task goes there, the others to the first output',
			async () => {
				const { wait, execution, failed } = await end({ onError: 'continueErrorOutput' });
				expect(execution.status).toBe('success');
				expect(outcomes(resultsOf(execution))).toEqual(
					[0, 2].map((n) => ({ n, taskId: wait.submit(n).taskId })),
				);
				const failures = failuresOf(execution);
				expect(failures).toHaveLength(1);
				expect(failures[0]?.json).toMatchObject({ taskId: failed, status: 'failed', n: 1 });
				expect(String(failures[0]?.json.errorMessage)).toContain(failed);
			},
		);
	});

	if (hasTwoForCalls) {
		scenario(
			'a call whose task is read while another process wakes the execution does not undo an approval',
			async () => {
				const wait = await park({ prompts: prompts(1), approval: CALL_AWAITED });
				const secret = await wait.wakeSecret();
				await untilRead(wait);
				const { ledger } = wait.emulator;
				let isHeld: Promise<void> | undefined;
				const mend = wait.emulator.intercept(async (call) => {
					if (!call.path.endsWith('/record-info')) return undefined;
					mend();
					const answer = await call.handle();
					const other = new URL(`${n8n.url}${wait.url(0).pathname}${wait.url(0).search}`);
					expect(await wait.wake(secret, other)).toBe(200);
					isHeld = wait.untilHeld();
					await isHeld;
					return answer;
				});
				const [answer] = await wait.finishAndDeliver(0);
				expect(isHeld).toBeDefined();
				await pause(SURELY_MS);
				// On a busy machine it was answered before the other process was done.
				expect([202, 503]).toContain(answer);
				// One by this call, and one by the execution, which went on once.
				expect(ledger.reads).toHaveLength(2);
				await expectApproved(wait);
			},
		);
	}

	describe('Auto', () => {
		scenario(
			'quick tasks without calls: the process reads them and wakes the execution',
			async () => {
				const wait = await begin({
					prompts: prompts(10),
					waitMode: 'auto',
					emulator: { latencyMs: 5_000 },
				});
				const execution = await wait.ended();
				const [last] = wait.emulator.ledger.submits
					.map(({ at }) => at + 5_000)
					.sort((a, b) => b - a);
				const late = runsBehind(execution).startedAt - (last ?? 0);
				const { reads } = wait.emulator.ledger;
				say(`10 tasks of 5 s without calls: on their way ${late} ms later, ${reads.length} reads`);
				expectResumedOnce(wait, execution, last ?? 0, [...Array(10).keys()]);
				expect(late).toBeLessThan(8_000);
			},
		);

		scenario('a call that comes before the next read wakes the execution', async () => {
			const wait = await park({
				...{ prompts: prompts(2), waitMode: 'auto' },
				waitOptions: { firstCheck: 60 },
			});
			await finishAll(wait, [1, 0]);
		});
	});

	describe('a wake', () => {
		scenario('that comes three times at once runs the node once, and changes nothing', async () => {
			const wait = await park({ prompts: prompts(2) });
			expect(await wait.finishAndDeliver(1)).toEqual([200]);
			const secret = await wait.wakeSecret();
			const answers = await Promise.all([1, 2, 3].map(async () => await wait.wake(secret)));
			say(`three wakes at once were answered ${answers.join(', ')}`);
			expect(answers).toContain(200);
			await wait.untilParkedAgain(secret);
			expect(await wait.wake(secret)).toBe(404);
			await finishAll(wait, [0]);
		});

		scenario('that comes twice when all tasks have ended: the next node runs once', async () => {
			const wait = await park({ prompts: prompts(2) });
			await untilRead(wait);
			const since = Date.now();
			for (const position of [0, 1]) wait.finish(position);
			const secret = await wait.wakeSecret();
			const answers = await Promise.all([1, 2].map(async () => await wait.wake(secret)));
			expect(answers).toContain(200);
			expectResumedOnce(wait, await wait.ended(), since, [0, 1]);
		});

		scenario('by a stranger is refused', async () => {
			const wait = await park({ prompts: prompts(1) });
			expect(await wait.wake('0'.repeat(32))).toBe(404);
			expect(await wait.status()).toBe('waiting');
			await finishAll(wait, [0]);
		});
	});

	describe('without a call', () => {
		scenario('the time limit ends the wait and names the open tasks', async () => {
			const wait = await park({ prompts: prompts(2), waitOptions: SHORTEST_LIMIT });
			const { status, error, runs } = await wait.ended();
			expect(status).toBe('error');
			for (const id of wait.taskIds()) expect(error).toContain(id);
			expect(runs.get('After')).toBeUndefined();
			expect(wait.emulator.ledger.submits).toHaveLength(2);
		});

		scenario('the time limit gives the results of tasks that have ended by then', async () => {
			const wait = await park({ prompts: prompts(1), waitOptions: SHORTEST_LIMIT });
			const since = Date.now();
			wait.finish(0);
			expectResumedOnce(wait, await wait.ended(), since, [0]);
		});

		scenario('the retry of a stopped execution picks up what was bought', async () => {
			const first = await Wait.parked(place, { prompts: prompts(3), waitMode: 'auto' });
			const wait = await kept(first.stoppedAndRetried());
			const since = Date.now();
			for (const position of [1, 2, 0]) wait.finish(position);
			expectResumedOnce(wait, await wait.ended(), since, [0, 1, 2]);
		});

		// n8n then writes the end of the execution twice, and it is not certain which of the two stays. If the stop hits the
		// run of the node itself, n8n 1.123 retries without the node.
		scenario(
			'stopped while a call wakes it: nothing is bought again, every task is kept',
			async () => {
				const waits = await Promise.all(
					STOPS_AFTER_MS.map(async () => await park({ prompts: prompts(2), waitMode: 'auto' })),
				);
				const ends = await Promise.all(
					waits.map(async (wait, at) => await wait.stoppedWhileWoken(STOPS_AFTER_MS[at] ?? 0)),
				);
				for (const [at, { results, stored }] of ends.entries()) {
					const { emulator } = waits[at] ?? {};
					const ids = emulator?.ledger.submits.map(({ taskId }) => taskId) ?? [];
					expect(ids).toHaveLength(2);
					for (const id of ids) expect(stored).toContain(id);
					const brought = results.map(({ json }) => json.taskId);
					expect([[], ids.sort()]).toContainEqual(brought.sort());
				}
			},
		);
	});

	describe.each(APPROVALS.map(({ title }, at) => [title, at] as const))(
		'an approval behind the node (%s)',
		(_, at) => {
			scenario(
				'is not ended by a repeated call or by a timer of the node',
				async () => {
					const { wait, answers, again } = await begun(holding[at]);
					expectAnswered([...answers, ...again]);
					await expectApproved(wait);
				},
				TIMER_TIMEOUT_MS + MINUTE,
			);

			for (const [way, from] of [
				['', 0],
				[', through the Trigger', 1],
			] as const) {
				scenario(`is ended by no call after n8n was killed and started again${way}`, async () => {
					const { answers, again } = await begun(surviving[2 * at + from]);
					expectAnswered([...answers, ...again]);
				});
			}
		},
	);

	/** Expects that every call was answered. */
	function expectAnswered(answers: Array<number | string>): void {
		expect(answers.filter((answer) => typeof answer !== 'number')).toEqual([]);
	}

	describe('n8n killed while parked and started again', () => {
		scenario('the parked execution resumes, and nothing is bought twice', async () => {
			const { wait, answer, since, status } = await crashing;
			expect({ answer, status }).toEqual({ answer: [200], status: 'waiting' });
			for (const at of [2, 0]) expect(await wait.finishAndDeliver(at)).toEqual([200]);
			// The process that was told of the other task is dead, so a read has to find its end.
			expect(await wait.status()).toBe('waiting');
			await untilRead(wait);
			expect(await wait.wake()).toBe(200);
			const execution = await wait.ended();
			expectResumedOnce(wait, execution, since, viaPoll(execution));
		});

		// n8n sets the timer of a wait up to 70 s ahead, and a call that ends the wait does not cancel it.
		scenario(
			'a call shortly before the timer of n8n leaves the wake to the timer, and the approval stays open',
			async () => {
				const { wait, answer, status } = await leaving;
				expect({ answer, status }).toEqual({ answer: [200], status: 'waiting' });
				await expectApproved(wait);
			},
			TIMER_TIMEOUT_MS + MINUTE,
		);

		scenario(
			'an execution that nobody wakes is run by n8n itself, and gives the results',
			async () => {
				const { overdue, since } = await crashing;
				expectResumedOnce(overdue, await overdue.ended(TIMER_TIMEOUT_MS), since, [0]);
			},
			TIMER_TIMEOUT_MS + MINUTE,
		);
	});
}

/** Its result; throws if it was never begun, because beforeAll failed. */
async function begun<T>(one: Promise<T> | undefined): Promise<T> {
	if (!one) throw new Error('The scenario was not begun: see why beforeAll failed');
	return await one;
}

/** The positions of the results that were found by polling. */
const viaPoll = (execution: Execution): number[] =>
	resultsOf(execution).flatMap(({ json }) => (json.via === 'poll' ? [Number(json.n)] : []));

/** 0 to count - 1 in an arbitrary order that is the same every time. */
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
