import type { IDataObject } from 'n8n-workflow';
import type { Answer, Call, EmulatorOptions, ProviderName, Submit } from '../emulator';

/**
 * How a provider says what all providers say: all that the suites need to know which run with each of them. What is the
 * same on every wire (a torn connection, the HTML of a gateway) stands in the suites.
 */
export interface Dialect {
	/** Also the value of `authentication`. */
	readonly name: ProviderName;
	readonly displayName: string;
	isSubmit(call: Call): boolean;
	isRead(call: Call): boolean;
	/** The parameters on the wire of Text to Image with this prompt and nothing else. */
	textToImage(prompt: string): IDataObject;
	promptOf(submit: Submit): unknown;
	/** Additional fields that do not apply to Text to Image, stored before another mode was chosen. */
	readonly inapplicable: IDataObject;
	/** The fields of the node that make a video. */
	readonly video: IDataObject;
	/** A balance for so many tasks. */
	creditFor(tasks: number): EmulatorOptions;
	readonly keyRefused: Answer;
	/** Answers of the provider itself that leave a submit ambiguous. */
	readonly unclear: Readonly<Record<string, Answer>>;
	/** Transient refusals of a submit. */
	readonly passing: Readonly<Record<string, Answer>>;
	/** Permanent refusals of a submit, and what the message must say. */
	readonly final: Readonly<Record<string, readonly [Answer, RegExp]>>;
	/** Failed reads of a task that exists. */
	readonly stumbles: Readonly<Record<string, Answer>>;
	/** Answers to a read of an unknown task. */
	readonly unknownTask: Readonly<Record<string, Answer>>;
	/** An upscale of an unknown source: the fields, and what the message says. */
	readonly unknownSource: readonly [IDataObject, RegExp];
	/** The same, with fields that only the provider itself can refuse. */
	readonly refusedSource: IDataObject;
	/** The provider's reason for a failed task. */
	readonly failure: { readonly code: string; readonly words: string };
	/** The fields of an item that not every provider gives. */
	itemOf(submit: Submit | undefined): Record<string, unknown>;
	/** How long files are kept; undefined if the provider does not say. */
	readonly retentionDays?: number;
	/** A part of the raw answer about a finished image. */
	readonly raw: IDataObject;
}

const ISO_DATE: unknown = expect.stringMatching(/^\d{4}-.*Z$/);

/** These providers report errors in the body, with HTTP 200 (wire.md: MidAPI envelope, MidAPI codes). */
const envelope = (code: number, msg = 'no such thing'): Answer => ({
	status: 200,
	body: { code, msg, data: null },
});

const midApi: Dialect = {
	name: 'midApi',
	displayName: 'MidAPI',
	isSubmit: ({ method, path }) => method === 'POST' && path.startsWith('/api/v1/mj/'),
	isRead: ({ path }) => path.endsWith('/record-info'),
	textToImage: (prompt) => ({ taskType: 'mj_txt2img', prompt }),
	promptOf: ({ params }) => params.prompt,
	inapplicable: { omniIntensity: 5000, imageQuality: 7 },
	video: {
		resource: 'video',
		operation: 'generate',
		prompt: 'steam',
		imageUrl: 'https://example.com/a.png',
		motion: 'high',
	},
	creditFor: (tasks) => ({ credits: tasks, prices: 1 }),
	keyRefused: envelope(401, 'Unauthorized'),
	unclear: {
		'the answer has no data': { status: 200, body: { code: 200, msg: 'success' } },
		'the provider reports an internal error': envelope(500, 'Internal Error'),
		'the provider reports a failed generation': envelope(501),
		'the provider gives a code of no documentation': envelope(418),
	},
	passing: {
		'429 in the body': envelope(429, 'Too Many Requests'),
		'429 with Retry-After': { ...envelope(429), status: 429, headers: { 'retry-after': '1' } },
		'455 maintenance': envelope(455, 'Maintenance'),
	},
	final: {
		'400, malformed': [envelope(400), /refused the request \(400 “no such thing”\)/],
		'401, wrong key': [envelope(401), /did not accept the API key \(401 “no such thing”\)/],
		'402, no credits': [envelope(402), /enough credits \(402 “no such thing”\)/],
		'403, not this key': [envelope(403), /did not accept the API key \(403 “no such thing”\)/],
		'422, refused': [envelope(422), /refused the request \(422 “no such thing”\)/],
		'505, switched off': [envelope(505), /switched this feature off \(505 “no such thing”\)/],
	},
	stumbles: {
		'429 in the body': envelope(429),
		'455 in the body': envelope(455),
		'500 in the body': envelope(500),
	},
	unknownTask: {
		'422': envelope(422, 'recordInfo is null'),
		'404': envelope(404),
		'success without data': { status: 200, body: { code: 200, msg: 'success', data: null } },
	},
	unknownSource: [{ taskId: 'gone-1' }, /MidAPI refused the request \(422/],
	refusedSource: { taskId: 'gone-1' },
	failure: { code: '500', words: 'upstream rejected the prompt' },
	itemOf: () => ({ completedAt: ISO_DATE, expiresAt: ISO_DATE }),
	retentionDays: 15,
	raw: { successFlag: 1, taskType: 'mj_txt2img' },
};

/** An HTTP status with the message in one of the documented places (wire.md: Vtrix codes). */
const message = (status: number): Answer => ({ status, body: { message: 'no such thing' } });
const error = (code: number, status = 400): Answer => ({
	status,
	body: { error: { code, error_message: 'no such thing' } },
});
/** As its twin SeaCloud writes it. */
const seaCloud = (code: number, error_code: number): Answer => ({
	status: code,
	body: { status: { code, message: 'no such thing', error_code }, data: null },
});
/** A task object without an id: there is no task (wire.md: Vtrix tasks). */
const noTask = (complaint: unknown): Answer => ({
	status: 200,
	body: { model: 'midjourney_diffusion', status: 'failed', error: complaint },
});

const vtrix: Dialect = {
	name: 'vtrix',
	displayName: 'Vtrix',
	isSubmit: ({ method, path }) => method === 'POST' && path === '/model/v1/generation',
	isRead: ({ path }) => path.startsWith('/model/v1/generation/task/'),
	textToImage: (prompt) => ({ text: prompt }),
	promptOf: ({ params }) => params.text,
	inapplicable: { imageWeight: 99, watermark: 'shop' },
	video: {
		resource: 'model',
		operation: 'run',
		model: 'midjourney_video_diffusion',
		parameters: { prompt: 'https://example.com/a.png steam' },
	},
	creditFor: (tasks) => ({ vtrix: { balanceUsd: tasks, prices: 1 } }),
	keyRefused: { status: 401, body: { message: 'Unauthorized' } },
	unclear: {
		'the answer has no id': {
			status: 200,
			body: { model: 'midjourney_diffusion', status: 'in_progress' },
		},
		'the provider reports an internal error': message(500),
		'the provider reports an internal error with HTTP 200': noTask({
			code: 500,
			message: 'no such thing',
		}),
		'the provider complains without a code': noTask('no such thing'),
		'the provider complains in a message alone': {
			status: 200,
			body: { message: 'no such thing' },
		},
		'...098, generation failed': error(8004001098),
		'...099, nobody available, as a task without an id': noTask({
			code: 8004001099,
			error_message: 'provider unavailable',
		}),
		'...099 with HTTP 500': error(8004001099, 500),
		'...099 with HTTP 429': error(8004001099, 429),
	},
	passing: {
		'429 in words': message(429),
		'429 with Retry-After': { ...message(429), headers: { 'retry-after': '1' } },
		'429 with a code': error(429, 429),
		'429 as SeaCloud writes it': seaCloud(429, 42901),
	},
	final: {
		'400, malformed': [message(400), /refused the request \(400 “no such thing”\)/],
		'400 with a code of ten digits': [
			error(8004001002),
			/refused the request \(8004001002 “no such thing”\)/,
		],
		'a code that lost its zeros, as a task without an id': [
			noTask({ code: 4007003, error_message: 'no such thing' }),
			/refused the request \(4007003 “no such thing”\)/,
		],
		'401, wrong key': [message(401), /did not accept the API key \(401 “no such thing”\)/],
		'...004, wrong key': [error(8004001004), /did not accept the API key \(8004001004/],
		'402, no credits': [message(402), /enough credits \(402 “no such thing”\)/],
		'402 as SeaCloud writes it': [seaCloud(402, 40201), /enough credits \(40201 “no such/],
		'403, balance or permission': [message(403), /not allow this for the account \(403 “no such/],
		'422, refused': [message(422), /refused the request \(422 “no such thing”\)/],
	},
	stumbles: {
		'429 in words': message(429),
		'500 in words': message(500),
		'a complaint without a code': { status: 200, body: { error: 'oops' } },
		'500 with HTTP 200': { status: 200, body: { status: { code: 500, message: 'oops' } } },
		'...099, nobody available': noTask({ code: 8004001099, error_message: 'unavailable' }),
	},
	unknownTask: {
		'404': message(404),
		'400': message(400),
		'an empty object': { status: 200, body: {} },
	},
	unknownSource: [{ taskId: 'gone-1' }, /Vtrix does not know the task or address \(404/],
	refusedSource: { taskId: '', jobId: 'gone-1' },
	failure: { code: '8004001098', words: 'generation failed' },
	itemOf: (submit) => ({ jobId: submit?.jobId, cost: submit?.price, discount: 1 }),
	raw: { status: 'completed', model: 'midjourney_diffusion' },
};

export const DIALECTS: readonly Dialect[] = [midApi, vtrix];
