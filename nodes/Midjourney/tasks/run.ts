import { randomBytes } from 'crypto';
import { NodeOperationError, type IDataObject, type IExecuteFunctions } from 'n8n-workflow';

import { notOffered, openHttp, type Answer, type Http } from '../providers/http';
import type { Provider, TaskRequest } from '../providers/Provider';
import { callbackUrl, relayKey } from './callbackUrl';
import { executionClock, type Clock } from './clock';
import { Gate } from './gate';
import { sizeReader } from './imageSize';
import { hostOf, isToolCall, resumeUrlOf, type Host } from './host';
import { canRunAgain } from './internals';
import { Memory } from './memory';
import { inputError, ProblemWriter } from './nodeErrors';
import type { Order, Settings, Ticket } from './order';
import { askedOf, nothing, settled, type Outcome } from './outcome';
import { PACE_AT_ONCE } from './pace';
import { watchAll, type Watched } from './poll';
import { unreachableBecause } from './reach';
import { patiently } from './retry';
import { submitAll, type SubmitDeps, type Submitted } from './submit';

/** How many free questions are asked at once. */
const QUESTIONS_IN_FLIGHT = 5;

/**
 * With Auto: what is quick is waited for in the process, what is slow frees its worker, in ms. A call brings a result at
 * once; where the node looks by itself, it may come a minute late, so the worker is held somewhat longer.
 */
const PATIENCE_MS = { calls: 60_000, looks: 180_000 };

type Question<T> = (provider: Provider, http: Http) => Promise<Answer<T>>;

/** One execution of the node with one provider: what the operations ask of the tasks' floor. */
export class Run {
	readonly host: Host;

	readonly clock: Clock;

	private readonly problems: ProblemWriter;

	private readonly questions: Gate;

	private constructor(
		readonly context: IExecuteFunctions,
		readonly provider: Provider,
		readonly http: Http,
	) {
		this.host = hostOf(context);
		this.clock = executionClock(this.host);
		this.problems = new ProblemWriter(this.host.node, provider);
		this.questions = new Gate(QUESTIONS_IN_FLIGHT, this.clock);
	}

	/** @throws NodeOperationError when the node has no credential */
	static async start(context: IExecuteFunctions, provider: Provider): Promise<Run> {
		return new Run(context, provider, await openHttp(context, provider.credentialType));
	}

	/**
	 * Buys what is ordered and waits for it as each order says; one outcome per order, in their order. What is still
	 * open and can be parked has `parks`.
	 *
	 * @throws NodeOperationError when callbacks are wanted and cannot arrive, before anything is submitted
	 */
	async buy(orders: readonly Order[]): Promise<Outcome[]> {
		if (orders.length === 0) return [];
		const { context, provider, http, clock } = this;
		const memory = new Memory(context.getContext('node'), runIndexOf(context), provider.name);
		const callback = await this.callbackFor(orders, memory);
		const submitted = await this.untilCancelled([], async (ids) => {
			return await submitAll(orders, {
				provider,
				http,
				clock,
				memory,
				callback,
				sizeOf: sizeReader(this.host),
				stopAtRefusal: !this.host.continues,
				onSubmitted: (order, taskId) => {
					ids.push(taskId);
					// The one place outside of the execution's data where the id of a paid task survives anything.
					context.logger.info(`Midjourney task submitted: ${taskId}`, {
						provider: provider.name,
						taskId,
						itemIndex: order.itemIndex,
						executionId: context.getExecutionId(),
					});
				},
			});
		});

		// Where a refused submit fails the node, nobody would see what waiting for the others brings.
		const stop = !this.host.continues && submitted.some((result) => !result.ok);
		const tickets = submitted.flatMap((result) => (result.ok ? [result.ticket] : []));
		const toWatch = stop ? [] : tickets.filter(({ settings }) => settings.waitMode !== 'dontWait');
		const watched = await this.watchOrPark(toWatch, callback?.nonce);
		const outcomes = new Map(watched.map((end) => [end.ticket.taskId, end]));
		const outcomeFor = ({ itemIndex, settings }: Order, result?: Submitted): Outcome => {
			if (result?.ok) {
				const { ticket } = result;
				const end = outcomes.get(ticket.taskId);
				return end
					? this.watchedOutcome(end, ticket, callback?.nonce)
					: unwatched(ticket, this.clock.now());
			}
			const problem = this.problems.ofSubmit(
				result?.failure,
				result?.ambiguous ?? false,
				itemIndex,
			);
			// Without a failure of its own and not ambiguous: it was not sent because of another one.
			const skipped = !result?.failure && !result?.ambiguous;
			return { ...nothing(itemIndex, settings), problem, skipped };
		};
		return orders.map((order, position) => ({
			...outcomeFor(order, submitted[position]),
			asked: askedOf(provider, sentFor(order, submitted[position])),
		}));
	}

	/**
	 * Where the provider is to call; undefined when it is not to: by the wait mode, in a tool call of an agent, or with Auto
	 * when callbacks cannot arrive.
	 */
	private async callbackFor(
		orders: readonly Order[],
		memory: Memory,
	): Promise<SubmitDeps['callback']> {
		const { context, provider, http } = this;
		const mode = orders[0]?.settings.waitMode;
		if ((mode !== 'auto' && mode !== 'callback') || isToolCall(context)) return undefined;
		const resumeUrl = resumeUrlOf(context);
		for (const { itemIndex, settings } of orders) {
			const reason = unreachableBecause(settings.triggerUrl ?? resumeUrl, http.baseUrl);
			if (reason === undefined) continue;
			if (mode === 'auto') return undefined;
			throw inputError(
				this.host.node,
				itemIndex,
				`Callbacks cannot arrive: ${reason}`,
				'Nothing was submitted. Set WEBHOOK_URL of n8n to its public address, enter the URL of a Midjourney Trigger in Options, or choose the Wait Mode Poll.',
			);
		}
		const { apiKey } = await context.getCredentials(provider.credentialType);
		const key = relayKey(String(apiKey));
		const nonce = memory.nonceFor(context.getExecutionId(), () => randomBytes(16).toString('hex'));
		return {
			nonce,
			urlFor: ({ settings: { reference, triggerUrl } }) =>
				callbackUrl({
					resumeUrl,
					nonce,
					reference,
					relay: triggerUrl === undefined ? undefined : { url: triggerUrl, key },
				}),
		};
	}

	/**
	 * Watches all tickets; those that can be parked, because they are called back under `nonce` or the node can look again
	 * by itself, only for the patience of Auto, or for one look.
	 * Their deadline in the result is the one up to which they were watched.
	 */
	private async watchOrPark(tickets: Ticket[], nonce?: string): Promise<Watched[]> {
		const now = this.clock.now();
		const looksAgain = canRunAgain(this.context) && !isToolCall(this.context);
		return await this.watch(
			tickets.map((ticket) => {
				const { waitMode, patienceMs } = ticket.settings;
				const isCalled = nonce !== undefined && ticket.nonce === nonce;
				if (!isCalled && (!looksAgain || waitMode === 'poll')) return ticket;
				const usual = isCalled ? PATIENCE_MS.calls : PATIENCE_MS.looks;
				const patience = waitMode === 'auto' ? (patienceMs ?? usual) : 0;
				return { ...ticket, deadline: Math.min(ticket.deadline, now + patience) };
			}),
		);
	}

	/** What became of a ticket that `watchOrPark` has watched; with `parks` when it gave up before the deadline. */
	private watchedOutcome(end: Watched, ticket: Ticket, waitNonce?: string): Outcome {
		const { since, deadline, nonce } = ticket;
		if (end.end !== 'timeLimit' || end.ticket.deadline >= deadline) return this.outcomeOf(end);
		// What was bought in another execution calls that one.
		const ownNonce = nonce === waitNonce ? nonce : undefined;
		return { ...this.seen(end), parks: { since, deadline, nonce: ownNonce } };
	}

	/**
	 * Waits for tasks that were submitted elsewhere; never buys. One outcome per id, in their order; what is still open and
	 * can be parked has `parks`.
	 */
	async waitFor(
		wanted: ReadonlyArray<{ itemIndex: number; settings: Settings; taskId: string }>,
	): Promise<Outcome[]> {
		const now = this.clock.now();
		const tickets = wanted.map(
			(want): Ticket => ({
				...want,
				since: now,
				deadline: now + want.settings.timeLimitMs,
				// The first look is due at once, whatever a user has set for fresh submits.
				pace: { ...PACE_AT_ONCE, ...want.settings.pace, first: 0 },
			}),
		);
		const watched = await this.watchOrPark(tickets);
		return watched.map((end, position) =>
			this.watchedOutcome(end, tickets[position] ?? end.ticket),
		);
	}

	/** Looks at one task once. */
	async look(itemIndex: number, settings: Settings, taskId: string): Promise<Outcome> {
		const seen = await this.ask(async (provider, http) => await provider.read(http, taskId));
		const outcome = { itemIndex, settings, taskId, polls: 1, waitedMs: 0, via: 'poll' } as const;
		return seen.ok
			? { ...outcome, task: seen.value }
			: { ...outcome, problem: this.problems.ofLostTask(seen.failure, taskId, itemIndex) };
	}

	/** Gets the answer to something that is no task. */
	async answer(
		itemIndex: number,
		settings: Settings,
		question: (provider: Provider, http: Http) => Promise<Answer<IDataObject> | undefined>,
	): Promise<Outcome> {
		const answer = await this.ask(
			async (provider, http) => (await question(provider, http)) ?? notOffered,
		);
		return answer.ok
			? { ...nothing(itemIndex, settings), answer: answer.value }
			: {
					...nothing(itemIndex, settings),
					problem: this.problems.ofQuestion(answer.failure, itemIndex),
				};
	}

	private async ask<T>(question: Question<T>): Promise<Answer<T>> {
		return await this.questions.pass(
			async () => await patiently(this.clock, async () => await question(this.provider, this.http)),
		);
	}

	private async watch(tickets: Ticket[]): Promise<Watched[]> {
		const ids = tickets.map(({ taskId }) => taskId);
		return await this.untilCancelled(ids, async () => await watchAll(tickets, this));
	}

	private seen({ ticket, task, polls, waitedMs }: Watched): Outcome {
		const { itemIndex, settings, taskId } = ticket;
		return { itemIndex, settings, taskId, task, polls, waitedMs, via: 'poll' };
	}

	private outcomeOf(watched: Watched): Outcome {
		const { ticket, end, task, failure } = watched;
		const { itemIndex, settings, taskId } = ticket;
		const outcome = this.seen(watched);
		if (end === 'lost' && failure) {
			return { ...outcome, problem: this.problems.ofLostTask(failure, taskId, itemIndex) };
		}
		if (end === 'timeLimit' && settings.onTimeLimit === 'error') {
			const { timeLimitMs } = settings;
			const problem = this.problems.ofTimeLimit(taskId, timeLimitMs, failure, itemIndex);
			return { ...outcome, problem };
		}
		return task ? settled(outcome, task, this.problems) : outcome;
	}

	/**
	 * Does the work, and when the execution is cancelled meanwhile says which tasks go on without it.
	 *
	 * @param ids filled by the work with what it submits
	 */
	async untilCancelled<T>(ids: string[], work: (ids: string[]) => Promise<T>): Promise<T> {
		try {
			return await work(ids);
		} catch (error) {
			const { node } = this.host;
			const { displayName } = this.provider;
			if (!this.host.cancelSignal?.aborted) {
				throw new NodeOperationError(node, error instanceof Error ? error : String(error), {
					description: ids.length > 0 ? `Submitted: ${ids.join(', ')}` : undefined,
				});
			}
			const open = ids.length > 0 ? `; these tasks go on at ${displayName}: ${ids.join(', ')}` : '';
			throw new NodeOperationError(node, `The execution was cancelled${open}`);
		}
	}
}

/** The request that was sent for an order; the order's own when none was. */
const sentFor = ({ request }: Order, result?: Submitted): TaskRequest =>
	(result?.ok ? result.ticket.bought?.request : undefined) ?? request;

/** A task that is not waited for: its id is the result. */
const unwatched = ({ itemIndex, settings, taskId, since }: Ticket, now: number): Outcome => ({
	itemIndex,
	settings,
	taskId,
	polls: 0,
	waitedMs: now - since,
	via: 'submit',
});

function runIndexOf(context: IExecuteFunctions): number {
	const runIndex: unknown = context.evaluateExpression('{{ $runIndex }}', 0);
	return typeof runIndex === 'number' ? runIndex : 0;
}
