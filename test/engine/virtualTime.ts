/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- moves the clock of a test process, it is not a node */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import { Unzip } from 'node:zlib';

/**
 * Time that stands still while anything is under way, and jumps to the next timer when nothing is: a hang of two minutes
 * takes a moment, and a slow machine makes nothing late. Node, n8n's engine and the emulator run in one process and share
 * it: `Date`, `performance.now`, all timers, `AbortSignal.timeout`, and the idle limits of client sockets, which Node keeps
 * in timers of its own. It never goes back: the next period of virtual time begins where the last one ended.
 *
 * What is under way is known, not guessed: a request that is open and not held back by the emulator on purpose, a file
 * operation among the resources of the process, and anything that is being compressed or decompressed.
 */
export interface VirtualTime {
	/**
	 * Lets time pass until the work has ended.
	 *
	 * @param limitMs the longest time to wait, in virtual ms
	 * @returns the virtual ms that it took, and its value; no value if it had not ended by then
	 */
	during<T>(work: Promise<T>, limitMs: number): Promise<{ ms: number; value?: T }>;
	/** Lets time pass from now on until `end`, whatever is awaited. */
	flow(): void;
	/** Gives the process its own time back. */
	end(): void;
}

/** The number of turns of the event loop without anything under way that count as quiet. */
const QUIET_TURNS = 6;

/**
 * After so many real ms and turns without any activity an open request counts as forgotten, for example because nobody
 * reads its answer. Turns count as well, because a busy machine can stop this process for long.
 */
const STUCK = { ms: 250, turns: 500 };

/** More timers than this in one piece of work mean a loop that does not sleep. */
const MOST_STEPS = 20_000;

/** Resources of threads and kernel operations that end by themselves. */
const AT_WORK = /Req|Connect|WriteWrap|Shutdown|Zlib/i;

const realImmediate = setImmediate;
const realNow = performance.now.bind(performance);
const realSignal = AbortSignal.timeout.bind(AbortSignal);
/** Where Unix time stood when this process began to count. */
const EPOCH_MS = Date.now() - realNow();
/** The virtual time that was reached last, in Unix ms. */
let reached = 0;
const turn = async () => await new Promise<void>((resolve) => realImmediate(resolve));

/**
 * @param held gives the number of calls that the emulator holds back on purpose
 */
export function virtualTime(held: () => number): VirtualTime {
	jest.useFakeTimers({
		now: Math.max(Date.now(), reached),
		doNotFake: [
			'nextTick',
			'setImmediate',
			'clearImmediate',
			'queueMicrotask',
			'performance',
			'hrtime',
		],
	});
	// Node waits at least a millisecond. A shorter fake timer would fire without time passing, and loop for ever.
	const fake = globalThis.setTimeout;
	const atLeastOne = (action: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
		fake(action, Math.max(1, ms ?? 1), ...args);
	globalThis.setTimeout = Object.assign(atLeastOne, fake);
	performance.now = () => Date.now() - EPOCH_MS;
	AbortSignal.timeout = (ms) => {
		const controller = new AbortController();
		setTimeout(() => controller.abort(new DOMException('Time is up', 'TimeoutError')), ms);
		return controller.signal;
	};
	const sockets = virtualSocketTimeouts();
	const zlib = countedZlib();
	let open = 0;
	const started = (message: unknown) => {
		const { request } = message as { request: ClientRequest };
		open++;
		request.once('close', () => open--);
	};
	// Requests of `fetch`, which end in one of two ways.
	const fetched = new Set<unknown>();
	const fetchStarted = (message: unknown) => {
		fetched.add(Reflect.get(message as object, 'request'));
	};
	const fetchEnded = (message: unknown) => {
		fetched.delete(Reflect.get(message as object, 'request'));
	};
	const heard = [
		['http.client.request.start', started],
		['undici:request:create', fetchStarted],
		['undici:request:trailers', fetchEnded],
		['undici:request:error', fetchEnded],
	] as const;
	for (const [channel, listener] of heard) subscribe(channel, listener);

	// The number of requests whose answer nobody reads: they stay open for ever.
	let stuck = 0;
	const moves = () => {
		const moving = open + fetched.size - held();
		stuck = Math.max(0, Math.min(stuck, moving));
		return (
			moving > stuck ||
			zlib.atWork > 0 ||
			process.getActiveResourcesInfo().some((name) => AT_WORK.test(name))
		);
	};

	/** Resolves when nothing is under way, or when `ended` says so. */
	const quiet = async (ended: () => boolean) => {
		let since = realNow();
		let waited = 0;
		let signs = sockets.signs;
		for (let turns = 0; turns < QUIET_TURNS && !ended(); ) {
			await turn();
			turns = moves() ? 0 : turns + 1;
			if (signs !== sockets.signs) {
				({ signs } = sockets);
				since = realNow();
				waited = 0;
			}
			if (turns === 0 && ++waited > STUCK.turns && realNow() - since > STUCK.ms) {
				stuck = open + fetched.size - held();
				return;
			}
		}
	};

	/** Whether there is a timer. Without one nothing will ever happen, unless the work has just gone on. */
	const hasTimer = async (ended: () => boolean) => {
		const since = realNow();
		while (jest.getTimerCount() === 0 && !ended() && realNow() - since < STUCK.ms) await turn();
		return jest.getTimerCount() > 0 || ended();
	};

	let isOver = false;

	return {
		async during<T>(work: Promise<T>, limitMs: number) {
			const start = Date.now();
			let ended = false;
			let value: T | undefined;
			let error: { reason: unknown } | undefined;
			work.then(
				(result) => {
					ended = true;
					value = result;
				},
				(reason: unknown) => {
					ended = true;
					error = { reason };
				},
			);
			for (let steps = 0; ; steps++) {
				await quiet(() => ended);
				const ms = Date.now() - start;
				if (error) throw error.reason;
				if (ended) return { ms, value };
				if (ms >= limitMs || steps >= MOST_STEPS || !(await hasTimer(() => ended))) return { ms };
				if (!ended) jest.advanceTimersToNextTimer();
			}
		},
		flow() {
			void (async () => {
				while (!isOver) {
					await quiet(() => isOver);
					if (!isOver && jest.getTimerCount() > 0) jest.advanceTimersToNextTimer();
				}
			})();
		},
		end() {
			isOver = true;
			for (const [channel, listener] of heard) unsubscribe(channel, listener);
			sockets.restore();
			zlib.restore();
			reached = Date.now();
			performance.now = realNow;
			AbortSignal.timeout = realSignal;
			jest.useRealTimers();
		},
	};
}

/** A stream that compresses or decompresses; its threads are not among the resources of the process. */
interface ZlibStream {
	_transform(chunk: unknown, encoding: string, done: (...results: unknown[]) => void): void;
}

/** Counts the pieces that are being compressed or decompressed. */
function countedZlib(): { readonly atWork: number; restore(): void } {
	let atWork = 0;
	// All such streams inherit the method from one prototype.
	let ancestor = Unzip.prototype as object;
	while (!Object.hasOwn(ancestor, '_transform')) ancestor = Object.getPrototypeOf(ancestor);
	const prototype = ancestor as ZlibStream;
	const { _transform: transform } = prototype;
	prototype._transform = function (chunk, encoding, done) {
		atWork++;
		transform.call(this, chunk, encoding, (...results) => {
			atWork--;
			done(...results);
		});
	};
	return {
		get atWork() {
			return atWork;
		},
		restore() {
			prototype._transform = transform;
		},
	};
}

/** The internals of a Node socket that are used here. */
interface Inner {
	setTimeout(this: Socket, ms: number, callback?: () => void): Socket;
	/** Called at every activity. */
	_unrefTimer(this: Socket): void;
}

/** Puts the idle limits of client sockets on virtual time. Those of servers stay, because only keep-alive uses them. */
function virtualSocketTimeouts(): { readonly signs: number; restore(): void } {
	let signs = 0;
	const prototype = Socket.prototype as unknown as Inner;
	const { setTimeout: realSetTimeout, _unrefTimer: realSign } = prototype;
	const limits = new WeakMap<Socket, { ms: number; timer?: ReturnType<typeof setTimeout> }>();
	const isServers = (socket: Socket) => Reflect.get(socket, 'server') != null;
	const arm = (socket: Socket) => {
		const limit = limits.get(socket);
		if (!limit) return;
		clearTimeout(limit.timer);
		if (limit.ms > 0 && !socket.destroyed) {
			limit.timer = setTimeout(() => socket.emit('timeout'), limit.ms);
		}
	};
	prototype.setTimeout = function (this: Socket, ms: number, callback?: () => void) {
		if (isServers(this)) return realSetTimeout.call(this, ms, callback);
		Reflect.set(this, 'timeout', ms);
		if (!limits.has(this)) this.once('close', () => clearTimeout(limits.get(this)?.timer));
		clearTimeout(limits.get(this)?.timer);
		limits.set(this, { ms });
		arm(this);
		if (callback) {
			if (ms === 0) this.removeListener('timeout', callback);
			else this.once('timeout', callback);
		}
		return this;
	};
	prototype._unrefTimer = function (this: Socket) {
		signs++;
		if (limits.has(this)) arm(this);
		else realSign.call(this);
	};
	return {
		/** The number of activities of all sockets, of clients and servers. */
		get signs() {
			return signs;
		},
		restore() {
			prototype.setTimeout = realSetTimeout;
			prototype._unrefTimer = realSign;
		},
	};
}
