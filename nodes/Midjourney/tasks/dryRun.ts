import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { failed, type Http } from '../providers/http';
import type { Provider, TaskRequest } from '../providers/provider';
import { defined } from '../providers/wire';
import { untilCancelled } from './cancelled';
import { executionClock, processClock } from './clock';
import { hintAtDryRun } from './editor';
import { hostOf, type Host } from './host';
import { lacksSize } from './layout';
import { ProblemWriter } from './nodeErrors';
import { summaryOf } from './outcome';
import { prepare, type Tools } from './prepare';
import { overLimit } from './purse';
import type { RequestSummary, SubmitRequest } from './settings';
import { accountOf } from './wait/limiter';
import { lookUps, type Plan } from './wait/plan';

/** What a run would send, shown instead of sent. Only what is free is asked for, and only what a request needs. */

/** One task as it would be bought. */
interface Rehearsed {
	submit: SubmitRequest;
	asked: RequestSummary;
	/** As it would be sent; absent where it would not be. */
	request?: IDataObject;
	/** What will only be known when it is bought. */
	notKnown: string[];
	problem?: Shown;
}

type Reference = Pick<SubmitRequest['settings'], 'reference'>;

/** What there is to say against it. */
interface Shown {
	message: string;
	description?: string | null;
}

/** Without a credential no task can be read: what hangs on one is not known. */
const NO_KEY = failed({ reason: 'invalidKey', accepted: 'no', transient: false });

/**
 * Shows every task that a plan would buy as an item, paired with the item that asks for it; an item whose parameters do not
 * fit is one item that says why. Nothing is bought, and no problem fails the node.
 *
 * @param http undefined without a credential; the request is then as far known as it can be
 */
export async function dryRun(
	context: IExecuteFunctions,
	provider: Provider,
	http: Http | undefined,
	plan: Plan,
): Promise<INodeExecutionData[]> {
	const host = hostOf(context);
	const tools = toolsFor(host, provider, http);
	// Nothing is left at the provider, whenever it is cancelled.
	const rehearsed = await untilCancelled(
		host,
		provider,
		() => ({}),
		async () =>
			await Promise.all(
				plan.submits.map(async (submit) => await rehearse(submit, host, provider, http, tools)),
			),
	);
	const tasks = rehearsed.filter(({ problem }) => !problem).length;
	const settings = rehearsed.map(({ submit }) => submit.settings);
	const refusal = overLimit(tasks, settings);
	const shared = {
		...{ provider: provider.name, operation: plan.operation, tasksInRun: tasks },
		// A model would take an answer without a picture for a failure, and call again.
		...(host.isTool && { message: TOLD_TO_A_MODEL }),
	};
	const incoming = context.getInputData();
	const items = [
		...plan.refused.map(({ itemIndex, problem: { message, description } }) => {
			const isOfDryRun = incoming[itemIndex]?.json.status === DRY_RUN;
			const problem = { message, description: isOfDryRun ? NOTHING_TO_WORK_ON : description };
			return itemOf(itemIndex, { problem }, shared);
		}),
		...rehearsed.map((one) =>
			itemOf(
				one.submit.itemIndex,
				{ ...one, reference: one.submit.settings.reference, problem: one.problem ?? refusal },
				shared,
			),
		),
	].sort((a, b) => a.pairedItem.item - b.pairedItem.item);
	const unfit = items.filter(({ json }) => json.valid === false);
	hintAtDryRun(context, tasks, unfit.length);
	return items;
}

/** The status of every item of a dry run. */
const DRY_RUN = 'dryRun';

const NOTHING_TO_WORK_ON =
	'The item that came in is itself from a dry run, so there is no task or image yet that this could work on.';

const TOLD_TO_A_MODEL =
	'This tool is in a dry run: nothing was submitted or bought, and there will be no picture. Do not call it again; tell the user.';

function toolsFor(host: Host, provider: Provider, http: Http | undefined): Tools {
	const account = accountOf(http?.account ?? 'none', processClock);
	return lookUps({ host, account, clock: executionClock(host) }, async (taskId) =>
		http ? await provider.read(http, taskId) : NO_KEY,
	);
}

async function rehearse(
	submit: SubmitRequest,
	{ node }: Host,
	provider: Provider,
	http: Http | undefined,
	tools: Tools,
): Promise<Rehearsed> {
	const { request, itemIndex } = submit;
	const prepared = await prepare(provider, request, tools);
	const isOpen = !http && !prepared.ok && prepared.failure.reason === NO_KEY.failure.reason;
	if (!prepared.ok && !isOpen) {
		const problem = new ProblemWriter(node, provider).ofSubmit(prepared.failure, false, itemIndex);
		return { submit, asked: summaryOf(provider, request), notKnown: [], problem };
	}
	const final = prepared.ok ? prepared.value : request;
	const { method, path, body } = provider.preview(final, http?.requestFormat) ?? {};
	return {
		submit,
		asked: summaryOf(provider, final),
		request: { method, path, body },
		notKnown: isOpen ? notKnownOf(final) : [],
	};
}

/** What would be looked up with a key. */
function notKnownOf(request: TaskRequest): string[] {
	const lacksJobId = 'jobId' in request && request.jobId === undefined;
	return [
		...(lacksJobId ? ['The job ID: it is read from the task, which needs the credential'] : []),
		...(lacksSize(request)
			? [
					'The size of the image, and what follows from it of canvas and mask: it is read from the image of the task, which needs the credential',
				]
			: []),
		'Whether the task fits: it is read before the submit, which needs the credential',
	];
}

/** @param shared what all items have */
function itemOf(
	itemIndex: number,
	{ asked, request, notKnown = [], problem, reference }: Partial<Rehearsed> & Reference,
	shared: IDataObject,
) {
	const json = defined({
		taskId: null,
		status: DRY_RUN,
		valid: problem === undefined,
		errorMessage: problem?.message,
		errorDescription: problem?.description ?? undefined,
		request,
		prompt: asked?.prompt,
		canvas: asked?.canvas && { ...asked.canvas },
		imagePosition: asked?.imagePosition && { ...asked.imagePosition },
		notKnown: notKnown.length > 0 ? notKnown : undefined,
		reference,
		...shared,
	});
	return { json, pairedItem: { item: itemIndex } };
}
