import type { CanvasRule, LayoutOrRule } from '../../providers/provider';
import { LONGEST_SIDE } from '../../tasks/submit/layout';
import { choiceField, integerField, numberField, onlyFor, type Field } from '../field';
import { ratioField } from '../fields';
import type { Filled } from '../operation';
import type { Parameters } from '../parameters';

/** The canvas of Edit and Upload Paint: entered in pixels, or computed from the size of the image. */

const canvasMode = choiceField(
	[
		{
			name: 'Exact Pixels',
			value: 'exact',
			description: 'Enter the size of the canvas and the position of the image',
		},
		{
			name: 'Fit',
			value: 'fit',
			description: 'Say how the image should grow, and let the node compute the pixels',
		},
	] as const,
	{ displayName: 'Canvas', name: 'canvasMode', default: 'fit', noDataExpression: true },
);
const toFit = <T>(field: Field<T>) => onlyFor(canvasMode, ['fit'], field);
const exactly = <T>(field: Field<T>) => onlyFor(canvasMode, ['exact'], field);

const pixels = (displayName: string, name: string, initial: number, description: string) =>
	integerField(
		{ min: 1, max: LONGEST_SIDE },
		{ displayName, name, default: initial, required: true, description },
	);

const canvasFit = toFit(
	choiceField(
		[
			{
				name: 'Aspect Ratio',
				value: 'aspectRatio',
				description: 'The smallest canvas of this ratio that holds the whole image',
			},
			{ name: 'Margins', value: 'margins', description: 'The image with extra space around it' },
		] as const,
		{ displayName: 'Fit To', name: 'canvasFit', default: 'aspectRatio', noDataExpression: true },
	),
);
const toFitTo = <T>(fit: 'aspectRatio' | 'margins', field: Field<T>) =>
	toFit(onlyFor(canvasFit, [fit], field));
const canvasRatio = toFitTo(
	'aspectRatio',
	ratioField({
		displayName: 'Canvas Aspect Ratio',
		name: 'canvasAspectRatio',
		default: '16:9',
		required: true,
		placeholder: 'e.g. 16:9',
		description: 'Ratio of width to height of the new image',
	}),
);
const margin = (displayName: string, name: string, initial: number, description: string) =>
	toFitTo(
		'margins',
		numberField(
			{ min: 0, max: 300 },
			{ displayName, name, default: initial, required: true, description },
		),
	);
const moreWidth = margin(
	'Extra Width (%)',
	'moreWidth',
	50,
	'Extra space to the left and right together, in percent of the image width',
);
const moreHeight = margin(
	'Extra Height (%)',
	'moreHeight',
	0,
	'Extra space above and below together, in percent of the image height',
);

const anchor = toFit(
	choiceField(
		[
			{ name: 'Bottom', value: 'bottom' },
			{ name: 'Bottom Left', value: 'bottomLeft' },
			{ name: 'Bottom Right', value: 'bottomRight' },
			{ name: 'Center', value: 'center' },
			{ name: 'Left', value: 'left' },
			{ name: 'Right', value: 'right' },
			{ name: 'Top', value: 'top' },
			{ name: 'Top Left', value: 'topLeft' },
			{ name: 'Top Right', value: 'topRight' },
		] as const,
		{
			displayName: 'Anchor',
			name: 'anchor',
			default: 'center',
			description: 'Where to place the image on the canvas. The free space is on the other sides.',
		},
	),
);

const canvasWidth = exactly(
	pixels('Canvas Width', 'canvasWidth', 1536, 'Width of the new image, in pixels'),
);
const canvasHeight = exactly(
	pixels('Canvas Height', 'canvasHeight', 1024, 'Height of the new image, in pixels'),
);
const position = (displayName: string, name: string, initial: number, description: string) =>
	exactly(
		integerField(
			{ min: -LONGEST_SIDE, max: LONGEST_SIDE },
			{ displayName, name, default: initial, required: true, description },
		),
	);
const imageX = position(
	'Image X',
	'imageX',
	256,
	'Distance from the left edge of the canvas to that of the image, in pixels. A negative value crops the image.',
);
const imageY = position(
	'Image Y',
	'imageY',
	0,
	'Distance from the top edge of the canvas to that of the image, in pixels. A negative value crops the image.',
);

/** The fields of a canvas, and the rule they result in. */
export const canvas = {
	fields: [
		canvasMode,
		canvasFit,
		canvasRatio,
		moreWidth,
		moreHeight,
		anchor,
		canvasWidth,
		canvasHeight,
		imageX,
		imageY,
	],
	/** @returns the rule; it gives canvas and position once the size of the image is known */
	from: (entered: Parameters): Filled<LayoutOrRule> => ({
		rule: ruleFrom(entered),
		canvas: undefined,
		imagePosition: undefined,
	}),
};

function ruleFrom(entered: Parameters): CanvasRule {
	if (entered.get(canvasMode) === 'exact') {
		return {
			canvas: { width: entered.need(canvasWidth), height: entered.need(canvasHeight) },
			x: entered.need(imageX),
			y: entered.need(imageY),
		};
	}
	const at = entered.need(anchor);
	return entered.need(canvasFit) === 'margins'
		? { moreWidth: entered.need(moreWidth), moreHeight: entered.need(moreHeight), anchor: at }
		: { aspectRatio: entered.need(canvasRatio), anchor: at };
}
