import type { IExecuteFunctions } from 'n8n-workflow';

import type { Clock } from '../n8n/clock';
import { forgetWait, hasWoken, knownWait } from './registry';
import { isAlive, statusOf, wake, type OwnAddress } from './selfCall';
import type { Watcher } from './watcher';

/** How often the companion checks that the execution is still waiting, in ms. */
const CHECK_MS = 60_000;

/** The head start, in ms, of the callback of the last task, which wakes the execution by its own answer. */
const CALL_FIRST_MS = 50;

/** A woken execution continues in this process within this time, in ms, or it continues in another one. */
const GOES_ON_MS = 120_000;

/** What the process keeps beside a parked execution: addresses, `helpers` and a watcher, none of its items. */
export interface Companion {
	/** Identifies the wait. */
	nonce: string;
	/** The secret that wakes this park. */
	secret: string;
	/** Unix ms at which the execution is woken at the latest. */
	wakeAt: number;
	/** Whether to wake it earlier, as soon as every watched task has ended. */
	wakesAtEnd: boolean;
	own: OwnAddress;
	watcher: Watcher;
	helpers: Pick<IExecuteFunctions['helpers'], 'httpRequest'>;
	logger: IExecuteFunctions['logger'];
	clock: Clock;
}

/**
 * Wakes a parked execution when its time has come or all its tasks have ended. Gives up when something else has woken
 * the execution, or when it was stopped. Never rejects.
 */
export async function watchOver(companion: Companion): Promise<void> {
	const { nonce, secret, own, watcher, helpers, logger, clock } = companion;
	const isOurs = () => knownWait(nonce)?.secret === secret;
	if (!(await untilDue(companion, isOurs))) return;
	if (!hasWoken(secret)) {
		const outcome = await wake(helpers, own, secret, clock, () => isOurs() && !hasWoken(secret));
		if (outcome === 'failed') {
			logger.warn(
				'Midjourney could not wake a parked execution; n8n resumes it when its timer fires',
			);
		}
	}
	await clock.sleep(GOES_ON_MS);
	// An execution that continues in this process has a new secret by now, or none.
	if (isOurs()) forgetWait(nonce);
	watcher.stop();
}

/** Resolves to true when the execution is to be woken, to false when it has ended or continues without this process. */
async function untilDue(
	{ nonce, wakeAt, wakesAtEnd, own, watcher, helpers, clock }: Companion,
	isOurs: () => boolean,
): Promise<boolean> {
	let checkAt = clock.now() + CHECK_MS;
	while (clock.now() < wakeAt && !(wakesAtEnd && watcher.allEnded)) {
		const slice = Math.min(wakeAt, checkAt) - clock.now();
		await Promise.race([
			clock.sleep(Math.max(1, slice)),
			...(wakesAtEnd ? [watcher.untilAllEnded()] : []),
		]);
		if (!isOurs() || watcher.isStopped) return false;
		if (clock.now() < checkAt) continue;
		if (!isAlive(await statusOf(helpers, own))) {
			forgetWait(nonce);
			return false;
		}
		checkAt = clock.now() + CHECK_MS;
	}
	if (clock.now() < wakeAt) await clock.sleep(CALL_FIRST_MS);
	return isOurs();
}
