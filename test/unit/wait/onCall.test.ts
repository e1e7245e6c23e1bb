import type { IDataObject, IWebhookFunctions } from 'n8n-workflow';

import type { Answer } from '../../../nodes/Midjourney/providers/http';
import type { Provider } from '../../../nodes/Midjourney/providers/Provider';
import type { Task } from '../../../nodes/Midjourney/providers/Task';
import { callbackUrl } from '../../../nodes/Midjourney/tasks/callbackUrl';
import { onCall } from '../../../nodes/Midjourney/tasks/wait/onCall';
import { wakesAgain } from '../../../nodes/Midjourney/tasks/wait/registry';
import {
	newState,
	parseState,
	serialize,
	type Stage,
	type WaitState,
} from '../../../nodes/Midjourney/tasks/wait/state';
import { failing, found, never, SETTINGS, WaitClock } from './fakes';

let count = 0;

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
			executionId: '7',
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
	read?(taskId: string): Answer<Task> | Promise<Answer<Task>>;
	credentials?(): Promise<IDataObject>;
}

/** Calls a parked execution; tells how it was answered and with what it goes on. */
async function call(state: WaitState | string, { query = {}, body = {}, ...more }: Call = {}) {
	const { read = () => found('completed'), credentials } = more;
	const clock = new WaitClock();
	const reads: string[] = [];
	let status: number | undefined;
	let answeredAt = NaN;
	const entry = () => ({
		node: { name: 'Midjourney' },
		data: {
			main: [[]],
			parked: [[{ json: { parked: typeof state === 'string' ? state : serialize(state) } }]],
		},
	});
	const executeData = entry();
	const context = {
		executeData,
		runExecutionData: { executionData: { nodeExecutionStack: [entry()] } },
		getBodyData: () => body,
		getQueryData: () => query,
		getHeaderData: () => ({}),
		getNode: () => ({ name: 'Midjourney', parameters: {} }),
		getCredentials:
			credentials ?? (async () => ({ apiKey: 'key', baseUrl: 'https://api.example.com' })),
		getResponseObject: () => ({
			status: (code: number) => {
				status = code;
				answeredAt = clock.time;
				return { json: () => {} };
			},
		}),
		helpers: {},
		logger: { debug() {}, info() {}, warn() {}, error() {} },
	} as unknown as IWebhookFunctions;
	const provider: Provider = {
		name: 'scripted',
		displayName: 'Scripted',
		credentialType: 'scriptedApi',
		submit: never,
		async read(_http, taskId) {
			reads.push(taskId);
			return await read(taskId);
		},
	};
	const answering = onCall(context, provider, clock);
	let isDone = false;
	void answering.finally(() => (isDone = true));
	await clock.pass(20_000);
	const result = isDone ? await answering : undefined;
	const saved = parseState(executeData.data.parked[0]?.[0]?.json.parked);
	return {
		status,
		answeredAt,
		reads,
		wakes: result?.workflowData !== undefined,
		stages: saved?.tasks.map(({ stage }) => stage),
	};
}

/** The query of the address that the provider was given for a task. */
const queryOf = ({ nonce }: Pick<WaitState, 'nonce'>, position: number): IDataObject =>
	Object.fromEntries(
		new URL(callbackUrl({ resumeUrl: 'https://n8n.example.com/7', nonce, position })).searchParams,
	);
const wakeOf = (state: WaitState) => ({ body: { midjourneyWake: state.wake } });

describe('A wake', () => {
	it('lets the execution go on', async () => {
		const state = parkedAt('ended');
		expect(await call(state, wakeOf(state))).toMatchObject({ status: 200, wakes: true, reads: [] });
	});

	it('lets what was intended be sent', async () => {
		const state = { ...parkedAt('toBuy', 'toBuy'), intent: [0] };
		const { stages } = await call(state, wakeOf(state));
		expect(stages?.map(({ at }) => at)).toEqual(['sending', 'toBuy']);
	});

	it('lets the execution go on once', async () => {
		const state = parkedAt('ended');
		await call(state, wakeOf(state));
		expect(await call(state, wakeOf(state))).toMatchObject({ status: 200, wakes: false });
	});

	it.each<[string, (state: WaitState) => unknown]>([
		['another secret', () => 'other'],
		['no secret', () => ''],
		['the nonce', ({ nonce }) => nonce],
		['nonsense', () => ({})],
	])('with %s lets nothing go on', async (_, secretOf) => {
		const state = parkedAt('ended');
		const body = { midjourneyWake: secretOf(state) } as IDataObject;
		expect(await call(state, { body })).toMatchObject({ status: 404, wakes: false });
	});

	it.each(['', 'garbage', '{"version":0}'])(
		'of what is not parked by us (%p): 404',
		async (saved) => {
			const { status, wakes } = await call(saved, { body: { midjourneyWake: 'secret' } });
			expect({ status, wakes }).toEqual({ status: 404, wakes: false });
		},
	);
});

describe('A call for a submit whose answer was lost', () => {
	const told = (state: WaitState, position = 0, taskId = 'new'): Call => ({
		query: queryOf(state, position),
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

	it('brings its task', async () => {
		const state = parkedAt('unknown');
		const { status, wakes, stages } = await call(state, told(state));
		expect({ status, wakes }).toEqual({ status: 200, wakes: true });
		expect(stages?.[0]).toMatchObject({ at: 'bought', taskId: 'new' });
	});

	it.each<[string, Partial<Call>, number]>([
		['the provider does not know the task', { read: () => failing('notFound') }, 404],
		['the task cannot be read now', { read: () => failing('serverError') }, 503],
		[
			'the task is of another prompt',
			{ read: (id) => ({ ok: true, value: { ...task(id), prompt: 'hat' } }) },
			404,
		],
		['the call names no task', { body: {} }, 404],
	])('brings nothing when %s', async (_, more, expected) => {
		const state = parkedAt('unknown');
		const { status, wakes } = await call(state, { ...told(state), ...more });
		expect({ status, wakes }).toEqual({ status: expected, wakes: false });
	});

	it('is asked to come again when the execution is just being woken: its task would be lost', async () => {
		const state = parkedAt('unknown', 'unknown');
		await call(state, told(state, 0, 'one'));
		const { status } = await call(state, told(state, 1, 'two'));
		expect(status).toBe(503);
	});

	it('is asked to come again when its time is just up', async () => {
		const state = parkedAt('unknown');
		wakesAgain(state.wake ?? '', 0);
		const { status } = await call(state, told(state));
		expect(status).toBe(503);
	});
});

describe('Any call', () => {
	it.each<[string, (state: WaitState) => IDataObject]>([
		['another nonce', () => queryOf({ nonce: 'other' }, 0)],
		['no nonce', () => ({})],
		['no such task', (state) => queryOf(state, 7)],
	])('with %s is answered 404 and read nothing for', async (_, query) => {
		const state = parkedAt('unknown');
		const { status, reads, wakes } = await call(state, {
			query: query(state),
			body: { taskId: 'x' },
		});
		expect({ status, reads, wakes }).toEqual({ status: 404, reads: [], wakes: false });
	});

	it('is asked to come again when something breaks', async () => {
		const state = parkedAt('unknown');
		const { status, wakes } = await call(state, {
			query: queryOf(state, 0),
			body: { taskId: 'x' },
			credentials: async () => await Promise.reject(new Error('no')),
		});
		expect({ status, wakes }).toEqual({ status: 503, wakes: false });
	});

	it('is answered well within fifteen seconds, though the provider hangs', async () => {
		const state = parkedAt('unknown');
		const { status, answeredAt } = await call(state, {
			query: queryOf(state, 0),
			body: { taskId: 'x' },
			read: never,
		});
		expect(status).toBe(202);
		expect(answeredAt).toBeLessThanOrEqual(10_000);
	});
});

describe('A call in a process that lives by calls', () => {
	const bought = (taskId: string): Stage => ({
		...{ at: 'bought', taskId, since: 0, deadline: 600_000, fresh: true, called: true },
	});
	const withStages = (state: WaitState, ...stages: Stage[]): WaitState => ({
		...state,
		tasks: state.tasks.map((task, position) => ({
			...task,
			stage: stages[position] ?? task.stage,
		})),
	});
	const callFor = (state: WaitState, position: number) => ({ query: queryOf(state, position) });

	it('reads a task that was bought after an earlier call, and wakes when that has ended, too', async () => {
		const state = parkedAt('toBuy', 'toBuy');
		const first = await call(withStages(state, bought('a')), callFor(state, 0));
		expect(first).toMatchObject({ status: 200, wakes: false });
		const later = withStages(state, bought('a'), bought('b'));
		const second = await call(later, callFor(state, 1));
		// The way to the provider is that of the first call.
		expect([...first.reads, ...second.reads]).toEqual(['a', 'b']);
		expect(second).toMatchObject({ status: 200, wakes: true });
	});
});
