import { choiceField, onlyFor } from '../Field';
import {
	aspectRatio,
	customVersion,
	imagePrompt,
	imageUrls,
	omniIntensity,
	speed,
	stylization,
	translatePrompt,
	variety,
	version,
	versionFrom,
	watermark,
	weirdness,
} from '../fields';
import type { Operation } from '../Operation';

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
			description: 'Put the character or object of an image into a new one',
		},
		{
			name: 'Style Reference',
			value: 'styleReference',
			description: 'Take over the style of an image',
		},
		{ name: 'Text to Image', value: 'textToImage', description: 'From the prompt alone' },
	] as const,
	{ displayName: 'Mode', name: 'mode', default: 'textToImage', noDataExpression: true },
);

const WITH_IMAGES = { mode: ['imageToImage', 'omniReference', 'styleReference'] };
const WITH_SPEED = { mode: ['imageToImage', 'styleReference', 'textToImage'] };

const images = onlyFor(
	WITH_IMAGES,
	imageUrls('The images to start from, to take the style of, or to take the subject of'),
);
const speedWhereItApplies = onlyFor(WITH_SPEED, speed);

/** Image → Generate: the four image task types of api-contract 1.1. */
export const generateImage: Operation = {
	resource: 'image',
	operation: 'generate',
	name: 'Generate',
	action: 'Generate image',
	description: 'Make images from a prompt, with or without reference images',
	fields: [mode, imagePrompt, images],
	additional: [
		aspectRatio,
		customVersion,
		omniIntensity,
		speedWhereItApplies,
		stylization,
		translatePrompt,
		variety,
		version,
		watermark,
		weirdness,
	],
	traits: ['submits', 'waits', 'brings'],
	intent: (from) => ({
		does: 'buy',
		request: {
			kind: 'generateImage',
			mode: from.get(mode),
			prompt: from.prompt(imagePrompt),
			imageUrls: from.get(images),
			aspectRatio: from.get(aspectRatio),
			version: versionFrom(from),
			speed: from.get(speedWhereItApplies),
			stylization: from.get(stylization),
			variety: from.get(variety),
			weirdness: from.get(weirdness),
			omniIntensity: from.get(omniIntensity),
			watermark: from.get(watermark),
			translatePrompt: from.get(translatePrompt),
		},
	}),
};
