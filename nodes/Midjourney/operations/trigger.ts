import type { INodeProperties, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import { providerNamed, providers } from '../providers';
import { answerCallback } from '../tasks/callbacks';
import type { Settings } from '../tasks/order';
import type { ReceiveSettings, TaskEnd } from '../tasks/receive';
import type { Field } from './Field';
import { Parameters } from './Parameters';
import { inCollection, OPTIONS, providerProperty } from './properties';
import { resultOptions, settingsFrom } from './settings';

/** The Trigger's panel, and what a user has entered in it. */

const ENDS: ReadonlyArray<{ name: string; value: TaskEnd; description: string }> = [
	{ name: 'Task Completed', value: 'completed', description: 'The images or videos are ready' },
	{ name: 'Task Failed', value: 'failed', description: 'The provider gave up on the task' },
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
			'Resume the execution that waits for the task, if one does, and start this workflow',
	},
	{
		name: 'Resume the Waiting Execution',
		value: 'resume',
		description:
			'Hand the callback on to the Midjourney node that waits for it; this workflow never starts',
	},
	{
		name: 'Start This Workflow',
		value: 'start',
		description: 'Start this workflow, and resume nothing',
	},
];

/** What has no meaning where this workflow is never started. */
const STARTS = { show: { onCallback: ['both', 'start'] } };

/** The properties of the Trigger. */
export const triggerProperties: INodeProperties[] = [
	providerProperty,
	{
		displayName: 'On Callback',
		name: 'onCallback',
		type: 'options',
		noDataExpression: true,
		options: [...ON_CALLBACK],
		default: 'both',
		description:
			'What a callback does. Executions can be resumed where a Midjourney node has the URL of this node as Midjourney Trigger URL in its options.',
	},
	{
		displayName: 'Trigger On',
		name: 'triggerOn',
		type: 'multiOptions',
		noDataExpression: true,
		required: true,
		displayOptions: STARTS,
		options: [...ENDS],
		default: ['completed', 'failed'],
	},
	{
		displayName: 'Options',
		name: OPTIONS,
		type: 'collection',
		placeholder: 'Add Option',
		displayOptions: STARTS,
		default: {},
		options: resultOptions.map(inCollection),
	},
];

/** What to do with callbacks; what an expression gives instead of a choice counts as not chosen. */
export function receiveSettings(context: IWebhookFunctions): ReceiveSettings {
	const events: unknown = context.getNodeParameter('triggerOn', []);
	const chosen: unknown = context.getNodeParameter('onCallback', 'both');
	return {
		triggerOn: ENDS.map(({ value }) => value).filter(
			(value) => Array.isArray(events) && events.includes(value),
		),
		onCallback: ON_CALLBACK.find(({ value }) => value === chosen)?.value ?? 'both',
	};
}

/**
 * How the items are to look.
 *
 * @throws NodeOperationError that names the field that does not fit
 */
export function itemSettings(context: IWebhookFunctions): Settings {
	const source = {
		getNode: () => context.getNode(),
		getNodeParameter: (name: string, _itemIndex: number, fallback: unknown): unknown =>
			context.getNodeParameter(name, fallback),
	};
	const places = new Map<Field<unknown>, string>(resultOptions.map((field) => [field, OPTIONS]));
	// The options of results are the same with every provider.
	return settingsFrom(new Parameters(source, 0, places, 'midApi'));
}

/** Answers a call of a provider. Never throws. */
export async function onCallback(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	return await answerCallback(context, {
		provider: () =>
			providerNamed(context.getNodeParameter('authentication', 'midApi')) ?? providers.midApi,
		receiving: () => receiveSettings(context),
		items: () => itemSettings(context),
	});
}
