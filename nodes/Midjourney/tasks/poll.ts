import type { Failure, Http } from '../providers/http';
import type { Provider } from '../providers/Provider';
import type { Task } from '../providers/Task';
import type { Clock } from './clock';
import { Gate } from './gate';
import { firstPause, nextPause } from './pace';
import type { Ticket } from './order';
import { readingOf } from './reading';

/** How many looks are under way at once. */
const IN_FLIGHT = 8;

/** How waiting for one task ended. */
export interface Watched {
	ticket: Ticket;
	/** `lost`: it can no longer be read; `timeLimit`: it was still open then. */
	end: 'terminal' | 'timeLimit' | 'lost';
	/** The last that was seen of the task. */
	task?: Task;
	/** Why the last look did not succeed, if it did not. */
	failure?: Failure;
	polls: number;
	/** From the submit (or from the start, for a task submitted elsewhere) to the end of waiting, in ms. */
	waitedMs: number;
}

export interface PollDeps {
	provider: Provider;
	http: Http;
	clock: Clock;
}

/**
 * Looks at all open tasks until each is terminal, cannot be read any more, or its deadline has come (design 5.1). They
 * share one bound of requests in flight and one pause when the provider asks for it, so that N tasks take about as long
 * as the slowest. A look that does not succeed for a passing reason is simply repeated.
 *
 * @returns one result per ticket, in the same order
 * @throws when the execution is cancelled
 */
export async function watchAll(tickets: readonly Ticket[], deps: PollDeps): Promise<Watched[]> {
	const gate = new Gate(IN_FLIGHT, deps.clock);
	return await Promise.all(tickets.map(async (ticket) => await watch(ticket, gate, deps)));
}

async function watch(ticket: Ticket, gate: Gate, deps: PollDeps): Promise<Watched> {
	const { provider, http, clock } = deps;
	const { taskId, since, pace, deadline } = ticket;
	let polls = 0;
	let task: Task | undefined;
	let next = since + firstPause(pace, clock.random());
	for (;;) {
		// The last look is at the deadline itself: what finished until then counts.
		await clock.sleep(Math.max(0, Math.min(next, deadline) - clock.now()));
		const answer = await gate.pass(async () => {
			polls++;
			const look = await clock.orCancelled(async () => await provider.read(http, taskId));
			if (!look.ok && look.failure.retryAfterMs) gate.close(look.failure.retryAfterMs);
			return look;
		});
		const waitedMs = clock.now() - since;
		const seen = { ticket, polls, waitedMs };
		let pause = nextPause(pace, waitedMs, clock.random());
		const bought = ticket.bought !== undefined;
		const reading = readingOf(answer, { since, bought, seen: task }, clock.now());
		if (reading.is === 'ended') return { ...seen, task: reading.task, end: 'terminal' };
		const { failure } = reading;
		if (reading.is === 'lost') return { ...seen, task, failure, end: 'lost' };
		task = reading.task;
		pause = Math.max(pause, failure?.retryAfterMs ?? 0);
		if (clock.now() >= deadline) return { ...seen, task, failure, end: 'timeLimit' };
		next = clock.now() + pause;
	}
}
