/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads a stream of the emulator piece by piece, it is not a node */
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import type { Readable } from 'node:stream';
import {
	type Emulator,
	type EmulatorOptions,
	type ManualClock,
	type Manner,
	manualClock,
	signCallback,
	startEmulator,
} from '../emulator';
import { isJsonObject, isString } from '../emulator/json';
import { at, startReceiver } from './receiver';

/**
 * The emulator against the documentation (wire.md: MidAPI), and what its providers share. Time stands still unless a
 * test moves it.
 */

const KEY = 'test-key';
const SECOND = 1000;
const RESULT = 'data.resultInfoJson.resultUrls.0.resultUrl';

let clock: ManualClock;
let emulator: Emulator;
let api: AxiosInstance;
const cleanUps: Array<() => Promise<void>> = [];

async function start(options: EmulatorOptions = {}): Promise<void> {
	clock = manualClock();
	emulator = await startEmulator({ apiKey: KEY, clock, latencyMs: 10 * SECOND, ...options });
	cleanUps.push(emulator.close);
	api = axios.create({
		baseURL: `${emulator.url}/api/v1`,
		headers: { authorization: `Bearer ${KEY}` },
		validateStatus: () => true,
		proxy: false,
	});
}

afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

interface Wire {
	status: number;
	code: unknown;
	msg: string;
	data: unknown;
}

function wire({ status, data }: AxiosResponse<unknown>): Wire {
	if (!isJsonObject(data)) throw new Error(`No envelope: ${JSON.stringify(data)}`);
	return { status, code: data.code, msg: String(data.msg), data: data.data };
}

async function post(path: string, body?: unknown): Promise<Wire> {
	return wire(await api.post(path, body));
}

async function record(taskId: string): Promise<Wire> {
	return wire(await api.get('/mj/record-info', { params: { taskId } }));
}

async function submit(path: string, body: unknown): Promise<string> {
	const answer = await post(path, body);
	const taskId = at(answer, 'data.taskId');
	if (!isString(taskId)) throw new Error(`Not accepted: ${JSON.stringify(answer)}`);
	return taskId;
}

/** Submits and lets the task end. */
async function make(path: string, body: unknown): Promise<string> {
	const taskId = await submit(path, body);
	emulator.finish(taskId);
	return taskId;
}

const TEXT = { taskType: 'mj_txt2img', prompt: 'a lighthouse', speed: 'relaxed' };
const PICTURE = 'https://files.example.org/cat.png';
const IMAGE = { taskType: 'mj_img2img', prompt: 'a cat', fileUrls: [PICTURE] };
const OMNI = { ...IMAGE, taskType: 'mj_omni_reference' };
const VIDEO = { taskType: 'mj_video', prompt: 'waves', fileUrls: [PICTURE], motion: 'high' };

describe('Authentication', () => {
	it.each([
		['no key', {}],
		['a wrong key', { authorization: 'Bearer wrong' }],
		['the bare key', { authorization: KEY }],
	])('answers %s with HTTP 200 and code 401', async (_case, headers) => {
		await start();
		const anyone = axios.create({ baseURL: emulator.url, proxy: false });
		const read = wire(await anyone.get('/api/v1/common/credit', { headers }));
		expect(read).toMatchObject({ status: 200, code: 401, data: null });
		const bought = wire(await anyone.post('/api/v1/mj/generate', TEXT, { headers }));
		expect(bought).toMatchObject({ status: 200, code: 401, data: null });
		expect(emulator.ledger.submits).toHaveLength(0);
		expect(emulator.ledger.refusals).toMatchObject([{ code: 401, path: '/api/v1/mj/generate' }]);
	});

	it('accepts several keys and keeps all of them out of the ledger', async () => {
		await start({ apiKey: ['first-key', KEY] });
		const headers = { authorization: 'Bearer first-key' };
		expect(wire(await api.get('/common/credit', { headers })).code).toBe(200);
		expect(wire(await api.get('/common/credit')).code).toBe(200);
		await submit('/mj/generate', TEXT);
		expect(JSON.stringify(emulator.ledger)).not.toMatch(/first-key|test-key/);
	});
});

describe('The path generate', () => {
	it.each([
		['the shortest text to image', { taskType: 'mj_txt2img', prompt: 'x' }],
		['a prompt of 2000 characters', { ...TEXT, prompt: 'x'.repeat(2000) }],
		['an image by its old field', { ...IMAGE, fileUrls: undefined, fileUrl: PICTURE }],
		['several images', { ...IMAGE, fileUrls: [PICTURE, PICTURE] }],
		['a style reference', { ...IMAGE, taskType: 'mj_style_reference' }],
		['ow at its least', { ...OMNI, ow: 1 }],
		['ow at its most', { ...OMNI, ow: 1000 }],
		['all numbers at their most', { ...TEXT, variety: 100, stylization: 1000, weirdness: 3000 }],
		['all numbers at their least', { ...TEXT, variety: 0, stylization: 0, weirdness: 0 }],
		['niji6', { ...TEXT, version: 'niji6' }],
		['turbo', { ...TEXT, speed: 'turbo' }],
		['no watermark', { ...TEXT, waterMark: '' }],
		['a watermark and a translation', { ...TEXT, waterMark: 'mine', enableTranslation: true }],
		['null for what is left out', { ...TEXT, version: null }],
		['a video', VIDEO],
		['a video in HD, four of them', { ...VIDEO, taskType: 'mj_video_hd', videoBatchSize: 4 }],
	])('accepts %s', async (_case, body) => {
		await start();
		expect(await post('/mj/generate', body)).toMatchObject({ status: 200, code: 200 });
		expect(emulator.ledger.submits).toMatchObject([{ unknownFields: [], inapplicableFields: [] }]);
	});

	it.each([
		['no task type', { prompt: 'x' }, 'taskType'],
		['an unknown task type', { ...TEXT, taskType: 'mj_blend' }, 'taskType'],
		['no prompt', { taskType: 'mj_txt2img' }, 'prompt'],
		['a blank prompt', { ...TEXT, prompt: '  ' }, 'prompt'],
		['a prompt of 2001 characters', { ...TEXT, prompt: 'x'.repeat(2001) }, 'prompt'],
		['a prompt that is a number', { ...TEXT, prompt: 7 }, 'prompt'],
		['a video without prompt', { ...VIDEO, prompt: undefined }, 'prompt'],
		['an unknown speed', { ...TEXT, speed: 'slow' }, 'speed'],
		['an empty speed', { ...TEXT, speed: '' }, 'speed'],
		['an unknown aspect ratio', { ...TEXT, aspectRatio: '4:5' }, 'aspectRatio'],
		['a version that is a number', { ...TEXT, version: 7 }, 'version'],
		['an unknown version', { ...TEXT, version: '8' }, 'version'],
		['too little variety', { ...TEXT, variety: -5 }, 'variety'],
		['too much variety', { ...TEXT, variety: 105 }, 'variety'],
		['variety out of step', { ...TEXT, variety: 7 }, 'variety'],
		['variety as text', { ...TEXT, variety: '10' }, 'variety'],
		['too much stylization', { ...TEXT, stylization: 1001 }, 'stylization'],
		['half a stylization', { ...TEXT, stylization: 0.5 }, 'stylization'],
		['too much weirdness', { ...TEXT, weirdness: 3001 }, 'weirdness'],
		['too little ow', { ...OMNI, ow: 0 }, 'ow'],
		['too much ow', { ...OMNI, ow: 1001 }, 'ow'],
		['a watermark that is no text', { ...TEXT, waterMark: true }, 'waterMark'],
		['a translation that is text', { ...TEXT, enableTranslation: 'true' }, 'enableTranslation'],
		['a callback to nowhere', { ...TEXT, callBackUrl: 'nowhere' }, 'callBackUrl'],
		['image to image without image', { ...IMAGE, fileUrls: [] }, 'fileUrls'],
		['a style reference without image', { ...TEXT, taskType: 'mj_style_reference' }, 'fileUrls'],
		['an image that is no URL', { ...IMAGE, fileUrls: ['cat.png'] }, 'fileUrls'],
		['an image list that is text', { ...IMAGE, fileUrls: PICTURE }, 'fileUrls'],
		['an old-style image that is data', { ...IMAGE, fileUrl: 'data:,x' }, 'fileUrl'],
		['a video without image', { ...VIDEO, fileUrls: undefined }, 'fileUrls'],
		['a video of two images', { ...VIDEO, fileUrls: [PICTURE, PICTURE] }, 'fileUrls'],
		['a video without motion', { ...VIDEO, motion: undefined }, 'motion'],
		['an unknown motion', { ...VIDEO, motion: 'medium' }, 'motion'],
		['three videos', { ...VIDEO, videoBatchSize: 3 }, 'videoBatchSize'],
		['videos counted in text', { ...VIDEO, videoBatchSize: '2' }, 'videoBatchSize'],
	])('refuses %s and names the field', async (_case, body, field) => {
		await start();
		const answer = await post('/mj/generate', body);
		expect(answer).toMatchObject({ status: 200, code: 422, data: null });
		expect(answer.msg.split(' ')[0]).toBe(field);
		expect(emulator.credits).toBe(1000);
		expect(emulator.ledger.submits).toHaveLength(0);
		expect(emulator.ledger.refusals).toMatchObject([{ code: 422, msg: answer.msg }]);
	});

	it.each([
		['no body', undefined],
		['a list', []],
		['no JSON', '{"prompt":'],
	])('answers %s with code 400', async (_case, body) => {
		await start();
		const headers = { 'content-type': 'application/json' };
		const answer = wire(await api.post('/mj/generate', body, { headers }));
		expect(answer).toMatchObject({ status: 200, code: 400, data: null });
	});

	it('accepts fields that do not apply, and records them', async () => {
		await start();
		await submit('/mj/generate', { ...TEXT, high_definition_video: true, ow: 5, motion: 'low' });
		expect(emulator.ledger.submits).toMatchObject([
			{ unknownFields: ['high_definition_video'], inapplicableFields: ['ow', 'motion'] },
		]);
	});
});

describe('The life of a task', () => {
	it('runs, then succeeds with four pictures', async () => {
		await start({ seed: 7 });
		const taskId = await submit('/mj/generate', { ...TEXT, version: '7', stray: 1 });
		expect(taskId).toMatch(/^[0-9a-f]{20}$/);
		clock.advance(10 * SECOND - 1);
		const running = await record(taskId);
		expect(running).toMatchObject({ status: 200, code: 200, msg: 'success' });
		expect(running.data).toEqual({
			taskId,
			taskType: 'mj_txt2img',
			paramJson: expect.any(String),
			successFlag: 0,
			resultInfoJson: null,
			createTime: '2025-01-02T03:04:05.000Z',
			completeTime: null,
			errorCode: null,
			errorMessage: null,
		});
		expect(JSON.parse(String(at(running, 'data.paramJson')))).toEqual({
			taskType: 'mj_txt2img',
			prompt: 'a lighthouse',
			speed: 'Relax',
			version: '7',
			fileUrl: '',
			waterMark: '',
		});

		clock.advance(1);
		expect((await record(taskId)).data).toMatchObject({
			successFlag: 1,
			completeTime: '2025-01-02T03:04:15.000Z',
			resultInfoJson: {
				resultUrls: [0, 1, 2, 3].map((index) => ({
					resultUrl: `${emulator.url}/files/${taskId}_${index}.png`,
				})),
			},
		});
		expect(emulator.ledger.readsOf(taskId)).toHaveLength(2);
	});

	it.each([
		['[fail]', 3, 500],
		['[fail2]', 2, 501],
	])('fails a prompt with %s in successFlag %i', async (mark, successFlag, errorCode) => {
		await start();
		const taskId = await make('/mj/generate', { ...TEXT, prompt: `a lighthouse ${mark}` });
		expect((await record(taskId)).data).toMatchObject({
			successFlag,
			errorCode,
			errorMessage: expect.stringMatching(/\w/),
			resultInfoJson: null,
			completeTime: expect.any(String),
		});
		expect((await axios.get(`${emulator.url}/files/${taskId}_0.png`, ANY_STATUS)).status).toBe(404);
	});

	it('ends by itself on the wall clock, too', async () => {
		await start({ clock: undefined, latencyMs: 5 });
		const taskId = await submit('/mj/generate', TEXT);
		let flag: unknown = 0;
		while (flag === 0) flag = at(await record(taskId), 'data.successFlag');
		expect(flag).toBe(1);
	});

	it('ends as the test decides', async () => {
		await start({ outcome: ({ kind }) => (kind === 'imageTurbo' ? 'failed2' : 'success') });
		const turbo = await make('/mj/generate', { ...TEXT, speed: 'turbo' });
		const fast = await make('/mj/generate', { ...TEXT, speed: 'fast' });
		expect(at(await record(turbo), 'data.successFlag')).toBe(2);
		expect(at(await record(fast), 'data.successFlag')).toBe(1);
	});

	it.each([
		['as a JSON string', { resultInfoAsString: true }, isString],
		['with plain URLs', { plainResultUrls: true }, isJsonObject],
	])('writes the result %s', async (_case, options: EmulatorOptions, hasForm) => {
		await start(options);
		const taskId = await make('/mj/generate', TEXT);
		const info = at(await record(taskId), 'data.resultInfoJson');
		expect(hasForm(info)).toBe(true);
		const first = at(isString(info) ? JSON.parse(info) : info, 'resultUrls.0');
		const url = `${emulator.url}/files/${taskId}_0.png`;
		expect(first).toEqual(options.plainResultUrls ? url : { resultUrl: url });
	});

	it.each([
		['an unknown task', 'nothing'],
		['no task', ''],
	])('answers the record of %s with 422', async (_case, taskId) => {
		await start();
		expect(await record(taskId)).toMatchObject({ status: 200, code: 422, data: null });
		expect(emulator.ledger.reads).toMatchObject([{ taskId, code: 422 }]);
	});

	it('repeats ids and times for the same seed alone', async () => {
		const run = async (seed: number) => {
			await start({ seed, latencyMs: [0, 100 * SECOND] });
			const ids = [await submit('/mj/generate', TEXT), await submit('/mj/generate', TEXT)];
			clock.advance(100 * SECOND);
			const times = await Promise.all(
				ids.map(async (id) => at(await record(id), 'data.completeTime')),
			);
			return [...ids, ...times];
		};
		const first = await run(1);
		expect(await run(1)).toEqual(first);
		expect(await run(2)).not.toEqual(first);
		expect(new Set(first).size).toBe(4);
	});

	it('takes as long as its kind', async () => {
		await start({ latencyMs: { imageFast: 2 * SECOND, imageTurbo: SECOND, video: 3 * SECOND } });
		const ids = [
			await submit('/mj/generate', VIDEO),
			await submit('/mj/generate', { ...TEXT, speed: 'fast' }),
			await submit('/mj/generate', { ...TEXT, speed: 'turbo' }),
		];
		const flags = async () =>
			await Promise.all(ids.map(async (id) => at(await record(id), 'data.successFlag')));
		clock.advance(SECOND);
		expect(await flags()).toEqual([0, 0, 1]);
		clock.advance(SECOND);
		expect(await flags()).toEqual([0, 1, 1]);
		clock.advance(SECOND);
		expect(await flags()).toEqual([1, 1, 1]);
	});
});

describe('Upscale, vary and extend', () => {
	it.each([
		['/mj/generateUpscale', { imageIndex: 0 }, 'upscale', 0, 1],
		['/mj/generateUpscale', { imageIndex: 3 }, 'upscale', 3, 1],
		['/mj/upscale', { index: 1 }, 'upscale', 0, 1],
		['/mj/upscale', { index: 4 }, 'upscale', 3, 1],
		['/mj/generateVary', { imageIndex: 2 }, 'vary', 2, 4],
	])('%s %j makes outputs of its own', async (path, sent, kind, index, outputs) => {
		await start();
		const source = await make('/mj/generate', TEXT);
		const taskId = await make(path, { taskId: source, ...sent });
		expect(taskId).not.toBe(source);
		const answer = await record(taskId);
		expect(answer.data).toMatchObject({ taskType: `mj_${kind}`, successFlag: 1 });
		expect(at(answer, 'data.resultInfoJson.resultUrls')).toHaveLength(outputs);
		expect(emulator.ledger.submits[1]).toMatchObject({
			kind,
			source: { taskId: source, index },
			unknownFields: [],
		});
	});

	it.each([
		['mj_video', undefined, 1],
		['mj_video', 2, 2],
		['mj_video_hd', 4, 4],
	])('%s with videoBatchSize %s makes that many videos', async (taskType, size, outputs) => {
		await start();
		const taskId = await make('/mj/generate', { ...VIDEO, taskType, videoBatchSize: size });
		const urls = at(await record(taskId), 'data.resultInfoJson.resultUrls');
		expect(urls).toHaveLength(outputs);
		expect(at(urls, '0.resultUrl')).toBe(`${emulator.url}/files/${taskId}_0.mp4`);
	});

	it('extend a video manually, automatically, and again', async () => {
		await start();
		const video = await make('/mj/generate', { ...VIDEO, videoBatchSize: 2 });
		const manual = { taskType: 'mj_video_extend_manual', index: 1, prompt: 'then a boat' };
		const first = await make('/mj/generateVideoExtend', { ...manual, taskId: video });
		const auto = { taskType: 'mj_video_extend_auto', index: 0, taskId: first };
		const second = await make('/mj/generateVideoExtend', auto);
		const answer = await record(second);
		expect(answer.data).toMatchObject({ taskType: 'mj_video_extend_auto', successFlag: 1 });
		expect(at(answer, 'data.resultInfoJson.resultUrls')).toHaveLength(1);
	});

	it.each([
		['upscale without task', '/mj/generateUpscale', {}, 'taskId'],
		['upscale of a stranger', '/mj/generateUpscale', { taskId: 'x' }, 'taskId'],
		['upscale of a running task', '/mj/generateUpscale', { taskId: 'running' }, 'taskId'],
		['upscale of a failed task', '/mj/generateUpscale', { taskId: 'failed' }, 'taskId'],
		['upscale of a video', '/mj/generateUpscale', { taskId: 'video' }, 'taskId'],
		['upscale of an upscale', '/mj/generateUpscale', { taskId: 'upscale' }, 'taskId'],
		['upscale of image -1', '/mj/generateUpscale', { imageIndex: -1 }, 'imageIndex'],
		['upscale of image 4', '/mj/generateUpscale', { imageIndex: 4 }, 'imageIndex'],
		['upscale of image "0"', '/mj/generateUpscale', { imageIndex: '0' }, 'imageIndex'],
		['upscale of no image', '/mj/generateUpscale', { imageIndex: undefined }, 'imageIndex'],
		['quickstart upscale of image 0', '/mj/upscale', { index: 0 }, 'index'],
		['quickstart upscale of image 5', '/mj/upscale', { index: 5 }, 'index'],
		['vary of image 4', '/mj/generateVary', { imageIndex: 4 }, 'imageIndex'],
		['vary of a video', '/mj/generateVary', { taskId: 'video' }, 'taskId'],
		['extend of an image', '/mj/generateVideoExtend', { taskId: 'image' }, 'taskId'],
		['extend of no video', '/mj/generateVideoExtend', { index: undefined }, 'index'],
		['extend of video 2 of 2', '/mj/generateVideoExtend', { index: 2 }, 'index'],
		['extend of an odd type', '/mj/generateVideoExtend', { taskType: 'mj_video' }, 'taskType'],
		[
			'extend by hand without prompt',
			'/mj/generateVideoExtend',
			{ taskType: 'mj_video_extend_manual' },
			'prompt',
		],
	])('refuses %s and names the field', async (name, path, change, field) => {
		await start();
		const image = await make('/mj/generate', TEXT);
		const tasks: Record<string, string> = {
			image,
			running: await submit('/mj/generate', TEXT),
			failed: await make('/mj/generate', { ...TEXT, prompt: '[fail]' }),
			video: await make('/mj/generate', { ...VIDEO, videoBatchSize: 2 }),
			upscale: await make('/mj/generateUpscale', { taskId: image, imageIndex: 0 }),
		};
		const good = path.endsWith('Extend')
			? { taskId: tasks.video, taskType: 'mj_video_extend_auto', index: 1 }
			: { taskId: image, ...(path.endsWith('/upscale') ? { index: 1 } : { imageIndex: 1 }) };
		expect(await post(path, good)).toMatchObject({ code: 200 });

		const chosen = 'taskId' in change ? { taskId: tasks[change.taskId] ?? change.taskId } : {};
		const without = name.endsWith('without task') ? { taskId: undefined } : {};
		const answer = await post(path, { ...good, ...change, ...chosen, ...without });
		expect(answer).toMatchObject({ status: 200, code: 422, data: null });
		expect(answer.msg.split(' ')[0]).toBe(field);
	});

	it.each([
		['generateUpscale', { imageIndex: 2 }, '/mj/upscale', { index: 3 }],
		['upscale', { index: 3 }, '/mj/generateUpscale', { imageIndex: 2 }],
	] as const)('have upscales at /%s only', async (upscalePath, which, elsewhere, other) => {
		await start({ upscalePath });
		const taskId = await make('/mj/generate', TEXT);
		expect((await api.post(elsewhere, { taskId, ...other })).status).toBe(404);
		expect(await post(`/mj/${upscalePath}`, { taskId, ...which })).toMatchObject({ code: 200 });
		expect(emulator.ledger.submitsOf('upscale')).toMatchObject([{ source: { taskId, index: 2 } }]);
	});

	it('count the index of vary from 1 if told so', async () => {
		await start({ varyIndexBase: 1 });
		const taskId = await make('/mj/generate', TEXT);
		expect(await post('/mj/generateVary', { taskId, imageIndex: 0 })).toMatchObject({ code: 422 });
		expect(await post('/mj/generateVary', { taskId, imageIndex: 4 })).toMatchObject({ code: 200 });
		expect(emulator.ledger.submitsOf('vary')).toMatchObject([{ source: { taskId, index: 3 } }]);
	});
});

describe('Credits and limits', () => {
	const balance = async () => wire(await api.get('/common/credit')).data;

	it('take the price of the kind at submit until nothing is left', async () => {
		await start({ credits: 30, prices: { imageRelaxed: 4, video: 25 } });
		expect(await balance()).toBe(30);
		await submit('/mj/generate', TEXT);
		expect(await balance()).toBe(26);
		await submit('/mj/generate', VIDEO);
		expect(await balance()).toBe(1);
		expect(await post('/mj/generate', TEXT)).toMatchObject({ status: 200, code: 402, data: null });
		expect(await balance()).toBe(1);
		emulator.credits = 4;
		expect(await post('/mj/generate', TEXT)).toMatchObject({ code: 200 });
		expect(await balance()).toBe(0);
		expect(emulator.ledger.submits.map(({ price }) => price)).toEqual([4, 25, 4]);
		expect(emulator.ledger.spent).toBe(33);
	});

	it.each([
		['common', 'chat'],
		['chat', 'common'],
	] as const)('has the credits at %s only; %s is a real 404', async (there, elsewhere) => {
		await start({ creditPath: there, credits: 12 });
		expect(wire(await api.get(`/${there}/credit`))).toMatchObject({ code: 200, data: 12 });
		expect((await api.get(`/${elsewhere}/credit`)).status).toBe(404);
	});

	it.each([
		['GET', '/mj/generate'],
		['POST', '/mj/nothing'],
	])('answer 404 at %s %s', async (method, url) => {
		await start();
		expect((await api.request({ method, url })).status).toBe(404);
	});

	it.each([
		['envelope', { code: 404 }],
		['framework', { status: 404, path: '/api/v1/mj/nothing' }],
		['page', '<html>'],
	] as const)('answer an unknown path in the form of %s', async (noPath, body) => {
		await start({ noPath });
		const answer = await api.post('/mj/nothing', {});
		expect(answer.status).toBe(404);
		const said: unknown = answer.data;
		if (typeof body === 'string') expect(said).toContain(body);
		else expect(said).toMatchObject(body);
	});

	it('refuse submits over the limit, but no reads', async () => {
		await start({ rateLimit: { requests: 2, perMs: 10 * SECOND } });
		const taskId = await submit('/mj/generate', TEXT);
		clock.advance(4 * SECOND);
		await submit('/mj/generate', TEXT);
		expect(await post('/mj/generate', TEXT)).toMatchObject({ status: 200, code: 429, data: null });
		expect(await record(taskId)).toMatchObject({ code: 200 });
		clock.advance(6 * SECOND);
		expect(await post('/mj/generate', TEXT)).toMatchObject({ code: 200 });
		expect(await post('/mj/generate', TEXT)).toMatchObject({ code: 429 });
		expect(emulator.ledger.submits).toHaveLength(3);
	});
});

const ANY_STATUS = { validateStatus: () => true, proxy: false } as const;

async function download(url: unknown): Promise<AxiosResponse<Buffer>> {
	return await axios.get(String(url), { ...ANY_STATUS, responseType: 'arraybuffer' });
}

describe('Files', () => {
	/** Width and height out of the PNG header. */
	const sizeOf = (png: Buffer) => [png.readUInt32BE(16), png.readUInt32BE(20)];

	it.each([
		['1:2', 384, 768],
		['9:16', 432, 768],
		['2:3', 512, 768],
		['3:4', 576, 768],
		['5:6', 640, 768],
		['6:5', 768, 640],
		['4:3', 768, 576],
		['3:2', 768, 512],
		['1:1', 768, 768],
		['16:9', 768, 432],
		['2:1', 768, 384],
	])('are drawn for %s in %i x %i', async (aspectRatio, width, height) => {
		await start();
		const taskId = await make('/mj/generate', { ...TEXT, aspectRatio });
		const { status, headers, data } = await download(at(await record(taskId), RESULT));
		expect(status).toBe(200);
		expect(headers['content-type']).toBe('image/png');
		expect(headers['content-length']).toBe(String(data.length));
		expect(data.subarray(1, 4).toString()).toBe('PNG');
		expect(sizeOf(data)).toEqual([width, height]);
	});

	it('differ between outputs, and are the same for the same output', async () => {
		await start();
		const taskId = await make('/mj/generate', TEXT);
		const draw = async (index: number) =>
			(await download(`${emulator.url}/files/${taskId}_${index}.png`)).data.toString('base64');
		const pictures = [await draw(0), await draw(1), await draw(2), await draw(3)];
		expect(new Set(pictures).size).toBe(4);
		expect(await draw(0)).toBe(pictures[0]);
		expect(emulator.ledger.downloads.map(({ index }) => index)).toEqual([0, 1, 2, 3, 0]);
		expect((await download(`${emulator.url}/files/${taskId}_4.png`)).status).toBe(404);
		expect((await download(`${emulator.url}/files/${taskId}_0.mp4`)).status).toBe(404);
	});

	it.each([
		['/mj/generateVary', [768, 512]],
		['/mj/generateUpscale', [1536, 1024]],
	])('of %s keep the aspect ratio of their source', async (path, size) => {
		await start();
		const taskId = await make('/mj/generate', { ...TEXT, aspectRatio: '3:2' });
		const made = await make(path, { taskId, imageIndex: 2 });
		const { data } = await download(at(await record(made), RESULT));
		expect(sizeOf(data)).toEqual(size);
	});

	it('can be a video', async () => {
		await start();
		const taskId = await make('/mj/generate', VIDEO);
		const { headers, data } = await download(at(await record(taskId), RESULT));
		expect(headers['content-type']).toBe('video/mp4');
		expect(headers['content-length']).toBe(String(data.length));
		expect(data.subarray(4, 8).toString()).toBe('ftyp');
	});

	it('do not exist while their task is running', async () => {
		await start();
		const taskId = await submit('/mj/generate', TEXT);
		expect((await download(`${emulator.url}/files/${taskId}_0.png`)).status).toBe(404);
	});

	it('have a signed download URL that is valid for 20 minutes', async () => {
		await start();
		const taskId = await make('/mj/generate', VIDEO);
		const url = at(await record(taskId), RESULT);
		const { code, data: signed } = await post('/common/download-url', { url });
		expect(code).toBe(200);
		expect(signed).not.toBe(url);
		clock.advance(20 * 60 * SECOND - 1);
		expect(await download(signed)).toMatchObject({ status: 200, data: (await download(url)).data });
		expect((await download(`${String(signed)}0`)).status).toBe(403);
		clock.advance(1);
		expect((await download(signed)).status).toBe(403);
		expect(emulator.ledger.downloads).toMatchObject([{ signed: true }, { signed: false }]);
		expect(JSON.stringify(emulator.ledger)).not.toContain('sig=');
	});

	it.each([
		['a stranger', 'https://example.org/cat.png'],
		['a file that is not there', 'FILES/0123_0.png'],
		['nothing', undefined],
	])('have no signed URL for %s', async (_case, url) => {
		await start();
		const body = { url: url?.replace('FILES', `${emulator.url}/files`) };
		expect(await post('/common/download-url', body)).toMatchObject({
			status: 200,
			code: 422,
			data: null,
			msg: expect.stringMatching(/^url /),
		});
	});
});

describe('Callbacks', () => {
	async function receive(...answers: Array<number | 'hang'>) {
		const receiver = await startReceiver(answers);
		cleanUps.push(receiver.close);
		return receiver;
	}

	it('report success with the URLs as plain strings', async () => {
		await start();
		const { url, deliveries } = await receive(200);
		const taskId = await submit('/mj/generate', { ...TEXT, callBackUrl: url });
		clock.advance(10 * SECOND);
		await emulator.callbacksSettled();
		const promptJson: unknown = at(await record(taskId), 'data.paramJson');
		const resultUrls = [0, 1, 2, 3].map((index) => `${emulator.url}/files/${taskId}_${index}.png`);
		expect(deliveries).toEqual([
			{
				method: 'POST',
				headers: expect.objectContaining({ 'content-type': 'application/json' }),
				body: { code: 200, msg: 'success', data: { taskId, promptJson, resultUrls } },
			},
		]);
		expect(deliveries[0]?.headers).not.toHaveProperty('x-webhook-signature');
		expect(emulator.ledger.callbacksOf(taskId)).toMatchObject([{ taskId, url, status: 200 }]);
		expect(JSON.stringify(emulator.ledger)).not.toContain('n=7');
	});

	it('report failure with code 500 and no URLs', async () => {
		await start();
		const { url, deliveries } = await receive(200);
		const taskId = await make('/mj/generate', { ...TEXT, prompt: '[fail]', callBackUrl: url });
		await emulator.callbacksSettled();
		expect(deliveries.map(({ body }) => body)).toMatchObject([
			{ code: 500, data: { taskId, promptJson: expect.any(String), resultUrls: [] } },
		]);
	});

	it('report upscale, vary, video and extend, too', async () => {
		await start();
		const { url: callBackUrl, deliveries } = await receive(200);
		const image = await make('/mj/generate', TEXT);
		const video = await make('/mj/generate', { ...VIDEO, callBackUrl });
		const extend = { taskId: video, taskType: 'mj_video_extend_auto', index: 0, callBackUrl };
		const secondary = { taskId: image, imageIndex: 0, callBackUrl };
		const told = [
			video,
			await make('/mj/generateUpscale', secondary),
			await make('/mj/generateVary', secondary),
			await make('/mj/generateVideoExtend', extend),
		];
		await emulator.callbacksSettled();
		expect(deliveries.map(({ body }) => at(body, 'data.taskId')).sort()).toEqual(told.sort());
	});

	// The next tests really wait for some ms, because they are about the course of the attempts.
	const IN_MS = { clock: undefined, latencyMs: 1, callbackRetryPausesMs: [1, 1, 1] };

	it.each([
		['again after a failure', [500, 200], [500, 200]],
		['again after a redirect', [302, 200], [302, 200]],
		['again after silence', ['hang', 200], ['timeout', 200]],
		['four times at most', [503], [503, 503, 503, 503]],
	] as const)('tries %s', async (_case, answers, statuses) => {
		const silent = statuses.some((status) => status === 'timeout');
		await start({ ...IN_MS, ...(silent && { callbackDeadlineMs: 300 }) });
		const { url, deliveries } = await receive(...answers);
		const taskId = await make('/mj/generate', { ...TEXT, callBackUrl: url });
		await emulator.callbacksSettled();
		expect(emulator.ledger.callbacksOf(taskId).map(({ status }) => status)).toEqual(statuses);
		expect(deliveries).toHaveLength(statuses.length);
	});

	it('record a receiver that is not there', async () => {
		await start({ ...IN_MS, callbackRetryPausesMs: [] });
		await make('/mj/generate', { ...TEXT, callBackUrl: 'http://127.0.0.1:9/hook' });
		await emulator.callbacksSettled();
		expect(emulator.ledger.callbacks).toMatchObject([{ status: 'unreachable' }]);
	});

	it.each([
		'http://192.0.2.1/hook',
		'https://example.org/hook',
		'http://127.0.0.1.example.org/hook',
	])('are not sent to %s', async (callBackUrl) => {
		await start();
		await make('/mj/generate', { ...TEXT, callBackUrl });
		await emulator.callbacksSettled();
		expect(emulator.ledger.callbacks).toMatchObject([
			{ url: callBackUrl, status: expect.stringMatching(/^refused/) },
		]);
	});

	it('are signed as the documentation says', () => {
		expect(signCallback('test-hmac-key', 'mj_task_abc123', 1735689600)).toBe(
			'OvV31QVVqaUT7shT6dIhFw3TbD3Uvu5gN1qpcEc7GD8=',
		);
	});

	it('carry the signature, which stays out of the ledger', async () => {
		await start({ hmacKey: 'test-hmac-key' });
		const { url, deliveries } = await receive(200);
		const taskId = await make('/mj/generate', { ...TEXT, callBackUrl: url });
		await emulator.callbacksSettled();
		const seconds = clock.now() / 1000;
		const signature = signCallback('test-hmac-key', taskId, seconds);
		expect(deliveries[0]?.headers).toMatchObject({
			'x-webhook-timestamp': String(seconds),
			'x-webhook-signature': signature,
		});
		expect(JSON.stringify(emulator.ledger)).not.toContain(signature);
	});

	it('arrive early, late or twice when a test delivers them', async () => {
		await start({ callbacks: 'manual' });
		const { url, deliveries } = await receive(200);
		const taskId = await submit('/mj/generate', { ...TEXT, callBackUrl: url });
		await emulator.deliverCallback(taskId);
		emulator.finish(taskId);
		await emulator.callbacksSettled();
		await emulator.deliverCallback(taskId);
		await emulator.deliverCallback(taskId);
		const urls = deliveries.map(({ body }) => at(body, 'data.resultUrls'));
		expect(urls).toEqual([undefined, expect.any(Array), expect.any(Array)]);
	});

	it.each([
		['wrongSignature', 'not the key', 0, '_0.png'],
		['oldSignature', 'the key', 3600, '_0.png'],
		['unsigned', undefined, 0, '_0.png'],
		['forged', undefined, 0, 'forged.png'],
		['otherTask', undefined, 0, 'forged.png'],
		['huge', 'the key', 0, 'forged.png'],
	] as const)('posts what is %s, once', async (as, key, age, file) => {
		await start({ hmacKey: 'the key', callbacks: 'manual', callbackRetryPausesMs: [1, 1] });
		const { url, deliveries } = await receive(401);
		const taskId = await make('/mj/generate', { ...TEXT, callBackUrl: url });
		expect(await emulator.deliverCallback(taskId, { as })).toEqual([401]);
		expect(emulator.ledger.callbacks).toMatchObject([{ provider: 'midApi', taskId, as, url }]);

		const sent = deliveries[0];
		const seconds = clock.now() / 1000 - age;
		expect(sent?.headers['x-webhook-signature']).toBe(key && signCallback(key, taskId, seconds));
		expect(sent?.headers['x-webhook-timestamp']).toBe(key && String(seconds));
		expect(sent?.body).toMatchObject({ code: 200, msg: 'success' });
		expect(at(sent?.body, 'data.taskId') === taskId).toBe(as !== 'otherTask');
		expect(at(sent?.body, 'data.resultUrls.0')).toContain(file);
		expect(JSON.stringify(sent?.body).length > 5e6).toBe(as === 'huge');
	});

	it.each([
		['notJson', 'text/html', expect.stringMatching(/^<html>/)],
		['brokenJson', 'application/json', expect.stringMatching(/^\{[^}]*$/)],
		['empty', 'application/json', ''],
	] as const)('posts a body that is %s', async (as, type, body) => {
		await start({ callbacks: 'manual' });
		const { url, deliveries } = await receive(200);
		const taskId = await make('/mj/generate', { ...TEXT, callBackUrl: url });
		expect(await emulator.deliverCallback(taskId, { as })).toEqual([200]);
		expect(deliveries).toMatchObject([{ headers: { 'content-type': type }, body }]);
	});

	it('go to another address when a test says so', async () => {
		await start({ callbacks: 'manual', callbackRetryPausesMs: [] });
		const [named, other] = [await receive(200), await receive(404)];
		const taskId = await make('/mj/generate', { ...TEXT, callBackUrl: named.url });
		expect(await emulator.deliverCallback(taskId, { to: new URL(other.url) })).toEqual([404]);
		expect(named.deliveries).toEqual([]);
		expect(at(other.deliveries, '0.body.data.taskId')).toBe(taskId);
	});
});

describe('Faults', () => {
	it('replace the answer, and book nothing', async () => {
		await start();
		const undo = emulator.intercept(async ({ path }) =>
			path.endsWith('/generate')
				? { status: 502, headers: { 'content-type': 'text/html', 'x-a': 'b' }, body: '<html>' }
				: undefined,
		);
		const answer = await api.post('/mj/generate', TEXT);
		expect(answer).toMatchObject({ status: 502, data: '<html>' });
		expect(answer.headers).toMatchObject({ 'content-type': 'text/html', 'x-a': 'b' });
		expect(wire(await api.get('/common/credit')).data).toBe(1000);
		expect(emulator.ledger.submits).toHaveLength(0);
		expect(emulator.ledger.calls).toMatchObject([
			{ method: 'POST', path: '/api/v1/mj/generate', answered: 502, byFault: true },
			{ method: 'GET', path: '/api/v1/common/credit', answered: 200, byFault: false },
		]);
		undo();
		expect(await post('/mj/generate', TEXT)).toMatchObject({ code: 200 });
	});

	it('can send an empty body', async () => {
		await start();
		emulator.intercept(async () => ({ status: 500 }));
		const answer = await api.get('/common/credit');
		expect(answer).toMatchObject({ status: 500, data: '' });
		expect(answer.headers['content-type']).toBeUndefined();
	});

	it('can tear the connection before the submit is booked', async () => {
		await start();
		emulator.intercept(async () => 'reset');
		await expect(api.post('/mj/generate', TEXT)).rejects.toMatchObject({ code: 'ECONNRESET' });
		expect(emulator.ledger.submits).toHaveLength(0);
	});

	it('can lose the answer after the submit is booked, once', async () => {
		await start({ prices: 10 });
		const undo = emulator.intercept(async (call) => {
			await call.handle();
			await call.handle();
			return 'reset';
		});
		await expect(api.post('/mj/generate', TEXT)).rejects.toMatchObject({ code: 'ECONNRESET' });
		undo();
		expect(emulator.ledger.submits).toHaveLength(1);
		expect(emulator.credits).toBe(990);
	});

	it('can alter an answer, and see the call', async () => {
		await start();
		const taskId = await submit('/mj/generate', TEXT);
		const seen: unknown[] = [];
		emulator.intercept(async (call) => {
			seen.push([call.method, call.path, call.query, call.body]);
			const answer = await call.handle();
			return { ...answer, headers: { 'retry-after': '3' }, status: 429 };
		});
		const answer = await api.get('/mj/record-info', { params: { taskId } });
		expect(answer.status).toBe(429);
		expect(answer.headers['retry-after']).toBe('3');
		expect(at(answer.data, 'data.taskId')).toBe(taskId);
		expect(seen).toEqual([['GET', '/api/v1/mj/record-info', { taskId }, undefined]]);
	});

	it('are asked from the latest to the first, and let through what none reacts to', async () => {
		await start();
		const asked: string[] = [];
		emulator.intercept(async () => {
			asked.push('first');
		});
		const undo = emulator.intercept(async () => {
			asked.push('second');
			return { status: 418 };
		});
		expect((await api.get('/common/credit')).status).toBe(418);
		undo();
		expect((await api.get('/common/credit')).status).toBe(200);
		expect(asked).toEqual(['second', 'first']);
	});

	it('can hang until the caller or the emulator ends the call', async () => {
		await start();
		emulator.intercept(async () => 'hang');
		await expect(api.get('/common/credit', { timeout: 50 })).rejects.toMatchObject({
			code: 'ECONNABORTED',
		});
		const hanging = api.get('/common/credit').catch((error: unknown) => at(error, 'code'));
		while (emulator.ledger.calls.length < 2) await axios.get(emulator.url, ANY_STATUS);
		await emulator.close();
		expect(await hanging).toBe('ECONNRESET');
		expect(emulator.ledger.calls.map(({ answered }) => answered)).toEqual(['hang', 'hang']);
	});

	it('are reported when they throw', async () => {
		await start();
		emulator.intercept(async () => {
			throw new Error('my mistake');
		});
		const answer = await api.get('/common/credit');
		expect(answer).toMatchObject({ status: 500, data: 'emulator: Error: my mistake' });
	});

	describe('on the way of an answer', () => {
		const failing = (manner: Manner) =>
			emulator.intercept(async (call) => ({ ...(await call.handle()), manner }));

		/** Reads an answer piece by piece, as far as it arrives. */
		async function arriving(): Promise<{ text: () => string; ended: Promise<'whole' | 'broken'> }> {
			const response = await api.post<Readable>('/mj/generate', TEXT, { responseType: 'stream' });
			let text = '';
			const ended = new Promise<'whole' | 'broken'>((resolve) => {
				response.data.on('data', (chunk: Buffer) => (text += chunk.toString()));
				response.data.on('end', () => resolve('whole'));
				response.data.on('error', () => resolve('broken'));
			});
			return { text: () => text, ended };
		}
		const turns = async (count: number) => {
			for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
		};

		it('can cut it in the middle', async () => {
			await start();
			failing('cut');
			const { text, ended } = await arriving();
			expect(await ended).toBe('broken');
			expect(text()).toMatch(/^\{"code":200/);
			expect(text()).not.toMatch(/\}$/);
			expect(emulator.ledger.submits).toHaveLength(1);
		});

		it('can fall silent after the headers, and are counted as held until the caller goes', async () => {
			await start();
			failing('stall');
			const controller = new AbortController();
			const response = await api.post<Readable>('/mj/generate', TEXT, {
				responseType: 'stream',
				signal: controller.signal,
			});
			response.data.on('error', () => {});
			expect(response.status).toBe(200);
			expect(emulator.held).toBe(1);
			controller.abort();
			await turns(100);
			expect(emulator.held).toBe(0);
		});

		it('can let it drip by the clock of the emulator', async () => {
			await start();
			failing({ byteEveryMs: SECOND });
			const { text, ended } = await arriving();
			await turns(20);
			expect(text()).toBe('{');
			clock.advance(SECOND);
			await turns(20);
			expect(text()).toBe('{"');
			clock.advance(1000 * SECOND);
			expect(await ended).toBe('whole');
			expect(JSON.parse(text())).toMatchObject({ code: 200 });
		});
	});
});

describe('The ledger', () => {
	it('counts the reads of each task and the calls at the same time', async () => {
		await start();
		expect(emulator.ledger.mostReadsOfOneTask()).toBe(0);
		const often = await submit('/mj/generate', TEXT);
		const once = await submit('/mj/generate', TEXT);
		await record(once);
		let go = () => {};
		const gate = new Promise<void>((resolve) => (go = resolve));
		let arrived = 0;
		emulator.intercept(async () => {
			if (++arrived === 3) go();
			await gate;
		});
		await Promise.all([record(often), record(often), record(often)]);
		expect(emulator.ledger.mostReadsOfOneTask()).toBe(3);
		expect(emulator.ledger.mostCallsAtOnce).toBe(3);
		expect(emulator.ledger.submitsOf('imageRelaxed')).toHaveLength(2);
		expect(emulator.ledger.submitsOf('video')).toHaveLength(0);
		emulator.ledger.clear();
		expect(emulator.ledger.mostReadsOfOneTask()).toBe(0);
		expect(emulator.ledger.submits).toEqual([]);
	});

	it('keeps a body as it was sent, and prints it without the secrets of its URLs', async () => {
		await start();
		const body = { ...IMAGE, fileUrls: [`${PICTURE}?token=hush`] };
		await submit('/mj/generate', body);
		expect(emulator.ledger.submits[0]?.body).toEqual(body);
		const { data } = await axios.get(`${emulator.url}/__emulator/ledger`, ANY_STATUS);
		expect(at(data, 'submits.0.body.fileUrls.0')).toBe(`${PICTURE}?…`);
		expect(at(data, 'calls')).toHaveLength(1);
	});

	it('is shown on a front page with instructions', async () => {
		await start();
		const { data, headers } = await axios.get<string>(emulator.url, ANY_STATUS);
		expect(headers['content-type']).toMatch(/^text\/plain/);
		expect(data).toContain(KEY);
		expect(data).toContain(emulator.url);
	});
});
