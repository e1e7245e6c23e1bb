import { randomBytes } from 'crypto';
import type { INodeExecutionData } from 'n8n-workflow';

import { lastingHelpers } from '../../providers/lastingHelpers';
import { processClock } from '../n8n/clock';
import { waitToRunAgain } from '../n8n/internals';
import { watchOver } from './companion';
import type { How } from './how';
import { endOf, readsOf, shownWhileWaiting } from './outcomes';
import { forgetWait, keepWait } from './registry';
import type { RunContext } from './runContext';
import { resumeUrlOf } from './selfCall';
import { BATCH, positionsAt, serialize, type WaitState } from './state';
import { LAST_READ_MS, type Watcher } from './watcher';

/** How far ahead n8n's timer is set, in ms, at first and later. The timer takes over what a dead process has left. */
const FIRST_LOOK_MS = 5 * 60_000;
const LATER_LOOK_MS = 10 * 60_000;

/** Where only the timer resumes the execution: the shortest time to the next look, in ms. */
const SHORTEST_LOOK_MS = 60_000;

/**
 * n8n sets the timer of a wait 70 s before it is due, and no call cancels it: it would end whatever wait the execution
 * is in by then. So the timer is set this far behind everything that the execution waits for, in ms (docs/waiting.md).
 */
const TIMER_UNSET_MS = 80_000;

/** A timer may fire this much before its time, in ms. */
export const EARLY_MS = 1_000;

/** When a parked execution is to be woken. */
export interface Park {
	/** Unix ms; undefined: as soon as everything has ended. */
	wakeAt?: number;
	/** Whether it is woken to buy more. */
	buys?: boolean;
}

/**
 * Saves the state, gives the execution back, and leaves a companion beside it.
 *
 * @returns the items that the editor shows in the meantime
 */
export async function park(
	run: RunContext,
	state: WaitState,
	how: How,
	watcher: Watcher,
	{ wakeAt, buys = false }: Park,
): Promise<INodeExecutionData[]> {
	const { context, credential, clock } = run;
	const now = clock.now();
	const isWait = !buys;
	const secret = randomBytes(16).toString('hex');
	const lastEnd = Math.max(now, ...deadlinesOf(state));
	const look = state.isShown ? LATER_LOOK_MS : FIRST_LOOK_MS;
	// Open tasks are read once more at the last time limit.
	const wakes = Math.min(
		wakeAt ?? lastEnd + LAST_READ_MS + EARLY_MS,
		isWait ? now + look : Infinity,
	);
	state.intent = buys ? positionsAt(state.tasks, 'toBuy').slice(0, BATCH) : [];
	state.wake = secret;
	state.until = how.own ? wakes + TIMER_UNSET_MS : Math.min(lastEnd, now + lookIn(state, now));
	const shown = isWait && !state.isShown ? shownWhileWaiting(state, watcher, run) : [];
	state.isShown ||= isWait;
	for (const task of state.tasks) {
		task.reads = readsOf(task, watcher);
		task.hasEnded = endOf(task, watcher) !== undefined || undefined;
	}
	context.setMetadata({ resumeUrl: resumeUrlOf(context) });
	await waitToRunAgain(context, serialize(state), new Date(state.until));
	if (!how.own) {
		forgetWait(state.nonce);
		return shown;
	}
	const taskIds = state.tasks.map(({ stage }) =>
		stage.at === 'bought' ? stage.taskId : undefined,
	);
	const helpers = lastingHelpers(context.helpers);
	const http = credential.through(helpers);
	keepWait(state.nonce, { watcher, http, secret, how, taskIds }, now);
	void watchOver({
		nonce: state.nonce,
		secret,
		wakeAt: wakes,
		wakesAtEnd: wakeAt === undefined,
		own: how.own,
		watcher,
		helpers,
		logger: context.logger,
		clock: processClock,
	});
	return shown;
}

/**
 * The time until the next look, in ms, where only n8n's timer runs the node again: the longer the wait has lasted, the
 * less exact a look has to be. Where callbacks are expected, a look only makes up for a lost one.
 */
function lookIn({ tasks }: WaitState, now: number): number {
	const bought = tasks.flatMap(({ stage }) => (stage.at === 'bought' ? [stage] : []));
	if (bought.length === 0 || bought.every(({ called }) => called)) return FIRST_LOOK_MS;
	const waited = now - Math.min(...bought.map(({ since }) => since));
	return Math.min(FIRST_LOOK_MS, Math.max(SHORTEST_LOOK_MS, waited / 4));
}

const deadlinesOf = ({ tasks }: WaitState): number[] =>
	tasks.flatMap(({ stage }) =>
		stage.at === 'bought' ? [stage.deadline] : stage.at === 'unknown' ? [stage.until] : [],
	);
