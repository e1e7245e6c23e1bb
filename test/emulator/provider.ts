import type { Clock } from './clock';
import type { Answer, Call } from './faults';
import type { Files } from './files';
import type { Images } from './images';
import type { JsonObject } from './json';
import type { Kind, ProviderName } from './kinds';
import type { Ledger } from './ledger';
import type { Random, Range } from './random';
import type { Limit } from './rateLimit';
import type { Outcome, Task, TaskStore } from './tasks';

/** One provider as it shows itself on the wire. All of them share the server, its clock, its keys and its ledger. */
export interface Provider {
	readonly name: ProviderName;
	/** The answer to a call; undefined for paths that are not its own. */
	answer(call: Call): Answer | undefined;
	/** What it posts to the callback URL of a task in its present state. */
	callbackBody(task: Task): JsonObject;
	/** What somebody who pretends to be the provider posts: the task is done, and this is its file. */
	forgedCallbackBody(taskId: string, url: string): JsonObject;
	/** Whether its callbacks are signed if the emulator has a key for that. */
	readonly signsCallbacks: boolean;
}

/** What decides how a task ends. */
export interface OutcomeRequest {
	readonly provider: ProviderName;
	readonly kind: Kind;
	/** The name of the task type or of the model on the wire. */
	readonly taskType: string;
	/** The prompt sent, or inherited from the source task. */
	readonly prompt: string;
	/** As it was sent. */
	readonly body: JsonObject;
}

/** What the providers share. */
export interface SharedServices {
	/** The accepted keys. */
	readonly apiKeys: readonly string[];
	readonly tasks: TaskStore;
	readonly files: Files;
	/** What is known of the images that submits name. */
	readonly images: Images;
	readonly ledger: Ledger;
	readonly clock: Clock;
	readonly random: Random;
	readonly latencyMs: Readonly<Record<Kind, Range>>;
	/** For each provider separately; unset: no limit. */
	readonly rateLimit?: Limit;
	readonly outcome: (request: OutcomeRequest) => Outcome;
}

/** Whether a call carries one of the keys as a bearer. */
export function isAuthorized({ headers }: Call, apiKeys: readonly string[]): boolean {
	const [scheme, key] = (headers.authorization ?? '').split(' ');
	return scheme === 'Bearer' && key !== undefined && apiKeys.includes(key);
}
