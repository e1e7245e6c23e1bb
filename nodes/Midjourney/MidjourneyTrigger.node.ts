import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type IHookFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { credentials } from './operations/properties';
import { execute, onCallback, onPublish, triggerProperties } from './operations/trigger';

/** The trigger node: receives the callbacks of the providers, starts workflows and resumes waiting executions. */
export class MidjourneyTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Midjourney Trigger',
		name: 'midjourneyTrigger',
		icon: { light: 'file:midjourney.svg', dark: 'file:midjourney.dark.svg' },
		group: ['trigger'],
		version: [1],
		subtitle:
			'={{ $parameter["onCallback"] === "resume" ? "resume" : $parameter["triggerOn"].join(", ") }}',
		// n8n's list has one entry for both nodes, with the description of the Trigger.
		description:
			'Generate, upscale, edit and animate images with Midjourney, or start a workflow when a task ends',
		eventTriggerDescription: 'Waiting for a task to end',
		activationMessage: 'The production URL of the Midjourney Trigger now receives callbacks.',
		triggerPanel: {
			header: 'Receive the callbacks of Midjourney tasks',
			executionsHelp: {
				inactive:
					'<b>Copy the URL</b> that this node shows under Webhook URLs and enter it as <i>Midjourney Trigger URL</i> in the options of a Midjourney node with the same credential. All other calls are refused, unless <i>Only Tasks of This n8n</i> is off. <br /> <br /> <b>While you build the workflow</b>, click the button and submit a task with the test URL. The execution shows up in the editor. <br /> <br /> <b>When it is finished</b>, publish the workflow and use the production URL. These executions show up in the executions list, but not in the editor.',
				active:
					'<b>Copy the production URL</b> that this node shows under Webhook URLs and enter it as <i>Midjourney Trigger URL</i> in the options of a Midjourney node with the same credential. All other calls are refused, unless <i>Only Tasks of This n8n</i> is off. <br /> <br /> The workflow is published, so every callback to this URL is received. The executions show up in the <a data-key="executions">executions list</a>, but not in the editor. <br /> <br /> <b>To try something out</b>, click the button and submit a task with the test URL.',
			},
			activationHint:
				'When the workflow is finished, publish it and use the production URL. Callbacks then arrive without this button.',
		},
		defaults: { name: 'Midjourney Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials,
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				// Without it n8n would answer with the text `firstEntryJson`.
				responseData: '',
				// n8n puts the random webhook ID of the node in front, so nobody can guess the URL.
				path: 'webhook',
			},
		],
		properties: triggerProperties,
	};

	webhookMethods = {
		default: {
			/** The providers have no list of webhooks: each task gets its callback URL when it is submitted. */
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return false;
			},

			/** Nothing can be registered; this only logs what will not work, and nothing waits for it. */
			async create(this: IHookFunctions): Promise<boolean> {
				void onPublish(this);
				return true;
			},

			/** Nothing is registered, and tasks that have started a workflow stay remembered. */
			async delete(this: IHookFunctions): Promise<boolean> {
				return true;
			},
		},
	};

	/**
	 * Every start by a call goes through here, where n8n remembers earlier starts and there is time to download files.
	 *
	 * @throws NodeOperationError if the execution is cancelled, or the input is invalid
	 */
	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return [await execute(this)];
	}

	/** Answers a call from a provider. Never throws. */
	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await onCallback(this);
	}
}
