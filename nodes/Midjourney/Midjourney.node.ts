import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { operations } from './operations';
import { execute, webhook } from './operations/execute';
import { credentials, hintsOf, propertiesOf, subtitleOf } from './operations/properties';
import { RESUME_PATH } from './tasks/n8n/host';

/** The webhook of a parked execution. Without `responseData`, the last caller would get a stray text. */
const resumeWebhooks: IWebhookDescription[] = [
	{
		name: 'default',
		httpMethod: 'POST',
		responseMode: 'onReceived',
		responseData: '',
		path: RESUME_PATH,
		isFullPath: true,
		restartWebhook: true,
	},
];

/** The action node. operations/ defines what it can do, tasks/ how it waits, providers/ the APIs it calls. */
export class Midjourney implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Midjourney',
		name: 'midjourney',
		icon: { light: 'file:midjourney.svg', dark: 'file:midjourney.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: subtitleOf(operations),
		description: 'Generate, upscale, edit and animate images with Midjourney',
		defaults: { name: 'Midjourney' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: {
			replacements: {
				description:
					'Lets an agent generate, upscale, edit and animate images with Midjourney; its calls are paid',
			},
		},
		credentials,
		webhooks: resumeWebhooks,
		waitingNodeTooltip:
			'The tasks are submitted. The workflow continues on its own when the last one has ended. You can close this window: the execution is listed under Executions, and the task IDs are in the n8n log.',
		hints: hintsOf(operations),
		properties: propertiesOf(operations),
	};

	/** @throws NodeApiError or NodeOperationError, unless On Error = continue */
	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return [await execute(this)];
	}

	/** Resumes a parked execution. Never throws. */
	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await webhook(this);
	}
}
