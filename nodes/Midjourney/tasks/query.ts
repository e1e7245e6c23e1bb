import type { IDataObject } from 'n8n-workflow';

import { notOffered, type Http, type Result } from '../providers/http';
import type { Provider } from '../providers/provider';
import { executionClock, processClock, type ExecutionClock } from './n8n/clock';
import type { Host } from './n8n/host';
import { ProblemWriter } from './n8n/nodeErrors';
import { emptyOutcome, type Outcome } from './output/outcome';
import { retryTransient } from './retry';
import type { Settings } from './settings';
import { accountOf, Limiter } from './wait/limiter';

/** How many free requests are in flight at once. */
const IN_FLIGHT = 5;

/** The balance of the account, in the provider's credits; undefined if the provider has no such request. */
export async function creditsOf(
	provider: Pick<Provider, 'credits' | 'formsOf'>,
	http: Http,
): Promise<Result<number> | undefined> {
	if (!provider.credits) return undefined;
	const { forms } = accountOf(http.account, processClock);
	const choice = provider.formsOf?.('credits', http);
	const ask = async (form?: string) => (await provider.credits?.(http, form)) ?? notOffered;
	return await forms.inTurn(choice, async () => await forms.ask(choice, ask));
}

/** Makes the requests that cost nothing, for all items of a run. */
export class Queries {
	private readonly clock: ExecutionClock;

	private readonly limiter: Limiter;

	private readonly problems: ProblemWriter;

	constructor(
		host: Host,
		private readonly provider: Provider,
		private readonly http: Http,
	) {
		this.clock = executionClock(host);
		this.limiter = new Limiter(IN_FLIGHT, this.clock);
		this.problems = new ProblemWriter(host.node, provider);
	}

	/** Reads a task. */
	async task(itemIndex: number, settings: Settings, taskId: string): Promise<Outcome> {
		const seen = await this.ask(async () => await this.provider.read(this.http, taskId));
		const outcome = { itemIndex, settings, taskId, polls: 1, waitedMs: 0, via: 'poll' } as const;
		return seen.ok
			? { ...outcome, task: seen.value }
			: { ...outcome, problem: this.problems.ofLostTask(seen.failure, taskId, itemIndex) };
	}

	/** Asks something that is not about a task. */
	async answer(
		itemIndex: number,
		settings: Settings,
		question: (provider: Provider, http: Http) => Promise<Result<IDataObject> | undefined>,
	): Promise<Outcome> {
		const answer = await this.ask(
			async () => (await question(this.provider, this.http)) ?? notOffered,
		);
		const outcome = emptyOutcome(itemIndex, settings);
		return answer.ok
			? { ...outcome, answer: answer.value }
			: { ...outcome, problem: this.problems.ofQuestion(answer.failure, itemIndex) };
	}

	private async ask<T>(question: () => Promise<Result<T>>): Promise<Result<T>> {
		const { limiter, clock } = this;
		return await limiter.run(async () => await retryTransient(clock, question));
	}
}
