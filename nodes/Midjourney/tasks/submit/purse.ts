import { wordingOf } from '../../providers/errors';
import { notOffered, type Http, type Result } from '../../providers/http';
import type { Provider } from '../../providers/provider';
import { creditsOf } from '../query';
import type { Settings } from '../settings';

/** What a run may spend. It is checked once, before the first submit, and the run is refused as a whole or not at all. */

/** Why a run must not buy anything. Full sentences, apart from the full stop of the message. */
export interface Refusal {
	message: string;
	description: string;
}

/**
 * Checks the number of tasks.
 *
 * @param tasks how many the run would buy
 * @param settings of its items; the smallest limit counts
 * @returns undefined if the run may buy that many
 */
export function overLimit(
	tasks: number,
	settings: ReadonlyArray<Pick<Settings, 'maxTasks'>>,
): Refusal | undefined {
	const limit = Math.min(...settings.map(({ maxTasks = Infinity }) => maxTasks));
	if (tasks <= limit) return undefined;
	return {
		message: `This run would buy ${tasks} tasks, but 'Maximum Tasks per Run' is ${limit}`,
		description: 'Nothing was bought. Send fewer items, or raise the limit in Options.',
	};
}

/**
 * Checks the balance, if the credential sets a minimum. Reading it is free.
 *
 * @param ask asks the provider, and retries if necessary
 * @returns why the run must not buy (too little is left, or it is unknown how much); undefined if it may
 */
export async function tooLittleLeft(
	provider: Pick<Provider, 'credits' | 'displayName' | 'formsOf'>,
	http: Http,
	ask: (question: () => Promise<Result<number>>) => Promise<Result<number>>,
): Promise<Refusal | undefined> {
	const { displayName: name } = provider;
	const { minimumBalance } = http;
	if (minimumBalance === undefined || !provider.credits) return undefined;
	if (Number.isNaN(minimumBalance)) {
		return {
			message: `'Minimum Balance' in the ${name} credential is not a number of credits`,
			description: 'Nothing was bought. Enter a number there, or 0 to buy without this check.',
		};
	}
	const balance = await ask(async () => (await creditsOf(provider, http)) ?? notOffered);
	if (!balance.ok) {
		return {
			message: `The balance of the ${name} account could not be read: ${wordingOf(balance.failure, name).what}`,
			description: `Nothing was bought, because the ${name} credential has a Minimum Balance. Run the workflow again later, or set Minimum Balance to 0 there to buy without this check.`,
		};
	}
	if (balance.value >= minimumBalance) return undefined;
	return {
		message: `The ${name} account has ${balance.value} credits left, less than the Minimum Balance of ${minimumBalance} in its credential`,
		description: `Nothing was bought. Top up the account at ${name}, or lower Minimum Balance in the credential.`,
	};
}
