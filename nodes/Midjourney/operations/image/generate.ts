import type { GenerateImage } from '../../providers/provider';
import {
	binaryField,
	binaryFields,
	byPeople,
	choiceField,
	exceptFor,
	integerField,
	listField,
	numberField,
	onlyFor,
	onlyWith,
	optional,
	perProvider,
	plainChoices,
	switchField,
	textField,
	urlField,
	urlProblem,
	type Field,
} from '../field';
import {
	allowPermutations,
	aspectRatio,
	aspectRatioFrom,
	customAspectRatio,
	customVersion,
	imagePrompt,
	imagesFrom,
	imageUrls,
	speed,
	stylization,
	translatePrompt,
	variety,
	version,
	versionFrom,
	watermark,
	weirdness,
} from '../fields';
import type { Filled, Operation } from '../operation';
import type { Parameters } from '../parameters';
import { permutationsOf } from '../permutations';

const mode = choiceField(
	[
		{
			name: 'Image to Image',
			value: 'imageToImage',
			description: 'Start from one or more images',
		},
		{
			name: 'Omni Reference',
			value: 'omniReference',
			description: 'Put the character or object from an image into a new one',
		},
		{
			name: 'Style Reference',
			value: 'styleReference',
			description: 'Use the style of one or more images',
		},
		{ name: 'Text to Image', value: 'textToImage', description: 'Use the prompt alone' },
	] as const,
	{ displayName: 'Mode', name: 'mode', default: 'textToImage', noDataExpression: true },
);

const images = imagesFrom(
	imageUrls(
		'URLs of the images that provide the starting point, the style or the subject, depending on the mode',
	),
	(field) => onlyFor(mode, ['imageToImage', 'omniReference', 'styleReference'], field),
);
const speedWhereItApplies = onlyFor(mode, ['imageToImage', 'styleReference', 'textToImage'], speed);

const intensity = optional(
	integerField(
		{ min: 1, max: 1000 },
		{
			displayName: 'Omni Intensity',
			name: 'omniIntensity',
			default: 100,
			description: 'How closely the result follows the omni reference, 1 to 1000',
		},
	),
);

/** Vtrix also has a field for the reference, so there the intensity applies in every mode. */
const omniIntensity = perProvider(onlyFor(mode, ['omniReference'], intensity), {
	vtrix: intensity,
});

/** A setting with a Midjourney flag that MidAPI has no field for. */
const asFlag = <T>(field: Field<T>) => onlyWith(['vtrix'], optional(field));
/** The same, except in the mode that is for it. */
const unlessInMode = <T>(own: 'omniReference' | 'styleReference', field: Field<T>) =>
	exceptFor(mode, [own], asFlag(field));

const draft = asFlag(
	switchField({
		displayName: 'Draft',
		name: 'draft',
		default: true,
		description: 'Whether to generate faster, cheaper images of lower quality (--draft)',
	}),
);
const exclude = asFlag(
	textField(1000, {
		displayName: 'Exclude',
		name: 'exclude',
		default: '',
		placeholder: 'e.g. text, watermark',
		description: 'What the image must not show, separated by commas (--no)',
	}),
);
const experimental = asFlag(
	integerField(
		{ min: 0, max: 100 },
		{
			displayName: 'Experimental',
			name: 'experimental',
			default: 10,
			description: 'How much detail and drama to add, 0 to 100; from version 7 on (--exp)',
		},
	),
);
const hd = asFlag(
	byPeople(
		switchField({
			displayName: 'HD',
			name: 'hd',
			default: true,
			description:
				'Whether to make images of 2048 px, at a higher price; from version 8.1 on (--hd)',
		}),
	),
);
const imageQuality = asFlag(
	choiceField(plainChoices(0.25, 0.5, 1, 2, 4), {
		displayName: 'Quality',
		name: 'imageQuality',
		default: 1,
		description: 'Rendering effort. The supported values depend on the version (--q).',
	}),
);
const imageWeight = onlyFor(
	mode,
	['imageToImage'],
	asFlag(
		numberField(
			{ min: 0, max: 3 },
			{
				displayName: 'Image Weight',
				name: 'imageWeight',
				default: 1,
				description: 'Weight of the images relative to the text, 0 to 3 (--iw)',
			},
		),
	),
);
const omniReference = unlessInMode(
	'omniReference',
	urlField({
		displayName: 'Omni Reference URL',
		name: 'omniReference',
		default: '',
		placeholder: 'e.g. https://example.com/teapot.png',
		description: 'An image whose character or object should appear (--oref)',
	}),
);
const omniReferenceField = unlessInMode(
	'omniReference',
	binaryField({
		displayName: 'Omni Reference Field Name',
		name: 'omniReferenceField',
		default: 'data',
		placeholder: 'e.g. data',
		description: 'A binary field with an image whose character or object should appear (--oref)',
	}),
);
const personalization = asFlag(
	listField(
		{
			separator: /[\s,]+/,
			check: (entry) =>
				/^[a-z0-9]{1,40}$/i.test(entry) ? undefined : `holds “${entry}”, which is no code`,
		},
		{
			displayName: 'Personalization',
			name: 'personalization',
			default: '',
			placeholder: 'e.g. 4gz7xkq',
			description: 'Codes of profiles or moodboards whose taste to follow; from version 6 on (--p)',
		},
	),
);
const raw = asFlag(
	switchField({
		displayName: 'Raw',
		name: 'raw',
		default: true,
		description: "Whether to reduce Midjourney's own aesthetic (--raw)",
	}),
);
const seed = asFlag(
	integerField(
		{ min: 0, max: 4_294_967_295 },
		{
			displayName: 'Seed',
			name: 'seed',
			default: 0,
			description: 'The same seed and prompt give similar images (--seed)',
		},
	),
);
/** The weight of a style among others. */
const WEIGHT = /::\d+(\.\d+)?$/;

const styleReferences = unlessInMode(
	'styleReference',
	listField(
		{
			separator: /[\s,]+/,
			check: (entry) => {
				const style = entry.replace(WEIGHT, '');
				return /^(\d+|random)$/.test(style) ? undefined : urlProblem(style);
			},
		},
		{
			displayName: 'Style References',
			name: 'styleReferences',
			default: '',
			placeholder: 'e.g. https://example.com/style.png',
			typeOptions: { rows: 2 },
			description:
				'URLs of images whose style to use, or style codes (--sref). Each can have a weight, such as 123::2.',
		},
	),
);
const styleReferenceFields = unlessInMode(
	'styleReference',
	binaryFields(10, {
		displayName: 'Style Reference Field Names',
		name: 'styleReferenceFields',
		default: 'data',
		placeholder: 'e.g. data, image2',
		description:
			'Binary fields with images whose style to use (--sref), in addition to Style References',
	}),
);
const styleVersion = asFlag(
	choiceField(plainChoices(1, 2, 3, 4, 5, 6, 7), {
		displayName: 'Style Version',
		name: 'styleVersion',
		default: 6,
		description:
			'How style references are read; which values there are depends on the version (--sv)',
	}),
);
const styleWeight = asFlag(
	integerField(
		{ min: 0, max: 1000 },
		{
			displayName: 'Style Weight',
			name: 'styleWeight',
			default: 100,
			description: 'Weight of the style references, 0 to 1000 (--sw)',
		},
	),
);
const tile = asFlag(
	switchField({
		displayName: 'Tile',
		name: 'tile',
		default: true,
		description: 'Whether to generate images that repeat seamlessly as tiles (--tile)',
	}),
);

/** @throws NodeOperationError when there are two */
function omniReferenceFrom(from: Parameters): string | undefined {
	const [url, inItem] = [from.get(omniReference), from.get(omniReferenceField)];
	if (url !== undefined && inItem !== undefined) {
		const names = [omniReference, omniReferenceField].map(({ property }) => property.displayName);
		throw from.reject(`'${names.join("' and '")}' are both set: remove one of them`);
	}
	return url ?? inItem;
}

function styleReferencesFrom(from: Parameters): string[] | undefined {
	const entered = [from.get(styleReferences), from.get(styleReferenceFields)];
	const all = entered.flatMap((references) => references ?? []);
	return all.length > 0 ? all : undefined;
}

/**
 * The prompts that the prompt stands for; a single one unless permutations are allowed.
 *
 * @throws NodeOperationError if there are too many, or one is invalid
 */
function promptsFrom(from: Parameters): string[] {
	const prompt = from.get(imagePrompt);
	if (!from.get(allowPermutations)) return [prompt];
	const found = permutationsOf(prompt);
	if ('problem' in found)
		throw from.reject(`'${imagePrompt.property.displayName}' ${found.problem}`);
	return found.value;
}

/** Image → Generate (wire.md: MidAPI generate, Vtrix models). */
export const generateImage: Operation = {
	resource: 'image',
	operation: 'generate',
	name: 'Generate',
	action: 'Generate image',
	description: 'Generate images from a prompt, with or without reference images',
	toldApartBy: mode,
	fields: [
		mode,
		imagePrompt,
		...images.fields,
		aspectRatio,
		customAspectRatio,
		version,
		customVersion,
		speedWhereItApplies,
	],
	style: [
		experimental,
		imageWeight,
		omniIntensity,
		omniReferenceField,
		omniReference,
		personalization,
		raw,
		styleReferenceFields,
		styleReferences,
		styleVersion,
		styleWeight,
		stylization,
		tile,
		variety,
		weirdness,
	],
	additional: [
		draft,
		exclude,
		hd,
		allowPermutations,
		imageQuality,
		seed,
		translatePrompt,
		watermark,
	],
	does: 'submit',
	kind: 'generateImage',
	request: (from) => {
		const request: Omit<Filled<GenerateImage>, 'prompt'> = {
			kind: 'generateImage',
			mode: from.get(mode),
			imageUrls: images.from(from),
			aspectRatio: aspectRatioFrom(from),
			version: versionFrom(from),
			speed: from.get(speedWhereItApplies),
			stylization: from.get(stylization),
			variety: from.get(variety),
			weirdness: from.get(weirdness),
			omniIntensity: from.get(omniIntensity),
			watermark: from.get(watermark),
			translatePrompt: from.get(translatePrompt),
			draft: from.get(draft),
			exclude: from.get(exclude),
			experimental: from.get(experimental),
			hd: from.get(hd),
			imageQuality: from.get(imageQuality),
			imageWeight: from.get(imageWeight),
			omniReference: omniReferenceFrom(from),
			personalization: from.get(personalization),
			raw: from.get(raw),
			seed: from.get(seed),
			styleReferences: styleReferencesFrom(from),
			styleVersion: from.get(styleVersion),
			styleWeight: from.get(styleWeight),
			tile: from.get(tile),
		};
		return promptsFrom(from).map((prompt) => ({ ...request, prompt }));
	},
};
