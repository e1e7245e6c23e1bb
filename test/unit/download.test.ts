/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- plays file servers and n8n's storage, it is not a node */
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { IBinaryData } from 'n8n-workflow';

import type { Task } from '../../nodes/Midjourney/providers/task';
import { Downloads, type Stored } from '../../nodes/Midjourney/tasks/files/download';
import type { Host } from '../../nodes/Midjourney/tasks/n8n/host';
import { FakeClock } from './fakeClock';

const PNG = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(1000, 7)]);

/** What a file server does with one request. */
interface Behaviour {
	status?: number;
	headers?: Record<string, string>;
	/** The pieces of the body; `silence` keeps it open, `drip` never ends, `cut` tears the connection. */
	body?: Array<Buffer | 'silence' | 'drip' | 'cut'>;
	/** No answer at all: an error with this code. */
	refuses?: string;
	/** Runs before the server answers. */
	after?: (clock: FakeClock) => Promise<void>;
}

const file: Behaviour = { body: [PNG] };
const cut = Object.assign(new Error('aborted'), { code: 'ECONNRESET' });

/** The pause between two drops, in ms. */
const DRIP = 30_000;

function bodyOf(pieces: NonNullable<Behaviour['body']>, clock: FakeClock): Readable {
	const body = new PassThrough();
	const drip = async () => {
		for (; !body.destroyed; await clock.sleep(DRIP)) body.write(Buffer.alloc(1));
	};
	for (const piece of pieces) {
		if (piece === 'silence') return body;
		if (piece === 'drip') {
			void drip();
			return body;
		}
		if (piece === 'cut') {
			setImmediate(() => body.destroy(cut));
			return body;
		}
		body.write(piece);
	}
	return body.end();
}

/** The turns of the event loop until streams have settled. */
const TURNS = 20;

/** Runs everything that is due. */
const settle = async () => {
	for (let turns = 0; turns < TURNS; turns++) await new Promise(setImmediate);
};

/**
 * A file server that behaves as told, and an n8n that stores what comes.
 *
 * @param timesOut whether time limits come by the clock, or when the test says so
 */
function stage(
	behaviour: (url: string, attempt: number) => Behaviour,
	store?: () => Writable,
	timesOut = false,
) {
	const clock = new FakeClock();
	const requests: string[] = [];
	const bodies: Readable[] = [];
	const stored: Array<{ name?: string; type?: string; bytes: Buffer }> = [];
	const timers: Array<{ ms: number; fire(): void }> = [];
	const timeout = AbortSignal.timeout.bind(AbortSignal);
	jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
		// Refuses what is no time.
		timeout(ms);
		const controller = new AbortController();
		timers.push({ ms, fire: () => controller.abort() });
		if (timesOut) void clock.sleep(ms).then(() => controller.abort());
		return controller.signal;
	});
	const httpRequest = async ({ url }: { url: string }) => {
		requests.push(url);
		const { refuses, after, ...answer } = behaviour(url, requests.length);
		const { status = 200, headers = {}, body = [] } = answer;
		await after?.(clock);
		if (refuses) throw Object.assign(new Error(`${refuses} somewhere`), { code: refuses });
		const stream = bodyOf(body, clock);
		bodies.push(stream);
		return { statusCode: status, headers, body: stream };
	};
	const prepareBinaryData = async (source: Readable, name?: string, type?: string) => {
		const chunks: Buffer[] = [];
		const target =
			store?.() ??
			new Writable({
				write(chunk: Buffer, _encoding, done) {
					chunks.push(chunk);
					done();
				},
			});
		await pipeline(source, target);
		stored.push({ name, type, bytes: Buffer.concat(chunks) });
		return { data: '', mimeType: type ?? '', fileName: name } satisfies IBinaryData;
	};
	const host = { helpers: { httpRequest, prepareBinaryData } } as unknown as Host;
	const downloads = new Downloads(host, clock);
	const task = (urls: string[], taskId = 't'): Task => ({
		provider: 'midApi',
		taskId,
		status: 'completed',
		outputs: urls.map((url, index) => ({ index, type: 'image', url })),
		raw: {},
	});
	return {
		clock,
		requests,
		bodies,
		stored,
		timers,
		start: async (urls: string[], limit = 1e6) => await downloads.of(task(urls), limit),
		async run(urls: string[], limit = 1e6): Promise<Stored[]> {
			const ends = await clock.until(downloads.of(task(urls), limit), TURNS);
			return ends.map((end) => end.stored);
		},
	};
}

const url = (index: number, server = 'files.example.com') => `https://${server}/${index}.png`;

const wordsOf = (stored?: Stored) => (!stored || stored.ok ? undefined : stored.failure.words);

afterEach(() => jest.restoreAllMocks());

describe('A file', () => {
	it('is stored whole, with the type of its content, whatever the server calls it', async () => {
		const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(50, 1)]);
		const { run, stored } = stage(() => ({
			headers: { 'content-type': 'image/png' },
			body: [jpeg],
		}));
		await run([url(0)]);
		expect(stored).toEqual([{ name: 't_0.jpeg', type: 'image/jpeg', bytes: jpeg }]);
	});

	it('is stored whole when it arrives byte by byte', async () => {
		const bytes = [...PNG].map((byte) => Buffer.from([byte]));
		const { run, stored } = stage(() => ({ body: bytes }));
		await run([url(0)]);
		expect(stored[0]?.bytes).toEqual(PNG);
	});

	it.each<[string, Behaviour, string]>([
		['without a byte', { body: [] }, 'the file is empty'],
		[
			'that is HTML',
			{ body: [Buffer.from('<!DOCTYPE html><title>Gone')] },
			'does not lead to an image or a video',
		],
		[
			'that is a program',
			{ body: [Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff')] },
			'does not lead to an image or a video',
		],
		['that is gone', { status: 404 }, 'the file is not there (404)'],
		['that is refused', { status: 403 }, 'the file server refuses to deliver it (403)'],
		[
			'that says it is larger than the limit',
			{ headers: { 'content-length': '1000001' }, body: [PNG] },
			'larger than 1 MB',
		],
		['that is larger than the limit', { body: [PNG, Buffer.alloc(1e6)] }, 'larger than 1 MB'],
	])('%s is requested once and not stored', async (_, behaviour, words) => {
		const named = { 'content-type': 'image/png', ...behaviour.headers };
		const { run, requests, stored } = stage(() => ({ ...behaviour, headers: named }));
		const [end] = await run([url(0)]);
		expect(wordsOf(end)).toContain(words);
		expect([requests.length, stored.length]).toEqual([1, 0]);
	});

	it.each(['/files/0.png', 'javascript:alert(1)', 'file:///etc/passwd', 'ftp://x/0.png', ''])(
		'whose link is not a web address is never asked for: %j',
		async (link) => {
			const { run, requests } = stage(() => file);
			const [end] = await run([link]);
			expect(wordsOf(end)).toContain('not a web address');
			expect(requests).toEqual([]);
		},
	);

	it.each<[string, Behaviour]>([
		['503', { status: 503 }],
		['429', { status: 429 }],
		['a connection that is refused', { refuses: 'ECONNREFUSED' }],
		['a connection that is cut at once', { body: ['cut'] }],
		['a connection that is cut in the middle', { body: [PNG, 'cut'] }],
	])('is requested again after %s', async (_, stumble) => {
		const { run, requests } = stage((_url, attempt) => (attempt === 1 ? stumble : file));
		const [end] = await run([url(0)]);
		expect(end?.ok).toBe(true);
		expect(requests).toHaveLength(2);
	});

	it.each<[string, Behaviour, string]>([
		['503', { status: 503 }, 'could not deliver it (503)'],
		['a cut connection', { body: [PNG, 'cut'] }, 'connection to the file server broke off'],
		['no connection', { refuses: 'ENOTFOUND' }, 'cannot be reached (ENOTFOUND somewhere)'],
	])('is requested four times at most: %s', async (_, stumble, words) => {
		const { run, requests } = stage(() => stumble);
		const [end] = await run([url(0)]);
		expect(wordsOf(end)).toContain(words);
		expect(requests).toHaveLength(4);
	});

	it.each([
		['as long as the server asks', '7', 7_000],
		['a minute at most, whatever it asks', '9999999', 60_000],
	])('waits before the next try %s', async (_, header, ms) => {
		const { run, clock } = stage((_url, attempt) =>
			attempt === 1 ? { status: 429, headers: { 'retry-after': header } } : file,
		);
		await run([url(0)]);
		expect(clock.now()).toBe(ms);
	});
});

describe('A file that n8n cannot store', () => {
	const full = Object.assign(new Error("ENOSPC: no space left on device, write '/data/x'"), {
		code: 'ENOSPC',
	});

	it.each<[string, () => Writable, string]>([
		[
			'a full disk',
			() => new Writable({ write: (_chunk, _encoding, done) => done(full) }),
			'n8n could not store it (ENOSPC: no space left on device)',
		],
		[
			'a storage that cannot be opened',
			() => {
				throw new Error('The bucket does not exist');
			},
			'n8n could not store it (The bucket does not exist)',
		],
	])('fails with that reason and is not requested again: %s', async (_, store, words) => {
		const { run, requests } = stage(() => file, store);
		const [end] = await run([url(0)]);
		expect(wordsOf(end)).toBe(words);
		expect(requests).toHaveLength(1);
	});
});

describe('A file server that', () => {
	const SILENCE = 60_000;
	const FILE = 300_000;

	it('falls silent is dropped and asked again', async () => {
		const { start, requests, timers, clock, stored } = stage((_url, attempt) =>
			attempt === 1 ? { body: [PNG.subarray(0, 500), 'silence'] } : file,
		);
		const work = start([url(0)]);
		await settle();
		// Data arrived after the first of these pauses began, and none after the second.
		for (let pauses = 0; pauses < 2; pauses++) {
			timers
				.filter(({ ms }) => ms === SILENCE)
				.at(-1)
				?.fire();
			await settle();
		}
		expect(await clock.until(work, TURNS)).toMatchObject([{ stored: { ok: true } }]);
		expect(requests).toHaveLength(2);
		expect(stored.map(({ bytes }) => bytes)).toEqual([PNG]);
	});

	it('drips is dropped when the time of the file is up, and not asked again', async () => {
		const { start, requests, timers, clock, bodies } = stage(() => ({ body: [PNG, 'silence'] }));
		const work = start([url(0)]);
		await settle();
		timers.find(({ ms }) => ms === FILE)?.fire();
		const [end] = await clock.until(work, TURNS);
		expect(wordsOf(end?.stored)).toBe('the file server took too long');
		expect(requests).toHaveLength(1);
		expect(bodies[0]?.destroyed).toBe(true);
	});

	it('fails three files in a row is not asked for more, but another server is', async () => {
		const { run, requests } = stage((link) => (link.includes('files.') ? { status: 503 } : file));
		const many = Array.from({ length: 20 }, (_, index) => url(index));
		const ends = await run([...many, url(20, 'cdn.example.org')]);
		expect(ends.map(({ ok }) => ok)).toEqual([...many.map(() => false), true]);
		expect(wordsOf(ends[2])).toContain('could not deliver it (503)');
		expect(wordsOf(ends[19])).toContain('not tried');
		// Two more were requested while the first three were under way.
		expect(new Set(requests)).toEqual(new Set([...many.slice(0, 5), url(20, 'cdn.example.org')]));
	});

	it('answers that files are gone is still asked for all of them', async () => {
		const { run, requests } = stage(() => ({ status: 404 }));
		await run([0, 1, 2, 3, 4].map((index) => url(index)));
		expect(requests).toHaveLength(5);
	});
});

describe('The files of a run', () => {
	const MINUTE = 60_000;
	const ALL = 30 * MINUTE;
	const index = (link: string) => Number(/(\d+)\.png$/.exec(link)?.[1]);
	const many = Array.from({ length: 120 }, (_, nth) => url(nth));
	/** One in three arrives, so that the server is never given up. */
	const hangs: Behaviour = { body: [PNG, 'drip'] };
	const mostHang = (link: string) => (index(link) % 3 === 0 ? file : hangs);

	it('share one time limit, however many hang one after another', async () => {
		const { run, clock } = stage(mostHang, undefined, true);
		const ends = await run(many);
		expect(clock.now()).toBeLessThanOrEqual(ALL + MINUTE);
		expect(ends).toHaveLength(many.length);
		expect(ends.filter(({ ok }) => ok).length).toBeGreaterThan(0);
	});

	it('each say what became of them when that limit is reached', async () => {
		const { run, requests } = stage(mostHang, undefined, true);
		const ends = await run(many);
		const words = new Set(ends.map(wordsOf));
		expect(words).toEqual(
			new Set([
				undefined,
				'the file server took too long',
				'not tried, because the files of this run have taken too long together',
			]),
		);
		const tried = new Set(requests.map(index));
		ends.forEach((end, nth) => {
			expect(wordsOf(end)?.startsWith('not tried') === true).toBe(!tried.has(nth));
		});
	});

	it('get more time while data keeps arriving', async () => {
		// 12 MB each, which take 34 s at the slowest accepted rate.
		const large = Buffer.concat([PNG, Buffer.alloc(12e6)]);
		const after = async (clock: FakeClock) => await clock.sleep(33_000 * 3);
		const forget = () => new Writable({ write: (_chunk, _encoding, done) => done() });
		const { run, clock, requests } = stage(() => ({ body: [large], after }), forget, true);
		const ends = await run(many, 20e6);
		expect(ends.every(({ ok }) => ok)).toBe(true);
		expect(requests).toHaveLength(many.length);
		expect(clock.now()).toBeGreaterThan(ALL);
	});

	it('get at least the time that a single file may take', async () => {
		const { run, timers } = stage(() => file);
		await run([url(0)], 10_000e6 + 1);
		expect(Math.max(...timers.map(({ ms }) => ms))).toBeGreaterThan(7 * 60 * MINUTE);
	});
});
