import type { INodeProperties } from 'n8n-workflow';

import type { Field } from './field';
import { RESOURCES, type Operation } from './operation';

/**
 * The field that tells a model about the node as its tool. By default n8n would only say “Generate image in Midjourney”. If a
 * node has a field of this name, n8n uses its value, and people can change it (seen on n8n 2.41.1 and 2.8.4, read in
 * 1.123.81).
 */
const FIELD = 'toolDescription';

const PAID =
	'Every call with new arguments buys one task and costs money: make one call for each result that was asked for. A call that repeats an earlier one buys nothing: it waits for the same task and returns its result. Change the prompt to get other images.';

const HOW_LONG =
	'A task takes from a minute to ten. If the answer has the status pending, the task continues and is paid: ask for its result later, by its taskId.';

const ANSWER =
	'The answer lists the results, each with taskId, index (counted from 0), type and url. If it has a message, the message says what happened and what is paid: follow it.';

const FREE = 'It costs nothing.';

/** The description of a tool with this operation. OpenAI allows 1024 characters. */
export function toolDescription(operation: Operation): string {
	const { does, resource, name, description } = operation;
	const hints = new Set(operation.fields.flatMap(({ forModel }: Field<unknown>) => forModel ?? []));
	const what = `Midjourney, ${RESOURCES[resource]} → ${name}: ${description}.`;
	switch (does) {
		case 'submit':
			return [what, ...hints, PAID, HOW_LONG, ANSWER].join(' ');
		case 'wait':
		case 'get':
			return [what, FREE, ...hints, ANSWER].join(' ');
		case 'query':
			return [what, FREE, ...hints].join(' ');
	}
}

/** The field with this description, shown with these values of other fields. */
export const toolDescriptionOf = (
	operation: Operation,
	show: Record<string, string[]>,
): INodeProperties => ({
	displayName: 'Tool Description',
	name: FIELD,
	type: 'string',
	default: toolDescription(operation),
	typeOptions: { rows: 5 },
	displayOptions: { show: { ...show, '@tool': [true] } },
	description:
		'What the model is told about this tool. If this is empty, it is told only the name of the operation.',
});
