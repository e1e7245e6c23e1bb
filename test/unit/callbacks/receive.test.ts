import { sign } from '../../../nodes/Midjourney/providers/callback';
import type { Result, Http } from '../../../nodes/Midjourney/providers/http';
import type { Task } from '../../../nodes/Midjourney/providers/task';
import {
	executionAudience,
	signedAddress,
	triggerAudience,
	type CallbackClaims,
} from '../../../nodes/Midjourney/tasks/callbacks/address';
import { Starts } from '../../../nodes/Midjourney/tasks/callbacks/once';
import {
	receive,
	type Call,
	type ReceiveSettings,
	type RemoteWait,
} from '../../../nodes/Midjourney/tasks/callbacks/receive';
import { keepWait } from '../../../nodes/Midjourney/tasks/wait/registry';
import { AFTER_SUBMIT } from '../../../nodes/Midjourney/tasks/wait/schedule';
import { Watcher } from '../../../nodes/Midjourney/tasks/wait/watcher';
import { FakeClock } from '../fakeClock';
import { failing, found, never, newAccount } from '../wait/fakes';

/** The provider's limit, in ms. */
const LIMIT_MS = 15_000;
const HOUR = 3_600_000;
const URL_OF_TRIGGER = 'https://n8n.example.com/webhook/7f3a/webhook';
const SECRET = 'hmac';

/** The execution that waits. */
const EXECUTION = '7';

let count = 0;
/** A new account each time, because the process remembers things by account. */
const newHttp = (webhookSecrets: string[] = []): Http => ({
	baseUrl: 'https://api.example.com',
	account: `account ${++count}`,
	callbackKey: 'key',
	webhookSecrets,
	send: async () => await Promise.reject(new Error('Nothing goes over a wire here')),
});

const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams);

/** The query of an address made by a node of this n8n. */
const own = (
	more: Partial<CallbackClaims> = {},
	{ audience = triggerAudience(URL_OF_TRIGGER), key = 'key' } = {},
) =>
	queryOf(
		signedAddress(
			URL_OF_TRIGGER,
			{ submit: 's1', expiresAt: HOUR, reference: 'order 7', ...more },
			audience,
			key,
		),
	);

/** The same with a waiting execution. */
const waiting = (nonce = 'n', position = 0) =>
	own({ wait: { nonce, position, executionId: EXECUTION, resumeToken: 'abc' } });

const signed = (atMs: number, taskId = 't1', secret = SECRET) => {
	const timestamp = String(Math.floor(atMs / 1000));
	return {
		'x-webhook-timestamp': timestamp,
		'x-webhook-signature': sign(`${taskId}.${timestamp}`, secret),
	};
};

const reject = async () => await Promise.reject<never>(new TypeError('broken'));

interface Setting {
	call?: Partial<Call>;
	settings?: Partial<ReceiveSettings>;
	http?: Http;
	open?: () => Promise<Http | undefined>;
	read?: (taskId: string, earlier: number) => Result<Task> | Promise<Result<Task>>;
	/** Tells the waiting execution; gives whether that succeeded. */
	handOn?: () => Promise<boolean>;
	starts?: Starts;
}

/** Receives one call; gives its answer, the time it took, and what was done. */
async function call(setting: Setting = {}, clock = new FakeClock()) {
	const { http = newHttp(), read = () => found('completed') } = setting;
	const begin = clock.time;
	const did = { opened: 0, reads: [] as string[], handedOn: [] as RemoteWait[] };
	const receiving = receive(
		{ headers: {}, query: own(), body: { data: { taskId: 't1' } }, ...setting.call },
		{
			clock,
			starts: setting.starts ?? new Starts(),
			settings: {
				...{ triggerOn: ['completed', 'failed'], onCallback: 'both', onlyOwnTasks: true },
				...setting.settings,
			},
			audience: () => triggerAudience(URL_OF_TRIGGER),
			open: async (fits) => {
				did.opened++;
				if (setting.open) return await setting.open();
				return fits(http) ? http : undefined;
			},
			read: async (_, taskId) => {
				const earlier = did.reads.filter((one) => one === taskId).length;
				did.reads.push(taskId);
				return await read(taskId, earlier);
			},
			handOn: async (wait) => {
				did.handedOn.push(wait);
				return setting.handOn ? await setting.handOn() : true;
			},
		},
	);
	const { status, because, start } = await clock.until(receiving);
	return {
		...{ status, because, ...did, took: clock.time - begin },
		started: start?.task.status,
		reference: start?.reference,
	};
}

const REFUSED = { status: 401, started: undefined, reads: [], handedOn: [] };
const STARTED = { status: 200, started: 'completed', reads: ['t1'] };
const ASIDE = { status: 200, started: undefined };
const AGAIN = { status: 503, started: undefined };

describe('A call that is asked to prove itself', () => {
	it('starts the workflow with the reference of its address', async () => {
		expect(await call()).toMatchObject({ ...STARTED, reference: 'order 7' });
	});

	it.each<[string, Partial<Call>]>([
		['without a token', { query: {} }],
		['without a query', { query: undefined }],
		['with a reference alone', { query: { mjReference: 'order 7' } }],
	])('%s is refused before the credential is opened', async (_, given) => {
		expect(await call({ call: given })).toMatchObject({ ...REFUSED, opened: 0 });
	});

	it.each<[string, unknown]>([
		['of another key', own({}, { key: 'other' })],
		['for another Trigger', own({}, { audience: triggerAudience('https://x/webhook/8/webhook') })],
		['for an execution', own({}, { audience: executionAudience(EXECUTION) })],
		['that has expired', own({ expiresAt: -1 })],
		['that was altered', { mjToken: own().mjToken?.replace(/./, 'X') }],
		['that is empty', { mjToken: '' }],
		['that is no text', { mjToken: { $ne: null } }],
		['that comes twice', { mjToken: [own().mjToken, own().mjToken] }],
	])('with a token %s is refused and nothing is read', async (_, query) => {
		expect(await call({ call: { query } })).toMatchObject(REFUSED);
		expect(await call({ call: { query }, settings: { onlyOwnTasks: false } })).toMatchObject(
			REFUSED,
		);
	});

	it('may use the test path or the production path of the Trigger', async () => {
		const audience = triggerAudience('http://internal:5678/n8n/webhook-test/7f3a/webhook');
		expect(await call({ call: { query: own({}, { audience }) } })).toMatchObject(STARTED);
	});

	const NOW = 1_800_000_000_000;
	const query = own({ expiresAt: NOW + HOUR });
	it.each<[string, Record<string, string>, object]>([
		['that fits lets in', signed(NOW), STARTED],
		['by the previous secret lets in', signed(NOW, 't1', 'previous'), STARTED],
		['of 299 s ago lets in', signed(NOW - 299_000), STARTED],
		['of 301 s ago does not', signed(NOW - 301_000), REFUSED],
		['from 301 s ahead does not', signed(NOW + 301_000), REFUSED],
		['of another task does not', signed(NOW, 't2'), REFUSED],
		['with another key does not', signed(NOW, 't1', 'other'), REFUSED],
		['without a time does not', { 'x-webhook-signature': sign('t1.', SECRET) }, REFUSED],
		['that is missing does not', {}, REFUSED],
	])('needs the HMAC, too, where the credential has a secret: one %s', async (_, headers, is) => {
		const clock = new FakeClock();
		clock.time = NOW;
		const http = newHttp([SECRET, 'previous']);
		expect(await call({ http, call: { headers, query } }, clock)).toMatchObject(is);
	});

	it('has only its signed id read', async () => {
		const body = { data: { taskId: 't1' }, taskId: 't2', id: 't3' };
		const given = { headers: signed(0), body };
		const result = await call({
			http: newHttp([SECRET]),
			call: given,
			read: () => failing('notFound'),
		});
		expect(result).toMatchObject({ status: 503, reads: ['t1'] });
	});
});

describe('A call that has proved itself', () => {
	it.each<[string, Setting, object]>([
		['of a failed task starts a workflow', { read: () => found('failed') }, { started: 'failed' }],
		['of an end that is not chosen starts nothing', { settings: { triggerOn: ['failed'] } }, ASIDE],
		['reads nothing when no end is chosen', { settings: { triggerOn: [] } }, { reads: [] }],
		['reads nothing when only resuming is chosen', { settings: { onCallback: 'resume' } }, ASIDE],
		['of an open task is answered 200', { read: () => found('running') }, ASIDE],
		[
			'of a task that the provider shows as ended a moment later starts a workflow',
			{ read: (_, earlier) => found(earlier === 0 ? 'running' : 'completed') },
			{ ...STARTED, reads: ['t1', 't1'] },
		],
		['of an unknown task is asked to come again', { read: () => failing('notFound') }, AGAIN],
		[
			'is asked to come again while the provider is down',
			{ read: () => failing('unreachable') },
			AGAIN,
		],
		[
			'is asked to come again while the key is refused',
			{ read: () => failing('invalidKey') },
			AGAIN,
		],
		['is asked to come again when the read fails unexpectedly', { read: reject }, AGAIN],
		['is asked to come again while the provider is silent', { read: never }, AGAIN],
		[
			'is asked to come again when the credential cannot be opened',
			{ open: reject },
			{ ...AGAIN, reads: [] },
		],
		[
			'is asked to come again while opening the credential hangs',
			{ open: never },
			{ ...AGAIN, reads: [] },
		],
	])('%s', async (_, setting, expected) => {
		const result = await call(setting);
		expect(result).toMatchObject(expected);
		expect(result.took).toBeLessThan(LIMIT_MS);
	});

	it.each<[string, unknown]>([
		['nothing', undefined],
		['an empty object', {}],
		['a list', [{ taskId: 't1' }]],
		['a text', 'taskId=t1'],
		['an ID that is no text', { taskId: { $ne: null } }],
		['an ID without end', { taskId: 't'.repeat(201) }],
		['an ID that leads elsewhere', { taskId: '../account' }],
		['dots for an ID', { taskId: '..' }],
	])('with %s for a body causes no read', async (_, body) => {
		expect(await call({ call: { body } })).toMatchObject({ ...AGAIN, reads: [] });
	});

	it.each<[string, unknown]>([
		['as a field of data', { code: 200, data: { taskId: 't1', resultUrls: [] } }],
		['at the top', { id: 't1' }],
		['in JSON that came as text', '{"taskId":"t1"}'],
	])('may name its task %s', async (_, body) => {
		expect(await call({ call: { body } })).toMatchObject(STARTED);
	});

	it('starts one workflow however often it comes', async () => {
		const starts = new Starts();
		expect(await call({ starts })).toMatchObject(STARTED);
		expect(await call({ starts })).toMatchObject(ASIDE);
	});

	it('counts for the first task of its address alone, so that no task starts a workflow with the reference of another', async () => {
		const starts = new Starts();
		const read = (taskId: string) => found('completed', taskId);
		await call({ starts, read });
		const other = { body: { taskId: 't2' } };
		expect(await call({ starts, read, call: other })).toMatchObject(ASIDE);
		const ownAddress = { ...other, query: own({ submit: 's2', reference: 'order 8' }) };
		expect(await call({ starts, read, call: ownAddress })).toMatchObject({
			...{ started: 'completed', reference: 'order 8' },
		});
	});
});

describe('A call without a token, where tasks of others are accepted', () => {
	const settings = { onlyOwnTasks: false };
	const query = { mjReference: 'order 9' };

	it('starts a workflow with the reference in its address', async () => {
		expect(await call({ settings, call: { query } })).toMatchObject({
			...{ ...STARTED, reference: 'order 9' },
		});
	});

	it('needs the HMAC where the credential has a secret', async () => {
		const http = newHttp([SECRET]);
		expect(await call({ settings, http, call: { query } })).toMatchObject(REFUSED);
		expect(await call({ settings, http, call: { query, headers: signed(0) } })).toMatchObject(
			STARTED,
		);
	});

	it('of an unknown task is answered 200, and that task is not read again for a minute', async () => {
		const http = newHttp();
		const clock = new FakeClock();
		const unknown = { settings, http, call: { query }, read: () => failing('notFound') };
		expect(await call(unknown, clock)).toMatchObject({ ...ASIDE, reads: ['t1'] });
		clock.time += 59_000;
		expect(await call(unknown, clock)).toMatchObject({ ...ASIDE, reads: [] });
		clock.time += 1_001;
		expect(await call(unknown, clock)).toMatchObject({ ...ASIDE, reads: ['t1'] });
	});

	it('is asked to come again when there are too many, without affecting calls that prove themselves', async () => {
		const http = newHttp();
		const clock = new FakeClock();
		const statuses: number[] = [];
		for (let n = 0; n < 60; n++) {
			const given = { query, body: { taskId: `made-up-${n}` } };
			const read = () => failing('notFound');
			statuses.push((await call({ settings, http, call: given, read }, clock)).status);
		}
		expect(statuses).toEqual([...Array(40).fill(200), ...Array(20).fill(503)]);
		expect(await call({ settings, http }, clock)).toMatchObject(STARTED);
	});

	it('is never handed on', async () => {
		expect(await call({ settings, call: { query } })).toMatchObject({ handedOn: [] });
	});
});

describe('A call for an execution that waits elsewhere', () => {
	const given = { query: waiting() };

	it('is handed on, and starts a workflow', async () => {
		expect(await call({ call: given })).toMatchObject({
			...STARTED,
			handedOn: [{ executionId: EXECUTION, resumeToken: 'abc', nonce: 'n', position: 0 }],
		});
	});

	it.each<[string, Setting, object]>([
		[
			'only resumes where that is chosen',
			{ settings: { onCallback: 'resume' } },
			{ started: undefined, reads: [] },
		],
		[
			'resumes even if no end may start a workflow',
			{ settings: { triggerOn: [] } },
			{ started: undefined },
		],
	])('%s', async (_, setting, expected) => {
		const result = await call({ call: given, ...setting });
		expect(result).toMatchObject({ status: 200, handedOn: { length: 1 }, ...expected });
	});

	it('only starts a workflow where that is chosen', async () => {
		const result = await call({ call: given, settings: { onCallback: 'start' } });
		expect(result).toMatchObject({ ...STARTED, handedOn: [] });
	});

	it.each([
		['could not be told', async () => false],
		['fails', reject],
		['hangs', never],
	])(
		'is asked to come again when that %s, and starts one workflow all the same',
		async (_, handOn) => {
			const starts = new Starts();
			const first = await call({ starts, call: given, handOn });
			expect(first).toMatchObject({ status: 503, started: 'completed' });
			expect(first.took).toBeLessThan(LIMIT_MS);
			const second = await call({ starts, call: given });
			expect(second).toMatchObject({ ...ASIDE, handedOn: { length: 1 } });
		},
	);

	it('is answered in time when everything is as slow as it may be', async () => {
		const clock = new FakeClock();
		const http = newHttp();
		const open = async () => {
			await clock.sleep(5_900);
			return http;
		};
		const result = await call({ call: given, open, read: never, handOn: never }, clock);
		expect(result).toMatchObject(AGAIN);
		expect(result.took).toBeLessThan(LIMIT_MS);
	});
});

describe('A call for an execution that a watcher of this process waits for', () => {
	/** Watches one task by calls alone. */
	function watched(read: (earlier: number) => Result<Task> | Promise<Result<Task>>) {
		const clock = new FakeClock();
		const nonce = `wait ${++count}`;
		const reads: number[] = [];
		const watcher = new Watcher({
			operation: 'image:generate',
			read: async () => {
				reads.push(clock.time);
				return await read(reads.length - 1);
			},
			...{ account: newAccount(clock), clock, polls: false },
		});
		const target = { since: 0, deadline: HOUR, schedule: AFTER_SUBMIT, fresh: true, called: true };
		watcher.add({ taskId: 't1', ...target });
		const known = { watcher, http: newHttp(), taskIds: [undefined, 't1'] };
		keepWait(nonce, { ...known, secret: 's' }, 0);
		return { clock, nonce, watcher, watcherReads: reads, known };
	}

	it('tells that watcher, and starts a workflow after its one read of the task', async () => {
		const { clock, nonce, watcher, watcherReads } = watched(() => found('completed'));
		const body = { id: 'a name of its own' };
		const result = await call({ call: { query: waiting(nonce, 1), body } }, clock);
		expect(result).toMatchObject({ ...{ status: 200, started: 'completed' }, reads: [] });
		expect(result.handedOn).toEqual([]);
		expect(watcherReads).toHaveLength(1);
		expect(watcher.allEnded).toBe(true);
	});

	it.each<[string, (earlier: number) => Result<Task> | Promise<Result<Task>>, object]>([
		['of an open task is answered 200', () => found('running'), ASIDE],
		[
			'of a task that the provider shows as ended a moment later starts a workflow',
			(earlier) => found(earlier === 0 ? 'running' : 'completed'),
			{ status: 200, started: 'completed' },
		],
		['is asked to come again while the provider is down', () => failing('unreachable'), AGAIN],
		['is asked to come again while the provider is silent', never, AGAIN],
	])('%s', async (_, read, expected) => {
		const { clock, nonce, watcher } = watched(read);
		const result = await call({ call: { query: waiting(nonce, 1) } }, clock);
		expect(result).toMatchObject({ ...expected, handedOn: [], reads: [] });
		expect(result.took).toBeLessThan(LIMIT_MS);
		watcher.stop();
	});

	it.each<[string, (one: ReturnType<typeof watched>) => number]>([
		['was not known when it parked', () => 0],
		['is none of its own', () => 5],
		[
			'is woken by somebody else',
			({ nonce, known }) => {
				keepWait(nonce, known, 0);
				return 1;
			},
		],
		[
			'is watched no more',
			({ watcher }) => {
				watcher.stop();
				return 1;
			},
		],
	])('is handed on where the task %s', async (_, positionOf) => {
		const one = watched(() => found('completed'));
		const query = waiting(one.nonce, positionOf(one));
		expect(await call({ call: { query } }, one.clock)).toMatchObject({
			...STARTED,
			handedOn: { length: 1 },
		});
		one.watcher.stop();
	});
});
