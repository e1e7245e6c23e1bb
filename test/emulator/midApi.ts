/* eslint-disable @n8n/community-nodes/require-node-api-error -- the emulator is a server of its own, not a node */
import type { Clock } from './clock';
import type { Answer, Call } from './faults';
import {
	checkFields,
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
	Rejection,
	unknownFields,
} from './fields';
import type { Files } from './files';
import { isJsonObject, isString, type JsonObject } from './json';
import type { Ledger } from './ledger';
import {
	fileTypeOf,
	hasSucceeded,
	type Kind,
	type Order,
	type Outcome,
	type Task,
	type TaskStore,
} from './tasks';

/** What decides how a task ends. */
export interface OutcomeRequest {
	readonly kind: Kind;
	readonly taskType: string;
	/** The prompt sent, or inherited from the source task. */
	readonly prompt: string;
	readonly body: JsonObject;
}

export interface MidApiOptions {
	readonly apiKeys: readonly string[];
	/** Balance at the start. */
	readonly credits: number;
	/** Credits per task. */
	readonly prices: Readonly<Record<Kind, number>>;
	/** How many submits are taken in any stretch of `perMs`; unset: no limit. */
	readonly rateLimit?: { readonly requests: number; readonly perMs: number };
	/** Which of the two credit paths exists (api-contract 1.6). */
	readonly creditPath: 'common' | 'chat';
	/** resultInfoJson as a JSON string (api-contract 1.2, robustness). */
	readonly resultInfoAsString: boolean;
	/** Items of resultUrls as plain strings (api-contract 1.2, robustness). */
	readonly plainResultUrls: boolean;
	/** What generateVary counts its imageIndex from (api-contract 1.4, discrepancy). */
	readonly varyIndexBase: 0 | 1;
	readonly outcome: (request: OutcomeRequest) => Outcome;
}

const IMAGE_TASKS = ['mj_txt2img', 'mj_img2img', 'mj_style_reference', 'mj_omni_reference'];
const VIDEO_TASKS = ['mj_video', 'mj_video_hd'];
const EXTEND_TASKS = ['mj_video_extend_manual', 'mj_video_extend_auto'];

const PROMPT = isTextUpTo(2000);

/** The last two fields of every submit. */
const COMMON_FIELDS: Fields = {
	waterMark: { check: isText },
	callBackUrl: { check: isHttpUrl },
};

/** api-contract 1.1 */
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

/** api-contract 1.3 and 1.4 */
const secondaryFields = (indexField: string, base: 0 | 1): Fields => ({
	taskId: SOURCE,
	[indexField]: { check: isIntegerWithin(base, base + 3), required: true },
	...COMMON_FIELDS,
});

/** api-contract 1.5 */
const EXTEND_FIELDS: Fields = {
	taskId: SOURCE,
	taskType: { check: isOneOf(...EXTEND_TASKS), required: true },
	index: { check: isIntegerWithin(0, Infinity), required: true },
	prompt: { check: PROMPT, onlyFor: ['mj_video_extend_manual'] },
	...COMMON_FIELDS,
};

const IMAGE_KIND: Readonly<Record<string, Kind>> = {
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

/** A submit found good, before it is paid. */
type Draft = Omit<Order, 'outcome' | 'paramJson' | 'callBackUrl'>;

/** One path that takes submits: its fields, and what is to be made of a body that has passed them. */
interface SubmitPath {
	readonly fields: Fields;
	readonly draft: (body: JsonObject) => Draft;
}

/** MidAPI, and its twin kie.ai, as it shows itself on the wire (api-contract part 1). */
export class MidApi {
	/** The balance now. */
	credits: number;
	private readonly submitTimes: number[] = [];
	private readonly submitPaths: Readonly<Record<string, SubmitPath>>;
	private readonly routes: Readonly<Record<string, (call: Call) => unknown>>;

	constructor(
		private readonly options: MidApiOptions,
		private readonly tasks: TaskStore,
		private readonly files: Files,
		private readonly ledger: Ledger,
		private readonly clock: Clock,
	) {
		this.credits = options.credits;
		const vary = options.varyIndexBase;
		this.submitPaths = {
			'/api/v1/mj/generate': {
				fields: GENERATE_FIELDS,
				draft: draftGenerate,
			},
			'/api/v1/mj/generateUpscale': {
				fields: secondaryFields('imageIndex', 0),
				draft: (body) => this.draftSecondary('upscale', body, Number(body.imageIndex)),
			},
			// The quickstart's way to write the same (api-contract 1.3, discrepancy).
			'/api/v1/mj/upscale': {
				fields: secondaryFields('index', 1),
				draft: (body) => this.draftSecondary('upscale', body, Number(body.index) - 1),
			},
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
			this.authenticate(call);
			return route(call);
		});
		this.enter(call, code, msg);
		// This family says what went wrong in the body; the HTTP status stays 200 (api-contract 1.0).
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
		const at = this.clock.now();
		if (call.path.endsWith('/record-info')) {
			this.ledger.reads.push({ taskId: call.query.taskId ?? '', code, at });
		}
		if (code !== 200 && Object.hasOwn(this.submitPaths, call.path)) {
			this.ledger.refusals.push({ path: call.path, code, msg, body: call.body, at });
		}
	}

	private authenticate({ headers }: Call): void {
		const [scheme, key] = (headers.authorization ?? '').split(' ');
		if (scheme !== 'Bearer' || key === undefined || !this.options.apiKeys.includes(key)) {
			throw new Rejection(401, 'the API key is missing or not valid');
		}
	}

	private submit({ path, body }: Call): { taskId: string } {
		const submitPath = this.submitPaths[path];
		if (!submitPath) throw new Error(`No submits at ${path}`);
		const { fields, draft } = submitPath;
		this.heedRateLimit();
		checkFields(body, fields);
		const order = draft(body);
		const price = this.options.prices[order.kind];
		if (price > this.credits) throw new Rejection(402, 'the credits do not suffice');

		const { kind, taskType, prompt } = order;
		const task = this.tasks.book({
			...order,
			paramJson: JSON.stringify(normalised(body, fields, taskType)),
			callBackUrl: isString(body.callBackUrl) ? body.callBackUrl : undefined,
			outcome: this.options.outcome({ kind, taskType, prompt, body }),
		});
		this.credits -= price;
		this.ledger.submits.push({
			taskId: task.id,
			kind,
			path,
			body,
			source: order.source && { taskId: order.source.task.id, index: order.source.index },
			unknownFields: unknownFields(body, fields),
			inapplicableFields: inapplicableFields(body, fields, taskType),
			price,
			at: task.createdAt,
		});
		return { taskId: task.id };
	}

	/** Counts the submits let through; what is over the limit is turned away, not queued. */
	private heedRateLimit(): void {
		const { rateLimit } = this.options;
		if (!rateLimit) return;
		const now = this.clock.now();
		while ((this.submitTimes[0] ?? now) <= now - rateLimit.perMs) this.submitTimes.shift();
		if (this.submitTimes.length >= rateLimit.requests) {
			throw new Rejection(429, 'too many requests, try again later');
		}
		this.submitTimes.push(now);
	}

	private draftSecondary(kind: 'upscale' | 'vary', body: JsonObject, index: number): Draft {
		const task = this.sourceOf(body, (source) =>
			fileTypeOf(source.kind) === 'png' && source.kind !== 'upscale'
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
		};
	}

	private draftExtend(body: JsonObject): Draft {
		const taskType = String(body.taskType);
		if (taskType === 'mj_video_extend_manual' && !(isString(body.prompt) && body.prompt.trim())) {
			throw new Rejection(422, 'prompt is required for mj_video_extend_manual');
		}
		const task = this.sourceOf(body, (source) =>
			fileTypeOf(source.kind) === 'mp4' ? undefined : 'must be a video task',
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
		};
	}

	private sourceOf(body: JsonObject, complaintAbout: (task: Task) => string | undefined): Task {
		const task = this.tasks.get(String(body.taskId));
		if (!task) throw new Rejection(422, 'taskId is unknown');
		const complaint = complaintAbout(task);
		if (complaint) throw new Rejection(422, `taskId ${complaint}`);
		if (!hasSucceeded(task)) throw new Rejection(422, 'taskId must be a task that has completed');
		return task;
	}

	/** api-contract 1.2 */
	private record({ query }: Call): JsonObject {
		if (!query.taskId) throw new Rejection(422, 'taskId is required');
		const task = this.tasks.get(query.taskId);
		if (!task) throw new Rejection(422, 'taskId is unknown');
		const ended = task.completedAt !== undefined;
		const error = ended ? ERRORS[task.outcome] : ERRORS.success;
		return {
			taskId: task.id,
			taskType: task.taskType,
			paramJson: task.paramJson,
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
		const urls = this.files.resultUrlsOf(task);
		const info = {
			resultUrls: this.options.plainResultUrls ? urls : urls.map((resultUrl) => ({ resultUrl })),
		};
		return this.options.resultInfoAsString ? JSON.stringify(info) : info;
	}

	/** api-contract 1.7 */
	private downloadUrl({ body }: Call): string {
		const url = isJsonObject(body) ? body.url : undefined;
		if (!isString(url) || url === '') throw new Rejection(422, 'url is required');
		const signed = this.files.sign(url);
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
	// For the reference types the contract only infers this (1.13); the stricter reading is the safer test.
	if (taskType !== 'mj_txt2img' && images === 0) {
		throw new Rejection(422, `fileUrls is required for ${taskType}`);
	}
	if (isVideo && !body.motion) throw new Rejection(422, `motion is required for ${taskType}`);

	const about = {
		taskType,
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

/** The request as the server remembers it: known fields only, some filled in, the speed renamed (api-contract 1.2). */
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
