import type { Answer, Failure } from '../../nodes/Midjourney/providers/http';
import type { Task } from '../../nodes/Midjourney/providers/Task';
import { isTaskOf, type LostWait } from '../../nodes/Midjourney/tasks/lost';
import {
	BOOKS_BEHIND_MS,
	readingOf,
	type Awaited,
	type Reading,
} from '../../nodes/Midjourney/tasks/reading';

const task = (status: Task['status'], more: Partial<Task> = {}): Task => ({
	...{ provider: 'midApi', taskId: 'a', status, outputs: [], raw: {} },
	...more,
});
const ok = (value: Task): Answer<Task> => ({ ok: true, value });
const no = (reason: Failure['reason'], passing: boolean): Answer<Task> => ({
	ok: false,
	failure: { reason, taken: 'no', passing },
});

describe('What an answer means for a task that is waited for', () => {
	const UNKNOWN = no('notFound', false);
	const BUSY = no('serverError', true);
	const KEY = no('invalidKey', false);
	const bought = { since: 0, bought: true };
	const seen = task('completed');

	it.each<[string, Answer<Task>, Awaited, number, boolean, Reading['is']]>([
		['completed', ok(task('completed')), bought, 0, false, 'ended'],
		['failed', ok(task('failed')), bought, 0, false, 'ended'],
		['running', ok(task('running')), bought, 0, false, 'open'],
		['unknown right after the submit', UNKNOWN, bought, BOOKS_BEHIND_MS - 1, false, 'open'],
		['the same, parked', UNKNOWN, bought, BOOKS_BEHIND_MS - 1, true, 'open'],
		['unknown long after the submit', UNKNOWN, bought, BOOKS_BEHIND_MS, false, 'lost'],
		['the same, parked', UNKNOWN, bought, BOOKS_BEHIND_MS, true, 'lost'],
		['unknown, and bought elsewhere', UNKNOWN, { since: 0 }, 0, true, 'lost'],
		['unreadable for a passing reason', BUSY, bought, 1e9, false, 'open'],
		['unreadable for good', KEY, bought, 0, false, 'lost'],
		['the same, if somebody looks again much later', KEY, bought, 0, true, 'open'],
		['unreadable, but seen completed before', KEY, { ...bought, seen }, 0, false, 'ended'],
		['unknown, but seen completed before', UNKNOWN, { ...bought, seen }, 1e9, false, 'ended'],
		[
			'running, but seen completed before',
			ok(task('running')),
			{ ...bought, seen },
			0,
			false,
			'ended',
		],
	])('%s', (_, answer, awaited, now, asksAgain, is) => {
		expect(readingOf(answer, awaited, now, asksAgain).is).toBe(is);
	});

	it('keeps what was seen last, and why nothing more is known', () => {
		const before = task('running', { progress: 0.5 });
		expect(readingOf(BUSY, { since: 0, seen: before }, 0)).toMatchObject({
			task: before,
			failure: { reason: 'serverError' },
		});
	});
});

describe('The task that a call names for a lost submit', () => {
	const SUBMIT_AT = Date.parse('2026-01-01T00:10:00Z');
	const wait: LostWait = { since: SUBMIT_AT, asked: { prompt: 'a  teapot --ar 16:9' } };
	const others: LostWait[] = [wait, { since: 0, taskId: 'b' }];

	it.each<[string, Partial<Task>, boolean]>([
		['has its prompt', { prompt: 'a  teapot --ar 16:9' }, true],
		['has its prompt, as the provider puts it', { prompt: 'a teapot' }, true],
		['has another prompt', { prompt: 'a teapot in blue' }, false],
		['says nothing of its prompt, and has ended', {}, true],
		['says nothing of its prompt yet', { status: 'running' }, false],
		['belongs to another item', { taskId: 'b', prompt: 'a teapot' }, false],
		['was made long before', { createdAt: '2026-01-01T00:00:00Z', prompt: 'a teapot' }, false],
		['was made since', { createdAt: '2026-01-01T00:10:01Z', prompt: 'a teapot' }, true],
	])('%s', (_, more, expected) => {
		expect(isTaskOf(wait, task('completed', more), others)).toBe(expected);
	});

	it('needs no prompt where none was asked for', () => {
		expect(isTaskOf({ since: 0 }, task('running', { prompt: 'of its source' }), [])).toBe(true);
	});
});
