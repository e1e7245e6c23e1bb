import type {
	Anchor,
	CanvasRule,
	EditImage,
	InpaintImage,
	Layout,
	Mask,
	Rectangle,
	Size,
	TaskRequest,
	UploadPaintImage,
} from '../../providers/provider';

/** Where an image lies on a canvas, and which part of it a mask covers, once its size is known. Geometry, in px. */

/**
 * The longest side of canvas and image, in px. No documentation gives a limit for the canvas; this is the one for images
 * (wire.md: Vtrix masks).
 */
export const LONGEST_SIDE = 4096;

/** The shortest side of an image that areas are measured on, in px. */
export const SHORTEST_SIDE = 500;

/** The requests that may depend on the size of an image. */
export type ForSize = EditImage | InpaintImage | UploadPaintImage;

/** Whether a request still lacks the size of its image. */
export const lacksSize = (request: TaskRequest): request is ForSize =>
	('rule' in request && request.rule !== undefined) ||
	('mask' in request &&
		request.mask !== undefined &&
		'polygons' in request.mask &&
		request.mask.size === undefined);

/**
 * Completes a request for an image of this size.
 *
 * @returns the request as it is to be sent, or why canvas, mask and image do not fit: a sentence without its full stop
 */
export function withSize(
	request: ForSize,
	size: Size,
): { request: TaskRequest } | { problem: string } {
	if (request.kind === 'inpaintImage') {
		const mask = sizedMask(request.mask, size);
		return 'problem' in mask ? mask : { request: { ...request, mask } };
	}
	const mask = request.mask && sizedMask(request.mask, size);
	if (mask && 'problem' in mask) return mask;
	const { rule, ...rest } = request;
	const layout = rule && laidOut(rule, size);
	const problem =
		layout &&
		(layoutProblem(layout) ?? (!mask && isCovered(layout) ? NOTHING_TO_PAINT : undefined));
	return problem === undefined
		? { request: { ...rest, ...layout, ...(mask && { mask }) } }
		: { problem };
}

const NOTHING_TO_PAINT =
	'The canvas is as large as the image and there is no mask, so there is nothing to paint: choose another canvas, or a Mask';

/** The canvas that a rule makes for an image of this size, and the position of the image on it. */
function laidOut(rule: CanvasRule, image: Size): Layout {
	if ('canvas' in rule) {
		const { canvas, x, y } = rule;
		return { canvas, imagePosition: { ...image, x, y } };
	}
	const canvas =
		'aspectRatio' in rule
			? smallestOf(rule.aspectRatio, image)
			: {
					width: grown(image.width, rule.moreWidth),
					height: grown(image.height, rule.moreHeight),
				};
	return { canvas, imagePosition: placed(image, canvas, rule.anchor) };
}

const grown = (length: number, percent: number): number => Math.round(length * (1 + percent / 100));

/** The smallest canvas with this aspect ratio that holds the whole image. */
export function smallestOf(ratio: string, { width, height }: Size): Size {
	const [across = 1, down = 1] = ratio.split(':').map(Number);
	return width * down >= height * across
		? { width, height: Math.round((width * down) / across) }
		: { width: Math.round((height * across) / down), height };
}

/** Which part of the free room lies to the left of the image, and which above it. */
const ANCHORS: Record<Anchor, readonly [left: number, above: number]> = {
	bottom: [0.5, 1],
	bottomLeft: [0, 1],
	bottomRight: [1, 1],
	center: [0.5, 0.5],
	left: [0, 0.5],
	right: [1, 0.5],
	top: [0.5, 0],
	topLeft: [0, 0],
	topRight: [1, 0],
};

/** The position of an image on a canvas, with the free room on the sides away from the anchor. */
export function placed(image: Size, canvas: Size, at: Anchor): Rectangle {
	const [left, above] = ANCHORS[at];
	return {
		...image,
		x: Math.round((canvas.width - image.width) * left),
		y: Math.round((canvas.height - image.height) * above),
	};
}

function layoutProblem({ canvas, imagePosition }: Layout): string | undefined {
	const { width, height } = canvas;
	const { x, y, ...image } = imagePosition;
	if (width > LONGEST_SIDE || height > LONGEST_SIDE) {
		return `The canvas would have ${width} × ${height} px, but a side can have at most ${LONGEST_SIDE}: enter a smaller Image Width and Image Height in the same ratio, or let the image grow less`;
	}
	return x >= width || y >= height || x + image.width <= 0 || y + image.height <= 0
		? `The image (${image.width} × ${image.height} px at ${x}, ${y}) lies entirely outside the canvas (${width} × ${height} px): change Image X, Image Y or the sizes`
		: undefined;
}

/** Whether the image covers the whole canvas. */
const isCovered = ({ canvas, imagePosition: { x, y, width, height } }: Layout): boolean =>
	x <= 0 && y <= 0 && x + width >= canvas.width && y + height >= canvas.height;

function sizedMask(mask: Mask, size: Size): Mask | { problem: string } {
	if ('url' in mask) return mask;
	const { width, height } = size;
	if ([width, height].some((side) => side < SHORTEST_SIDE || side > LONGEST_SIDE)) {
		return {
			problem: `Areas need an Image Width and an Image Height from ${SHORTEST_SIDE} to ${LONGEST_SIDE}, not ${width} × ${height}`,
		};
	}
	for (const [position, polygon] of mask.polygons.entries()) {
		const outside = pairs(polygon).find(([x, y]) => x < 0 || y < 0 || x > width || y > height);
		if (outside) {
			return {
				problem: `Area ${position + 1} of the mask has the point ${outside.join(',')} outside the image (${width} × ${height} px)`,
			};
		}
	}
	return { ...mask, size };
}

/** The corners of a polygon that is given as x, y, x, y, …. */
export const pairs = (polygon: readonly number[]): Array<[number, number]> =>
	polygon.flatMap(
		(x, position): Array<[number, number]> =>
			position % 2 === 0 ? [[x, polygon[position + 1] ?? 0]] : [],
	);

/** Midjourney's usual sizes (versions 5 to 7), in px, by aspect ratio. */
const USUAL: Readonly<Record<string, Size>> = {
	'1:1': { width: 1024, height: 1024 },
	'2:3': { width: 896, height: 1344 },
	'3:2': { width: 1344, height: 896 },
	'3:4': { width: 928, height: 1232 },
	'4:3': { width: 1232, height: 928 },
	'9:16': { width: 816, height: 1456 },
	'16:9': { width: 1456, height: 816 },
};

/** The usual size of an image for the aspect ratio in its prompt; undefined if it asks for none, or for another one. */
export function usualSize(prompt: string): Size | undefined {
	const [, ratio = ''] = /(?:--|[–—])(?:ar|aspect)\s*(\d+:\d+)(?![\d.])/i.exec(prompt) ?? [];
	return USUAL[ratio];
}
