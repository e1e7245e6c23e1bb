/* eslint-disable @n8n/community-nodes/no-restricted-imports -- the emulator is a server of its own, not a node */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Callbacks, type Delivery } from './callbacks';
import { type Clock, wallClock } from './clock';
import { type Answer, type Call, Faults, type Interceptor, type Reaction } from './faults';
import { Files } from './files';
import { notFound, type NoPath, parseCall, send } from './http';
import { Images } from './images';
import {
	DEFAULT_LATENCY_MS,
	withDefaults,
	type Kind,
	type MidApiKind,
	type VtrixModel,
} from './kinds';
import { type CallbackDelivery, Ledger } from './ledger';
import { MidApi, MIDAPI_PRICES } from './midApi';
import { ownPage } from './pages';
import type { SharedServices, OutcomeRequest, Provider } from './provider';
import { type Range, seededRandom } from './random';
import type { Limit } from './rateLimit';
import { type Outcome, type Task, TaskStore } from './tasks';
import { Uploads } from './uploads';
import { Vtrix, VTRIX_DEFAULTS, VTRIX_PRICES, type VtrixOptions } from './vtrix';

/** The settings of Vtrix that differ from the defaults. */
export interface VtrixChanges extends Partial<Omit<VtrixOptions, 'prices' | 'words'>> {
	/** US dollars per task: the same for all models, or for some of them. */
	prices?: number | Partial<Record<VtrixModel, number>>;
	words?: Partial<VtrixOptions['words']>;
}

export interface EmulatorOptions {
	/** 0, the default: any free port. */
	port?: number;
	/** The key or keys that every provider accepts. They share one balance at each. */
	apiKey?: string | readonly string[];
	/** Balance at MidAPI at the start. */
	credits?: number;
	/** MidAPI's credits per task: the same for all kinds, or for some of them. */
	prices?: number | Partial<Record<MidApiKind, number>>;
	/** How long a task takes, in ms: for all kinds, or for some of them. Infinity: until `finish`. */
	latencyMs?: Range | Partial<Record<Kind, Range>>;
	/** The same seed gives the same task ids and waiting times in the same order of submits. */
	seed?: number;
	/**
	 * Submits over the limit get 429, at each provider by itself. Off by default; kie is said to allow 20 in
	 * 10 000 ms.
	 */
	rateLimit?: Limit;
	/** Signs MidAPI's callbacks with this key (wire.md: MidAPI signatures). */
	hmacKey?: string;
	/** `manual`: callbacks go out only by `deliverCallback`. */
	callbacks?: 'automatic' | 'manual';
	/** The time a receiver of callbacks has, in ms. */
	callbackDeadlineMs?: number;
	/** The pauses before each new attempt after a failed delivery, in ms. */
	callbackRetryPausesMs?: readonly number[];
	/** Only this of the two credit paths exists; the other is an HTTP 404, as it is on kie. */
	creditPath?: 'common' | 'chat';
	/** Only this of the two paths of an upscale exists; both by default. */
	upscalePath?: 'generateUpscale' | 'upscale' | 'both';
	/** How a path that nobody serves is answered: as MidAPI's envelope by default. */
	noPath?: NoPath;
	/** record-info gives resultInfoJson as a JSON string. */
	resultInfoAsString?: boolean;
	/** record-info gives the result URLs as plain strings. */
	plainResultUrls?: boolean;
	/** The first index of generateVary. */
	varyIndexBase?: 0 | 1;
	vtrix?: VtrixChanges;
	/** Each image that a submit names is fetched; a submit with one that cannot be, or is none, is refused. Off by default. */
	fetchesImages?: boolean;
	/**
	 * Decides how a task ends. By default a prompt with [fail] ends in `failed3`, one with [fail2] in `failed2`:
	 * successFlag 3 and 2 at MidAPI, generation failed (...098) and provider unavailable (...099) at Vtrix.
	 */
	outcome?: (request: OutcomeRequest) => Outcome;
	clock?: Clock;
}

/** A running emulator. */
export interface Emulator {
	/** For example http://127.0.0.1:50123, without a slash at the end. */
	readonly url: string;
	readonly ledger: Ledger;
	/** The number of calls whose answer is being held back on purpose. */
	readonly held: number;
	/** The balance at MidAPI; may be set. */
	credits: number;
	/** The balance at Vtrix, in US dollars; may be set. */
	balanceUsd: number;
	/** Puts a fault in force; the returned function removes it. */
	intercept(interceptor: Interceptor): () => void;
	/** Ends a running task at once. */
	finish(taskId: string): void;
	/**
	 * Delivers the callback of a task now, whatever was delivered before, or something odd in its place; for
	 * a task still running it is one without results. Resolves after the last attempt, with how each was
	 * answered.
	 */
	deliverCallback(taskId: string, delivery?: Delivery): Promise<Array<CallbackDelivery['status']>>;
	/** Resolves when all callbacks are delivered or given up. */
	callbacksSettled(): Promise<void>;
	/** Ends all connections and timers. */
	close(): Promise<void>;
}

export const DEFAULT_API_KEY = 'test-key';

/** Starts the emulator on 127.0.0.1. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
	const clock = options.clock ?? wallClock;
	const ledger = new Ledger();
	const faults = new Faults();
	let url = '';

	const tasks = new TaskStore(clock, (task) => {
		if (options.callbacks !== 'manual') void callbacks.deliver(task);
	});
	const files = new Files(() => url, tasks, clock, ledger);
	const apiKeys = [options.apiKey ?? DEFAULT_API_KEY].flat();
	const uploads = new Uploads(() => url, apiKeys, clock, ledger);
	const images = new Images(options.fetchesImages ?? false, clock, ledger);
	const shared: SharedServices = {
		apiKeys,
		tasks,
		files,
		images,
		ledger,
		clock,
		random: seededRandom(options.seed ?? 1),
		latencyMs: withDefaults<Kind, Range>(options.latencyMs, DEFAULT_LATENCY_MS),
		rateLimit: options.rateLimit,
		outcome: options.outcome ?? outcomeByPrompt,
	};
	const midApi = new MidApi(
		{
			credits: options.credits ?? 1000,
			prices: withDefaults(options.prices, MIDAPI_PRICES),
			creditPath: options.creditPath ?? 'common',
			upscalePath: options.upscalePath ?? 'both',
			resultInfoAsString: options.resultInfoAsString ?? false,
			plainResultUrls: options.plainResultUrls ?? false,
			varyIndexBase: options.varyIndexBase ?? 0,
		},
		shared,
	);
	const vtrix = new Vtrix(
		{
			...VTRIX_DEFAULTS,
			...options.vtrix,
			prices: withDefaults(options.vtrix?.prices, VTRIX_PRICES),
			words: { ...VTRIX_DEFAULTS.words, ...options.vtrix?.words },
		},
		shared,
	);
	const providers: readonly Provider[] = [midApi, vtrix];
	const callbacks = new Callbacks(
		{
			deadlineMs: options.callbackDeadlineMs ?? 15_000,
			retryPausesMs: options.callbackRetryPausesMs ?? [1000, 5000, 15_000],
			hmacKey: options.hmacKey,
		},
		clock,
		ledger,
		(task) => providerOf(task, providers),
	);

	const handle = async (call: Call): Promise<Answer> => {
		await images.look(call);
		for (const provider of providers) {
			const answer = provider.answer(call);
			if (answer) return answer;
		}
		return (
			(await files.answer(call)) ?? (await uploads.answer(call)) ?? notFound(call, options.noPath)
		);
	};

	let held = 0;
	const hold = (response: ServerResponse) => {
		if (response.closed) return;
		held++;
		response.once('close', () => held--);
	};

	let callsAtOnce = 0;
	const serve = async (request: IncomingMessage, response: ServerResponse) => {
		const call = await parseCall(request, handle);
		const page = ownPage(call, url, apiKeys, ledger);
		if (page) return void send(response, page, clock);

		callsAtOnce++;
		ledger.mostCallsAtOnce = Math.max(ledger.mostCallsAtOnce, callsAtOnce);
		let fault: Reaction | undefined;
		let reaction: Reaction;
		try {
			fault = await faults.react(call);
			reaction = fault ?? (await call.handle());
		} finally {
			callsAtOnce--;
		}
		ledger.calls.push({
			method: call.method,
			path: call.path,
			answered: typeof reaction === 'string' ? reaction : reaction.status,
			byFault: fault !== undefined,
			at: clock.now(),
		});
		if (reaction === 'reset') request.socket.resetAndDestroy();
		else if (reaction === 'hang' || send(response, reaction, clock) === 'held') hold(response);
	};

	const server = createServer((request, response) => {
		serve(request, response).catch((error: unknown) => {
			// A mistake in the emulator or in a fault must not look like an answer of a provider.
			if (!response.headersSent)
				send(response, { status: 500, body: `emulator: ${String(error)}` }, clock);
		});
	});
	url = await new Promise<string>((resolve, reject) => {
		server.once('error', reject);
		server.listen(options.port ?? 0, '127.0.0.1', () => {
			const address = server.address();
			if (address === null || typeof address === 'string') reject(new Error('No port'));
			else resolve(`http://127.0.0.1:${address.port}`);
		});
	});

	return {
		url,
		ledger,
		get held() {
			return held;
		},
		get credits() {
			return midApi.credits;
		},
		set credits(balance) {
			midApi.credits = balance;
		},
		get balanceUsd() {
			return vtrix.balanceUsd;
		},
		set balanceUsd(balance) {
			vtrix.balanceUsd = balance;
		},
		intercept: (interceptor) => faults.add(interceptor),
		finish: (taskId) => tasks.finish(taskId),
		deliverCallback: async (taskId, delivery) => {
			const task = tasks.get(taskId);
			if (!task) throw new Error(`No task ${taskId}`);
			return await callbacks.deliver(task, delivery);
		},
		callbacksSettled: async () => await callbacks.settled(),
		close: async () => {
			tasks.close();
			callbacks.close();
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			server.closeAllConnections();
			await closed;
		},
	};
}

function providerOf(task: Task, providers: readonly Provider[]): Provider {
	const provider = providers.find(({ name }) => name === task.provider);
	if (!provider) throw new Error(`No provider ${task.provider}`);
	return provider;
}

function outcomeByPrompt({ prompt }: OutcomeRequest): Outcome {
	if (prompt.includes('[fail2]')) return 'failed2';
	return prompt.includes('[fail]') ? 'failed3' : 'success';
}
