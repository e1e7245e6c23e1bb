import type { IDataObject } from 'n8n-workflow';

import type { Http } from '../../nodes/Midjourney/providers/http';
import { Memory } from '../../nodes/Midjourney/tasks/submit/memory';
import type { Settings } from '../../nodes/Midjourney/tasks/settings';
import type { PurchaseContext } from '../../nodes/Midjourney/tasks/submit/purchase';

/** For code with a fake provider: nothing goes over a wire. */
export const NO_HTTP: Http = {
	baseUrl: 'https://api.example.com',
	account: 'account',
	callbackKey: 'key',
	webhookSecrets: [],
	send: async () => {
		throw new Error('Nothing goes over a wire here');
	},
};

/** The default settings with Poll. */
export const SETTINGS: Settings = {
	waitMode: 'poll',
	timeLimitMs: 600_000,
	onTimeLimit: 'error',
	schedule: {},
	outputItems: 'task',
	simplify: true,
};

/** The memory of an execution in its first run of a node with empty items, unless said otherwise. */
export const memoryIn = (store: IDataObject, more: Partial<PurchaseContext> = {}): Memory =>
	new Memory(store, {
		executionId: '1',
		runIndex: 0,
		written: { prompt: '={{ $json.prompt }}' },
		itemAt: () => ({ json: {} }),
		account: { id: 'a', name: 'account A' },
		isToolCall: false,
		...more,
	});
