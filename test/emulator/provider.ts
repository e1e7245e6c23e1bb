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
	/** What it posts to the callback URL of one of its tasks, as the task is now. */
	callbackBody(task: Task): JsonObject;
	/** What somebody posts who pretends to be the provider: this task is done, and here is its file. */
	forgedCallbackBody(taskId: string, url: string): JsonObject;
	/** Whether its callbacks are signed where the emulator has a key for that. */
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

/** What the providers have in common. */
export interface House {
	/** Those that are let in. */
	readonly apiKeys: readonly string[];
	readonly tasks: TaskStore;
	readonly files: Files;
	/** What is known of the images that submits name. */
	readonly images: Images;
	readonly ledger: Ledger;
	readonly clock: Clock;
	readonly random: Random;
	readonly latencyMs: Readonly<Record<Kind, Range>>;
	/** Of each provider for itself; unset: none. */
	readonly rateLimit?: Limit;
	readonly outcome: (request: OutcomeRequest) => Outcome;
}

/** Whether a call carries one of the keys as a bearer. */
export function isLetIn({ headers }: Call, apiKeys: readonly string[]): boolean {
	const [scheme, key] = (headers.authorization ?? '').split(' ');
	return scheme === 'Bearer' && key !== undefined && apiKeys.includes(key);
}
