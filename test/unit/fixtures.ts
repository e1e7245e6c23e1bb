import type { IDataObject } from 'n8n-workflow';

import type { Http } from '../../nodes/Midjourney/providers/http';
import { Memory } from '../../nodes/Midjourney/tasks/memory';
import type { Settings } from '../../nodes/Midjourney/tasks/settings';
import type { PurchaseContext } from '../../nodes/Midjourney/tasks/purchase';

/** For code that is given a provider of its own: nothing goes over a wire. */
export const NO_HTTP: Http = {
	baseUrl: 'https://api.example.com',
	account: 'account',
	callbackKey: 'key',
	webhookSecrets: [],
	send: async () => {
		throw new Error('Nothing goes over a wire here');
	},
};

/** What a user has who has set nothing but Poll. */
export const SETTINGS: Settings = {
	waitMode: 'poll',
	timeLimitMs: 600_000,
	onTimeLimit: 'error',
	schedule: {},
	outputItems: 'task',
	simplify: true,
};

/** What execution 1 remembers, in its first run of a node whose items are empty, unless said otherwise. */
export const memoryIn = (store: IDataObject, more: Partial<PurchaseContext> = {}): Memory =>
	new Memory(store, {
		executionId: '1',
		runIndex: 0,
		written: { prompt: '={{ $json.prompt }}' },
		itemAt: () => ({ json: {} }),
		account: { id: 'a', name: 'account A' },
		...more,
	});
