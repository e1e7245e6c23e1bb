import {
	forgetWait,
	hasWoken,
	keepWait,
	knownWait,
	wakesAgain,
} from '../../../nodes/Midjourney/tasks/wait/registry';
import { AFTER_SUBMIT } from '../../../nodes/Midjourney/tasks/wait/schedule';
import { Watcher } from '../../../nodes/Midjourney/tasks/wait/watcher';
import { found, newAccount, NO_HTTP, WaitClock } from './fakes';

const HOUR = 3_600_000;
let count = 0;
/** A new name for each test, because the process remembers all of them. */
const fresh = () => `name ${++count}`;

function newWatcher() {
	const clock = new WaitClock();
	const account = newAccount(clock);
	const watcher = new Watcher({
		operation: 'image:generate',
		read: async () => found('running'),
		account,
		clock,
		polls: true,
	});
	watcher.add({
		taskId: 't1',
		since: 0,
		deadline: 24 * HOUR,
		schedule: AFTER_SUBMIT,
		fresh: true,
	});
	return { watcher, account };
}

describe('A wait that is kept', () => {
	it('is known by its nonce', () => {
		const { watcher } = newWatcher();
		const nonce = fresh();
		keepWait(nonce, { watcher, http: NO_HTTP, secret: 's' }, 5);
		expect(knownWait(nonce)).toEqual({ watcher, http: NO_HTTP, secret: 's' });
	});

	it('is not known by another nonce', () => {
		expect(knownWait(fresh())).toBeUndefined();
	});

	it('is known as it was last kept', () => {
		const { watcher } = newWatcher();
		const nonce = fresh();
		keepWait(nonce, { watcher, http: NO_HTTP, secret: 'old' }, 0);
		keepWait(nonce, { watcher, http: NO_HTTP }, 0);
		expect(knownWait(nonce)?.secret).toBeUndefined();
	});

	it('is unknown once it is forgotten, and its watcher is stopped', () => {
		const { watcher, account } = newWatcher();
		const nonce = fresh();
		keepWait(nonce, { watcher, http: NO_HTTP }, 0);
		forgetWait(nonce);
		expect(knownWait(nonce)).toBeUndefined();
		expect(account.watched).toBe(0);
	});

	it.each([
		['until it expires', HOUR, HOUR, true],
		['no longer than that', HOUR, HOUR + 1, false],
		['until its owner forgets it if it does not expire', undefined, 100 * HOUR, true],
	])('is kept %s', (_, lasts, ms, isKept) => {
		const { watcher } = newWatcher();
		const nonce = fresh();
		const expiresAt = lasts === undefined ? undefined : 1e9 + lasts;
		keepWait(nonce, { watcher, http: NO_HTTP, expiresAt }, 1e9);
		keepWait(fresh(), { watcher: newWatcher().watcher, http: NO_HTTP }, 1e9 + ms);
		expect(knownWait(nonce) !== undefined).toBe(isKept);
	});
});

describe('A park', () => {
	it('counts its first wake as the only one', () => {
		const secret = fresh();
		expect([wakesAgain(secret, 0), wakesAgain(secret, 1), wakesAgain(secret, 2)]).toEqual([
			false,
			true,
			true,
		]);
	});

	it('is not woken by the wake of another', () => {
		wakesAgain(fresh(), 0);
		expect(hasWoken(fresh())).toBe(false);
	});

	it('is remembered as woken', () => {
		const secret = fresh();
		expect(hasWoken(secret)).toBe(false);
		wakesAgain(secret, 0);
		expect(hasWoken(secret)).toBe(true);
	});

	it.each([
		['some minutes', 599_999, true],
		['ten minutes', 600_000, false],
	])('is remembered as woken for %s', (_, ms, isRemembered) => {
		const secret = fresh();
		const now = 3e9 + HOUR * count;
		wakesAgain(secret, now);
		wakesAgain(fresh(), now + ms);
		expect(hasWoken(secret)).toBe(isRemembered);
	});
});
