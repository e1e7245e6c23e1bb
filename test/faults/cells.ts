/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- drives n8n's engine, it is not a node */
import { createServer, type Server } from 'node:http';

import type { INode, IRunExecutionData } from 'n8n-workflow';

import {
	type Call,
	type Emulator,
	type EmulatorOptions,
	type Reaction,
	startEmulator,
} from '../emulator';
import { type Dialect, DIALECTS } from '../engine/dialects';
import type { Engine, Result, Scenario } from '../engine/harness';
import { type Fault, FILE_OPTIONS, type Wire } from './faults';
import { type VirtualTime, virtualTime } from './virtualTime';

/** How the node is set up when the fault strikes. */
export interface Mode {
	readonly onError: NonNullable<INode['onError']>;
	readonly retryOnFail: boolean;
	readonly waitMode: 'poll' | 'auto' | 'callback';
}

export const ON_ERROR = ['stopWorkflow', 'continueRegularOutput', 'continueErrorOutput'] as const;

/** All of them. */
export const MODES: readonly Mode[] = ON_ERROR.flatMap((onError) =>
	[false, true].flatMap((retryOnFail) =>
		(['poll', 'auto', 'callback'] as const).map((waitMode) => ({ onError, retryOnFail, waitMode })),
	),
);

/** One run of several items of which one meets a fault. */
export interface Cell {
	readonly fault: Fault;
	readonly dialect: Dialect;
	readonly mode: Mode;
}

/** What happened in a cell: the node's side, and the emulator's. */
export interface Run {
	/** The end of the execution; undefined when it had none within any patience. */
	readonly result?: Result;
	/** Virtual ms. */
	readonly ms: number;
	/** How often n8n ran the parked execution again. */
	readonly wakes: number;
	/** The same execution after n8n's Retry, the fault being over; only where it was asked for. */
	readonly retried?: Result;
}

/** So many items; the second is the victim. */
export const ITEMS = 4;
export const VICTIM = 1;

/** The user's own limit on waiting, in ms. */
export const TIME_LIMIT_MS = 5 * 60_000;

const TASK_TAKES_MS = 40_000;
const TRIES = 3;
const RETRY = { retryOnFail: true, maxTries: TRIES, waitBetweenTries: 1000 };

/** No cell is waited for longer, in virtual ms. */
const PATIENCE_MS = 3 * 3_600_000;
/** A parked execution that was run again so often does not end. */
const MOST_WAKES = 60;

export const promptOf = (index: number): string => `product ${index}`;

/** The item that this was bought for: flags may stand behind its prompt. */
export const itemOf = (prompt: unknown): number =>
	Number(/product (\d+)/.exec(String(prompt))?.[1] ?? NaN);

/** A picture like any other, so that no cell spends its time on drawing. */
const PICTURE = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
	'base64',
);

/** The engine, an emulator and what of n8n hears the calls for parked executions; all in one process and one time. */
export class Bench {
	private constructor(
		private readonly engine: Engine,
		readonly emulator: Emulator,
		readonly time: VirtualTime,
		private readonly door: Door,
	) {}

	static async open(engine: Engine, options: EmulatorOptions = {}): Promise<Bench> {
		const bench: { emulator?: Emulator } = {};
		const time = virtualTime(() => bench.emulator?.held ?? 0);
		bench.emulator = await startEmulator({ latencyMs: TASK_TAKES_MS, ...options });
		bench.emulator.intercept(pictures);
		return new Bench(engine, bench.emulator, time, await Door.open());
	}

	async close(): Promise<void> {
		this.time.end();
		await this.emulator.close();
		await this.door.close();
	}

	/** Runs a scenario to its end, however often it is parked. */
	async toEnd(scenario: Scenario): Promise<Run> {
		const start = Date.now();
		let wakes = 0;
		let next = scenario;
		for (;;) {
			const left = PATIENCE_MS - (Date.now() - start);
			this.door.shut();
			const { value: result } = await this.time.during(this.run(next), left);
			const ms = Date.now() - start;
			if (!result) return { ms, wakes };
			if (result.status !== 'waiting') return { result, ms, wakes };
			if (++wakes > MOST_WAKES || ms > PATIENCE_MS) return { ms, wakes };
			await this.time.during(this.door.called(dueOf(result)), left);
			next = { ...scenario, retryOf: throughJson(result.data) };
		}
	}

	/** n8n's Retry of an execution that has failed: the run of the failed node is taken off, its stack executed again. */
	async retry(scenario: Scenario, failed: Result): Promise<Run> {
		const saved = throughJson(failed.data);
		delete saved.resultData.error;
		delete saved.resultData.runData.Midjourney;
		return await this.toEnd({ ...scenario, executionId: '2', retryOf: saved });
	}

	private async run(scenario: Scenario): Promise<Result> {
		return await this.engine.run({
			...scenario,
			n8nUrl: this.door.url,
			credentials: { baseUrl: this.emulator.url, ...scenario.credentials },
		});
	}
}

/** Runs a cell, with n8n's Retry behind it where the cell is important. */
export async function runCell(engine: Engine, { fault, dialect, mode }: Cell): Promise<CellRun> {
	const bench = await Bench.open(engine);
	try {
		const { emulator } = bench;
		const lift = emulator.intercept(faultAt(fault, dialect, emulator));
		const scenario = scenarioOf(fault, dialect, mode);
		const run = await bench.toEnd(scenario);
		const before = { submits: [...emulator.ledger.submits] };
		lift();
		const isRetried =
			fault.important === true && run.result?.status === 'error' && fault.route !== 'balance';
		const retried = isRetried && run.result ? await bench.retry(scenario, run.result) : undefined;
		return { ...run, ...before, retried: retried?.result, allSubmits: emulator.ledger.submits };
	} finally {
		await bench.close();
	}
}

export type CellRun = Run & {
	/** What was bought, before and with n8n's Retry. */
	readonly submits: Emulator['ledger']['submits'];
	readonly allSubmits: Emulator['ledger']['submits'];
};

function scenarioOf(fault: Fault, dialect: Dialect, mode: Mode): Scenario {
	const { onError, retryOnFail, waitMode } = mode;
	const balance = fault.route === 'balance';
	const parameters = balance
		? { resource: 'account', operation: 'getCredits' }
		: {
				resource: 'image',
				operation: 'generate',
				prompt: '={{ $json.prompt }}',
				waitMode,
				options: {
					firstCheck: 10,
					timeLimit: TIME_LIMIT_MS / 60_000,
					...(fault.route === 'file' && FILE_OPTIONS),
				},
			};
	return {
		parameters: { authentication: dialect.name, ...parameters },
		items: Array.from({ length: balance ? 1 : ITEMS }, (_, index) => ({ prompt: promptOf(index) })),
		settings: { onError, ...(retryOnFail && RETRY) },
	};
}

/** The fault of a row for the victim's calls. */
function faultAt(fault: Fault, dialect: Dialect, emulator: Emulator) {
	const isVictims = (call: Call): boolean => {
		const task = emulator.ledger.submits.find(
			(submit) => itemOf(dialect.promptOf(submit)) === VICTIM,
		);
		switch (fault.route) {
			case 'submit':
				return dialect.isSubmit(call) && JSON.stringify(call.body).includes(promptOf(VICTIM));
			case 'read':
				return (
					dialect.isRead(call) &&
					task !== undefined &&
					(call.query.taskId === task.taskId || call.path.endsWith(`/${task.taskId}`))
				);
			case 'file':
				// One of its four.
				return task !== undefined && call.path.startsWith(`/files/${task.taskId}_1.`);
			case 'balance':
				return call.path.endsWith('/credit');
		}
	};
	let met = 0;
	return async (call: Call): Promise<Reaction | undefined> => {
		if (!isVictims(call) || met >= (fault.times ?? Infinity)) return undefined;
		met++;
		return await react(fault.wire, fault.when, call);
	};
}

/** What a fault makes of one call. */
export async function react(wire: Wire, when: Fault['when'], call: Call): Promise<Reaction> {
	if ('reaction' in wire) {
		if (when === 'after') await call.handle();
		return wire.reaction;
	}
	const answer = (await pictures(call)) ?? (await call.handle());
	return 'manner' in wire ? { ...answer, manner: wire.manner } : wire.change(answer);
}

async function pictures({ path }: Call): Promise<Exclude<Reaction, string> | undefined> {
	return path.startsWith('/files/')
		? { status: 200, headers: { 'content-type': 'image/png' }, body: PICTURE }
		: undefined;
}

const throughJson = (data: IRunExecutionData): IRunExecutionData =>
	JSON.parse(JSON.stringify(data)) as IRunExecutionData;

const dueOf = ({ data }: Result): number => new Date(String(data.waitTill)).getTime();

/**
 * Where n8n takes calls for parked executions. What the node would do with a call is another suite's (test/e2e); here any
 * call makes it look again, as n8n does when the node says so.
 */
class Door {
	private call?: () => void;

	private hasCalled = false;

	private constructor(
		private readonly server: Server,
		readonly url: string,
	) {
		server.on('request', (request, response) => {
			request.resume();
			response.end('{}');
			this.hasCalled = true;
			this.call?.();
		});
	}

	static async open(): Promise<Door> {
		const server = createServer();
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const address = server.address();
		if (address === null || typeof address === 'string') throw new Error('No port');
		return new Door(server, `http://127.0.0.1:${address.port}`);
	}

	/** Forgets the calls so far. */
	shut(): void {
		this.hasCalled = false;
	}

	/** Resolves at the next call, or when it is this time (unix ms). */
	async called(due: number): Promise<void> {
		if (this.hasCalled) return;
		await new Promise<void>((resolve) => {
			this.call = resolve;
			setTimeout(resolve, Math.min(Math.max(0, due - Date.now()), 2 ** 31 - 1));
		});
	}

	async close(): Promise<void> {
		this.server.closeAllConnections();
		await new Promise((resolve) => this.server.close(resolve));
	}
}

export const dialectsFor = (fault: Fault): readonly Dialect[] =>
	DIALECTS.filter(({ name }) => fault.provider === undefined || fault.provider === name);
