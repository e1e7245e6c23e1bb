import { midApi, openEnvelope, parseTask } from '../../nodes/Midjourney/providers/midApi';
import type { TaskRequest } from '../../nodes/Midjourney/providers/provider';
import { reply, scripted } from './scripted';

describe('Codes that the provider gives in its envelope', () => {
	const CASES: Array<[number, string, 'no' | 'unknown', boolean]> = [
		[400, 'invalidRequest', 'no', false],
		[401, 'invalidKey', 'no', false],
		[402, 'noCredits', 'no', false],
		[403, 'invalidKey', 'no', false],
		[404, 'notFound', 'no', false],
		[422, 'invalidRequest', 'no', false],
		[429, 'rateLimited', 'no', true],
		[455, 'maintenance', 'no', true],
		[500, 'serverError', 'unknown', true],
		[501, 'generationFailed', 'unknown', false],
		[505, 'featureDisabled', 'no', false],
		// Undocumented.
		[0, 'unreadable', 'unknown', true],
		[408, 'timedOut', 'unknown', true],
		[418, 'unexplained', 'unknown', true],
		[502, 'serverError', 'unknown', true],
		[503, 'serverError', 'unknown', true],
	];

	it.each(CASES)('%i: %s, accepted: %s, transient: %s', (code, reason, accepted, transient) => {
		const failure = { reason, accepted, transient, code: String(code), message: 'words' };
		for (const status of [200, code < 200 ? 200 : code]) {
			expect(openEnvelope(reply({ code, msg: 'words', data: null }, status))).toEqual({
				ok: false,
				failure: { ...failure, retryAfterMs: undefined },
			});
		}
	});
});

describe('HTTP statuses without the envelope: anyone may have given them', () => {
	const CASES: Array<[number, string, 'no' | 'unknown', boolean]> = [
		// They say that the request was not acted on and belongs elsewhere.
		[301, 'redirected', 'no', false],
		[308, 'redirected', 'no', false],
		// They may come after a success.
		[302, 'redirected', 'unknown', true],
		[303, 'redirected', 'unknown', true],
		[400, 'unreadable', 'unknown', true],
		[401, 'unreadable', 'unknown', true],
		[402, 'unreadable', 'unknown', true],
		[403, 'unreadable', 'unknown', true],
		[404, 'unreadable', 'unknown', true],
		[408, 'timedOut', 'unknown', true],
		[422, 'unreadable', 'unknown', true],
		[429, 'rateLimited', 'unknown', true],
		[455, 'unreadable', 'unknown', true],
		[500, 'serverError', 'unknown', true],
		[501, 'serverError', 'unknown', true],
		[502, 'serverError', 'unknown', true],
		[503, 'serverError', 'unknown', true],
		[505, 'serverError', 'unknown', true],
	];
	const BODIES: unknown[] = [
		'',
		'<html>Blocked</html>',
		[],
		{ message: 'Forbidden' },
		{ code: 'Forbidden' },
		{ code: 1.5 },
	];

	describe.each(CASES)(
		'%i: %s, accepted: %s, transient: %s',
		(status, reason, accepted, transient) => {
			it.each(BODIES)('%j', (body) => {
				expect(openEnvelope(reply(body, status))).toEqual({
					ok: false,
					failure: { reason, accepted, transient, code: String(status), retryAfterMs: undefined },
				});
			});
		},
	);
});

describe('An answer', () => {
	it('has a cleaned message', () => {
		const msg = 'cannot fetch https://a.example/x.png?sig=1';
		expect(openEnvelope(reply({ code: 400, msg }))).toMatchObject({
			failure: { message: 'cannot fetch https://a.example/x.png' },
		});
	});

	it('is a failure if either the code in the body or the HTTP status says so', () => {
		expect(openEnvelope(reply({ code: '401' }))).toMatchObject({
			failure: { reason: 'invalidKey' },
		});
		expect(openEnvelope(reply({ code: 200, data: 1 }, 500))).toMatchObject({
			failure: { reason: 'serverError', accepted: 'unknown' },
		});
	});

	it.each([429, 455, 500, 503])(
		'a success that comes with status %i may have been accepted, and its task is named',
		(status) => {
			const body = { code: 200, msg: 'success', data: { taskId: 'paid-1' } };
			expect(openEnvelope(reply(body, status))).toMatchObject({
				ok: false,
				failure: { accepted: 'unknown', message: expect.stringContaining('paid-1') },
			});
		},
	);

	it.each([429, 455, 422, 501])('with code %i is no refusal if it names a task', (code) => {
		const body = { code, msg: 'words', data: { taskId: 'paid-1' } };
		expect(openEnvelope(reply(body))).toMatchObject({
			failure: { accepted: 'unknown', message: 'words, task paid-1' },
		});
	});

	it('gives the data of a success, also where it came as text', () => {
		expect(openEnvelope(reply({ code: 200, data: 7 }))).toEqual({ ok: true, value: 7 });
		expect(openEnvelope(reply('{"code":200,"data":7}'))).toEqual({ ok: true, value: 7 });
	});

	it.each([
		['HTML', '<html>'],
		['nothing', ''],
		['a list', []],
		['no code', { data: 1 }],
	])('%s with status 200 is unreadable, and may hide a task', (_, body) => {
		expect(openEnvelope(reply(body))).toMatchObject({
			failure: { reason: 'unreadable', accepted: 'unknown' },
		});
	});
});

describe('The answer to a submit', () => {
	const submit = { kind: 'upscaleImage', taskId: 't', index: 0 } as const;

	it('gives the task id', async () => {
		const http = scripted(reply({ code: 200, data: { taskId: 'new' } }));
		expect(await midApi.submit(http, submit)).toEqual({ ok: true, value: 'new' });
		expect(http.calls).toHaveLength(1);
	});

	it.each([null, undefined, {}, { taskId: '' }])(
		'is ambiguous without a task id (%j)',
		async (data) => {
			expect(await midApi.submit(scripted(reply({ code: 200, data })), submit)).toMatchObject({
				failure: { reason: 'unreadable', accepted: 'unknown' },
			});
		},
	);
});

describe('The documented forms', () => {
	const source = { taskId: 't', index: 0 };
	const upscale = { kind: 'upscaleImage', ...source } as const;
	const vary = { kind: 'varyImage', ...source } as const;
	const both = ['indexFrom0', 'indexFrom1'];
	const CASES: Array<[string, TaskRequest | 'credits', object | undefined]> = [
		['of an upscale', upscale, { of: 'upscale', forms: ['reference', 'quickstart'] }],
		[
			'of an upscale whose contract is chosen',
			{ ...upscale, contract: 'quickstart' },
			{ of: 'upscale', forms: ['quickstart'] },
		],
		['of a variation of the first image', vary, { of: 'vary', forms: both }],
		[
			'of a variation of another one, which tells nothing',
			{ ...vary, index: 3 },
			{ of: 'vary', forms: both, tells: false },
		],
		[
			'of a variation whose base is chosen',
			{ ...vary, firstIndex: 1 },
			{ of: 'vary', forms: ['indexFrom1'] },
		],
		['of the balance', 'credits', { of: 'balance', forms: ['common', 'chat'], isFree: true }],
		[
			'of anything else: there is one',
			{ kind: 'generateImage', mode: 'textToImage', prompt: 'p' },
			undefined,
		],
	];

	it.each(CASES)('%s', (_, asked, forms) => {
		expect(midApi.formsOf?.(asked, scripted())).toEqual(forms);
	});

	it.each([
		[upscale, undefined, { path: '/api/v1/mj/generateUpscale', body: { imageIndex: 0 } }],
		[upscale, 'reference', { path: '/api/v1/mj/generateUpscale', body: { imageIndex: 0 } }],
		[upscale, 'quickstart', { path: '/api/v1/mj/upscale', body: { index: 1 } }],
		[vary, undefined, { body: { imageIndex: 0 } }],
		[vary, 'indexFrom0', { body: { imageIndex: 0 } }],
		[vary, 'indexFrom1', { body: { imageIndex: 1 } }],
	] as const)('%j goes out in the form %s', async (request, form, call) => {
		const http = scripted(reply({ code: 200, data: { taskId: 'new' } }));
		await midApi.submit(http, request, undefined, form);
		expect(http.calls).toMatchObject([call]);
	});

	it.each([
		['the range from 1', 'imageIndex must be between 1 and 4', 'varyIndexBase'],
		['the range from 1, in short', 'imageIndex: 1-4', 'varyIndexBase'],
		// Some servers take a 0 for nothing.
		['that it is missing', 'imageIndex is required', undefined],
		['the range from 0', 'imageIndex must be between 0 and 3', undefined],
		['the task', 'taskId is unknown', undefined],
	])('A refusal of the first image that names %s', async (_, msg, suspect) => {
		const answer = await midApi.submit(scripted(reply({ code: 422, msg })), vary);
		expect(answer.ok ? answer : answer.failure).toMatchObject({ accepted: 'no' });
		expect(answer.ok ? undefined : answer.failure.suspect).toBe(suspect);
	});
});

describe('An upscale where the path is not found', () => {
	const upscale = { kind: 'upscaleImage', taskId: 't', index: 0 } as const;
	const CASES: Array<[string, TaskRequest, unknown, object]> = [
		[
			'in the envelope',
			upscale,
			{ code: 404 },
			{ reason: 'notFound', accepted: 'no', suspect: 'upscaleContract' },
		],
		['as a page', upscale, '<html>', { accepted: 'unknown', suspect: 'upscaleContract' }],
		[
			'by a framework that names it',
			upscale,
			{ status: 404, error: 'Not Found', path: '/api/v1/mj/generateUpscale' },
			{ reason: 'notFound', accepted: 'no', suspect: 'upscaleContract' },
		],
		[
			'by a framework that names another',
			upscale,
			{ status: 404, error: 'Not Found', path: '/' },
			{ accepted: 'unknown' },
		],
		[
			'by the other contract',
			{ ...upscale, contract: 'quickstart' },
			{ code: 404 },
			{ suspect: 'upscaleContract' },
		],
		[
			'for another request',
			{ ...upscale, kind: 'varyImage' },
			{ code: 404 },
			{ suspect: undefined },
		],
	];

	it.each(CASES)('%s', async (_, request, body, failure) => {
		const answer = await midApi.submit(scripted(reply(body, 404)), request);
		expect({ suspect: undefined, ...(answer.ok ? {} : answer.failure) }).toMatchObject(failure);
	});
});

describe('A task', () => {
	const done = {
		taskId: 't',
		taskType: 'mj_txt2img',
		successFlag: 1,
		createTime: '2026-01-02T03:04:05Z',
		completeTime: '2026-01-02T03:05:40Z',
		paramJson: '{"prompt":"a lighthouse"}',
		resultInfoJson: { resultUrls: [{ resultUrl: 'https://f.example/0.png' }] },
	};
	const output = { index: 0, type: 'image', url: 'https://f.example/0.png' };

	it.each([
		[0, 'running'],
		['0', 'running'],
		[null, 'running'],
		[undefined, 'running'],
		[9, 'running'],
		[1, 'completed'],
		['1', 'completed'],
		[2, 'failed'],
		[3, 'failed'],
		['3', 'failed'],
		['toString', 'running'],
	])('successFlag %j: %s', (successFlag, status) => {
		expect(parseTask({ ...done, successFlag })?.status).toBe(status);
	});

	it.each([
		[9, '9'],
		['stuck', 'stuck'],
		[0, undefined],
		[undefined, undefined],
	])('successFlag %j is shown as %j', (successFlag, providerStatus) => {
		expect(parseTask({ ...done, successFlag })?.providerStatus).toBe(providerStatus);
	});

	/** The entries of a list, and the numbers of the outputs. */
	const GAPS: Array<[unknown[], number[]]> = [
		[
			[null, 'https://f.example/1', 'https://f.example/2'],
			[1, 2],
		],
		[[{ resultUrl: '' }, { resultUrl: 'https://f.example/1' }], [1]],
		[
			['https://f.example/0', 'javascript:alert(1)', 'https://f.example/2'],
			[0, 2],
		],
		[['/files/0.png', 'file:///etc/passwd', '//f.example/2', 'http://f.example/3'], [3]],
		[[null, {}], []],
	];

	it.each(GAPS)('of %j has the outputs %j', (resultUrls, numbers) => {
		const task = parseTask({ ...done, resultInfoJson: { resultUrls } });
		expect(task?.outputs.map(({ index }) => index)).toEqual(numbers);
		for (const { index, url } of task?.outputs ?? []) expect(url).toMatch(new RegExp(`/${index}$`));
	});

	it.each([
		['an object', done.resultInfoJson],
		['JSON text', JSON.stringify(done.resultInfoJson)],
		['plain strings', { resultUrls: ['https://f.example/0.png'] }],
	])('reads its outputs from %s', (_, resultInfoJson) => {
		expect(parseTask({ ...done, resultInfoJson })?.outputs).toEqual([output]);
	});

	it('reads its outputs directly under data', () => {
		const data = { ...done, resultInfoJson: null, resultUrls: ['https://f.example/0.png'] };
		expect(parseTask(data)?.outputs).toEqual([output]);
	});

	it.each([
		['mj_video', 'https://f.example/0', 'video'],
		['mj_video_extend_auto', 'https://f.example/0.mp4', 'video'],
		['', 'https://f.example/0.mp4?x=1', 'video'],
		['mj_upscale', 'https://f.example/0.png', 'image'],
	])('of type %j with %s is a %s', (taskType, url, type) => {
		const data = { ...done, taskType, resultInfoJson: { resultUrls: [url] } };
		expect(parseTask(data)?.outputs[0]?.type).toBe(type);
	});

	it('has prompt, times and the end of its files', () => {
		expect(parseTask(done)).toMatchObject({
			prompt: 'a lighthouse',
			createdAt: '2026-01-02T03:04:05.000Z',
			completedAt: '2026-01-02T03:05:40.000Z',
			expiresAt: '2026-01-17T03:05:40.000Z',
		});
	});

	it.each([
		['seconds', 1767323045],
		['milliseconds', 1767323045000],
		['text of digits', '1767323045000'],
	])('understands times in %s', (_, createTime) => {
		expect(parseTask({ ...done, createTime })?.createdAt).toBe('2026-01-02T03:04:05.000Z');
	});

	it.each([20261121103000000, '99999999999999999999', -1e300, ' '])(
		'has no time where there is no such date: %j',
		(time) => {
			expect(parseTask({ ...done, createTime: time, completeTime: time })).toMatchObject({
				status: 'completed',
				createdAt: undefined,
				completedAt: undefined,
				expiresAt: undefined,
			});
		},
	);

	it('does not expire when it was completed on the last day that a Date can hold', () => {
		const completeTime = '+275760-09-13T00:00:00.000Z';
		expect(parseTask({ ...done, completeTime })).toMatchObject({ expiresAt: undefined });
	});

	it('hides the query of its callback URL', () => {
		const callBackUrl = 'https://n8n.example.com/webhook-waiting/7?signature=secret&mjToken=a.b';
		const paramJson = JSON.stringify({ prompt: 'p', callBackUrl, speed: 'Relax' });
		expect(JSON.parse(String(parseTask({ ...done, paramJson })?.raw.paramJson))).toEqual({
			prompt: 'p',
			callBackUrl: 'https://n8n.example.com/webhook-waiting/7',
			speed: 'Relax',
		});
	});

	it('hides the query of a callback address in whatever form it comes', () => {
		const callBackUrl = 'https://n8n.example.com/webhook-waiting/7?signature=secret&mjToken=a.b';
		const { raw } =
			parseTask({ ...done, paramJson: { callBackUrl }, promptJson: callBackUrl }) ?? {};
		expect(raw).toEqual({
			...done,
			paramJson: { callBackUrl: 'https://n8n.example.com/webhook-waiting/7' },
			promptJson: 'https://n8n.example.com/webhook-waiting/7',
		});
	});

	it('has a cleaned message when it has failed', () => {
		const errorMessage = 'cannot call https://n8n.example.com/webhook-waiting/7?signature=secret';
		expect(parseTask({ taskId: 't', successFlag: 3, errorMessage })?.error?.message).toBe(
			'cannot call https://n8n.example.com/webhook-waiting/7',
		);
	});

	it("has the provider's message when it has failed", () => {
		const data = { taskId: 't', successFlag: 3, errorCode: 500, errorMessage: 'rejected' };
		expect(parseTask(data)).toMatchObject({
			status: 'failed',
			outputs: [],
			error: { code: '500', message: 'rejected' },
		});
	});

	it.each([null, 'text', [], {}, { taskId: NaN }])('is not read from %j', (data) => {
		expect(parseTask(data)).toBeUndefined();
	});

	it.each([
		['422', { code: 422, msg: 'recordInfo is null' }],
		['404', { code: 404 }],
		['no data', { code: 200, data: null }],
	])('is not found when the provider does not know it (%s)', async (_, body) => {
		expect(await midApi.read(scripted(reply(body)), 'x')).toMatchObject({
			failure: { reason: 'notFound' },
		});
	});
});

describe('A read of a task', () => {
	it('does not believe an answer about another task', async () => {
		const answer = reply({ code: 200, data: { taskId: 'other', successFlag: 1 } });
		expect(await midApi.read(scripted(answer), 't')).toMatchObject({
			failure: {
				reason: 'unreadable',
				message: 'The answer is about another task',
				transient: true,
			},
		});
	});

	it('accepts the id as a number', async () => {
		const answer = reply({ code: 200, data: { taskId: 123, successFlag: 0 } });
		expect(await midApi.read(scripted(answer), '123')).toMatchObject({ ok: true });
	});

	it.each([
		'',
		' ',
		'.',
		'..',
		'...',
		'a/b',
		'../x',
		'a\\b',
		'a\nb',
		'\u0000',
		'a\ud800',
		'x'.repeat(201),
	])('sends nothing for the id %j', async (id) => {
		const http = scripted();
		expect(await midApi.read(http, id)).toMatchObject({
			failure: { reason: 'notFound', accepted: 'no', transient: false },
		});
		expect(http.calls).toEqual([]);
	});
});

describe('Credits', () => {
	it('are read from the path of midapi', async () => {
		const http = scripted(reply({ code: 200, data: 12.5 }));
		expect(await midApi.credits?.(http)).toEqual({ ok: true, value: 12.5 });
		expect(http.calls.map(({ path }) => path)).toEqual(['/api/v1/common/credit']);
	});

	it('come from the path of kie where that is asked for', async () => {
		const http = scripted(reply({ code: 200, data: '3' }));
		expect(await midApi.credits?.(http, 'chat')).toEqual({ ok: true, value: 3 });
		expect(http.calls.map(({ path }) => path)).toEqual(['/api/v1/chat/credit']);
	});

	it.each([
		['in the envelope', { code: 404 }],
		['as a page', 'Not Found'],
	])('may be elsewhere where a path is not found, %s', async (_, body) => {
		expect(await midApi.credits?.(scripted(reply(body, 404)))).toMatchObject({
			failure: { suspect: 'balancePath' },
		});
	});

	it('are requested once when the key is wrong', async () => {
		const http = scripted(reply({ code: 401 }));
		expect(await midApi.credits?.(http)).toMatchObject({ failure: { reason: 'invalidKey' } });
		expect(http.calls).toHaveLength(1);
	});

	it.each([' ', 'many', {}])('are unreadable in %j', async (data) => {
		const http = scripted(reply({ code: 200, msg: 'success', data }));
		expect(await midApi.credits?.(http)).toMatchObject({ failure: { reason: 'unreadable' } });
	});
});

describe('A direct link', () => {
	const linkOf = async (data: unknown) =>
		await midApi.downloadUrl?.(scripted(reply({ code: 200, msg: 'success', data })), 'u');

	it('is the URL that the provider gives', async () => {
		expect(await linkOf('https://a.example/1.png?sig=1')).toMatchObject({
			value: { url: 'https://a.example/1.png?sig=1' },
		});
	});

	it.each(['', 'soon', '/1.png', 'javascript:alert(1)', {}])(
		'is refused where it is no URL: %j',
		async (data) => {
			expect(await linkOf(data)).toMatchObject({ failure: { reason: 'unreadable' } });
		},
	);
});
