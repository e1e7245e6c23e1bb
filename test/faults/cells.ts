/* eslint-disable @n8n/community-nodes/no-restricted-globals -- drives n8n's engine, it is not a node */
import type { INode, IRunExecutionData } from 'n8n-workflow';

import {
	type Call,
	type Emulator,
	type EmulatorOptions,
	type Reaction,
	startEmulator,
} from '../emulator';
import { type Dialect, DIALECTS } from '../engine/dialects';
import { EXECUTION, OTHER_EXECUTION } from '../engine/executions';
import type { Engine, Result, Scenario } from '../engine/harness';
import { Instance } from '../engine/instance';
import { type VirtualTime, virtualTime } from '../engine/virtualTime';
import { type Fault, FILE_OPTIONS, type Wire } from './faults';

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

/** What happened in a cell. */
export interface Run {
	/** The result of the execution; undefined if it did not end within `PATIENCE_MS`. */
	readonly result?: Result;
	/** Virtual ms. */
	readonly ms: number;
	/** The number of times n8n ran the parked execution again. */
	readonly wakes: number;
	/** The same execution after n8n's Retry without the fault; only for important faults. */
	readonly retried?: Result;
}

/** The number of items; the second is the victim. */
export const ITEMS = 4;
export const VICTIM = 1;

/** The user's own limit on waiting, in ms. */
export const TIME_LIMIT_MS = 5 * 60_000;

const TASK_TAKES_MS = 40_000;
const TRIES = 3;
const RETRY = { retryOnFail: true, maxTries: TRIES, waitBetweenTries: 1000 };

/** The longest time that a cell is waited for, in virtual ms. */
const PATIENCE_MS = 3 * 3_600_000;
/** An execution that has run more often never ends. */
const MOST_RUNS = 100;

export const promptOf = (index: number): string => `product ${index}`;

/** The item that a prompt was bought for; flags may follow the prompt. */
export const itemOf = (prompt: unknown): number =>
	Number(/product (\d+)/.exec(String(prompt))?.[1] ?? NaN);

/** The same picture for all outputs, so that no cell spends time on drawing. */
const PICTURE = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
	'base64',
);

/** Each bench has its own account, because the process remembers things by account. */
let accounts = 0;

/** An n8n around the engine and an emulator; all in one process and one time. */
export class Bench {
	private constructor(
		readonly emulator: Emulator,
		readonly time: VirtualTime,
		private readonly n8n: Instance,
		private readonly apiKey: string,
	) {}

	static async open(engine: Engine, options: EmulatorOptions = {}): Promise<Bench> {
		const bench: { emulator?: Emulator } = {};
		const time = virtualTime(() => bench.emulator?.held ?? 0);
		const apiKey = `key-${++accounts}`;
		bench.emulator = await startEmulator({ latencyMs: TASK_TAKES_MS, apiKey, ...options });
		bench.emulator.intercept(pictures);
		return new Bench(bench.emulator, time, await Instance.start(engine), apiKey);
	}

	/** Closes everything within virtual time, so that timers for a later try end with it. */
	async close(): Promise<void> {
		await this.emulator.close();
		await this.n8n.close();
		this.time.end();
	}

	/** Runs a scenario to its end, however often it parks and whoever wakes it. */
	async toEnd(scenario: Scenario): Promise<Run> {
		const { executionId } = scenario;
		const { emulator, apiKey } = this;
		const start = Date.now();
		const run = this.complete({
			...scenario,
			credentials: { baseUrl: emulator.url, apiKey, ...scenario.credentials },
		});
		const { value } = await this.time.during(run, PATIENCE_MS);
		const result = value?.status === 'waiting' ? undefined : value;
		return { result, ms: Date.now() - start, wakes: this.n8n.runsOf(executionId) - 1 };
	}

	/** n8n's Retry of a failed execution: the run of the failed node is removed, and its stack is executed again. */
	async retry(scenario: Scenario, failed: Result): Promise<Run> {
		const saved = throughJson(failed.data);
		delete saved.waitTill;
		delete saved.resultData.error;
		delete saved.resultData.runData.Midjourney;
		for (const { node } of saved.executionData?.nodeExecutionStack ?? []) delete node.disabled;
		return await this.toEnd({ ...scenario, executionId: OTHER_EXECUTION, retryOf: saved });
	}

	/** Runs it together with n8n's timer, which runs a parked execution again when its time is up. */
	private async complete(scenario: Scenario): Promise<Result> {
		const { n8n } = this;
		const { executionId = EXECUTION } = scenario;
		let result = await n8n.begin(scenario);
		while (result.status === 'waiting' && n8n.runsOf(executionId) <= MOST_RUNS) {
			const parked = result;
			const runs = n8n.runsOf(executionId);
			const timer = setTimeout(
				() => {
					if (n8n.runsOf(executionId) === runs) void n8n.timeUp(executionId);
				},
				Math.min(Math.max(0, dueOf(parked) - Date.now()), 2 ** 31 - 1),
			);
			result = await n8n.until(executionId, (next) => next !== parked);
			clearTimeout(timer);
		}
		return result;
	}
}

/** Runs a cell, followed by n8n's Retry if its fault is important. */
export async function runCell(engine: Engine, { fault, dialect, mode }: Cell): Promise<CellRun> {
	const bench = await Bench.open(engine);
	try {
		const { emulator } = bench;
		const lift = emulator.intercept(faultAt(fault, dialect, emulator));
		const scenario = scenarioOf(fault, dialect, mode);
		const run = await bench.toEnd(scenario);
		const before = { submits: [...emulator.ledger.submits] };
		const wantsParking = mode.waitMode !== 'poll' && fault.route !== 'balance';
		if (wantsParking !== run.wakes > 0) throw new Error(`It was parked ${run.wakes} times`);
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
	/** The submits before and after n8n's Retry. */
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
				download: fault.route === 'file',
				waitOptions: { firstCheck: 10, timeLimit: TIME_LIMIT_MS / 60_000 },
				options: { outputItems: 'task', ...(fault.route === 'file' && FILE_OPTIONS) },
			};
	return {
		parameters: { authentication: dialect.name, ...parameters },
		items: Array.from({ length: balance ? 1 : ITEMS }, (_, index) => ({ prompt: promptOf(index) })),
		settings: { onError, ...(retryOnFail && RETRY) },
	};
}

/** Applies the fault of a row to the victim's calls. */
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
				// One of its four files.
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

/** The reaction of a fault to one call. */
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

export const dialectsFor = (fault: Fault): readonly Dialect[] =>
	DIALECTS.filter(({ name }) => fault.provider === undefined || fault.provider === name);
