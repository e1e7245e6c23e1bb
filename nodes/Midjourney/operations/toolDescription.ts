import type { INodeProperties } from 'n8n-workflow';

import type { Field } from './field';
import { RESOURCES, type Operation } from './operation';

/**
 * What a model is told of the node as its tool. n8n itself would say no more than “Generate image in Midjourney”; where a
 * node has a field of this name, n8n takes what stands there, and people can change it (seen on n8n 2.41.1 and 2.8.4, read
 * in 1.123.81).
 */
const FIELD = 'toolDescription';

const PAID =
	'Every call with new arguments buys one task and costs money: call it once for each result that was asked for. A call with the arguments of an earlier one buys nothing; it waits for that task and gives its result. To get other images change the prompt.';

const HOW_LONG =
	'It takes from a minute to ten. If the answer has the status pending, the task goes on and is paid: ask for its result later, by its taskId.';

const ANSWER =
	'The answer lists what was made, each with taskId, index (counted from 0), type and url. If it has a message, that says what happened and what is paid: do as it says.';

const FREE = 'It costs nothing.';

/** The description of a tool with this operation, in what OpenAI allows for one: 1024 characters. */
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

/**
 * The field with it.
 *
 * @param show where the operation is chosen
 */
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
		'What the model is told of this tool. Emptied, it is told the name of the operation.',
});
