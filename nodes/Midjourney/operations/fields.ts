import type { INodePropertyOptions } from 'n8n-workflow';

import type { Source, Strength } from '../providers/provider';
import {
	binaryField,
	binaryFields,
	choiceField,
	exceptFor,
	integerField,
	isUnset,
	listField,
	NOT_IN_TOOLS,
	onlyFor,
	onlyWith,
	optional,
	perProvider,
	switchField,
	textField,
	urlField,
	urlProblem,
	type Field,
	type Display,
} from './field';
import type { Filled } from './operation';
import type { Parameters } from './parameters';

/**
 * The fields that operations share: one definition for each, so that a value survives when a user switches from one
 * operation to another. Ranges and lists are those of the providers (wire.md: MidAPI generate, Vtrix models).
 */

/** In characters (wire.md: MidAPI generate, Vtrix models). */
const PROMPT_LENGTH = { midApi: 2000, vtrix: 8192 };

/** Task ids are short; what is longer is something else. */
const ID_LENGTH = 200;

function prompt(description: string, placeholder: string, required = true): Field<string> {
	const display: Display = {
		displayName: 'Prompt',
		name: 'prompt',
		default: '',
		required,
		typeOptions: { rows: 4 },
		placeholder,
		description,
	};
	return perProvider(textField(PROMPT_LENGTH.midApi, display), {
		vtrix: textField(PROMPT_LENGTH.vtrix, display),
	});
}

export const imagePrompt = prompt(
	'What to see on the image. Midjourney flags such as --no text may stand at the end; what has a field here belongs in its field.',
	'e.g. A porcelain teapot on a walnut table, soft window light',
);

export const videoPrompt = prompt(
	'What happens in the video',
	'e.g. Steam rises from the teapot, the camera moves in slowly',
);

/** What an image is to become when it is made of another one. */
export const remixPrompt = prompt(
	'What to see on the new image, the whole of it',
	'e.g. The same teapot on a garden table, morning light',
);

export const optionalPrompt = optional(
	prompt(
		'What to see on the new image. Left empty, the prompt of the original holds.',
		'e.g. The same teapot on a garden table, morning light',
		false,
	),
);

/** Whether what Midjourney makes several tasks of is meant; the node then makes them itself. */
export const allowPermutations = optional(
	switchField({
		displayName: 'Permutations',
		name: 'allowPermutations',
		default: true,
		description:
			'Whether braces in the prompt such as {red, green} and --repeat are meant: each combination is a task of its own, and each is paid',
	}),
);

/** The file of an item that comes in, whether it stands for one output or for a whole task. */
export const OF_INCOMING_ITEM = '={{ $json.url ?? $json.outputs?.[0]?.url }}';

/** URLs may hold commas: a comma separates only where the next URL begins. */
const URL_SEPARATOR = /[\s,]+(?=https?:\/\/)|\s*\n\s*/i;

export const imageUrls = (images: string): Field<string[]> =>
	listField(
		{ separator: URL_SEPARATOR, check: urlProblem },
		{
			displayName: 'Image URLs',
			name: 'imageUrls',
			default: '',
			required: true,
			placeholder: 'e.g. https://example.com/teapot.png',
			// A field of one line would join lines that are pasted into it.
			typeOptions: { rows: 2 },
			description: `${images}. The provider fetches them, so they must be public. Several: one per line, or an expression that gives an array.`,
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

const ofTask = id(
	'taskId',
	'Task ID',
	'The task that made the original. By default the one of the incoming item.',
);

/** With Vtrix the task is looked at before anything is submitted; without it the job alone has to do. */
const sourceTaskId: Field<string | undefined> = perProvider<string | undefined>(ofTask, {
	vtrix: optional({
		...ofTask,
		property: {
			...ofTask.property,
			required: false,
			description:
				'The task that made the original; it is looked at first. By default the one of the incoming item. Empty it to work with a Job ID alone.',
		},
	}),
});

const jobId = onlyWith(
	['vtrix'],
	optional(
		textField(ID_LENGTH, {
			displayName: 'Job ID',
			name: 'jobId',
			default: '={{ $json.jobId }}',
			placeholder: 'e.g. 2af2f261-65a8-81cd-424e-42a851214aa1',
			description:
				"Midjourney's own ID of the task that made the original. By default the one of the incoming item; where it is empty, the task is asked for it.",
		}),
	),
);

export const taskId = id('taskId', 'Task ID', 'The task to look at');

/** Never chosen for the user: which of four pictures is made larger costs the same as the right one. */
const index = (kind: 'image' | 'video'): Field<number> => {
	const field = integerField(
		{ min: 0, max: 3 },
		{
			displayName: 'Index',
			name: 'index',
			default: '={{ $json.index }}',
			required: true,
			description:
				kind === 'image'
					? 'Which image of the task, counted from 0. On a grid: 0 top left, 1 top right, 2 bottom left, 3 bottom right.'
					: 'Which video of the task, counted from 0',
		},
	);
	return {
		...field,
		read: (value) =>
			isUnset(value)
				? {
						problem: `is empty: enter which ${kind} of the task is meant, 0 to 3 (items with One Item per Output bring it along)`,
					}
				: field.read(value),
	};
};

/** The output that something is made of, with its fields. */
const sourceOf = (kind: 'image' | 'video') => {
	const which = index(kind);
	return {
		fields: [sourceTaskId, jobId, which],
		/** @throws NodeOperationError when there is neither a task nor a job */
		from(entered: Parameters): Filled<Source> {
			const source = {
				taskId: entered.get(sourceTaskId),
				jobId: entered.get(jobId),
				index: entered.get(which),
			};
			if (source.taskId === undefined && source.jobId === undefined) {
				throw entered.reject("'Task ID' and 'Job ID' are both empty: enter one of them");
			}
			return source;
		},
	};
};

export const sourceImage = sourceOf('image');
export const sourceVideo = sourceOf('video');

/** How far a result may go from its source. */
export const strengthField = (initial: Strength): Field<Strength> =>
	choiceField(
		[
			{ name: 'Strong', value: 'strong', description: 'Keeps the idea, changes much' },
			{ name: 'Subtle', value: 'subtle', description: 'Keeps the composition, changes details' },
		] as const,
		{ displayName: 'Strength', name: 'strength', default: initial },
	);

/** An image from anywhere, for providers that fetch it (wire.md: Vtrix models). */
export const imageUrlField = (description: string): Field<string> =>
	urlField(
		{
			displayName: 'Image URL',
			name: 'imageUrl',
			default: OF_INCOMING_ITEM,
			required: true,
			placeholder: 'e.g. https://example.com/teapot.png',
			description,
		},
		1024,
	);

/** How many pictures of an item may go into one request. */
const MOST_IMAGES = 10;

/**
 * Where pictures come from: the web, or binary fields of the item. Of an agent's tool it is always the web, whatever was
 * chosen before, because files reach no tool.
 */
const imageSource = choiceField(
	[
		{
			name: 'Binary Field',
			value: 'binary',
			description: 'A file in the items that come in, such as the upload of a form',
		},
		{ name: 'URL', value: 'url', description: 'An address on the web' },
	] as const,
	{
		displayName: 'Image Source',
		name: 'imageSource',
		default: 'url',
		noDataExpression: true,
		displayOptions: NOT_IN_TOOLS,
	},
);

const INPUT_FIELD: Display = {
	displayName: 'Input Data Field Name',
	name: 'binaryPropertyName',
	default: 'data',
	required: true,
	placeholder: 'e.g. data',
	description: 'A picture that came in with the item: PNG, JPEG, WebP or GIF, at most 30 MB',
};

/** An image from the web or from the item: its fields, and the address that they make. */
export const imageFrom = (url: Field<string>) => {
	// Not "only with URL": where Image Source is not shown, nobody has chosen it.
	const onTheWeb = exceptFor(imageSource, ['binary'], url);
	const inItem = onlyFor(imageSource, ['binary'], binaryField(INPUT_FIELD));
	return {
		fields: [imageSource, onTheWeb, inItem],
		from: (entered: Parameters): string => entered.get(inItem) ?? entered.need(onTheWeb),
	};
};

/** Images from the web or from the item: as `imageFrom`, undefined where the fields do not apply. */
export const imagesFrom = (
	urls: Field<string[]>,
	where: <T>(field: Field<T>) => Field<T | undefined>,
) => {
	const source = where(imageSource);
	const onTheWeb = where(exceptFor(imageSource, ['binary'], urls));
	const inItem = where(
		onlyFor(
			imageSource,
			['binary'],
			binaryFields(MOST_IMAGES, {
				...INPUT_FIELD,
				placeholder: 'e.g. data, image2',
				description: `${INPUT_FIELD.description}. Several: separate their names by commas.`,
			}),
		),
	);
	return {
		fields: [source, onTheWeb, inItem],
		from: (entered: Parameters): string[] | undefined =>
			entered.get(inItem) ?? entered.get(onTheWeb),
	};
};

/** An image from anywhere, to be worked on. */
export const anyImage = imageFrom(
	imageUrlField('The image to work on; the provider fetches it, so it must be public'),
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
].map((value) => ({ name: value, value }));

/** The choice that makes room for what a list does not have. */
const CUSTOM = 'custom';

/** The choice that sends nothing. */
const DEFAULT: INodePropertyOptions = {
	name: 'Default',
	value: '',
	description: 'What the provider takes by itself',
};

const listedRatio = withDefault(
	choiceField(ASPECT_RATIOS, {
		displayName: 'Aspect Ratio',
		name: 'aspectRatio',
		default: '',
		description: 'Width to height',
	}),
);

/** Any whole numbers, as Midjourney takes them. */
export const ratioField = (display: Display): Field<string> => {
	const anyText = textField(11, display);
	return {
		...anyText,
		read(value) {
			const reading = anyText.read(value);
			return 'value' in reading && !/^[1-9]\d{0,4}:[1-9]\d{0,4}$/.test(reading.value)
				? {
						problem: `must be width to height in whole numbers such as 16:9, not “${reading.value}”`,
					}
				: reading;
		},
	};
};

/** `field` with the choice to leave it to the provider. */
function withDefault<T>(field: Field<T>): Field<T | undefined> {
	const { property } = field;
	return optional({
		...field,
		property: { ...property, options: [DEFAULT, ...(property.options ?? [])] },
	});
}

const anyRatio: Field<string> = {
	property: {
		...listedRatio.property,
		options: [
			DEFAULT,
			...ASPECT_RATIOS,
			{ name: 'Custom', value: CUSTOM, description: 'One that this list does not have' },
		],
	},
	read: (value) => (value === CUSTOM ? { value } : ratioField(listedRatio.property).read(value)),
};

export const aspectRatio = perProvider(listedRatio, { vtrix: optional(anyRatio) });

export const customAspectRatio = onlyWith(
	['vtrix'],
	onlyFor(
		aspectRatio,
		[CUSTOM],
		optional(
			ratioField({
				displayName: 'Custom Aspect Ratio',
				name: 'customAspectRatio',
				default: '',
				placeholder: 'e.g. 21:9',
				description: 'Width to height',
			}),
		),
	),
);

/**
 * The aspect ratio to send, from the two fields that make it.
 *
 * @throws NodeOperationError when Custom is chosen and not filled in
 */
export const aspectRatioFrom = (from: Parameters): string | undefined =>
	chosenOrCustom(from, aspectRatio, customAspectRatio);

function chosenOrCustom(
	from: Parameters,
	list: Field<string | undefined>,
	custom: Field<string | undefined>,
): string | undefined {
	const chosen = from.get(list);
	if (chosen !== CUSTOM) return chosen;
	const own = from.get(custom);
	if (own !== undefined) return own;
	const { displayName } = list.property;
	throw from.reject(
		`'Custom ${displayName}' is empty: enter one, or choose another ${displayName}`,
	);
}

const VERSIONS = [
	DEFAULT,
	...['7', '6.1', '6', '5.2', '5.1'].map((value) => ({ name: value, value })),
	{ name: 'Niji 6', value: 'niji6' },
	{ name: 'Custom', value: CUSTOM, description: 'One that this list does not have' },
];

/** Of whatever number: an expression may name a version that no list knows yet. `v7` is read as 7, `Niji 6` as niji6. */
function versionField(display: Display): Field<string> {
	const anyText = textField(20, display);
	return {
		...anyText,
		read(value) {
			const reading = anyText.read(value);
			if ('problem' in reading) return reading;
			const [, niji = '', number = ''] =
				/^\s*v?\s*(niji)?\s*(\d{1,3}(?:\.\d{1,3})?)?\s*$/i.exec(reading.value) ?? [];
			return niji + number === ''
				? {
						problem: `must be a version such as 7, 6.1 or niji6, not “${reading.value}”`,
					}
				: { value: niji.toLowerCase() + number };
		},
	};
}

const listedVersion = versionField({ displayName: 'Version', name: 'version', default: '' });

export const version: Field<string | undefined> = optional({
	read: (value) => (value === CUSTOM ? { value } : listedVersion.read(value)),
	property: {
		displayName: 'Version',
		name: 'version',
		type: 'options',
		default: '',
		description: 'The Midjourney model; by default the newest that the provider has',
		options: VERSIONS,
	},
});

export const customVersion: Field<string | undefined> = onlyFor(
	version,
	[CUSTOM],
	optional(
		versionField({
			displayName: 'Custom Version',
			name: 'customVersion',
			default: '',
			placeholder: 'e.g. 8',
			description: 'A version that the list does not have, such as 8.1 or niji7',
		}),
	),
);

/**
 * The version to send, from the two fields that make it.
 *
 * @throws NodeOperationError when Custom is chosen and not filled in
 */
export const versionFrom = (from: Parameters): string | undefined =>
	chosenOrCustom(from, version, customVersion);

export const watermark = onlyWith(
	['midApi'],
	optional(
		textField(200, {
			displayName: 'Watermark',
			name: 'watermark',
			default: '',
			placeholder: 'e.g. example.com',
			description: 'Text to put on the result as a watermark',
		}),
	),
);

export const translatePrompt = onlyWith(
	['midApi'],
	optional(
		switchField({
			displayName: 'Translate Prompt',
			name: 'translatePrompt',
			default: true,
			description: 'Whether the provider translates the prompt into English first',
		}),
	),
);

export const speed = onlyWith(
	['midApi'],
	withDefault(
		choiceField(
			[
				{ name: 'Fast', value: 'fast' },
				{ name: 'Relaxed', value: 'relaxed', description: 'Cheapest, may take minutes' },
				{ name: 'Turbo', value: 'turbo', description: 'Quickest, costs most' },
			] as const,
			{
				displayName: 'Speed',
				name: 'speed',
				default: '',
				description: 'How soon the task begins, and what it costs',
			},
		),
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

const VARIETY = {
	displayName: 'Variety',
	name: 'variety',
	default: 10,
	description: 'How different the images of one task are, 0 to 100',
};

export const variety = optional(
	perProvider(integerField({ min: 0, max: 100, step: 5 }, VARIETY), {
		vtrix: integerField({ min: 0, max: 100 }, VARIETY),
	}),
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
