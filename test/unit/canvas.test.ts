import { clockwise } from '../../nodes/Midjourney/operations/image/mask';
import type {
	EditImage,
	InpaintImage,
	TaskRequest,
	UploadPaintImage,
} from '../../nodes/Midjourney/providers/provider';
import {
	lacksSize,
	placed,
	smallestOf,
	usualSize,
	withSize,
	type ForSize,
} from '../../nodes/Midjourney/tasks/submit/layout';

describe('The smallest canvas of a ratio that holds the whole image', () => {
	it.each([
		['a square made wide', '16:9', [1024, 1024], [1820, 1024]],
		['a square made high', '9:16', [1024, 1024], [1024, 1820]],
		['a square that stays one', '1:1', [1024, 1024], [1024, 1024]],
		['a wide one made square', '1:1', [1456, 816], [1456, 1456]],
		['a wide one made wider', '3:1', [1456, 816], [2448, 816]],
		['a high one made wide', '2:1', [600, 900], [1800, 900]],
		['a ratio that does not divide', '7:3', [1000, 500], [1167, 500]],
	] as const)('%s', (_, ratio, [width, height], [across, down]) => {
		expect(smallestOf(ratio, { width, height })).toEqual({ width: across, height: down });
	});
});

describe('An image on a canvas with room on all sides', () => {
	const image = { width: 100, height: 60 };
	const canvas = { width: 200, height: 100 };

	it.each([
		['topLeft', 0, 0],
		['top', 50, 0],
		['topRight', 100, 0],
		['left', 0, 20],
		['center', 50, 20],
		['right', 100, 20],
		['bottomLeft', 0, 40],
		['bottom', 50, 40],
		['bottomRight', 100, 40],
	] as const)('stands with the anchor %s at %i, %i', (anchor, x, y) => {
		expect(placed(image, canvas, anchor)).toEqual({ ...image, x, y });
	});

	it('is placed on whole pixels', () => {
		expect(placed({ width: 99, height: 60 }, canvas, 'center')).toMatchObject({ x: 51, y: 20 });
	});
});

describe('A polygon on the wire runs clockwise from the corner nearest to the top left', () => {
	it.each([
		['as it should be', [0, 0, 9, 0, 9, 9, 0, 9], [0, 0, 9, 0, 9, 9, 0, 9]],
		['the other way round', [0, 0, 0, 9, 9, 9, 9, 0], [0, 0, 9, 0, 9, 9, 0, 9]],
		['from another corner', [9, 9, 0, 9, 0, 0, 9, 0], [0, 0, 9, 0, 9, 9, 0, 9]],
		['the other way round, from another corner', [9, 9, 9, 0, 0, 0], [0, 0, 9, 0, 9, 9]],
	])('%s', (_, entered, sent) => {
		expect(clockwise(entered)).toEqual(sent);
	});
});

const source = { taskId: 't', index: 0 };
const wide = { width: 1456, height: 816 };
const triangle = [0, 0, 1400, 0, 1400, 800];
const edit: EditImage = {
	kind: 'editImage',
	...source,
	prompt: 'p',
	rule: { aspectRatio: '1:1', anchor: 'center' },
};
const inpaint: InpaintImage = {
	kind: 'inpaintImage',
	...source,
	mask: { polygons: [triangle] },
};
const uploadPaint: UploadPaintImage = {
	kind: 'uploadPaintImage',
	imageUrl: 'https://a.example/1.png',
	prompt: 'p',
	rule: { moreWidth: 50, moreHeight: 0, anchor: 'left' },
	mask: { polygons: [triangle] },
};
const picture = { url: 'https://a.example/mask.png' };

describe('Whether a request lacks the size of its image', () => {
	it.each<[string, TaskRequest, boolean]>([
		['a canvas is computed from the size', edit, true],
		['areas are measured on the image', inpaint, true],
		['the mask is a picture', { ...inpaint, mask: picture }, false],
		['the size is known', { ...inpaint, mask: { polygons: [triangle], size: wide } }, false],
		['a remix', { kind: 'remixImage', ...source, prompt: 'p', strength: 'subtle' }, false],
	])('%s: %s', (_, request, lacks) => {
		expect(lacksSize(request)).toBe(lacks);
	});
});

describe('A request for an image of 1456 × 816', () => {
	it.each<[string, ForSize, TaskRequest]>([
		[
			'a square canvas',
			edit,
			{
				kind: 'editImage',
				...source,
				prompt: 'p',
				canvas: { width: 1456, height: 1456 },
				imagePosition: { ...wide, x: 0, y: 320 },
			},
		],
		[
			'margins and areas',
			uploadPaint,
			{
				kind: 'uploadPaintImage',
				imageUrl: uploadPaint.imageUrl,
				prompt: 'p',
				canvas: { width: 2184, height: 816 },
				imagePosition: { ...wide, x: 0, y: 0 },
				mask: { polygons: [triangle], size: wide },
			},
		],
		[
			'exact pixels',
			{ ...edit, rule: { canvas: { width: 2000, height: 900 }, x: -10, y: 5 } },
			{
				kind: 'editImage',
				...source,
				prompt: 'p',
				canvas: { width: 2000, height: 900 },
				imagePosition: { ...wide, x: -10, y: 5 },
			},
		],
		['areas alone', inpaint, { ...inpaint, mask: { polygons: [triangle], size: wide } }],
	])('%s', (_, request, sent) => {
		expect(withSize(request, wide)).toEqual({ request: sent });
		expect(lacksSize(sent)).toBe(false);
	});

	it.each<[string, ForSize, RegExp]>([
		[
			'a canvas that is too large',
			{ ...edit, rule: { moreWidth: 300, moreHeight: 0, anchor: 'top' } },
			/5824 × 816 px, but a side can have at most 4096/,
		],
		[
			'an image beside the canvas',
			{ ...edit, rule: { canvas: wide, x: 1456, y: 0 } },
			/entirely outside the canvas/,
		],
		[
			'a canvas that is full',
			{ ...edit, rule: { aspectRatio: '91:51', anchor: 'top' } },
			/nothing to paint/,
		],
		[
			'an area that reaches outside',
			{ ...inpaint, mask: { polygons: [[0, 0, 1457, 0, 9, 9]] } },
			/Area 1 .* 1457,0 outside the image/,
		],
	])('%s does not fit', (_, request, problem) => {
		expect(withSize(request, wide)).toEqual({ problem: expect.stringMatching(problem) });
	});

	it('is refused when its image is too small for areas', () => {
		expect(withSize(inpaint, { width: 768, height: 432 })).toEqual({
			problem: expect.stringMatching(/from 500 to 4096, not 768 × 432/),
		});
	});
});

describe('The default size by the ratio in the prompt', () => {
	it.each([
		['a cup --ar 16:9', wide],
		['a cup --ar16:9 --v 7', wide],
		['a cup --aspect 1:1', { width: 1024, height: 1024 }],
		['a cup —ar 2:3', { width: 896, height: 1344 }],
		['a cup --ar 16:90', undefined],
		['a cup --ar 7:5', undefined],
		['a cup', undefined],
	])('%s', (prompt, size) => {
		expect(usualSize(prompt)).toEqual(size);
	});
});
