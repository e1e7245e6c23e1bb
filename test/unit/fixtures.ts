import type { Http } from '../../nodes/Midjourney/providers/http';
import type { Settings } from '../../nodes/Midjourney/tasks/order';

/** For code that is given a provider of its own: nothing goes over a wire. */
export const NO_HTTP: Http = {
	baseUrl: 'https://api.example.com',
	send: async () => {
		throw new Error('Nothing goes over a wire here');
	},
};

/** What a user has who has set nothing but Poll. */
export const SETTINGS: Settings = {
	waitMode: 'poll',
	timeLimitMs: 600_000,
	onTimeLimit: 'error',
	patienceMs: 60_000,
	pace: {},
	outputItems: 'task',
	simplify: true,
};
