import { callbackKey, isSigned, sign, taskIdsIn } from '../../nodes/Midjourney/providers/callback';

describe('The task id of a callback', () => {
	it.each([
		[{ code: 200, data: { taskId: 'a', resultUrls: [] } }, 'a'],
		[{ data: { task_id: 'b' } }, 'b'],
		[{ id: 'c', status: 'completed' }, 'c'],
		[{ task_id: 'd' }, 'd'],
		[{ jobId: 'e' }, 'e'],
		[{ request_id: 'f' }, 'f'],
		[{ id: 7 }, '7'],
		[{ data: { taskId: 'inner' }, taskId: 'outer' }, 'inner'],
		[{ data: null, taskId: 'outer' }, 'outer'],
		[{ data: { taskId: '' } }, undefined],
		[{ data: { taskId: { a: 1 } } }, undefined],
		[{ id: 'x'.repeat(5000) }, undefined],
		[[], undefined],
		['text', undefined],
		[null, undefined],
		[undefined, undefined],
	])('%j: %j', (body, id) => {
		expect(taskIdsIn(body)[0]).toBe(id);
	});

	it.each([
		['of all forms', { id: 'a', jobId: 'b', task_id: 'c' }, ['c', 'a', 'b']],
		['twice the same', { id: 'a', jobId: 'a' }, ['a']],
		['outside after inside', { data: { id: 'b' }, taskId: 'a' }, ['b', 'a']],
		['no more than three', { taskId: 1, task_id: 2, id: 3, jobId: 4 }, ['1', '2', '3']],
	])('can be one of several: %s', (_, body, ids) => {
		expect(taskIdsIn(body)).toEqual(ids);
	});
});

describe('The signature of a callback', () => {
	const secret = 'test-hmac-key';
	const seconds = 1735689600;
	const body = { data: { taskId: 'mj_task_abc123' } };
	const headers = (timestamp: unknown = String(seconds), signature?: unknown) => ({
		'x-webhook-timestamp': timestamp,
		'x-webhook-signature': signature ?? sign(`mj_task_abc123.${String(timestamp)}`, secret),
	});

	it('equals what openssl computes for the same text', () => {
		expect(sign(`mj_task_abc123.${seconds}`, secret)).toBe(
			'OvV31QVVqaUT7shT6dIhFw3TbD3Uvu5gN1qpcEc7GD8=',
		);
	});

	it.each([0, 299, -299])('is accepted %i s away from now', (away) => {
		expect(isSigned(headers(), body, [secret], (seconds + away) * 1000)).toBe(true);
	});

	it.each([
		['the only one', [secret]],
		['the present one', [secret, 'previous']],
		['the previous one', ['present', secret]],
	])('is accepted by any of the secrets: %s', (_, secrets) => {
		expect(isSigned(headers(), body, secrets, seconds * 1000)).toBe(true);
	});

	it.each([
		['checked with no secret', headers(), body, [], 0],
		['too old', headers(), body, [secret], 301],
		['from the future', headers(), body, [secret], -301],
		['of another key', headers(), body, ['other', 'another'], 0],
		['of another task', headers(), { data: { taskId: 'other' } }, [secret], 0],
		['without an id', headers(), {}, [secret], 0],
		['missing', {}, body, [secret], 0],
		['without a time', { 'x-webhook-signature': 'x' }, body, [secret], 0],
		['with a time that is none', headers('soon'), body, [secret], 0],
		['cut short', headers(undefined, 'OvV31'), body, [secret], 0],
		['not even text', headers(undefined, ['a', 'b']), body, [secret], 0],
	])('is refused when it is %s', (_, given, about, secrets, away) => {
		expect(isSigned(given, about, secrets, (seconds + away) * 1000)).toBe(false);
	});
});

describe('The key of the callback addresses', () => {
	it('is the same for one account in one n8n', () => {
		expect(callbackKey('key', 'instance')).toBe(callbackKey('key', 'instance'));
	});

	it.each([
		['account', callbackKey('other', 'instance')],
		['n8n', callbackKey('key', 'other')],
	])('differs for another %s', (_, other) => {
		expect(other).not.toBe(callbackKey('key', 'instance'));
	});

	it('never equals an HMAC that the provider computes for something else, such as a signature', () => {
		expect(callbackKey('key', 'task.1')).not.toBe(sign('task.1', 'key'));
	});
});
