import {
	NodeOperationError,
	type IExecuteFunctions,
	type INodeExecutionData,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { providerNamed, providers } from '../providers';
import type { Provider, TaskRequest } from '../providers/Provider';
import type { NodeProblem } from '../tasks/nodeErrors';
import type { Order, Settings } from '../tasks/order';
import { toItems } from '../tasks/results';
import { Run } from '../tasks/run';
import { refused, type Outcome } from '../tasks/outcome';
import { lookAgain, park, parkedBefore, resume } from '../tasks/park';
import { unreachableImage } from '../tasks/reach';
import { allowPermutations } from './fields';
import { operations } from './index';
import type { Intent, Operation } from './Operation';
import { Parameters } from './Parameters';
import { displayNames, offers, placesOf } from './properties';
import { requestProblem } from './requestCheck';
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
 * @throws NodeApiError or NodeOperationError that names the item, unless On Error = continue
 */
export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const provider = chosenProvider(context);
	const parked = parkedBefore(context);
	if (parked) return await lookAgain(context, provider, parked);
	const operation = chosenOperation(context, provider);
	const places = placesOf(operation, provider.name);
	const run = await Run.start(context, provider);
	const jobs = context
		.getInputData()
		.map((_, itemIndex) => read(run, operation, places, itemIndex));
	const unfit = jobs.flatMap((job) => ('problem' in job ? [job] : []));
	const [first] = unfit;
	if (first && !context.continueOnFail()) {
		const others = unfit.slice(1).map(({ problem }) => problem.message);
		if (others.length > 0) {
			first.problem.description = [first.problem.description, 'Also:', ...others].join('\n');
		}
		throw first.problem;
	}
	const outcomes = await carryOut(run, jobs);
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
	run: Run,
	operation: Operation,
	places: ReturnType<typeof placesOf>,
	itemIndex: number,
): Job {
	const { context, provider } = run;
	try {
		const from = new Parameters(context, itemIndex, places, provider.name);
		const intent = operation.intent(from);
		const problem = problemOf(intent, from, run);
		if (problem !== undefined) throw from.reject(problem);
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

/** Why what an item asks for must not be sent, although every field by itself fits; undefined when it may. */
function problemOf(intent: Intent, from: Parameters, { provider, http }: Run): string | undefined {
	if (intent.does !== 'buy') return undefined;
	const nameOf = (path: readonly string[]) => from.nameOf(path);
	for (const request of intent.requests) {
		const problem =
			requestProblem(request, nameOf, from.has(allowPermutations)) ??
			imageProblem(request, nameOf, http.baseUrl) ??
			provider.objection?.(request);
		if (problem !== undefined) return problem;
	}
	return undefined;
}

/** Why the provider cannot fetch an image of a request. */
function imageProblem(
	request: TaskRequest,
	nameOf: (path: readonly string[]) => string,
	providerUrl: string,
): string | undefined {
	const found = unreachableImage(request, providerUrl);
	return (
		found &&
		`'${nameOf(found.path)}' holds an address on ${found.host}, which only means something in your own network: the provider cannot fetch it, put the image where everybody can`
	);
}

/** One outcome for each job, more where an item names or makes several tasks; in the order of the items. */
async function carryOut(run: Run, jobs: readonly Job[]): Promise<Outcome[]> {
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
				orders.push(
					...intent.requests.map((request, part) => ({ itemIndex, part, request, settings })),
				);
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
	const outcomes = await Promise.all([run.buy(orders), run.waitFor(waits), ...others]);
	return outcomes.flat().sort((a, b) => a.itemIndex - b.itemIndex);
}
