import type { IDataObject } from 'n8n-workflow';

import { ownText, rawOf, wordsIn } from './clean';
import { meaningOf, meaningOfStatus, UNEXPLAINED } from './codes';
import {
	failed,
	notOffered,
	refused,
	success,
	unreadable,
	type Result,
	type Call,
	type Failure,
	type Http,
	type Meaning,
	type Reply,
} from './http';
import { NO_SUCH_TASK, OF_ANOTHER_TASK, readById } from './ids';
import { isoDate, isRecord, numberIn, text, unwrapJson } from './json';
import { promptText } from './language';
import type {
	EditImage,
	FormChoice,
	InpaintImage,
	Mask,
	OutpaintImage,
	Provider,
	RemixImage,
	RetextureImage,
	Source,
	Strength,
	TaskRequest,
	UploadPaintImage,
	UpscaleImage,
	VaryImage,
} from './provider';
import { outputAt, type Output, type Task, type TaskStatus } from './task';
import { charactersIn } from './texts';
import {
	callOf,
	defined,
	formAmong,
	NOT_OFFERED,
	notSent,
	wireFields,
	type CallTable,
	type OfferedIn,
	type WireTable,
} from './wire';

/** Vtrix on the wire (wire.md: Vtrix). */

const GENERATION = '/model/v1/generation';

/** The pages can be read both ways; the provider's own client wraps (wire.md: Vtrix submit). */
const BODIES = ['wrapped', 'flat'] as const;

/** The maximum length of the text or prompt of every model, in characters (wire.md: Vtrix models). */
const LONGEST_TEXT = 8192;

const UPSCALER: Record<NonNullable<UpscaleImage['upscaler']>, number> = {
	standard: 0,
	creative: 1,
	v5Twice: 2,
	v5FourTimes: 3,
};
/** Vary and Remix number the same two strengths in opposite order (wire.md: Vtrix models). */
const VARIATION_TYPE: Record<Strength, number> = { subtle: 0, strong: 1 };
const REMIX_MODE: Record<Strength, number> = { strong: 0, subtle: 1 };

/** A model to run, and its parameters on the wire. */
interface ModelCall {
	model: string;
	params: IDataObject;
}

/** The call for a request of one kind. */
const run =
	<R extends object>(model: string, table: WireTable<R>) =>
	(request: R): ModelCall => ({ model, params: wireFields(request, table) });

/** The models use Midjourney's own ids; `prepare` looks up the task first. */
const SOURCE_JOB = { taskId: notSent, jobId: 'jobId', index: 'imageNo' };

/** The layout follows from the rule. If it is undefined, it was never set; the provider then says what is missing. */
const LAYOUT = { canvas: 'canvas', imagePosition: 'imgPos', rule: notSent };

const mask = (request: { mask?: Mask }): IDataObject => ({
	mask: request.mask && maskOf(request.mask),
});

/** What this provider makes of each kind of task (wire.md: Vtrix models). */
const CALLS = {
	// Its settings are flags in the text; language.ts has a row for each.
	generateImage: (request) => ({
		model: 'midjourney_diffusion',
		params: { text: promptText(request) },
	}),
	upscaleImage: run<UpscaleImage>('midjourney_upscale', {
		...SOURCE_JOB,
		upscaler: ({ upscaler = 'standard' }) => ({ type: UPSCALER[upscaler] }),
		watermark: notSent,
		contract: notSent,
	}),
	varyImage: run<VaryImage>('midjourney_variation', {
		...SOURCE_JOB,
		strength: ({ strength = 'subtle' }) => ({ type: VARIATION_TYPE[strength] }),
		prompt: 'remixPrompt',
		watermark: notSent,
		firstIndex: notSent,
	}),
	remixImage: run<RemixImage>('midjourney_remix', {
		...SOURCE_JOB,
		strength: ({ strength }) => ({ mode: REMIX_MODE[strength] }),
		prompt: 'remixPrompt',
	}),
	editImage: run<EditImage>('midjourney_edit', {
		...SOURCE_JOB,
		...LAYOUT,
		prompt: 'remixPrompt',
		mask,
	}),
	inpaintImage: run<InpaintImage>('midjourney_inpaint', {
		...SOURCE_JOB,
		mask,
		prompt: 'remixPrompt',
	}),
	outpaintImage: run<OutpaintImage>('midjourney_outpaint', {
		...SOURCE_JOB,
		scale: 'scale',
		prompt: 'remixPrompt',
	}),
	uploadPaintImage: run<UploadPaintImage>('midjourney_uploadpaint', {
		...LAYOUT,
		imageUrl: 'imgUrl',
		mask,
		prompt: 'remixPrompt',
	}),
	retextureImage: run<RetextureImage>('midjourney_retexture', {
		imageUrl: 'imgUrl',
		prompt: 'remixPrompt',
	}),
	runModel: ({ model, parameters }) => ({ model, params: defined(parameters) }),
	generateVideo: NOT_OFFERED,
	extendVideo: NOT_OFFERED,
} satisfies CallTable<ModelCall>;

/** The kinds of tasks that this provider offers. */
export type OfferedByVtrix = OfferedIn<typeof CALLS>;

/** The model to run and its parameters on the wire; undefined if this provider does not offer the request. */
const modelCall = (request: TaskRequest): ModelCall | undefined =>
	callOf(CALLS, request.kind, request);

/** The form of a mask (wire.md: Vtrix masks). */
const maskOf = (mask: Mask): IDataObject =>
	'url' in mask
		? { url: mask.url }
		: { areas: mask.polygons.map((points) => ({ ...mask.size, points })) };

/**
 * The meaning of the documented codes, by their last seven digits: the pages disagree about the digits before them (wire.md:
 * Vtrix codes). If a parameter is missing, with its name.
 */
const CODES: Record<string, readonly [meaning: string, missing?: string]> = {
	'4001001': ['the text is missing', 'text'],
	'4001002': ['the text is too short or too long'],
	'4001003': ['the callback URL is not valid'],
	'4001004': ['the authentication failed'],
	'4007001': ['the job ID is missing', 'jobId'],
	'4007002': ['the number of the image is missing', 'imageNo'],
	'4007003': ['the number of the image is not valid'],
	'4007004': ['the prompt is missing', 'remixPrompt'],
	'4007005': ['the prompt is too short or too long'],
	'4007006': ['the canvas is missing', 'canvas'],
	'4007007': ['the position of the image is missing', 'imgPos'],
	'4007008': ['the callback URL is not valid'],
	'4011001': ['the job ID is missing', 'jobId'],
	'4011002': ['the number of the image is missing', 'imageNo'],
};
/** Codes with the same meaning for every model, by their last three digits. */
const ENDINGS: Record<string, string> = {
	'098': 'the generation failed',
	'099': 'the service behind Vtrix is unavailable',
};

/**
 * The meaning of a code from Vtrix. Codes with fewer digits are HTTP statuses, or begin with one (40201). Codes of Midjourney's
 * models are about the request, unless they end in 098 or 099: these come from behind Vtrix, where work may have started.
 */
function meaningIn(code: string | undefined): (Meaning & { meaning?: string }) | undefined {
	if (code === undefined || !/^\d{3,}$/.test(code)) return undefined;
	if (code.length < 7) return meaningOf(Number(code.slice(0, 3)));
	const own = code.slice(-7);
	const meaning = CODES[own]?.[0] ?? ENDINGS[code.slice(-3)];
	if (code.endsWith('098')) {
		return { reason: 'generationFailed', accepted: 'unknown', transient: false, meaning };
	}
	if (code.endsWith('099')) {
		return { reason: 'serverError', accepted: 'unknown', transient: true, meaning };
	}
	if (own === '4001004') return { reason: 'invalidKey', accepted: 'no', transient: false, meaning };
	return own.startsWith('4')
		? { reason: 'invalidRequest', accepted: 'no', transient: false, meaning }
		: UNEXPLAINED;
}

/**
 * Code and message of an error from Vtrix, in any documented form (wire.md: Vtrix tasks, Vtrix codes); undefined if there is
 * none.
 */
function complaintIn(body: unknown): Pick<Failure, 'code' | 'message'> | undefined {
	if (!isRecord(body)) return undefined;
	const { error, status } = body;
	if (text(error) !== undefined) return { message: wordsIn(error) };
	for (const place of [error, status]) {
		if (!isRecord(place)) continue;
		const code = wordsIn(place.error_code) ?? wordsIn(place.code);
		const message = wordsIn(place.error_message) ?? wordsIn(place.message);
		// The pages list a code 0 for “no error”.
		if (code !== undefined && /^(0|200)$/.test(code)) continue;
		if (code !== undefined || message !== undefined) return { code, message };
	}
	return undefined;
}

const idIn = (body: IDataObject): string | undefined =>
	unlikeRequest(body) ?? text(body.request_id);

/** The same for error answers, which may name the request instead of a task. */
const unlikeRequest = (body: IDataObject): string | undefined =>
	text(body.id) ?? text(body.task_id);

/**
 * The answer to a call: its content, or why it was refused. An answer with neither a task nor an error in a documented form does
 * not come from Vtrix.
 */
export function openReply({ status, body, retryAfterMs }: Reply): Result<IDataObject> {
	const opened = unwrapJson(body);
	const answer = isRecord(opened) ? opened : {};
	const said = complaintIn(answer);
	const plain = wordsIn(answer.message);
	if (status >= 200 && status < 300) {
		if (!isRecord(opened)) return unreadable({ code: String(status) });
		// A failed task also has an error, but it is still a task with a state.
		const id = text(opened.status) === undefined ? unlikeRequest(opened) : idIn(opened);
		const complaint =
			said ?? (text(opened.status) === undefined && plain ? { message: plain } : undefined);
		if (!complaint || id !== undefined) return success(opened);
		const meaning = meaningIn(complaint.code) ?? UNEXPLAINED;
		return failed({ ...meaning, ...complaint, retryAfterMs });
	}
	const message = said?.message ?? plain;
	const hasComplaint = said !== undefined || plain !== undefined;
	const id = hasComplaint ? unlikeRequest(answer) : idIn(answer);
	const code = said?.code ?? String(status);
	const isRefusal = said ?? (message !== undefined && id === undefined);
	const meaning = isRefusal
		? (meaningIn(said?.code) ?? meaningOf(status))
		: meaningOfStatus(status);
	const failure: Failure = { ...meaning, code, message, retryAfterMs };
	// An answer that names a task did not refuse it, whatever else it says.
	return id === undefined
		? failed(failure)
		: failed({
				...failure,
				accepted: 'unknown',
				message: [message, `task ${wordsIn(id)}`].filter(Boolean).join(', '),
			});
}

async function ask(http: Http, call: Call): Promise<Result<IDataObject>> {
	const reply = await http.send(call);
	return reply.ok ? openReply(reply.value) : reply;
}

/**
 * Both vocabularies (wire.md: Vtrix tasks), and states of similar APIs that can only mean an end. Any other state means that
 * the task is still running, and is shown.
 */
const STATUS = new Map<string, TaskStatus>([
	['pending', 'pending'],
	['queued', 'pending'],
	['in_progress', 'running'],
	['processing', 'running'],
	['running', 'running'],
	['completed', 'completed'],
	['succeeded', 'completed'],
	['success', 'completed'],
	['done', 'completed'],
	['finished', 'completed'],
	['failed', 'failed'],
	['failure', 'failed'],
	['error', 'failed'],
	['cancelled', 'failed'],
	['canceled', 'failed'],
	['aborted', 'failed'],
	['rejected', 'failed'],
	['moderated', 'failed'],
	['timeout', 'failed'],
	['timed_out', 'failed'],
	['expired', 'failed'],
]);

/**
 * A task object as a task (wire.md: Vtrix tasks, Vtrix jobs).
 *
 * @param askedFor the requested id, used if the object has none
 */
export function parseTask(body: IDataObject, askedFor: string): Task {
	const said = complaintIn(body);
	const word = wordsIn(body.status)?.trim();
	const known = STATUS.get(word?.toLowerCase() ?? '');
	const status = known === 'completed' && said ? 'failed' : (known ?? 'running');
	const metadata = isRecord(body.metadata) ? body.metadata : {};
	const usage = isRecord(body.usage) ? body.usage : {};
	const contents = entriesOf(body).filter(isRecord);
	const taskId = idIn(body) ?? askedFor;
	const jobId = [
		...contents.map((content) => content.jobId),
		...contents.map(({ metadata: own }) => (isRecord(own) ? own.jobId : undefined)),
		metadata.jobId,
		body.jobId,
	]
		.map(text)
		.find((id) => id !== undefined);
	return {
		provider: 'vtrix',
		taskId,
		jobId: jobId ?? (status === 'completed' ? taskId : undefined),
		status,
		providerStatus: known ? undefined : word,
		outputs: status === 'completed' ? outputsOf(body) : [],
		prompt: ownText(metadata.prompt),
		progress: status === 'running' ? numberIn(body.progress) : undefined,
		cost: numberIn(usage.cost),
		discount: numberIn(usage.discount),
		createdAt: isoDate(body.created_at),
		completedAt: isoDate(body.completed_at),
		error:
			status === 'failed'
				? {
						code: said?.code,
						message: said?.message ?? withoutReason(word),
						meaning: meaningIn(said?.code)?.meaning,
					}
				: undefined,
		raw: rawOf(body),
	};
}

/** The message of a failed task without a reason; its state may be one. */
const withoutReason = (word = ''): string =>
	/^(failed|failure|error)$/i.test(word)
		? 'Vtrix gave no reason'
		: `Vtrix gave no reason, the state is “${word}”`;

/** The entries of all blocks of the output, in order. */
function entriesOf({ output }: IDataObject): unknown[] {
	const blocks: unknown[] = Array.isArray(output) ? output : [];
	return blocks.flatMap((block): unknown[] =>
		isRecord(block) && Array.isArray(block.content) ? block.content : [],
	);
}

/** An output has the number in its entry, or else that of its position. */
function outputsOf(body: IDataObject): Output[] {
	const entries = entriesOf(body).map((entry) => (isRecord(entry) ? entry : {}));
	const named = entries.map(({ imageNo, metadata }) =>
		numberIn(text(imageNo) ?? (isRecord(metadata) ? metadata.imageNo : undefined)),
	);
	// Invalid or repeated numbers are not used.
	const byName =
		named.every((number = NaN) => Number.isInteger(number) && number >= 0) &&
		new Set(named).size === named.length;
	return entries.flatMap((entry, place) => {
		const url = text(entry.url) ?? text(entry.video_url) ?? text(entry.image_url);
		const index = (byName ? named[place] : undefined) ?? place;
		return outputAt(index, url, /video/i.test(text(entry.type) ?? ''));
	});
}

/** The source of an operation must exist before anything is paid. */
const unfit = (message: string) => refused('invalidSource', { message });

function fittedTo(task: Task, request: TaskRequest & Source): Result<TaskRequest> {
	const { taskId, jobId, status, outputs } = task;
	if (status !== 'completed') {
		const stands = status === 'failed' ? 'has failed' : 'has not finished yet';
		return unfit(`task ${taskId} ${stands}`);
	}
	if (request.jobId !== undefined && request.jobId !== jobId) {
		return unfit(`task ${taskId} is not job ${request.jobId}: clear one of the two`);
	}
	if (!outputs.some(({ index }) => index === request.index)) {
		const there = outputs.map(({ index }) => index).join(', ') || 'none';
		return unfit(`task ${taskId} has no output ${request.index}: it has ${there}`);
	}
	return success({ ...request, jobId });
}

/**
 * Whether a submit was refused because of a missing parameter that was sent: Vtrix looked for it elsewhere (wire.md: Vtrix
 * submit).
 */
function misses({ accepted, code = '', message = '' }: Failure, params: IDataObject): boolean {
	const isMissing = /\b(missing|required)\b/i.test(message);
	// An empty value is missing in either form.
	const sent = Object.keys(params).filter((name) => !isBlank(params[name]));
	const named = sent.find((name) => message.split(/\W+/).includes(name));
	const wanted = CODES[code.slice(-7)]?.[1] ?? (isMissing ? named : undefined);
	const isOfWrapper = /\b(input|params)\b.*\b(missing|required|must be|not a parameter)\b/i.test(
		message,
	);
	return accepted === 'no' && (isOfWrapper || (wanted !== undefined && sent.includes(wanted)));
}

const isBlank = (value: unknown): boolean =>
	value === null || (typeof value === 'string' && value.trim() === '');

/** The form that the user has chosen in the credential, or else both. */
const bodyForms = ({ requestFormat }: Http): FormChoice => {
	const chosen = BODIES.find((form) => form === requestFormat);
	return { of: 'body', forms: chosen === undefined ? BODIES : [chosen] };
};

/** Vtrix. */
export const vtrix: Provider & { readonly name: 'vtrix' } = {
	name: 'vtrix',
	displayName: 'Vtrix',
	credentialType: 'vtrixApi',

	offers: (kind) => CALLS[kind] !== NOT_OFFERED,

	validate(request) {
		if (request.kind !== 'generateImage') return undefined;
		if (request.mode === 'omniReference' && request.imageUrls?.length !== 1) {
			return `An omni reference needs exactly one image, but there are ${request.imageUrls?.length ?? 0}: keep one, or split them into several items`;
		}
		const length = charactersIn(promptText(request));
		return length > LONGEST_TEXT
			? `The prompt has ${length} characters with the flags of all fields, but at most ${LONGEST_TEXT} are allowed: shorten it`
			: undefined;
	},

	finalPrompt: (request) => (request.kind === 'generateImage' ? promptText(request) : undefined),

	async prepare(request, readTask) {
		if (!('index' in request) || request.taskId === undefined) return success(request);
		const seen = await readTask(request.taskId);
		return seen.ok ? fittedTo(seen.value, request) : seen;
	},

	formsOf: (asked, http) => (asked === 'credits' ? undefined : bodyForms(http)),

	preview(request, callbackUrl, form) {
		const call = modelCall(request);
		if (!call) return undefined;
		const { model } = call;
		const params = { ...call.params, ...(callbackUrl !== undefined && { callback: callbackUrl }) };
		return {
			method: 'POST',
			path: GENERATION,
			body:
				formAmong(BODIES, form) === 'flat' ? { ...params, model } : { model, input: [{ params }] },
		};
	},

	async submit(http, request, callbackUrl, form = bodyForms(http).forms[0]) {
		const call = vtrix.preview(request, callbackUrl, form);
		if (!call) return notOffered;
		const answer = await ask(http, call);
		if (!answer.ok) {
			return misses(answer.failure, modelCall(request)?.params ?? {})
				? failed({ ...answer.failure, suspect: 'requestFormat' })
				: answer;
		}
		const taskId = idIn(answer.value);
		return taskId === undefined ? unreadable({ code: '200' }) : success(taskId);
	},

	async read(http, taskId) {
		return await readById(
			taskId,
			async () =>
				await ask(http, {
					method: 'GET',
					path: `${GENERATION}/task/${encodeURIComponent(taskId)}`,
				}),
			(answer) => {
				const ids = [answer.id, answer.task_id, answer.request_id].flatMap((id) => text(id) ?? []);
				if (ids.length > 0 && !ids.includes(taskId)) return OF_ANOTHER_TASK;
				return ids.length === 0 && text(answer.status) === undefined
					? NO_SUCH_TASK
					: success(parseTask(answer, taskId));
			},
		);
	},
};
