/* eslint-disable @n8n/community-nodes/no-restricted-imports -- makes files, it is not a node */
import { Readable } from 'node:stream';

import type { IBinaryData } from 'n8n-workflow';

import { success } from '../../nodes/Midjourney/providers/http';
import { addressOfField } from '../../nodes/Midjourney/providers/images';
import type { TaskRequest, Uploads } from '../../nodes/Midjourney/providers/provider';
import { executionClock } from '../../nodes/Midjourney/tasks/n8n/clock';
import type { Host } from '../../nodes/Midjourney/tasks/n8n/host';
import { Pictures, type PictureDeps } from '../../nodes/Midjourney/tasks/files/pictures';
import type { Settings } from '../../nodes/Midjourney/tasks/settings';
import { NO_HTTP, SETTINGS } from './fixtures';

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000005b000000330', 'hex');
const KEPT: IBinaryData = { id: 'filesystem-v2:1', data: 'filesystem-v2', mimeType: 'image/png' };
const ADDRESS = addressOfField('data') ?? '';
const REQUEST: TaskRequest = { kind: 'retextureImage', imageUrl: ADDRESS, prompt: 'p' };
const N8N = 'https://n8n.example.com/rest/binary-data/signed?token=t';

const UPLOADS: Uploads = {
	baseUrl: () => 'https://files.example.com',
	send: async () => success('https://files.example.com/1.png'),
};

/** How n8n answers when it asks itself. */
type Answer = () => unknown;
const SERVES: Answer = () => ({ statusCode: 200, body: Readable.from([PNG]) });
const says = (statusCode: number, body = 'Sign in'): Answer => {
	return () => ({ statusCode, body: Readable.from([Buffer.from(body)]) });
};
const BREAKS: Answer = () => {
	throw new Error('getaddrinfo ENOTFOUND');
};

/** Pictures of an n8n like this, and what was asked of it. */
function picturesWith(
	answer: Answer,
	{ uploads, binary = KEPT }: { uploads?: Uploads; binary?: IBinaryData } = {},
) {
	const lives: unknown[] = [];
	const signed: unknown[] = [];
	const asked: unknown[] = [];
	const deps = {
		helpers: {
			createBinarySignedUrl: ({ id }: IBinaryData, life: string) => {
				lives.push(life);
				signed.push(id);
				return N8N;
			},
			prepareBinaryData: async () => ({ ...KEPT, id: 'copy' }),
			getBinaryMetadata: async () => ({ fileSize: PNG.length }),
			getBinaryStream: async () => Readable.from([PNG]),
			httpRequest: async (options: unknown) => {
				asked.push(options);
				return answer();
			},
		},
		provider: { displayName: 'MidAPI', uploads },
		http: NO_HTTP,
		clock: executionClock({} as Host),
		itemAt: () => ({ json: {}, binary: { data: binary } }),
	};
	const pictures = new Pictures(deps as unknown as PictureDeps);
	const deliver = async (settings: Partial<Settings> = {}) =>
		await pictures.deliver(0, REQUEST, { ...SETTINGS, ...settings });
	return { pictures, deliver, lives, signed, asked };
}

const BY_N8N = { ok: true, value: { request: { imageUrl: N8N }, imagesVia: 'n8n' } };
const BY_UPLOAD = {
	ok: true,
	value: { request: { imageUrl: 'https://files.example.com/1.png' }, imagesVia: 'upload' },
};
const refused = (words: RegExp) => ({
	failure: {
		reason: 'undeliverableImage',
		accepted: 'no',
		message: expect.stringMatching(words) as unknown,
	},
});

describe('The way of a picture to the provider', () => {
	it.each<[string, Answer, unknown, unknown]>([
		['n8n serves it', SERVES, BY_N8N, BY_N8N],
		['a proxy wants a login', says(403), refused(/^n8n\.example\.com answers 403/), BY_UPLOAD],
		['a proxy shows a page', says(200), refused(/with something else/), BY_UPLOAD],
		['an empty answer', says(200, ''), refused(/with something else/), BY_UPLOAD],
		['n8n cannot ask itself', BREAKS, BY_N8N, BY_UPLOAD],
	])('%s', async (_, answer, without, withUploads) => {
		expect(await picturesWith(answer).deliver()).toMatchObject(without as object);
		expect(await picturesWith(answer, { uploads: UPLOADS }).deliver()).toMatchObject(
			withUploads as object,
		);
	});

	it('is the upload where the execution does not wait, if there is one', async () => {
		const dontWait = { waitMode: 'dontWait' } as const;
		expect(await picturesWith(SERVES).deliver(dontWait)).toMatchObject(BY_N8N);
		const { deliver, asked } = picturesWith(SERVES, { uploads: UPLOADS });
		expect(await deliver(dontWait)).toMatchObject(BY_UPLOAD);
		expect(asked).toEqual([]);
	});

	it('is that of a copy for a file that n8n is going to move', async () => {
		const binary = { ...KEPT, id: 'filesystem-v2:workflows/w/executions/temp/binary_data/1' };
		const { deliver, signed } = picturesWith(SERVES, { binary });
		expect(await deliver()).toMatchObject(BY_N8N);
		expect(signed.at(-1)).toBe('copy');
	});

	it('is tried once, however many pictures there are', async () => {
		const { deliver, asked } = picturesWith(SERVES);
		await Promise.all([deliver(), deliver(), deliver()]);
		expect(asked).toHaveLength(1);
	});

	it('is not there for a file in memory without an upload', async () => {
		const binary = { data: PNG.toString('base64'), mimeType: 'image/png' };
		const { deliver, asked } = picturesWith(SERVES, { binary });
		expect(await deliver()).toMatchObject(refused(/^this n8n keeps binary data in memory$/));
		expect(asked).toEqual([]);
	});

	it.each<[string, Partial<Settings>, string]>([
		['twice the time limit and an hour', { timeLimitMs: 30 * 60_000 }, '7200s'],
		['24 hours at the most', { timeLimitMs: 24 * 3_600_000 }, '86400s'],
		['24 hours where nobody waits', { waitMode: 'dontWait', timeLimitMs: 60_000 }, '86400s'],
	])('is open for %s', async (_, settings, life) => {
		const { deliver, lives } = picturesWith(SERVES);
		await deliver(settings);
		expect(lives).toEqual([life]);
	});
});

describe('The size of a picture', () => {
	it('is that of its file', async () => {
		const { pictures } = picturesWith(SERVES);
		expect(await pictures.sizeOf(0, ADDRESS)).toEqual(success({ width: 1456, height: 816 }));
	});

	it('is somebody else to tell for a picture on the web', async () => {
		const { pictures } = picturesWith(SERVES);
		expect(await pictures.sizeOf(0, 'https://example.com/a.png')).toBeUndefined();
	});

	it('is not known of a GIF', async () => {
		const binary = { data: Buffer.from('GIF89a').toString('base64'), mimeType: 'image/gif' };
		const { pictures } = picturesWith(SERVES, { binary });
		expect(await pictures.sizeOf(0, ADDRESS)).toMatchObject({
			failure: { reason: 'unknownSize', message: 'data is image/gif' },
		});
	});
});
