/* eslint-disable @n8n/community-nodes/no-restricted-globals -- waits for what another part of the same process does, it is not a node */
import type { IRunExecutionData } from 'n8n-workflow';

import { type Emulator, type EmulatorOptions, startEmulator } from '../emulator';
import type { Dialect } from './dialects';
import { Engine, type Result, type Scenario } from './harness';
import { Instance } from './instance';
import { type VirtualTime, virtualTime } from './virtualTime';

/** Wait Options that read first when the emulator is done, because no pause after that is shorter than a second. */
export const QUICK = { firstCheck: 0.2, longestPause: 1 };

/** Lets the rest of the process work until `condition` holds. Throws an Error with `what` after a million turns. */
export async function until(what: string, condition: () => boolean): Promise<void> {
	for (let turns = 0; !condition(); turns++) {
		if (turns > 1_000_000) throw new Error(`Waited in vain until ${what}`);
		await new Promise(setImmediate);
	}
}

/** What *Retry* in the list of executions starts from: the saved data without the run of the node. */
export function retryOf({ data }: Pick<Result, 'data'>): IRunExecutionData {
	const saved: IRunExecutionData = JSON.parse(JSON.stringify(data));
	delete saved.waitTill;
	delete saved.resultData.error;
	delete saved.resultData.runData.Midjourney;
	for (const { node } of saved.executionData?.nodeExecutionStack ?? []) delete node.disabled;
	return saved;
}

/** Shared by all tests of a file. */
let engine: Engine | undefined;

/**
 * Engine and emulator for the tests of one file or of one `describe`: a fresh emulator for each test, one engine for all.
 * Each test has virtual time, which passes by itself, so that nobody really sleeps.
 *
 * @param dialect that of the provider with which the node runs; MidAPI when unset
 */
export function useEngine(defaults: EmulatorOptions = {}, dialect?: Dialect) {
	let emulator: Emulator | undefined;
	let instance: Instance | undefined;
	let time: VirtualTime | undefined;

	beforeAll(async () => {
		engine ??= await Engine.start();
	});
	beforeEach(async () => {
		time = virtualTime(() => emulator?.held ?? 0);
		time.flow();
		emulator = await startEmulator({ latencyMs: 100, ...defaults });
	});
	afterEach(async () => {
		await emulator?.close();
		await instance?.close();
		const pending = instance?.pending ?? [];
		instance = undefined;
		time?.end();
		if (pending.length > 0) throw new Error(`Waited in vain for ${pending.join(' and ')}`);
	});
	afterAll(() => engine?.close());

	const bench = {
		get engine(): Engine {
			if (!engine) throw new Error('Only within a test');
			return engine;
		},
		get emulator(): Emulator {
			if (!emulator) throw new Error('Only within a test');
			return emulator;
		},
		/** Another emulator in place of the one of this test. */
		async emulate(options: EmulatorOptions): Promise<Emulator> {
			await emulator?.close();
			emulator = await startEmulator({ latencyMs: 100, ...defaults, ...options });
			return emulator;
		},
		/** An n8n around the engine, for executions that park and are woken. */
		async instance(): Promise<Instance> {
			return (instance ??= await Instance.start(bench.engine));
		},
		async run(scenario: Scenario): Promise<Result> {
			return await bench.engine.run(bench.scenario(scenario));
		},
		/** Adds the credential of the emulator, and waits in the foreground unless the scenario says otherwise. */
		scenario(scenario: Scenario): Scenario {
			const credentials = { baseUrl: bench.emulator.url, ...scenario.credentials };
			const parameters = {
				...(dialect && { authentication: dialect.name }),
				waitMode: 'poll',
				download: false,
				...scenario.parameters,
				options: { outputItems: 'task', ...(scenario.parameters.options as object | undefined) },
			};
			return { ...scenario, parameters, credentials };
		},
		/** Image → Generate with these parameters; `waitOptions` are added to the quick ones. */
		generating(parameters: Scenario['parameters'], scenario: Partial<Scenario> = {}): Scenario {
			const { waitOptions, ...rest } = parameters;
			return bench.scenario({
				...scenario,
				parameters: {
					resource: 'image',
					operation: 'generate',
					prompt: 'a teapot',
					...rest,
					waitOptions: { ...QUICK, ...(waitOptions as object | undefined) },
				},
			});
		},
		/** Runs the same, until it parks or ends. */
		async generate(
			parameters: Scenario['parameters'],
			scenario: Partial<Scenario> = {},
		): Promise<Result> {
			return await bench.engine.run(bench.generating(parameters, scenario));
		},
	};
	return bench;
}
