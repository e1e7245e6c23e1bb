import type { IDataObject } from 'n8n-workflow';

import { sign } from '../../nodes/Midjourney/providers/callback';
import type { Answer, Failure, Reply } from '../../nodes/Midjourney/providers/http';
import type { Task, TaskStatus } from '../../nodes/Midjourney/providers/Task';
import { callbackUrl, relayKey } from '../../nodes/Midjourney/tasks/callbackUrl';
import { Deliveries, forgetDeliveries } from '../../nodes/Midjourney/tasks/deliveries';
import {
	receive,
	type Callback,
	type CallbackSecrets,
	type ReceiveSettings,
	type Verdict,
} from '../../nodes/Midjourney/tasks/receive';
import { FakeClock } from './fakeClock';

/** The provider's limit, in ms. */
const LIMIT_MS = 15_000;
const SECRET = 'hmac';
const RESUME = 'https://n8n.example.com/webhook-waiting/7?signature=abc';

const task = (status: TaskStatus): Task => ({
	provider: 'midApi',
	taskId: 't1',
	status,
	outputs: [],
	raw: {},
});
const found = (status: TaskStatus): Answer<Task> => ({ ok: true, value: task(status) });
const failing = (reason: Failure['reason'], passing = true): Answer<Task> => ({
	ok: false,
	failure: { reason, taken: 'no', passing },
});
const never = async () => await new Promise<never>(() => {});

/** The query of a callback URL that leads through a Trigger. */
const relayed = (key = 'api-key', reference?: string): IDataObject =>
	Object.fromEntries(
		new URL(
			callbackUrl({
				resumeUrl: RESUME,
				nonce: 'n',
				position: 0,
				reference,
				relay: { url: 'https://n8n.example.com/webhook/1', key: relayKey(key) },
			}),
		).searchParams,
	);

const signed = (atMs: number, taskId = 't1', secret = SECRET) => {
	const timestamp = String(Math.floor(atMs / 1000));
	return {
		'x-webhook-timestamp': timestamp,
		'x-webhook-signature': sign(`${taskId}.${timestamp}`, secret),
	};
};

const FORGED = { status: 401, started: undefined, reads: [] };
const IS_RUNNING = { status: 409, body: { message: 'The execution "7" is running already.' } };
const HAS_FINISHED = { status: 409, body: { message: 'The execution "7 has finished already.' } };

interface Setting {
	callback?: Partial<Callback>;
	settings?: Partial<ReceiveSettings>;
	secrets?: CallbackSecrets | (() => Promise<CallbackSecrets>);
	read?: Answer<Task> | (() => Promise<never>);
	/** n8n's answers, one after the other, the last again and again. */
	n8n?: Array<Reply | (() => Promise<never>)>;
	staticData?: IDataObject;
	/** Undefined: no memory beyond this call. */
	nodeKey?: string;
}

/** Lets one call in; tells what came of it, when, and what was done meanwhile. */
async function call(setting: Setting = {}, clock = new FakeClock()) {
	const { n8n = [{ status: 200, body: {} }], staticData = {}, nodeKey } = setting;
	const { secrets = { apiKey: 'api-key' }, read = found('completed') } = setting;
	const begin = clock.time;
	const reads: string[] = [];
	const resumed: Array<{ url: string; body: unknown; at: number }> = [];
	const receiving = receive(
		{ headers: {}, query: {}, body: { data: { taskId: 't1' } }, ...setting.callback },
		{
			clock,
			deliveries: new Deliveries(staticData, nodeKey),
			settings: { triggerOn: ['completed', 'failed'], onCallback: 'both', ...setting.settings },
			secrets: async () => (typeof secrets === 'function' ? await secrets() : secrets),
			read: async (taskId) => {
				reads.push(taskId);
				return typeof read === 'function' ? await read() : read;
			},
			resume: async (url, { body }) => {
				const reply = n8n[Math.min(resumed.length, n8n.length - 1)];
				resumed.push({ url, body, at: clock.time - begin });
				if (reply === undefined) throw new TypeError('n8n has no answer here');
				return typeof reply === 'function' ? await reply() : reply;
			},
		},
	);
	const verdict: Verdict = await clock.until(receiving);
	return {
		...verdict,
		started: verdict.start?.task.status,
		reads,
		resumed,
		took: clock.time - begin,
	};
}

const reject = async () => await Promise.reject<never>(new TypeError('broken'));

describe('A callback', () => {
	const START = { status: 200, started: 'completed', reads: ['t1'] };
	const ASIDE = { status: 200, started: undefined, reads: ['t1'] };

	it.each<[string, Setting, object]>([
		['of a completed task starts', {}, START],
		['of a failed task starts, too', { read: found('failed') }, { status: 200, started: 'failed' }],
		['of an end that is not chosen does not', { settings: { triggerOn: ['failed'] } }, ASIDE],
		['when nothing is chosen does not', { settings: { triggerOn: [] } }, ASIDE],
		['of a running task is acknowledged', { read: found('running') }, ASIDE],
		['of a pending task is acknowledged', { read: found('pending') }, ASIDE],
		[
			'that claims a result of a running task changes nothing',
			{
				read: found('running'),
				callback: { body: { code: 200, data: { taskId: 't1', resultUrls: ['https://x/a.png'] } } },
			},
			ASIDE,
		],
		[
			'of an unknown task is refused',
			{ read: failing('notFound', false) },
			{ status: 404, started: undefined },
		],
		['while the provider is down comes again', { read: failing('unreachable') }, { status: 503 }],
		['while the key is refused comes again', { read: failing('invalidKey') }, { status: 503 }],
		['while reading fails unexpectedly comes again', { read: reject }, { status: 503 }],
		['while the provider is silent comes again', { read: never }, { status: 503 }],
		['without a readable credential comes again', { secrets: reject }, { status: 503, reads: [] }],
		['while the credential does not come comes again', { secrets: never }, { status: 503 }],
		['when only resuming is wanted starts nothing', { settings: { onCallback: 'resume' } }, ASIDE],
	])('%s', async (_, setting, expected) => {
		const result = await call(setting);
		expect(result).toMatchObject(expected);
		expect(result.took).toBeLessThan(LIMIT_MS);
		expect(result.started === undefined || result.status === 200).toBe(true);
	});

	it.each<[string, unknown]>([
		['data.taskId', { code: 200, data: { taskId: 't1', resultUrls: [] } }],
		['data.task_id', { data: { task_id: 't1' } }],
		['taskId', { taskId: 't1' }],
		['id', { id: 't1' }],
		['request_id', { request_id: 't1' }],
		['JSON that came as text', '{"taskId":"t1"}'],
	])('holds its task ID as %s', async (_, body) => {
		expect(await call({ callback: { body } })).toMatchObject(START);
	});

	it.each<[string, unknown]>([
		['nothing', undefined],
		['an empty object', {}],
		['a list', [{ taskId: 't1' }]],
		['a text', 'taskId=t1'],
		['an ID that is no text', { taskId: { $ne: null } }],
		['an ID without end', { taskId: 't'.repeat(201) }],
	])('with %s for a body is refused and nothing is read', async (_, body) => {
		expect(await call({ callback: { body } })).toMatchObject({ status: 404, reads: [] });
	});

	it('brings the reference', async () => {
		const { start } = await call({ callback: { query: { mjReference: 'order 7' } } });
		expect(start).toMatchObject({ reference: 'order 7', task: { taskId: 't1' } });
	});
});

describe('A signature', () => {
	const secrets = { apiKey: 'api-key', webhookSecret: SECRET };
	const NOW = 1_800_000_000_000;

	it.each<[string, Record<string, string>, 200 | 401]>([
		['that fits lets in', signed(NOW), 200],
		['of 299 s ago lets in', signed(NOW - 299_000), 200],
		['of 301 s ago does not', signed(NOW - 301_000), 401],
		['from 301 s ahead does not', signed(NOW + 301_000), 401],
		['of another task does not', signed(NOW, 't2'), 401],
		['with another key does not', signed(NOW, 't1', 'other'), 401],
		['without a time does not', { 'x-webhook-signature': sign('t1.', SECRET) }, 401],
		['that is missing does not', {}, 401],
	])('%s', async (_, headers, status) => {
		const clock = new FakeClock();
		clock.time = NOW;
		const result = await call({ secrets, callback: { headers } }, clock);
		expect(result).toMatchObject({ status, reads: status === 200 ? ['t1'] : [] });
	});

	it.each([undefined, ''])('is not asked for when the credential has %j for a key', async (key) => {
		const result = await call({ secrets: { apiKey: 'api-key', webhookSecret: key } });
		expect(result).toMatchObject({ status: 200, started: 'completed' });
	});
});

describe('The same callback again', () => {
	const fresh = () => ({ staticData: {}, nodeKey: `node ${Math.random()}` });

	it('starts one execution', async () => {
		const node = fresh();
		const results = [await call(node), await call(node), await call(node)];
		expect(results.map(({ status }) => status)).toEqual([200, 200, 200]);
		expect(results.map(({ started }) => started)).toEqual(['completed', undefined, undefined]);
	});

	it('starts one execution when both come at once, each with its own copy of the static data', async () => {
		const { nodeKey } = fresh();
		const results = await Promise.all([
			call({ nodeKey, staticData: {} }),
			call({ nodeKey, staticData: {} }),
		]);
		expect(results.filter(({ started }) => started)).toHaveLength(1);
	});

	it('starts one execution when n8n was restarted in between', async () => {
		const { staticData } = fresh();
		await call({ staticData, nodeKey: 'before the restart' });
		const saved: unknown = JSON.parse(JSON.stringify(staticData));
		const result = await call({ staticData: saved as IDataObject, nodeKey: 'after the restart' });
		expect(result).toMatchObject({ status: 200, started: undefined });
	});

	it('starts, when nothing came of the first', async () => {
		const node = fresh();
		const { start } = await call(node);
		new Deliveries(node.staticData, node.nodeKey).release(start?.key ?? '');
		expect(await call(node)).toMatchObject({ started: 'completed' });
	});

	it('starts, when the first could not be read', async () => {
		const node = fresh();
		expect(await call({ ...node, read: failing('serverError') })).toMatchObject({ status: 503 });
		expect(await call(node)).toMatchObject({ started: 'completed' });
	});

	it('starts in another node, and in this one once all is forgotten', async () => {
		const node = fresh();
		await call(node);
		expect(await call(fresh())).toMatchObject({ started: 'completed' });
		forgetDeliveries(node.staticData, node.nodeKey);
		expect(node.staticData).toEqual({});
		expect(await call(node)).toMatchObject({ started: 'completed' });
	});

	it('is remembered for the last 500 tasks', () => {
		const { staticData, nodeKey } = fresh();
		const deliveries = new Deliveries(staticData, nodeKey);
		for (let index = 0; index < 600; index++) deliveries.claim(`t${index}:completed`);
		expect(staticData).toMatchObject({ delivered: { length: 500, 0: 't100:completed' } });
		expect(deliveries.claim('t100:completed')).toBe(false);
		expect(deliveries.claim('t99:completed')).toBe(true);
	});
});

describe('A callback for an execution that waits', () => {
	const callback = { query: relayed() };

	it('goes to the address that was signed, and starts', async () => {
		const result = await call({ callback: { query: relayed('api-key', 'r') } });
		expect(result).toMatchObject({ status: 200, started: 'completed', start: { reference: 'r' } });
		expect(result.resumed).toEqual([
			{
				url: `${RESUME}&mjNonce=n&mjItem=0&mjReference=r`,
				body: { data: { taskId: 't1' } },
				at: 0,
			},
		]);
	});

	it.each<[string, Setting, object]>([
		['only resumes', { settings: { onCallback: 'resume' } }, { started: undefined }],
		['resumes whatever starts', { settings: { triggerOn: [] } }, { started: undefined }],
		['resumes under an id of its own', { read: failing('notFound') }, { started: undefined }],
	])('%s', async (_, setting, expected) => {
		const result = await call({ callback, ...setting });
		expect(result).toMatchObject({ status: 200, resumed: { length: 1 }, ...expected });
	});

	it.each<[string, Setting, object]>([
		['only starts', { settings: { onCallback: 'start' } }, { status: 200, started: 'completed' }],
		['waits for the end', { read: found('running') }, { status: 200 }],
		[
			'is refused when unknown and nothing is resumed',
			{ settings: { onCallback: 'start' }, read: failing('notFound') },
			{ status: 404, started: undefined },
		],
		['is not believed unread', { read: failing('timedOut') }, { status: 503 }],
		['signed by someone else is refused', { callback: { query: relayed('other') } }, FORGED],
		[
			'with another address is refused',
			{ callback: { query: { ...relayed(), mjResume: 'http://169.254.169.254/' } } },
			FORGED,
		],
		['is refused without a key to check', { secrets: {} }, FORGED],
	])('and calls nobody: %s', async (_, setting, expected) => {
		const result = await call({ callback, ...setting });
		expect(result).toMatchObject({ resumed: [], ...expected });
	});

	it('is tried again in growing pauses while the execution is still being saved', async () => {
		const n8n = [IS_RUNNING, IS_RUNNING, IS_RUNNING, IS_RUNNING, { status: 200, body: {} }];
		const { status, resumed } = await call({ callback, n8n });
		expect(status).toBe(200);
		expect(resumed.map(({ at }) => at)).toEqual([0, 250, 750, 1750, 3750]);
	});

	it.each<[string, Reply, number, number]>([
		['has finished', HAS_FINISHED, 200, 1],
		['is gone', { status: 404, body: { message: 'does not exist' } }, 200, 1],
		['is refused', { status: 401, body: { error: 'Invalid token' } }, 200, 1],
		['would be somewhere else', { status: 302, body: '' }, 200, 1],
		['runs on', IS_RUNNING, 503, 9],
		['cannot read its tasks', { status: 503, body: {} }, 503, 9],
		['is behind a proxy without n8n', { status: 502, body: '<html>' }, 503, 9],
	])('when that %s', async (_, reply, status, tries) => {
		const result = await call({ callback, n8n: [reply], settings: { onCallback: 'resume' } });
		expect(result).toMatchObject({ status, resumed: { length: tries } });
		expect(result.took).toBeLessThan(LIMIT_MS);
	});

	it.each([
		['fails', reject],
		['hangs', never],
	])('comes again when n8n %s, and has started all the same, once', async (_, reply) => {
		const node = { staticData: {}, nodeKey: `node ${Math.random()}` };
		const first = await call({ ...node, callback, n8n: [reply] });
		expect(first).toMatchObject({ status: 503, started: 'completed' });
		expect(first.took).toBeLessThan(LIMIT_MS);
		const second = await call({ ...node, callback });
		expect(second).toMatchObject({ status: 200, started: undefined, resumed: { length: 1 } });
	});

	it('is answered in time when everything is as slow as it can be', async () => {
		const clock = new FakeClock();
		const slowly = async () => {
			await clock.sleep(5900);
			return { apiKey: 'api-key' };
		};
		const result = await call({ callback, secrets: slowly, n8n: [never] }, clock);
		expect(result).toMatchObject({ status: 503, started: 'completed', resumed: { length: 2 } });
		expect(result.took).toBeLessThan(LIMIT_MS);
	});
});
