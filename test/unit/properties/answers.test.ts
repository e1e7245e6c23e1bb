/* eslint-disable @n8n/community-nodes/no-restricted-imports -- plays a provider, it is not a node */
import { Readable } from 'node:stream';

import fc from 'fast-check';

import { bodyOf } from '../../../nodes/Midjourney/providers/body';
import { meaningOf, meaningOfStatus } from '../../../nodes/Midjourney/providers/codes';
import { wordingOf, wordingOfAmbiguous } from '../../../nodes/Midjourney/providers/errors';
import { retryAfterMs, type Result, type Failure } from '../../../nodes/Midjourney/providers/http';
import {
	isHttpUrl,
	isoDate,
	isRecord,
	text as jsonText,
	unwrapJson,
} from '../../../nodes/Midjourney/providers/json';
import { midApi, parseTask as midApiTask } from '../../../nodes/Midjourney/providers/midApi';
import type { Provider } from '../../../nodes/Midjourney/providers/provider';
import type { Task } from '../../../nodes/Midjourney/providers/task';
import { parseTask as vtrixTask, vtrix } from '../../../nodes/Midjourney/providers/vtrix';
import { reply, scripted } from '../scripted';
import {
	fileUrl,
	httpStatus,
	json,
	like,
	perhapsAsText,
	reason,
	taskId,
	text,
	throughJson,
} from './arbitraries';

const ID = 'asked-for';
const IMAGE = { kind: 'generateImage', mode: 'textToImage', prompt: 'a cup' } as const;

const id = fc.oneof({ weight: 4, arbitrary: fc.constant(ID) }, taskId, fc.integer());
const date = fc.oneof(
	fc.date({ noInvalidDate: true }).map((one) => one.toISOString()),
	fc.integer({ min: 0, max: 4e9 }),
	fc.integer({ min: 1e11, max: 4e12 }),
	fc.nat().map(String),
);

const midApiResult = like({
	resultUrls: fc.array(fc.oneof(fileUrl, like({ resultUrl: fileUrl })), { maxLength: 5 }),
});
const midApiBody = perhapsAsText(
	like({
		code: fc.oneof(
			fc.constantFrom(200, '200'),
			fc.constantFrom(400, 401, 402, 404, 422, 429, 430, 455, 500, 501, 505, '531'),
		),
		msg: fc.constantFrom('success', 'Insufficient credits', 'sk-12345678901234567890'),
		data: like({
			taskId: id,
			successFlag: fc.constantFrom(0, 1, 2, 3, '0', '1', '2', '3'),
			taskType: fc.constantFrom('mj_txt2img', 'mj_video'),
			resultInfoJson: perhapsAsText(midApiResult),
			resultUrls: fc.array(fileUrl),
			paramJson: perhapsAsText(like({ prompt: fc.string() })),
			createTime: date,
			completeTime: date,
			errorCode: fc.integer(),
			errorMessage: fc.string(),
		}),
	}),
);

const complaint = like({
	code: fc.constantFrom('0', 200, 401, '40201', 4001001, '24007004', 4007098, '4007099', 'x'),
	message: fc.constantFrom('insufficient balance', 'jobId is required'),
	error_code: fc.integer(),
	error_message: fc.string(),
});
const vtrixBody = perhapsAsText(
	like({
		id,
		task_id: id,
		request_id: id,
		status: fc.oneof(
			fc.constantFrom('pending', 'in_progress', 'completed', 'failed', 'Succeeded', 'dreaming'),
			complaint,
		),
		error: fc.oneof(fc.constant(null), complaint, fc.string()),
		message: fc.string(),
		progress: fc.integer(),
		metadata: like({ prompt: fc.string(), jobId: taskId }),
		usage: like({ cost: fc.double(), discount: fc.double() }),
		created_at: date,
		completed_at: date,
		output: fc.array(
			like({
				content: fc.array(
					like({
						type: fc.constantFrom('image', 'video'),
						url: fileUrl,
						jobId: taskId,
						imageNo: fc.oneof(fc.nat(4), fc.nat(4).map(String)),
					}),
					{ maxLength: 5 },
				),
			}),
			{ maxLength: 2 },
		),
	}),
);

const PROVIDERS: Array<[string, Provider, fc.Arbitrary<unknown>]> = [
	['MidAPI', midApi, midApiBody],
	['Vtrix', vtrix, vtrixBody],
];

/** All that can be asked of a provider. */
const questions = ({ submit, read, credits, downloadUrl }: Provider) =>
	[
		async (http: ReturnType<typeof scripted>) => await read(http, ID),
		async (http: ReturnType<typeof scripted>) => await submit(http, IMAGE),
		credits,
		async (http: ReturnType<typeof scripted>) => await downloadUrl?.(http, 'https://a.example/1'),
	].flatMap((one) => one ?? []);

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isIsoDate = (value: string): boolean => new Date(value).toISOString() === value;

function expectFailure(failure: Failure, provider: string) {
	expect(['no', 'unknown']).toContain(failure.accepted);
	expect(typeof failure.transient).toBe('boolean');
	for (const said of [failure.code, failure.message])
		expect(said ?? '').toEqual(expect.any(String));
	expect(wordingOf(failure, provider).what).not.toMatch(/undefined|\[object/);
}

function expectTask(task: Task) {
	expect(isText(task.taskId)).toBe(true);
	expect(['pending', 'running', 'completed', 'failed']).toContain(task.status);
	expect(task.error !== undefined).toBe(task.status === 'failed');
	if (task.error) expect(isText(task.error.message)).toBe(true);
	for (const at of [task.createdAt, task.completedAt, task.expiresAt]) {
		expect(at === undefined || isIsoDate(at)).toBe(true);
	}
	for (const number of [task.progress, task.cost, task.discount]) {
		expect(number === undefined || Number.isFinite(number)).toBe(true);
	}
	for (const { index, type, url } of task.outputs) {
		expect(Number.isInteger(index) && index >= 0).toBe(true);
		expect(['image', 'video']).toContain(type);
		expect(isHttpUrl(url)).toBe(true);
	}
	expect(new Set(task.outputs.map(({ index }) => index)).size).toBe(task.outputs.length);
	if (task.status !== 'completed') expect(task.outputs).toEqual([]);
	expect(isRecord(task.raw)).toBe(true);
}

describe.each(PROVIDERS)('Whatever %s answers', (name, provider, body) => {
	const anyBody = fc.oneof({ weight: 4, arbitrary: body }, { weight: 1, arbitrary: json }, text);

	it('is an answer or a failure that can be put into words, and never throws', async () => {
		await fc.assert(
			fc.asyncProperty(anyBody, httpStatus, async (said, status) => {
				for (const ask of questions(provider)) {
					const answer: Result<unknown> | undefined = await ask(scripted(reply(said, status)));
					if (answer && !answer.ok) expectFailure(answer.failure, name);
				}
			}),
			{ numRuns: 300 },
		);
	});

	it('is a task of the promised form and of the id that was asked for, if it is a task', async () => {
		await fc.assert(
			fc.asyncProperty(anyBody, async (said) => {
				const seen = await provider.read(scripted(reply(said)), ID);
				if (!seen.ok) return;
				expectTask(seen.value);
				const { raw } = seen.value;
				const named = [raw.taskId, raw.id, raw.task_id, raw.request_id].flatMap(
					(one) => jsonText(one) ?? [],
				);
				expect(named.length === 0 || named.includes(ID)).toBe(true);
			}),
			{ numRuns: 500 },
		);
	});

	it('is no certain refusal unless it is an error in the documented form', async () => {
		await fc.assert(
			fc.asyncProperty(fc.oneof(text, fc.constant(undefined)), httpStatus, async (said, status) => {
				fc.pre(!isRecord(unwrapJson(said)) && ![301, 307, 308].includes(status));
				const answer = await provider.submit(scripted(reply(said, status)), IMAGE);
				expect(answer).toMatchObject({ ok: false, failure: { accepted: 'unknown' } });
			}),
		);
	});

	it('is never sent as a task id that changes the path of the request', async () => {
		await fc.assert(
			fc.asyncProperty(text, async (asked) => {
				const http = scripted(reply({}));
				await provider.read(http, asked);
				for (const { path } of http.calls) {
					const { pathname, search, hash } = new URL(`https://a.example${path}`);
					expect(search + hash).toBe('');
					expect(pathname.split('/')).toHaveLength(path.split('/').length);
					if (provider !== vtrix) continue;
					expect(decodeURIComponent(pathname)).toBe(`/model/v1/generation/task/${asked}`);
				}
			}),
			{ numRuns: 500 },
		);
	});
});

describe('A refusal with HTTP 200', () => {
	const refusal = fc.integer({ min: -1, max: 999 }).filter((code) => code !== 200);

	it('of MidAPI is never a task, a balance or a link, whatever else it holds', async () => {
		const asCode = fc.oneof(
			refusal,
			refusal.map((code) => String(code)),
		);
		await fc.assert(
			fc.asyncProperty(midApiBody, asCode, async (said, code) => {
				const envelope = unwrapJson(said);
				const body = { ...(isRecord(envelope) && envelope), code };
				for (const ask of questions(midApi)) {
					expect(await ask(scripted(reply(body)))).toMatchObject({ ok: false });
				}
			}),
			{ numRuns: 200 },
		);
	});

	it('of Vtrix is never a task unless it is the state of one', async () => {
		const complaints = fc.oneof(
			fc.record({ error: fc.string({ minLength: 1 }) }),
			fc.record({ message: fc.string({ minLength: 1 }) }),
			refusal
				.filter((code) => code !== 0)
				.chain((code) =>
					fc.constantFrom(
						{ error: { code } },
						{ error: { error_code: String(code) } },
						{ status: { code } },
					),
				),
		);
		await fc.assert(
			fc.asyncProperty(complaints, fc.option(taskId), async (said, request_id) => {
				const http = scripted(reply({ ...said, ...(request_id && { request_id }) }));
				expect(await vtrix.submit(http, IMAGE)).toMatchObject({ ok: false });
				expect(await vtrix.read(http, ID)).toMatchObject({ ok: false });
			}),
		);
	});

	it('that names a task is no certain refusal', async () => {
		await fc.assert(
			fc.asyncProperty(httpStatus, refusal, taskId, async (status, code, named) => {
				const http = scripted(reply({ code, msg: 'no', data: { taskId: named } }, status));
				expect(await midApi.submit(http, IMAGE)).toMatchObject({
					failure: { accepted: 'unknown', message: expect.stringContaining(named) as string },
				});
			}),
		);
	});
});

describe('An output', () => {
	const junk = fc.constantFrom(null, '', 'files/1.png', 7, {}, [], 'javascript:alert(1)');

	it('of MidAPI is numbered by its place in the list, whatever else is in it', () => {
		fc.assert(
			fc.property(fc.array(fc.oneof(fileUrl, junk)), fc.nat(3), (list, form) => {
				const entries = form % 2 ? list.map((resultUrl) => ({ resultUrl })) : list;
				const result = { resultUrls: entries };
				const task = midApiTask({
					taskId: ID,
					successFlag: 1,
					...(form < 2 ? { resultInfoJson: JSON.stringify(result) } : { resultInfoJson: result }),
				});
				const there = list.flatMap((url, index) =>
					typeof url === 'string' && isHttpUrl(url) ? [{ index, url }] : [],
				);
				expect(task?.outputs).toMatchObject(there);
				expect(task?.outputs).toHaveLength(there.length);
			}),
		);
	});

	const imageNo = fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 4 });

	it('of Vtrix has the number that Vtrix gives it, in whatever order and blocks outputs come', () => {
		fc.assert(
			fc.property(imageNo, fc.nat(3), fc.boolean(), (numbers, cut, within) => {
				const content = numbers.map((number) => ({
					url: `https://a.example/${number}.png`,
					...(within ? { metadata: { imageNo: String(number) } } : { imageNo: number }),
				}));
				const output = [{ content: content.slice(0, cut) }, { content: content.slice(cut) }];
				const { outputs } = vtrixTask({ id: ID, status: 'completed', output }, ID);
				expect(outputs.map(({ url }) => url)).toEqual(content.map(({ url }) => url));
				expect(outputs.map(({ index }) => index)).toEqual(numbers);
			}),
		);
	});

	it('of Vtrix without such a number is numbered by its place', () => {
		fc.assert(
			fc.property(fc.array(fc.oneof(fileUrl, fc.constant(''))), (urls) => {
				const output = [{ content: urls.map((url) => ({ url })) }];
				const { outputs } = vtrixTask({ id: ID, status: 'completed', output }, ID);
				expect(outputs.map(({ index }) => index)).toEqual(
					urls.flatMap((url, index) => (url === '' ? [] : [index])),
				);
			}),
		);
	});
});

describe('A body', () => {
	const untouched = (words: string) => words;
	const read = async (chunks: readonly Uint8Array[]) =>
		await bodyOf(Readable.from(chunks), new AbortController().signal, untouched);

	/** Bytes in pieces, cut anywhere, also within a character. */
	const inPieces = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
		const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
			(a, b) => a - b,
		);
		return at.slice(1).map((end, piece) => bytes.subarray(at[piece], end));
	};

	it('is the JSON that was sent, in whatever pieces it comes, with or without a byte order mark', async () => {
		await fc.assert(
			fc.asyncProperty(json, fc.array(fc.nat()), fc.boolean(), async (value, cuts, marked) => {
				const bytes = Buffer.from((marked ? '\ufeff' : '') + JSON.stringify(value));
				expect(await read(inPieces(bytes, cuts))).toEqual({ ok: true, body: throughJson(value) });
			}),
		);
	});

	it('is text when its bytes are not JSON', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.uint8Array({ maxLength: 40 }),
				fc.array(fc.nat()),
				async (bytes, cuts) => {
					const whole = Buffer.from(bytes)
						.toString()
						.replace(/^\ufeff/, '');
					expect(await read(inPieces(bytes, cuts))).toEqual({ ok: true, body: unwrapJson(whole) });
				},
			),
		);
	});
});

describe('A time', () => {
	const inRange = fc.date({
		...{ min: new Date('1974-01-01'), max: new Date('2999-12-31') },
		noInvalidDate: true,
	});

	it('is the same in seconds, milliseconds and ISO 8601, as number and as text', () => {
		fc.assert(
			fc.property(inRange, (when) => {
				const ms = Math.floor(when.getTime() / 1000) * 1000;
				const iso = new Date(ms).toISOString();
				for (const written of [iso, ms, ms / 1000, String(ms), String(ms / 1000)]) {
					expect(isoDate(written)).toBe(iso);
				}
			}),
		);
	});

	it('is valid or undefined, whatever is given', () => {
		fc.assert(
			fc.property(fc.oneof(json, text, fc.double(), fc.bigInt().map(String)), (value) => {
				const iso = isoDate(value);
				expect(iso === undefined || isIsoDate(iso)).toBe(true);
			}),
			{ numRuns: 300 },
		);
	});

	it('in Retry-After is above zero and an hour at most, or undefined', () => {
		fc.assert(
			fc.property(fc.oneof(json, text, fc.double(), fc.nat().map(String)), (header) => {
				const ms = retryAfterMs(header) ?? 1;
				expect(Number.isInteger(ms) && ms > 0 && ms <= 3_600_000).toBe(true);
			}),
			{ numRuns: 300 },
		);
	});

	it('in Retry-After is the number of seconds that the server names', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 3600 }), (seconds) => {
				expect(retryAfterMs(String(seconds))).toBe(seconds * 1000);
			}),
		);
	});
});

describe('A code', () => {
	const REFUSED = [400, 401, 402, 403, 404, 422, 429];
	const REDIRECTED = [301, 307, 308];
	const takenBy = (codes: readonly number[], code: number) =>
		codes.includes(code) ? 'no' : 'unknown';

	it('is a certain refusal only where it is documented as one', () => {
		fc.assert(
			fc.property(fc.oneof(httpStatus, fc.integer()), (code) => {
				expect(meaningOf(code).accepted).toBe(takenBy([...REFUSED, ...REDIRECTED], code));
				expect(meaningOfStatus(code).accepted).toBe(takenBy(REDIRECTED, code));
			}),
		);
	});
});

describe('The wording of a failure', () => {
	// Digits alone: what a provider says is nothing that we advise.
	const failure: fc.Arbitrary<Failure> = fc.record(
		{
			reason,
			code: fc.nat().map(String),
			message: fc.nat().map(String),
			meaning: fc.nat().map(String),
			accepted: fc.constantFrom('no', 'unknown'),
			transient: fc.boolean(),
			attempts: fc.nat(),
			suspect: fc.constantFrom('requestFormat', 'upscaleContract'),
		},
		{ requiredKeys: ['reason', 'accepted', 'transient'] },
	);

	it('of a paid task names the task and never advises to buy anything', () => {
		fc.assert(
			fc.property(failure, taskId, (one, named) => {
				const { remedy } = wordingOf(one, 'MidAPI', { of: 'task', taskId: named });
				expect(remedy).toContain(
					`task ${named} is paid`.replace(/^t/, (t) => (one.reason === 'notFound' ? t : 'T')),
				);
				expect(remedy).toContain('Task → Wait');
				expect(remedy).not.toMatch(/run (the workflow|it) again|nothing was bought/i);
			}),
		);
	});

	it('says what is known of it and nothing else', () => {
		fc.assert(
			fc.property(failure, (one) => {
				const wordings = [
					wordingOf(one, 'MidAPI', { of: 'submit' }),
					wordingOf(one, 'MidAPI', { of: 'question' }),
					wordingOfAmbiguous(one, 'MidAPI'),
				];
				for (const { what, remedy } of wordings) {
					for (const said of [one.code, one.message]) expect(what).toContain(said ?? '');
					expect(remedy).toContain(one.meaning ?? '');
					expect(`${what} ${remedy}`).not.toMatch(/undefined|null|NaN|\[object|\s{2}|^\s|\s$/);
					expect(remedy).toMatch(/\.$/);
				}
			}),
		);
	});
});
