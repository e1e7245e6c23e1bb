import type {
	IExecuteFunctions,
	IHookFunctions,
	INodeExecutionData,
	INodeProperties,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';

import { answerCall } from '../tasks/callbacks/answer';
import type { ReceiveSettings, TaskEnd } from '../tasks/callbacks/receive';
import { beginWorkflow } from '../tasks/callbacks/start';
import { areShut, reachAdvice } from '../tasks/wait/selfCall';
import { choiceField, onlyFor, type Field } from './field';
import { chosenProvider, Parameters, type ParameterSource } from './parameters';
import {
	alphabetically,
	credentialsProperty,
	inCollection,
	OPTIONS,
	providerProperty,
} from './properties';
import { download, internalUrlField, resultOptions, settingsFrom } from './settings';

/** The Trigger's panel, and the user's input in it. */

const ENDS: ReadonlyArray<{ name: string; value: TaskEnd; description: string }> = [
	{ name: 'Task Completed', value: 'completed', description: 'The images or videos are ready' },
	{ name: 'Task Failed', value: 'failed', description: 'The provider could not complete the task' },
];

const ON_CALLBACK: ReadonlyArray<{
	name: string;
	value: ReceiveSettings['onCallback'];
	description: string;
}> = [
	{
		name: 'Resume and Start',
		value: 'both',
		description:
			'Resume the execution that waits for the task, if there is one, and start this workflow',
	},
	{
		name: 'Resume the Waiting Execution',
		value: 'resume',
		description:
			'Forward the callback to the Midjourney node that waits for it. This workflow never starts.',
	},
	{
		name: 'Start This Workflow',
		value: 'start',
		description: 'Start this workflow and resume no execution',
	},
];

const onCallbackField = choiceField(ON_CALLBACK, {
	displayName: 'On Callback',
	name: 'onCallback',
	noDataExpression: true,
	default: 'both',
	description:
		'What a callback does. It can resume an execution whose Midjourney node has the URL of this Trigger as Midjourney Trigger URL in its options.',
});

/** The choices with which a callback starts this workflow. */
const STARTS = { [onCallbackField.property.name]: ['both', 'start'] };

const internalUrl = onlyFor(
	onCallbackField,
	['both', 'resume'],
	internalUrlField(
		'The Trigger calls it to resume executions that wait in another process, or have waited since before a restart.',
	),
);

/** Options about items only apply if the workflow starts. */
const shownOptions = alphabetically([
	...resultOptions.map((field) => ({ ...field, only: { ...field.only, ...STARTS } })),
	internalUrl,
]);

/** Whether calls that do not prove themselves are refused; any value other than false counts as true. */
const ONLY_OWN = 'onlyOwnTasks';
/** A constant, because the linter would not accept “n8n” in a literal display name. */
const ONLY_OWN_NAME = 'Only Tasks of This n8n';

/** Which address to copy where; n8n collapses the addresses above the fields. */
const URL_NOTICE =
	'Open <b>Webhook URLs</b> above and copy the <b>Production URL</b>. Enter it as <i>Midjourney Trigger URL</i> in the Options of every Midjourney node whose tasks should reach this Trigger. Both nodes need the same credential. To try it out, click the orange button, then submit a task with the <b>Test URL</b>.';

/** Shown if calls need no token. */
const TAKES_OTHERS =
	'Calls about tasks that were submitted elsewhere are accepted, too. If the credential has a Webhook HMAC Secret, they must be signed with it. If not, any call is accepted and its task is looked up, at most 20 a second; calls beyond that are asked to come again.';

/** The properties of the Trigger. */
export const triggerProperties: INodeProperties[] = [
	providerProperty,
	credentialsProperty,
	{ displayName: URL_NOTICE, name: 'urlNotice', type: 'notice', default: '' },
	onCallbackField.property,
	{
		displayName: 'Trigger On',
		name: 'triggerOn',
		type: 'multiOptions',
		noDataExpression: true,
		required: true,
		displayOptions: { show: STARTS },
		options: [...ENDS],
		default: ['completed', 'failed'],
	},
	{
		displayName: ONLY_OWN_NAME,
		name: ONLY_OWN,
		type: 'boolean',
		noDataExpression: true,
		default: true,
		description:
			'Whether to refuse every call that was not requested by a Midjourney node of this n8n with the same credential and the URL of this Trigger as Midjourney Trigger URL. Refusals appear in the n8n log.',
	},
	{
		displayName: TAKES_OTHERS,
		name: 'anyTasksNotice',
		type: 'notice',
		default: '',
		displayOptions: { show: { [ONLY_OWN]: [false] } },
	},
	{ ...download.property, displayOptions: { show: STARTS } },
	{
		displayName: 'Options',
		name: OPTIONS,
		type: 'collection',
		placeholder: 'Add Option',
		default: {},
		options: shownOptions.map(inCollection),
	},
];

/** What to do with callbacks; an invalid choice from an expression counts as not chosen. */
export function receiveSettings(context: IWebhookFunctions): ReceiveSettings {
	const events: unknown = context.getNodeParameter('triggerOn', []);
	return {
		triggerOn: ENDS.map(({ value }) => value).filter(
			(value) => Array.isArray(events) && events.includes(value),
		),
		onCallback: onCallbackIn(context),
		onlyOwnTasks: context.getNodeParameter(ONLY_OWN, true) !== false,
	};
}

function onCallbackIn(context: IHookFunctions | IWebhookFunctions): ReceiveSettings['onCallback'] {
	const chosen: unknown = context.getNodeParameter('onCallback', 'both');
	return ON_CALLBACK.find(({ value }) => value === chosen)?.value ?? 'both';
}

/** The input about items, and about reaching this n8n. */
function optionsIn(source: ParameterSource): Parameters {
	// These fields are the same with every provider.
	const places = new Map<Field<unknown>, string | undefined>([
		[download, undefined],
		...[...resultOptions, internalUrl].map((field) => [field, OPTIONS] as const),
	]);
	return new Parameters(source, 0, places, 'midApi');
}

/** Parameters outside an execution, where there are no items. */
const sourceOf = (context: IHookFunctions | IWebhookFunctions): ParameterSource => ({
	getNode: () => context.getNode(),
	getNodeParameter: (name: string, _itemIndex: number, fallback: unknown): unknown =>
		context.getNodeParameter(name, fallback),
});

/** Warns in n8n's log about problems with a Trigger that is being published. Never throws. */
export async function onPublish(context: IHookFunctions): Promise<void> {
	const { name, webhookId } = context.getNode();
	const warn = (words: string) => context.logger.warn(`Midjourney Trigger '${name}' ${words}`);
	if (!webhookId) {
		warn('has a URL that can be guessed, because it has no webhook ID: delete it and add it again');
	}
	try {
		if (onCallbackIn(context) === 'start') return;
		const own = context.getNodeWebhookUrl('default') ?? '';
		const internal = optionsIn(sourceOf(context)).get(internalUrl) ?? own;
		if (await areShut(context.helpers, [own, internal])) {
			warn(`cannot forward calls to executions that wait. ${reachAdvice()}`);
		}
	} catch (error) {
		// Nothing waits yet; invalid input is reported when a call comes.
		context.logger.debug(`${name}: ${error instanceof Error ? error.message : String(error)}`);
	}
}

/** Answers a call from a provider. Never throws. */
export async function onCallback(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const source = sourceOf(context);
	return await answerCall(context, {
		provider: () => chosenProvider(source),
		receiving: () => receiveSettings(context),
		internalUrl: () => optionsIn(source).get(internalUrl),
	});
}

/**
 * The items that a workflow starts with after a call.
 *
 * @throws NodeOperationError if the execution is cancelled, or the input is invalid
 */
export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await beginWorkflow(context, {
		provider: () => chosenProvider(context),
		items: () => settingsFrom(optionsIn(context)),
	});
}
