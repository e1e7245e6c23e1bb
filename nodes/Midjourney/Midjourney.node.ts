import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';

import { operations } from './operations';
import { execute } from './operations/execute';
import { hintsOf, propertiesOf, subtitleOf } from './operations/properties';

/** The action node: what it can do stands in operations/, how it waits in tasks/, who does it in providers/. */
export class Midjourney implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Midjourney',
		name: 'midjourney',
		icon: { light: 'file:midjourney.svg', dark: 'file:midjourney.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: subtitleOf(operations),
		description: 'Generate, upscale, vary and animate images with Midjourney',
		defaults: { name: 'Midjourney' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
		credentials: [
			{
				name: 'midApi',
				required: true,
				displayOptions: { show: { authentication: ['midApi'] } },
			},
		],
		hints: hintsOf(operations),
		properties: propertiesOf(operations),
	};

	/** @throws NodeApiError or NodeOperationError, unless On Error = continue */
	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return [await execute(this)];
	}
}
