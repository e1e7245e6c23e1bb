/* eslint-disable @n8n/community-nodes/require-node-api-error -- the emulator is a server of its own, not a node */
import type { Answer, Call } from './faults';
import { complaintAbout, isMissing, unknownFields } from './fields';
import { isJsonObject, isString, type JsonObject } from './json';
import { type ProviderName, VTRIX_MODELS, type VtrixModel } from './kinds';
import { inDollars } from './ledger';
import { type SharedServices, isAuthorized, type Provider } from './provider';
import { RateLimit } from './rateLimit';
import { hasSucceeded, type Order, type Outcome, type Task } from './tasks';
import { isDirect, type Model, type Source, vtrixModels } from './vtrixModels';

/** How Vtrix behaves where its pages leave that open, or where sources disagree. */
export interface VtrixOptions {
	/** Balance at the start, in US dollars. */
	readonly balanceUsd: number;
	/** US dollars per task. */
	readonly prices: Readonly<Record<VtrixModel, number>>;
	/** `usage.discount`; it does not change the price. */
	readonly discount: number;
	/** The accepted form of body: parameters in `input[0].params`, or beside the model (wire.md: Vtrix submit). */
	readonly body: 'wrapped' | 'flat' | 'both';
	/** How a stray `input` is refused: by its name, or because its content is missing, with the code for that. */
	readonly strayInput: 'named' | 'missed';
	/** The number of images of everything but an upscale (wire.md: Vtrix tasks). */
	readonly outputs: number;
	/** All outputs in the content of one block, or each in a block of its own. */
	readonly outputLayout: 'together' | 'apart';
	/** What a video is called in `content[].type` (wire.md: Vtrix tasks). */
	readonly videoType: 'video' | 'video_url';
	/** The words for the states of a task: in the answer to its submit, while it runs, and at its end (wire.md: Vtrix tasks). */
	readonly words: {
		readonly submitted: string;
		readonly running: string;
		readonly completed: string;
		/** With the same word as `completed`, only `error` says that a task has failed. */
		readonly failed: string;
	};
	/** The name of the field with the task id; `task_id` comes with `completed_at` (wire.md: Vtrix tasks). */
	readonly idField: 'id' | 'task_id' | 'request_id';
	/** Unix seconds, or ISO text (wire.md: Vtrix tasks). */
	readonly createdAt: 'unix' | 'iso';
	/** `{code, error_message}`, `{code, message}`, or the text alone (wire.md: Vtrix tasks). */
	readonly errorShape: 'error_message' | 'message' | 'string';
	/**
	 * Codes of 10 digits for all models, or the 9 digits that some pages print without their leading zeros (wire.md: Vtrix
	 * codes).
	 */
	readonly errorCodes: 'tenDigits' | 'noLeadingZeros';
	/** The form of an HTTP error without a documented code: `{message}`, `{error}`, or that of SeaCloud. */
	readonly httpErrors: 'message' | 'error' | 'status';
	/** A bad submit gets an HTTP 400, or HTTP 200 and a task object with an error but no id (wire.md: Vtrix tasks). */
	readonly refusals: 'http' | 'task';
	/** HTTP status when the balance is too low. */
	readonly emptyBalanceStatus: 402 | 403;
	/**
	 * The place of the upstream's job id (wire.md: Vtrix jobs); `none`: nowhere, and the task's own id is accepted in its
	 * place.
	 */
	readonly jobIdPlace: 'content' | 'contentMetadata' | 'metadata' | 'none';
	/** Sizes of mask areas outside of 500-4096 are refused (wire.md: Vtrix masks). */
	readonly strictMask: boolean;
	/** What is posted to `callback` (wire.md: Vtrix callbacks): the task object, or the upstream's job object. */
	readonly callbackBody: 'task' | 'job';
}

/** No page names prices. These merely differ from each other, so that a mix-up shows. */
export const VTRIX_PRICES: Readonly<Record<VtrixModel, number>> = {
	midjourney_diffusion: 0.05,
	midjourney_edit: 0.06,
	midjourney_remix: 0.055,
	midjourney_upscale: 0.02,
	midjourney_variation: 0.045,
	midjourney_inpaint: 0.07,
	midjourney_outpaint: 0.065,
	midjourney_uploadpaint: 0.08,
	midjourney_retexture: 0.075,
	midjourney_pan: 0.035,
	midjourney_enhance: 0.03,
	midjourney_reroll: 0.04,
	midjourney_video_diffusion: 0.25,
};

export const VTRIX_DEFAULTS: VtrixOptions = {
	balanceUsd: 100,
	prices: VTRIX_PRICES,
	discount: 1,
	body: 'wrapped',
	strayInput: 'named',
	outputs: 4,
	outputLayout: 'together',
	videoType: 'video',
	words: {
		submitted: 'in_progress',
		running: 'in_progress',
		completed: 'completed',
		failed: 'failed',
	},
	idField: 'id',
	createdAt: 'unix',
	errorShape: 'error_message',
	errorCodes: 'tenDigits',
	httpErrors: 'message',
	refusals: 'http',
	emptyBalanceStatus: 402,
	jobIdPlace: 'content',
	strictMask: true,
	callbackBody: 'task',
};

const SUBMIT_PATH = '/model/v1/generation';
const READ_PATH = `${SUBMIT_PATH}/task/`;

/** The last three digits of the codes of failed tasks (wire.md: Vtrix codes). */
const FAILED_CODE: Readonly<Record<Outcome, number>> = { success: 0, failed2: 99, failed3: 98 };

/** A refused call: its HTTP status and, if documented, its code. */
class Refused extends Error {
	constructor(
		readonly status: number,
		message: string,
		readonly code?: number,
	) {
		super(message);
	}
}

/** A submit that names a model and its parameters. */
interface Request {
	readonly name: VtrixModel;
	readonly model: Model;
	readonly params: JsonObject;
	/** Fields of the body outside of the parameters that no page documents. */
	readonly strays: readonly string[];
}

/** Vtrix as it shows itself on the wire (wire.md: Vtrix). */
export class Vtrix implements Provider {
	readonly name: ProviderName = 'vtrix';
	readonly signsCallbacks = false;
	/** The balance now, in US dollars. */
	balanceUsd: number;
	private readonly rateLimit: RateLimit;
	private readonly models: Readonly<Record<VtrixModel, Model>>;
	private readonly taskIds = new Map<string, string>();

	constructor(
		private readonly options: VtrixOptions,
		private readonly shared: SharedServices,
	) {
		this.balanceUsd = options.balanceUsd;
		this.rateLimit = new RateLimit(shared.rateLimit, shared.clock);
		this.models = vtrixModels(options.strictMask);
	}

	answer(call: Call): Answer | undefined {
		if (call.method === 'POST' && call.path === SUBMIT_PATH) return this.answerSubmit(call);
		if (call.method === 'GET' && call.path.startsWith(READ_PATH)) return this.answerRead(call);
		return undefined;
	}

	/** The job object of the upstream carries the upstream's id (wire.md: Vtrix callbacks). */
	callbackBody(task: Task): JsonObject {
		if (this.options.callbackBody === 'task') return this.taskObject(task, 'running');
		const { jobId = task.id, completedAt, outcome } = task;
		const [status, comment] =
			completedAt === undefined
				? [1, 'JobStatusRunning']
				: outcome === 'success'
					? [2, 'JobStatusSuccess']
					: [3, 'JobStatusFailed'];
		return { id: jobId, urls: this.shared.files.resultUrlsOf(task), status, comment };
	}

	forgedCallbackBody(taskId: string, url: string): JsonObject {
		return {
			[this.options.idField]: taskId,
			model: 'midjourney_diffusion',
			status: this.options.words.completed,
			output: [{ content: [{ type: 'image', url }] }],
		};
	}

	private answerSubmit(call: Call): Answer {
		const { ledger, clock } = this.shared;
		try {
			return { status: 200, body: this.taskObject(this.submit(call), 'submitted') };
		} catch (error) {
			if (!(error instanceof Refused)) throw error;
			const { status, code = status, message: msg } = error;
			const entry = { provider: this.name, code, msg, at: clock.now() };
			ledger.refusals.push({ ...entry, path: call.path, body: call.body });
			return this.refusal(error, call);
		}
	}

	private answerRead(call: Call): Answer {
		const taskId = call.path.slice(READ_PATH.length);
		const answer = this.read(call, taskId);
		const { ledger, clock } = this.shared;
		ledger.reads.push({ provider: this.name, taskId, code: answer.status, at: clock.now() });
		return answer;
	}

	private read(call: Call, taskId: string): Answer {
		if (!isAuthorized(call, this.shared.apiKeys)) return this.refusal(unauthorized(), call);
		const task = this.find(taskId);
		return task
			? { status: 200, body: this.taskObject(task, 'running') }
			: this.refusal(new Refused(404, `task ${taskId} not found`), call);
	}

	/** Undefined for a task of another provider. */
	private find(taskId: string): Task | undefined {
		const task = this.shared.tasks.get(taskId);
		return task?.provider === this.name ? task : undefined;
	}

	private refusal({ status, message, code }: Refused, { body }: Call): Answer {
		const { refusals, httpErrors, words } = this.options;
		const error = this.errorObject(code ?? status, message);
		if (status === 400 && refusals === 'task') {
			const model = isJsonObject(body) && isString(body.model) ? body.model : '';
			return { status: 200, body: { model, status: words.failed, error } };
		}
		if (httpErrors === 'status') {
			const error_code = code ?? status * 100 + 1;
			return { status, body: { status: { code: status, message, error_code }, data: null } };
		}
		return { status, body: code !== undefined || httpErrors === 'error' ? { error } : { message } };
	}

	private errorObject(code: number, message: string): unknown {
		const { errorShape } = this.options;
		return errorShape === 'string' ? message : { code, [errorShape]: message };
	}

	private submit(call: Call): Task {
		if (!isAuthorized(call, this.shared.apiKeys))
			throw unauthorized(this.authenticationCodeFor(call));
		if (!this.rateLimit.accepts()) throw new Refused(429, 'too many requests, try again later');
		const { name, model, params, strays } = this.requestIn(call.body);
		this.check(model, params);
		const unfit = this.shared.images.problemOf(call);
		if (unfit !== undefined) throw new Refused(422, unfit);
		const source = this.sourceOf(model, params);
		const price = this.options.prices[name];
		if (price > this.balanceUsd) {
			throw new Refused(this.options.emptyBalanceStatus, 'insufficient balance');
		}

		const body = isJsonObject(call.body) ? call.body : {};
		const order = this.order(name, model, params, source, body);
		const { tasks, random, latencyMs, ledger } = this.shared;
		const id = `d${random.hex(19)}`;
		const jobId = [8, 4, 4, 4, 12].map((count) => random.hex(count)).join('-');
		const task = tasks.book(id, { ...order, jobId }, random.within(latencyMs[name]));
		this.taskIds.set(this.options.jobIdPlace === 'none' ? id : jobId, id);
		this.balanceUsd = inDollars(this.balanceUsd - price);
		ledger.submits.push({
			provider: this.name,
			taskId: id,
			jobId,
			kind: name,
			path: call.path,
			body,
			params,
			callbackUrl: order.callbackUrl,
			source: source && { taskId: source.task.id, index: source.index },
			unknownFields: [...strays, ...unknownFields(params, model.fields)],
			inapplicableFields: [],
			price,
			at: task.createdAt,
		});
		return task;
	}

	private order(
		name: VtrixModel,
		model: Model,
		params: JsonObject,
		source: Source | undefined,
		body: JsonObject,
	): Order {
		const own = [params.text, params.remixPrompt, params.prompt].find(isString);
		const prompt = own ?? source?.task.prompt ?? '';
		const scene = model.scene?.(params, source) ?? { label: name };
		const ofSource = source?.task.aspectRatio ?? '1:1';
		const { width, height } = scene.layout?.canvas ?? {};
		const aspectRatio = {
			source: ofSource,
			layout: `${width}:${height}`,
			flags: aspectRatioIn(own) ?? ofSource,
		}[model.shape ?? 'flags'];
		const origin = source ? `image ${source.index} of ${source.task.id}` : scene.from;
		const about = { provider: this.name, kind: name, taskType: name, prompt };
		return {
			...about,
			media: model.media ?? 'png',
			aspectRatio,
			outputs: model.single ? 1 : this.options.outputs,
			source,
			scene: { ...scene, label: origin ? `${scene.label}, from ${origin}` : scene.label },
			request: params,
			price: this.options.prices[name],
			callbackUrl: isString(params.callback) ? params.callback : undefined,
			outcome: this.shared.outcome({ ...about, body }),
		};
	}

	/** The request, from an accepted form of body (wire.md: Vtrix submit). */
	private requestIn(body: unknown): Request {
		if (!isJsonObject(body)) throw new Refused(400, 'the body must be a JSON object');
		const { model: asked, input, ...rest } = body;
		if (!isString(asked)) throw new Refused(400, 'model is required');
		const name = VTRIX_MODELS.find((known) => known === asked);
		if (!name) throw new Refused(400, `model ${asked} not found`);
		const model = this.models[name];
		const { body: form, strayInput } = this.options;
		if (form === 'flat' || (form === 'both' && input === undefined)) {
			const isNamed = input !== undefined && strayInput === 'named';
			if (isNamed) throw new Refused(400, 'input is not a parameter');
			return { name, model, params: rest, strays: [] };
		}
		const [block, ...more] = Array.isArray(input) ? input : [];
		if (!isJsonObject(block) || !isJsonObject(block.params) || more.length > 0) {
			throw new Refused(400, 'input must be a list of one object with params');
		}
		const { params, ...beside } = block;
		return { name, model, params, strays: [...Object.keys(rest), ...Object.keys(beside)] };
	}

	private check(model: Model, params: JsonObject): void {
		const complaint = complaintAbout(params, model.fields);
		if (complaint) {
			const { field, problem, text } = complaint;
			throw new Refused(400, text, this.codeFor(model, model.codes?.[field]?.[problem]));
		}
		const together = model.complaint?.(params);
		if (together) throw new Refused(400, together);
	}

	/** The output to work on; also for a picture given by its URL, if the emulator made it. */
	private sourceOf(model: Model, params: JsonObject): Source | undefined {
		if (isDirect(model)) {
			const ours = isString(params.imgUrl) ? this.shared.files.at(params.imgUrl) : undefined;
			return ours?.task.media === 'png' ? ours : undefined;
		}
		if (isMissing(params.jobId)) return undefined;
		const refuse = (field: string, words: string) => {
			const code = this.codeFor(model, model.codes?.[field]?.invalid);
			return new Refused(400, `${field} ${words}`, code);
		};
		const task = this.find(this.taskIds.get(String(params.jobId)) ?? '');
		if (!task) throw refuse('jobId', 'is unknown');
		if (!hasSucceeded(task)) throw refuse('jobId', 'must be of a job that has completed');
		if (task.media !== 'png') throw refuse('jobId', 'must be of a job that made images');
		// A limit of the upstream (wire.md: Vtrix models).
		if (task.kind === 'midjourney_retexture' && model !== this.models.midjourney_upscale) {
			throw refuse('jobId', 'is of a retexture, which can only be upscaled');
		}
		const source = { task, index: Number(params.imageNo ?? 0) };
		if (source.index >= task.outputs) {
			throw refuse('imageNo', `must be less than ${task.outputs}, the images of the job`);
		}
		const objection = model.objection?.(source);
		if (objection) throw refuse('jobId', objection);
		return source;
	}

	/** The code for a bad key, if the model's page has one. */
	private authenticationCodeFor({ body }: Call): number | undefined {
		const name = VTRIX_MODELS.find((known) => isJsonObject(body) && body.model === known);
		const model = name && this.models[name];
		return model && this.codeFor(model, model.authenticationCode);
	}

	/**
	 * 8, group, model, problem. Diffusion's page prints the 8; others print 0 in its place, which no integer can carry
	 * (wire.md: Vtrix codes). A model whose number nobody knows has 0 for it: only the last three digits mean anything.
	 */
	private codeFor({ number = 0 }: Model, problem: number | undefined): number | undefined {
		if (problem === undefined) return undefined;
		const short = 4_000_000 + number * 1000 + problem;
		const full = this.options.errorCodes === 'tenDigits' || number === 1;
		return full ? 8_000_000_000 + short : short;
	}

	/** The answer to a submit or a read (wire.md: Vtrix tasks). */
	private taskObject(task: Task, moment: 'submitted' | 'running'): JsonObject {
		const { words, idField, discount } = this.options;
		const about = {
			[idField]: task.id,
			model: task.taskType,
			created_at: this.time(task.createdAt),
		};
		if (task.completedAt === undefined) {
			if (moment === 'submitted') return { ...about, status: words.submitted };
			const elapsed = (this.shared.clock.now() - task.createdAt) / task.latencyMs;
			const progress = Math.min(0.99, Math.floor(elapsed * 100) / 100);
			return { ...about, status: words.running, progress };
		}
		const ended = {
			...about,
			...(idField === 'task_id' && { completed_at: this.time(task.completedAt) }),
		};
		if (task.outcome !== 'success') {
			return { ...ended, status: words.failed, error: this.failure(task) };
		}
		return {
			...ended,
			status: words.completed,
			output: this.outputOf(task),
			usage: { cost: String(task.price), discount },
			metadata: {
				prompt: task.prompt,
				...(task.source && { imageNo: task.source.index }),
				...(this.options.jobIdPlace === 'metadata' && { jobId: task.jobId }),
			},
		};
	}

	private time(ms: number): number | string {
		return this.options.createdAt === 'unix' ? Math.floor(ms / 1000) : new Date(ms).toISOString();
	}

	private failure({ taskType, outcome }: Task): unknown {
		const name = VTRIX_MODELS.find((known) => known === taskType);
		if (!name) throw new Error(`No model ${taskType}`);
		const model = this.models[name];
		const problem = FAILED_CODE[outcome];
		const { unavailable = 'service unavailable' } = model;
		const message = problem === FAILED_CODE.failed2 ? unavailable : 'generation failed';
		return this.errorObject(this.codeFor(model, problem) ?? 0, message);
	}

	private outputOf(task: Task): unknown[] {
		const { jobIdPlace, outputLayout, videoType } = this.options;
		const { jobId } = task;
		const contents = this.shared.files.resultUrlsOf(task).map((url) => ({
			type: task.media === 'mp4' ? videoType : 'image',
			url,
			...(jobIdPlace === 'content' && { jobId }),
			...(jobIdPlace === 'contentMetadata' && { metadata: { jobId } }),
		}));
		return outputLayout === 'apart'
			? contents.map((content) => ({ content: [content] }))
			: [{ content: contents }];
	}
}

function unauthorized(code?: number): Refused {
	return new Refused(401, 'the API key is missing or not valid', code);
}

/** The aspect ratio of a flag in the prompt. */
function aspectRatioIn(prompt = ''): string | undefined {
	const [, across, down] = /--(?:ar|aspect)\s+([1-9]\d*):([1-9]\d*)/.exec(prompt) ?? [];
	return across === undefined ? undefined : `${across}:${down}`;
}
