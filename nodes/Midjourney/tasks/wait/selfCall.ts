import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import type { Reply } from '../../providers/http';
import { isRecord, text } from '../../providers/json';
import type { Clock } from '../n8n/clock';
import { RESUME_PATH } from '../n8n/host';

/**
 * The process calls its own n8n, to wake an execution or to ask for its status. Neither address needs a login. What n8n
 * adds to them (a token, from about 2.9 on) is kept.
 */

/** The field of the body that carries the secret of a wake. */
export const WAKE_FIELD = 'midjourneyWake';

/** n8n's path for the status of a waiting execution. */
const STATUS_PATH = 'n8n-execution-status';

/** n8n's default address. */
const USUAL_ADDRESS = 'http://127.0.0.1:5678';

/** The time limit of a request to n8n, in ms: n8n is near, so a slower answer will not come at all. */
const TIMEOUT_MS = 5_000;

/**
 * How often a wake is tried while n8n is still saving the execution. The pauses double, starting with the first, in ms.
 */
const WAKE_TRIES = 14;
const FIRST_PAUSE_MS = 20;
/** The time limit of all tries, in ms: n8n's own timer fires soon after. */
const WAKE_WITHIN_MS = 45_000;

/** The addresses of one execution, as this process can reach them. */
export interface OwnAddress {
	/** To wake it. */
	resume: string;
	/** To ask for its status. */
	status: string;
}

type Requester = Pick<IExecuteFunctions['helpers'], 'httpRequest'>;

/** The address that resumes this execution at this node, under n8n's own base URL. Not a URL where n8n gives none. */
export const resumeUrlOf = (context: IExecuteFunctions): string =>
	below(executionOf(context).resumeUrl, RESUME_PATH);

/** n8n's own token in a resume URL; undefined where this n8n has none. */
export const resumeTokenOf = (resumeUrl: string): string | undefined =>
	text(URL.canParse(resumeUrl) ? new URL(resumeUrl).searchParams.get('signature') : undefined);

const statusUrlOf = (context: IExecuteFunctions): string =>
	below(executionOf(context).resumeFormUrl, STATUS_PATH);

/** Appends a path to a URL; returns anything else unchanged. */
function below(given: unknown, path: string): string {
	const address = String(given);
	if (!URL.canParse(address)) return address;
	const url = new URL(address);
	url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`;
	return url.href;
}

function executionOf(context: IExecuteFunctions): Record<string, unknown> {
	const execution: unknown = context.getWorkflowDataProxy(0).$execution;
	return isRecord(execution) ? execution : {};
}

/** The origin that has led to n8n before, by its public one: they are not tried anew for each execution. */
const reachable = new Map<string, string>();

/**
 * Finds out how this process can call its own execution, by asking for its status, which changes nothing.
 *
 * @param internal the base URL at which n8n can be reached from inside, if the user has set one
 * @returns undefined when none of the addresses leads to this n8n
 */
export async function ownAddress(
	context: IExecuteFunctions,
	internal: string | undefined,
): Promise<OwnAddress | undefined> {
	const resume = resumeUrlOf(context);
	const status = statusUrlOf(context);
	if (!URL.canParse(resume) || !URL.canParse(status)) return undefined;
	const isRunning = (stands: string | undefined) => stands === 'running';
	return await reachableAddress(context.helpers, { resume, status }, internal, isRunning);
}

/**
 * The addresses of any execution of this n8n.
 *
 * @param ofAnother as n8n gives them for another execution, or for none
 * @param resumeToken n8n's own token for calling the execution, where this n8n has one
 * @returns undefined where n8n gives no URL
 */
export function addressOfExecution(
	ofAnother: { resumeUrl: unknown; resumeFormUrl: unknown },
	executionId: string,
	resumeToken: string | undefined,
): OwnAddress | undefined {
	const { resumeUrl, resumeFormUrl } = ofAnother;
	const made = (given: unknown, path: string): string | undefined => {
		if (typeof given !== 'string' || !URL.canParse(given)) return undefined;
		const url = new URL(given);
		url.pathname = url.pathname.replace(/[^/]*\/?$/, `${encodeURIComponent(executionId)}/${path}`);
		url.search = '';
		if (resumeToken !== undefined) url.searchParams.set('signature', resumeToken);
		return url.href;
	};
	const resume = made(resumeUrl, RESUME_PATH);
	const status = made(resumeFormUrl, STATUS_PATH);
	return resume === undefined || status === undefined ? undefined : { resume, status };
}

/** The same addresses at the origin that has led to this n8n before; undefined if none has. */
export function knownAddress({ resume, status }: OwnAddress): OwnAddress | undefined {
	const known = reachable.get(new URL(resume).origin);
	return known === undefined ? undefined : { resume: at(known, resume), status: at(known, status) };
}

/** The origins that n8n does not let its nodes call, by its settings: they last as long as the process. */
const shut = new Set<string>();

/** n8n's message when its protection against private addresses refuses a request (2.41.1; older n8n has none). */
const SHUT = /blocked because (it resolves to a restricted IP address|the destination hostname is)/;

/** Records the origin of this URL if n8n has refused to call it. */
function noteShut(url: string, error: unknown): void {
	if (SHUT.test(String(isRecord(error) ? error.message : error))) shut.add(new URL(url).origin);
}

/**
 * Whether n8n refuses to call all of these. The Trigger asks when it is published, before anything waits.
 *
 * @param urls of this n8n; invalid ones are ignored
 */
export async function areShut(helpers: Requester, urls: readonly string[]): Promise<boolean> {
	const origins = new Set(
		urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin),
	);
	for (const origin of origins) {
		// It does not matter what answers: n8n checks the address before it connects.
		const options = { url: `${origin}/healthz`, timeout: TIMEOUT_MS, ignoreHttpStatusErrors: true };
		await helpers.httpRequest(options).catch((error: unknown) => noteShut(origin, error));
	}
	return origins.size > 0 && [...origins].every((origin) => shut.has(origin));
}

/** What to do when no address leads to this n8n, as a sentence. */
export const reachAdvice = (): string =>
	shut.size === 0
		? 'Set the option Internal Base URL to an address at which n8n can be reached from inside.'
		: `n8n's protection against private addresses refuses ${[...shut].join(' and ')}. Allow it in n8n's environment ` +
			'(N8N_SSRF_ALLOWED_IP_RANGES or N8N_SSRF_ALLOWED_HOSTNAMES), or enter an allowed address of this n8n in the option Internal Base URL.';

/**
 * The same addresses at an origin that leads to this n8n. Tried in turn: the one that has before, the one that the user
 * has set, n8n's public one, and n8n's default.
 *
 * @param isRight whether an execution with this status can be the right one; `isGuess` at n8n's default address
 * @returns undefined when none leads to this n8n
 */
export async function reachableAddress(
	helpers: Requester,
	{ resume, status }: OwnAddress,
	internal: string | undefined,
	isRight: (stands: string | undefined, isGuess: boolean) => boolean,
): Promise<OwnAddress | undefined> {
	const { origin } = new URL(resume);
	const known = reachable.get(origin);
	const told = [known, internal, origin].filter((one) => one !== undefined);
	for (const one of new Set([...told, USUAL_ADDRESS])) {
		const address = { resume: at(one, resume), status: at(one, status) };
		if (await isAt(helpers, address, (stands) => isRight(stands, !told.includes(one)))) {
			reachable.set(origin, one);
			return address;
		}
	}
	reachable.delete(origin);
	return undefined;
}

/** The same path and query at another origin, below the path of that origin if it has one. */
function at(origin: string, url: string): string {
	const { pathname, search } = new URL(url);
	const base = new URL(origin);
	return `${base.origin}${base.pathname.replace(/\/$/, '')}${pathname}${search}`;
}

/**
 * n8n's error when it is asked for the status of an execution that is running but has no data in the database yet, as
 * one that was started manually and has not parked. n8n knows the execution, so the address is the right one.
 */
const NO_DATA_YET = /reading '(executionData|resumeToken)'/;

/** Whether the address leads to the right execution. */
async function isAt(
	helpers: Requester,
	address: OwnAddress,
	isRight: (stands: string | undefined) => boolean,
): Promise<boolean> {
	try {
		return isRight(text(await askStatus(helpers, address)));
	} catch (error) {
		noteShut(address.status, error);
		const response = isRecord(error) && isRecord(error.response) ? error.response : {};
		return response.status === 500 && NO_DATA_YET.test(JSON.stringify(response.data) ?? '');
	}
}

/** The status of the execution, in n8n's words; undefined when n8n does not answer. */
export async function statusOf(
	helpers: Requester,
	address: OwnAddress,
): Promise<string | undefined> {
	try {
		return text(await askStatus(helpers, address));
	} catch {
		return undefined;
	}
}

const askStatus = async (helpers: Requester, { status }: OwnAddress): Promise<unknown> =>
	await helpers.httpRequest({
		url: status,
		json: false,
		timeout: TIMEOUT_MS,
		disableFollowRedirect: true,
	});

/** n8n's statuses of an execution that nothing can wake any more; `null`: it was deleted. */
const ENDED: ReadonlySet<string> = new Set(['success', 'error', 'canceled', 'crashed', 'null']);

/** n8n's statuses of an execution that has not ended. */
const ALIVE: ReadonlySet<string> = new Set([
	'form-waiting',
	'new',
	'running',
	'unknown',
	'waiting',
]);

/**
 * Whether this is one of n8n's statuses of an execution.
 *
 * @param isGuess the address may be that of another n8n, which does not know the execution
 */
export const isStatus = (status: string | undefined, isGuess: boolean): boolean =>
	status !== undefined &&
	(ALIVE.has(status) || ENDED.has(status)) &&
	!(isGuess && status === 'null');

/** Whether an execution with this status can still be woken; undefined counts as yes. */
export const isAlive = (status: string | undefined): boolean =>
	status === undefined || !ENDED.has(status);

/**
 * Wakes a parked execution as soon as n8n has saved it. Before that, n8n would refuse the call and log it.
 *
 * @param secret the one that the execution has saved for this wake; a later wait has another one
 * @param isDue false once something else has woken the execution
 * @returns `gone` when nothing waits for this wake any more; `failed` when n8n has not accepted it
 */
export async function wake(
	helpers: Requester,
	own: OwnAddress,
	secret: string,
	clock: Clock,
	isDue: () => boolean = () => true,
): Promise<'woken' | 'gone' | 'failed'> {
	const until = clock.now() + WAKE_WITHIN_MS;
	for (let attempt = 0; attempt < WAKE_TRIES && clock.now() < until; attempt++) {
		const stands = await statusOf(helpers, own);
		if (!isDue() || !isAlive(stands)) return 'gone';
		if (stands !== 'running' && stands !== 'new') {
			const body = { [WAKE_FIELD]: secret };
			const reply = await postTo(helpers, own.resume, body, TIMEOUT_MS).catch(() => undefined);
			const status = reply?.status ?? NaN;
			if (status < 300) return 'woken';
			if (status === 401 || status === 404 || status === 410) return 'gone';
		}
		await clock.sleep(Math.min(FIRST_PAUSE_MS * 2 ** attempt, 5_000));
	}
	return 'failed';
}

/** Posts to an execution of this n8n, without any credential. Gives whatever was answered; rejects if nothing was. */
export async function postTo(
	helpers: Requester,
	url: string,
	body: IDataObject,
	timeout: number,
	headers: IDataObject = {},
): Promise<Reply> {
	const reply: unknown = await helpers.httpRequest({
		method: 'POST',
		url,
		headers,
		body,
		json: true,
		timeout,
		disableFollowRedirect: true,
		ignoreHttpStatusErrors: true,
		returnFullResponse: true,
	});
	return isRecord(reply)
		? { status: Number(reply.statusCode), body: reply.body }
		: { status: NaN, body: undefined };
}
