import { NodeOperationError, type IDataObject, type IExecuteFunctions } from 'n8n-workflow';

import { openHttp, type Answer, type Http } from '../providers/http';
import type { Provider } from '../providers/Provider';
import type { Task } from '../providers/Task';
import { executionClock, type Clock } from './clock';
import { Gate } from './gate';
import { Memory } from './memory';
import { ProblemWriter, type NodeProblem } from './nodeErrors';
import type { Order, Settings, Ticket } from './order';
import { PACE_AT_ONCE } from './pace';
import { watchAll, type Watched } from './poll';
import { patiently } from './retry';
import { submitAll } from './submit';

/** How many free questions are asked at once. */
const QUESTIONS_IN_FLIGHT = 5;

type Question<T> = (provider: Provider, http: Http) => Promise<Answer<T>>;

/** What became of one item: of its task, of an attempt to get one, or of a question. */
export interface Outcome {
	itemIndex: number;
	/** Absent when the item did not get that far. */
	settings?: Settings;
	/** The answer to a question that is not about a task. */
	answer?: IDataObject;
	/** Absent when nothing was submitted, or nobody knows. */
	taskId?: string;
	/** The last that was seen of it. */
	task?: Task;
	/** Why the item has no result to show. */
	problem?: NodeProblem;
	polls: number;
	waitedMs: number;
	via: 'submit' | 'poll';
}

/** One execution of the node with one provider: what the operations ask of the tasks' floor. */
export class Run {
	private readonly problems: ProblemWriter;

	private readonly questions: Gate;

	private constructor(
		readonly context: IExecuteFunctions,
		readonly provider: Provider,
		readonly clock: Clock,
		readonly http: Http,
	) {
		this.problems = new ProblemWriter(context.getNode(), provider);
		this.questions = new Gate(QUESTIONS_IN_FLIGHT, clock);
	}

	/** @throws NodeOperationError when the node has no credential */
	static async start(context: IExecuteFunctions, provider: Provider): Promise<Run> {
		const http = await openHttp(context, provider.credentialType);
		return new Run(context, provider, executionClock(context), http);
	}

	/** Buys what is ordered and waits for it as each order says; one outcome per order, in their order. */
	async buy(orders: readonly Order[]): Promise<Outcome[]> {
		const { context, provider, http, clock } = this;
		const memory = new Memory(context.getContext('node'), runIndexOf(context), provider.name);
		const submitted = await this.untilCancelled([], async (ids) => {
			return await submitAll(orders, {
				provider,
				http,
				clock,
				memory,
				stopAtRefusal: !context.continueOnFail(),
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
		const stop = !context.continueOnFail() && submitted.some((result) => !result.ok);
		const tickets = submitted.flatMap((result) => (result.ok ? [result.ticket] : []));
		const toWatch = stop ? [] : tickets.filter(({ settings }) => settings.waitMode !== 'dontWait');
		const watched = await this.watch(toWatch);
		for (const { ticket, task } of watched) {
			// What has failed may be bought again by a retry.
			if (ticket.bought && task?.status === 'failed') memory.forget(ticket.bought);
		}
		const outcomes = new Map(watched.map((end) => [end.ticket, this.outcomeOf(end)]));
		return orders.map(({ itemIndex, settings }, position) => {
			const result = submitted[position];
			if (result?.ok) {
				return outcomes.get(result.ticket) ?? unwatched(result.ticket, this.clock.now());
			}
			const problem = this.problems.ofSubmit(
				result?.failure,
				result?.ambiguous ?? false,
				itemIndex,
			);
			return { ...nothing(itemIndex, settings), problem };
		});
	}

	/** Waits for tasks that were submitted elsewhere; never buys. One outcome per id, in their order. */
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
		return (await this.watch(tickets)).map((end) => this.outcomeOf(end));
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
		question: Question<IDataObject>,
	): Promise<Outcome> {
		const answer = await this.ask(question);
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

	private outcomeOf({ ticket, end, task, failure, polls, waitedMs }: Watched): Outcome {
		const { itemIndex, settings, taskId } = ticket;
		const outcome = { itemIndex, settings, taskId, task, polls, waitedMs, via: 'poll' } as const;
		if (end === 'lost' && failure) {
			return { ...outcome, problem: this.problems.ofLostTask(failure, taskId, itemIndex) };
		}
		if (end === 'timeLimit' && settings.onTimeLimit === 'error') {
			const { timeLimitMs } = settings;
			const problem = this.problems.ofTimeLimit(taskId, timeLimitMs, failure, itemIndex);
			return { ...outcome, problem };
		}
		return task?.status === 'failed'
			? { ...outcome, problem: this.problems.ofFailedTask(task, itemIndex) }
			: outcome;
	}

	/**
	 * Does the work, and when the execution is cancelled meanwhile says which tasks go on without it.
	 *
	 * @param ids filled by the work with what it submits
	 */
	private async untilCancelled<T>(ids: string[], work: (ids: string[]) => Promise<T>): Promise<T> {
		try {
			return await work(ids);
		} catch (error) {
			const node = this.context.getNode();
			const { displayName } = this.provider;
			if (!this.context.getExecutionCancelSignal()?.aborted) {
				throw new NodeOperationError(node, error instanceof Error ? error : String(error), {
					description: ids.length > 0 ? `Submitted: ${ids.join(', ')}` : undefined,
				});
			}
			const open = ids.length > 0 ? `; these tasks go on at ${displayName}: ${ids.join(', ')}` : '';
			throw new NodeOperationError(node, `The execution was cancelled${open}`);
		}
	}
}

/** An item whose parameters were refused. */
export const refused = (itemIndex: number, problem: NodeProblem): Outcome => ({
	...nothing(itemIndex),
	problem,
});

const nothing = (itemIndex: number, settings?: Settings): Outcome => ({
	itemIndex,
	settings,
	polls: 0,
	waitedMs: 0,
	via: 'submit',
});

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
