import type { IExecuteFunctions, INodeExecutionData, IWebhookFunctions } from 'n8n-workflow';

import { isRecord } from '../../providers/json';

/**
 * Everything that parking needs beyond n8n's documented interface; docs/waiting.md tells how it works. Seen to work on
 * n8n 2.41.1, 2.8.4 and 1.123.81. It is feature-detected: where a part is missing, `canPark` says so and the node polls.
 */

/** The key of the saved text: a connection beside the input, which no workflow has. */
const SAVED = 'parked';

/** A run of a node that n8n has yet to do, as far as it matters here. */
interface Entry {
	node: { name: string };
	data: Record<string, unknown>;
	source?: unknown;
}

/** Whether `waitToRunAgain` will work. */
export const canPark = (context: IExecuteFunctions): boolean =>
	stackOf(context) !== undefined && entryOf(context.getExecuteData()) !== undefined;

/**
 * Makes the execution wait until `at`, or until a call wakes it. Then `execute()` runs again, in the same run of the
 * node and with the same input, and `savedBefore` returns the text.
 */
export async function waitToRunAgain(
	context: IExecuteFunctions,
	saved: string,
	at: Date,
): Promise<void> {
	const stack = stackOf(context);
	const entry = entryOf(context.getExecuteData());
	if (!stack || !entry) return;
	const { node, data, source } = entry;
	// Below the entry that waits, put one that works.
	const working: Entry = { node: { ...node }, data: { ...data }, source };
	save(working, saved);
	stack.unshift(working);
	// No input, not even an empty list of items: n8n then continues without a trace of a run.
	entry.data = { main: [] };
	save(entry, saved);
	// Use a copy, because n8n will disable it. It must not output an empty item in place of nothing.
	entry.node = Object.assign({ ...node }, { alwaysOutputData: false });
	await context.putExecutionToWait(at);
}

/**
 * The text from which this run of `execute()` resumes; undefined for a first run. The text stays where it is, so that
 * every try of Retry On Fail finds it.
 */
export function savedBefore(context: IExecuteFunctions): unknown {
	const entry = entryOf(context.getExecuteData());
	return entry && savedIn(entry);
}

/** What a call returns so that the waiting node runs again. */
export const RUN_AGAIN: INodeExecutionData[][] = [];

/** What the called execution has saved. */
export function savedFor(context: IWebhookFunctions): unknown {
	const entry = entryOf(Reflect.get(context, 'executeData'));
	return entry && savedIn(entry);
}

/**
 * Replaces the saved text, for a call that wakes the execution: n8n saves it together with the execution's new state,
 * before the node runs. n8n saves nothing of a call that wakes nothing.
 */
export function saveOnWake(context: IWebhookFunctions, saved: string): void {
	const called = entryOf(Reflect.get(context, 'executeData'));
	for (const one of [called, ...(stackOf(context) ?? [])]) {
		const entry = entryOf(one);
		if (entry && savedIn(entry) !== undefined) save(entry, saved);
	}
}

/**
 * Whether the execution still waits as this call has found it. Another process may have woken it since; n8n would then
 * run it again from here, whatever it waits for by now. True where n8n does not tell.
 */
export async function isStillSaved(
	context: IWebhookFunctions,
	executionId: string,
): Promise<boolean> {
	const n8n: unknown = Reflect.get(context, 'additionalData');
	const look: unknown = isRecord(n8n) ? n8n.getRunExecutionData : undefined;
	if (typeof look !== 'function') return true;
	const run: unknown = await Reflect.apply(look, n8n, [executionId]);
	const entry = entryOf(stackIn(run)?.[0]);
	return entry !== undefined && savedIn(entry) === savedFor(context);
}

function save(entry: Entry, saved: string): void {
	entry.data[SAVED] = [[{ json: { [SAVED]: saved } }]];
}

function savedIn({ data }: Entry): unknown {
	const connection = data[SAVED];
	const items: unknown = Array.isArray(connection) ? connection[0] : undefined;
	const first: unknown = Array.isArray(items) ? items[0] : undefined;
	return isRecord(first) && isRecord(first.json) ? first.json[SAVED] : undefined;
}

function stackOf(context: IExecuteFunctions | IWebhookFunctions): unknown[] | undefined {
	return stackIn(Reflect.get(context, 'runExecutionData'));
}

function stackIn(run: unknown): unknown[] | undefined {
	const stack =
		isRecord(run) && isRecord(run.executionData) ? run.executionData.nodeExecutionStack : undefined;
	return Array.isArray(stack) ? stack : undefined;
}

const entryOf = (entry: unknown): Entry | undefined => (isEntry(entry) ? entry : undefined);

const isEntry = (entry: unknown): entry is Entry =>
	isRecord(entry) && isRecord(entry.node) && isRecord(entry.data) && Array.isArray(entry.data.main);
