import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';

import { watchOver, type Companion } from '../../../nodes/Midjourney/tasks/wait/companion';
import {
	forgetWait,
	keepWait,
	knownWait,
	wakesAgain,
} from '../../../nodes/Midjourney/tasks/wait/registry';
import { AFTER_SUBMIT } from '../../../nodes/Midjourney/tasks/wait/schedule';
import { Watcher } from '../../../nodes/Midjourney/tasks/wait/watcher';
import { found, newAccount, NO_HTTP, WaitClock } from './fakes';

const HOUR = 3_600_000;
let count = 0;

interface Setting {
	/** When the tasks have ended, in ms. */
	endsAt?: number[];
	wakeAt?: number;
	wakesAtEnd?: boolean;
	/** n8n's answer to the question how the execution stands; undefined: none. */
	status?(at: number): string | undefined;
	/** n8n's answer to a wake. */
	woken?(at: number): number;
}

/** A parked execution with its companion, and the calls that n8n gets. */
function parked(setting: Setting = {}) {
	const { endsAt = [10_000], wakeAt = HOUR, wakesAtEnd = true } = setting;
	const { status = () => 'waiting', woken = () => 200 } = setting;
	const clock = new WaitClock();
	const account = newAccount(clock);
	const reads: number[] = [];
	const watcher = new Watcher({
		operation: 'image:generate',
		read: async (taskId) => {
			reads.push(clock.time);
			return found(clock.time >= (endsAt[Number(taskId)] ?? 0) ? 'completed' : 'running', taskId);
		},
		account,
		clock,
		polls: true,
	});
	endsAt.forEach((_, index) =>
		watcher.add({
			taskId: String(index),
			since: 0,
			deadline: 24 * HOUR,
			schedule: { ...AFTER_SUBMIT, longest: 1_000 },
			fresh: true,
		}),
	);
	const nonce = `nonce ${++count}`;
	const secret = `secret ${count}`;
	const wakes: number[] = [];
	const questions: number[] = [];
	const warnings: string[] = [];
	const companion: Companion = {
		nonce,
		secret,
		wakeAt,
		wakesAtEnd,
		own: { resume: 'http://n8n/resume', status: 'http://n8n/status' },
		watcher,
		helpers: {
			httpRequest: async ({ url, body }: IHttpRequestOptions) => {
				if (url.endsWith('status')) {
					questions.push(clock.time);
					const answer = status(clock.time);
					if (answer === undefined) throw new Error('connect ECONNREFUSED');
					return answer;
				}
				expect(body).toEqual({ midjourneyWake: secret });
				wakes.push(clock.time);
				return { statusCode: woken(clock.time) };
			},
		},
		logger: {
			warn: (words: string) => warnings.push(words),
		} as unknown as IExecuteFunctions['logger'],
		clock,
	};
	keepWait(nonce, { watcher, http: NO_HTTP, secret }, 0);
	return { clock, account, watcher, nonce, secret, reads, wakes, questions, warnings, companion };
}

describe('The companion of a parked execution', () => {
	it('wakes it when its task has ended', async () => {
		const { clock, companion, wakes } = parked();
		await clock.until(watchOver(companion));
		expect(wakes).toHaveLength(1);
		expect(wakes[0]).toBeGreaterThanOrEqual(10_000);
		expect(wakes[0]).toBeLessThan(12_000);
	});

	it('wakes it once, when the last of many has ended', async () => {
		const endsAt = Array.from({ length: 20 }, (_, n) => 5_000 + n * 2_000);
		const { clock, companion, wakes } = parked({ endsAt });
		await clock.until(watchOver(companion));
		expect(wakes).toHaveLength(1);
		expect(wakes[0]).toBeGreaterThanOrEqual(43_000);
	});

	it('wakes it when its time has come', async () => {
		const { clock, companion, wakes } = parked({ endsAt: [HOUR], wakeAt: 300_000 });
		await clock.until(watchOver(companion));
		expect(wakes).toEqual([300_000]);
	});

	it.each([0, -5_000])(
		'wakes it at once when its time has passed already: %i ms',
		async (wakeAt) => {
			const { clock, companion, wakes } = parked({ endsAt: [HOUR], wakeAt });
			await clock.until(watchOver(companion));
			expect(wakes).toEqual([0]);
		},
	);

	it('does not wake it for the end of a task if it waits for something else', async () => {
		const { clock, companion, wakes } = parked({ wakeAt: 100_000, wakesAtEnd: false });
		await clock.until(watchOver(companion));
		expect(wakes).toEqual([100_000]);
	});

	it('wakes it when all tasks had ended before', async () => {
		const { clock, companion, wakes } = parked({ endsAt: [] });
		await clock.until(watchOver(companion));
		expect(wakes).toHaveLength(1);
		expect(wakes[0]).toBeLessThan(1_000);
	});

	it('leaves the wake to the call that tells of the last end', async () => {
		const { clock, companion, secret, watcher, wakes } = parked({ endsAt: [2_000] });
		const over = watchOver(companion);
		await clock.pass(2_500);
		await clock.until(watcher.onCallback('0'));
		// The call wakes the execution by its own answer.
		wakesAgain(secret, clock.time);
		await clock.until(over);
		expect(wakes).toEqual([]);
	});

	it('wakes it if that call did not', async () => {
		const { clock, companion, watcher, wakes } = parked({ endsAt: [2_000] });
		const over = watchOver(companion);
		await clock.pass(2_500);
		await clock.until(watcher.onCallback('0'));
		await clock.until(over);
		expect(wakes).toHaveLength(1);
		expect(wakes[0]).toBeLessThan(2_700);
	});

	it('does not wake it when its time comes after a call has woken it', async () => {
		const { clock, companion, secret, wakes } = parked({ endsAt: [HOUR], wakeAt: 30_000 });
		const over = watchOver(companion);
		await clock.pass(29_000);
		wakesAgain(secret, clock.time);
		await clock.until(over);
		expect(wakes).toEqual([]);
	});

	it('tries again while n8n refuses', async () => {
		const { clock, companion, wakes } = parked({
			wakeAt: 0,
			woken: (at) => (at < 500 ? 409 : 200),
		});
		await clock.until(watchOver(companion));
		expect(wakes.length).toBeGreaterThan(2);
		expect(wakes.at(-1)).toBeGreaterThanOrEqual(500);
	});

	it('wakes it once, as soon as n8n has saved it', async () => {
		const { clock, companion, wakes, warnings } = parked({
			wakeAt: 0,
			status: (at) => (at < 500 ? 'running' : 'waiting'),
		});
		await clock.until(watchOver(companion));
		expect(wakes).toHaveLength(1);
		expect(wakes[0]).toBeGreaterThanOrEqual(500);
		expect(wakes[0]).toBeLessThan(1_000);
		expect(warnings).toEqual([]);
	});

	it('logs that n8n has not saved it in time', async () => {
		const { clock, companion, wakes, warnings } = parked({ wakeAt: 0, status: () => 'running' });
		await clock.until(watchOver(companion));
		expect(wakes).toEqual([]);
		expect(warnings).toHaveLength(1);
	});

	it.each(['canceled', 'success', 'error', 'crashed', 'null'])(
		'does not wake it, and leaves nothing behind, when it is %s by then',
		async (status) => {
			const { clock, companion, nonce, account, questions, wakes, warnings } = parked({
				endsAt: [HOUR],
				wakeAt: 30_000,
				status: () => status,
			});
			await clock.until(watchOver(companion));
			expect(questions).toEqual([30_000]);
			expect(wakes).toEqual([]);
			expect(warnings).toEqual([]);
			expect(account.watched).toBe(0);
			expect(knownWait(nonce)).toBeUndefined();
		},
	);

	it.each<[string, (wait: { nonce: string; secret: string; watcher: Watcher }) => void]>([
		['woken by a call', ({ secret }) => wakesAgain(secret, 0)],
		['forgotten', ({ nonce }) => forgetWait(nonce)],
		[
			'parked anew',
			({ nonce, watcher }) => keepWait(nonce, { watcher, http: NO_HTTP, secret: 'another' }, 0),
		],
	])('does not wake it when it is %s while n8n is still saving it', async (_, happens) => {
		const { clock, companion, nonce, secret, watcher, questions, wakes, warnings } = parked({
			wakeAt: 0,
			status: (at) => (at < 500 ? 'running' : 'waiting'),
		});
		const over = watchOver(companion);
		await clock.pass(100);
		expect(questions.length).toBeGreaterThan(1);
		happens({ nonce, secret, watcher });
		await clock.until(over);
		expect(wakes).toEqual([]);
		expect(warnings).toEqual([]);
	});

	it.each([
		[200, 0],
		[404, 0],
		[409, 1],
		[500, 1],
	])('logs that it could not wake it (%i: %i times)', async (status, times) => {
		const { clock, companion, warnings } = parked({ wakeAt: 0, woken: () => status });
		await clock.until(watchOver(companion));
		expect(warnings).toHaveLength(times);
	});

	it.each([
		['has gone on in this process', true],
		['has gone on elsewhere', false],
	])('stops watching when the execution %s', async (_, isHere) => {
		const { clock, companion, nonce, watcher, account, reads } = parked({
			endsAt: [HOUR],
			wakeAt: 30_000,
		});
		const over = watchOver(companion);
		await clock.pass(30_500);
		if (isHere) keepWait(nonce, { watcher, http: NO_HTTP }, clock.time);
		await clock.until(over);
		expect(account.watched).toBe(0);
		const before = reads.length;
		await clock.pass(60_000);
		expect(reads).toHaveLength(before);
	});

	it('leaves nothing behind when the execution has gone on elsewhere', async () => {
		const { clock, companion, nonce } = parked({ wakeAt: 0 });
		await clock.until(watchOver(companion));
		expect(knownWait(nonce)).toBeUndefined();
	});

	it('leaves nothing behind when a call has woken the execution, and it has gone on elsewhere', async () => {
		const { clock, companion, nonce, secret, watcher } = parked({ endsAt: [2_000] });
		const over = watchOver(companion);
		await clock.pass(2_500);
		await clock.until(watcher.onCallback('0'));
		wakesAgain(secret, clock.time);
		await clock.until(over);
		await clock.pass(600_000);
		expect(knownWait(nonce)).toBeUndefined();
	});

	it('does not touch an execution that goes on in this process', async () => {
		const { clock, companion, nonce } = parked({ wakeAt: 0 });
		const over = watchOver(companion);
		await clock.pass(100);
		const next = parked({ endsAt: [HOUR] });
		keepWait(nonce, { watcher: next.watcher, http: NO_HTTP, secret: 'next' }, 0);
		await clock.until(over);
		expect(knownWait(nonce)?.secret).toBe('next');
		expect(next.account.watched).toBe(1);
	});
});

describe('A companion asks for the status of its execution', () => {
	it('once a minute, and before it wakes it', async () => {
		const { clock, companion, questions } = parked({ endsAt: [HOUR], wakeAt: 300_500 });
		await clock.until(watchOver(companion));
		expect(questions).toEqual([60_000, 120_000, 180_000, 240_000, 300_000, 300_500]);
	});

	it.each(['canceled', 'success', 'error', 'crashed', 'null'])(
		'and ends when it is %s, with its watcher',
		async (status) => {
			const { clock, companion, nonce, account, wakes } = parked({
				endsAt: [HOUR],
				status: () => status,
			});
			await clock.until(watchOver(companion));
			expect(clock.time).toBe(60_000);
			expect(wakes).toEqual([]);
			expect(account.watched).toBe(0);
			expect(knownWait(nonce)).toBeUndefined();
		},
	);

	it.each(['waiting', 'running', 'new', undefined])(
		'and goes on watching when it is %p',
		async (status) => {
			const { clock, companion, wakes } = parked({
				endsAt: [150_000],
				status: (at) => (at < 150_000 ? status : 'waiting'),
			});
			await clock.until(watchOver(companion));
			expect(wakes).toHaveLength(1);
			expect(wakes[0]).toBeGreaterThanOrEqual(150_000);
		},
	);

	it('and wakes it all the same without an answer', async () => {
		const { clock, companion, wakes } = parked({
			wakeAt: 90_000,
			wakesAtEnd: false,
			status: () => undefined,
		});
		await clock.until(watchOver(companion));
		expect(wakes).toEqual([90_000]);
	});

	it('at least every minute while calls come', async () => {
		const { clock, companion, watcher, questions } = parked({
			endsAt: [HOUR, HOUR],
			wakeAt: 130_000,
		});
		const over = watchOver(companion);
		for (let n = 0; n < 10; n++) {
			await clock.pass(10_000);
			await clock.until(watcher.onCallback('0'));
		}
		await clock.until(over);
		expect(questions).toEqual([60_000, 120_000, 130_000]);
	});
});

describe('A companion whose execution goes on without it', () => {
	it('ends when its wait is forgotten', async () => {
		const { clock, companion, nonce, wakes } = parked({ endsAt: [HOUR] });
		const over = watchOver(companion);
		await clock.pass(5_000);
		forgetWait(nonce);
		await clock.until(over);
		expect(clock.time).toBe(5_000);
		expect(wakes).toEqual([]);
	});

	it('ends when the execution has been parked anew', async () => {
		const { clock, companion, nonce, watcher, wakes } = parked({ endsAt: [20_000] });
		const over = watchOver(companion);
		await clock.pass(5_000);
		keepWait(nonce, { watcher, http: NO_HTTP, secret: 'another' }, 0);
		await clock.until(over);
		expect(wakes).toEqual([]);
		expect(knownWait(nonce)?.secret).toBe('another');
	});

	it('does not loop when its watcher is stopped', async () => {
		const { clock, companion, watcher } = parked({ endsAt: [HOUR] });
		const over = watchOver(companion);
		await clock.pass(5_000);
		watcher.stop();
		await expect(clock.until(over)).resolves.toBeUndefined();
	});
});

describe('A companion never rejects', () => {
	it.each<[string, Partial<Setting>]>([
		['n8n is not there', { status: () => undefined, woken: () => NaN }],
		['n8n answers a wake with nonsense', { woken: () => 0 }],
		['n8n answers nonsense', { status: () => '<html>', woken: () => 0 }],
	])('%s', async (_, setting) => {
		const { clock, companion } = parked({ endsAt: [HOUR], wakeAt: 130_000, ...setting });
		await expect(clock.until(watchOver(companion))).resolves.toBeUndefined();
	});

	it('the request throws at once', async () => {
		const { clock, companion } = parked({ wakeAt: 0 });
		const helpers = {
			httpRequest: () => {
				throw new Error('no');
			},
		};
		await expect(clock.until(watchOver({ ...companion, helpers }))).resolves.toBeUndefined();
	});
});
