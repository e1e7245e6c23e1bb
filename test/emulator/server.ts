/* eslint-disable @n8n/community-nodes/no-restricted-imports -- the emulator is a server of its own, not a node */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Callbacks } from './callbacks';
import { type Clock, wallClock } from './clock';
import { type Answer, type Call, Faults, type Interceptor, type Reaction } from './faults';
import { Files } from './files';
import { notFound, parseCall, send } from './http';
import { Ledger } from './ledger';
import { MidApi, type OutcomeRequest } from './midApi';
import { ownPage } from './pages';
import { type Range, seededRandom } from './random';
import { type Kind, KINDS, type Outcome, TaskStore } from './tasks';

export interface EmulatorOptions {
	/** 0, the default: any free port. */
	port?: number;
	/** The key or keys that are let in; they share one balance. */
	apiKey?: string | readonly string[];
	/** Balance at the start. */
	credits?: number;
	/** Credits per task: the same for all kinds, or for some of them. */
	prices?: number | Partial<Record<Kind, number>>;
	/** How long a task takes, in ms: the same for all kinds, or for some of them. Infinity: until `finish`. */
	latencyMs?: Range | Partial<Record<Kind, Range>>;
	/** The same seed gives the same task ids and waiting times in the same order of submits. */
	seed?: number;
	/** Submits over the limit get 429. Off by default; kie is said to allow 20 in 10 000 ms. */
	rateLimit?: { requests: number; perMs: number };
	/** Signs callbacks with this key (api-contract 1.10). */
	hmacKey?: string;
	/** `manual`: callbacks go out only by `deliverCallback`. */
	callbacks?: 'automatic' | 'manual';
	/** The time a receiver of callbacks has, in ms. */
	callbackDeadlineMs?: number;
	/** The pauses before each new attempt after a failed delivery, in ms. */
	callbackRetryPausesMs?: readonly number[];
	/** Only this of the two credit paths exists; the other is an HTTP 404, as it is on kie. */
	creditPath?: 'common' | 'chat';
	/** record-info gives resultInfoJson as a JSON string. */
	resultInfoAsString?: boolean;
	/** record-info gives the result URLs as plain strings. */
	plainResultUrls?: boolean;
	/** What generateVary counts from. */
	varyIndexBase?: 0 | 1;
	/** Decides how a task ends. By default a prompt with [fail] ends in successFlag 3, one with [fail2] in 2. */
	outcome?: (request: OutcomeRequest) => Outcome;
	clock?: Clock;
}

/** A running emulator. */
export interface Emulator {
	/** Such as http://127.0.0.1:50123, without a slash at the end. */
	readonly url: string;
	readonly ledger: Ledger;
	/** The balance; may be set. */
	credits: number;
	/** Puts a fault in force; the returned function takes it back. */
	intercept(interceptor: Interceptor): () => void;
	/** Ends a running task at once. */
	finish(taskId: string): void;
	/**
	 * Delivers the callback of a task now, whatever was delivered before; for a task still running it is
	 * one without results. Resolves after the last attempt.
	 */
	deliverCallback(taskId: string): Promise<void>;
	/** Resolves when all callbacks are delivered or given up. */
	callbacksSettled(): Promise<void>;
	/** Ends all connections and timers. */
	close(): Promise<void>;
}

export const DEFAULT_API_KEY = 'test-key';

/** A few seconds, for people looking on. */
export const DEFAULT_LATENCY_MS: Readonly<Record<Kind, Range>> = {
	imageRelaxed: [6000, 9000],
	imageFast: [3000, 5000],
	imageTurbo: [1500, 2500],
	upscale: [1500, 3000],
	vary: [3000, 5000],
	video: [5000, 8000],
	videoHd: [7000, 10000],
	extend: [5000, 8000],
};

/** The contract names no prices; these only differ from each other, so that a mix-up shows. */
export const DEFAULT_PRICES: Readonly<Record<Kind, number>> = {
	imageRelaxed: 3,
	imageFast: 8,
	imageTurbo: 16,
	upscale: 2,
	vary: 7,
	video: 20,
	videoHd: 35,
	extend: 18,
};

/** Starts the emulator on 127.0.0.1. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
	const clock = options.clock ?? wallClock;
	const ledger = new Ledger();
	const faults = new Faults();
	let url = '';

	const tasks = new TaskStore(
		clock,
		seededRandom(options.seed ?? 1),
		perKind(options.latencyMs, DEFAULT_LATENCY_MS),
		(task) => {
			if (options.callbacks !== 'manual') void callbacks.deliver(task);
		},
	);
	const files = new Files(() => url, tasks, clock, ledger);
	const callbacks = new Callbacks(
		{
			deadlineMs: options.callbackDeadlineMs ?? 15_000,
			retryPausesMs: options.callbackRetryPausesMs ?? [1000, 5000, 15_000],
			hmacKey: options.hmacKey,
		},
		clock,
		ledger,
		(task) => files.resultUrlsOf(task),
	);
	const apiKeys = [options.apiKey ?? DEFAULT_API_KEY].flat();
	const midApi = new MidApi(
		{
			apiKeys,
			credits: options.credits ?? 1000,
			prices: perKind(options.prices, DEFAULT_PRICES),
			rateLimit: options.rateLimit,
			creditPath: options.creditPath ?? 'common',
			resultInfoAsString: options.resultInfoAsString ?? false,
			plainResultUrls: options.plainResultUrls ?? false,
			varyIndexBase: options.varyIndexBase ?? 0,
			outcome: options.outcome ?? outcomeByPrompt,
		},
		tasks,
		files,
		ledger,
		clock,
	);

	const handle = async (call: Call): Promise<Answer> =>
		midApi.answer(call) ?? (await files.answer(call)) ?? notFound(call);

	let callsAtOnce = 0;
	const serve = async (request: IncomingMessage, response: ServerResponse) => {
		const call = await parseCall(request, handle);
		const page = ownPage(call, url, apiKeys, ledger);
		if (page) return send(response, page);

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
		else if (reaction !== 'hang') send(response, reaction);
	};

	const server = createServer((request, response) => {
		serve(request, response).catch((error: unknown) => {
			// A mistake in the emulator or in a fault must not look like anything a provider would say.
			if (!response.headersSent)
				send(response, { status: 500, body: `emulator: ${String(error)}` });
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
		get credits() {
			return midApi.credits;
		},
		set credits(balance) {
			midApi.credits = balance;
		},
		intercept: (interceptor) => faults.add(interceptor),
		finish: (taskId) => tasks.finish(taskId),
		deliverCallback: async (taskId) => {
			const task = tasks.get(taskId);
			if (!task) throw new Error(`No task ${taskId}`);
			await callbacks.deliver(task);
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

/** One value for every kind, or values for some of them and the defaults for the rest. */
function perKind<T extends Range>(
	given: T | Partial<Record<Kind, T>> | undefined,
	defaults: Readonly<Record<Kind, T>>,
): Record<Kind, T> {
	if (isForSomeKinds(given)) return { ...defaults, ...given };
	const all = { ...defaults };
	if (given !== undefined) for (const kind of KINDS) all[kind] = given;
	return all;
}

function isForSomeKinds<T extends Range>(
	given: T | Partial<Record<Kind, T>> | undefined,
): given is Partial<Record<Kind, T>> {
	return typeof given === 'object' && !Array.isArray(given);
}

function outcomeByPrompt({ prompt }: OutcomeRequest): Outcome {
	if (prompt.includes('[fail2]')) return 'failed2';
	return prompt.includes('[fail]') ? 'failed3' : 'success';
}
