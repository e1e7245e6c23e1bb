import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { providerNamed, providers } from '../providers';
import type { Provider } from '../providers/Provider';
import { hostOf, isToolCall } from '../tasks/host';
import type { NodeProblem } from '../tasks/nodeErrors';
import type { Order, Settings } from '../tasks/order';
import { toItems } from '../tasks/results';
import { Run } from '../tasks/run';
import { refused, type Outcome } from '../tasks/outcome';
import { lookAgain, park, parkedBefore, resume } from '../tasks/park';
import { toolAnswerTo } from '../tasks/toolAnswer';
import { operations } from './index';
import type { Intent, Operation } from './Operation';
import { Parameters } from './Parameters';
import { displayNames, offers, placesOf, writtenOf } from './properties';
import { settingsFrom } from './settings';

/** What is to be done for one item, or why it cannot be. */
type Job = { itemIndex: number } & (
	| { intent: Intent; settings: Settings }
	| { problem: NodeProblem }
);

/**
 * Runs the chosen operation for all items: first every parameter of every item is read and checked, and only when that
 * is done something is sent (design 4.4).
 *
 * @throws NodeApiError or NodeOperationError that names the item, unless On Error = continue; in a tool call of an agent
 * only when the execution is cancelled
 */
export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const progress = { begun: false };
	if (!isToolCall(context)) return await carryOutAll(context, progress);
	try {
		return await carryOutAll(context, progress);
	} catch (error) {
		if (!context.getExecutionCancelSignal()?.aborted) return [toolAnswerTo(error, progress.begun)];
		throw new NodeOperationError(context.getNode(), error instanceof Error ? error : String(error));
	}
}

/** @param progress marked when something may be sent */
async function carryOutAll(
	context: IExecuteFunctions,
	progress: { begun: boolean },
): Promise<INodeExecutionData[]> {
	const provider = chosenProvider(context);
	const parked = parkedBefore(context);
	if (parked) return await lookAgain(context, provider, parked);
	const operation = chosenOperation(context, provider);
	const places = placesOf(operation, provider.name);
	const jobs = context
		.getInputData()
		.map((_, itemIndex) => read(context, provider, operation, places, itemIndex));
	const unfit = jobs.flatMap((job) => ('problem' in job ? [job] : []));
	const [first] = unfit;
	if (first && !hostOf(context).continues) {
		const others = unfit.slice(1).map(({ problem }) => problem.message);
		if (others.length > 0) {
			first.problem.description = [first.problem.description, 'Also:', ...others].join('\n');
		}
		throw first.problem;
	}
	const run = await Run.start(context, provider);
	progress.begun = true;
	const written = writtenOf(context.getNode().parameters, operation, provider.name);
	const outcomes = await carryOut(run, jobs, written);
	const name = `${operation.resource}:${operation.operation}`;
	return outcomes.some(({ parks }) => parks)
		? await park(run, outcomes, name)
		: await toItems(run, outcomes, name);
}

/** A call from outside for an execution that this node has parked. Never throws. */
export async function webhook(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const provider = providerNamed(context.getNodeParameter('authentication', 'midApi'));
	return await resume(context, provider ?? providers.midApi);
}

function chosenProvider(context: IExecuteFunctions): Provider {
	const chosen = context.getNodeParameter('authentication', 0);
	const provider = providerNamed(chosen);
	if (provider) return provider;
	throw new NodeOperationError(context.getNode(), `'Provider' ${String(chosen)} is not known`, {
		description: 'Choose one from the list.',
	});
}

function chosenOperation(context: IExecuteFunctions, provider: Provider): Operation {
	const resource = context.getNodeParameter('resource', 0);
	const operation = context.getNodeParameter('operation', 0);
	const chosen = operations.find((one) => one.resource === resource && one.operation === operation);
	if (chosen && offers(chosen, provider.name)) return chosen;
	if (chosen) {
		const names = displayNames(chosen.providers);
		throw new NodeOperationError(
			context.getNode(),
			`${chosen.name} does not exist with ${provider.displayName}, only with ${names}`,
			{ description: `Choose another operation, or ${names} as Provider.` },
		);
	}
	throw new NodeOperationError(
		context.getNode(),
		`'Operation' ${String(operation)} of ${String(resource)} is not known`,
		{ description: 'Choose one from the list.' },
	);
}

function read(
	context: IExecuteFunctions,
	provider: Provider,
	operation: Operation,
	places: ReturnType<typeof placesOf>,
	itemIndex: number,
): Job {
	try {
		const from = new Parameters(context, itemIndex, places, provider.name);
		const intent = operation.intent(from);
		const objection = intent.does === 'buy' ? provider.objection?.(intent.request) : undefined;
		if (objection !== undefined) throw from.reject(objection);
		return { itemIndex, intent, settings: settingsFrom(from) };
	} catch (error) {
		// Either a field that does not fit, or an expression that n8n could not evaluate for this item.
		const problem =
			error instanceof NodeOperationError
				? error
				: new NodeOperationError(
						context.getNode(),
						error instanceof Error ? error : String(error),
						{ itemIndex },
					);
		return { itemIndex, problem };
	}
}

/** One outcome for each job, more where an item names several tasks; in the order of the items. */
async function carryOut(run: Run, jobs: readonly Job[], written: IDataObject): Promise<Outcome[]> {
	const orders: Order[] = [];
	const waits: Array<{ itemIndex: number; settings: Settings; taskId: string }> = [];
	const others: Array<Promise<Outcome>> = [];
	for (const job of jobs) {
		const { itemIndex } = job;
		if ('problem' in job) {
			others.push(Promise.resolve(refused(itemIndex, job.problem)));
			continue;
		}
		const { intent, settings } = job;
		switch (intent.does) {
			case 'buy':
				orders.push({ itemIndex, request: intent.request, settings });
				break;
			case 'wait':
				waits.push(...intent.taskIds.map((taskId) => ({ itemIndex, settings, taskId })));
				break;
			case 'look':
				others.push(run.look(itemIndex, settings, intent.taskId));
				break;
			case 'ask':
				others.push(run.answer(itemIndex, settings, intent.question));
		}
	}
	const outcomes = await Promise.all([run.buy(orders, written), run.waitFor(waits), ...others]);
	return outcomes.flat().sort((a, b) => a.itemIndex - b.itemIndex);
}
