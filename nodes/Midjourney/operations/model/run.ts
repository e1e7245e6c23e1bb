import type { IDataObject } from 'n8n-workflow';

import { isRecord } from '../../providers/json';
import { jsonField, textField, type Reading } from '../Field';
import type { Operation } from '../Operation';

const model = textField(100, {
	displayName: 'Model',
	name: 'model',
	default: '',
	required: true,
	placeholder: 'e.g. midjourney_pan',
	description: 'The ID of any model of the provider',
	hint: 'Not documented by Vtrix, but likely: midjourney_pan (jobId, imageNo, direction 0 down, 1 right, 2 up, 3 left, scale 1.1 to 3), midjourney_enhance (jobId of a draft, imageNo), midjourney_reroll (jobId), midjourney_removebackground (imgUrl), midjourney_video_diffusion (prompt, or jobId and imageNo; videoType 0 480p, 1 720p)',
});

const parameters = jsonField(
	(value): Reading<IDataObject> => {
		if (!isRecord(value)) return { problem: 'must be an object, such as { "jobId": "…" }' };
		return 'callback' in value
			? { problem: 'holds callback, which the node sets itself when it waits by callback' }
			: { value };
	},
	{
		displayName: 'Parameters',
		name: 'parameters',
		default: '={\n  "jobId": "{{ $json.jobId }}",\n  "imageNo": {{ $json.index ?? 0 }}\n}',
		required: true,
		description: 'The parameters of the model under their names on the wire',
	},
);

/** Model → Run: for what has no operation of its own (wire.md: Vtrix models). */
export const runModel: Operation = {
	resource: 'model',
	operation: 'run',
	name: 'Run',
	action: 'Run model',
	description: 'Submit a task to any model of the provider, with parameters of your own',
	fields: [model, parameters],
	does: 'submit',
	kind: 'runModel',
	requests: (from) => [
		{ kind: 'runModel', model: from.get(model), parameters: from.get(parameters) },
	],
};
