/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a real n8n, it is not a node */
import { setTimeout as pause } from 'node:timers/promises';

import type { Call, Emulator, EmulatorOptions } from '../emulator';
import { isObject } from '../n8n/json';
import type { Gate } from './gate';

/** The step that an execution has reached when n8n is killed. */
export type StepName =
	/** It is parked, nothing has been sent, and the call that wakes it is on its way. */
	| 'intent saved'
	/** The provider has received nothing yet. */
	| 'first submit on its way'
	/** Some are answered, the others were accepted and their answers never arrive. */
	| 'between submits'
	/** The provider refuses further submits for the moment. */
	| 'refused for a while'
	/** The answer to the last submit was just sent. */
	| 'last answer arriving'
	/** Everything is bought, and no task has ended. */
	| 'bought'
	| 'parked'
	| 'half of them ended'
	/** Parked. All tasks end, and the provider gives up calling, before n8n is back. */
	| 'ended while down'
	| 'downloading'
	/** As `between submits`, but late in a long list. */
	| 'many, late';

/** An execution that is held at its step. */
export interface Hold {
	/** Resolves when it has reached the step, as far as the provider can see. */
	reached: Promise<void>;
	/** To be called right before the kill. */
	beforeKill?: () => Promise<void>;
	/** To be called while n8n is down. */
	whileDown?: () => void;
	/**
	 * Lets go: from now on the provider is as it should be. What was held is answered only where the process that asked
	 * `lives`.
	 */
	release: (lives: boolean) => void;
	/** The prompts of submits that were accepted but not answered. */
	unanswered?: Set<unknown>;
}

/** How an execution is brought to a step. */
export interface Step {
	items: number;
	/** Fetches the files. */
	download?: boolean;
	emulator?: EmulatorOptions;
	/** Whether its status must be `waiting` as well. */
	parks?: boolean;
	/** Installs the hold before anything is bought. */
	hold: (emulator: Emulator, items: number, gate: Gate) => Hold;
}

const ITEMS = 6;
/** The number of submits that are answered before the provider falls silent. */
const ANSWERED = 2;
/** By then the submits that run beside the first held one are held, too. */
const OTHERS_MS = 500;
/** The time from the answer to the kill: just enough for it to arrive. */
const ARRIVED_MS = 20;

const isSubmit = ({ method, path }: Call): boolean =>
	method === 'POST' && path.startsWith('/api/v1/mj/');
const isFile = ({ path }: Call): boolean => /^\/(files|signed)\//.test(path);

interface Signal<T> {
	promise: Promise<T>;
	give: (value: T) => void;
}

function signal<T = void>(): Signal<T> {
	let give: Signal<T>['give'] = () => {};
	const promise = new Promise<T>((resolve) => (give = resolve));
	return { promise, give };
}

/** Holds the calls that `which` picks; `work` says whether the provider does its work all the same. */
function holdCalls(
	emulator: Emulator,
	which: (call: Call) => boolean,
	work: 'done' | 'undone',
): Hold {
	const reached = signal();
	const released = signal<boolean>();
	const unanswered = new Set<unknown>();
	const mend = emulator.intercept(async (call) => {
		if (!which(call)) return undefined;
		const answer = work === 'done' ? await call.handle() : undefined;
		if (answer) {
			unanswered.add(isObject(call.body) ? call.body.prompt : undefined);
		}
		reached.give();
		if (await released.promise) return answer;
		// Not 'reset': the caller is dead, and Node.js 20 then does not exit.
		return 'hang';
	});
	return {
		unanswered,
		reached: reached.promise.then(async () => await pause(OTHERS_MS)),
		release: (lives) => {
			mend();
			if (lives) unanswered.clear();
			released.give(lives);
		},
	};
}

/** Picks all but the first `count` of these calls. */
function after(count: number, which: (call: Call) => boolean): (call: Call) => boolean {
	let seen = 0;
	return (call) => which(call) && ++seen > count;
}

/** Reached when the provider has answered the last submit. */
function whenBought(emulator: Emulator, items: number): Hold {
	const bought = signal();
	let answered = 0;
	const mend = emulator.intercept(async (call) => {
		if (!isSubmit(call)) return undefined;
		const answer = await call.handle();
		if (++answered === items) bought.give();
		return answer;
	});
	return { reached: bought.promise.then(async () => await pause(OTHERS_MS)), release: mend };
}

/** Ends the first `count` tasks, or all. */
function end(emulator: Emulator, count = Infinity): void {
	for (const { taskId } of emulator.ledger.submits.slice(0, count)) emulator.finish(taskId);
}

/** Every step by its name. */
export const STEPS: Readonly<Record<StepName, Step>> = {
	'intent saved': {
		items: ITEMS,
		hold: (emulator, _items, gate) => {
			const held = gate.holdNextWake(emulator.url);
			return { ...held, reached: held.reached };
		},
	},
	'first submit on its way': {
		items: ITEMS,
		hold: (emulator) => holdCalls(emulator, isSubmit, 'undone'),
	},
	'between submits': {
		items: ITEMS,
		hold: (emulator) => holdCalls(emulator, after(ANSWERED, isSubmit), 'done'),
	},
	'many, late': {
		items: 45,
		hold: (emulator) => holdCalls(emulator, after(38, isSubmit), 'done'),
	},
	'refused for a while': {
		items: ITEMS,
		hold: (emulator) => {
			const refused = signal();
			const isOver = after(ANSWERED, isSubmit);
			const mend = emulator.intercept(async (call) => {
				if (!isOver(call)) return undefined;
				refused.give();
				return { status: 200, body: { code: 429, msg: 'too many requests', data: null } };
			});
			return { reached: refused.promise, release: mend };
		},
	},
	'last answer arriving': {
		items: ITEMS,
		hold: (emulator, items) => {
			const [reached, released] = [signal(), signal()];
			const isLast = after(items - 1, isSubmit);
			const mend = emulator.intercept(async (call) => {
				if (!isLast(call)) return undefined;
				const answer = await call.handle();
				reached.give();
				await released.promise;
				return answer;
			});
			const release = () => {
				mend();
				released.give();
			};
			return {
				reached: reached.promise,
				beforeKill: async () => {
					release();
					await pause(ARRIVED_MS);
				},
				release,
			};
		},
	},
	bought: { items: ITEMS, hold: whenBought },
	parked: { items: ITEMS, parks: true, hold: whenBought },
	'half of them ended': {
		items: ITEMS,
		parks: true,
		hold: (emulator, items) => ({
			...whenBought(emulator, items),
			beforeKill: async () => {
				end(emulator, items / 2);
				await pause(OTHERS_MS);
			},
		}),
	},
	'ended while down': {
		items: ITEMS,
		parks: true,
		emulator: { callbackRetryPausesMs: [500] },
		hold: (emulator, items) => ({
			...whenBought(emulator, items),
			whileDown: () => end(emulator),
		}),
	},
	downloading: {
		items: 2,
		download: true,
		emulator: { latencyMs: 500 },
		hold: (emulator) => holdCalls(emulator, isFile, 'undone'),
	},
};
