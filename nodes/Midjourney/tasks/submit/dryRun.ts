import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { refused, type Http } from '../../providers/http';
import { fieldsIn } from '../../providers/images';
import type { Provider, TaskRequest } from '../../providers/provider';
import { defined } from '../../providers/wire';
import { Pictures } from '../files/pictures';
import { untilCancelled } from '../n8n/cancelled';
import { executionClock, processClock } from '../n8n/clock';
import { hintAtDryRun } from '../n8n/editor';
import { hostOf, type Host } from '../n8n/host';
import { ProblemWriter } from '../n8n/nodeErrors';
import { summaryOf } from '../output/outcome';
import type { RequestSummary, SubmitRequest } from '../settings';
import type { Forms } from '../wait/forms';
import { accountOf } from '../wait/limiter';
import type { Plan } from '../wait/plan';
import { lacksSize } from './layout';
import { lookUps, prepare } from './prepare';
import { overLimit } from './purse';

/** Shows what a run would send, and sends none of it. Only free look-ups are made, and only those that a request needs. */

/** One task as it would be bought. */
interface Rehearsed {
	submit: SubmitRequest;
	asked: RequestSummary;
	/** As it would be sent; absent if it would not be. */
	request?: IDataObject;
	/** What can only be looked up with a credential. */
	notKnown: string[];
	problem?: Shown;
}

type Reference = Pick<SubmitRequest['settings'], 'reference'>;

/** Why it would not be bought. */
interface Shown {
	message: string;
	description?: string | null;
}

/** The answer to every read without a credential. What depends on that task stays unknown. */
const NO_KEY = refused('invalidKey');

/**
 * Shows every task that a plan would buy as one item, paired with the input item that requests it. An input item with invalid
 * parameters becomes one item that says why. Buys nothing, and no problem makes the node fail.
 *
 * @param http undefined without a credential: requests are then shown as far as they are known
 * @throws when the execution is cancelled
 */
export async function dryRun(
	context: IExecuteFunctions,
	provider: Provider,
	http: Http | undefined,
	plan: Plan,
): Promise<INodeExecutionData[]> {
	const host = hostOf(context);
	const { helpers } = context;
	const incoming = context.getInputData();
	const itemAt = (itemIndex: number) => incoming[itemIndex];
	const clock = executionClock(host);
	const pictures = new Pictures({ helpers, provider, http, clock, itemAt });
	const account = accountOf(http?.account ?? 'none', processClock);
	const toolsFor = lookUps({ host, account, clock }, pictures, async (taskId) =>
		http ? await provider.read(http, taskId) : NO_KEY,
	);
	const rehearsal = { host, provider, http, forms: account.forms, pictures, toolsFor };
	// A cancelled dry run leaves nothing at the provider.
	const rehearsed = await untilCancelled(
		host,
		provider,
		() => ({}),
		async () =>
			await Promise.all(plan.submits.map(async (submit) => await rehearse(submit, rehearsal))),
	);
	const tasks = rehearsed.filter(({ problem }) => !problem).length;
	const settings = rehearsed.map(({ submit }) => submit.settings);
	const refusal = overLimit(tasks, settings);
	const shared = {
		...{ provider: provider.name, operation: plan.operation, tasksInRun: tasks },
		// A model may take an answer without an image for a failure, and call again.
		...(host.isTool && { message: TOLD_TO_A_MODEL }),
	};
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
	'The input item is itself from a dry run, so there is no task or image yet for this operation to work on.';

const TOLD_TO_A_MODEL =
	'This tool is set to Dry Run: nothing was submitted or bought, and there will be no image. Do not call it again; tell the user.';

interface Rehearsal {
	host: Host;
	provider: Provider;
	http: Http | undefined;
	/** Knows in which form it would be sent. */
	forms: Forms;
	pictures: Pictures;
	toolsFor: ReturnType<typeof lookUps>;
}

async function rehearse(
	submit: SubmitRequest,
	{ host, provider, http, forms, pictures, toolsFor }: Rehearsal,
): Promise<Rehearsed> {
	const { request, itemIndex } = submit;
	const usable = await pictures.check(itemIndex, request, submit.settings);
	const prepared = usable.ok ? await prepare(provider, request, toolsFor(itemIndex)) : usable;
	const isOpen = !http && !prepared.ok && prepared.failure.reason === NO_KEY.failure.reason;
	if (!prepared.ok && !isOpen) {
		const problem = new ProblemWriter(host.node, provider).ofSubmit(
			prepared.failure,
			false,
			itemIndex,
		);
		return { submit, asked: summaryOf(provider, request), notKnown: [], problem };
	}
	const final = prepared.ok ? prepared.value : request;
	const form = http && forms.next(provider.formsOf?.(final, http));
	const { method, path, body } = provider.preview(final, undefined, form) ?? {};
	return {
		submit,
		asked: summaryOf(provider, final),
		request: { method, path, body },
		notKnown: [
			...(isOpen ? notKnownOf(final) : []),
			...(!http && fieldsIn(final).length > 0 ? [WAY_OF_IMAGES] : []),
		],
	};
}

const WAY_OF_IMAGES =
	'How the images of the item get to the provider: finding out needs a credential';

/** What would be looked up with a credential. */
function notKnownOf(request: TaskRequest): string[] {
	const lacksJobId = 'jobId' in request && request.jobId === undefined;
	return [
		...(lacksJobId ? ['The job ID: reading it from the task needs a credential'] : []),
		...(lacksSize(request)
			? [
					'The size of the image, and what depends on it in canvas and mask: reading it needs a credential',
				]
			: []),
		'Whether the source task fits: reading it needs a credential',
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
