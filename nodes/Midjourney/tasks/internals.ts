import type { IExecuteFunctions, INodeExecutionData, IWebhookFunctions } from 'n8n-workflow';

import { isRecord } from '../providers/json';
import type { NodeProblem } from './nodeErrors';

/**
 * What parking needs beyond n8n's documented interface, all of it (design 5.8). Seen at work on n8n 2.41.1 and, where
 * not said otherwise, 2.8.4; docs/waiting.md says with what. Every step is feature-detected; a missing one costs what its
 * comment says and no more.
 *
 * n8n offers a wait after which no code of the node runs: when the time of a parked node is up, n8n disables the node's
 * entry on the execution's stack and passes that entry's input on. `waitToRunAgain` makes `execute()` run again all the
 * same. Where a part of what that needs is missing, `canRunAgain` says so, and `waitToPassOn` waits as n8n offers it.
 *
 * Both save a text with the execution, which `webhook()` finds by `savedFor`.
 */

/** Where the text is: beside the input, a connection that no workflow has; in the first item, a field. */
const SAVED = 'parked';

/** One turn of a node that n8n has yet to run, as far as it matters here. */
interface Entry {
	node: { name: string };
	data: Record<string, unknown>;
	source?: unknown;
	metadata?: unknown;
}

/** Whether `waitToRunAgain` will work. Without it, `waitToPassOn` does. */
export const canRunAgain = (context: IExecuteFunctions): boolean =>
	stackOf(context) !== undefined && ownEntry(context) !== undefined;

/**
 * Lets the execution wait until `at`, or until a call wakes it. Then `execute()` runs again, in the same run of the node
 * and with the same input, and finds the text by `savedBefore`.
 */
export async function waitToRunAgain(
	context: IExecuteFunctions,
	saved: string,
	at: Date,
): Promise<void> {
	const stack = stackOf(context);
	const entry = ownEntry(context);
	if (!stack || !entry) return;
	const { node, data, source } = entry;
	const beside = { [SAVED]: [[{ json: { [SAVED]: saved } }]] };
	// Under the entry that waits lies one that works.
	stack.unshift({ node: { ...node }, data: { ...data, ...beside }, source });
	// No input and not even an empty list of items: n8n then goes on without a trace of a run.
	entry.data = { main: [], ...beside };
	// A copy, because n8n will disable it; and it must not put out an empty item in place of nothing.
	entry.node = Object.assign({ ...node }, { alwaysOutputData: false });
	await context.putExecutionToWait(at);
}

/**
 * What this run of `execute()` was to wait for; undefined when it is not one that was to run again. It stays where it is:
 * every try of Retry On Fail finds it, because a try that began from the input might buy what has failed once more, and
 * then wait, and then have all its tries before it again.
 */
export function savedBefore(context: IExecuteFunctions): unknown {
	const entry = ownEntry(context);
	return entry && savedBeside(entry);
}

/** What a call returns so that the waiting node runs again. */
export const RUN_AGAIN: INodeExecutionData[][] = [];

/**
 * Lets the execution wait until `at`. When nobody calls, `items` go out as they are; or, where n8n can (2.8 cannot), the
 * node ends in `problem`: so the items must say themselves what happened. The items of the previous node stay what they
 * were.
 */
export async function waitToPassOn(
	context: IExecuteFunctions,
	saved: string,
	items: readonly INodeExecutionData[],
	at: Date,
	problem: NodeProblem | undefined,
): Promise<void> {
	const [first, ...others] = items;
	context.getExecuteData().data.main = [
		first ? [{ ...first, json: { ...first.json, [SAVED]: saved } }, ...others] : [],
	];
	if (problem) context.setMetadata({ resumeError: problem });
	await context.putExecutionToWait(at);
}

/** What the execution that is called has saved, and whether it waits to run again. */
export function savedFor(context: IWebhookFunctions): { saved: unknown; runsAgain: boolean } {
	const entry = calledEntry(context);
	const saved = entry && savedBeside(entry);
	// As one text in one place, because an expression is slow for what is large.
	return saved === undefined
		? { saved: context.evaluateExpression(`{{ $json.${SAVED} }}`, 0), runsAgain: false }
		: { saved, runsAgain: true };
}

/**
 * Puts another text in place of the one that the called execution has saved. n8n keeps it only if the call wakes the
 * execution, and then saves it before the node runs again (seen on 2.41.1, 2.8.4 and 1.123.81).
 */
export function saveAnew(context: IWebhookFunctions, saved: string): void {
	const called = calledEntry(context);
	const stack = (stackOf(context) ?? []).flatMap((entry) => (isEntry(entry) ? [entry] : []));
	for (const entry of called ? [called, ...stack] : stack) {
		if (entry.node.name !== called?.node.name || savedBeside(entry) === undefined) continue;
		entry.data[SAVED] = [[{ json: { [SAVED]: saved } }]];
	}
}

/**
 * Makes a resume that is under way end in `problem`, or (undefined) takes back what `waitToPassOn` has set. Where n8n
 * cannot (2.8), the items that are returned go out as a success.
 */
export function endResumeWith(context: IWebhookFunctions, problem: NodeProblem | undefined): void {
	const entry = calledEntry(context);
	if (!entry) return;
	const metadata = isRecord(entry.metadata) ? entry.metadata : {};
	delete metadata.resumeError;
	entry.metadata = problem ? { ...metadata, resumeError: problem } : metadata;
}

function savedBeside({ data }: Entry): unknown {
	const connection = data[SAVED];
	const items: unknown = Array.isArray(connection) ? connection[0] : undefined;
	const first: unknown = Array.isArray(items) ? items[0] : undefined;
	return isRecord(first) && isRecord(first.json) ? first.json[SAVED] : undefined;
}

function stackOf(context: IExecuteFunctions | IWebhookFunctions): unknown[] | undefined {
	const run: unknown = Reflect.get(context, 'runExecutionData');
	const stack =
		isRecord(run) && isRecord(run.executionData) ? run.executionData.nodeExecutionStack : undefined;
	return Array.isArray(stack) ? stack : undefined;
}

const ownEntry = (context: IExecuteFunctions): Entry | undefined =>
	entryOf(context.getExecuteData());

const calledEntry = (context: IWebhookFunctions): Entry | undefined =>
	entryOf(Reflect.get(context, 'executeData'));

const entryOf = (entry: unknown): Entry | undefined => (isEntry(entry) ? entry : undefined);

const isEntry = (entry: unknown): entry is Entry =>
	isRecord(entry) && isRecord(entry.node) && isRecord(entry.data) && Array.isArray(entry.data.main);
