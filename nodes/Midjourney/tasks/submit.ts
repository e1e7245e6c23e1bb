import {
	success,
	type Answer,
	type Failure,
	type FailureReason,
	type Http,
} from '../providers/http';
import type { Provider, TaskRequest } from '../providers/Provider';
import type { Task } from '../providers/Task';
import { backoff, type Clock } from './clock';
import { Gate } from './gate';
import type { Memory, Remembered } from './memory';
import type { Order, Ticket } from './order';
import { paceOf } from './pace';
import { patiently } from './retry';

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
const HOPELESS: ReadonlySet<FailureReason> = new Set<FailureReason>([
	'invalidKey',
	'noCredits',
	'notAllowed',
]);

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
	/** Where the provider is to call back for an order; undefined: nowhere. */
	callback?: { nonce: string; urlFor(order: Order): string };
	/** Called for every task id the moment it is known. */
	onSubmitted(order: Order, taskId: string): void;
}

/**
 * Buys one task for each order, at most a few at a time and in their order, and never twice (design 4.1, 4.2): what
 * this execution has bought before is picked up, and a submit is only sent again when the provider certainly did not
 * take it. What has to be looked up for a submit is looked up for all of them first (design 4.4).
 *
 * @returns one result per order, in the same order
 * @throws when the execution is cancelled; submits under way are still remembered and reported when they end
 */
export async function submitAll(orders: readonly Order[], deps: SubmitDeps): Promise<Submitted[]> {
	const gate = new Gate(IN_FLIGHT, deps.clock);
	const sources = new Sources(gate, deps);
	const ready = await allOf(orders, async (order) => await getReady(order, gate, sources, deps));
	let stopped = deps.stopAtRefusal && ready.some((one) => !('request' in one) && isRefusal(one));
	return await allOf(ready, async (one): Promise<Submitted> => {
		if (!('request' in one)) return one;
		const { order, request } = one;
		for (let attempt = 1; ; attempt++) {
			let pause = 0;
			const result = await gate.pass(async (): Promise<Submitted> => {
				if (stopped) return { ok: false, ambiguous: false };
				const answer = await deps.clock.orCancelled(
					async () => await submitOnce(order, request, deps),
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
			if (pause === 0) return counted(result, attempt);
			await deps.clock.sleep(pause);
		}
	});
}

/** A refusal says how often it was tried. */
const counted = (result: Submitted, attempts: number): Submitted =>
	result.ok || !result.failure ? result : { ...result, failure: { ...result.failure, attempts } };

/** Does it for all at once and waits for all, also when one throws. */
async function allOf<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
	const ends = await Promise.allSettled(all.map(work));
	return ends.map((end) => {
		if (end.status === 'rejected') throw end.reason;
		return end.value;
	});
}

/** What is to be sent for an order; or its result, when nothing is. */
async function getReady(
	order: Order,
	gate: Gate,
	sources: Sources,
	{ provider, http, clock, memory }: SubmitDeps,
): Promise<Submitted | { order: Order; request: TaskRequest }> {
	const known = memory.recall(order);
	if (known && known.taskId === undefined) {
		return { ok: false, failure: known.failure, ambiguous: true };
	}
	if (known) {
		const seen = await gate.pass(
			async () => await clock.orCancelled(async () => await provider.read(http, known.taskId)),
		);
		// Only what has failed meanwhile may be bought again; what cannot be read now is waited for.
		if (!seen.ok || seen.value.status !== 'failed') return ticketFor(order, known, clock);
		memory.forget(order);
	}
	const { request } = order;
	const look = async (taskId: string) => await sources.look(taskId);
	const prepared = (await provider.prepare?.(request, look)) ?? success(request);
	return prepared.ok
		? { order, request: prepared.value }
		: { ok: false, failure: prepared.failure, ambiguous: false };
}

/** The tasks that something is to be made of: each is looked at once, for however many orders. */
class Sources {
	private readonly looks = new Map<string, Promise<Answer<Task>>>();

	constructor(
		private readonly gate: Gate,
		private readonly deps: Pick<SubmitDeps, 'provider' | 'http' | 'clock'>,
	) {}

	async look(taskId: string): Promise<Answer<Task>> {
		const { provider, http, clock } = this.deps;
		const read = async () => await this.gate.pass(async () => await provider.read(http, taskId));
		const look = this.looks.get(taskId) ?? patiently(clock, read);
		this.looks.set(taskId, look);
		return await look;
	}
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

/** Whether an order cannot be bought at all; what may have been bought before is something else. */
const isRefusal = (result: Submitted): boolean => !result.ok && !result.ambiguous;

/** Sends it once, and sees to it that whatever comes of it is remembered, even when nobody waits any longer. */
async function submitOnce(
	order: Order,
	request: TaskRequest,
	{ provider, http, clock, memory, callback, onSubmitted }: SubmitDeps,
): Promise<Submitted> {
	const at = clock.now();
	memory.sending(order);
	const answer = await provider.submit(http, request, callback?.urlFor(order));
	if (answer.ok) {
		const taskId = answer.value;
		memory.submitted(order, at, taskId, callback?.nonce);
		onSubmitted(order, taskId);
		return ticketFor(order, { taskId, at, nonce: callback?.nonce }, clock);
	}
	const { failure } = answer;
	const ambiguous = failure.taken === 'unknown';
	if (ambiguous) memory.ambiguous(order, failure);
	else memory.forget(order);
	return { ok: false, failure, ambiguous };
}

function ticketFor(
	order: Order,
	{ taskId, at, nonce }: Extract<Remembered, { taskId: string }>,
	clock: Clock,
): { ok: true; ticket: Ticket } {
	const { itemIndex, request, settings } = order;
	const pace = { ...paceOf(request), ...settings.pace };
	// A limit counts from the submit, but what is picked up again gets its time once more.
	const deadline = clock.now() + settings.timeLimitMs;
	return {
		ok: true,
		ticket: { itemIndex, taskId, settings, since: at, deadline, pace, bought: order, nonce },
	};
}
