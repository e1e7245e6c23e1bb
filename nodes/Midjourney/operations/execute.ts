import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { providerNamed } from '../providers';
import { impossible } from '../providers/exhaustive';
import type { OpenCredential } from '../providers/http';
import type { Provider, TaskRequest } from '../providers/provider';
import { executionClock, processClock } from '../tasks/n8n/clock';
import { openIfThere } from '../tasks/n8n/openCredentials';
import { dryRun } from '../tasks/submit/dryRun';
import { hostOf, isToolCall } from '../tasks/n8n/host';
import { inputError, type NodeProblem } from '../tasks/n8n/nodeErrors';
import type { Settings } from '../tasks/settings';
import { emptyOutcome, type Outcome } from '../tasks/output/outcome';
import { Queries } from '../tasks/query';
import { unreachableImage } from '../tasks/submit/reach';
import { toItems } from '../tasks/output/results';
import { toolAnswerTo } from '../tasks/output/toolAnswer';
import { begin, parkedState, resumeParked } from '../tasks/wait/lifecycle';
import type { Plan } from '../tasks/wait/plan';
import { onCall } from '../tasks/wait/onCall';
import { allowPermutations } from './fields';
import { operations } from './index';
import { offers, providersOf, workOf, type Operation, type Work } from './operation';
import { chosenProvider, Parameters } from './parameters';
import { displayNames, placesOf, writtenOf } from './properties';
import { requestProblem } from './requestCheck';
import { isDryRun, settingsFrom } from './settings';

/** The work for one item, or why it cannot be done. `isDry`: it must not be bought; undefined if that could not be read. */
type Job = { itemIndex: number; isDry: boolean | undefined } & (
	| ({ settings: Settings } & Work)
	| { does: 'nothing'; problem: NodeProblem }
);

/**
 * Runs the chosen operation for all items. Every parameter of every item is read and checked before anything is sent. In a
 * tool call, any failure becomes an answer.
 *
 * @throws NodeApiError or NodeOperationError that names the item, unless On Error = continue
 */
export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const progress = { begun: false };
	if (!isToolCall(context)) return await carryOut(context, progress);
	try {
		return await carryOut(context, progress);
	} catch (error) {
		if (!context.getExecutionCancelSignal()?.aborted) return [toolAnswerTo(error, progress.begun)];
		throw new NodeOperationError(context.getNode(), error instanceof Error ? error : String(error));
	}
}

/** @param progress marked as soon as something may be sent */
async function carryOut(
	context: IExecuteFunctions,
	progress: { begun: boolean },
): Promise<INodeExecutionData[]> {
	const provider = chosenProvider(context);
	const parked = parkedState(context);
	const operation = chosenOperation(context, provider);
	const written = writtenOf(context.getNode().parameters, operation, provider.name);
	if (parked) return await resumeParked(context, provider, parked, written);
	const places = placesOf(operation, provider.name);
	const credential = await openIfThere(context, provider, processClock.now());
	const reader = { context, provider, providerUrl: credential.opened?.baseUrl };
	const jobs = agreed(
		context,
		context.getInputData().map((_, itemIndex) => read(reader, operation, places, itemIndex)),
	);
	const name = `${operation.resource}:${operation.operation}`;
	if (jobs.some(({ isDry }) => isDry)) {
		const http = credential.opened?.through(context.helpers);
		return await dryRun(context, provider, http, planOf(jobs, name, written));
	}
	const opened = await credential.demand();
	const unfit = jobs.flatMap((job) => (job.does === 'nothing' ? [job] : []));
	const [first] = unfit;
	if (first && !hostOf(context).continues) {
		const others = unfit.slice(1).map(({ problem }) => problem.message);
		if (others.length > 0) {
			first.problem.description = [first.problem.description, 'Also:', ...others].join('\n');
		}
		throw first.problem;
	}
	progress.begun = true;
	switch (operation.does) {
		case 'submit':
		case 'wait':
			return await begin(context, provider, opened, planOf(jobs, name, written));
		case 'get':
		case 'query':
			return await ask(context, provider, opened, jobs, name);
	}
}

/** Handles a call from outside for an execution that this node has parked. Never throws. */
export async function webhook(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const provider = providerNamed(context.getNodeParameter('authentication', undefined));
	return await onCall(context, provider);
}

function chosenOperation(context: IExecuteFunctions, provider: Provider): Operation {
	const resource = context.getNodeParameter('resource', 0);
	const operation = context.getNodeParameter('operation', 0);
	const chosen = operations.find((one) => one.resource === resource && one.operation === operation);
	if (chosen && offers(chosen, provider)) return chosen;
	if (chosen) {
		const names = displayNames(providersOf(chosen));
		throw new NodeOperationError(
			context.getNode(),
			`${chosen.name} is not available with ${provider.displayName}, only with ${names}`,
			{ description: `Choose another operation, or set Provider to ${names}.` },
		);
	}
	throw new NodeOperationError(
		context.getNode(),
		`'Operation' ${String(operation)} of ${String(resource)} is not known`,
		{ description: 'Choose one from the list.' },
	);
}

/** What parameters are read and checked with. */
interface Reader {
	context: IExecuteFunctions;
	provider: Provider;
	/** The base URL of the provider; undefined without a credential. */
	providerUrl: string | undefined;
}

function read(
	reader: Reader,
	operation: Operation,
	places: ReturnType<typeof placesOf>,
	itemIndex: number,
): Job {
	const { context, provider } = reader;
	let isDry: boolean | undefined;
	try {
		const from = new Parameters(context, itemIndex, places, provider.name);
		isDry = isDryRun(from);
		const work = workOf(operation, from);
		const problem = work.does === 'submit' ? problemOf(work.requests, from, reader) : undefined;
		if (problem !== undefined) throw from.reject(problem);
		return { itemIndex, isDry, ...work, settings: settingsFrom(from) };
	} catch (error) {
		// Either an invalid field, or an expression that n8n could not evaluate for this item.
		const problem =
			error instanceof NodeOperationError
				? error
				: new NodeOperationError(
						context.getNode(),
						error instanceof Error ? error : String(error),
						{ itemIndex },
					);
		return { itemIndex, isDry, does: 'nothing', problem };
	}
}

/** A run either buys or shows what it would buy. Nobody could tell which items of a mixed run were bought. */
function agreed(context: IExecuteFunctions, jobs: readonly Job[]): readonly Job[] {
	const said = new Set(jobs.flatMap(({ isDry }) => isDry ?? []));
	if (said.size < 2) return jobs;
	return jobs.map(({ itemIndex }) => ({
		itemIndex,
		isDry: undefined,
		does: 'nothing',
		problem: inputError(
			context.getNode(),
			itemIndex,
			"'Dry Run' is on for some items and off for others",
			'Nothing was submitted. Its expression must have the same value for all items of a run.',
		),
	}));
}

/** Why a request must not be sent although each of its fields is valid; undefined if it may be sent. */
function problemOf(
	requests: readonly TaskRequest[],
	from: Parameters,
	{ provider, providerUrl }: Reader,
): string | undefined {
	const nameOf = (path: readonly string[]) => from.nameOf(path);
	for (const request of requests) {
		const image = unreachableImage(request, providerUrl);
		const problem =
			requestProblem(request, nameOf, from.has(allowPermutations)) ??
			(image &&
				`'${nameOf(image.path)}' contains an address on ${image.host}, which exists only in your own network. The provider cannot fetch it: use a public URL`) ??
			provider.validate?.(request);
		if (problem !== undefined) return problem;
	}
	return undefined;
}

/** What to buy and to wait for. */
function planOf(jobs: readonly Job[], operation: string, written: IDataObject): Plan {
	const submits: Array<Plan['submits'][number]> = [];
	const waits: Array<Plan['waits'][number]> = [];
	const refused: Array<Plan['refused'][number]> = [];
	for (const job of jobs) {
		const { itemIndex } = job;
		switch (job.does) {
			case 'nothing':
				refused.push({ itemIndex, problem: job.problem });
				break;
			case 'submit': {
				const { requests, settings } = job;
				submits.push(...requests.map((request, part) => ({ itemIndex, part, request, settings })));
				break;
			}
			case 'wait': {
				const { taskIds, settings } = job;
				waits.push(...taskIds.map((taskId) => ({ itemIndex, settings, taskId })));
				break;
			}
			case 'get':
			case 'query':
				throw new TypeError(`${job.does} waits for nothing`);
			default:
				impossible(job);
		}
	}
	return { operation, submits, waits, refused, written };
}

/** Asks a free question for each item. */
async function ask(
	context: IExecuteFunctions,
	provider: Provider,
	credential: OpenCredential,
	jobs: readonly Job[],
	operation: string,
): Promise<INodeExecutionData[]> {
	const host = hostOf(context);
	const queries = new Queries(host, provider, credential.through(context.helpers));
	const outcomes = await Promise.all(
		jobs.flatMap((job): Array<Outcome | Promise<Outcome>> => {
			const { itemIndex } = job;
			switch (job.does) {
				case 'nothing':
					return [{ ...emptyOutcome(itemIndex), problem: job.problem }];
				case 'get':
					return job.taskIds.map(
						async (taskId) => await queries.task(itemIndex, job.settings, taskId),
					);
				case 'query':
					return [queries.answer(itemIndex, job.settings, job.question)];
				case 'submit':
				case 'wait':
					throw new TypeError(`${job.does} is no question`);
			}
		}),
	);
	return await toItems({ host, provider, clock: executionClock(host) }, outcomes, operation);
}
