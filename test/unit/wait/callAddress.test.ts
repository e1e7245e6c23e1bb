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
import { decodeClaims } from '../../callbackAddress';
import { EXECUTION, NO_HTTP, SETTINGS, WaitClock } from './fakes';

const RESUME = `https://n8n.example.com/webhook-waiting/${EXECUTION}?signature=abc`;
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
	const state = newState({ executionId: EXECUTION, operation, progressAt: 0, nonce: 'n', tasks });
	const { of: addressOf, reachWait } = callbackAddresses(
		placeOf(setting),
		state,
		setting.how ?? PARKS,
	);
	return { reachWait, addressOf, urls: items.map((_, position) => addressOf(position)) };
}

const pathOf = (url: unknown) => new URL(String(url)).pathname;

describe.each(['auto', 'callback'] as const)('With the Wait Mode %s calls go', (waitMode) => {
	it('straight to the execution, with the wait and the task in their address', () => {
		const { urls, reachWait } = addressesFor([{ waitMode }, { waitMode, reference: 'order 7' }]);
		expect(reachWait).toBe(true);
		expect(urls.map(pathOf)).toEqual(
			Array(2).fill(`/webhook-waiting/${EXECUTION}/n8n-nodes-midjourney`),
		);
		expect(urls.map(decodeClaims)).toMatchObject([
			{ nonce: 'n', position: 0, reference: undefined },
			{ nonce: 'n', position: 1, reference: 'order 7' },
		]);
	});

	it("straight to the execution under n8n's own token, which our token does not repeat", () => {
		const [url] = addressesFor([{ waitMode }]).urls;
		expect(new URL(String(url)).searchParams.get('signature')).toBe('abc');
		expect(decodeClaims(url)).toMatchObject({ executionId: undefined, resumeToken: undefined });
	});

	it('to the given Trigger, with what it needs to hand them on', () => {
		const { urls, reachWait } = addressesFor([{ waitMode, triggerUrl: TRIGGER }]);
		expect(reachWait).toBe(true);
		expect(urls.map(pathOf)).toEqual(['/webhook/6f1c/webhook']);
		expect(decodeClaims(urls[0])).toMatchObject({
			...{ nonce: 'n', position: 0, executionId: EXECUTION, resumeToken: 'abc' },
		});
		expect(urls[0]).not.toContain('webhook-waiting');
	});

	it('to the Trigger of an n8n that does not sign its URLs, too', () => {
		const resumeUrl = `https://n8n.example.com/webhook-waiting/${EXECUTION}`;
		const { urls } = addressesFor([{ waitMode, triggerUrl: TRIGGER }], { resumeUrl });
		expect(decodeClaims(urls[0])).toMatchObject({ executionId: EXECUTION, resumeToken: undefined });
	});

	it('to the Trigger of each item', () => {
		const { urls } = addressesFor([{ waitMode }, { waitMode, triggerUrl: TRIGGER }]);
		expect(urls.map(pathOf)).toEqual([
			`/webhook-waiting/${EXECUTION}/n8n-nodes-midjourney`,
			'/webhook/6f1c/webhook',
		]);
	});

	it('nowhere if none can arrive', () => {
		const resumeUrl = `http://localhost:5678/webhook-waiting/${EXECUTION}`;
		expect(addressesFor([{ waitMode }], { resumeUrl })).toMatchObject({
			...{ urls: [undefined], reachWait: false },
		});
	});

	it('to the Trigger if only that can be reached', () => {
		const resumeUrl = `http://localhost:5678/webhook-waiting/${EXECUTION}?signature=abc`;
		const { urls, reachWait } = addressesFor([{ waitMode, triggerUrl: TRIGGER }], { resumeUrl });
		expect(reachWait).toBe(true);
		expect(decodeClaims(urls[0])).toMatchObject({ executionId: EXECUTION, resumeToken: 'abc' });
	});

	it('to a Trigger that only starts its workflow if not all of them can arrive', () => {
		const resumeUrl = `http://localhost:5678/webhook-waiting/${EXECUTION}`;
		const items = [{ waitMode }, { waitMode, triggerUrl: TRIGGER }];
		const { urls, reachWait } = addressesFor(items, { resumeUrl });
		expect({ reachWait, first: urls[0] }).toEqual({ reachWait: false, first: undefined });
		expect(decodeClaims(urls[1])).toMatchObject({ nonce: undefined, executionId: undefined });
	});

	it('nowhere while the node waits in the foreground', () => {
		expect(addressesFor([{ waitMode }], { how: FOREGROUND })).toMatchObject({
			...{ urls: [undefined], reachWait: false },
		});
	});

	it('to the given Trigger, without a wait, while the node waits in the foreground', () => {
		const { urls, reachWait } = addressesFor([{ waitMode, triggerUrl: TRIGGER }], {
			how: FOREGROUND,
		});
		expect(reachWait).toBe(false);
		expect(decodeClaims(urls[0])).toMatchObject({ nonce: undefined, executionId: undefined });
	});

	it('to private addresses if the provider is in the same network', () => {
		const resumeUrl = `http://localhost:5678/webhook-waiting/${EXECUTION}`;
		const http = { baseUrl: 'http://127.0.0.1:3000' };
		expect(addressesFor([{ waitMode }], { resumeUrl, http }).reachWait).toBe(true);
	});
});

describe("With the Wait Mode Don't Wait calls go", () => {
	const waitMode = 'dontWait';

	it.each([
		['where the node can park', PARKS],
		['in the foreground', FOREGROUND],
	])('to the given Trigger, without a wait, %s', (_, how) => {
		const items = [{ waitMode, triggerUrl: TRIGGER, reference: 'order 7' } as const];
		const { urls, reachWait } = addressesFor(items, { how });
		expect(reachWait).toBe(false);
		expect(pathOf(urls[0])).toBe('/webhook/6f1c/webhook');
		expect(decodeClaims(urls[0])).toEqual({
			submit: expect.any(String),
			expiresAt: expect.any(Number),
			reference: 'order 7',
		});
	});

	it('nowhere if no Trigger is given', () => {
		expect(addressesFor([{ waitMode }])).toMatchObject({ urls: [undefined], reachWait: false });
	});

	it('nowhere if the Trigger cannot be reached', () => {
		const { urls } = addressesFor([{ waitMode, triggerUrl: LOCAL_TRIGGER }]);
		expect(urls).toEqual([undefined]);
	});
});

describe('An address', () => {
	const claimsOf = (url: unknown, audience: string, now = NOW) => {
		const query = Object.fromEntries(new URL(String(url)).searchParams);
		return claimsIn(query, audience, NO_HTTP.callbackKey, now);
	};

	it('of an execution is valid for that execution alone', () => {
		const [url] = addressesFor([{}]).urls;
		expect(claimsOf(url, executionAudience(EXECUTION))?.wait).toMatchObject({
			nonce: 'n',
			position: 0,
		});
		expect(claimsOf(url, executionAudience('another'))).toBeUndefined();
		expect(claimsOf(url, triggerAudience(TRIGGER))).toBeUndefined();
	});

	it('of a Trigger is valid for that Trigger alone', () => {
		const [url] = addressesFor([{ triggerUrl: TRIGGER }]).urls;
		expect(claimsOf(url, triggerAudience(TRIGGER))?.wait).toMatchObject({ nonce: 'n' });
		expect(claimsOf(url, executionAudience(EXECUTION))).toBeUndefined();
	});

	it('differs for each submit, also of the same item', () => {
		const { addressOf } = addressesFor([{}]);
		const submits = [0, 0, 0].map((position) => decodeClaims(addressOf(position)).submit);
		expect(new Set(submits).size).toBe(3);
	});

	it.each([1, 10, 24 * 60])('is valid for a day beyond a time limit of %i min', (minutes) => {
		const timeLimitMs = minutes * 60_000;
		const [url] = addressesFor([{ timeLimitMs }]).urls;
		const end = NOW + timeLimitMs + 24 * 3_600_000;
		expect(decodeClaims(url).expiresAt).toBe(end);
		expect(claimsOf(url, executionAudience(EXECUTION), end - 1)).toBeDefined();
		expect(claimsOf(url, executionAudience(EXECUTION), end)).toBeUndefined();
	});
});

describe('Where no call can arrive', () => {
	const LOCAL = `http://localhost:5678/webhook-waiting/${EXECUTION}`;
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

	it('the error names the item that asks for calls', () => {
		const items = [{ waitMode: 'dontWait' }, { waitMode: 'callback' }] as const;
		expect(() => check([...items], { resumeUrl: LOCAL })).toThrow(/\[item 1\]/);
	});

	it.each<[string, Partial<Settings>, Setting]>([
		['Callback through a Trigger that can', { waitMode: 'callback', triggerUrl: TRIGGER }, {}],
		['Callback in the foreground, which polls', { waitMode: 'callback' }, { how: FOREGROUND }],
		['Auto, which polls', { waitMode: 'auto' }, {}],
		["Don't Wait without a Trigger, which looks itself", { waitMode: 'dontWait' }, {}],
		['Poll', { waitMode: 'poll' }, { how: FOREGROUND }],
	])('%s is allowed', (_, item, setting) => {
		expect(() => check([item], { resumeUrl: LOCAL, ...setting })).not.toThrow();
	});
});
