import type { INodeProperties } from 'n8n-workflow';

import { isRecord, text } from '../../providers/json';
import type { Mask } from '../../providers/provider';
import { pairs } from '../../tasks/submit/layout';
import {
	binaryField,
	choiceField,
	jsonField,
	NOT_IN_TOOLS,
	onlyFor,
	urlField,
	type Field,
	type Reading,
} from '../field';
import type { Parameters } from '../parameters';

/** The parts of an image that Edit, Inpaint and Upload Paint repaint (wire.md: Vtrix masks). */

const KINDS = [
	{ name: 'Areas', value: 'areas', description: 'Rectangles and polygons on the image' },
	{
		name: 'Areas as JSON',
		value: 'json',
		description: 'The same areas as a JSON list, for example from a model that detects objects',
	},
	{
		name: 'Image in Binary Field',
		value: 'binary',
		description: 'A black and white image from the input item: the white parts are painted again',
		displayOptions: NOT_IN_TOOLS,
	},
	{
		name: 'Mask URL',
		value: 'url',
		description: 'A black and white image whose white parts are repainted',
	},
] as const;
const NONE = {
	name: 'None',
	value: 'none',
	description: 'Paint only the empty parts of the canvas',
} as const;
const DISPLAY = { displayName: 'Mask', name: 'mask', noDataExpression: true };

/** The kind of a mask, where a mask is required. */
export const maskKind = choiceField(KINDS, { ...DISPLAY, default: 'areas' });
const kindOrNone = choiceField([...KINDS, NONE], { ...DISPLAY, default: 'none' });

const url = onlyFor(
	kindOrNone,
	['url'],
	urlField({
		displayName: 'Mask URL',
		name: 'maskUrl',
		default: '',
		required: true,
		placeholder: 'e.g. https://example.com/mask.png',
		description: 'A black and white image of the same size. The white parts are repainted.',
	}),
);

const inItem = onlyFor(
	kindOrNone,
	['binary'],
	binaryField({
		displayName: 'Mask Field Name',
		name: 'maskField',
		default: 'mask',
		required: true,
		placeholder: 'e.g. mask',
		description:
			'A binary field with an image as large as the original; its white parts are painted again',
	}),
);

const number = (displayName: string, name: string, initial: number): INodeProperties => ({
	displayName,
	name,
	type: 'number',
	default: initial,
	typeOptions: { numberPrecision: 0 },
});

const areas = onlyFor(kindOrNone, ['areas'], {
	property: {
		displayName: 'Areas',
		name: 'maskAreas',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true },
		placeholder: 'Add Area',
		default: {},
		description: 'Areas to repaint, in pixels from the top left corner of the image',
		options: [
			{
				displayName: 'Polygon',
				name: 'polygon',
				values: [
					{
						displayName: 'Points',
						name: 'points',
						type: 'string',
						default: '',
						placeholder: 'e.g. 100,100 600,100 350,500',
						description: 'At least three points, each as x,y',
					},
				],
			},
			{
				displayName: 'Rectangle',
				name: 'rectangle',
				values: [
					number('X', 'x', 0),
					number('Y', 'y', 0),
					number('Width', 'width', 256),
					number('Height', 'height', 256),
				],
			},
		],
	},
	read(value) {
		const entered = isRecord(value) ? value : {};
		return polygonsIn(
			['rectangle', 'polygon'].flatMap((kind): unknown[] => {
				const list = entered[kind];
				return Array.isArray(list) ? list : [];
			}),
		);
	},
});

const json = onlyFor(
	kindOrNone,
	['json'],
	jsonField((value) => polygonsIn(Array.isArray(value) ? value : [value]), {
		displayName: 'Areas (JSON)',
		name: 'maskJson',
		default: '[\n  { "x": 100, "y": 100, "width": 300, "height": 200 }\n]',
		required: true,
		description:
			'A list of rectangles {x, y, width, height} and polygons {points: [x, y, x, y, …]}, in pixels from the top left corner of the image',
	}),
);

/** The polygons of a list of entered rectangles and polygons. */
function polygonsIn(list: readonly unknown[]): Reading<number[][]> {
	if (list.length === 0) return { problem: 'contains no area: add a rectangle or a polygon' };
	const polygons: number[][] = [];
	for (const [position, area] of list.entries()) {
		const reading = polygonIn(area);
		if ('problem' in reading) return { problem: `area ${position + 1} ${reading.problem}` };
		polygons.push(reading.value);
	}
	return { value: polygons };
}

function polygonIn(area: unknown): Reading<number[]> {
	if (!isRecord(area)) return { problem: 'is neither a rectangle nor a polygon' };
	if (area.points !== undefined) return pointsIn(area.points);
	const [x, y] = [toNumber(area.x), toNumber(area.y)];
	const [width, height] = [toNumber(area.width), toNumber(area.height)];
	if (![x, y, width, height].every(Number.isFinite)) {
		return { problem: 'needs numbers for X, Y, Width and Height' };
	}
	if (width <= 0 || height <= 0) return { problem: 'needs a Width and a Height above 0' };
	return { value: [x, y, x + width, y, x + width, y + height, x, y + height].map(Math.round) };
}

const toNumber = (value: unknown): number => Number(text(value) ?? NaN);

/** `100,100 600,100 350,500`, or lists of numbers or of pairs. */
function pointsIn(entered: unknown): Reading<number[]> {
	const parts = Array.isArray(entered)
		? entered.flat()
		: (text(entered) ?? '').split(/[\s,;]+/).filter((part) => part !== '');
	const points = parts.map(toNumber).map(Math.round);
	if (!points.every(Number.isFinite)) return { problem: 'has points that are not numbers' };
	if (points.length % 2 === 1) {
		return { problem: `has ${points.length} numbers: each point needs an x and a y` };
	}
	// Some tools close a polygon with its first point.
	const closed = points.length > 2 && points[0] === points.at(-2) && points[1] === points.at(-1);
	const open = closed ? points.slice(0, -2) : points;
	return open.length < 6
		? { problem: `has ${open.length / 2} points: at least 3 are needed` }
		: { value: open };
}

/** Twice the area that a polygon encloses; positive when it runs clockwise, y growing downwards. */
const turning = (polygon: readonly number[]): number =>
	pairs(polygon).reduce((sum, [x, y], position, all) => {
		const [nextX, nextY] = all[(position + 1) % all.length] ?? [x, y];
		return sum + x * nextY - nextX * y;
	}, 0);

/** The same polygon, clockwise from the corner that is nearest to the top left one (wire.md: Vtrix masks). */
export function clockwise(polygon: readonly number[]): number[] {
	const points = pairs(polygon);
	const turned = turning(polygon) < 0 ? points.reverse() : points;
	const distances = turned.map(([x, y]) => x + y);
	const first = distances.indexOf(Math.min(...distances));
	return [...turned.slice(first), ...turned.slice(0, first)].flat();
}

function areasMask(from: Parameters, polygons: number[][]): Mask {
	const flat = polygons.findIndex((polygon) => turning(polygon) === 0);
	if (flat >= 0) {
		throw from.reject(`Area ${flat + 1} of the mask encloses nothing: its points lie on a line`);
	}
	return { polygons: polygons.map(clockwise) };
}

/**
 * The mask from the fields; areas are checked against the image once its size is known.
 *
 * @throws NodeOperationError if an area encloses nothing
 */
function maskFrom(entered: Parameters): Mask | undefined {
	const picture = entered.get(url) ?? entered.get(inItem);
	if (picture !== undefined) return { url: picture };
	const polygons = entered.get(areas) ?? entered.get(json);
	return polygons && areasMask(entered, polygons);
}

const FORMS: ReadonlyArray<Field<unknown>> = [areas, json, url, inItem];

/** The fields of a mask that may be left out, and the mask. */
export const optionalMask = { fields: [kindOrNone, ...FORMS], from: maskFrom };

/** The fields of a required mask, and the mask. */
export const mask = {
	fields: [maskKind, ...FORMS],
	/** @throws NodeOperationError if there is no mask, or an area encloses nothing */
	from(entered: Parameters): Mask {
		// Refuses an invalid choice from an expression.
		entered.get(maskKind);
		const made = maskFrom(entered);
		if (!made) throw entered.reject("'Mask' is missing: choose one");
		return made;
	},
};
