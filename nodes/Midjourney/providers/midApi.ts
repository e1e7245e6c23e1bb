import type { IDataObject } from 'n8n-workflow';

import { rawOf, wordsIn } from './clean';
import { meaningOf, meaningOfStatus } from './codes';
import {
	failed,
	notOffered,
	success,
	unreadable,
	type Result,
	type Call,
	type Failed,
	type Failure,
	type Http,
	type Meaning,
	type Reply,
	type Suspect,
} from './http';
import { NO_SUCH_TASK, OF_ANOTHER_TASK, readById } from './ids';
import { isHttpUrl, isoDate, isoOf, isRecord, numberIn, text, unwrapJson } from './json';
import { formWith } from './multipart';
import type {
	ExtendVideo,
	FormChoice,
	GenerateImage,
	GenerateVideo,
	Provider,
	TaskRequest,
	UpscaleContract,
	UpscaleImage,
	VaryImage,
} from './provider';
import { outputAt, type Output, type Task, type TaskStatus } from './task';
import {
	callOf,
	formAmong,
	NOT_OFFERED,
	notSent,
	wireFields,
	type CallTable,
	type OfferedIn,
	type WireTable,
} from './wire';

/** MidAPI (midapi.ai) and its twin kie.ai on the wire (wire.md: MidAPI). */

const MJ = '/api/v1/mj';
const COMMON = '/api/v1/common';

/** kie keeps the balance elsewhere and answers 404 at the usual place (wire.md: MidAPI credits). */
const BALANCE = { common: `${COMMON}/credit`, chat: '/api/v1/chat/credit' };
const BALANCE_FORMS = ['common', 'chat'] as const;

/** Where files go with a key of kie.ai; of midapi.ai no such place is documented (wire.md: MidAPI file upload). */
const UPLOAD_URL: Readonly<Record<string, string>> = {
	'https://api.kie.ai': 'https://kieai.redpandaai.co',
};
/** The folder at the provider. */
const UPLOAD_PATH = 'images';
/** A file takes longer than a request, in ms. */
const UPLOAD_MS = 300_000;

/** Generated files are kept for 15 days (wire.md: MidAPI). */
const RETENTION_MS = 15 * 24 * 3_600_000;
/** A link from download-url works for 20 minutes (wire.md: MidAPI download links). */
const DOWNLOAD_URL_MS = 20 * 60_000;

const IMAGE_TASK_TYPE: Record<GenerateImage['mode'], string> = {
	textToImage: 'mj_txt2img',
	imageToImage: 'mj_img2img',
	styleReference: 'mj_style_reference',
	omniReference: 'mj_omni_reference',
};
const VIDEO_TASK_TYPE: Record<GenerateVideo['quality'], string> = {
	standard: 'mj_video',
	hd: 'mj_video_hd',
};
const EXTEND_TASK_TYPE: Record<ExtendVideo['mode'], string> = {
	auto: 'mj_video_extend_auto',
	manual: 'mj_video_extend_manual',
};

/** This provider only knows its own task ids. */
const SOURCE_TASK = { taskId: 'taskId', jobId: notSent };

/** The call for a request of one kind. */
const post =
	<R extends object>(path: string | ((request: R) => string), table: WireTable<R>) =>
	(request: R): Call => ({
		method: 'POST',
		path: MJ + (typeof path === 'string' ? path : path(request)),
		body: wireFields(request, table),
	});

/** What this provider makes of each kind of task (wire.md: MidAPI generate, MidAPI upscale, MidAPI vary, MidAPI extend). */
const CALLS = {
	generateImage: post<GenerateImage>('/generate', {
		mode: ({ mode }) => ({ taskType: IMAGE_TASK_TYPE[mode] }),
		prompt: 'prompt',
		imageUrls: 'fileUrls',
		aspectRatio: 'aspectRatio',
		version: 'version',
		speed: 'speed',
		stylization: 'stylization',
		variety: 'variety',
		weirdness: 'weirdness',
		omniIntensity: 'ow',
		watermark: 'waterMark',
		translatePrompt: 'enableTranslation',
		// Only Midjourney's own language has these; here, too, a flag in the prompt can set them.
		draft: notSent,
		exclude: notSent,
		experimental: notSent,
		hd: notSent,
		imageQuality: notSent,
		imageWeight: notSent,
		omniReference: notSent,
		personalization: notSent,
		raw: notSent,
		seed: notSent,
		styleReferences: notSent,
		styleVersion: notSent,
		styleWeight: notSent,
		tile: notSent,
	}),
	// The contract chooses the path, and how images are counted.
	upscaleImage: post<UpscaleImage>(
		({ contract }) => (contract === 'quickstart' ? '/upscale' : '/generateUpscale'),
		{
			...SOURCE_TASK,
			index: ({ index, contract }) =>
				contract === 'quickstart' ? { index: index + 1 } : { imageIndex: index },
			watermark: 'waterMark',
			contract: notSent,
			upscaler: notSent,
		},
	),
	varyImage: post<VaryImage>('/generateVary', {
		...SOURCE_TASK,
		index: ({ index, firstIndex = 0 }) => ({ imageIndex: index + firstIndex }),
		watermark: 'waterMark',
		firstIndex: notSent,
		strength: notSent,
		prompt: notSent,
	}),
	generateVideo: post<GenerateVideo>('/generate', {
		quality: ({ quality }) => ({ taskType: VIDEO_TASK_TYPE[quality] }),
		prompt: 'prompt',
		imageUrl: ({ imageUrl }) => ({ fileUrls: [imageUrl] }),
		motion: 'motion',
		videoCount: 'videoBatchSize',
		aspectRatio: 'aspectRatio',
		version: 'version',
		watermark: 'waterMark',
		translatePrompt: 'enableTranslation',
	}),
	extendVideo: post<ExtendVideo>('/generateVideoExtend', {
		...SOURCE_TASK,
		mode: ({ mode }) => ({ taskType: EXTEND_TASK_TYPE[mode] }),
		index: 'index',
		prompt: 'prompt',
		watermark: 'waterMark',
	}),
	remixImage: NOT_OFFERED,
	editImage: NOT_OFFERED,
	inpaintImage: NOT_OFFERED,
	outpaintImage: NOT_OFFERED,
	uploadPaintImage: NOT_OFFERED,
	retextureImage: NOT_OFFERED,
	runModel: NOT_OFFERED,
} satisfies CallTable<Call>;

/** What this provider offers. */
export type OfferedByMidApi = OfferedIn<typeof CALLS>;

const CONTRACTS = ['reference', 'quickstart'] as const satisfies readonly UpscaleContract[];
/** What a variation counts the images from (wire.md: MidAPI vary). */
const INDEX_FORMS = ['indexFrom0', 'indexFrom1'] as const;

/** What the pages of this family describe in two forms; only the chosen one if the user has chosen. */
function formsOf(asked: TaskRequest | 'credits'): FormChoice | undefined {
	if (asked === 'credits') return { of: 'balance', forms: BALANCE_FORMS, isFree: true };
	switch (asked.kind) {
		case 'upscaleImage': {
			const { contract } = asked;
			return { of: 'upscale', forms: contract === undefined ? CONTRACTS : [contract] };
		}
		case 'varyImage': {
			const { index, firstIndex } = asked;
			if (firstIndex !== undefined) return { of: 'vary', forms: [INDEX_FORMS[firstIndex]] };
			// Any other number names an image in both forms, but not the same one.
			const tells = index === 0 ? {} : ({ tells: false } as const);
			return { of: 'vary', forms: INDEX_FORMS, ...tells };
		}
		default:
			return undefined;
	}
}

/** The same request, to be written in one of the forms. */
function inForm(request: TaskRequest, form: string | undefined): TaskRequest {
	switch (request.kind) {
		case 'upscaleImage':
			return { ...request, contract: CONTRACTS.find((contract) => contract === form) };
		case 'varyImage':
			return { ...request, firstIndex: form === INDEX_FORMS[1] ? 1 : 0 };
		default:
			return request;
	}
}

/** The form that a refusal points at; undefined when it is about something else. */
function suspectIn({ kind }: TaskRequest, failure: Failure): Suspect | undefined {
	const { code, message = '' } = failure;
	if (kind === 'upscaleImage') return code === '404' ? 'upscaleContract' : undefined;
	// “Missing” would prove nothing, because some servers take 0 for a missing value. Only the range itself is a proof.
	const isFrom1 = /\bimageIndex\b/.test(message) && /\b1\b\D+\b4\b/.test(message);
	return kind === 'varyImage' && isFrom1 ? 'varyIndexBase' : undefined;
}

/** The codes of this family, beside those that all providers have (wire.md: MidAPI codes). */
const CODES: Record<number, Meaning> = {
	403: { reason: 'invalidKey', accepted: 'no', transient: false },
	455: { reason: 'maintenance', accepted: 'no', transient: true },
	501: { reason: 'generationFailed', accepted: 'unknown', transient: false },
	505: { reason: 'featureDisabled', accepted: 'no', transient: false },
};

/** `{code, msg, data}` with a whole number as code: the form of this family's answers. */
function envelopeIn(body: unknown): { code: number; words?: string; data: unknown } | undefined {
	const envelope = unwrapJson(body);
	if (!isRecord(envelope)) return undefined;
	const code = numberIn(envelope.code);
	return code !== undefined && Number.isInteger(code)
		? { code, words: wordsIn(envelope.msg), data: envelope.data }
		: undefined;
}

/** The content of an answer, or why it was refused (wire.md: MidAPI envelope). */
export function openEnvelope({ status, body, retryAfterMs }: Reply): Result<unknown> {
	const envelope = envelopeIn(body);
	if (!envelope) return failed({ ...meaningOfStatus(status), code: String(status), retryAfterMs });
	const { code, words, data } = envelope;
	if (code === 200 && status >= 200 && status < 300) return success(data);
	const failure: Failure =
		code === 200
			? // A gateway changed the status of a success: whatever it says, the request was accepted.
				{ ...meaningOfStatus(status), code: String(status), message: words, accepted: 'unknown' }
			: { ...meaningOf(code, CODES), code: String(code), message: words };
	const taskId = isRecord(data) ? wordsIn(data.taskId) : undefined;
	return failed({ ...failure, retryAfterMs, ...(taskId !== undefined && ofTask(words, taskId)) });
}

/** An answer that names a task did not refuse it, whatever else it says. */
const ofTask = (
	words: string | undefined,
	taskId: string,
): Pick<Failure, 'accepted' | 'message'> => ({
	accepted: 'unknown',
	message: [words, `task ${taskId}`].filter(Boolean).join(', '),
});

async function ask(http: Http, call: Call): Promise<Result<unknown>> {
	const reply = await http.send(call);
	return reply.ok ? openEnvelope(reply.value) : reply;
}

/** The same for a path that may not exist, which a web framework says by naming it (wire.md: MidAPI upscale). */
async function askOneOfTwo(http: Http, call: Call): Promise<Result<unknown>> {
	const reply = await http.send(call);
	if (!reply.ok) return reply;
	const { status, body } = reply.value;
	const isNoPath = status === 404 && isRecord(body) && body.path === call.path;
	return isNoPath && !envelopeIn(body)
		? failed({ ...meaningOf(404), code: '404', message: wordsIn(body.error) })
		: openEnvelope(reply.value);
}

/** A successful answer without the required content. */
const incomplete = (message: string): Failed => unreadable({ code: '200', message });

/** 0 generating, 1 success, 2 failed, 3 created but failed upstream (wire.md: MidAPI tasks). */
const STATUS = new Map<string, TaskStatus>([
	['0', 'running'],
	['1', 'completed'],
	['2', 'failed'],
	['3', 'failed'],
]);

/** `data` of record-info as a task, in any form that clients have met (wire.md: MidAPI tasks); undefined if it is none. */
export function parseTask(data: unknown): Task | undefined {
	if (!isRecord(data)) return undefined;
	const taskId = text(data.taskId);
	if (taskId === undefined) return undefined;
	const flag = wordsIn(data.successFlag) ?? '0';
	const status = STATUS.get(flag) ?? 'running';
	const request = unwrapJson(data.paramJson);
	const completedAt = isoDate(data.completeTime);
	return {
		provider: 'midApi',
		taskId,
		status,
		providerStatus: STATUS.has(flag) ? undefined : flag,
		outputs: status === 'completed' ? outputs(data) : [],
		prompt: isRecord(request) ? text(request.prompt) : undefined,
		createdAt: isoDate(data.createTime),
		completedAt,
		expiresAt:
			status === 'completed' && completedAt
				? isoOf(Date.parse(completedAt) + RETENTION_MS)
				: undefined,
		error:
			status === 'failed'
				? {
						code: wordsIn(data.errorCode),
						message: wordsIn(data.errorMessage) ?? 'MidAPI gave no reason',
					}
				: undefined,
		raw: rawOf(data),
	};
}

/** An output is numbered by its position in the list. */
function outputs(data: IDataObject): Output[] {
	const result = unwrapJson(data.resultInfoJson);
	const list = isRecord(result) ? result.resultUrls : data.resultUrls;
	const video = /video/i.test(text(data.taskType) ?? '');
	return (Array.isArray(list) ? list : []).flatMap((entry: unknown, index) =>
		outputAt(index, text(isRecord(entry) ? entry.resultUrl : entry), video),
	);
}

/** MidAPI and kie.ai. */
export const midApi: Provider & { readonly name: 'midApi' } = {
	name: 'midApi',
	displayName: 'MidAPI',
	credentialType: 'midApi',

	offers: (kind) => CALLS[kind] !== NOT_OFFERED,

	formsOf,

	preview(request, callbackUrl, wanted) {
		const choice = formsOf(request);
		const form = choice && formAmong(choice.forms, wanted);
		const call = callOf(CALLS, request.kind, inForm(request, form));
		return call === undefined || callbackUrl === undefined
			? call
			: { ...call, body: { ...call.body, callBackUrl: callbackUrl } };
	},

	async submit(http, request, callbackUrl, form) {
		const call = midApi.preview(request, callbackUrl, form);
		if (!call) return notOffered;
		const send = request.kind === 'upscaleImage' ? askOneOfTwo : ask;
		const answer = await send(http, call);
		if (!answer.ok) {
			const suspect = suspectIn(request, answer.failure);
			return suspect === undefined ? answer : failed({ ...answer.failure, suspect });
		}
		const taskId = isRecord(answer.value) ? text(answer.value.taskId) : undefined;
		return taskId === undefined ? incomplete('The answer contains no task ID') : success(taskId);
	},

	async read(http, taskId) {
		const call: Call = { method: 'GET', path: `${MJ}/record-info`, query: { taskId } };
		return await readById(
			taskId,
			async () => await ask(http, call),
			(answer) => {
				if (answer === null || answer === undefined) return NO_SUCH_TASK;
				const task = parseTask(answer);
				if (!task) return incomplete('The answer contains no task');
				return task.taskId === taskId ? success(task) : OF_ANOTHER_TASK;
			},
		);
	},

	async credits(http, form) {
		const path = BALANCE[formAmong(BALANCE_FORMS, form)];
		const answer = await ask(http, { method: 'GET', path });
		if (!answer.ok) {
			const { failure } = answer;
			return failure.code === '404' ? failed({ ...failure, suspect: 'balancePath' }) : answer;
		}
		const credits = numberIn(answer.value);
		return credits === undefined ? incomplete('The answer contains no balance') : success(credits);
	},

	async downloadUrl(http, url) {
		const answer = await ask(http, {
			method: 'POST',
			path: `${COMMON}/download-url`,
			body: { url },
		});
		if (!answer.ok) return answer;
		const direct = text(answer.value);
		return direct === undefined || !isHttpUrl(direct)
			? incomplete('The answer contains no URL')
			: success({ url: direct, validForMs: DOWNLOAD_URL_MS });
	},

	uploads: {
		baseUrl: ({ uploadUrl, baseUrl }) => uploadUrl ?? UPLOAD_URL[baseUrl],

		async send(http, file) {
			const fields = { uploadPath: UPLOAD_PATH, fileName: file.name };
			const answer = await ask(http, {
				method: 'POST',
				baseUrl: this.baseUrl(http),
				path: '/api/file-stream-upload',
				form: formWith(fields, 'file', file),
				limitMs: UPLOAD_MS,
			});
			if (!answer.ok) return answer;
			const { downloadUrl, fileUrl } = isRecord(answer.value) ? answer.value : {};
			const url = text(downloadUrl) ?? text(fileUrl);
			return url === undefined || !isHttpUrl(url)
				? incomplete('The answer contains no URL')
				: success(url);
		},
	},
};
