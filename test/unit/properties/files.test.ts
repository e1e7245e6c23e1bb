/* eslint-disable @n8n/community-nodes/no-restricted-imports -- plays a file server, it is not a node */
import { Readable } from 'node:stream';
import { basename, posix, win32 } from 'node:path';

import fc from 'fast-check';

import { parseTask as midApiTask } from '../../../nodes/Midjourney/providers/midApi';
import { parseTask as vtrixTask } from '../../../nodes/Midjourney/providers/vtrix';
import type { Host } from '../../../nodes/Midjourney/tasks/n8n/host';
import { imageSize, sizeReader } from '../../../nodes/Midjourney/tasks/files/imageSize';
import { Downloads } from '../../../nodes/Midjourney/tasks/files/download';
import { fileNameOf, HEAD_LENGTH, mediaOf } from '../../../nodes/Midjourney/tasks/files/media';
import { FakeClock } from '../fakeClock';
import { fileUrl, json, text } from './arbitraries';

const latin = (letters: string) => [...Buffer.from(letters, 'latin1')];

/** How files of each kind begin. */
const BEGINNINGS = [
	...['\x89PNG\r\n\x1a\n\0\0\0\rIHDR', '\xff\xd8\xff\xe0\0\x10JFIF', '\xff\xd8\xff\xc0\0\x11\x08'],
	...['RIFF\0\0\0\0WEBPVP8 ', 'RIFF\0\0\0\0WEBPVP8L\0\0\0\0/', 'RIFF\0\0\0\0WEBPVP8X', ''],
	...[
		'GIF89a',
		'\x1aE\xdf\xa3',
		'\0\0\0\x20ftypisom',
		'\0\0\0\x20ftypqt  ',
		'\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\x01',
		'\0\0\0\x1cftypavif',
	],
];

/** Bytes that begin like some file, and go on in any way: also with what a JPEG has between its segments. */
const bytes = fc
	.tuple(
		fc.constantFrom(...BEGINNINGS),
		fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0xff, 0xc0, 0xc4, 0xd9, 0xda, 0xe1, 0)), {
			maxLength: 40,
		}),
		fc.nat(60),
	)
	.map(([beginning, more, length]) =>
		Uint8Array.from([...latin(beginning), ...more].slice(0, length)),
	);

describe('The size in the header of an image', () => {
	it('is whole numbers above 0 or undefined, for any bytes', () => {
		fc.assert(
			fc.property(fc.oneof(bytes, fc.uint8Array()), (file) => {
				const { width, height } = imageSize(file) ?? { width: 1, height: 1 };
				expect([width, height].every((side) => Number.isInteger(side) && side > 0)).toBe(true);
			}),
			{ numRuns: 1000 },
		);
	});

	it('does not depend on what surrounds the bytes in memory', () => {
		fc.assert(
			fc.property(bytes, fc.uint8Array(), fc.uint8Array(), (file, before, behind) => {
				const memory = Uint8Array.from([...before, ...file, ...behind]);
				const within = memory.subarray(before.length, before.length + file.length);
				expect(imageSize(within)).toEqual(imageSize(file));
			}),
			{ numRuns: 500 },
		);
	});

	it('does not change when more of the file arrives', () => {
		fc.assert(
			fc.property(bytes, fc.uint8Array(), (file, more) => {
				const known = imageSize(file);
				fc.pre(known !== undefined);
				expect(imageSize(Uint8Array.from([...file, ...more]))).toEqual(known);
			}),
		);
	});

	const side = fc.integer({ min: 1, max: 16_383 });

	it('is that of the image, whatever its size', () => {
		const big = (value: number) => [value >> 8, value & 255];
		const little = (value: number) => [value & 255, value >> 8];
		fc.assert(
			fc.property(side, side, (width, height) => {
				const files = [
					[...latin(BEGINNINGS[0] ?? ''), 0, 0, ...big(width), 0, 0, ...big(height)],
					[...latin('\xff\xd8\xff\xc0\0\x11\x08'), ...big(height), ...big(width)],
					[
						...latin('RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a'),
						...[...little(width), ...little(height)],
					],
					[
						...latin('RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0'),
						...[...little(width - 1), 0, ...little(height - 1), 0],
					],
				];
				for (const file of files) {
					expect(imageSize(Uint8Array.from(file))).toEqual({ width, height });
				}
			}),
		);
	});

	it('is requested from any server without an error', async () => {
		const chunk = fc.oneof(bytes, json);
		const reply = fc.oneof(
			json,
			fc.record({
				statusCode: fc.oneof(fc.constantFrom(200, 206, 404, 503), json),
				body: fc.array(chunk.filter((one) => one !== null)).map((all) => Readable.from(all)),
			}),
		);
		await fc.assert(
			fc.asyncProperty(reply, fc.oneof(fileUrl, text), async (answer, url) => {
				const httpRequest = async () => answer;
				const sizeOf = sizeReader({ helpers: { httpRequest } } as unknown as Host);
				const size = await sizeOf(url);
				if (!size.ok) expect(size.failure).toMatchObject({ reason: 'unknownSize', accepted: 'no' });
			}),
		);
	});
});

describe('The type of a file', () => {
	it('depends on its first bytes alone, whatever they are', () => {
		fc.assert(
			fc.property(fc.oneof(bytes, fc.uint8Array()), fc.uint8Array(), (head, more) => {
				const whole = Uint8Array.from([...head, ...more]);
				expect(mediaOf(whole)).toEqual(mediaOf(whole.subarray(0, HEAD_LENGTH)));
				expect(mediaOf(head)?.mimeType ?? 'image/x').toMatch(/^(image|video)\/\w+$/);
			}),
			{ numRuns: 300 },
		);
	});
});

/** A name that is a plain file in whatever folder, on every system, and no hidden one. */
function expectPlain(name: string) {
	expect(name).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]*_\d[\de+]*\.[a-z0-9]+$/);
	expect([basename(name), posix.normalize(name), win32.normalize(name)]).toEqual([
		name,
		name,
		name,
	]);
	expect(encodeURIComponent(name).replace(/%2B/g, '+')).toBe(name);
	expect(name.length).toBeLessThanOrEqual(150);
}

describe('The name of a file', () => {
	const PNG = Buffer.from('\x89PNG\r\n\x1a\n and more of it', 'latin1');
	const FORMS: Array<[string, (taskId: string) => ReturnType<typeof midApiTask>]> = [
		[
			'MidAPI',
			(taskId) =>
				midApiTask({ taskId, successFlag: 1, resultUrls: ['https://files.example.com/1.png'] }),
		],
		[
			'Vtrix',
			(id) => {
				const output = [{ content: [{ url: 'https://files.example.com/1.png', imageNo: 3 }] }];
				return vtrixTask({ id, status: 'completed', output }, 'asked');
			},
		],
	];

	it('is a plain file name, whatever the task id and the index', () => {
		const index = fc.oneof(fc.nat(), fc.constant(1e21));
		fc.assert(
			fc.property(text, index, (id, at) => {
				expectPlain(fileNameOf(id, at, { mimeType: 'image/png', extension: 'png' }));
			}),
			{ numRuns: 500 },
		);
	});

	it.each(FORMS)('is a plain file name for a task of %s, whatever its id', async (_, taskOf) => {
		await fc.assert(
			fc.asyncProperty(text, async (id) => {
				const task = taskOf(id);
				fc.pre(task !== undefined);
				const names: unknown[] = [];
				const helpers = {
					httpRequest: async () => ({ statusCode: 200, headers: {}, body: Readable.from([PNG]) }),
					prepareBinaryData: async (_body: unknown, name: string) => names.push(name),
				};
				const downloads = new Downloads({ helpers } as unknown as Host, new FakeClock());
				if (task) await downloads.of(task, 1e6);
				expect(names).toHaveLength(1);
				expectPlain(String(names[0]));
			}),
		);
	});
});
