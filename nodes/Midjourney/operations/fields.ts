import {
	choiceField,
	integerField,
	listField,
	onlyFor,
	optional,
	switchField,
	textField,
	urlProblem,
	type Field,
} from './Field';
import type { Parameters } from './Parameters';

/**
 * The fields that operations share: one definition for each, so that a value survives when a user switches from one
 * operation to another. Ranges and lists are those of api-contract 1.1 to 1.5.
 */

const PROMPT_LENGTH = 2000;

/** Task ids are short; what is longer is something else. */
const ID_LENGTH = 200;

const prompt = (description: string, placeholder: string): Field<string> =>
	textField(PROMPT_LENGTH, {
		displayName: 'Prompt',
		name: 'prompt',
		default: '',
		required: true,
		typeOptions: { rows: 4 },
		placeholder,
		description,
	});

export const imagePrompt = prompt(
	'What to see on the image. Midjourney flags such as --no text may stand at the end; what has a field here belongs in its field.',
	'e.g. A porcelain teapot on a walnut table, soft window light',
);

export const videoPrompt = prompt(
	'What happens in the video',
	'e.g. Steam rises from the teapot, the camera moves in slowly',
);

/** URLs may hold commas: a comma separates only where the next URL begins. */
const URL_SEPARATOR = /[\s,]+(?=https?:\/\/)|\s*\n\s*/i;

const SEVERAL_URLS =
	'The provider fetches them, so they must be public. Several: one per line, or an expression that gives an array.';

export const imageUrls = (
	description: string,
	defaultValue = '',
	hint = SEVERAL_URLS,
): Field<string[]> =>
	listField(
		{ separator: URL_SEPARATOR, check: urlProblem },
		{
			displayName: 'Image URLs',
			name: 'imageUrls',
			default: defaultValue,
			required: true,
			placeholder: 'e.g. https://example.com/teapot.png',
			// A field of one line would join lines that are pasted into it.
			typeOptions: { rows: 2 },
			description,
			hint,
		},
	);

const id = (name: string, displayName: string, description: string): Field<string> =>
	textField(ID_LENGTH, {
		displayName,
		name,
		default: '={{ $json.taskId }}',
		required: true,
		placeholder: 'e.g. 9f0c2a77b1e94d5c8a61',
		description,
	});

export const sourceTaskId = id(
	'taskId',
	'Task ID',
	'The task that made the original. By default the one of the incoming item.',
);

export const taskId = id('taskId', 'Task ID', 'The task to look at');

export const index = (kind: 'image' | 'video'): Field<number> =>
	integerField(
		{ min: 0, max: 3 },
		{
			displayName: 'Index',
			name: 'index',
			default: '={{ $json.index ?? 0 }}',
			required: true,
			description:
				kind === 'image'
					? 'Which image of the task, counted from 0. On a grid: 0 top left, 1 top right, 2 bottom left, 3 bottom right.'
					: 'Which video of the task, counted from 0',
		},
	);

const ASPECT_RATIOS = [
	'1:1',
	'1:2',
	'16:9',
	'2:1',
	'2:3',
	'3:2',
	'3:4',
	'4:3',
	'5:6',
	'6:5',
	'9:16',
];

export const aspectRatio = optional(
	choiceField(
		ASPECT_RATIOS.map((value) => ({ name: value, value })),
		{
			displayName: 'Aspect Ratio',
			name: 'aspectRatio',
			default: '1:1',
			description: 'Width to height',
		},
	),
);

/** The choice that makes room for a version that comes out tomorrow. */
const CUSTOM_VERSION = 'custom';

const VERSIONS = [
	...['7', '6.1', '6', '5.2', '5.1'].map((value) => ({ name: value, value })),
	{ name: 'Niji 6', value: 'niji6' },
	{
		name: 'Custom',
		value: CUSTOM_VERSION,
		description: 'Then add the field Custom Version and enter it there',
	},
];

/** Everything is accepted: an expression may name a version that this list does not know yet. */
export const version: Field<string | undefined> = {
	...optional(textField(20, { displayName: 'Version', name: 'version', default: '7' })),
	property: {
		displayName: 'Version',
		name: 'version',
		type: 'options',
		default: '7',
		description: 'The Midjourney model. Without it the provider takes its newest.',
		options: VERSIONS,
	},
};

export const customVersion: Field<string | undefined> = optional(
	textField(20, {
		displayName: 'Custom Version',
		name: 'customVersion',
		default: '',
		placeholder: 'e.g. 8',
		description: 'A version that the list does not have, as the provider writes it',
		displayOptions: { show: { version: [CUSTOM_VERSION] } },
	}),
);

/**
 * The version to send, from the two fields that make it.
 *
 * @throws NodeOperationError when Custom is chosen and not filled in
 */
export function versionFrom(from: Parameters): string | undefined {
	const chosen = from.get(version);
	if (chosen !== CUSTOM_VERSION) return chosen;
	const custom = from.get(customVersion);
	if (custom === undefined) {
		throw from.reject("'Custom Version' is empty: enter one, or choose another Version");
	}
	return custom;
}

export const watermark = optional(
	textField(200, {
		displayName: 'Watermark',
		name: 'watermark',
		default: '',
		placeholder: 'e.g. example.com',
		description: 'Text to put on the result as a watermark',
	}),
);

export const translatePrompt = optional(
	switchField({
		displayName: 'Translate Prompt',
		name: 'translatePrompt',
		default: true,
		description: 'Whether the provider translates the prompt into English first',
	}),
);

export const speed = optional(
	choiceField(
		[
			{ name: 'Fast', value: 'fast' },
			{ name: 'Relaxed', value: 'relaxed', description: 'Cheapest, may take minutes' },
			{ name: 'Turbo', value: 'turbo', description: 'Quickest, costs most' },
		] as const,
		{ displayName: 'Speed', name: 'speed', default: 'fast' },
	),
);

export const stylization = optional(
	integerField(
		{ min: 0, max: 1000 },
		{
			displayName: 'Stylization',
			name: 'stylization',
			default: 100,
			description: 'How strongly Midjourney applies its own taste, 0 to 1000 (multiples of 50)',
		},
	),
);

export const variety = optional(
	integerField(
		{ min: 0, max: 100, step: 5 },
		{
			displayName: 'Variety',
			name: 'variety',
			default: 10,
			description: 'How different the images of one task are, 0 to 100 in steps of 5',
		},
	),
);

export const weirdness = optional(
	integerField(
		{ min: 0, max: 3000 },
		{
			displayName: 'Weirdness',
			name: 'weirdness',
			default: 100,
			description: 'How unusual the images are, 0 to 3000 (multiples of 100)',
		},
	),
);

export const omniIntensity = onlyFor(
	{ mode: ['omniReference'] },
	optional(
		integerField(
			{ min: 1, max: 1000 },
			{
				displayName: 'Omni Intensity',
				name: 'omniIntensity',
				default: 100,
				description: 'How closely the result follows the reference, 1 to 1000',
			},
		),
	),
);
