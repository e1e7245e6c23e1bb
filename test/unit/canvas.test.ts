import { placed, smallestOf } from '../../nodes/Midjourney/operations/image/canvas';
import { clockwise } from '../../nodes/Midjourney/operations/image/mask';

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

	it('stands on whole pixels', () => {
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
