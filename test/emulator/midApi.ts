/* eslint-disable @n8n/community-nodes/require-node-api-error -- the emulator is a server of its own, not a node */
import type { Answer, Call } from './faults';
import {
	complaintAbout,
	type Fields,
	inapplicableFields,
	isBoolean,
	isHttpUrl,
	isHttpUrlOrEmpty,
	isIntegerWithin,
	isListOfHttpUrls,
	isOneOf,
	isText,
	isTextUpTo,
	unknownFields,
} from './fields';
import { isJsonObject, isString, type JsonObject } from './json';
import type { MidApiKind, ProviderName } from './kinds';
import { type SharedServices, isAuthorized, type Provider } from './provider';
import { RateLimit } from './rateLimit';
import { hasSucceeded, type Order, type Outcome, type Task } from './tasks';

export interface MidApiOptions {
	/** Balance at the start. */
	readonly credits: number;
	/** Credits per task. */
	readonly prices: Readonly<Record<MidApiKind, number>>;
	/** Which of the two credit paths exists (wire.md: MidAPI credits). */
	readonly creditPath: 'common' | 'chat';
	/** Which of the two paths of an upscale exists (wire.md: MidAPI upscale). */
	readonly upscalePath: 'generateUpscale' | 'upscale' | 'both';
	/** resultInfoJson as a JSON string (wire.md: MidAPI tasks). */
	readonly resultInfoAsString: boolean;
	/** Items of resultUrls as plain strings (wire.md: MidAPI tasks). */
	readonly plainResultUrls: boolean;
	/** What generateVary counts its imageIndex from (wire.md: MidAPI vary). */
	readonly varyIndexBase: 0 | 1;
}

/** No page names prices. These merely differ from each other, so that a mix-up shows. */
export const MIDAPI_PRICES: Readonly<Record<MidApiKind, number>> = {
	imageRelaxed: 3,
	imageFast: 8,
	imageTurbo: 16,
	upscale: 2,
	vary: 7,
	video: 20,
	videoHd: 35,
	extend: 18,
};

/** A refused call, with the code for the body of the answer (wire.md: MidAPI codes). */
class Rejection extends Error {
	constructor(
		readonly code: number,
		message: string,
	) {
		super(message);
	}
}

const IMAGE_TASKS = ['mj_txt2img', 'mj_img2img', 'mj_style_reference', 'mj_omni_reference'];
const VIDEO_TASKS = ['mj_video', 'mj_video_hd'];
const VIDEO_KINDS: readonly MidApiKind[] = ['video', 'videoHd', 'extend'];
const EXTEND_TASKS = ['mj_video_extend_manual', 'mj_video_extend_auto'];

const PROMPT = isTextUpTo(2000);

/** The last two fields of every submit. */
const COMMON_FIELDS: Fields = {
	waterMark: { check: isText },
	callBackUrl: { check: isHttpUrl },
};

/** What generate takes (wire.md: MidAPI generate). */
const GENERATE_FIELDS: Fields = {
	taskType: { check: isOneOf(...IMAGE_TASKS, ...VIDEO_TASKS), required: true },
	prompt: { check: PROMPT, required: true },
	speed: { check: isOneOf('relaxed', 'fast', 'turbo') },
	fileUrl: {
		check: isHttpUrlOrEmpty,
		onlyFor: [...IMAGE_TASKS, ...VIDEO_TASKS].filter((type) => type !== 'mj_txt2img'),
	},
	fileUrls: {
		check: isListOfHttpUrls,
		onlyFor: [...IMAGE_TASKS, ...VIDEO_TASKS].filter((type) => type !== 'mj_txt2img'),
	},
	aspectRatio: {
		check: isOneOf(
			...['1:2', '9:16', '2:3', '3:4', '5:6', '6:5', '4:3', '3:2', '1:1', '16:9', '2:1'],
		),
	},
	version: { check: isOneOf('7', '6.1', '6', '5.2', '5.1', 'niji6') },
	variety: { check: isIntegerWithin(0, 100, 5), onlyFor: IMAGE_TASKS },
	stylization: { check: isIntegerWithin(0, 1000), onlyFor: IMAGE_TASKS },
	weirdness: { check: isIntegerWithin(0, 3000), onlyFor: IMAGE_TASKS },
	ow: { check: isIntegerWithin(1, 1000), onlyFor: ['mj_omni_reference'] },
	videoBatchSize: { check: isOneOf(1, 2, 4), onlyFor: VIDEO_TASKS },
	motion: { check: isOneOf('high', 'low'), onlyFor: VIDEO_TASKS },
	enableTranslation: { check: isBoolean },
	...COMMON_FIELDS,
};

const SOURCE = { check: isText, required: true };

/** What upscale and vary take (wire.md: MidAPI upscale, MidAPI vary). */
const secondaryFields = (indexField: string, base: 0 | 1): Fields => ({
	taskId: SOURCE,
	[indexField]: { check: isIntegerWithin(base, base + 3), required: true },
	...COMMON_FIELDS,
});

/** What extend takes (wire.md: MidAPI extend). */
const EXTEND_FIELDS: Fields = {
	taskId: SOURCE,
	taskType: { check: isOneOf(...EXTEND_TASKS), required: true },
	index: { check: isIntegerWithin(0, Infinity), required: true },
	prompt: { check: PROMPT, onlyFor: ['mj_video_extend_manual'] },
	...COMMON_FIELDS,
};

const IMAGE_KIND: Readonly<Record<string, MidApiKind>> = {
	relaxed: 'imageRelaxed',
	fast: 'imageFast',
	turbo: 'imageTurbo',
};

const SPEED_SHOWN: Readonly<Record<string, string>> = {
	relaxed: 'Relax',
	fast: 'Fast',
	turbo: 'Turbo',
};

const SUCCESS_FLAG: Readonly<Record<Outcome, number>> = { success: 1, failed2: 2, failed3: 3 };

const ERRORS: Readonly<Record<Outcome, { code: number | null; message: string | null }>> = {
	success: { code: null, message: null },
	failed2: { code: 501, message: 'generation failed' },
	failed3: { code: 500, message: 'upstream rejected the prompt' },
};

/** A valid submit before it is paid. */
interface Draft
	extends Pick<Order, 'taskType' | 'prompt' | 'aspectRatio' | 'outputs' | 'source' | 'scene'> {
	readonly kind: MidApiKind;
}

/** One path for submits: its fields, and what to make of a valid body. */
interface SubmitPath {
	readonly fields: Fields;
	readonly draft: (body: JsonObject) => Draft;
}

/** MidAPI, and its twin kie.ai, as it shows itself on the wire (wire.md: MidAPI). */
export class MidApi implements Provider {
	readonly name: ProviderName = 'midApi';
	readonly signsCallbacks = true;
	/** The balance now. */
	credits: number;
	private readonly rateLimit: RateLimit;
	private readonly submitPaths: Readonly<Record<string, SubmitPath>>;
	private readonly routes: Readonly<Record<string, (call: Call) => unknown>>;

	constructor(
		private readonly options: MidApiOptions,
		private readonly shared: SharedServices,
	) {
		this.credits = options.credits;
		this.rateLimit = new RateLimit(shared.rateLimit, shared.clock);
		const { varyIndexBase: vary, upscalePath } = options;
		this.submitPaths = {
			'/api/v1/mj/generate': {
				fields: GENERATE_FIELDS,
				draft: draftGenerate,
			},
			...(upscalePath !== 'upscale' && {
				'/api/v1/mj/generateUpscale': {
					fields: secondaryFields('imageIndex', 0),
					draft: (body) => this.draftSecondary('upscale', body, Number(body.imageIndex)),
				},
			}),
			// The quickstart's way to write the same (wire.md: MidAPI upscale).
			...(upscalePath !== 'generateUpscale' && {
				'/api/v1/mj/upscale': {
					fields: secondaryFields('index', 1),
					draft: (body) => this.draftSecondary('upscale', body, Number(body.index) - 1),
				},
			}),
			'/api/v1/mj/generateVary': {
				fields: secondaryFields('imageIndex', vary),
				draft: (body) => this.draftSecondary('vary', body, Number(body.imageIndex) - vary),
			},
			'/api/v1/mj/generateVideoExtend': {
				fields: EXTEND_FIELDS,
				draft: (body) => this.draftExtend(body),
			},
		};
		this.routes = {
			...Object.fromEntries(
				Object.keys(this.submitPaths).map((path) => [
					`POST ${path}`,
					(call: Call) => this.submit(call),
				]),
			),
			'GET /api/v1/mj/record-info': (call) => this.record(call),
			[`GET /api/v1/${options.creditPath}/credit`]: () => this.credits,
			'POST /api/v1/common/download-url': (call) => this.downloadUrl(call),
		};
	}

	/** The answer to a call; undefined for paths that are not MidAPI's. */
	answer(call: Call): Answer | undefined {
		const route = this.routes[`${call.method} ${call.path}`];
		if (!route) return undefined;
		const { code, msg, data } = this.attempt(() => {
			if (!isAuthorized(call, this.shared.apiKeys)) {
				throw new Rejection(401, 'the API key is missing or not valid');
			}
			return route(call);
		});
		this.enter(call, code, msg);
		// These providers report errors in the body; the HTTP status stays 200 (wire.md: MidAPI envelope).
		return { status: 200, body: { code, msg, data } };
	}

	private attempt(work: () => unknown): { code: number; msg: string; data: unknown } {
		try {
			return { code: 200, msg: 'success', data: work() };
		} catch (error) {
			if (error instanceof Rejection) return { code: error.code, msg: error.message, data: null };
			throw error;
		}
	}

	private enter(call: Call, code: number, msg: string): void {
		const { ledger, clock } = this.shared;
		const entry = { provider: this.name, code, at: clock.now() };
		if (call.path.endsWith('/record-info')) {
			ledger.reads.push({ ...entry, taskId: call.query.taskId ?? '' });
		}
		if (code !== 200 && Object.hasOwn(this.submitPaths, call.path)) {
			ledger.refusals.push({ ...entry, path: call.path, msg, body: call.body });
		}
	}

	private submit(call: Call): { taskId: string } {
		const { path, body } = call;
		const submitPath = this.submitPaths[path];
		if (!submitPath) throw new Error(`No submits at ${path}`);
		const { fields, draft } = submitPath;
		if (!this.rateLimit.accepts()) throw new Rejection(429, 'too many requests, try again later');
		checkFields(body, fields);
		const unfit = this.shared.images.problemOf(call);
		if (unfit !== undefined) throw new Rejection(422, unfit);
		const order = draft(body);
		const price = this.options.prices[order.kind];
		if (price > this.credits) throw new Rejection(402, 'the credits do not suffice');

		const { tasks, random, latencyMs, ledger, outcome } = this.shared;
		const { kind, taskType, prompt, source } = order;
		const about = { provider: this.name, kind };
		const callbackUrl = isString(body.callBackUrl) ? body.callBackUrl : undefined;
		const task = tasks.book(
			random.hex(20),
			{
				...order,
				...about,
				media: VIDEO_KINDS.includes(kind) ? 'mp4' : 'png',
				request: normalised(body, fields, taskType),
				callbackUrl,
				price,
				outcome: outcome({ ...about, taskType, prompt, body }),
			},
			random.within(latencyMs[kind]),
		);
		this.credits -= price;
		ledger.submits.push({
			...about,
			taskId: task.id,
			path,
			body,
			params: body,
			callbackUrl,
			source: source && { taskId: source.task.id, index: source.index },
			unknownFields: unknownFields(body, fields),
			inapplicableFields: inapplicableFields(body, fields, taskType),
			price,
			at: task.createdAt,
		});
		return { taskId: task.id };
	}

	private draftSecondary(kind: 'upscale' | 'vary', body: JsonObject, index: number): Draft {
		const task = this.sourceOf(body, (source) =>
			source.media === 'png' && source.kind !== 'upscale'
				? undefined
				: 'must be a task that generated or varied images',
		);
		return {
			kind,
			taskType: `mj_${kind}`,
			prompt: task.prompt,
			aspectRatio: task.aspectRatio,
			outputs: kind === 'vary' ? 4 : 1,
			source: { task, index },
			scene: { label: `${kind} of image ${index} of ${task.id}`, enlarged: kind === 'upscale' },
		};
	}

	private draftExtend(body: JsonObject): Draft {
		const taskType = String(body.taskType);
		if (taskType === 'mj_video_extend_manual' && !(isString(body.prompt) && body.prompt.trim())) {
			throw new Rejection(422, 'prompt is required for mj_video_extend_manual');
		}
		const task = this.sourceOf(body, (source) =>
			source.media === 'mp4' ? undefined : 'must be a video task',
		);
		const index = Number(body.index);
		if (index >= task.outputs) {
			throw new Rejection(422, `index must be less than ${task.outputs}, the videos of the task`);
		}
		return {
			kind: 'extend',
			taskType,
			prompt: isString(body.prompt) && body.prompt.trim() ? body.prompt : task.prompt,
			aspectRatio: task.aspectRatio,
			outputs: 1,
			source: { task, index },
			scene: { label: taskType },
		};
	}

	private sourceOf(body: JsonObject, complaintAbout: (task: Task) => string | undefined): Task {
		const task = this.find(String(body.taskId));
		if (!task) throw new Rejection(422, 'taskId is unknown');
		const complaint = complaintAbout(task);
		if (complaint) throw new Rejection(422, `taskId ${complaint}`);
		if (!hasSucceeded(task)) throw new Rejection(422, 'taskId must be a task that has completed');
		return task;
	}

	/** Undefined for a task of another provider. */
	private find(taskId: string): Task | undefined {
		const task = this.shared.tasks.get(taskId);
		return task?.provider === this.name ? task : undefined;
	}

	/** The answer to a read (wire.md: MidAPI tasks). */
	private record({ query }: Call): JsonObject {
		if (!query.taskId) throw new Rejection(422, 'taskId is required');
		const task = this.find(query.taskId);
		if (!task) throw new Rejection(422, 'taskId is unknown');
		const ended = task.completedAt !== undefined;
		const error = ended ? ERRORS[task.outcome] : ERRORS.success;
		return {
			taskId: task.id,
			taskType: task.taskType,
			paramJson: JSON.stringify(task.request),
			successFlag: ended ? SUCCESS_FLAG[task.outcome] : 0,
			resultInfoJson: hasSucceeded(task) ? this.resultInfo(task) : null,
			createTime: new Date(task.createdAt).toISOString(),
			completeTime:
				task.completedAt === undefined ? null : new Date(task.completedAt).toISOString(),
			errorCode: error.code,
			errorMessage: error.message,
		};
	}

	private resultInfo(task: Task): unknown {
		const urls = this.shared.files.resultUrlsOf(task);
		const info = {
			resultUrls: this.options.plainResultUrls ? urls : urls.map((resultUrl) => ({ resultUrl })),
		};
		return this.options.resultInfoAsString ? JSON.stringify(info) : info;
	}

	/**
	 * What is posted at the end (wire.md: MidAPI callbacks). A task still running gives the acknowledgement that third
	 * parties report: the id and the request, no result.
	 */
	callbackBody(task: Task): JsonObject {
		const about = { taskId: task.id, promptJson: JSON.stringify(task.request) };
		if (task.completedAt === undefined) return { code: 200, msg: 'success', data: about };
		const resultUrls = this.shared.files.resultUrlsOf(task);
		return hasSucceeded(task)
			? { code: 200, msg: 'success', data: { ...about, resultUrls } }
			: { code: 500, msg: 'generation failed', data: { ...about, resultUrls } };
	}

	forgedCallbackBody(taskId: string, url: string): JsonObject {
		return { code: 200, msg: 'success', data: { taskId, promptJson: '{}', resultUrls: [url] } };
	}

	/** A link that works without the key (wire.md: MidAPI download links). */
	private downloadUrl({ body }: Call): string {
		const url = isJsonObject(body) ? body.url : undefined;
		if (!isString(url) || url === '') throw new Rejection(422, 'url is required');
		const signed = this.shared.files.sign(url);
		if (signed === undefined) throw new Rejection(422, 'url is not a file of this provider');
		return signed;
	}
}

function draftGenerate(body: JsonObject): Draft {
	const taskType = String(body.taskType);
	const isVideo = VIDEO_TASKS.includes(taskType);
	const listed = Array.isArray(body.fileUrls) ? body.fileUrls.length : 0;
	const images = listed > 0 ? listed : body.fileUrl ? 1 : 0;
	if (isVideo && images !== 1) {
		throw new Rejection(422, `fileUrls must hold exactly one image for ${taskType}`);
	}
	// For the reference types this is only inferred (wire.md: MidAPI generate); the stricter reading makes the safer test.
	if (taskType !== 'mj_txt2img' && images === 0) {
		throw new Rejection(422, `fileUrls is required for ${taskType}`);
	}
	if (isVideo && !body.motion) throw new Rejection(422, `motion is required for ${taskType}`);

	const about = {
		taskType,
		scene: { label: taskType },
		prompt: String(body.prompt),
		aspectRatio: isString(body.aspectRatio) ? body.aspectRatio : '1:1',
	};
	if (isVideo) {
		const kind = taskType === 'mj_video_hd' ? 'videoHd' : 'video';
		return { ...about, kind, outputs: Number(body.videoBatchSize ?? 1) };
	}
	const kind = IMAGE_KIND[String(body.speed)] ?? 'imageFast';
	return { ...about, kind, outputs: 4 };
}

/** Throws a 422 for the first field whose value is not as documented. */
function checkFields(body: unknown, fields: Fields): asserts body is JsonObject {
	if (!isJsonObject(body)) throw new Rejection(400, 'the body must be a JSON object');
	const complaint = complaintAbout(body, fields);
	if (complaint) throw new Rejection(422, complaint.text);
}

/**
 * The request as the server remembers it: known fields only, some filled in, the speed renamed (wire.md: MidAPI tasks).
 */
function normalised(body: JsonObject, fields: Fields, taskType: string): JsonObject {
	const known = Object.entries(body).filter(
		([name, value]) => Object.hasOwn(fields, name) && value !== null,
	);
	return {
		taskType,
		fileUrl: '',
		waterMark: '',
		...Object.fromEntries(known),
		...(isString(body.speed) && { speed: SPEED_SHOWN[body.speed] }),
	};
}
