import { judge } from '../../../nodes/Midjourney/tasks/wait/watched';
import { failing, found } from './fakes';

describe('The judgement of one read', () => {
	it.each([
		['completed', 'terminal'],
		['failed', 'terminal'],
		['running', undefined],
		['pending', undefined],
	] as const)('%s: %s', (status, end) => {
		expect(judge(found(status), 1_000)).toBe(end);
	});

	it.each([
		['rateLimited', true, undefined],
		['maintenance', true, undefined],
		['serverError', true, undefined],
		['timedOut', true, undefined],
		['connectionLost', true, undefined],
		['unreachable', true, undefined],
		['invalidKey', false, 'lost'],
		['notAllowed', false, 'lost'],
		['unreachable', false, 'lost'],
	] as const)('a failed read (%s, transient: %s): %s', (reason, passing, end) => {
		expect(judge(failing(reason, { transient: passing }), 1_000)).toBe(end);
	});

	it.each([
		['submitted this moment', 0, undefined],
		['submitted a moment ago', 119_999, undefined],
		['submitted two minutes ago', 120_000, 'lost'],
		['submitted elsewhere', undefined, 'lost'],
	])('a task not found, %s (%p ms): %s', (_, since, end) => {
		expect(judge(failing('notFound', { transient: false }), since)).toBe(end);
	});

	it('a task not found stays open if the provider says that this is transient', () => {
		expect(judge(failing('notFound', { transient: true }), undefined)).toBeUndefined();
	});
});
