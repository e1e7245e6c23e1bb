import type { IBinaryData, IBinaryKeyData, IDataObject, INodeExecutionData } from 'n8n-workflow';

import type { Provider } from '../../providers/provider';
import type { Output } from '../../providers/task';
import { defined } from '../../providers/wire';
import { Downloads } from '../files/download';
import type { DownloadFailure } from '../files/fileStream';
import { untilCancelled } from '../n8n/cancelled';
import type { ExecutionClock } from '../n8n/clock';
import type { Host } from '../n8n/host';
import { ProblemWriter, type NodeProblem } from '../n8n/nodeErrors';
import { routed, type Item } from './failedItems';
import type { Outcome } from './outcome';
import { toolAnswer } from './toolAnswer';

/** What items are made with. */
export interface ResultDeps {
	host: Host;
	provider: Provider;
	clock: ExecutionClock;
}

/** This operation runs any model, including one that answers in words. */
const MAY_HAVE_NO_OUTPUT = 'model:run';

/** This operation only looks at a task: a task without outputs is a valid answer. */
const LOOK = 'task:get';

/**
 * Downloads the files that are wanted, then makes the items (architecture.md: What comes out). In a tool call a problem
 * becomes an answer, and nothing is downloaded, because a model gets no files.
 *
 * @param route turns a failed item into the form in which n8n keeps it
 * @throws the first problem, with the ids of all tasks of this run, unless On Error = continue
 */
export async function toItems(
	deps: ResultDeps,
	given: readonly Outcome[],
	operation: string,
	route = routed,
): Promise<INodeExecutionData[]> {
	const { host, provider } = deps;
	const writer = new ProblemWriter(host.node, provider);
	const stopAtProblem = !host.continues;
	const outcomes = given.map((outcome) => withNoOutputsTold(outcome, operation, writer));
	const problems = outcomes.filter(({ problem }) => problem);
	const cause = problems.find(({ skipped }) => !skipped) ?? problems[0];
	if (stopAtProblem && cause?.problem) throw withTasks(cause.problem, outcomes);

	const results = host.isTool
		? outcomes.map((outcome) => ({ ...outcome, files: [] }))
		: await withFiles(deps, outcomes, writer);
	const items = withCostOnce(results).flatMap((result) =>
		itemsOf(result, provider.name, operation).map((item) => ({ ...item, result })),
	);
	const missing = new Set(items.flatMap(({ problem }) => problem ?? []));
	const [first, ...others] = missing;
	if (stopAtProblem && first) {
		const also = others.map(({ message }) => message);
		first.description = [first.description, ...also].join('\n');
		throw withTasks(first, outcomes);
	}
	return items.map(({ result, ...item }) =>
		host.isTool ? toolAnswer(item, result, provider) : route(item, host),
	);
}

/** Adds a problem to a task that is completed and has no outputs: that is not a success. */
function withNoOutputsTold(
	outcome: Outcome,
	operation: string,
	writer: ProblemWriter,
): Outcome & Pick<Result, 'note'> {
	const { task, problem, itemIndex } = outcome;
	if (problem || !isWithoutOutputs(outcome) || operation === MAY_HAVE_NO_OUTPUT) return outcome;
	const told = writer.ofNoOutputs(task?.taskId ?? '', itemIndex);
	return operation === LOOK ? { ...outcome, note: told.message } : { ...outcome, problem: told };
}

const isWithoutOutputs = ({ task }: Outcome): boolean =>
	task?.status === 'completed' && task.outputs.length === 0;

/** The cost of a task that several items have asked for stays with the first of them: people add it up. */
function withCostOnce(results: readonly Result[]): Result[] {
	const counted = new Set<string>();
	return results.map((result) => {
		const { task } = result;
		if (!task) return result;
		const isCounted = counted.has(task.taskId);
		counted.add(task.taskId);
		return isCounted ? { ...result, task: { ...task, cost: undefined } } : result;
	});
}

/** Downloads the files that are wanted. */
async function withFiles(
	{ host, provider, clock }: ResultDeps,
	outcomes: readonly Outcome[],
	writer: ProblemWriter,
): Promise<Result[]> {
	const downloads = new Downloads(host, clock);
	const left = () => {
		const ids = (done: boolean) =>
			outcomes.flatMap(({ task, taskId }) =>
				taskId !== undefined && (task?.status === 'completed') === done && task?.status !== 'failed'
					? [taskId]
					: [],
			);
		return { open: ids(false), completed: ids(true) };
	};
	const download = async (outcome: Outcome): Promise<Result> => {
		const { task, settings, problem, itemIndex } = outcome;
		if (task?.status !== 'completed' || !settings?.download || problem) {
			return { ...outcome, files: [] };
		}
		const files = await downloads.of(task, settings.download.limit);
		const now = clock.now();
		const lacking = files.flatMap(({ output, stored }) => (stored.ok ? [] : [output.index]));
		let ofTask: NodeProblem | undefined;
		const problemOf = (failure: DownloadFailure, index: number) => {
			const written = (indexes: number[]) =>
				writer.ofDownload(failure, task, indexes, { itemIndex, now });
			// An item names everything that it lacks in one message.
			return settings.outputItems === 'output' ? written([index]) : (ofTask ??= written(lacking));
		};
		return {
			...outcome,
			files: files.map(({ output, stored }) =>
				stored.ok
					? { output, binary: stored.value }
					: { output, problem: problemOf(stored.failure, output.index) },
			),
		};
	};
	return await untilCancelled(
		host,
		provider,
		left,
		async () => await Promise.all(outcomes.map(download)),
	);
}

interface File {
	output: Output;
	/** Either this or `problem` is set. */
	binary?: IBinaryData;
	problem?: NodeProblem;
}

/** An outcome and its files. */
export type Result = Outcome & {
	files: File[];
	/** What else there is to say about it. */
	note?: string;
};

/** The items of one outcome, regardless of On Error. */
export function itemsOf(result: Result, provider: string, operation: string): Item[] {
	const { task, taskId, asked, settings, files, note, itemIndex, polls, waitedMs, via } = result;
	const field = settings?.download?.field;
	const perTask = settings?.outputItems !== 'output' || !task || task.outputs.length === 0;
	if (result.answer) {
		const json = { provider, operation, ...result.answer };
		return [{ item: { json, pairedItem: { item: itemIndex } } }];
	}

	/** @param own the fields of this item, besides those that all items of the task have */
	const item = (own: IDataObject, ownFiles: File[], nameOf: (file: File) => string): Item => {
		const problem = result.problem ?? ownFiles.find((file) => file.problem)?.problem;
		const binary: IBinaryKeyData = {};
		for (const file of ownFiles) if (file.binary) binary[nameOf(file)] = file.binary;
		const json = defined({
			taskId: taskId ?? null,
			jobId: task?.jobId,
			// Everything that is still open has the one status `pending`.
			status: statusOf(result),
			providerStatus: task?.providerStatus,
			...own,
			// Not called `error`: if the first item has a truthy field of that name, Retry On Fail runs the whole node again,
			// even if the user chose to continue (WorkflowExecute of n8n-core).
			errorMessage: problem?.message ?? task?.error?.message ?? note,
			errorDescription: problem?.description ?? undefined,
			prompt: asked?.prompt ?? task?.prompt,
			canvas: asked?.canvas && { ...asked.canvas },
			imagePosition: asked?.imagePosition && { ...asked.imagePosition },
			imagesVia: asked?.imagesVia,
			requestForm: asked?.requestForm,
			progress: task?.progress,
			discount: task?.discount,
			reference: settings?.reference,
			createdAt: task?.createdAt,
			completedAt: task?.completedAt,
			expiresAt: task?.expiresAt,
			provider,
			operation,
			// Nobody waited for what was never submitted.
			...(taskId !== undefined && { waitedMs, polls, via }),
			// The provider's own words, where there is nothing else to show.
			raw: settings?.simplify === false || isWithoutOutputs(result) ? task?.raw : undefined,
		});
		const pairedItem = { item: itemIndex };
		return {
			item: Object.keys(binary).length > 0 ? { json, binary, pairedItem } : { json, pairedItem },
			problem,
		};
	};

	if (perTask) {
		const outputs = (task?.outputs ?? []).map((output) => ({ ...output }));
		const own = { outputs, cost: task?.cost };
		return [item(own, files, ({ output }) => `${field}_${output.index}`)];
	}
	return task.outputs.map((output, position) => {
		const ownFiles = files.filter((file) => file.output.index === output.index);
		// Once for each task: people add it up.
		const cost = position === 0 ? task.cost : undefined;
		return item({ ...output, cost }, ownFiles, () => field ?? '');
	});
}

function statusOf({ task, taskId, mayBeTold }: Outcome): string {
	if (task) return task.status === 'running' ? 'pending' : task.status;
	return taskId === undefined && !mayBeTold ? 'failed' : 'pending';
}

/** Adds to a problem the ids of all submitted tasks, and which other items have no result. */
function withTasks(problem: NodeProblem, outcomes: readonly Outcome[]): NodeProblem {
	const groups = new Map<string, string[]>();
	for (const { taskId, task } of outcomes) {
		if (taskId === undefined) continue;
		const group =
			task?.status === 'completed' ? 'Completed' : task?.status === 'failed' ? 'Failed' : 'Open';
		groups.set(group, [...(groups.get(group) ?? []), taskId]);
	}
	// An id that the message already names is not repeated.
	const lines = [...groups].flatMap(([group, ids]) => {
		const others = ids.filter((id) => !problem.message.includes(id));
		return others.length > 0 ? [`${group} tasks: ${others.join(', ')}.`] : [];
	});
	const others = outcomes.filter((outcome) => outcome.problem && outcome.problem !== problem);
	const unclear = others.filter(({ mayBePaid }) => mayBePaid);
	const without = others.filter(({ mayBePaid }) => !mayBePaid);
	if (without.length > 0) lines.unshift(`No result either: ${itemsOfAll(without)}.`);
	if (unclear.length > 0) lines.unshift(`May have been paid as well: ${itemsOfAll(unclear)}.`);
	if (groups.has('Open') || groups.has('Completed')) {
		lines.push('A retry of this execution picks up what is open or completed.');
	}
	problem.description = [problem.description, ...lines].filter(Boolean).join('\n');
	return problem;
}

/** `[items 2, 4-6]`, counted as n8n does. */
function itemsOfAll(outcomes: readonly Outcome[]): string {
	const indexes = [...new Set(outcomes.map(({ itemIndex }) => itemIndex))].sort((a, b) => a - b);
	const runs: Array<[first: number, last: number]> = [];
	for (const index of indexes) {
		const run = runs.at(-1);
		if (run?.[1] === index - 1) run[1] = index;
		else runs.push([index, index]);
	}
	const names = runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
	return `[${indexes.length === 1 ? 'item' : 'items'} ${names.join(', ')}]`;
}
