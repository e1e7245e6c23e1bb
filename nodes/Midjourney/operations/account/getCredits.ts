import { creditsOf } from '../../tasks/query';
import type { Operation } from '../operation';

/** Account → Get Credits (wire.md: MidAPI credits). */
export const getCredits: Operation = {
	resource: 'account',
	operation: 'getCredits',
	name: 'Get Credits',
	action: 'Get credits of account',
	description: 'Get the balance of the account',
	fields: [],
	does: 'query',
	needs: 'credits',
	question: () => async (provider, http) => {
		const answer = await creditsOf(provider, http);
		return answer?.ok ? { ok: true, value: { credits: answer.value } } : answer;
	},
};
