import type { IWebhookFunctions } from 'n8n-workflow';

import { callbackKey } from '../../nodes/Midjourney/providers/callback';
import type { ApiSettings } from '../../nodes/Midjourney/providers/http';
import { openAnew, openFor } from '../../nodes/Midjourney/tasks/n8n/openCredentials';
import { settled, WaitClock } from './wait/fakes';

let count = 0;

/** A new credential in an n8n with its own clock, and the calls that need it. */
function credential() {
	const clock = new WaitClock();
	const id = `credential ${++count}`;
	const has = {
		/** The present key in the credential; undefined: it cannot be opened. */
		apiKey: 'key' as string | undefined,
		/** How often it was opened. */
		opened: 0,
		/** How long that takes, in ms. */
		takesMs: 0,
	};
	const contextOf = (credentials: object) =>
		({
			getNode: () => ({ name: 'Midjourney', credentials: { scriptedApi: credentials } }),
			getInstanceId: () => 'this n8n',
			async getCredentials() {
				const { apiKey, takesMs } = has;
				has.opened++;
				if (takesMs > 0) await clock.sleep(takesMs);
				if (apiKey === undefined) throw new Error('The credential is gone');
				return { apiKey, baseUrl: 'https://api.example.com' };
			},
			helpers: {},
			logger: {},
		}) as unknown as IWebhookFunctions;
	const context = contextOf({ id, name: 'Scripted' });
	/** A call with an address that was made with this key. */
	const callOf = (apiKey: string, from = context) => {
		const fits = (opened: ApiSettings) => opened.callbackKey === callbackKey(apiKey, 'this n8n');
		return openFor(from, 'scriptedApi', clock, fits);
	};
	return {
		...{ clock, has, id, context, contextOf },
		honest: async (from = context) => (await callOf(has.apiKey ?? 'key', from)) !== undefined,
		forged: async () => (await callOf('what a forger has')) !== undefined,
		callOf,
		execution: async () => await openAnew(context, 'scriptedApi', clock.now()),
	};
}

describe('A credential is opened', () => {
	it('once for many calls', async () => {
		const { has, honest } = credential();
		for (let call = 0; call < 100; call++) expect(await honest()).toBe(true);
		expect(has.opened).toBe(1);
	});

	it('once for many calls at the same time', async () => {
		const { clock, has, honest } = credential();
		has.takesMs = 50;
		const calls = Array.from({ length: 100 }, async () => await honest());
		await clock.pass(50);
		expect(await Promise.all(calls)).toEqual(Array(100).fill(true));
		expect(has.opened).toBe(1);
	});

	it('by an execution, for the calls behind it', async () => {
		const { has, honest, execution } = credential();
		await execution();
		expect(await honest()).toBe(true);
		expect(has.opened).toBe(1);
	});

	it('again by each execution, which buys with the present key', async () => {
		const { has, honest, execution } = credential();
		await execution();
		has.apiKey = 'new key';
		await execution();
		expect(await honest()).toBe(true);
		expect(has.opened).toBe(2);
	});

	it('once for each id', async () => {
		const [one, other] = [credential(), credential()];
		await one.honest();
		await other.honest();
		expect([one.has.opened, other.has.opened]).toEqual([1, 1]);
	});

	it('once for each name where it has no id', async () => {
		const { has, id, contextOf, honest } = credential();
		for (const name of [`${id} one`, `${id} other`, `${id} one`]) {
			await honest(contextOf({ id: null, name }));
		}
		expect(has.opened).toBe(2);
	});

	it('again after five minutes', async () => {
		const { clock, has, honest } = credential();
		await honest();
		clock.time += 299_999;
		await honest();
		expect(has.opened).toBe(1);
		clock.time += 1;
		await honest();
		expect(has.opened).toBe(2);
	});
});

describe('A call that fits no open credential', () => {
	it('gets no credential', async () => {
		const { forged } = credential();
		expect(await forged()).toBe(false);
	});

	it('has the credential opened once a minute, however many come', async () => {
		const { clock, has, forged } = credential();
		const minutes: number[] = [];
		for (let minute = 0; minute < 4; minute++) {
			for (let call = 0; call < 600; call++) {
				await forged();
				clock.time += 100;
			}
			minutes.push(has.opened);
		}
		expect(minutes).toEqual([1, 2, 3, 4]);
	});

	it.each([
		['nothing is open', 0],
		['the open one is a minute old', 60_000],
		['the open one is too old', 300_000],
	])('has it opened once, however many come at the same moment, when %s', async (_, age) => {
		const { clock, has, honest, forged } = credential();
		if (age > 0) await honest();
		clock.time += age;
		const before = has.opened;
		await Promise.all(Array.from({ length: 100 }, forged));
		expect(has.opened - before).toBe(1);
	});

	it('does not hold up the calls that fit', async () => {
		const { clock, has, honest, forged } = credential();
		for (let second = 0; second < 100; second++) {
			expect(await forged()).toBe(false);
			expect(await honest()).toBe(true);
			clock.time += 1_000;
		}
		expect(has.opened).toBe(2);
	});

	it('finds a changed key after a minute', async () => {
		const { clock, has, honest } = credential();
		await honest();
		has.apiKey = 'new key';
		clock.time += 59_999;
		expect(await honest()).toBe(false);
		clock.time += 1;
		expect(await honest()).toBe(true);
	});

	it('finds a changed key, as do all that come at the same moment', async () => {
		const { clock, has, honest } = credential();
		await honest();
		has.apiKey = 'new key';
		clock.time += 60_000;
		expect(await Promise.all(Array.from({ length: 10 }, async () => await honest()))).toEqual(
			Array(10).fill(true),
		);
		expect(has.opened).toBe(2);
	});
});

describe('A credential that cannot be opened', () => {
	it('is tried again after five seconds, and not before', async () => {
		const { clock, has, honest } = credential();
		has.apiKey = undefined;
		await expect(honest()).rejects.toThrow('The credential is gone');
		has.apiKey = 'key';
		clock.time += 4_999;
		await expect(honest()).rejects.toThrow('The credential is gone');
		expect(has.opened).toBe(1);
		clock.time += 1;
		expect(await honest()).toBe(true);
		expect(has.opened).toBe(2);
	});

	it('fails for all calls that wait for it', async () => {
		const { clock, has, honest } = credential();
		Object.assign(has, { apiKey: undefined, takesMs: 50 });
		const calls = Promise.allSettled(Array.from({ length: 10 }, async () => await honest()));
		await clock.pass(50);
		expect((await calls).map(({ status }) => status)).toEqual(Array(10).fill('rejected'));
		expect(has.opened).toBe(1);
	});

	it('leaves no unhandled rejection', async () => {
		const { has, execution } = credential();
		has.apiKey = undefined;
		await expect(execution()).rejects.toThrow('The credential is gone');
		await settled();
	});
});
