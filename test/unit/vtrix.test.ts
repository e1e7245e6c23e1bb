import type { Http } from '../../nodes/Midjourney/providers/http';
import type { TaskRequest } from '../../nodes/Midjourney/providers/provider';
import { openReply, parseTask, vtrix } from '../../nodes/Midjourney/providers/vtrix';
import { reply, scripted } from './scripted';

const image = { kind: 'generateImage', mode: 'textToImage', prompt: 'p' } as const;
const source = { jobId: 'j', index: 2 };
const upscale = { kind: 'upscaleImage', ...source } as const;
const SUBMITTED = { id: 'new', model: 'midjourney_upscale', status: 'in_progress' };

describe('What is sent', () => {
	const paramsOf = async (request: TaskRequest) => {
		const http = { ...scripted(reply(SUBMITTED)), requestFormat: 'flat' };
		await vtrix.submit(http, request);
		return http.calls[0]?.body;
	};

	it.each<TaskRequest>([upscale, { kind: 'varyImage', ...source }])(
		'has type 0 if the request names none: $kind',
		async (request) => {
			expect(await paramsOf(request)).toMatchObject({ jobId: 'j', imageNo: 2, type: 0 });
		},
	);

	it.each([
		['auto', ['wrapped', 'flat']],
		[undefined, ['wrapped', 'flat']],
		['flat', ['flat']],
		['wrapped', ['wrapped']],
	])('with the Request Format %s may be one of %j', (requestFormat, forms) => {
		const http = { ...scripted(), requestFormat };
		expect(vtrix.formsOf?.(upscale, http)).toEqual({ of: 'body', forms });
		expect(vtrix.formsOf?.('credits', http)).toBeUndefined();
	});

	const model = 'midjourney_upscale';
	const params = { jobId: 'j', imageNo: 2, type: 0 };

	it.each([
		['wrapped', { model, input: [{ params }] }],
		['flat', { model, ...params }],
	])('goes out in the form %s', async (form, body) => {
		const http = scripted(reply(SUBMITTED));
		await vtrix.submit(http, upscale, undefined, form);
		expect(http.calls).toMatchObject([{ body }]);
	});

	it('names the model, whatever the parameters of a model of its own are', async () => {
		const parameters = { model: 'other' };
		expect(await paramsOf({ kind: 'runModel', model: 'midjourney_pan', parameters })).toEqual({
			model: 'midjourney_pan',
		});
	});
});

describe('The answer to a submit', () => {
	it.each(['id', 'task_id', 'request_id'])('holds the task id as %s', async (field) => {
		const body = { [field]: 'new', model: 'm', status: 'pending' };
		expect(await vtrix.submit(scripted(reply(body)), upscale)).toEqual({ ok: true, value: 'new' });
	});

	it('may be a task that has failed already: it has an id', async () => {
		const body = { ...SUBMITTED, status: 'failed', error: { code: 8004001098 } };
		expect(await vtrix.submit(scripted(reply(body)), upscale)).toEqual({ ok: true, value: 'new' });
	});

	it.each([{}, { id: '' }, { id: null }, { model: 'm', status: 'in_progress' }])(
		'without an id (%j) is ambiguous',
		async (body) => {
			expect(await vtrix.submit(scripted(reply(body)), upscale)).toMatchObject({
				failure: { reason: 'unreadable', accepted: 'unknown' },
			});
		},
	);

	it('is a refusal when it has a documented code and no id', async () => {
		const body = { status: 'failed', error: { code: 4007003, error_message: 'bad number' } };
		expect(await vtrix.submit(scripted(reply(body)), upscale)).toMatchObject({
			failure: { reason: 'invalidRequest', accepted: 'no', code: '4007003', message: 'bad number' },
		});
	});
});

describe('A refusal that says a field is missing', () => {
	const CASES: Array<[string, object, string | undefined]> = [
		['the code of the job', { error: { code: 4011001 } }, 'requestFormat'],
		['the code of the image', { error: { code: '004007002' } }, 'requestFormat'],
		['words', { message: 'jobId is required' }, 'requestFormat'],
		['words about the wrapper', { message: 'input must be a list' }, 'requestFormat'],
		['the code of what was not sent', { error: { code: 4007004 } }, undefined],
		['words about what was not sent', { message: 'canvas is required' }, undefined],
		['words about its value', { message: 'jobId is unknown' }, undefined],
		['a code of its value', { error: { code: 4007003 } }, undefined],
	];

	it.each(CASES)('%s', async (_, body, suspect) => {
		const answer = await vtrix.submit(scripted(reply(body, 400)), upscale);
		expect(answer.ok ? answer : answer.failure).toMatchObject({ accepted: 'no' });
		expect(answer.ok ? undefined : answer.failure.suspect).toBe(suspect);
	});
});

describe('A refusal that says a field is missing which is empty', () => {
	const empty = (jobId: unknown): TaskRequest => ({
		...{ kind: 'runModel', model: 'midjourney_pan' },
		parameters: { jobId: jobId as string, scale: 2 },
	});

	it.each([
		['', { message: 'jobId is required' }],
		[' ', { error: { code: 4011001 } }],
		[null, { message: 'jobId is missing' }],
	])('is about %j: the form was understood', async (jobId, body) => {
		const answer = await vtrix.submit(scripted(reply(body, 400)), empty(jobId));
		expect(answer).toMatchObject({ failure: { reason: 'invalidRequest', accepted: 'no' } });
		expect(answer.ok ? undefined : answer.failure.suspect).toBeUndefined();
	});

	it.each([0, false])('is about the form where the value is %j', async (jobId) => {
		const body = { message: 'jobId is required' };
		const answer = await vtrix.submit(scripted(reply(body, 400)), empty(jobId));
		expect(answer).toMatchObject({ failure: { suspect: 'requestFormat' } });
	});
});

describe('HTTP statuses', () => {
	/** What the status means with an error of Vtrix, and what it means alone, when anyone may have sent it. */
	const CASES: Array<
		[number, [string, 'no' | 'unknown', boolean], [string, 'no' | 'unknown', boolean]]
	> = [
		[301, ['redirected', 'no', false], ['redirected', 'no', false]],
		[302, ['redirected', 'unknown', true], ['redirected', 'unknown', true]],
		[400, ['invalidRequest', 'no', false], ['unreadable', 'unknown', true]],
		[401, ['invalidKey', 'no', false], ['unreadable', 'unknown', true]],
		[402, ['noCredits', 'no', false], ['unreadable', 'unknown', true]],
		[403, ['notAllowed', 'no', false], ['unreadable', 'unknown', true]],
		[404, ['notFound', 'no', false], ['unreadable', 'unknown', true]],
		[408, ['timedOut', 'unknown', true], ['timedOut', 'unknown', true]],
		[418, ['unexplained', 'unknown', true], ['unreadable', 'unknown', true]],
		[422, ['invalidRequest', 'no', false], ['unreadable', 'unknown', true]],
		[429, ['rateLimited', 'no', true], ['rateLimited', 'unknown', true]],
		[500, ['serverError', 'unknown', true], ['serverError', 'unknown', true]],
		[502, ['serverError', 'unknown', true], ['serverError', 'unknown', true]],
		[503, ['serverError', 'unknown', true], ['serverError', 'unknown', true]],
		[504, ['serverError', 'unknown', true], ['serverError', 'unknown', true]],
	];
	const BODIES: Array<[string, (status: number) => object]> = [
		['message', () => ({ message: 'words' })],
		['error as text', () => ({ error: 'words' })],
		['error with error_message', (code) => ({ error: { code, error_message: 'words' } })],
		['error with message', (code) => ({ error: { code, message: 'words' } })],
		['error without a code', () => ({ error: { message: 'words' } })],
		['a code in words', () => ({ error: { code: 'bad_thing', message: 'words' } })],
		['SeaCloud', (code) => ({ status: { code, message: 'words' }, data: null })],
	];

	describe.each(CASES)('%i: %j as a complaint, %j alone', (status, complaint, alone) => {
		it.each(BODIES)('%s', (_, bodyOf) => {
			const [reason, accepted, transient] = complaint;
			expect(openReply(reply(bodyOf(status), status))).toMatchObject({
				failure: { reason, accepted, transient, message: 'words' },
			});
		});

		it.each(['', '<html>', '[]', '{}', '{"status":"down"}'])('body %j', (body) => {
			const [reason, accepted, transient] = alone;
			expect(openReply(reply(body, status))).toEqual({
				ok: false,
				failure: { reason, accepted, transient, code: String(status), retryAfterMs: undefined },
			});
		});
	});

	it.each([40201, 40208])(
		'a code of SeaCloud is more precise than the status: %i',
		(error_code) => {
			const body = { status: { code: 402, message: 'words', error_code }, data: null };
			expect(openReply(reply(body, 402))).toMatchObject({
				failure: { reason: 'noCredits', code: String(error_code), message: 'words' },
			});
		},
	);

	it('the pause that the provider asks for is passed on', () => {
		expect(openReply({ ...reply({ message: 'w' }, 429), retryAfterMs: 7000 })).toMatchObject({
			failure: { retryAfterMs: 7000 },
		});
	});

	it.each([429, 500, 502, 503])(
		'a success that comes with status %i may have been accepted, and its task is named',
		(status) => {
			expect(openReply(reply(SUBMITTED, status))).toMatchObject({
				failure: { accepted: 'unknown', message: expect.stringContaining('new') },
			});
		},
	);

	it.each([
		[401, 'no'],
		[429, 'no'],
		[503, 'unknown'],
	])(
		'a refusal with status %i that names the request is not taken for a success',
		(status, accepted) => {
			const body = { message: 'words', request_id: 'req-1' };
			expect(openReply(reply(body, status))).toMatchObject({
				failure: { accepted, message: 'words' },
			});
		},
	);

	it('a message with status 200 and no task is an error', () => {
		expect(openReply(reply({ message: 'jobId not found' }))).toMatchObject({
			failure: { reason: 'unexplained', message: 'jobId not found', accepted: 'unknown' },
		});
	});

	it('an error with status 200 that names the request is no task', () => {
		const body = { error: { code: 8004001001, error_message: 'words' }, request_id: 'req-1' };
		expect(openReply(reply(body))).toMatchObject({
			failure: { reason: 'invalidRequest', accepted: 'no', message: 'words' },
		});
	});

	it.each([400, 429, 503])('a task with an error is no refusal, with status %i', (status) => {
		const body = { ...SUBMITTED, status: 'failed', error: { code: 4001002, message: 'words' } };
		expect(openReply(reply(body, status))).toMatchObject({
			failure: { accepted: 'unknown', message: 'words, task new' },
		});
	});

	it.each([
		['id', { code: 4011001, message: 'words' }, 400],
		['task_id', { code: 4011001 }, 400],
		['task_id', 'words', 429],
	])('an error that names a task by its %s is no refusal: %j', (field, error, status) => {
		expect(openReply(reply({ [field]: 'new', error }, status))).toMatchObject({
			failure: { accepted: 'unknown', message: expect.stringContaining('task new') },
		});
	});

	it('a success with an HTTP error and a message may have been accepted, and its task is named', () => {
		expect(openReply(reply({ ...SUBMITTED, message: 'words' }, 503))).toMatchObject({
			failure: { accepted: 'unknown', message: expect.stringContaining('new') },
		});
	});

	it.each([
		['HTML', '<html>'],
		['nothing', ''],
		['a list', []],
		['null', null],
	])('%s with status 200 is unreadable, and may hide a task', (_, body) => {
		expect(openReply(reply(body))).toMatchObject({
			failure: { reason: 'unreadable', accepted: 'unknown', transient: true },
		});
	});

	it('a success may come as text', () => {
		expect(openReply(reply(JSON.stringify(SUBMITTED)))).toEqual({ ok: true, value: SUBMITTED });
	});
});

describe('Codes', () => {
	/** The last seven digits of what the pages list, the reason, and what the message says of it. */
	const DOCUMENTED: Array<[string, string, RegExp]> = [
		['4001001', 'invalidRequest', /text is missing/],
		['4001002', 'invalidRequest', /text is too short or too long/],
		['4001003', 'invalidRequest', /callback URL is not valid/],
		['4001004', 'invalidKey', /authentication/],
		['4001098', 'generationFailed', /generation failed/],
		['4001099', 'serverError', /unavailable/],
		['4007001', 'invalidRequest', /job ID is missing/],
		['4007002', 'invalidRequest', /number of the image is missing/],
		['4007003', 'invalidRequest', /number of the image is not valid/],
		['4007004', 'invalidRequest', /prompt is missing/],
		['4007005', 'invalidRequest', /prompt is too short or too long/],
		['4007006', 'invalidRequest', /canvas is missing/],
		['4007007', 'invalidRequest', /position of the image is missing/],
		['4007008', 'invalidRequest', /callback URL is not valid/],
		['4007098', 'generationFailed', /generation failed/],
		['4007099', 'serverError', /unavailable/],
		['4011001', 'invalidRequest', /job ID is missing/],
		['4011002', 'invalidRequest', /number of the image is missing/],
	];
	/** The forms of a code that the pages allow, as JSON holds them. */
	const FORMS: Array<[string, (digits: string) => number | string]> = [
		['ten digits', (digits) => Number(`800${digits}`)],
		['nine digits as text', (digits) => `00${digits}`],
		['without the leading zeros', Number],
	];

	describe.each(FORMS)('in %s', (_, codeOf) => {
		it.each(DOCUMENTED)('...%s: %s, %s', (digits, reason, meaning) => {
			const code = codeOf(digits);
			expect(openReply(reply({ error: { code, error_message: 'words' } }, 400))).toMatchObject({
				failure: {
					reason,
					code: String(code),
					message: 'words',
					meaning: expect.stringMatching(meaning),
					// The last two come from behind Vtrix, where somebody may have worked on the task.
					accepted: /09[89]$/.test(digits) ? 'unknown' : 'no',
					transient: digits.endsWith('099'),
				},
			});
		});
	});

	it.each([
		[8004019098, 'generationFailed', 'unknown', false],
		[8004019099, 'serverError', 'unknown', true],
		[8004019042, 'invalidRequest', 'no', false],
		// Of another vendor's models.
		[2014001, 'unexplained', 'unknown', true],
	])(
		'%i, of a model without documentation: %s, accepted: %s',
		(code, reason, accepted, transient) => {
			expect(openReply(reply({ error: { code, message: 'words' } }))).toMatchObject({
				failure: { reason, transient, accepted, code: String(code) },
			});
		},
	);

	it.each([200, 400, 429, 500, 503])('099 may have been accepted, with status %i', (status) => {
		const body = { error: { code: 8004001099, error_message: 'words' } };
		expect(openReply(reply(body, status))).toMatchObject({
			failure: { reason: 'serverError', accepted: 'unknown' },
		});
	});

	it.each([{ error: 'words' }, { error: { message: 'words' } }, { error: { code: 7 } }])(
		'%j may have been accepted: no code says otherwise',
		(body) => {
			expect(openReply(reply(body))).toMatchObject({
				failure: { reason: 'unexplained', accepted: 'unknown', transient: true },
			});
		},
	);

	it.each([
		['the code 0', { code: 0, error_message: 'no error' }],
		['null', null],
		['an empty text', ''],
		['an empty object', {}],
	])('%s is no error', (_, error) => {
		expect(openReply(reply({ ...SUBMITTED, id: undefined, error }))).toMatchObject({ ok: true });
	});
});

describe('A task', () => {
	const done = {
		id: 't',
		model: 'midjourney_diffusion',
		status: 'completed',
		created_at: 1767323045,
		output: [
			{
				content: [
					{ type: 'image', url: 'https://f.example/0.png', jobId: 'j' },
					{ type: 'image', url: 'https://f.example/1.png', jobId: 'j' },
				],
			},
		],
		usage: { cost: '0.05', discount: 0.8 },
		metadata: { prompt: 'a lighthouse' },
	};
	const read = (change: object) => parseTask({ ...done, ...change }, 'asked');

	it('is read in full', () => {
		expect(parseTask(done, 'asked')).toEqual({
			provider: 'vtrix',
			taskId: 't',
			jobId: 'j',
			status: 'completed',
			outputs: [
				{ index: 0, type: 'image', url: 'https://f.example/0.png' },
				{ index: 1, type: 'image', url: 'https://f.example/1.png' },
			],
			prompt: 'a lighthouse',
			cost: 0.05,
			discount: 0.8,
			createdAt: '2026-01-02T03:04:05.000Z',
			raw: done,
		});
	});

	it.each([
		['pending', 'pending'],
		['queued', 'pending'],
		['in_progress', 'running'],
		['processing', 'running'],
		['IN_PROGRESS', 'running'],
		['thinking', 'running'],
		['', 'running'],
		[undefined, 'running'],
		['completed', 'completed'],
		['Completed', 'completed'],
		['succeeded', 'completed'],
		['success', 'completed'],
		['failed', 'failed'],
		['done', 'completed'],
		['finished', 'completed'],
		['error', 'failed'],
		['cancelled', 'failed'],
		['CANCELED', 'failed'],
		['moderated', 'failed'],
		['rejected', 'failed'],
		['timeout', 'failed'],
		['timed_out', 'failed'],
		['expired', 'failed'],
		['failure', 'failed'],
		['aborted', 'failed'],
		['constructor', 'running'],
	])('status %j: %s', (word, status) => {
		expect(read({ status: word }).status).toBe(status);
	});

	it.each([
		['thinking', 'thinking'],
		['In Review', 'In Review'],
		['IN_PROGRESS', undefined],
		['Moderated', undefined],
		['', undefined],
		[undefined, undefined],
	])('status %j is shown as %j', (word, providerStatus) => {
		expect(read({ status: word }).providerStatus).toBe(providerStatus);
	});

	it('has no outputs before it is completed', () => {
		expect(read({ status: 'in_progress', progress: 0.4 })).toMatchObject({
			outputs: [],
			progress: 0.4,
		});
	});

	it('has no progress once it has ended', () => {
		expect(read({ progress: 1 }).progress).toBeUndefined();
	});

	describe('that has failed', () => {
		const FORMS: Array<[string, unknown, object]> = [
			[
				'error_message',
				{ code: 8004001098, error_message: 'words' },
				{ code: '8004001098', message: 'words', meaning: 'the generation failed' },
			],
			[
				'message',
				{ code: '004007099', message: 'words' },
				{
					code: '004007099',
					message: 'words',
					meaning: 'the service behind Vtrix is unavailable',
				},
			],
			[
				'a code of no documentation',
				{ code: 7, message: 'words' },
				{ code: '7', message: 'words' },
			],
			['text', 'words', { message: 'words' }],
			['nothing', undefined, { message: 'Vtrix gave no reason' }],
			[
				'words to be cleaned',
				'cannot call https://n8n.example.com/w?signature=secret',
				{ message: 'cannot call https://n8n.example.com/w' },
			],
		];

		it('has its state as the reason if it gives no other', () => {
			expect(read({ status: 'moderated' }).error?.message).toBe(
				'Vtrix gave no reason, the state is “moderated”',
			);
		});

		it.each(FORMS)('has its reason, given as %s', (_, error, reason) => {
			expect(read({ status: 'failed', error })).toMatchObject({ status: 'failed', outputs: [] });
			expect(read({ status: 'failed', error }).error).toEqual(reason);
		});

		it.each([
			['words', 'words'],
			['a code', { code: 8004001098 }],
		])('may say completed and have %s as its error', (_, error) => {
			expect(read({ error })).toMatchObject({ status: 'failed', outputs: [] });
		});

		it.each([null, '', {}, { code: 0, error_message: '' }])(
			'is not recognised by %j as its error',
			(error) => {
				expect(read({ error })).toMatchObject({ status: 'completed', error: undefined });
			},
		);
	});

	it.each([
		['id', { id: 'a', task_id: 'b', request_id: 'c' }, 'a'],
		['task_id', { id: undefined, task_id: 'b', request_id: 'c' }, 'b'],
		['request_id', { id: undefined, request_id: 'c' }, 'c'],
		['nothing', { id: undefined }, 'asked'],
	])('has its id from %s', (_, ids, taskId) => {
		expect(read(ids).taskId).toBe(taskId);
	});

	describe('has the job id of', () => {
		const content = (own: object) => [{ content: [{ type: 'image', url: 'u', ...own }] }];
		const elsewhere = { metadata: { jobId: 'meta' }, jobId: 'body' };
		const PLACES: Array<[string, object, string]> = [
			['the content', { output: content({ jobId: 'own', metadata: { jobId: 'm' } }) }, 'own'],
			["the content's metadata", { output: content({ metadata: { jobId: 'm' } }) }, 'm'],
			['the metadata', { output: content({}) }, 'meta'],
			['the task', { output: content({}), metadata: {} }, 'body'],
			['itself', { output: content({}), metadata: {}, jobId: undefined }, 't'],
		];

		it.each(PLACES)('%s', (_, change, jobId) => {
			expect(read({ ...elsewhere, ...change }).jobId).toBe(jobId);
		});

		it('nothing while it runs and names none', () => {
			expect(read({ status: 'in_progress', output: undefined }).jobId).toBeUndefined();
		});
	});

	describe('has outputs', () => {
		const contents = (...list: unknown[]) => ({ output: [{ content: list }] });

		it.each([
			['image', 'https://f.example/0.png', 'image'],
			['video', 'https://f.example/0', 'video'],
			['video_url', 'https://f.example/0', 'video'],
			[undefined, 'https://f.example/0.mp4?x=1', 'video'],
			[undefined, 'https://f.example/0.webp', 'image'],
		])('of type %j at %s: %s', (type, address, expected) => {
			expect(read(contents({ type, url: address })).outputs).toEqual([
				{ index: 0, type: expected, url: address },
			]);
		});

		it('whose URL is in a field with the name of the type', () => {
			const addresses = contents(
				{ type: 'video_url', video_url: 'https://f.example/v' },
				{ type: 'image_url', image_url: 'https://f.example/i' },
			);
			expect(read(addresses).outputs).toEqual([
				{ index: 0, type: 'video', url: 'https://f.example/v' },
				{ index: 1, type: 'image', url: 'https://f.example/i' },
			]);
		});

		it('numbered across blocks', () => {
			const output = ['a', 'b', 'c'].map((name) => ({
				content: [{ type: 'image', url: `https://f.example/${name}` }],
			}));
			expect(read({ output }).outputs.map(({ index, url: address }) => [index, address])).toEqual([
				[0, 'https://f.example/a'],
				[1, 'https://f.example/b'],
				[2, 'https://f.example/c'],
			]);
		});

		/** What the entries hold, and which numbers the outputs have. */
		const at = (address: string, own: object = {}) => ({
			url: `https://f.example/${address}`,
			...own,
		});
		const NUMBERED: Array<[string, unknown[], Array<[number, string]>]> = [
			[
				'by their place',
				[at('a'), at('b')],
				[
					[0, 'a'],
					[1, 'b'],
				],
			],
			[
				'by their place, with gaps',
				[null, at('b'), {}, 'd', at('e')],
				[
					[1, 'b'],
					[4, 'e'],
				],
			],
			[
				'by imageNo',
				[at('c', { imageNo: 2 }), at('a', { imageNo: '0' })],
				[
					[2, 'c'],
					[0, 'a'],
				],
			],
			['by imageNo of their metadata', [at('d', { metadata: { imageNo: 3 } })], [[3, 'd']]],
			[
				'by their place where two have a number',
				[at('a', { imageNo: 1 }), at('b', { imageNo: 1 })],
				[
					[0, 'a'],
					[1, 'b'],
				],
			],
			[
				'by their place where one has none',
				[at('a', { imageNo: 1 }), at('b')],
				[
					[0, 'a'],
					[1, 'b'],
				],
			],
			['by their place where a number is none', [at('a', { imageNo: -1 })], [[0, 'a']]],
			[
				'without what has no address',
				[{ url: '/x.png' }, { url: 'javascript:x' }, at('c')],
				[[2, 'c']],
			],
		];

		it.each(NUMBERED)('%s', (_, list, numbers) => {
			const outputs = read(contents(...list)).outputs;
			expect(outputs.map(({ index, url: address }) => [index, address.split('/').pop()])).toEqual(
				numbers,
			);
		});

		it.each([
			['nothing', undefined],
			['null', null],
			['a text', 'u'],
			['blocks that are none', [null, 7, {}, { content: 'u' }, { content: [null, 'u', {}] }]],
		])('none in %s', (_, output) => {
			expect(read({ output }).outputs).toEqual([]);
		});
	});

	it.each([
		[{ cost: '0.05', discount: 1 }, 0.05, 1],
		[{ cost: 0.05, discount: '0.8' }, 0.05, 0.8],
		[{ cost: 0 }, 0, undefined],
		[{ cost: 'free' }, undefined, undefined],
		[undefined, undefined, undefined],
		['0.05', undefined, undefined],
	])('with the usage %j cost %s at a discount of %s', (usage, cost, discount) => {
		const task = read({ usage });
		expect([task.cost, task.discount]).toEqual([cost, discount]);
	});

	it.each([
		['Unix seconds', 1767323045],
		['Unix seconds as text', '1767323045'],
		['ISO text', '2026-01-02T03:04:05Z'],
	])('has its times in %s', (_, time) => {
		expect(read({ created_at: time, completed_at: time })).toMatchObject({
			createdAt: '2026-01-02T03:04:05.000Z',
			completedAt: '2026-01-02T03:04:05.000Z',
		});
	});

	it.each([20261121103000000, '99999999999999999999', -1e300])(
		'has no time where there is no such date: %j',
		(time) => {
			const task = read({ created_at: time, completed_at: time });
			expect([task.createdAt, task.completedAt]).toEqual([undefined, undefined]);
		},
	);

	it('hides the query of its callback URL', () => {
		const callback = 'https://n8n.example.com/webhook-waiting/7?signature=secret&mjToken=a.b';
		const { raw } = read({ input: [{ params: { text: 'p', callback } }] });
		expect(raw).toMatchObject({
			input: [{ params: { text: 'p', callback: 'https://n8n.example.com/webhook-waiting/7' } }],
		});
	});
});

describe('A read of a task', () => {
	it('asks for the id unchanged', async () => {
		const http = scripted(reply({ id: 'a b?c', status: 'completed' }));
		expect(await vtrix.read(http, 'a b?c')).toMatchObject({ ok: true, value: { taskId: 'a b?c' } });
		expect(http.calls).toEqual([{ method: 'GET', path: '/model/v1/generation/task/a%20b%3Fc' }]);
	});

	it.each(['', '.', '..', 'a/b', '../../secrets', 'a\\b', 'a\tb', 'a\ud800', 'x'.repeat(201)])(
		'for %j asks nobody',
		async (id) => {
			const http = scripted();
			expect(await vtrix.read(http, id)).toMatchObject({
				failure: { reason: 'notFound', accepted: 'no', transient: false },
			});
			expect(http.calls).toEqual([]);
		},
	);

	it.each([
		[{ id: 'other' }, false],
		[{ task_id: 'other' }, false],
		[{ request_id: 'other' }, false],
		[{ id: 't', request_id: 'of-the-call' }, true],
		[{ id: undefined, task_id: 't' }, true],
	])('whose answer names %j is believed: %s', async (ids, ok) => {
		const answer = await vtrix.read(scripted(reply({ status: 'completed', ...ids })), 't');
		expect(answer).toMatchObject(
			ok ? { ok } : { failure: { reason: 'unreadable', transient: true } },
		);
	});

	it('believes a task that names no id', async () => {
		const http = scripted(reply({ status: 'completed' }));
		expect(await vtrix.read(http, 't')).toMatchObject({ ok: true, value: { taskId: 't' } });
	});

	it.each([
		['404', reply({ message: 'task not found' }, 404)],
		['400', reply({ error: { code: 400, message: 'bad id' } }, 400)],
		['an empty object', reply({})],
		['a task object without an id', reply({ error: { code: 4001042, message: 'bad id' } })],
	])('that the provider does not know (%s) gives not found', async (_, answer) => {
		expect(await vtrix.read(scripted(answer), 't')).toMatchObject({
			failure: { reason: 'notFound' },
		});
	});

	it('with a wrong key reports the key', async () => {
		expect(await vtrix.read(scripted(reply({ message: 'no' }, 401)), 't')).toMatchObject({
			failure: { reason: 'invalidKey' },
		});
	});
});

describe('The job id that a submit needs', () => {
	const output = [
		{ content: ['a', 'b'].map((name) => ({ url: `https://f.example/${name}`, jobId: 'job' })) },
	];
	const completed = { id: 't', status: 'completed', output };
	const request = { kind: 'upscaleImage', taskId: 't', index: 1 } as const;
	/** The request after a read of its task with this answer. */
	const prepare = async (http: Http, asked: TaskRequest) =>
		await vtrix.prepare?.(asked, async (taskId) => await vtrix.read(http, taskId));
	const prepared = async (answer: object, change: object = {}) =>
		await prepare(scripted(reply(answer)), { ...request, ...change });

	it('is that of the task', async () => {
		expect(await prepared(completed)).toEqual({ ok: true, value: { ...request, jobId: 'job' } });
	});

	it('may be given together with the task, which is read all the same', async () => {
		const http = scripted(reply(completed));
		const both = { ...request, jobId: 'job' };
		expect(await prepare(http, both)).toEqual({ ok: true, value: both });
		expect(http.calls).toHaveLength(1);
	});

	it.each<[string, TaskRequest]>([
		['a job without a task', upscale],
		['what has no source', image],
		['a model of its own', { kind: 'runModel', model: 'm', parameters: { taskId: 't', index: 0 } }],
	])('is not looked up for %s', async (_, untouched) => {
		const http = scripted();
		expect(await prepare(http, untouched)).toEqual({ ok: true, value: untouched });
		expect(http.calls).toEqual([]);
	});

	const UNFIT: Array<[string, object, object, RegExp]> = [
		['is not finished', { ...completed, status: 'in_progress' }, {}, /task t has not finished yet/],
		['has failed', { ...completed, status: 'failed' }, {}, /task t has failed/],
		['has fewer outputs', completed, { index: 2 }, /task t has no output 2: it has 0, 1$/],
		[
			'has lost this output',
			{ ...completed, output: [{ content: [{ url: 'https://f.example/a' }, {}] }] },
			{},
			/task t has no output 1: it has 0$/,
		],
		['has no outputs', { ...completed, output: [] }, {}, /task t has no output 1: it has none/],
		['is another job', completed, { jobId: 'x' }, /task t is not job x: clear one of the two/],
	];

	it.each(UNFIT)('refuses a task that %s', async (_, answer, change, words) => {
		expect(await prepared(answer, change)).toMatchObject({
			failure: {
				reason: 'invalidSource',
				message: expect.stringMatching(words),
				accepted: 'no',
				transient: false,
			},
		});
	});

	it('is not found for a task that the provider does not know', async () => {
		expect(await prepared({})).toMatchObject({ failure: { reason: 'notFound', accepted: 'no' } });
	});
});

describe('The text of a generation', () => {
	it('is shown as Midjourney receives it', () => {
		expect(vtrix.finalPrompt?.({ ...image, seed: 7 })).toBe('p --seed 7');
	});

	it('is shown for generations alone: other requests show their prompt', () => {
		expect(vtrix.finalPrompt?.({ kind: 'retextureImage', imageUrl: 'u', prompt: 'p' })).toBe(
			undefined,
		);
	});

	it.each([
		['fits with 8,192 characters', 'x'.repeat(8183), undefined],
		['does not with one more', 'x'.repeat(8184), /has 8193 characters with the flags.* 8192/],
	])('%s, flags included', (_, prompt, words) => {
		const objection = vtrix.validate?.({ ...image, prompt, aspectRatio: '1:1' });
		if (words) expect(objection).toMatch(words);
		else expect(objection).toBeUndefined();
	});

	it.each([
		[['u'], undefined],
		[
			['u', 'v'],
			'An omni reference needs exactly one image, but there are 2: keep one, or split them into several items',
		],
		[
			undefined,
			'An omni reference needs exactly one image, but there are 0: keep one, or split them into several items',
		],
	])('with the omni references %j: %s', (imageUrls, words) => {
		expect(vtrix.validate?.({ ...image, mode: 'omniReference', imageUrls })).toBe(words);
	});

	it('is the only text with a limit for all fields together', () => {
		expect(vtrix.validate?.({ ...upscale })).toBeUndefined();
	});
});
