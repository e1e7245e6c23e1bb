/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- makes files, it is not a node */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { formWith, type FileToSend } from '../../nodes/Midjourney/providers/multipart';

const CONTENT = Buffer.from([0, 1, 13, 10, 45, 45, 255]);
const file = (more: Partial<FileToSend> = {}): FileToSend => ({
	name: 'a.png',
	mimeType: 'image/png',
	bytes: CONTENT.length,
	open: async () => CONTENT,
	...more,
});

/** What a server reads that gets the form. */
async function sent(one: FileToSend) {
	const { contentType, bytes, open } = formWith({ uploadPath: 'images', b: 'ä' }, 'file', one);
	const body = await open();
	const raw = body instanceof Readable ? await buffer(body) : Buffer.from(body as Buffer);
	expect(raw).toHaveLength(bytes);
	const headers = { 'content-type': contentType };
	return await new Response(new Uint8Array(raw), { headers }).formData();
}

describe('A form with a file', () => {
	it.each<[string, FileToSend['open']]>([
		['that is in memory', async () => CONTENT],
		[
			'that is read while it is sent',
			async () => Readable.from([CONTENT.subarray(0, 3), CONTENT.subarray(3)]),
		],
	])('holds its bytes, %s', async (_, open) => {
		const form = await sent(file({ open }));
		expect([form.get('uploadPath'), form.get('b')]).toEqual(['images', 'ä']);
		const got = form.get('file') as File;
		expect([got.name, got.type]).toEqual(['a.png', 'image/png']);
		expect(Buffer.from(await got.arrayBuffer())).toEqual(CONTENT);
	});

	it('is no other form with an odd name', async () => {
		const form = await sent(file({ name: 'a"; name="uploadPath"\r\n\r\n.png' }));
		expect([...form.keys()]).toEqual(['uploadPath', 'b', 'file']);
	});

	it('is read no further than it is sent', async () => {
		let read = 0;
		const source = Readable.from(
			(function* () {
				for (;;) {
					read += 65_536;
					yield Buffer.alloc(65_536);
				}
			})(),
		);
		const body = await formWith({}, 'file', file({ open: async () => source })).open();
		expect(body).toBeInstanceOf(Readable);
		await new Promise(setImmediate);
		(body as Readable).destroy();
		expect(read).toBeLessThan(5_000_000);
	});

	it('that breaks off breaks off what is sent', async () => {
		const source = Readable.from(
			(function* () {
				yield CONTENT;
				throw new Error('the disk is gone');
			})(),
		);
		const body = await formWith({}, 'file', file({ open: async () => source })).open();
		await expect(buffer(body as Readable)).rejects.toThrow('the disk is gone');
	});
});
