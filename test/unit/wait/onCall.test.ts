import type { IDataObject, IWebhookFunctions } from 'n8n-workflow';

import { callbackKey, sign } from '../../../nodes/Midjourney/providers/callback';
import type { Result } from '../../../nodes/Midjourney/providers/http';
import type { Provider } from '../../../nodes/Midjourney/providers/provider';
import type { Task } from '../../../nodes/Midjourney/providers/task';
import {
	executionAudience,
	signedAddress,
	triggerAudience,
	type CallbackClaims,
} from '../../../nodes/Midjourney/tasks/callbacks/address';
import { openAnew } from '../../../nodes/Midjourney/tasks/n8n/openCredentials';
import { onCall } from '../../../nodes/Midjourney/tasks/wait/onCall';
import { wakesAgain } from '../../../nodes/Midjourney/tasks/wait/registry';
import {
	newState,
	parseState,
	serialize,
	type Stage,
	type WaitState,
} from '../../../nodes/Midjourney/tasks/wait/state';
import { altered, underOtherTag, withoutToken } from '../../callbackAddress';
import { EXECUTION, failing, found, never, SETTINGS, WaitClock } from './fakes';

let count = 0;

const CREDENTIAL = { apiKey: 'key', baseUrl: 'https://api.example.com' };
const INSTANCE = 'this n8n';
const KEY = callbackKey(CREDENTIAL.apiKey, INSTANCE);

const STAGES = {
	toBuy: {
		at: 'toBuy',
		request: { kind: 'generateImage', mode: 'textToImage', prompt: 'cup' },
		attempts: 0,
	},
	unknown: { at: 'unknown', since: 0, until: 120_000 },
	ended: { at: 'ended', problem: { message: 'No' } },
} satisfies Record<string, Stage>;

/** A parked execution with tasks at these stages. */
function parkedAt(...stages: Array<keyof typeof STAGES>): WaitState {
	const tasks = stages.map((at, itemIndex) => ({
		itemIndex,
		key: `key ${itemIndex}`,
		settings: SETTINGS,
		asked: { prompt: 'cup' },
		reads: 0,
		stage: STAGES[at],
	}));
	return {
		...newState({
			executionId: EXECUTION,
			operation: 'image:generate',
			progressAt: 0,
			nonce: `n${++count}`,
			tasks,
		}),
		wake: `secret ${count}`,
		until: 600_000,
	};
}

interface Call {
	query?: IDataObject;
	body?: IDataObject;
	headers?: IDataObject;
	read?(taskId: string): Result<Task> | Promise<Result<Task>>;
	credentials?(): Promise<IDataObject>;
	/** Whether an execution with the same credential has run in this process before; true by default. */
	isOpen?: boolean;
	/** The data of the credential then, if it differed; the call comes two minutes later. */
	before?: IDataObject;
	/** What n8n has saved for the execution after the task was read; by default the same as before. */
	savedThen?(): Promise<unknown>;
}

/** The stack entry of a node that waits with this state. */
const entryOf = (state: WaitState | string) => ({
	node: { name: 'Midjourney' },
	data: {
		main: [[]],
		parked: [[{ json: { parked: typeof state === 'string' ? state : serialize(state) } }]],
	},
});
const parkedRun = (state: WaitState | string) => ({
	executionData: { nodeExecutionStack: [entryOf(state)] },
});

/** Calls a parked execution; gives the answer, and the stages it goes on with. */
async function call(state: WaitState | string, { query = {}, body = {}, ...more }: Call = {}) {
	const { read = () => found('completed'), headers = {}, isOpen = true } = more;
	const { credentials = async () => CREDENTIAL, before } = more;
	let isBefore = before !== undefined;
	const clock = new WaitClock();
	const reads: string[] = [];
	const credentialId = `credential ${++count}`;
	let opened = 0;
	let status: number | undefined;
	let said: unknown;
	let answeredAt = NaN;
	const entry = () => entryOf(state);
	const executeData = entry();
	const { savedThen = async () => parkedRun(state) } = more;
	const response = {
		headersSent: false,
		status: (code: number) => {
			status = code;
			answeredAt = clock.time;
			return {
				json: (sent: unknown) => {
					said = sent;
					response.headersSent = true;
				},
			};
		},
	};
	const context = {
		executeData,
		additionalData: { getRunExecutionData: savedThen },
		runExecutionData: parkedRun(state),
		getBodyData: () => body,
		getQueryData: () => query,
		getHeaderData: () => headers,
		getNode: () => ({
			...{ name: 'Midjourney', parameters: {} },
			credentials: { scriptedApi: { id: credentialId, name: 'Scripted' } },
		}),
		getInstanceId: () => INSTANCE,
		async getCredentials() {
			opened++;
			return isBefore && before ? before : await credentials();
		},
		getResponseObject: () => response,
		helpers: {},
		logger: { debug() {}, info() {}, warn() {}, error() {} },
	} as unknown as IWebhookFunctions;
	const provider: Provider = {
		name: 'midApi',
		displayName: 'Scripted',
		credentialType: 'scriptedApi',
		offers: () => true,
		preview: () => undefined,
		submit: never,
		async read(_http, taskId) {
			reads.push(taskId);
			return await read(taskId);
		},
	};
	if (isOpen) await openAnew(context, 'scriptedApi', clock.time).catch(() => {});
	if (isBefore) clock.time += 120_000;
	isBefore = false;
	opened = 0;
	const answering = onCall(context, provider, clock);
	let isDone = false;
	void answering.finally(() => (isDone = true));
	await clock.pass(20_000);
	const result = isDone ? await answering : undefined;
	const saved = parseState(executeData.data.parked[0]?.[0]?.json.parked);
	return {
		status,
		said,
		answeredAt,
		reads,
		opened,
		wakes: result?.workflowData !== undefined,
		stages: saved?.tasks.map(({ stage }) => stage),
	};
}

/** The callback address of a task, or one with other claims. */
function addressOf(
	{ nonce }: Pick<WaitState, 'nonce'>,
	position: number,
	{
		audience = executionAudience(EXECUTION),
		key = KEY,
		...more
	}: Partial<CallbackClaims> & Signing = {},
): string {
	const claims = { submit: 's', expiresAt: 600_000, wait: { nonce, position }, ...more };
	const url = `https://n8n.example.com/webhook-waiting/${EXECUTION}/n8n-nodes-midjourney?signature=abc`;
	return signedAddress(url, claims, audience, key);
}

interface Signing {
	audience?: string;
	key?: string;
}

const queryOf = (address: string | URL): IDataObject =>
	Object.fromEntries(new URL(address).searchParams);
const callFor = (state: Pick<WaitState, 'nonce'>, position: number): Call => ({
	query: queryOf(addressOf(state, position)),
});
const wakeOf = (state: WaitState) => ({ body: { midjourneyWake: state.wake } });

describe('A wake', () => {
	it('lets the execution go on', async () => {
		const state = parkedAt('ended');
		expect(await call(state, wakeOf(state))).toMatchObject({ status: 200, wakes: true, reads: [] });
	});

	it('turns what was intended into what is being sent', async () => {
		const state = { ...parkedAt('toBuy', 'toBuy'), intent: [0] };
		const { stages } = await call(state, wakeOf(state));
		expect(stages?.map(({ at }) => at)).toEqual(['sending', 'toBuy']);
	});

	it('lets the execution go on once', async () => {
		const state = parkedAt('ended');
		await call(state, wakeOf(state));
		expect(await call(state, wakeOf(state))).toMatchObject({ status: 200, wakes: false });
	});

	it.each<[string, number, (state: WaitState) => unknown]>([
		['another secret', 404, () => 'other'],
		['the nonce', 404, ({ nonce }) => nonce],
		['no secret', 401, () => ''],
		['nonsense', 401, () => ({})],
	])('with %s lets nothing go on', async (_, status, secretOf) => {
		const state = parkedAt('ended');
		const body = { midjourneyWake: secretOf(state) } as IDataObject;
		expect(await call(state, { body })).toMatchObject({ status, wakes: false });
	});

	it.each(['', 'garbage', '{"version":0}'])(
		'of an execution that this node has not parked (%p) is answered 404',
		async (saved) => {
			const { status, wakes } = await call(saved, { body: { midjourneyWake: 'secret' } });
			expect({ status, wakes }).toEqual({ status: 404, wakes: false });
		},
	);
});

describe('A call for a submit whose answer was lost', () => {
	const told = (state: WaitState, position = 0, taskId = 'new'): Call => ({
		...callFor(state, position),
		body: { taskId },
		read: (id) => ({ ok: true, value: { ...task(id), prompt: 'cup' } }),
	});
	const task = (taskId: string): Task => ({
		provider: 'scripted',
		taskId,
		status: 'completed',
		outputs: [],
		raw: {},
	});

	it('gives the submit its task', async () => {
		const state = parkedAt('unknown');
		const { status, wakes, stages } = await call(state, told(state));
		expect({ status, wakes }).toEqual({ status: 200, wakes: true });
		expect(stages?.[0]).toMatchObject({ at: 'bought', taskId: 'new' });
	});

	it.each<[string, Partial<Call>, number]>([
		['the provider does not know the task', { read: () => failing('notFound') }, 200],
		['the task cannot be read now', { read: () => failing('serverError') }, 503],
		[
			'the task is of another prompt',
			{ read: (id) => ({ ok: true, value: { ...task(id), prompt: 'hat' } }) },
			200,
		],
		['the call names no task', { body: {} }, 200],
	])('changes nothing when %s', async (_, more, expected) => {
		const state = parkedAt('unknown');
		const { status, wakes } = await call(state, { ...told(state), ...more });
		expect({ status, wakes }).toEqual({ status: expected, wakes: false });
	});

	it('is asked to come again while the execution is being woken, because its task would be lost', async () => {
		const state = parkedAt('unknown', 'unknown');
		await call(state, told(state, 0, 'one'));
		const { status } = await call(state, told(state, 1, 'two'));
		expect(status).toBe(503);
	});

	it('is asked to come again when the wait for it has just ended', async () => {
		const state = parkedAt('unknown');
		wakesAgain(state.wake ?? '', 0);
		const { status } = await call(state, told(state));
		expect(status).toBe(503);
	});
});

/** A wait for tasks that have ended at the provider: a call that is accepted reads its task and wakes the execution. */
const waitingFor = (...taskIds: string[]): WaitState => {
	const state = parkedAt(...taskIds.map(() => 'toBuy' as const));
	return {
		...state,
		tasks: state.tasks.map((task, position) => ({
			...task,
			stage: bought(taskIds[position] ?? ''),
		})),
	};
};
const bought = (taskId: string): Stage => ({
	...{ at: 'bought', taskId, since: 0, deadline: 600_000, fresh: true, called: true },
});
const REFUSED = { ok: false, message: 'The call is not authenticated' };

describe('A call that proves itself', () => {
	it('is answered 200, and its task is read whatever its body says', async () => {
		const state = waitingFor('t1');
		const given = { ...callFor(state, 0), body: { taskId: 'x', status: 'failed' } };
		expect(await call(state, given)).toMatchObject({
			...{ status: 200, said: { ok: true }, reads: ['t1'], wakes: true },
		});
	});

	it('uses a credential that is open', async () => {
		const state = waitingFor('t1');
		expect(await call(state, callFor(state, 0))).toMatchObject({ opened: 0, wakes: true });
	});

	it('has the credential opened if none is open', async () => {
		const state = waitingFor('t1');
		const { opened, wakes } = await call(state, { ...callFor(state, 0), isOpen: false });
		expect({ opened, wakes }).toEqual({ opened: 1, wakes: true });
	});

	it.each<[string, (state: WaitState) => string]>([
		['of another round of a loop', () => addressOf({ nonce: 'of another round' }, 0)],
		['of a task that is not there', (state) => addressOf(state, 7)],
		['of a position that is none', (state) => addressOf(state, -1)],
	])('%s is answered like any other, but causes no read', async (_, address) => {
		const state = waitingFor('t1');
		expect(await call(state, { query: queryOf(address(state)) })).toMatchObject({
			...{ status: 200, said: { ok: true }, reads: [], wakes: false },
		});
	});

	it('gets the same answer whether its task is open, lost, ended or to be bought', async () => {
		const open = waitingFor('open');
		const others = [
			parkedAt('unknown'),
			parkedAt('ended'),
			parkedAt('toBuy'),
			waitingFor('a', 'b'),
		];
		const answers = [await call(open, { ...callFor(open, 0), read: () => found('completed') })];
		for (const state of others) answers.push(await call(state, callFor(state, 0)));
		expect(answers.map(({ status, said }) => [status, said])).toEqual(
			Array(5).fill([200, { ok: true }]),
		);
	});
});

describe('A call whose task is read while somebody else wakes the execution', () => {
	const approval = { node: { name: 'Wait' }, data: { main: [[{ json: {} }]] } };
	it.each<[string, (state: WaitState) => unknown]>([
		[
			'that waits for an approval now',
			() => ({ executionData: { nodeExecutionStack: [approval] } }),
		],
		['that is parked anew', (state) => parkedRun({ ...state, wake: 'another' })],
		['that has ended', () => ({ executionData: { nodeExecutionStack: [] } })],
		['that was deleted', () => undefined],
	])('%s wakes nothing, and is asked to come again', async (_, then) => {
		const state = waitingFor('t1');
		const savedThen = async () => then(state);
		const { status, reads, wakes } = await call(state, { ...callFor(state, 0), savedThen });
		expect({ status, reads, wakes }).toEqual({ status: 503, reads: ['t1'], wakes: false });
	});

	it('is answered 200 if this process woke it: the execution goes on with what was read', async () => {
		const state = waitingFor('t1');
		const { status, reads, wakes } = await call(state, {
			...callFor(state, 0),
			read() {
				wakesAgain(state.wake ?? '', 0);
				return found('completed');
			},
			savedThen: async () => undefined,
		});
		expect({ status, reads, wakes }).toEqual({ status: 200, reads: ['t1'], wakes: false });
	});

	it('is asked to come again if the execution cannot be looked up, and counts then', async () => {
		const state = waitingFor('t1');
		const savedThen = async () => await Promise.reject(new Error('No database'));
		const first = await call(state, { ...callFor(state, 0), savedThen });
		const second = await call(state, callFor(state, 0));
		expect([first, second].map(({ status, wakes }) => ({ status, wakes }))).toEqual([
			{ status: 503, wakes: false },
			{ status: 200, wakes: true },
		]);
	});
});

describe('A call that does not prove itself', () => {
	const CASES: Array<[string, (state: WaitState) => string | URL]> = [
		['without a token', (state) => withoutToken(addressOf(state, 0))],
		['whose token says another task', (state) => altered(addressOf(state, 1), { i: 0 })],
		['whose token says another wait', (state) => altered(addressOf(state, 0), { w: 'other' })],
		['whose token says a later end', (state) => altered(addressOf(state, 0), { x: 9e9 })],
		['whose tag was altered', (state) => underOtherTag(addressOf(state, 0))],
		[
			'under the address of another execution',
			(state) => addressOf(state, 0, { audience: executionAudience('another') }),
		],
		[
			'under the address of a Trigger',
			(state) =>
				addressOf(state, 0, { audience: triggerAudience('https://a.example/w/1/webhook') }),
		],
		['under an address for no wait', (state) => addressOf(state, 0, { wait: undefined })],
		['under an address that has expired', (state) => addressOf(state, 0, { expiresAt: 0 })],
		[
			'of another account',
			(state) => addressOf(state, 0, { key: callbackKey('other key', INSTANCE) }),
		],
		[
			'of another n8n',
			(state) => addressOf(state, 0, { key: callbackKey(CREDENTIAL.apiKey, 'another n8n') }),
		],
		['made with the API key alone', (state) => addressOf(state, 0, { key: CREDENTIAL.apiKey })],
	];

	it.each(CASES)('%s is refused: nothing is opened, read or woken', async (_, address) => {
		const state = waitingFor('t1', 't2');
		const query = queryOf(address(state));
		expect(await call(state, { query, body: { taskId: 't1' } })).toMatchObject({
			...{ status: 401, said: REFUSED, opened: 0, reads: [], wakes: false },
		});
	});

	it('is refused without opening a credential if it has no token', async () => {
		const state = waitingFor('t1');
		const { status, opened } = await call(state, { query: { signature: 'abc' }, isOpen: false });
		expect({ status, opened }).toEqual({ status: 401, opened: 0 });
	});

	it('is refused if its token is a list', async () => {
		const state = waitingFor('t1');
		const { mjToken } = queryOf(addressOf(state, 0));
		const { status, reads } = await call(state, {
			query: { mjToken: [mjToken, mjToken] } as never,
		});
		expect({ status, reads }).toEqual({ status: 401, reads: [] });
	});
});

describe("A call where the credential knows the provider's secrets", () => {
	const credentials = async () => ({
		...CREDENTIAL,
		webhookSecret: 'present',
		previousWebhookSecret: 'previous',
	});
	const signedBy = (secret: string, { taskId = 't1', at = 0 } = {}): IDataObject => ({
		'x-webhook-timestamp': String(at),
		'x-webhook-signature': sign(`${taskId}.${at}`, secret),
	});
	const calling = async (
		headers: IDataObject,
		address: (state: WaitState, position: number) => string = addressOf,
	) => {
		const state = waitingFor('t1');
		const query = queryOf(address(state, 0));
		return await call(state, { query, headers, credentials, body: { taskId: 't1' } });
	};

	it.each(['present', 'previous'])('is accepted with a signature by the %s one', async (secret) => {
		expect(await calling(signedBy(secret))).toMatchObject({ status: 200, wakes: true });
	});

	it.each<[string, IDataObject]>([
		['under another one', signedBy('other')],
		['without a signature', {}],
		['with the signature of another task', signedBy('present', { taskId: 't2' })],
		['with an old signature', signedBy('present', { at: -301 })],
	])('is refused %s, although its token fits', async (_, headers) => {
		expect(await calling(headers)).toMatchObject({
			...{ status: 401, said: REFUSED, opened: 0, reads: [], wakes: false },
		});
	});

	it('is accepted with a secret added to the credential since it was opened', async () => {
		const state = waitingFor('t1');
		const given = {
			...{ ...callFor(state, 0), body: { taskId: 't1' } },
			...{ credentials, before: { ...CREDENTIAL, webhookSecret: 'previous' } },
		};
		const headers = signedBy('present', { at: 120 });
		expect(await call(state, { ...given, headers })).toMatchObject({
			...{ status: 200, opened: 1, wakes: true },
		});
	});

	it('is accepted with a secret added to the credential since this process knows the wait', async () => {
		const state = waitingFor('t1', 't2');
		const first = await call(state, {
			...{ ...callFor(state, 0), body: { taskId: 't1' }, headers: signedBy('previous') },
			credentials: async () => ({ ...CREDENTIAL, webhookSecret: 'previous' }),
		});
		expect(first).toMatchObject({ status: 200, wakes: false });
		const second = await call(state, {
			...{ ...callFor(state, 1), body: { taskId: 't2' }, credentials },
			headers: signedBy('present', { taskId: 't2' }),
		});
		expect(second).toMatchObject({ status: 200, wakes: true });
	});

	it('is refused without a token, although it is signed', async () => {
		const address = (state: WaitState) => withoutToken(addressOf(state, 0)).href;
		expect(await calling(signedBy('present'), address)).toMatchObject({ status: 401, reads: [] });
	});
});

describe('Any call', () => {
	it('is asked to come again when something unexpected fails', async () => {
		const state = parkedAt('unknown');
		const { status, wakes } = await call(state, {
			...callFor(state, 0),
			body: { taskId: 'x' },
			credentials: async () => await Promise.reject(new Error('no')),
		});
		expect({ status, wakes }).toEqual({ status: 503, wakes: false });
	});

	it('is answered well within fifteen seconds even if the provider hangs', async () => {
		const state = parkedAt('unknown');
		const { status, answeredAt } = await call(state, {
			...callFor(state, 0),
			body: { taskId: 'x' },
			read: never,
		});
		expect(status).toBe(202);
		expect(answeredAt).toBeLessThanOrEqual(10_000);
	});
});

describe('A call in a process that reads only when it is called', () => {
	const withStages = (state: WaitState, ...stages: Stage[]): WaitState => ({
		...state,
		tasks: state.tasks.map((task, position) => ({
			...task,
			stage: stages[position] ?? task.stage,
		})),
	});

	it('has a task read that was bought after an earlier call, and wakes the execution when that has ended, too', async () => {
		const state = parkedAt('toBuy', 'toBuy');
		const first = await call(withStages(state, bought('a')), callFor(state, 0));
		expect(first).toMatchObject({ status: 200, wakes: false });
		const later = withStages(state, bought('a'), bought('b'));
		const second = await call(later, callFor(state, 1));
		// Both tasks are read through the credential that the first call opened.
		expect([...first.reads, ...second.reads]).toEqual(['a', 'b']);
		expect(second).toMatchObject({ status: 200, wakes: true });
	});
});
