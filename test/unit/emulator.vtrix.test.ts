import axios, { type AxiosInstance } from 'axios';
import {
	type Emulator,
	type EmulatorOptions,
	type ManualClock,
	manualClock,
	startEmulator,
	type VtrixChanges,
} from '../emulator';
import { isJsonObject, isString, type JsonObject } from '../emulator/json';
import { at, startReceiver } from './receiver';

/** The emulator against the documentation (wire.md: Vtrix). Time stands still unless a test moves it. */

const KEY = 'test-key';
const SECOND = 1000;
const SUBMIT = '/model/v1/generation';

let clock: ManualClock;
let emulator: Emulator;
let api: AxiosInstance;
const cleanUps: Array<() => Promise<void>> = [];

async function start(vtrix: VtrixChanges = {}, options: EmulatorOptions = {}): Promise<void> {
	clock = manualClock();
	emulator = await startEmulator({
		...{ apiKey: KEY, clock, latencyMs: 10 * SECOND, vtrix },
		...options,
	});
	cleanUps.push(emulator.close);
	api = axios.create({
		baseURL: emulator.url,
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
	body: unknown;
}

async function post(body: unknown): Promise<Wire> {
	const { status, data } = await api.post<unknown>(SUBMIT, body);
	return { status, body: data };
}

async function ask(model: string, params: JsonObject): Promise<Wire> {
	return await post({ model, input: [{ params }] });
}

async function read(taskId: string): Promise<Wire> {
	const { status, data } = await api.get<unknown>(`${SUBMIT}/task/${taskId}`);
	return { status, body: data };
}

function idIn({ status, body }: Wire, field = 'id'): string {
	const id = at(body, field);
	if (status !== 200 || !isString(id)) throw new Error(`Not accepted: ${JSON.stringify(body)}`);
	return id;
}

/** Submits and lets the task end; hands back its ids. */
async function make(
	model: string,
	params: JsonObject,
): Promise<{ taskId: string; jobId: string; task: unknown }> {
	const taskId = idIn(await ask(model, params));
	emulator.finish(taskId);
	const { body: task } = await read(taskId);
	return { taskId, jobId: String(at(task, 'output.0.content.0.jobId')), task };
}

const TEXT = { text: 'a lighthouse --ar 4:3' };
const CANVAS = { canvas: { width: 1536, height: 1024 } };
const IMG_POS = { imgPos: { width: 1024, height: 1024, x: 256, y: 0 } };
const AREA = { width: 1024, height: 1024, points: [100, 100, 600, 100, 600, 500, 100, 500] };
const MASK = { mask: { areas: [AREA] } };
const URL_MASK = { mask: { url: 'https://files.example.org/mask.png' } };
const IMG_URL = { imgUrl: 'https://files.example.org/harbour.png' };
const PROMPT = { remixPrompt: 'a red door' };
const LONG = 'x'.repeat(8192);

/** The required parameters of each model; jobId and imageNo are added if it works on an output. */
const DIRECT: Record<string, JsonObject> = {
	midjourney_diffusion: TEXT,
	midjourney_uploadpaint: { ...IMG_URL, ...CANVAS, ...IMG_POS, ...MASK, ...PROMPT },
	midjourney_retexture: { ...IMG_URL, ...PROMPT },
};
const SECONDARY: Record<string, JsonObject> = {
	midjourney_edit: { ...CANVAS, ...IMG_POS, ...PROMPT },
	midjourney_remix: PROMPT,
	midjourney_upscale: { type: 0 },
	midjourney_variation: { type: 0 },
	midjourney_inpaint: MASK,
	midjourney_outpaint: { scale: 1.5 },
	midjourney_pan: { direction: 0, scale: 1.5 },
	midjourney_enhance: {},
	midjourney_reroll: {},
};

/** The required parameters of a model, for an output of a job of this test. */
async function least(model: string, imageNo = 1): Promise<JsonObject> {
	const direct = DIRECT[model];
	if (direct) return direct;
	const text = model === 'midjourney_enhance' ? `${TEXT.text} --draft` : TEXT.text;
	const { jobId } = await make('midjourney_diffusion', { text });
	return { jobId, ...(model !== 'midjourney_reroll' && { imageNo }), ...SECONDARY[model] };
}

const MODELS = [...Object.keys(DIRECT), ...Object.keys(SECONDARY)];

describe('Authentication', () => {
	it.each([
		['no key', {}],
		['a wrong key', { authorization: 'Bearer wrong' }],
		['the bare key', { authorization: KEY }],
	])('answers %s with HTTP 401', async (_case, headers) => {
		await start();
		const anyone = axios.create({
			...{ baseURL: emulator.url, headers, proxy: false },
			validateStatus: () => true,
		});
		const seen = await anyone.get(`${SUBMIT}/task/anything`);
		expect(seen).toMatchObject({ status: 401, data: { message: expect.stringMatching(/key/) } });
		// Only Diffusion's page has a code for it (wire.md: Vtrix codes).
		const body = (model: string) => ({ model, input: [{ params: TEXT }] });
		const painted = await anyone.post(SUBMIT, body('midjourney_diffusion'));
		expect(painted).toMatchObject({ status: 401, data: { error: { code: 8004001004 } } });
		const edited = await anyone.post(SUBMIT, body('midjourney_edit'));
		expect(edited).toMatchObject({ status: 401, data: { message: expect.any(String) } });
		expect(emulator.ledger.submits).toEqual([]);
		expect(emulator.ledger.refusals).toMatchObject([{ code: 8004001004 }, { code: 401 }]);
		expect(emulator.ledger.reads).toMatchObject([{ taskId: 'anything', code: 401 }]);
	});
});

describe('Accepted submits', () => {
	it.each(MODELS)('%s with its required fields alone', async (model) => {
		await start();
		const params = await least(model);
		const { status, body } = await ask(model, params);
		expect(status).toBe(200);
		expect(body).toEqual({
			id: expect.stringMatching(/^\w+$/),
			model,
			status: 'in_progress',
			created_at: clock.now() / 1000,
		});
		expect(emulator.ledger.submits.at(-1)).toMatchObject({
			provider: 'vtrix',
			kind: model,
			taskId: at(body, 'id'),
			params,
			unknownFields: [],
			body: { model, input: [{ params }] },
		});
	});

	it.each([
		['midjourney_diffusion', { text: LONG }],
		['midjourney_diffusion', { text: 'x', callback: 'https://hooks.example.org/vtrix' }],
		['midjourney_edit', { imageNo: 0, remixPrompt: LONG }],
		['midjourney_edit', { imageNo: 3, ...MASK }],
		['midjourney_edit', URL_MASK],
		['midjourney_edit', { imgPos: { width: 100, height: 100, x: -50, y: 900 } }],
		['midjourney_remix', { mode: 0 }],
		['midjourney_remix', { mode: 1 }],
		['midjourney_upscale', { type: 3 }],
		['midjourney_variation', { type: 1, ...PROMPT }],
		['midjourney_inpaint', { ...URL_MASK, ...PROMPT }],
		['midjourney_inpaint', { mask: { areas: [AREA, { ...AREA, points: [0, 0, 9, 0, 9, 9] }] } }],
		['midjourney_inpaint', { mask: { areas: [{ ...AREA, width: 500, height: 4096 }] } }],
		['midjourney_inpaint', { mask: { areas: [], ...URL_MASK.mask } }],
		['midjourney_outpaint', { scale: 1.1, ...PROMPT }],
		['midjourney_outpaint', { scale: 2 }],
		['midjourney_uploadpaint', URL_MASK],
		['midjourney_uploadpaint', { imgUrl: `https://files.example.org/${'x'.repeat(998)}` }],
		['midjourney_pan', { direction: 3, scale: 3, ...PROMPT }],
		['midjourney_video_diffusion', { prompt: `${IMG_URL.imgUrl} waves` }],
	])('%s with %j', async (model, change) => {
		await start();
		expect(await ask(model, { ...(await least(model)), ...change })).toMatchObject({ status: 200 });
	});

	it('unknown fields, which are recorded', async () => {
		await start();
		const input = [{ params: { ...TEXT, aspectRatio: '1:1' }, beside: 1 }];
		expect(await post({ model: 'midjourney_diffusion', input, text: 'x' })).toMatchObject({
			status: 200,
		});
		expect(emulator.ledger.submits).toMatchObject([
			{ unknownFields: ['text', 'beside', 'aspectRatio'] },
		]);
	});

	it('mask sizes of any kind, if told so', async () => {
		await start({ strictMask: false });
		const mask = { areas: [{ ...AREA, width: 100 }] };
		const params = { ...(await least('midjourney_inpaint')), mask };
		expect(await ask('midjourney_inpaint', params)).toMatchObject({ status: 200 });
	});
});

describe('Refused submits', () => {
	const NOTHING = undefined;

	it.each([
		// model, change, the field that the words begin with, the code of the documentation
		['midjourney_diffusion', { text: NOTHING }, 'text', 8004001001],
		['midjourney_diffusion', { text: '' }, 'text', 8004001001],
		['midjourney_diffusion', { text: `${LONG}x` }, 'text', 8004001002],
		['midjourney_diffusion', { text: 7 }, 'text', 8004001002],
		['midjourney_diffusion', { callback: 'ftp://example.org' }, 'callback', 8004001003],
		['midjourney_edit', { jobId: NOTHING }, 'jobId', 8004007001],
		['midjourney_edit', { jobId: 'x' }, 'jobId', 8004007001],
		['midjourney_edit', { imageNo: NOTHING }, 'imageNo', 8004007002],
		['midjourney_edit', { imageNo: 4 }, 'imageNo', 8004007003],
		['midjourney_edit', { imageNo: -1 }, 'imageNo', 8004007003],
		['midjourney_edit', { imageNo: '1' }, 'imageNo', 8004007003],
		['midjourney_edit', { remixPrompt: NOTHING }, 'remixPrompt', 8004007004],
		['midjourney_edit', { remixPrompt: `${LONG}x` }, 'remixPrompt', 8004007005],
		['midjourney_edit', { canvas: NOTHING }, 'canvas', 8004007006],
		['midjourney_edit', { canvas: { width: 9 } }, 'canvas.height', 8004007006],
		['midjourney_edit', { canvas: { width: 9.5, height: 9 } }, 'canvas.width', NOTHING],
		['midjourney_edit', { canvas: { width: 0, height: 9 } }, 'canvas.width', NOTHING],
		['midjourney_edit', { canvas: '9x9' }, 'canvas', NOTHING],
		['midjourney_edit', { imgPos: NOTHING }, 'imgPos', 8004007007],
		['midjourney_edit', { imgPos: { width: 9, height: 9, x: 0 } }, 'imgPos.y', 8004007007],
		['midjourney_edit', { imgPos: { ...IMG_POS.imgPos, x: 0.5 } }, 'imgPos.x', NOTHING],
		['midjourney_edit', { mask: [] }, 'mask', NOTHING],
		['midjourney_edit', { callback: 'nowhere' }, 'callback', 8004007008],
		['midjourney_remix', { jobId: NOTHING }, 'jobId', 8004011001],
		['midjourney_remix', { imageNo: NOTHING }, 'imageNo', 8004011002],
		['midjourney_remix', { remixPrompt: NOTHING }, 'remixPrompt', NOTHING],
		['midjourney_remix', { mode: 2 }, 'mode', NOTHING],
		['midjourney_upscale', { type: NOTHING }, 'type', NOTHING],
		['midjourney_upscale', { type: 4 }, 'type', NOTHING],
		['midjourney_upscale', { imageNo: 4 }, 'imageNo', NOTHING],
		['midjourney_variation', { type: 2 }, 'type', NOTHING],
		['midjourney_variation', { type: '1' }, 'type', NOTHING],
		['midjourney_variation', { remixPrompt: '' }, 'remixPrompt', NOTHING],
		['midjourney_inpaint', { mask: NOTHING }, 'mask', NOTHING],
		['midjourney_inpaint', { mask: {} }, 'mask', NOTHING],
		['midjourney_inpaint', { mask: { areas: [] } }, 'mask', NOTHING],
		['midjourney_inpaint', { mask: { url: 'mask.png' } }, 'mask.url', NOTHING],
		['midjourney_inpaint', { mask: { areas: AREA } }, 'mask.areas', NOTHING],
		...[
			['width', { width: 499 }],
			['height', { height: 4097 }],
			['width', { width: NOTHING }],
			['points', { points: [1, 2, 3, 4] }],
			['points', { points: [1, 2, 3, 4, 5, 6, 7] }],
			['points', { points: [1, 2, 3, 4, 5, 6.5] }],
			['points', { points: NOTHING }],
		].map(([name, change]): [string, JsonObject, string, undefined] => {
			const area = { ...AREA, ...(isJsonObject(change) ? change : {}) };
			const mask = { areas: [AREA, area] };
			return ['midjourney_inpaint', { mask }, `mask.areas[1].${String(name)}`, NOTHING];
		}),
		['midjourney_outpaint', { scale: NOTHING }, 'scale', NOTHING],
		['midjourney_outpaint', { scale: 1.05 }, 'scale', NOTHING],
		['midjourney_outpaint', { scale: 2.1 }, 'scale', NOTHING],
		['midjourney_outpaint', { scale: '1.5' }, 'scale', NOTHING],
		['midjourney_uploadpaint', { imgUrl: NOTHING }, 'imgUrl', NOTHING],
		['midjourney_uploadpaint', { imgUrl: 'harbour.png' }, 'imgUrl', NOTHING],
		['midjourney_uploadpaint', { mask: NOTHING }, 'mask', NOTHING],
		['midjourney_uploadpaint', { canvas: NOTHING }, 'canvas', NOTHING],
		['midjourney_uploadpaint', { remixPrompt: NOTHING }, 'remixPrompt', NOTHING],
		[
			'midjourney_retexture',
			{ imgUrl: `https://files.example.org/${'x'.repeat(999)}` },
			'imgUrl',
			NOTHING,
		],
		['midjourney_retexture', { remixPrompt: NOTHING }, 'remixPrompt', NOTHING],
		['midjourney_pan', { direction: 4 }, 'direction', NOTHING],
		['midjourney_pan', { scale: 3.1 }, 'scale', NOTHING],
		['midjourney_reroll', { jobId: NOTHING }, 'jobId', NOTHING],
		['midjourney_video_diffusion', {}, 'jobId or prompt', NOTHING],
		['midjourney_video_diffusion', { jobId: 'x' }, 'imageNo', NOTHING],
		['midjourney_video_diffusion', { prompt: 'x', videoType: 2 }, 'videoType', NOTHING],
	] as Array<[string, JsonObject, string, number | undefined]>)(
		'%s with %j: names %s',
		async (model, change, field, code) => {
			await start();
			const params = model.includes('video') ? {} : await least(model);
			const [{ length }, balance] = [emulator.ledger.submits, emulator.balanceUsd];
			const { status, body } = await ask(model, { ...params, ...change });
			expect(status).toBe(400);
			const msg = code === undefined ? at(body, 'message') : at(body, 'error.error_message');
			expect(msg).toEqual(expect.stringMatching(/./));
			expect(String(msg).startsWith(`${field} `)).toBe(true);
			expect(at(body, 'error.code')).toBe(code);
			expect(emulator.ledger.submits).toHaveLength(length);
			expect(emulator.balanceUsd).toBe(balance);
			expect(emulator.ledger.refusals).toMatchObject([
				{ provider: 'vtrix', code: code ?? 400, msg, path: SUBMIT },
			]);
		},
	);

	it.each([
		['no body', undefined],
		['a list', []],
		['no model', { input: [{ params: TEXT }] }],
		['an unknown model', { model: 'midjourney_blend', input: [{ params: TEXT }] }],
		['a flat body', { model: 'midjourney_diffusion', ...TEXT }],
		['an empty list', { model: 'midjourney_diffusion', input: [] }],
		['an object for the list', { model: 'midjourney_diffusion', input: { params: TEXT } }],
		['no params', { model: 'midjourney_diffusion', input: [TEXT] }],
		[
			'two of a kind',
			{ model: 'midjourney_diffusion', input: [{ params: TEXT }, { params: TEXT }] },
		],
	])('%s', async (_case, body) => {
		await start();
		expect(await post(body)).toMatchObject({ status: 400, body: { message: expect.any(String) } });
		expect(emulator.ledger.submits).toEqual([]);
	});

	it('what is wrapped, where flat ones are taken and the wrapper is overlooked', async () => {
		await start({ body: 'flat', strayInput: 'missed' });
		expect(await ask('midjourney_diffusion', TEXT)).toMatchObject({
			status: 400,
			body: { error: { code: 8004001001 } },
		});
	});

	it('no body where both are taken', async () => {
		await start({ body: 'both' });
		expect(await ask('midjourney_diffusion', TEXT)).toMatchObject({ status: 200 });
		expect(await post({ model: 'midjourney_diffusion', ...TEXT })).toMatchObject({ status: 200 });
		expect(emulator.ledger.submits.map(({ params }) => params)).toEqual([TEXT, TEXT]);
	});

	it('a wrapped body where flat ones are expected', async () => {
		await start({ body: 'flat' });
		expect(await ask('midjourney_diffusion', TEXT)).toMatchObject({ status: 400 });
		const callback = 'http://127.0.0.1:9/hook';
		const flat = { model: 'midjourney_diffusion', ...TEXT, callback };
		expect(await post(flat)).toMatchObject({ status: 200 });
		expect(emulator.ledger.submits).toMatchObject([
			{ params: { ...TEXT, callback }, callbackUrl: callback, unknownFields: [], body: flat },
		]);
	});
});

describe('Jobs', () => {
	it.each(['midjourney_edit', 'midjourney_upscale'])(
		'are known to %s as its source',
		async (model) => {
			await start();
			const source = await make('midjourney_diffusion', TEXT);
			expect(source.jobId).not.toBe(source.taskId);
			const params = { ...SECONDARY[model], jobId: source.jobId, imageNo: 2 };
			const { taskId, task } = await make(model, params);
			expect(task).toMatchObject({ status: 'completed', metadata: { imageNo: 2 } });
			expect(at(task, 'output.0.content')).toHaveLength(model.includes('upscale') ? 1 : 4);
			const [first, second] = emulator.ledger.submits;
			expect(first?.jobId).toBe(source.jobId);
			expect(second).toMatchObject({ taskId, source: { taskId: source.taskId, index: 2 } });
			// The id of the task is not the id of a job.
			expect(await ask(model, { ...params, jobId: source.taskId })).toMatchObject({ status: 400 });
		},
	);

	it('must have completed', async () => {
		await start();
		for (const text of ['a lighthouse', 'a lighthouse [fail]']) {
			const taskId = idIn(await ask('midjourney_diffusion', { text }));
			const { jobId } = emulator.ledger.submits.at(-1) ?? {};
			const params = { jobId, imageNo: 0, type: 0 };
			expect(await ask('midjourney_upscale', params)).toMatchObject({ status: 400 });
			emulator.finish(taskId);
			const after = text.includes('[fail]') ? 400 : 200;
			expect(await ask('midjourney_upscale', params)).toMatchObject({ status: after });
		}
	});

	it('have as many images as their task has outputs', async () => {
		await start();
		const { jobId } = await make('midjourney_diffusion', TEXT);
		const upscaled = await make('midjourney_upscale', { jobId, imageNo: 3, type: 1 });
		const params = { ...SECONDARY.midjourney_edit, jobId: upscaled.jobId };
		expect(await ask('midjourney_edit', { ...params, imageNo: 1 })).toMatchObject({
			status: 400,
			body: { error: { code: 8004007003 } },
		});
		expect(await ask('midjourney_edit', { ...params, imageNo: 0 })).toMatchObject({ status: 200 });
	});

	it.each([
		['midjourney_enhance', 'of no draft', { text: 'x' }],
		['midjourney_pan', 'of version 8.1', { text: 'x --v 8.1' }],
		['midjourney_outpaint', 'of version 8.1', { text: 'x --v 8.1' }],
		['midjourney_inpaint', 'of version 8.1', { text: 'x --v 8.1' }],
		['midjourney_enhance', 'of version 8.1', { text: 'x --draft --v 8.1' }],
	])('are refused by %s %s', async (model, _case, params) => {
		await start();
		const { jobId } = await make('midjourney_diffusion', params);
		const answer = await ask(model, { ...SECONDARY[model], jobId, imageNo: 0 });
		expect(answer).toMatchObject({
			status: 400,
			body: { message: expect.stringMatching(/^jobId/) },
		});
	});

	it('of a retexture can only be upscaled', async () => {
		await start();
		const { jobId } = await make('midjourney_retexture', { ...IMG_URL, ...PROMPT });
		const params = { jobId, imageNo: 0, type: 0 };
		expect(await ask('midjourney_variation', params)).toMatchObject({ status: 400 });
		expect(await ask('midjourney_upscale', params)).toMatchObject({ status: 200 });
	});

	it('of a video are no images', async () => {
		await start();
		const { jobId } = await make('midjourney_video_diffusion', { prompt: 'waves' });
		const params = { jobId, imageNo: 0, type: 0 };
		expect(await ask('midjourney_upscale', params)).toMatchObject({ status: 400 });
	});

	it.each([
		['content', 'output.0.content.3.jobId'],
		['contentMetadata', 'output.0.content.3.metadata.jobId'],
		['metadata', 'metadata.jobId'],
		['none', 'id'],
	] as const)('stand in %s and nowhere else', async (jobIdPlace, path) => {
		await start({ jobIdPlace });
		const { task } = await make('midjourney_diffusion', TEXT);
		const jobId = at(task, path);
		expect(JSON.stringify(task).match(/"jobId"/g) ?? []).toHaveLength(
			{ content: 4, contentMetadata: 4, metadata: 1, none: 0 }[jobIdPlace],
		);
		const answer = await ask('midjourney_upscale', { jobId, imageNo: 0, type: 0 });
		expect(answer).toMatchObject({ status: 200 });
	});

	it('of one provider are unknown to the other', async () => {
		await start();
		const generated = await api.post<unknown>('/api/v1/mj/generate', {
			...{ taskType: 'mj_txt2img', prompt: 'x' },
		});
		const midApiId = String(at(generated.data, 'data.taskId'));
		emulator.finish(midApiId);
		expect(await read(midApiId)).toMatchObject({ status: 404 });
		const { taskId } = await make('midjourney_diffusion', TEXT);
		const info = await api.get<unknown>('/api/v1/mj/record-info', { params: { taskId } });
		expect(info.data).toMatchObject({ code: 422 });
		const upscale = { taskId, imageIndex: 0 };
		const answer = await api.post<unknown>('/api/v1/mj/generateUpscale', upscale);
		expect(answer.data).toMatchObject({ code: 422 });
	});
});

describe('The life of a task', () => {
	it('runs with progress, then completes', async () => {
		await start();
		const id = idIn(await ask('midjourney_diffusion', TEXT));
		const about = { id, model: 'midjourney_diffusion', created_at: clock.now() / 1000 };
		expect((await read(id)).body).toEqual({ ...about, status: 'in_progress', progress: 0 });
		clock.advance(4 * SECOND);
		expect((await read(id)).body).toEqual({ ...about, status: 'in_progress', progress: 0.4 });
		clock.advance(6 * SECOND);
		const jobId = emulator.ledger.submits[0]?.jobId;
		expect(await read(id)).toEqual({
			status: 200,
			body: {
				...about,
				status: 'completed',
				output: [
					{
						content: [0, 1, 2, 3].map((index) => ({
							type: 'image',
							url: `${emulator.url}/files/${id}_${index}.png`,
							jobId,
						})),
					},
				],
				usage: { cost: '0.05', discount: 1 },
				metadata: { prompt: TEXT.text },
			},
		});
		expect(emulator.ledger.readsOf(id)).toHaveLength(3);
		expect(emulator.ledger.reads[0]).toMatchObject({ provider: 'vtrix', code: 200 });
	});

	it.each([
		['midjourney_diffusion', '[fail]', 8004001098, 'generation failed'],
		['midjourney_diffusion', '[fail2]', 8004001099, 'provider unavailable'],
		['midjourney_edit', '[fail]', 8004007098, 'generation failed'],
		['midjourney_edit', '[fail2]', 8004007099, 'service unavailable'],
		// The number of this model is unknown.
		['midjourney_retexture', '[fail]', 8004000098, 'generation failed'],
	])('%s fails with %s in %i', async (model, mark, code, error_message) => {
		await start();
		const params = { ...(await least(model)), text: mark, remixPrompt: mark };
		const { task, taskId } = await make(model, params);
		expect(task).toEqual({
			...{ id: taskId, model, status: 'failed', created_at: clock.now() / 1000 },
			error: { code, error_message },
		});
	});

	it('ends as the test decides', async () => {
		const asked: unknown[] = [];
		await start(
			{},
			{
				outcome: (request) => {
					asked.push(request);
					return 'failed2';
				},
			},
		);
		const { task } = await make('midjourney_diffusion', TEXT);
		expect(task).toMatchObject({ error: { code: 8004001099 } });
		expect(asked).toMatchObject([
			{ provider: 'vtrix', kind: 'midjourney_diffusion', prompt: TEXT.text },
		]);
	});

	it('takes as long as its model', async () => {
		await start(
			{},
			{ latencyMs: { midjourney_diffusion: SECOND, midjourney_retexture: 5 * SECOND } },
		);
		const ids = [
			idIn(await ask('midjourney_diffusion', TEXT)),
			idIn(await ask('midjourney_retexture', { ...IMG_URL, ...PROMPT })),
		];
		const states = async () =>
			await Promise.all(ids.map(async (id) => at((await read(id)).body, 'status')));
		clock.advance(SECOND);
		expect(await states()).toEqual(['completed', 'in_progress']);
		clock.advance(4 * SECOND);
		expect(await states()).toEqual(['completed', 'completed']);
	});

	it('answers for an unknown task with HTTP 404', async () => {
		await start();
		expect(await read('dummy')).toMatchObject({
			status: 404,
			body: { message: expect.stringContaining('dummy') },
		});
		expect(emulator.ledger.reads).toMatchObject([{ taskId: 'dummy', code: 404 }]);
	});

	it('makes videos', async () => {
		await start();
		const { jobId } = await make('midjourney_diffusion', TEXT);
		const { task } = await make('midjourney_video_diffusion', { jobId, imageNo: 0, videoType: 1 });
		expect(at(task, 'output.0.content.0')).toMatchObject({
			type: 'video',
			url: expect.stringMatching(/_0\.mp4$/),
		});
	});
});

describe('What the documentation leaves open can be set', () => {
	const FAILING = { text: '[fail]' };

	it.each([
		[
			'other words for states',
			{ words: { submitted: 'pending', running: 'processing', completed: 'succeeded' } },
			[{ status: 'pending' }, { status: 'processing' }, { status: 'succeeded' }],
		],
		[
			'another name for the id',
			{ idField: 'task_id' },
			[
				{ task_id: expect.any(String) },
				{ status: 'in_progress' },
				{ completed_at: expect.any(Number) },
			],
		],
		[
			'times as text',
			{ createdAt: 'iso' },
			[{ created_at: '2025-01-02T03:04:05.000Z' }, {}, { created_at: '2025-01-02T03:04:05.000Z' }],
		],
		[
			'two images, each in an output',
			{ outputs: 2, outputLayout: 'apart' },
			[{}, {}, { output: [{ content: [{ type: 'image' }] }, { content: [{ type: 'image' }] }] }],
		],
		[
			'a price with a discount',
			{ prices: 0.125, discount: 0.8 },
			[{}, {}, { usage: { cost: '0.125', discount: 0.8 } }],
		],
	] as Array<[string, VtrixChanges, unknown[]]>)('%s', async (_case, options, expected) => {
		await start(options);
		const submitted = await ask('midjourney_diffusion', TEXT);
		const id = idIn(submitted, options.idField);
		const running = await read(id);
		emulator.finish(id);
		const ended = await read(id);
		expect([submitted.body, running.body, ended.body]).toMatchObject(expected);
	});

	it.each([
		[
			{ errorShape: 'error_message' },
			{ error: { code: 8004001098, error_message: 'generation failed' } },
		],
		[{ errorShape: 'message' }, { error: { code: 8004001098, message: 'generation failed' } }],
		[{ errorShape: 'string' }, { error: 'generation failed' }],
		[{ words: { failed: 'completed' } }, { status: 'completed', error: { code: 8004001098 } }],
	] as Array<[VtrixChanges, JsonObject]>)('a failure by %j', async (options, expected) => {
		await start(options);
		const { task } = await make('midjourney_diffusion', FAILING);
		expect(task).toMatchObject(expected);
		expect(task).not.toHaveProperty('output');
	});

	it('edit codes without their leading zeros, and diffusion codes unchanged', async () => {
		await start({ errorCodes: 'noLeadingZeros' });
		const edit = await ask('midjourney_edit', {});
		expect(edit).toMatchObject({ status: 400, body: { error: { code: 4007001 } } });
		const diffusion = await ask('midjourney_diffusion', {});
		expect(diffusion).toMatchObject({ status: 400, body: { error: { code: 8004001001 } } });
	});

	it.each([
		['message', { message: 'task x not found' }],
		['error', { error: { code: 404, error_message: 'task x not found' } }],
		[
			'status',
			{ status: { code: 404, message: 'task x not found', error_code: 40401 }, data: null },
		],
	] as const)('HTTP errors with %s', async (httpErrors, body) => {
		await start({ httpErrors });
		expect(await read('x')).toEqual({ status: 404, body });
	});

	it('a refusal as a task object without id', async () => {
		await start({ refusals: 'task' });
		expect(await ask('midjourney_edit', {})).toEqual({
			status: 200,
			body: {
				...{ model: 'midjourney_edit', status: 'failed' },
				error: { code: 8004007001, error_message: 'jobId is required' },
			},
		});
		expect(emulator.ledger.submits).toEqual([]);
	});

	it('a name for videos', async () => {
		await start({ videoType: 'video_url' });
		const { task } = await make('midjourney_video_diffusion', { prompt: 'waves' });
		expect(at(task, 'output.0.content.0.type')).toBe('video_url');
	});
});

describe('Money and limits', () => {
	it.each([
		[402, 40201],
		[403, 40301],
	] as const)('takes dollars until nothing is left, then HTTP %i', async (status, error_code) => {
		await start({
			...{ balanceUsd: 0.3, prices: 0.1 },
			...{ emptyBalanceStatus: status, httpErrors: 'status' },
		});
		for (let times = 0; times < 3; times++) await make('midjourney_diffusion', TEXT);
		expect(emulator.balanceUsd).toBe(0);
		expect(await ask('midjourney_diffusion', TEXT)).toMatchObject({
			status,
			body: { status: { code: status, error_code } },
		});
		emulator.balanceUsd = 1;
		expect(await ask('midjourney_diffusion', TEXT)).toMatchObject({ status: 200 });
		expect(emulator.ledger.spentUsd).toBe(0.4);
		expect(emulator.ledger.spent).toBe(0);
		expect(emulator.credits).toBe(1000);
	});

	it('refuse submits over the limit, but no reads, and count MidAPI apart', async () => {
		await start({}, { rateLimit: { requests: 1, perMs: 10 * SECOND } });
		const id = idIn(await ask('midjourney_diffusion', TEXT));
		expect(await ask('midjourney_diffusion', TEXT)).toMatchObject({ status: 429 });
		expect(await read(id)).toMatchObject({ status: 200 });
		const other = await api.post<unknown>('/api/v1/mj/generate', {
			...{ taskType: 'mj_txt2img', prompt: 'x' },
		});
		expect(other.data).toMatchObject({ code: 200 });
		clock.advance(10 * SECOND);
		expect(await ask('midjourney_diffusion', TEXT)).toMatchObject({ status: 200 });
	});
});

describe('Pictures', () => {
	/** Width and height out of the PNG header. */
	async function sizeOf(task: unknown, index = 0): Promise<number[]> {
		const png = await pngOf(task, index);
		return [png.readUInt32BE(16), png.readUInt32BE(20)];
	}

	async function pngOf(task: unknown, index = 0): Promise<Buffer> {
		const url = String(at(task, `output.0.content.${index}.url`));
		const { data } = await api.get<Buffer>(url, { responseType: 'arraybuffer' });
		return data;
	}

	it.each([
		['midjourney_diffusion', { text: 'x' }, [768, 768]],
		['midjourney_diffusion', { text: 'x --ar 16:9 --v 7' }, [768, 432]],
		['midjourney_diffusion', { text: 'x --aspect 1:2' }, [384, 768]],
		['midjourney_diffusion', { text: 'x --ar 9999:1' }, [768, 96]],
		['midjourney_edit', {}, [1152, 768]],
		['midjourney_uploadpaint', {}, [1152, 768]],
		[
			'midjourney_uploadpaint',
			{ imgPos: { width: 1e9, height: 1e9, x: -1e9, y: 1e9 } },
			[1152, 768],
		],
		['midjourney_inpaint', {}, [1152, 864]],
		['midjourney_outpaint', {}, [1152, 864]],
		['midjourney_pan', { direction: 1, scale: 1.5 }, [1152, 576]],
		['midjourney_pan', { direction: 2, scale: 3 }, [512, 1152]],
		['midjourney_upscale', {}, [1536, 1152]],
		['midjourney_variation', {}, [768, 576]],
		['midjourney_remix', { remixPrompt: 'x --ar 1:1' }, [768, 768]],
		['midjourney_retexture', {}, [768, 768]],
		['midjourney_reroll', {}, [768, 576]],
	])('%s with %j', async (model, change, size) => {
		await start();
		const { task } = await make(model, { ...(await least(model)), ...change });
		expect(await sizeOf(task)).toEqual(size);
	});

	it.each([
		['the mask', 'midjourney_inpaint', MASK, { mask: { areas: [{ ...AREA, width: 2048 }] } }],
		['the place', 'midjourney_edit', IMG_POS, { imgPos: { ...IMG_POS.imgPos, x: 0 } }],
		['the scale', 'midjourney_outpaint', { scale: 1.2 }, { scale: 1.8 }],
		['the strength', 'midjourney_variation', { type: 0 }, { type: 1 }],
	])(
		'show %s',
		async (_what, model, one, other) => {
			// Ids are in the pictures too: the same seed gives both the same.
			const draw = async (change: JsonObject) => {
				await start({}, { seed: 5 });
				return await pngOf((await make(model, { ...(await least(model)), ...change })).task);
			};
			const drawn = await draw(one);
			expect((await draw(one)).equals(drawn)).toBe(true);
			expect((await draw(other)).equals(drawn)).toBe(false);
			// Draws three large pictures.
		},
		20_000,
	);

	it('are recognised as sources by their URL', async () => {
		await start();
		const { taskId, task } = await make('midjourney_diffusion', TEXT);
		const imgUrl = at(task, 'output.0.content.2.url');
		await make('midjourney_retexture', { imgUrl, ...PROMPT });
		expect(emulator.ledger.submits[1]).toMatchObject({ source: { taskId, index: 2 } });
	});
});

describe('Callbacks', () => {
	async function receive(...answers: Array<number | 'hang'>) {
		const receiver = await startReceiver(answers);
		cleanUps.push(receiver.close);
		return receiver;
	}

	it('post the task, unsigned, as often as MidAPI does', async () => {
		await start(
			{},
			{ clock: undefined, latencyMs: Infinity, hmacKey: 'key', callbackRetryPausesMs: [1, 1] },
		);
		const { url: callback, deliveries } = await receive(500, 200);
		const { taskId, task } = await make('midjourney_diffusion', { ...TEXT, callback });
		await emulator.callbacksSettled();
		expect(deliveries.map(({ body }) => body)).toEqual([task, task]);
		expect(deliveries[0]?.headers).not.toHaveProperty('x-webhook-signature');
		expect(emulator.ledger.callbacksOf(taskId)).toMatchObject([
			{ provider: 'vtrix', status: 500 },
			{ provider: 'vtrix', status: 200 },
		]);
		expect(emulator.ledger.submits[0]?.callbackUrl).toBe(callback);
	});

	it.each([
		['a lighthouse', 2, 4],
		['[fail]', 3, 0],
	])('can post the job of the upstream for "%s"', async (text, status, count) => {
		await start({ callbackBody: 'job' }, { callbacks: 'manual' });
		const { url: callback, deliveries } = await receive(200);
		const taskId = idIn(await ask('midjourney_diffusion', { text, callback }));
		await emulator.deliverCallback(taskId);
		emulator.finish(taskId);
		await emulator.deliverCallback(taskId);
		const id = emulator.ledger.submits[0]?.jobId;
		const comment = expect.stringMatching(/^JobStatus/);
		expect(deliveries.map(({ body }) => body)).toEqual([
			{ id, urls: [], status: 1, comment },
			{ id, urls: Array(count).fill(expect.stringMatching(/\.png$/)), status, comment },
		]);
	});

	it.each(['forged', 'otherTask', 'huge'] as const)('can be %s on demand', async (as) => {
		await start({}, { callbacks: 'manual' });
		const { url: callback, deliveries } = await receive(200);
		const taskId = idIn(await ask('midjourney_diffusion', { ...TEXT, callback }));
		expect(await emulator.deliverCallback(taskId, { as })).toEqual([200]);
		const body = deliveries[0]?.body;
		expect(body).toMatchObject({ status: 'completed' });
		expect(at(body, 'output.0.content.0.url')).toContain('forged.png');
		expect(at(body, 'id') === taskId).toBe(as !== 'otherTask');
		expect(JSON.stringify(body).length > 5e6).toBe(as === 'huge');
		expect(emulator.ledger.callbacks).toMatchObject([{ taskId, as }]);
	});
});

it('Vtrix shares faults and the ledger with MidAPI', async () => {
	await start();
	const undo = emulator.intercept(async (call) => {
		await call.handle();
		return 'reset';
	});
	await expect(ask('midjourney_diffusion', TEXT)).rejects.toMatchObject({ code: 'ECONNRESET' });
	undo();
	expect(emulator.ledger.submits).toHaveLength(1);
	const { data } = await axios.get<unknown>(`${emulator.url}/__emulator/ledger`, { proxy: false });
	expect(data).toMatchObject({ spent: 0, spentUsd: 0.05, submits: [{ provider: 'vtrix' }] });
	expect(JSON.stringify(data)).not.toContain(KEY);
});
