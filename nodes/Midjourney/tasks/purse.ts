import { wordingOf } from '../providers/errors';
import { notOffered, type Http, type Result } from '../providers/http';
import type { Provider } from '../providers/provider';
import type { Settings } from './settings';

/** What a run may spend. It is looked at once, before the first submit, and refuses the whole run or nothing. */

/** Why a run must not buy anything. */
export interface Refusal {
	message: string;
	description: string;
}

/**
 * @param tasks how many the run would buy
 * @param settings of its items; the smallest limit counts
 * @returns undefined when it may buy so many
 */
export function overLimit(
	tasks: number,
	settings: ReadonlyArray<Pick<Settings, 'maxTasks'>>,
): Refusal | undefined {
	const limit = Math.min(...settings.map(({ maxTasks = Infinity }) => maxTasks));
	if (tasks <= limit) return undefined;
	return {
		message: `This run would buy ${tasks} tasks, and 'Maximum Tasks per Run' allows ${limit}`,
		description: 'Nothing was bought. Send fewer items, or raise the limit in Options.',
	};
}

/**
 * Asks for the balance, if the credential demands one. It is free.
 *
 * @param ask puts the question, again if it has to
 * @returns why the run must not buy: too little is left, or nobody knows how much; undefined when it may
 */
export async function tooLittleLeft(
	provider: Pick<Provider, 'credits' | 'displayName'>,
	http: Http,
	ask: (question: () => Promise<Result<number>>) => Promise<Result<number>>,
): Promise<Refusal | undefined> {
	const { displayName: name } = provider;
	const { minimumBalance } = http;
	if (minimumBalance === undefined || !provider.credits) return undefined;
	if (Number.isNaN(minimumBalance)) {
		return {
			message: `'Minimum Balance' in the ${name} credential is not a number of credits`,
			description: 'Nothing was bought. Enter a number there, or 0 to buy without the check.',
		};
	}
	const balance = await ask(async () => (await provider.credits?.(http)) ?? notOffered);
	if (!balance.ok) {
		return {
			message: `The balance of the ${name} account could not be read: ${wordingOf(balance.failure, name).what}`,
			description: `Nothing was bought, because the ${name} credential has a Minimum Balance. Run it again later, or set Minimum Balance to 0 there to buy without the check.`,
		};
	}
	if (balance.value >= minimumBalance) return undefined;
	return {
		message: `The ${name} account has ${balance.value} credits left, and its credential demands at least ${minimumBalance}`,
		description: `Nothing was bought. Top up the account at ${name}, or lower Minimum Balance in the credential.`,
	};
}
