import { imageSize } from '../../nodes/Midjourney/tasks/files/imageSize';

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const big = (value: number, bytes: number): number[] =>
	Array.from({ length: bytes }, (_, at) => Math.floor(value / 256 ** (bytes - 1 - at)) % 256);
const little = (value: number, bytes: number): number[] => big(value, bytes).reverse();

const png = (width: number, height: number) => [
	...[0x89, ...ascii('PNG\r\n\x1a\n')],
	...[...big(13, 4), ...ascii('IHDR'), ...big(width, 4), ...big(height, 4)],
];

/** A segment of a JPEG; its length counts itself. */
const segment = (marker: number, content: number[]) => [
	...[0xff, marker],
	...big(content.length + 2, 2),
	...content,
];
const frame = (marker: number, width: number, height: number) =>
	segment(marker, [8, ...big(height, 2), ...big(width, 2), 3, 1, 0x22, 0]);
const jpeg = (...segments: number[][]) => [0xff, 0xd8, ...segments.flat()];

const webp = (kind: string, content: number[]) => [
	...[...ascii('RIFF'), ...little(content.length + 12, 4), ...ascii('WEBP')],
	...[...ascii(kind), ...little(content.length, 4), ...content],
];
const vp8 = (width: number, height: number) =>
	webp('VP8 ', [0, 0, 0, 0x9d, 0x01, 0x2a, ...little(width, 2), ...little(height, 2)]);
const vp8l = (width: number, height: number) =>
	webp('VP8L', [0x2f, ...little(width - 1 + (height - 1) * 2 ** 14, 4), 0, 0, 0, 0, 0]);
const vp8x = (width: number, height: number) =>
	webp('VP8X', [0, 0, 0, 0, ...little(width - 1, 3), ...little(height - 1, 3)]);

/** What a camera puts first: a preview that has a frame of its own. */
const EXIF = segment(0xe1, [...ascii('Exif\0\0'), ...jpeg(frame(0xc0, 160, 120))]);
const TABLE = segment(0xc4, [0, 1, 2, 3]);

const FILES: Array<[string, (width: number, height: number) => number[]]> = [
	['PNG', png],
	['JPEG', (width, height) => jpeg(frame(0xc0, width, height))],
	['JPEG, progressive', (width, height) => jpeg(frame(0xc2, width, height))],
	[
		'JPEG with a preview, a table and a filled marker before the size',
		(width, height) => jpeg(EXIF, TABLE, [0xff], frame(0xc0, width, height)),
	],
	['WebP, lossy', vp8],
	['WebP, lossless', vp8l],
	['WebP, extended', vp8x],
];

describe.each(FILES)('%s', (_, make) => {
	it.each([
		[1456, 816],
		[816, 1456],
		[1, 1],
		[4096, 2731],
		[16_383, 16_384],
	])('of %i × %i', (width, height) => {
		// Only 14 bits are there for each side of a lossy WebP.
		const high = make === vp8 ? Math.min(height, 16_383) : height;
		expect(imageSize(Uint8Array.from(make(width, high)))).toEqual({ width, height: high });
	});

	it('gives no size and no error when cut off anywhere', () => {
		const whole = make(1456, 816);
		const sizes = whole.map((__, length) => imageSize(Uint8Array.from(whole.slice(0, length))));
		const wrong = sizes.filter((size) => size && (size.width !== 1456 || size.height !== 816));
		expect(sizes[8]).toBeUndefined();
		expect(wrong).toEqual([]);
	});

	it('is read from the middle of a larger buffer', () => {
		const whole = make(1456, 816);
		const memory = Uint8Array.from([9, 9, 9, ...whole]);
		expect(imageSize(memory.subarray(3))).toEqual({ width: 1456, height: 816 });
	});
});

describe('No size is read from', () => {
	it.each([
		['nothing', []],
		['zeros', Array.from({ length: 64 }, () => 0)],
		['HTML', ascii('<!doctype html><html><body>Not found, not found, not found</body>')],
		['a GIF', ascii('GIF89a\x10\x00\x10\x00 and much more of it to come, surely')],
		['a PNG of no width', png(0, 816)],
		['a PNG whose first chunk is another', png(1, 1).map((byte, at) => (at === 12 ? 0 : byte))],
		['a JPEG without a frame', jpeg(EXIF, TABLE, [0xff, 0xd9], frame(0xc0, 9, 9))],
		['a JPEG whose segments are broken', jpeg(EXIF, [7, 7], frame(0xc0, 9, 9))],
		[
			'a JPEG of endless segments of no length',
			jpeg(...Array.from({ length: 99 }, () => [255, 224, 0, 0])),
		],
		[
			'a WebP of an unknown kind',
			webp(
				'VP9 ',
				Array.from({ length: 20 }, () => 1),
			),
		],
		['another RIFF', ascii(`RIFF....WAVE${'.'.repeat(40)}`)],
	])('%s', (_, bytes) => {
		expect(imageSize(Uint8Array.from(bytes))).toBeUndefined();
	});

	it('random bytes', () => {
		const starts = [png(1, 1).slice(0, 8), [0xff, 0xd8], ascii('RIFF....WEBPVP8 ')];
		let state = 7;
		const noise = () => (state = (state * 48_271) % 2_147_483_647) % 256;
		for (let round = 0; round < 300; round++) {
			const bytes = [...(starts[round % 3] ?? []), ...Array.from({ length: round }, noise)];
			expect(() => imageSize(Uint8Array.from(bytes))).not.toThrow();
		}
	});
});
