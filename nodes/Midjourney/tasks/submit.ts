import type { Failure, FailureReason, Http } from '../providers/http';
import type { Provider } from '../providers/Provider';
import { backoff, type Clock } from './clock';
import { Gate } from './gate';
import type { Memory } from './memory';
import type { Order, Ticket } from './order';
import { paceOf } from './pace';

/** How many submits are under way at once. */
const IN_FLIGHT = 5;

/**
 * How often a submit is sent that was certainly not taken. Rate limits and maintenance pass by themselves; who cannot
 * be reached at all is more likely a wrong address.
 */
const ATTEMPTS: Partial<Record<FailureReason, number>> = { rateLimited: 12, maintenance: 6 };
const OTHER_ATTEMPTS = 4;

/** Who asks for a longer pause than this, in ms, is not waited for: the item fails and says so. */
const LONGEST_RETRY_AFTER_MS = 120_000;

/** How long a cancelled execution still waits for the ids of submits that are under way, to name them. */
const CANCEL_GRACE_MS = 500;

/** Refusals that every further submit of the account would meet as well. */
const HOPELESS: ReadonlySet<FailureReason> = new Set<FailureReason>(['invalidKey', 'noCredits']);

export type Submitted =
	| { ok: true; ticket: Ticket }
	/** `failure` is undefined when the submit was not sent because another one had been refused. */
	| { ok: false; failure?: Failure; ambiguous: boolean };

export interface SubmitDeps {
	provider: Provider;
	http: Http;
	clock: Clock;
	memory: Memory;
	/** Stop buying at the first refusal, because the node is going to fail anyway (On Error = stop). */
	stopAtRefusal: boolean;
	/** Called for every task id the moment it is known. */
	onSubmitted(order: Order, taskId: string): void;
}

/**
 * Buys one task for each order, at most a few at a time and in their order, and never twice (design 4.1, 4.2): what
 * this execution has bought before is picked up, and a submit is only sent again when the provider certainly did not
 * take it.
 *
 * @returns one result per order, in the same order
 * @throws when the execution is cancelled; submits under way are still remembered and reported when they end
 */
export async function submitAll(orders: readonly Order[], deps: SubmitDeps): Promise<Submitted[]> {
	const gate = new Gate(IN_FLIGHT, deps.clock);
	let stopped = false;
	const ends = await Promise.allSettled(
		orders.map(async (order): Promise<Submitted> => {
			const known = deps.memory.recall(order);
			if (known?.taskId !== undefined) return ticketFor(order, known.taskId, known.at, deps.clock);
			if (known) return { ok: false, failure: known.failure, ambiguous: true };

			for (let attempt = 1; ; attempt++) {
				let pause = 0;
				const result = await gate.pass(async (): Promise<Submitted> => {
					if (stopped) return { ok: false, ambiguous: false };
					const answer = await deps.clock.orCancelled(
						async () => await submitOnce(order, deps),
						CANCEL_GRACE_MS,
					);
					if (answer.ok) return answer;
					if (mayRepeat(answer, attempt)) {
						pause = answer.failure.retryAfterMs ?? backoff(attempt, deps.clock);
						if (answer.failure.reason === 'rateLimited') gate.close(pause);
					} else {
						stopped ||= deps.stopAtRefusal || isHopeless(answer);
					}
					return answer;
				});
				if (pause === 0) return result;
				await deps.clock.sleep(pause);
			}
		}),
	);
	return ends.map((end) => {
		if (end.status === 'rejected') throw end.reason;
		return end.value;
	});
}

type Refused = Extract<Submitted, { ok: false }>;

/** Whether a submit certainly was not taken and the reason passes by itself. */
const mayRepeat = (refused: Refused, attempt: number): refused is Refused & { failure: Failure } =>
	refused.failure !== undefined &&
	refused.failure.taken === 'no' &&
	refused.failure.passing &&
	(refused.failure.retryAfterMs ?? 0) <= LONGEST_RETRY_AFTER_MS &&
	attempt < (ATTEMPTS[refused.failure.reason] ?? OTHER_ATTEMPTS);

/** Whether every further submit of the account would be refused as well. */
const isHopeless = ({ failure }: Refused): boolean =>
	failure !== undefined && HOPELESS.has(failure.reason);

/** Sends it once, and sees to it that whatever comes of it is remembered, even when nobody waits any longer. */
async function submitOnce(
	order: Order,
	{ provider, http, clock, memory, onSubmitted }: SubmitDeps,
): Promise<Submitted> {
	const at = clock.now();
	memory.sending(order);
	const answer = await provider.submit(http, order.request);
	if (answer.ok) {
		memory.submitted(order, at, answer.value);
		onSubmitted(order, answer.value);
		return ticketFor(order, answer.value, at, clock);
	}
	const { failure } = answer;
	const ambiguous = failure.taken === 'unknown';
	if (ambiguous) memory.ambiguous(order, failure);
	else memory.forget(order);
	return { ok: false, failure, ambiguous };
}

function ticketFor(
	order: Order,
	taskId: string,
	since: number,
	clock: Clock,
): { ok: true; ticket: Ticket } {
	const { itemIndex, request, settings } = order;
	const pace = { ...paceOf(request), ...settings.pace };
	// A limit counts from the submit, but what is picked up again gets its time once more.
	const deadline = clock.now() + settings.timeLimitMs;
	return {
		ok: true,
		ticket: { itemIndex, taskId, settings, since, deadline, pace, bought: order },
	};
}
