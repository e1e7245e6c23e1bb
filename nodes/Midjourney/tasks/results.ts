import type { IBinaryData, IBinaryKeyData, IDataObject, INodeExecutionData } from 'n8n-workflow';

import type { Output } from '../providers/Task';
import type { Provider } from '../providers/Provider';
import type { Clock } from './clock';
import { Downloads } from './download';
import type { Host } from './host';
import { ProblemWriter, type NodeProblem } from './nodeErrors';
import type { Outcome } from './outcome';

export interface ResultDeps {
	host: Host;
	provider: Provider;
	clock: Clock;
}

/**
 * What comes out of the node (design 6): downloads what is wanted, then one item per task or per output, paired with
 * the item that asked for it. What went wrong fails the node, or with On Error = continue becomes an item of its own.
 *
 * @param operation e.g. `image:generate`
 * @throws the first problem, with the ids of all tasks of this run, unless On Error = continue
 */
export async function toItems(
	{ host, provider, clock }: ResultDeps,
	outcomes: readonly Outcome[],
	operation: string,
): Promise<INodeExecutionData[]> {
	const stopAtProblem = !host.continues;
	const problems = outcomes.filter(({ problem }) => problem);
	const cause = problems.find(({ skipped }) => !skipped) ?? problems[0];
	throwIf(stopAtProblem, outcomes, cause?.problem);

	const downloads = new Downloads(host, clock);
	const writer = new ProblemWriter(host.node, provider);
	const results = await Promise.all(
		outcomes.map(async (outcome): Promise<Result> => {
			const { task, settings, problem, itemIndex } = outcome;
			if (task?.status !== 'completed' || !settings?.download || problem) {
				return { ...outcome, files: [] };
			}
			const files = await downloads.of(task, settings.download.limit);
			return {
				...outcome,
				files: files.map(({ output, stored }) =>
					stored.ok
						? { output, binary: stored.value }
						: {
								output,
								problem: writer.ofDownload(stored.failure, task.taskId, output.index, itemIndex),
							},
				),
			};
		}),
	);
	const items = results.flatMap((result) => itemsOf(result, provider.name, operation));
	throwIf(stopAtProblem, results, items.find(({ problem }) => problem)?.problem);

	return items.map((item) => routed(item, host));
}

/** With On Error = continue (using error output) n8n sends an item there that carries its error. */
export const routed = ({ item, problem }: Item, { node }: Host): INodeExecutionData =>
	problem && node.onError === 'continueErrorOutput' ? { ...item, error: problem } : item;

interface File {
	output: Output;
	/** One of the two. */
	binary?: IBinaryData;
	problem?: NodeProblem;
}

export type Result = Outcome & { files: File[] };

/** An item, and the problem that it stands for if it does. */
export interface Item {
	item: INodeExecutionData;
	problem?: NodeProblem;
}

/** The items of one outcome, without regard to On Error. */
export function itemsOf(result: Result, provider: string, operation: string): Item[] {
	const { task, taskId, asked, settings, files, itemIndex, polls, waitedMs, via } = result;
	const field = settings?.download?.field;
	const perTask = settings?.outputItems !== 'output' || !task || task.outputs.length === 0;
	if (result.answer) {
		const json = { provider, operation, ...result.answer };
		return [{ item: { json, pairedItem: { item: itemIndex } } }];
	}

	/** @param own what this item has besides what all items of the task have */
	const item = (own: IDataObject, ownFiles: File[], nameOf: (file: File) => string): Item => {
		const problem = result.problem ?? ownFiles.find((file) => file.problem)?.problem;
		const binary: IBinaryKeyData = {};
		for (const file of ownFiles) if (file.binary) binary[nameOf(file)] = file.binary;
		const json = defined({
			taskId: taskId ?? null,
			jobId: task?.jobId,
			// Whatever is not decided yet is pending, and says so in one word.
			status: statusOf(result),
			providerStatus: task?.providerStatus,
			...own,
			// Not called `error`: Retry On Fail runs the whole node again when the first item has a truthy field of
			// that name, also where the user chose to continue (WorkflowExecute of n8n-core).
			errorMessage: problem?.message ?? task?.error?.message,
			errorDescription: problem?.description ?? undefined,
			prompt: asked?.prompt ?? task?.prompt,
			canvas: asked?.canvas && { ...asked.canvas },
			imagePosition: asked?.imagePosition && { ...asked.imagePosition },
			progress: task?.progress,
			cost: task?.cost,
			discount: task?.discount,
			reference: settings?.reference,
			createdAt: task?.createdAt,
			completedAt: task?.completedAt,
			expiresAt: task?.expiresAt,
			provider,
			operation,
			waitedMs,
			polls,
			via,
			raw: settings?.simplify === false ? task?.raw : undefined,
		});
		const pairedItem = { item: itemIndex };
		return {
			item: Object.keys(binary).length > 0 ? { json, binary, pairedItem } : { json, pairedItem },
			problem,
		};
	};

	if (perTask) {
		const outputs = (task?.outputs ?? []).map((output) => ({ ...output }));
		return [item({ outputs }, files, ({ output }) => `${field}_${output.index}`)];
	}
	return task.outputs.map((output) => {
		const own = files.filter((file) => file.output.index === output.index);
		return item({ ...output }, own, () => field ?? '');
	});
}

function statusOf({ task, taskId }: Outcome): string {
	if (task) return task.status === 'running' ? 'pending' : task.status;
	return taskId === undefined ? 'failed' : 'pending';
}

const defined = (fields: IDataObject): IDataObject =>
	Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Fails the node with the first problem, and with the ids of everything that was submitted (design 4.3). */
function throwIf(
	stopAtProblem: boolean,
	outcomes: readonly Outcome[],
	first: NodeProblem | undefined,
): void {
	if (!stopAtProblem || !first) return;
	throw withTasks(first, outcomes);
}

/** Adds to a problem the ids of everything that was submitted, and how many items share its fate. */
export function withTasks(problem: NodeProblem, outcomes: readonly Outcome[]): NodeProblem {
	const groups = new Map<string, string[]>();
	for (const { taskId, task } of outcomes) {
		if (taskId === undefined) continue;
		const group =
			task?.status === 'completed' ? 'Completed' : task?.status === 'failed' ? 'Failed' : 'Open';
		groups.set(group, [...(groups.get(group) ?? []), taskId]);
	}
	// What the message names already is not said again.
	const lines = [...groups].flatMap(([group, ids]) => {
		const others = ids.filter((id) => !problem.message.includes(id));
		return others.length > 0 ? [`${group} tasks: ${others.join(', ')}.`] : [];
	});
	const others = outcomes.filter(
		(outcome) => outcome.problem && outcome.problem !== problem,
	).length;
	if (others > 0) {
		lines.unshift(`${others} more ${others === 1 ? 'item has' : 'items have'} no result either.`);
	}
	if (groups.has('Open') || groups.has('Completed')) {
		lines.push('A retry of this execution picks up what is open or completed.');
	}
	problem.description = [problem.description, ...lines].filter(Boolean).join('\n');
	return problem;
}
