import type { Failure, FailureReason } from '../../providers/http';
import type { FormChoice } from '../../providers/provider';
import { backoff } from '../n8n/clock';
import { LOST_ANSWER_MS } from './lost';
import type { RunContext } from './runContext';
import { endWith, positionsAt, withdrawIntent, type TaskState, type WaitState } from './state';

/**
 * How often a submit is sent that was certainly not accepted. Rate limits and maintenance pass by themselves; an
 * address that cannot be reached at all is more likely a wrong one.
 */
const ATTEMPTS: Partial<Record<FailureReason, number>> = { rateLimited: 12, maintenance: 6 };
const OTHER_ATTEMPTS = 4;

/** The longest pause after a refused submit, in ms, whatever the provider asks for. */
const LONGEST_PAUSE_MS = 120_000;

/** After this many ambiguous submits in a row, buying stops: that is no coincidence. */
const MOST_UNCLEAR = 10;

/** How long a cancelled execution waits for the ids of submits in flight, in ms, to name them. */
const CANCEL_GRACE_MS = 500;

/** Refusals that every further submit of the account would meet, too. */
const ACCOUNT_WIDE: ReadonlySet<FailureReason> = new Set<FailureReason>([
	'invalidKey',
	'noCredits',
	'notAllowed',
]);

/** What submits are sent with: what their run works with, and more about their wait. */
export interface SubmitDeps
	extends Pick<RunContext, 'provider' | 'http' | 'clock' | 'memory' | 'account'> {
	/** Unless it continues, nothing more is bought after the first refusal, because the node will fail anyway. */
	host: Pick<RunContext['host'], 'continues'>;
	writer: SubmitWriter;
	/** The address at which the provider reports the end of the task; undefined: none. */
	callbackUrl?(position: number): string | undefined;
	/** Whether these reports reach this very wait: one may still identify the task of a submit whose answer was lost. */
	callsReachWait: boolean;
	/** The number of submits that were sent and not answered yet. */
	underWay: { count: number };
	/** Called with each task id as soon as it is known. */
	onBought(task: TaskState, taskId: string): void;
}

type SubmitWriter = Pick<RunContext['writer'], 'ofSubmit'>;

/**
 * Sends the submits at these positions, each once and a few at a time, and records in their stages what came of it. The
 * only place where money is spent. A submit that was refused for a transient reason may be sent again after
 * `state.pausedUntil`. One that may have been accepted is never sent again.
 *
 * @throws when the execution is cancelled; the results of submits in flight are still remembered
 */
export async function submitBatch(
	state: WaitState,
	batch: readonly number[],
	deps: SubmitDeps,
): Promise<void> {
	const { clock, account, writer } = deps;
	const progress = { isOver: false, isHeld: false };
	const send = async (position: number) => {
		const task = state.tasks[position];
		if (!task) return;
		await account.forms.inTurn(formsFor(task, deps), async () => {
			if (progress.isOver || progress.isHeld || state.pausedUntil > clock.now()) return;
			await submitAt(state, position, task, deps, progress);
		});
	};
	// The provider may have asked another run to pause.
	const orPaused = () => pause(state, clock.now() + account.submits.pausedFor());
	const ends = await Promise.allSettled(
		batch.map(async (position) => {
			await clock.orCancelled(
				async () => await account.submits.run(async () => await send(position), orPaused),
				CANCEL_GRACE_MS,
			);
		}),
	);
	for (const end of ends) if (end.status === 'rejected') throw end.reason;
	withdrawIntent(state);
	if (progress.isOver) skipRest(state, writer);
}

const formsFor = (
	{ stage }: TaskState,
	{ provider, http }: Pick<SubmitDeps, 'provider' | 'http'>,
): FormChoice | undefined =>
	'request' in stage ? provider.formsOf?.(stage.request, http) : undefined;

async function submitAt(
	state: WaitState,
	position: number,
	task: TaskState,
	deps: SubmitDeps,
	progress: { isOver: boolean; isHeld: boolean },
): Promise<void> {
	const { clock, account, writer } = deps;
	const stopsAtRefusal = !deps.host.continues;
	const { stage } = task;
	if (!('request' in stage)) return;
	const since = clock.now();
	const failure = await clock.orCancelled(
		async () => await sendOnce(task, position, state, deps),
		CANCEL_GRACE_MS,
	);
	if (!failure) return;
	const attempts = stage.attempts + 1;
	if (mayRepeat(failure, attempts)) {
		task.stage = { at: 'toBuy', request: stage.request, attempts };
		const ms = Math.min(failure.retryAfterMs ?? backoff(attempts, clock), LONGEST_PAUSE_MS);
		pause(state, clock.now() + ms, { ...failure, attempts });
		if (failure.reason === 'rateLimited') account.submits.pauseFor(ms);
		return;
	}
	const ambiguous = failure.accepted === 'unknown';
	if (ambiguous) progress.isOver ||= ++state.unclearInARow >= MOST_UNCLEAR;
	const until = clock.now() + (task.settings?.lostAnswerMs ?? LOST_ANSWER_MS);
	if (ambiguous && deps.callsReachWait && until > clock.now()) {
		task.stage = { at: 'unknown', since, until, failure };
		progress.isHeld ||= stopsAtRefusal;
		return;
	}
	const problem = writer.ofSubmit({ ...failure, attempts }, ambiguous, task.itemIndex);
	endWith(task, problem, { mayBePaid: ambiguous });
	progress.isOver ||= stopsAtRefusal || ACCOUNT_WIDE.has(failure.reason);
}

/**
 * Sends a submit once, and makes sure that its result is remembered even if nobody waits for it any more. If a refusal proves
 * that nothing was accepted and points at the form of the request, the other form is sent: still the same intent.
 */
async function sendOnce(
	task: TaskState,
	position: number,
	state: WaitState,
	deps: SubmitDeps,
): Promise<Failure | undefined> {
	const { provider, http, clock, memory, account, callsReachWait, underWay, onBought } = deps;
	const { stage, settings, key } = task;
	if (!('request' in stage) || !settings || key === undefined) return undefined;
	const since = clock.now();
	memory.sending(key, since);
	underWay.count++;
	const choice = formsFor(task, deps);
	const sending = account.forms.ask(
		choice,
		async (form) => {
			const requestForm = form === choice?.forms[0] ? undefined : form;
			if (task.asked?.requestForm !== requestForm) task.asked = { ...task.asked, requestForm };
			return await provider.submit(http, stage.request, deps.callbackUrl?.(position), form);
		},
		async () => await clock.orCancelled(async () => true).catch(() => false),
	);
	const answer = await sending.finally(() => underWay.count--);
	if (!answer.ok) {
		const { failure } = answer;
		if (failure.accepted === 'unknown') memory.ambiguous(key, failure);
		else if (failure.transient) memory.forget(key);
		else memory.refuse(key, failure);
		return failure;
	}
	const taskId = answer.value;
	memory.submitted(key, taskId, task.asked ?? {});
	state.progressAt = Math.max(state.progressAt, clock.now());
	state.unclearInARow = 0;
	const deadline = since + settings.timeLimitMs;
	task.stage = {
		...{ at: 'bought', taskId, since, deadline, fresh: true },
		...(callsReachWait && { called: true }),
	};
	onBought(task, taskId);
	return undefined;
}

/** Ends all tasks that have not been bought yet, because of another item's problem. */
export function skipRest(state: WaitState, writer: SubmitWriter): void {
	for (const position of positionsAt(state.tasks, 'toBuy')) {
		const task = state.tasks[position];
		if (task) endWith(task, writer.ofSubmit(undefined, false, task.itemIndex), { skipped: true });
	}
}

/** Sends nothing before `until`, in Unix ms. */
function pause(state: WaitState, until: number, because?: Failure): void {
	state.pausedUntil = Math.max(state.pausedUntil, until);
	if (because) state.pausedBy = because;
}

/**
 * Ends what could not be bought within its time limit, counted from the last accepted submit, however often the
 * provider asks to wait. The last refusal becomes the problem.
 */
export function endOverdue(state: WaitState, now: number, writer: SubmitWriter): void {
	if (!state.pausedBy) return;
	for (const task of state.tasks) {
		const { stage, settings } = task;
		if (stage.at !== 'toBuy' || now - state.progressAt < (settings?.timeLimitMs ?? 0)) continue;
		endWith(task, writer.ofSubmit(state.pausedBy, false, task.itemIndex));
	}
}

/** Whether a submit was certainly not accepted, for a reason that passes by itself. */
const mayRepeat = (failure: Failure, attempts: number): boolean =>
	failure.accepted === 'no' &&
	failure.transient &&
	attempts < (ATTEMPTS[failure.reason] ?? OTHER_ATTEMPTS);
