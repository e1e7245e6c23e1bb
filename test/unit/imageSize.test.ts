/* eslint-disable @n8n/community-nodes/no-restricted-imports -- makes files, it is not a node */
import { Readable } from 'node:stream';

import { sizeReader } from '../../nodes/Midjourney/tasks/files/imageSize';
import type { Host } from '../../nodes/Midjourney/tasks/n8n/host';

const URL_WITH_KEY = 'https://files.example/1.png?key=secret';
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000005b000000330', 'hex');

/** A host that answers like this, and what it was asked. */
function hostWith(answer: () => unknown) {
	const asked: unknown[] = [];
	const httpRequest = async (options: unknown) => {
		asked.push(options);
		return answer();
	};
	const host = { helpers: { httpRequest } } as unknown as Host;
	return { asked, sizeOf: sizeReader(host) };
}

/** An endless file that begins like this; counts what is read of it. */
function endless(start: Buffer) {
	const state = { bytes: 0 };
	const body = Readable.from(
		(function* () {
			yield start;
			for (;;) {
				state.bytes += 16_384;
				yield Buffer.alloc(16_384);
			}
		})(),
	);
	return { body, state };
}

describe('The size of an image on the web', () => {
	it.each([200, 206])(
		'is read from the beginning, and the rest is left: status %i',
		async (statusCode) => {
			const { body, state } = endless(PNG);
			const { asked, sizeOf } = hostWith(() => ({ statusCode, body }));
			expect(await sizeOf(URL_WITH_KEY)).toEqual({ ok: true, value: { width: 1456, height: 816 } });
			expect(body.destroyed).toBe(true);
			expect(state.bytes).toBeLessThan(500_000);
			expect(asked).toMatchObject([{ url: URL_WITH_KEY, headers: { range: 'bytes=0-262143' } }]);
		},
	);

	it('may come in pieces of a byte', async () => {
		const body = Readable.from([...PNG].map((byte) => Buffer.from([byte])));
		const { sizeOf } = hostWith(() => ({ statusCode: 206, body }));
		expect(await sizeOf(URL_WITH_KEY)).toMatchObject({ value: { width: 1456, height: 816 } });
	});

	it('is given up after a quarter of a megabyte', async () => {
		const { body, state } = endless(Buffer.from('GIF89a'));
		const { sizeOf } = hostWith(() => ({ statusCode: 200, body }));
		expect(await sizeOf(URL_WITH_KEY)).toMatchObject({
			failure: { reason: 'unknownSize', accepted: 'no', transient: false },
		});
		expect(body.destroyed).toBe(true);
		expect(state.bytes).toBeLessThan(700_000);
	});

	const FAULTS: Array<[string, () => unknown, string, boolean]> = [
		[
			'404',
			() => ({ statusCode: 404, body: endless(PNG).body }),
			'files.example answers 404',
			false,
		],
		[
			'429',
			() => ({ statusCode: 429, body: endless(PNG).body }),
			'files.example answers 429',
			true,
		],
		[
			'503',
			() => ({ statusCode: 503, body: endless(PNG).body }),
			'files.example answers 503',
			true,
		],
		[
			'an empty file',
			() => ({ statusCode: 200, body: Readable.from([]) }),
			'no PNG, JPEG or WebP',
			false,
		],
		['text', () => ({ statusCode: 200, body: 'text' }), 'sends no file', false],
		['nothing', () => undefined, 'sends no file', false],
		[
			'a connection that breaks off',
			() => {
				throw new Error(`no connection to ${URL_WITH_KEY}`);
			},
			'the connection to files.example broke off',
			true,
		],
	];

	it('is unknown where there is no URL, and nothing is requested', async () => {
		const { sizeOf, asked } = hostWith(() => undefined);
		expect(await sizeOf('1.png')).toMatchObject({ failure: { reason: 'unknownSize' } });
		expect(asked).toEqual([]);
	});

	it.each(FAULTS)('is unknown: %s', async (_, answer, words, transient) => {
		const { sizeOf } = hostWith(answer);
		const said = await sizeOf(URL_WITH_KEY);
		expect(said).toMatchObject({
			failure: {
				reason: 'unknownSize',
				message: expect.stringContaining(words),
				accepted: 'no',
				transient,
			},
		});
		expect(JSON.stringify(said)).not.toContain('secret');
	});
});
