import type { IDataObject } from 'n8n-workflow';

import { isRecord } from '../../providers/json';
import { byPeople, jsonField, onlyFor, textField, type Display, type Reading } from '../field';
import { CUSTOM, openList } from '../fields';
import type { Operation } from '../operation';
import type { Parameters } from '../parameters';

/** Models without documentation; each documented one has an operation of its own. */
const UNDOCUMENTED = [
	{
		name: 'Enhance',
		value: 'midjourney_enhance',
		description: 'Renders an image of a draft in full quality. Parameters: jobId, imageNo.',
	},
	{
		name: 'Pan',
		value: 'midjourney_pan',
		description:
			'Extends an image in one direction. Parameters: jobId, imageNo, direction (0 down, 1 right, 2 up, 3 left), scale (1.1 to 3).',
	},
	{
		name: 'Remove Background',
		value: 'midjourney_removebackground',
		description: 'Parameters: imgUrl',
	},
	{
		name: 'Reroll',
		value: 'midjourney_reroll',
		description: 'Generates the images of a task again. Parameters: jobId.',
	},
	{
		name: 'Video',
		value: 'midjourney_video_diffusion',
		description: 'Parameters: prompt, or jobId and imageNo; videoType (0 480p, 1 720p)',
	},
];

const MODEL: Display = {
	displayName: 'Model',
	name: 'model',
	default: CUSTOM.value,
	description:
		'The model to run. Those in this list probably exist, but Vtrix documents none of them.',
};
const model = openList(textField(100, MODEL), [CUSTOM, ...UNDOCUMENTED], MODEL);

const customModel = onlyFor(
	model,
	[CUSTOM.value],
	byPeople(
		textField(100, {
			displayName: 'Custom Model',
			name: 'customModel',
			default: '',
			required: true,
			placeholder: 'e.g. midjourney_pan',
			description: 'The ID of any model that the provider offers',
		}),
	),
);

function modelFrom(from: Parameters): string {
	const chosen = from.get(model);
	return chosen === CUSTOM.value ? from.need(customModel) : chosen;
}

const parameters = jsonField(
	(value): Reading<IDataObject> => {
		if (!isRecord(value)) return { problem: 'must be an object, such as { "jobId": "…" }' };
		return 'callback' in value
			? { problem: 'contains callback, which the node sets itself when it uses callbacks' }
			: { value };
	},
	{
		displayName: 'Parameters',
		name: 'parameters',
		default: '={\n  "jobId": "{{ $json.jobId }}",\n  "imageNo": {{ $json.index ?? 0 }}\n}',
		required: true,
		description: 'The parameters of the model, named as in the provider API',
	},
);

/** Model → Run: for models without an operation of their own (wire.md: Vtrix models). */
export const runModel: Operation = {
	resource: 'model',
	operation: 'run',
	name: 'Run',
	action: 'Run model',
	description: 'Run any model of the provider with your own parameters',
	fields: [model, customModel, parameters],
	does: 'submit',
	kind: 'runModel',
	request: (from) => ({
		kind: 'runModel',
		model: modelFrom(from),
		parameters: from.get(parameters),
	}),
};
