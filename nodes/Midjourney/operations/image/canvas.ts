import type { Layout, Rectangle, Size } from '../../providers/Provider';
import { choiceField, integerField, numberField, onlyFor, type Field } from '../Field';
import { ratioField } from '../fields';
import type { Parameters } from '../Parameters';

/** Where an image lies on the canvas of Edit and Upload Paint: entered in pixels, or computed. */

/** Of canvas and image, in px. The contract has no limit for the canvas; this is the one for images (2.4). */
const LONGEST_SIDE = 4096;

const canvasMode = choiceField(
	[
		{ name: 'Exact Pixels', value: 'exact', description: 'Enter all sizes and the position' },
		{
			name: 'Fit',
			value: 'fit',
			description: 'Say how the picture is to grow; the pixels are computed',
		},
	] as const,
	{ displayName: 'Canvas', name: 'canvasMode', default: 'fit', noDataExpression: true },
);
const FIT = { canvasMode: ['fit'] };
const EXACT = { canvasMode: ['exact'] };

const pixels = (displayName: string, name: string, initial: number, description: string) =>
	integerField(
		{ min: 1, max: LONGEST_SIDE },
		{ displayName, name, default: initial, required: true, description },
	);
const imageWidth = pixels(
	'Image Width',
	'imageWidth',
	1024,
	'Of the image as it lies on the canvas, in pixels; usually its own. Midjourney makes 1024 × 1024 with 1:1 and 1456 × 816 with 16:9, for instance.',
);
const imageHeight = pixels(
	'Image Height',
	'imageHeight',
	1024,
	'Of the image as it lies on the canvas, in pixels; usually its own. Midjourney makes 1024 × 1024 with 1:1 and 1456 × 816 with 16:9, for instance.',
);

const canvasFit = onlyFor(
	FIT,
	choiceField(
		[
			{
				name: 'Aspect Ratio',
				value: 'aspectRatio',
				description: 'The smallest canvas of this ratio that holds the whole image',
			},
			{ name: 'Margins', value: 'margins', description: 'The image, and so much more around it' },
		] as const,
		{ displayName: 'Fit To', name: 'canvasFit', default: 'aspectRatio', noDataExpression: true },
	),
);
const canvasRatio = onlyFor(
	{ ...FIT, canvasFit: ['aspectRatio'] },
	ratioField({
		displayName: 'Canvas Aspect Ratio',
		name: 'canvasAspectRatio',
		default: '16:9',
		required: true,
		placeholder: 'e.g. 16:9',
		description: 'Width to height of the new picture',
	}),
);
const margin = (displayName: string, name: string, initial: number, description: string) =>
	onlyFor(
		{ ...FIT, canvasFit: ['margins'] },
		numberField({ min: 0, max: 300 }, { displayName, name, default: initial, description }),
	);
const moreWidth = margin(
	'More Width (%)',
	'moreWidth',
	50,
	'How much wider than the image, in percent of its width; both sides together',
);
const moreHeight = margin(
	'More Height (%)',
	'moreHeight',
	0,
	'How much higher than the image, in percent of its height; above and below together',
);

/** Which part of the free room lies left of and above the image. */
const ANCHORS = {
	bottom: [0.5, 1],
	bottomLeft: [0, 1],
	bottomRight: [1, 1],
	center: [0.5, 0.5],
	left: [0, 0.5],
	right: [1, 0.5],
	top: [0.5, 0],
	topLeft: [0, 0],
	topRight: [1, 0],
} as const;

const anchor = onlyFor(
	FIT,
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
			description: 'Where on the canvas the image stands; the free room is on the other sides',
		},
	),
);

const exactly = <T>(field: Field<T>) => onlyFor(EXACT, field);
const canvasWidth = exactly(
	pixels('Canvas Width', 'canvasWidth', 1536, 'Of the new picture, in pixels'),
);
const canvasHeight = exactly(
	pixels('Canvas Height', 'canvasHeight', 1024, 'Of the new picture, in pixels'),
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
	'From the left edge of the canvas to that of the image, in pixels; negative cuts the image off',
);
const imageY = position(
	'Image Y',
	'imageY',
	0,
	'From the upper edge of the canvas to that of the image, in pixels; negative cuts the image off',
);

export interface LaidOut {
	layout: Layout;
	/** The image as it lies there, which a mask refers to. */
	imageSize: Size;
	/** The image covers the canvas. */
	nothingToPaint: boolean;
}

/** The fields of a canvas, and the layout that they make. */
export const layout = {
	fields: [
		canvasMode,
		canvasFit,
		canvasRatio,
		moreWidth,
		moreHeight,
		anchor,
		canvasWidth,
		canvasHeight,
		imageWidth,
		imageHeight,
		imageX,
		imageY,
	],
	/** @throws NodeOperationError when the image does not lie on the canvas, or the canvas becomes too large */
	from(entered: Parameters): LaidOut {
		const imageSize = { width: entered.get(imageWidth), height: entered.get(imageHeight) };
		const { canvas, imagePosition } =
			entered.get(canvasMode) === 'fit' ? fitted(entered, imageSize) : exact(entered, imageSize);
		const { width, height } = canvas;
		if (width > LONGEST_SIDE || height > LONGEST_SIDE) {
			throw entered.reject(
				`The canvas would have ${width} × ${height} px, at most ${LONGEST_SIDE} are possible on a side: enter a smaller Image Width and Image Height in the same ratio, or let the picture grow less`,
			);
		}
		const { x, y } = imagePosition;
		if (x >= width || y >= height || x + imageSize.width <= 0 || y + imageSize.height <= 0) {
			throw entered.reject(
				`The image (${imageSize.width} × ${imageSize.height} px at ${x}, ${y}) lies entirely outside of the canvas (${width} × ${height} px): change Image X, Image Y or the sizes`,
			);
		}
		return {
			layout: { canvas, imagePosition },
			imageSize,
			nothingToPaint:
				x <= 0 && y <= 0 && x + imageSize.width >= width && y + imageSize.height >= height,
		};
	},
};

const exact = (entered: Parameters, imageSize: Size): Layout => ({
	canvas: { width: entered.get(canvasWidth) ?? 0, height: entered.get(canvasHeight) ?? 0 },
	imagePosition: { ...imageSize, x: entered.get(imageX) ?? 0, y: entered.get(imageY) ?? 0 },
});

function fitted(entered: Parameters, imageSize: Size): Layout {
	const canvas =
		entered.get(canvasFit) === 'margins'
			? {
					width: grown(imageSize.width, entered.get(moreWidth) ?? 0),
					height: grown(imageSize.height, entered.get(moreHeight) ?? 0),
				}
			: smallestOf(entered.get(canvasRatio) ?? '1:1', imageSize);
	return { canvas, imagePosition: placed(imageSize, canvas, entered.get(anchor) ?? 'center') };
}

const grown = (length: number, percent: number): number => Math.round(length * (1 + percent / 100));

/** The smallest canvas of a ratio that holds the whole image. */
export function smallestOf(ratio: string, { width, height }: Size): Size {
	const [across = 1, down = 1] = ratio.split(':').map(Number);
	return width * down >= height * across
		? { width, height: Math.round((width * down) / across) }
		: { width: Math.round((height * across) / down), height };
}

/** An image on a canvas, with the free room on the sides away from the anchor. */
export function placed(image: Size, canvas: Size, at: keyof typeof ANCHORS): Rectangle {
	const [left, above] = ANCHORS[at];
	return {
		...image,
		x: Math.round((canvas.width - image.width) * left),
		y: Math.round((canvas.height - image.height) * above),
	};
}
