import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { notOffered, openHttp, type Result, type Http } from '../providers/http';
import type { Provider } from '../providers/provider';
import { executionClock, processClock } from './clock';
import { hostOf } from './host';
import { ProblemWriter } from './nodeErrors';
import type { Settings } from './settings';
import { emptyOutcome, type Outcome } from './outcome';
import { retryTransient } from './retry';
import type { Forms } from './wait/forms';
import { accountOf, Limiter } from './wait/limiter';

/** How many free questions are asked at once. */
const IN_FLIGHT = 5;

/** What is left on the account, asked for where the provider has it; undefined where it tells nothing of the kind. */
export const creditsOf = async (
	provider: Provider,
	http: Http,
	forms: Forms,
): Promise<Result<number> | undefined> =>
	provider.credits &&
	(await forms.ask(
		provider.formsOf?.('credits', http),
		async (form) => (await provider.credits?.(http, form)) ?? notOffered,
	));

/** Asks a provider what costs nothing, for all items of a run. */
export class Queries {
	private constructor(
		private readonly provider: Provider,
		private readonly ask: <T>(question: (http: Http) => Promise<Result<T>>) => Promise<Result<T>>,
		private readonly problems: ProblemWriter,
	) {}

	/** @throws NodeOperationError when the node has no credential */
	static async open(context: IExecuteFunctions, provider: Provider): Promise<Queries> {
		const host = hostOf(context);
		const clock = executionClock(host);
		const limiter = new Limiter(IN_FLIGHT, clock);
		const http = await openHttp(context, provider.credentialType);
		return new Queries(
			provider,
			async (question) =>
				await limiter.run(
					async () => await retryTransient(clock, async () => await question(http)),
				),
			new ProblemWriter(host.node, provider),
		);
	}

	/** Reads one task once. */
	async task(itemIndex: number, settings: Settings, taskId: string): Promise<Outcome> {
		const seen = await this.ask(async (http) => await this.provider.read(http, taskId));
		const outcome = { itemIndex, settings, taskId, polls: 1, waitedMs: 0, via: 'poll' } as const;
		return seen.ok
			? { ...outcome, task: seen.value }
			: { ...outcome, problem: this.problems.ofLostTask(seen.failure, taskId, itemIndex) };
	}

	/** Gets the answer to something that is no task. */
	async answer(
		itemIndex: number,
		settings: Settings,
		question: (
			provider: Provider,
			http: Http,
			forms: Forms,
		) => Promise<Result<IDataObject> | undefined>,
	): Promise<Outcome> {
		const answer = await this.ask(
			async (http) =>
				(await question(this.provider, http, accountOf(http.account, processClock).forms)) ??
				notOffered,
		);
		const outcome = emptyOutcome(itemIndex, settings);
		return answer.ok
			? { ...outcome, answer: answer.value }
			: { ...outcome, problem: this.problems.ofQuestion(answer.failure, itemIndex) };
	}
}
