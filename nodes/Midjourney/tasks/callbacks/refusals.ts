import type { Logger } from 'n8n-workflow';

import type { Clock } from '../n8n/clock';

/** At most one line of each kind is logged in this time, in ms, however many calls arrive. */
const MINUTE_MS = 60_000;

interface Tally {
	count: number;
	reason: string;
	isTold: boolean;
}

const newTally = (): Tally => ({ count: 0, reason: '', isTold: false });

/** Logs the calls that a Trigger did not accept: the first at once, then the number of those that followed. */
export class CallLog {
	private readonly refusals = newTally();

	private readonly delays = newTally();

	/** Unix ms of the last call that was accepted. */
	private lastTaken?: number;

	constructor(
		private readonly name: string,
		private readonly logger: Pick<Logger, 'warn'>,
		private readonly clock: Clock,
	) {}

	/** Records a call that was accepted. */
	taken(): void {
		this.lastTaken = this.clock.now();
	}

	/**
	 * Records a call that was refused.
	 *
	 * @param because follows “refused … calls in the last minute:”
	 */
	refused(because: string): void {
		this.note(this.refusals, 'refused', because);
	}

	/** Records a call whose caller was asked to call again. */
	putOff(because: string): void {
		this.note(this.delays, 'put off', because);
	}

	private note(tally: Tally, what: string, because: string): void {
		tally.count++;
		tally.reason = because;
		if (!tally.isTold) void this.tell(tally, what);
	}

	private async tell(tally: Tally, what: string): Promise<void> {
		tally.isTold = true;
		while (tally.count > 0) {
			const { count, reason } = tally;
			tally.count = 0;
			const calls = count === 1 ? '1 call' : `${count} calls`;
			const last =
				this.lastTaken === undefined
					? 'It has accepted none since n8n was started'
					: `The last one that it accepted came at ${new Date(this.lastTaken).toISOString()}`;
			this.logger.warn(
				`Midjourney Trigger '${this.name}' ${what} ${calls} in the last minute: ${reason}. ${last}.`,
			);
			await this.clock.sleep(MINUTE_MS);
		}
		tally.isTold = false;
	}
}

const logs = new Map<string, CallLog>();

/** The log of a Trigger, by `triggerOf`. */
export function callLogOf(
	trigger: string,
	name: string,
	logger: Pick<Logger, 'warn'>,
	clock: Clock,
): CallLog {
	const log = logs.get(trigger) ?? new CallLog(name, logger, clock);
	logs.set(trigger, log);
	return log;
}
