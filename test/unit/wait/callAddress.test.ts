import type { Http } from '../../../nodes/Midjourney/providers/http';
import {
	claimsIn,
	executionAudience,
	triggerAudience,
} from '../../../nodes/Midjourney/tasks/callbacks/address';
import type { Settings } from '../../../nodes/Midjourney/tasks/settings';
import {
	callbackAddresses,
	refuseDeafCallback,
} from '../../../nodes/Midjourney/tasks/wait/callAddress';
import type { How } from '../../../nodes/Midjourney/tasks/wait/how';
import type { RunContext } from '../../../nodes/Midjourney/tasks/wait/runContext';
import { newState } from '../../../nodes/Midjourney/tasks/wait/state';
import { toldBy } from '../../callbackAddress';
import { NO_HTTP, SETTINGS, WaitClock } from './fakes';

const RESUME = 'https://n8n.example.com/webhook-waiting/7?signature=abc';
const TRIGGER = 'https://n8n.example.com/webhook/6f1c/webhook';
const LOCAL_TRIGGER = 'http://192.168.1.7:5678/webhook/6f1c/webhook';
const PARKS: How = { parks: true, polls: true };
const FOREGROUND: How = { parks: false, polls: true };
const NOW = 1_800_000_000_000;

interface Setting {
	/** What n8n says where it is. */
	resumeUrl?: string;
	how?: How;
	http?: Partial<Http>;
}

function placeOf({ resumeUrl = RESUME, http }: Setting): RunContext {
	const clock = new WaitClock();
	clock.time = NOW;
	return {
		context: { getWorkflowDataProxy: () => ({ $execution: { resumeUrl } }) },
		http: { ...NO_HTTP, ...http },
		host: { node: { name: 'Midjourney', type: 'midjourney' } },
		clock,
	} as unknown as RunContext;
}

/** Where the tasks of items with these settings are to be reported. */
function addressesFor(items: Array<Partial<Settings>>, setting: Setting = {}) {
	const tasks = items.map((item, itemIndex) => ({
		...{ itemIndex, key: String(itemIndex), reads: 0 },
		settings: { ...SETTINGS, ...item },
		stage: { at: 'ended', problem: { message: 'not bought yet' } } as const,
	}));
	const operation = 'image:generate';
	const state = newState({ executionId: '7', operation, progressAt: 0, nonce: 'n', tasks });
	const { of: addressOf, reachWait } = callbackAddresses(
		placeOf(setting),
		state,
		setting.how ?? PARKS,
	);
	return { reachWait, addressOf, urls: items.map((_, position) => addressOf(position)) };
}

const pathOf = (url: unknown) => new URL(String(url)).pathname;

describe.each(['auto', 'callback'] as const)('With the Wait Mode %s calls go', (waitMode) => {
	it('straight to the execution, and name the wait and the task', () => {
		const { urls, reachWait } = addressesFor([{ waitMode }, { waitMode, reference: 'order 7' }]);
		expect(reachWait).toBe(true);
		expect(urls.map(pathOf)).toEqual(Array(2).fill('/webhook-waiting/7/n8n-nodes-midjourney'));
		expect(urls.map(toldBy)).toMatchObject([
			{ nonce: 'n', position: 0, reference: undefined },
			{ nonce: 'n', position: 1, reference: 'order 7' },
		]);
	});

	it("straight to the execution under n8n's own token, which the token does not repeat", () => {
		const [url] = addressesFor([{ waitMode }]).urls;
		expect(new URL(String(url)).searchParams.get('signature')).toBe('abc');
		expect(toldBy(url)).toMatchObject({ executionId: undefined, resumeToken: undefined });
	});

	it('to the Trigger that is given, which learns what it needs to hand them on', () => {
		const { urls, reachWait } = addressesFor([{ waitMode, triggerUrl: TRIGGER }]);
		expect(reachWait).toBe(true);
		expect(urls.map(pathOf)).toEqual(['/webhook/6f1c/webhook']);
		expect(toldBy(urls[0])).toMatchObject({
			...{ nonce: 'n', position: 0, executionId: '7', resumeToken: 'abc' },
		});
		expect(urls[0]).not.toContain('webhook-waiting');
	});

	it('to the Trigger also of an n8n that signs nothing', () => {
		const resumeUrl = 'https://n8n.example.com/webhook-waiting/7';
		const { urls } = addressesFor([{ waitMode, triggerUrl: TRIGGER }], { resumeUrl });
		expect(toldBy(urls[0])).toMatchObject({ executionId: '7', resumeToken: undefined });
	});

	it('to the Trigger of each item', () => {
		const { urls } = addressesFor([{ waitMode }, { waitMode, triggerUrl: TRIGGER }]);
		expect(urls.map(pathOf)).toEqual([
			'/webhook-waiting/7/n8n-nodes-midjourney',
			'/webhook/6f1c/webhook',
		]);
	});

	it('nowhere where none can arrive', () => {
		const resumeUrl = 'http://localhost:5678/webhook-waiting/7';
		expect(addressesFor([{ waitMode }], { resumeUrl })).toMatchObject({
			...{ urls: [undefined], reachWait: false },
		});
	});

	it('to the Trigger where that alone can be reached', () => {
		const resumeUrl = 'http://localhost:5678/webhook-waiting/7?signature=abc';
		const { urls, reachWait } = addressesFor([{ waitMode, triggerUrl: TRIGGER }], { resumeUrl });
		expect(reachWait).toBe(true);
		expect(toldBy(urls[0])).toMatchObject({ executionId: '7', resumeToken: 'abc' });
	});

	it('to no wait where not every one can arrive: the Trigger starts its workflow', () => {
		const resumeUrl = 'http://localhost:5678/webhook-waiting/7';
		const items = [{ waitMode }, { waitMode, triggerUrl: TRIGGER }];
		const { urls, reachWait } = addressesFor(items, { resumeUrl });
		expect({ reachWait, first: urls[0] }).toEqual({ reachWait: false, first: undefined });
		expect(toldBy(urls[1])).toMatchObject({ nonce: undefined, executionId: undefined });
	});

	it('nowhere while the node waits in the foreground', () => {
		expect(addressesFor([{ waitMode }], { how: FOREGROUND })).toMatchObject({
			...{ urls: [undefined], reachWait: false },
		});
	});

	it('to the Trigger that is given while the node waits in the foreground, about no wait', () => {
		const { urls, reachWait } = addressesFor([{ waitMode, triggerUrl: TRIGGER }], {
			how: FOREGROUND,
		});
		expect(reachWait).toBe(false);
		expect(toldBy(urls[0])).toMatchObject({ nonce: undefined, executionId: undefined });
	});

	it('anywhere near where the provider is near, too', () => {
		const resumeUrl = 'http://localhost:5678/webhook-waiting/7';
		const http = { baseUrl: 'http://127.0.0.1:3000' };
		expect(addressesFor([{ waitMode }], { resumeUrl, http }).reachWait).toBe(true);
	});
});

describe("With the Wait Mode Don't Wait calls go", () => {
	const waitMode = 'dontWait';

	it.each([
		['where the node can park', PARKS],
		['in the foreground', FOREGROUND],
	])('to the Trigger that is given, about no wait, %s', (_, how) => {
		const items = [{ waitMode, triggerUrl: TRIGGER, reference: 'order 7' } as const];
		const { urls, reachWait } = addressesFor(items, { how });
		expect(reachWait).toBe(false);
		expect(pathOf(urls[0])).toBe('/webhook/6f1c/webhook');
		expect(toldBy(urls[0])).toEqual({
			submit: expect.any(String),
			expiresAt: expect.any(Number),
			reference: 'order 7',
		});
	});

	it('nowhere without a Trigger', () => {
		expect(addressesFor([{ waitMode }])).toMatchObject({ urls: [undefined], reachWait: false });
	});

	it('nowhere where the Trigger cannot be reached', () => {
		const { urls } = addressesFor([{ waitMode, triggerUrl: LOCAL_TRIGGER }]);
		expect(urls).toEqual([undefined]);
	});
});

describe('An address', () => {
	const claimsOf = (url: unknown, audience: string, now = NOW) => {
		const query = Object.fromEntries(new URL(String(url)).searchParams);
		return claimsIn(query, audience, NO_HTTP.callbackKey, now);
	};

	it('of an execution is worth something there alone', () => {
		const [url] = addressesFor([{}]).urls;
		expect(claimsOf(url, executionAudience('7'))?.wait).toMatchObject({ nonce: 'n', position: 0 });
		expect(claimsOf(url, executionAudience('8'))).toBeUndefined();
		expect(claimsOf(url, triggerAudience(TRIGGER))).toBeUndefined();
	});

	it('of a Trigger is worth something there alone', () => {
		const [url] = addressesFor([{ triggerUrl: TRIGGER }]).urls;
		expect(claimsOf(url, triggerAudience(TRIGGER))?.wait).toMatchObject({ nonce: 'n' });
		expect(claimsOf(url, executionAudience('7'))).toBeUndefined();
	});

	it('is another one for each submit, also of the same task', () => {
		const { addressOf } = addressesFor([{}]);
		const submits = [0, 0, 0].map((position) => toldBy(addressOf(position)).submit);
		expect(new Set(submits).size).toBe(3);
	});

	it.each([1, 10, 24 * 60])('outlasts a time limit of %i min by a day', (minutes) => {
		const timeLimitMs = minutes * 60_000;
		const [url] = addressesFor([{ timeLimitMs }]).urls;
		const end = NOW + timeLimitMs + 24 * 3_600_000;
		expect(toldBy(url).expiresAt).toBe(end);
		expect(claimsOf(url, executionAudience('7'), end - 1)).toBeDefined();
		expect(claimsOf(url, executionAudience('7'), end)).toBeUndefined();
	});
});

describe('Where no call can arrive', () => {
	const LOCAL = 'http://localhost:5678/webhook-waiting/7';
	const check = (items: Array<Partial<Settings>>, setting: Setting = {}) => {
		const orders = items.map((item, itemIndex) => ({
			...{ itemIndex, part: 0, settings: { ...SETTINGS, ...item } },
			request: { kind: 'generateImage', mode: 'textToImage', prompt: 'cup' } as const,
		}));
		refuseDeafCallback(placeOf(setting), orders, setting.how ?? PARKS);
	};

	it.each<[string, Partial<Settings>, Setting, RegExp]>([
		['Callback', { waitMode: 'callback' }, { resumeUrl: LOCAL }, /localhost/],
		[
			'Callback through a Trigger that cannot be reached',
			{ waitMode: 'callback', triggerUrl: LOCAL_TRIGGER },
			{},
			/192\.168\.1\.7/,
		],
		[
			"Don't Wait with a Trigger that cannot be reached",
			{ waitMode: 'dontWait', triggerUrl: LOCAL_TRIGGER },
			{},
			/192\.168\.1\.7/,
		],
		[
			"Don't Wait with such a Trigger, in the foreground",
			{ waitMode: 'dontWait', triggerUrl: LOCAL_TRIGGER },
			{ how: FOREGROUND },
			/192\.168\.1\.7/,
		],
	])('%s is refused', (_, item, setting, host) => {
		expect(() => check([item], setting)).toThrow(/^Callbacks cannot arrive: /);
		expect(() => check([item], setting)).toThrow(host);
	});

	it('the item that asks for calls is named', () => {
		const items = [{ waitMode: 'dontWait' }, { waitMode: 'callback' }] as const;
		expect(() => check([...items], { resumeUrl: LOCAL })).toThrow(/\[item 1\]/);
	});

	it.each<[string, Partial<Settings>, Setting]>([
		['Callback through a Trigger that can', { waitMode: 'callback', triggerUrl: TRIGGER }, {}],
		['Callback in the foreground, which polls', { waitMode: 'callback' }, { how: FOREGROUND }],
		['Auto, which polls', { waitMode: 'auto' }, {}],
		["Don't Wait without a Trigger, which looks itself", { waitMode: 'dontWait' }, {}],
		['Poll', { waitMode: 'poll' }, { how: FOREGROUND }],
	])('%s is let through', (_, item, setting) => {
		expect(() => check([item], { resumeUrl: LOCAL, ...setting })).not.toThrow();
	});
});
