import type { IExecuteFunctions } from 'n8n-workflow';

import type { Clock } from '../clock';
import { forgetWait, hasWoken, knownWait } from './registry';
import { isAlive, statusOf, wake, type OwnAddress } from './selfCall';
import type { Watcher } from './watcher';

/** How often it asks whether the execution is still waiting, in ms. */
const CHECK_MS = 60_000;

/** A call that has told of the last end wakes the execution by its own answer; so long it is let go first, in ms. */
const CALL_FIRST_MS = 50;

/** A woken execution goes on in this process by then, in ms, or it goes on elsewhere. */
const GOES_ON_MS = 120_000;

/** What stays in the process beside a parked execution: addresses, `helpers` and a watcher, nothing of its items. */
export interface Companion {
	/** Of the wait. */
	nonce: string;
	/** Of this park. */
	secret: string;
	/** Unix ms. */
	wakeAt: number;
	/** Also when everything that is watched has ended. */
	wakesAtEnd: boolean;
	own: OwnAddress;
	watcher: Watcher;
	helpers: Pick<IExecuteFunctions['helpers'], 'httpRequest'>;
	logger: IExecuteFunctions['logger'];
	clock: Clock;
}

/**
 * Wakes a parked execution when its time has come or everything it waits for has ended; ends when somebody else has, or
 * when the execution was stopped. Never rejects.
 */
export async function watchOver(companion: Companion): Promise<void> {
	const { nonce, secret, own, watcher, helpers, logger, clock } = companion;
	const isOurs = () => knownWait(nonce)?.secret === secret;
	if (!(await untilDue(companion, isOurs))) return;
	if (!hasWoken(secret)) {
		const outcome = await wake(helpers, own, secret, clock, () => isOurs() && !hasWoken(secret));
		if (outcome === 'failed') {
			logger.warn(
				'Midjourney could not wake a parked execution; n8n runs it again when its time is up',
			);
		}
	}
	await clock.sleep(GOES_ON_MS);
	// Where the execution goes on in this process, it has another secret, or none any longer.
	if (isOurs()) forgetWait(nonce);
	watcher.stop();
}

/** Resolves when the execution is to be woken; with false when it goes on without this process, or has ended. */
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
