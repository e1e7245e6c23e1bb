import type { INodePropertyOptions } from 'n8n-workflow';

import { versionName, type Version } from '../providers/language';
import type { Source, Strength } from '../providers/provider';
import { charactersIn } from '../providers/texts';
import {
	binaryField,
	binaryFields,
	byPeople,
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
	plainChoices,
	refined,
	switchField,
	textField,
	urlField,
	urlProblem,
	type Display,
	type Field,
	type Reading,
} from './field';
import type { Filled } from './operation';
import type { Parameters } from './parameters';

/**
 * The fields that operations share: one definition each, so that a value survives when the user switches to another
 * operation. Ranges and lists are those of the providers (wire.md: MidAPI generate, Vtrix models).
 */

/** In characters (wire.md: MidAPI generate, Vtrix models). */
const PROMPT_LENGTH = { midApi: 2000, vtrix: 8192 };

/** Task ids are short; a longer text is not one. */
const ID_LENGTH = 200;

/** How to write a prompt for Midjourney. */
const IN_ITS_LANGUAGE =
	'Prompt: in English, describe what the image shows instead of giving orders: the subject first, then surroundings, medium or style, light, view. To leave something out, end with --no, such as --no people. Use no other flags and no braces.';

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
	const ofLength = (max: number): Field<string> => ({
		...textField(max, display),
		forModel: IN_ITS_LANGUAGE,
	});
	return perProvider(ofLength(PROMPT_LENGTH.midApi), { vtrix: ofLength(PROMPT_LENGTH.vtrix) });
}

/** The prompt of a new image. */
export const imagePrompt = prompt(
	'Description of the image. You can add Midjourney flags such as --no text at the end, except for settings that have their own field.',
	'e.g. A porcelain teapot on a walnut table, soft window light',
);

/** The prompt of a video. */
export const videoPrompt: Field<string> = {
	...prompt(
		'What happens in the video',
		'e.g. Steam rises from the teapot, the camera moves in slowly',
	),
	forModel:
		'Prompt: in English, describe what moves in the video and how the camera moves. Use no flags and no braces.',
};

/** The prompt of an image that is made from another one. */
export const remixPrompt = prompt(
	'Full description of the new image',
	'e.g. The same teapot on a garden table, morning light',
);

/** The same prompt, where the one of the original applies without it. */
export const optionalPrompt = optional(
	prompt(
		'Full description of the new image. If empty, the prompt of the original is used.',
		'e.g. The same teapot on a garden table, morning light',
		false,
	),
);

/** Whether a prompt may stand for several tasks; the node then makes them itself. */
export const allowPermutations = byPeople(
	optional(
		switchField({
			displayName: 'Permutations',
			name: 'allowPermutations',
			default: true,
			description:
				'Whether to expand {red, green} and --repeat in the prompt into one task per combination. Each task is paid.',
		}),
	),
);

/** The file of an input item, whether it is one output or a whole task. */
export const OF_INCOMING_ITEM = '={{ $json.url ?? $json.outputs?.[0]?.url }}';

/** URLs may contain commas: a comma only separates if another URL follows. */
const URL_SEPARATOR = /[\s,]+(?=https?:\/\/)|\s*\n\s*/i;

/** @param images which images; the beginning of the description */
export const imageUrls = (images: string): Field<string[]> =>
	listField(
		{ separator: URL_SEPARATOR, check: urlProblem },
		{
			displayName: 'Image URLs',
			name: 'imageUrls',
			default: '',
			required: true,
			placeholder: 'e.g. https://example.com/teapot.png',
			// A single-line field would join pasted lines.
			typeOptions: { rows: 2 },
			description: `${images}. The provider fetches them, so they must be public. Enter one URL per line, or use an expression that returns an array.`,
		},
	);

const ofTask = textField(ID_LENGTH, {
	displayName: 'Task ID',
	name: 'taskId',
	default: '={{ $json.taskId }}',
	required: true,
	placeholder: 'e.g. 9f0c2a77b1e94d5c8a61',
	description: 'The task that made the original. Defaults to the task of the input item.',
});

/** With Vtrix the task is read before anything is submitted; without it, the job alone must do. */
const sourceTaskId: Field<string | undefined> = perProvider<string | undefined>(ofTask, {
	vtrix: optional({
		...ofTask,
		property: {
			...ofTask.property,
			required: false,
			description:
				'The task that made the original. It is read before anything is submitted. Defaults to the task of the input item. Clear this field to use a Job ID alone.',
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
				"Midjourney's own ID of the task that made the original. Defaults to the job ID of the input item. If empty, it is read from the task.",
		}),
	),
);

/**
 * The IDs of tasks that were submitted earlier.
 *
 * @param use what the operation does with them, beginning with a capital letter
 */
export const taskIdsField = (name: string, use: string): Field<string[]> => ({
	...listField(
		{
			separator: /[\s,]+/,
			check: (entry) =>
				charactersIn(entry) > ID_LENGTH
					? `contains an ID of more than ${ID_LENGTH} characters: separate several with commas or line breaks`
					: undefined,
		},
		{
			displayName: 'Task IDs',
			name,
			default: '={{ $json.taskId }}',
			required: true,
			// A single-line field would join pasted lines.
			typeOptions: { rows: 2 },
			placeholder: 'e.g. 9f0c2a77b1e94d5c8a61',
			description: `${use}, submitted earlier by any workflow with the same API key. Separate several IDs with commas or line breaks, or use an expression that returns an array.`,
		},
	),
	forModel: 'Task IDs: from earlier answers, several at once, separated by commas.',
});

/** Never chosen for the user: the wrong one of four images costs as much as the right one. */
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
					? 'Which image of the task to use, counting from 0. In a grid: 0 is top left, 1 top right, 2 bottom left, 3 bottom right.'
					: 'Which video of the task to use, counting from 0',
		},
	);
	return {
		...field,
		forModel: `Index: which ${kind} of the task is meant, counted from 0.`,
		read: (value) =>
			isUnset(value)
				? {
						problem: `is empty: enter which ${kind} of the task to use, 0 to 3 (with One Item per Output, each item has its index)`,
					}
				: field.read(value),
	};
};

/** The output that something is made from, with its fields. */
const sourceOf = (kind: 'image' | 'video') => {
	const which = index(kind);
	return {
		fields: [sourceTaskId, jobId, which],
		/** @throws NodeOperationError if there is neither a task nor a job */
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

/** The image of a finished task that an operation works on. */
export const sourceImage = sourceOf('image');
/** The video of a finished task that an operation works on. */
export const sourceVideo = sourceOf('video');

/** How far a result may differ from its source. */
export const strengthField = (initial: Strength): Field<Strength> =>
	choiceField(
		[
			{ name: 'Strong', value: 'strong', description: 'Keeps the idea, changes a lot' },
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

/** How many images of an item one request may use. */
const MOST_IMAGES = 10;

/**
 * Where images come from: the web, or binary fields of the item. In an agent's tool it is always the web, whatever was
 * chosen before, because no file reaches a tool.
 */
const imageSource = choiceField(
	[
		{
			name: 'Binary Field',
			value: 'binary',
			description: 'A file of the input item, such as a form upload',
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
	description: 'The image to use from the input item: PNG, JPEG, WebP or GIF, at most 30 MB',
};

/** An image from the web or from the item: its fields, and the address that they give. */
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
				description: `${INPUT_FIELD.description}. Separate several names with commas.`,
			}),
		),
	);
	return {
		fields: [source, onTheWeb, inItem],
		from: (entered: Parameters): string[] | undefined =>
			entered.get(inItem) ?? entered.get(onTheWeb),
	};
};

/** An image to work on, from the web or from the item. */
export const anyImage = imageFrom(
	imageUrlField('The image to work on. The provider fetches it, so it must be public.'),
);

const ASPECT_RATIOS = plainChoices<string>(
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
);

/** `field` with the choice to leave it to the provider. */
const withDefault = <T>({ property, ...field }: Field<T>): Field<T | undefined> =>
	optional({
		...field,
		property: {
			...property,
			options: [
				{ name: 'Default', value: '', description: "Use the provider's default" },
				...(property.options ?? []),
			],
		},
	});

/** The choice that allows a value that is not in the list. */
export const CUSTOM = {
	name: 'Custom',
	value: 'custom',
	description: 'A value that is not in this list',
} as const;

/** A list with the choice Custom. An expression may also have any value that `valid` accepts. */
export const openList = (
	valid: Field<string>,
	options: INodePropertyOptions[],
	display: Display,
): Field<string> => ({
	property: { ...display, type: 'options', options },
	read: (value) => (value === CUSTOM.value ? { value } : valid.read(value)),
});

/** A ratio of any two whole numbers, as Midjourney accepts it. */
export const ratioField = (display: Display): Field<string> =>
	refined(
		textField(11, display),
		(value): Reading<string> =>
			/^[1-9]\d{0,4}:[1-9]\d{0,4}$/.test(value)
				? { value }
				: { problem: `must be width:height in whole numbers, such as 16:9, not “${value}”` },
	);

const RATIO: Display = {
	displayName: 'Aspect Ratio',
	name: 'aspectRatio',
	default: '',
	description: 'Ratio of width to height',
};

/** The aspect ratio; with Vtrix any one, else one of the list. */
export const aspectRatio = perProvider(withDefault(choiceField(ASPECT_RATIOS, RATIO)), {
	vtrix: withDefault(openList(ratioField(RATIO), [...ASPECT_RATIOS, CUSTOM], RATIO)),
});

/** The aspect ratio, if Custom is chosen in the list. */
export const customAspectRatio = onlyWith(
	['vtrix'],
	onlyFor(
		aspectRatio,
		[CUSTOM.value],
		optional(
			ratioField({
				displayName: 'Custom Aspect Ratio',
				name: 'customAspectRatio',
				default: '',
				placeholder: 'e.g. 21:9',
				description: 'Ratio of width to height',
			}),
		),
	),
);

/** Reads a list, or the field beside it if Custom is chosen. Throws a NodeOperationError if that one is empty. */
const chosenOrCustom =
	(list: Field<string | undefined>, custom: Field<string | undefined>) =>
	(from: Parameters): string | undefined => {
		const chosen = from.get(list);
		if (chosen !== CUSTOM.value) return chosen;
		const own = from.get(custom);
		if (own !== undefined) return own;
		const { displayName } = list.property;
		throw from.reject(
			`'Custom ${displayName}' is empty: enter a value, or choose another ${displayName}`,
		);
	};

/** The aspect ratio to send, from its two fields. */
export const aspectRatioFrom = chosenOrCustom(aspectRatio, customAspectRatio);

/** Any version: an expression may name one that is not in the list yet. `v7` is read as 7, `Niji 6` as niji6. */
const versionField = (display: Display): Field<string> =>
	refined(textField(20, display), (entered): Reading<string> => {
		const [, niji = '', number = ''] =
			/^\s*v?\s*(niji)?\s*(\d{1,3}(?:\.\d{1,3})?)?\s*$/i.exec(entered) ?? [];
		return niji + number === ''
			? { problem: `must be a version such as 7, 6.1 or niji6, not “${entered}”` }
			: { value: niji.toLowerCase() + number };
	});

const VERSION: Display = {
	displayName: 'Version',
	name: 'version',
	default: '',
	description: 'The version of Midjourney. Defaults to the newest one that the provider offers.',
};

const versionAmong = (...versions: Version[]): Field<string | undefined> =>
	withDefault(
		openList(
			versionField(VERSION),
			[...versions.map((value) => ({ name: versionName(value), value })), CUSTOM],
			VERSION,
		),
	);

/**
 * The version of Midjourney, from a list that also offers Custom. MidAPI's page lists its versions; Vtrix gets them in
 * Midjourney's own language.
 */
export const version = perProvider(versionAmong('7', '6.1', '6', '5.2', '5.1', 'niji6'), {
	vtrix: versionAmong('8.2', '8.1', '7', '6.1', '6', '5.2', '5.1', 'niji7', 'niji6'),
});

/** The version, if Custom is chosen in the list. */
export const customVersion: Field<string | undefined> = onlyFor(
	version,
	[CUSTOM.value],
	byPeople(
		optional(
			versionField({
				displayName: 'Custom Version',
				name: 'customVersion',
				default: '',
				placeholder: 'e.g. 9',
				description: 'A version that is not in the list, such as 9 or niji8',
			}),
		),
	),
);

/** The version to send, from its two fields. */
export const versionFrom = chosenOrCustom(version, customVersion);

/** MidAPI: a text on the result. */
export const watermark = onlyWith(
	['midApi'],
	optional(
		textField(200, {
			displayName: 'Watermark',
			name: 'watermark',
			default: '',
			placeholder: 'e.g. example.com',
			description: 'Text to add to the result as a watermark',
		}),
	),
);

/** MidAPI: whether the provider translates the prompt. */
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

/** MidAPI: how soon a task starts. */
export const speed = onlyWith(
	['midApi'],
	withDefault(
		choiceField(
			[
				{ name: 'Fast', value: 'fast' },
				{ name: 'Relaxed', value: 'relaxed', description: 'Cheapest, can take several minutes' },
				{ name: 'Turbo', value: 'turbo', description: 'Fastest, costs the most' },
			] as const,
			{
				displayName: 'Speed',
				name: 'speed',
				default: '',
				description: 'How soon the task starts. Affects the price.',
			},
		),
	),
);

/** Midjourney's --stylize. */
export const stylization = optional(
	integerField(
		{ min: 0, max: 1000 },
		{
			displayName: 'Stylization',
			name: 'stylization',
			default: 100,
			description: 'How strongly Midjourney applies its own aesthetic, 0 to 1000 (multiples of 50)',
		},
	),
);

const VARIETY = {
	displayName: 'Variety',
	name: 'variety',
	default: 10,
	description: 'How much the images of a task differ from each other, 0 to 100',
};

/** Midjourney's --chaos; MidAPI only takes steps of 5. */
export const variety = optional(
	perProvider(integerField({ min: 0, max: 100, step: 5 }, VARIETY), {
		vtrix: integerField({ min: 0, max: 100 }, VARIETY),
	}),
);

/** Midjourney's --weird. */
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
