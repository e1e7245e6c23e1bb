/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a real n8n, it is not a node */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Jimp } from 'jimp';

import type { Emulator, EmulatorOptions, Kind } from '../emulator';
import type { Execution, Item, N8nClient } from '../n8n/client';
import { formDataOf, FormVisit } from '../n8n/forms';
import { CURRENT_N8N, OLDER_N8N } from '../n8n/install';
import { isObject, type JsonObject, text } from '../n8n/json';
import type { Mailbox } from '../n8n/mailbox';
import { inspectMedia } from '../n8n/media';
import { calls, startFakeModel } from '../n8n/model';
import { until } from '../n8n/until';
import type { N8nServer } from '../n8n/server';
import { startUploads } from '../n8n/uploads';
import {
	createCredentials,
	type Credentials,
	withQuickReads,
	readExample,
	triggerOf,
	withCredentials,
	type Workflow,
} from '../n8n/workflows';

/** What the user of each workflow in examples/ enters, does and gets. */

/** Where an example runs. Each has a provider of its own that nobody else buys from. */
export interface Stage {
	client: N8nClient;
	n8n: N8nServer;
	apiKey: string;
	emulator: Emulator;
	mailbox: Mailbox;
	/** Where n8n may write files. */
	folder: string;
}

/** What an example must do. */
export interface Walkthrough {
	/** The kinds of all tasks that must be bought, in alphabetical order. */
	buys: Kind[];
	/** The node whose items hold the files, and the number and format of the files. */
	files?: { node: string; count: number; type: 'png' | 'mp4' };
	/** Runs as it was exported; the others read more often, which saves the tests minutes. */
	patient?: boolean;
	/** The n8n versions that it works in; all by default. */
	only?: readonly string[];
	/** The settings of the provider. */
	provider?: EmulatorOptions;
	/**
	 * What its user does. By default: import it and click "Execute workflow".
	 * Gives the execution once it has ended; throws if something on the way is wrong.
	 */
	walk?(stage: Stage, file: string): Promise<Execution>;
}

const MINUTE = 60_000;
/** The time limit of an example, in ms: none takes longer unless it is broken. */
export const WALK_TIMEOUT_MS = 5 * MINUTE;

/** The address that the examples send mail to. */
const MAIL = 'you@example.com';
/** n8n takes a client that is no browser for a mail scanner. */
const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' };

/** Every example by its file. */
export const WALKTHROUGHS: Record<string, Walkthrough> = {
	'01-generate-upscale-download.json': {
		buys: ['imageFast', 'upscale', 'upscale'],
		files: { node: 'Upscale', count: 2, type: 'png' },
		patient: true,
	},
	'02-many-prompts.json': {
		buys: ['imageFast', 'imageFast', 'imageFast'],
		files: { node: 'File Names', count: 12, type: 'png' },
	},
	'03-submit-now-wait-later.json': {
		buys: ['imageFast', 'imageFast'],
		files: { node: 'Wait for the Tasks', count: 8, type: 'png' },
	},
	'04-picture-to-video.json': {
		buys: ['extend', 'imageFast', 'video'],
		files: { node: 'Extend', count: 1, type: 'mp4' },
		walk: publishVideo,
	},
	'05-handle-failed-items.json': {
		buys: ['imageFast', 'imageFast'],
		files: { node: 'Pictures', count: 8, type: 'png' },
	},
	'06-second-leg.json': { buys: ['imageRelaxed', 'imageRelaxed'] },
	'07-edit-wider-canvas.json': {
		buys: ['midjourney_diffusion', 'midjourney_edit', 'midjourney_upscale'],
		files: { node: 'Upscale', count: 1, type: 'png' },
	},
	'08-schedule-table-to-files.json': {
		buys: ['imageFast', 'imageFast'],
		files: { node: 'Generate', count: 8, type: 'png' },
		walk: workOffTable,
	},
	'09-form-pick-upscale.json': { buys: ['imageFast', 'upscale'], walk: pickInForm },
	'10-product-photo-variants.json': {
		buys: [
			'midjourney_diffusion',
			'midjourney_diffusion',
			'midjourney_diffusion',
			'midjourney_edit',
		],
		walk: chooseByMail,
	},
	'11-watch-balance.json': { buys: [], provider: { credits: 150 }, walk: hearOfBalance },
	'12-submit-for-workflow-b.json': { buys: ['imageFast', 'imageFast'], walk: submitOnly },
	'13-workflow-b.json': { buys: ['imageFast', 'imageFast'], walk: startWorkflowB },
	'14-agent-with-approval.json': {
		buys: ['imageFast'],
		only: [CURRENT_N8N, OLDER_N8N],
		walk: async (stage, file) => await askByMail(stage, file, 'approve'),
	},
	'15-form-three-modes.json': {
		buys: ['imageFast', 'imageFast', 'imageFast', 'video'],
		walk: useThreeModes,
	},
	'16-form-photo-upscale.json': {
		buys: ['imageFast', 'upscale'],
		provider: { fetchesImages: true },
		walk: sendPhoto,
	},
};

/** Runs an example as its user does. */
export async function walkThrough(stage: Stage, file: string): Promise<Execution> {
	const walk = WALKTHROUGHS[file]?.walk;
	if (walk) return await walk(stage, file);
	const { executionId } = await start(stage, file);
	return await stage.client.finished(executionId, WALK_TIMEOUT_MS);
}

/** Imports an example, picks credentials in it and clicks "Execute workflow". */
export async function start(
	stage: Stage,
	file: string,
	enter?: (workflow: Workflow) => Workflow,
): Promise<{ workflowId: string; executionId: string }> {
	const { workflow, workflowId } = await imported(stage, file, enter);
	return { workflowId, executionId: await stage.client.run(workflowId, triggerOf(workflow)) };
}

/** Imports an example and picks its credentials; `enter` is what its user changes besides. */
async function imported(
	{ client, apiKey, emulator, mailbox }: Stage,
	file: string,
	enter: (workflow: Workflow) => Workflow = (workflow) => workflow,
	accounts: Record<string, { type: string; data: JsonObject }> = {},
): Promise<{ workflow: Workflow; workflowId: string }> {
	// An n8n that keeps files in memory has to upload them.
	const data = { apiKey, baseUrl: emulator.url, fileUploadUrl: emulator.url };
	const ours = await createCredentials(client, data, ` for ${file}`);
	const smtp = { type: 'smtp', data: mailbox.account };
	const others = { emailSend: smtp, emailSendHitlTool: smtp, ...accounts };
	const exported = withCredentials(await readExample(file), ours);
	const theirs = await pickedFor(client, exported, others);
	const workflow = enter({
		...exported,
		nodes: exported.nodes.map((node) => {
			const credentials = theirs.get(node);
			return credentials ? { ...node, credentials } : node;
		}),
	});
	const ready = WALKTHROUGHS[file]?.patient ? workflow : withQuickReads(workflow);
	return { workflow: ready, workflowId: await client.importWorkflow(ready) };
}

/** What is picked in the nodes that need an account elsewhere; `accounts` by the last part of the node's type. */
async function pickedFor(
	client: N8nClient,
	{ nodes }: Workflow,
	accounts: Record<string, { type: string; data: JsonObject }>,
): Promise<Map<JsonObject, Credentials>> {
	const picked = new Map<JsonObject, Credentials>();
	for (const node of nodes) {
		const { [text(node.type, 'type of a node').split('.').pop() ?? '']: account } = accounts;
		if (!account) continue;
		const { type, data } = account;
		picked.set(node, {
			[type]: { id: await client.createCredential(type, type, data), name: type },
		});
	}
	return picked;
}

/** Replaces a text everywhere in the workflow, as its user replaces an example value. */
const replaced =
	(...pairs: Array<[from: string, to: string]>) =>
	(workflow: Workflow): Workflow => {
		let json = JSON.stringify(workflow);
		for (const [from, to] of pairs) {
			if (!json.includes(from)) throw new Error(`“${from}” is not in ${workflow.name}`);
			json = json.replaceAll(from, to);
		}
		return JSON.parse(json) as Workflow;
	};

async function publishVideo(stage: Stage, file: string): Promise<Execution> {
	const uploads = await startUploads();
	try {
		const data = { username: 'editor', password: 'secret', url: uploads.url };
		const enter = replaced(['https://blog.example.com', uploads.url]);
		const accounts = { httpRequest: { type: 'wordpressApi', data } };
		const { workflow, workflowId } = await imported(stage, file, enter, accounts);
		const id = await stage.client.run(workflowId, triggerOf(workflow));
		const execution = await stage.client.finished(id, WALK_TIMEOUT_MS);
		const types = uploads.files.map((bytes) => inspectMedia(bytes).type);
		if (types.join() !== 'mp4') throw new Error(`Published was: ${types.join() || 'nothing'}`);
		return execution;
	} finally {
		await uploads.close();
	}
}

/** Runs on two mornings: the second does not buy again what the first bought. */
async function workOffTable(stage: Stage, file: string): Promise<Execution> {
	const { client, folder, emulator } = stage;
	const table = await client.createTable(
		`Prompts ${emulator.url}`,
		{ name: 'string', prompt: 'string', done: 'boolean' },
		[
			{ name: 'fox', prompt: 'A fox with a lantern, gouache' },
			{ name: 'hares', prompt: 'Two hares on a sledge, gouache', done: false },
			{ name: 'owl', prompt: 'An owl in a clock, gouache', done: true },
		],
	);
	const pick = (workflow: Workflow) => ({
		...workflow,
		nodes: workflow.nodes.map((node) => {
			const parameters = isObject(node.parameters) ? node.parameters : {};
			if (!isObject(parameters.dataTableId)) return node;
			const dataTableId = { ...parameters.dataTableId, value: table };
			return { ...node, parameters: { ...parameters, dataTableId } };
		}),
	});
	const enter = (workflow: Workflow) => pick(replaced(['/home/node/.n8n-files', folder])(workflow));
	const { workflowId } = await imported(stage, file, enter);
	const morning = async () =>
		await client.finished(await client.run(workflowId, 'Every Morning'), WALK_TIMEOUT_MS);
	const first = await morning();
	const written = (await readdir(folder)).filter((name) => /^(fox|hares)-[0-3]\.png$/.test(name));
	for (const name of written) inspectMedia(await readFile(join(folder, name)));
	const open = (await client.tableRows(table)).filter(({ done }) => done !== true);
	const { length: bought } = emulator.ledger.submits;
	const second = await morning();
	if (second.status !== 'success') throw new Error(`The second morning: ${second.error}`);
	const again = emulator.ledger.submits.length - bought;
	if (written.length !== 8 || open.length > 0 || again > 0) {
		throw new Error(`${written.length} files, ${open.length} rows open, ${again} bought again`);
	}
	return first;
}

/** Publishes an example with a form. */
async function publishForm(
	stage: Stage,
	file: string,
): Promise<{ workflowId: string; visit(fields: Array<string | File>): Promise<FormVisit> }> {
	const { workflow, workflowId } = await imported(stage, file);
	await stage.client.activate(workflowId);
	const form = workflow.nodes.find(({ type }) => type === 'n8n-nodes-base.formTrigger');
	const path = text(form?.webhookId, 'webhookId of the form');
	return {
		workflowId,
		visit: async (fields) => await FormVisit.begin(stage.n8n, path, fields),
	};
}

async function pickInForm(stage: Stage, file: string): Promise<Execution> {
	const { visit } = await publishForm(stage, file);
	const form = await visit(['A lighthouse in the fog, linocut', '16:9']);
	const pictures = imagesIn(await form.nextPage(MINUTE));
	if (pictures.length !== 4) throw new Error(`The page shows ${pictures.length} pictures`);
	// The provider calls the execution only if the node parks.
	const [generation] = stage.emulator.ledger.submits;
	if (!generation?.callbackUrl?.includes('/webhook-waiting/')) throw new Error('It was not parked');
	// The pictures are the first field of the page.
	await form.send(['', '3']);
	const shown = imagesIn(await form.nextPage(MINUTE));
	await form.send();
	const execution = await stage.client.finished(form.executionId, WALK_TIMEOUT_MS);
	const upscale = stage.emulator.ledger.submits.find(({ kind }) => kind === 'upscale');
	if (upscale?.source?.index !== 2) throw new Error('It is not the third that was upscaled');
	const [result] = itemsOf(execution, 'Upscale');
	if (!shown.includes(String(result?.json.url))) throw new Error('The result is not shown');
	return execution;
}

const imagesIn = (html: string): string[] =>
	[...html.matchAll(/<img[^>]* src="([^"]+)"/g)]
		.map(([, url = '']) => url.replaceAll('&amp;', '&'))
		.filter((url) => url.startsWith('http'));

async function chooseByMail(stage: Stage, file: string): Promise<Execution> {
	const { executionId } = await start(stage, file);
	const letter = await mailAbout(stage, 'Which picture becomes the banner?', executionId);
	const shown = imagesIn(letter);
	if (shown.length !== 12) throw new Error(`The mail shows: ${shown.join()}`);
	const answer = await fetch(linkIn(letter), { method: 'POST', body: formDataOf(['6']) });
	if (!answer.ok) throw new Error(`The choice was answered ${answer.status}`);
	const execution = await stage.client.finished(executionId, WALK_TIMEOUT_MS);
	const { taskId, index } = itemsOf(execution, 'Restyle')[5]?.json ?? {};
	const edit = stage.emulator.ledger.submits.find(({ kind }) => kind === 'midjourney_edit');
	if (edit?.source?.taskId !== taskId || edit?.source?.index !== index) {
		const what = `not ${String(index)} of ${String(taskId)} was edited`;
		throw new Error(`${what}; the execution is ${execution.status} (${execution.error})`);
	}
	return execution;
}

/** Waits for the mail with these words, and until the execution waits for its answer. */
async function mailAbout(
	{ client, mailbox }: Stage,
	words: string,
	executionId: string,
): Promise<string> {
	const letters = () => mailbox.mailsTo(MAIL).filter((letter) => letter.includes(words));
	await until(
		`the letter “${words}” is there`,
		async () => {
			const { status, error } = await client.execution(executionId);
			if (status === 'error') throw new Error(`No letter: ${error}`);
			return status === 'waiting' ? letters().length : 0;
		},
		(count) => count > 0,
		2 * MINUTE,
	);
	return letters().at(-1) ?? '';
}

const linkIn = (letter: string, having = ''): string =>
	[...letter.matchAll(/href="([^"]*webhook-waiting[^"]*)"/g)]
		.map(([, link = '']) => link.replaceAll('&amp;', '&'))
		.find((link) => link.includes(having)) ?? '';

async function hearOfBalance(stage: Stage, file: string): Promise<Execution> {
	const { workflowId } = await imported(stage, file);
	const executionId = await stage.client.run(workflowId, 'Every Morning');
	const execution = await stage.client.finished(executionId, WALK_TIMEOUT_MS);
	const letters = stage.mailbox.mailsTo(MAIL);
	if (!letters.some((letter) => letter.includes('150 credits left'))) throw new Error('No letter');
	return execution;
}

const MADE_UP_N8N = 'https://n8n.example.com';

async function submitOnly(stage: Stage, file: string): Promise<Execution> {
	const { executionId } = await start(stage, file, replaced([MADE_UP_N8N, stage.n8n.webhookUrl]));
	const execution = await stage.client.finished(executionId, WALK_TIMEOUT_MS);
	const states = itemsOf(execution, 'Submit').map(({ json }) => json.status);
	if (states.join() !== 'pending,pending') throw new Error(`What came out is ${states.join()}`);
	return execution;
}

async function startWorkflowB(stage: Stage, file: string): Promise<Execution> {
	const { client, n8n } = stage;
	const { workflow, workflowId } = await imported(stage, file);
	await client.activate(workflowId);
	const trigger = workflow.nodes.find(({ webhookId }) => webhookId !== undefined);
	const url = `${n8n.webhookUrl}/webhook/${String(trigger?.webhookId)}/webhook`;
	await until(
		'the Trigger listens',
		async () => await (await fetch(url, { method: 'POST' })).text(),
		(answer) => !answer.includes('not registered'),
	);
	await submitOnly(stage, '12-submit-for-workflow-b.json');
	const started = await until(
		'both tasks have started workflow B',
		async () => await client.executions(workflowId),
		(executions) => executions.filter(({ status }) => status === 'success').length === 2,
		MINUTE,
	);
	const executions = await Promise.all(started.map(async ({ id }) => await client.execution(id)));
	const orders = executions.flatMap((execution) =>
		itemsOf(execution, 'Orders').map(({ json }) => `${String(json.order)} ${String(json.status)}`),
	);
	const expected = ['order 1041 completed', 'order 1042 completed'];
	if ([...new Set(orders)].sort().join() !== expected.join()) {
		throw new Error(`Workflow B got: ${orders.join()}`);
	}
	const [last] = executions;
	if (!last) throw new Error('Workflow B did not run');
	return last;
}

/** Lets the agent ask, and answers the mail. */
export async function askByMail(
	stage: Stage,
	file: string,
	verdict: 'approve' | 'decline',
): Promise<Execution> {
	const prompt = `A night train below the stars (${verdict})`;
	const model = await startFakeModel(calls({ toolParameters: { prompt }, hitlParameters: {} }));
	try {
		const data = { apiKey: 'none', url: model.url };
		const accounts = { lmChatOpenAi: { type: 'openAiApi', data } };
		const { workflow, workflowId } = await imported(stage, file, undefined, accounts);
		const executionId = await stage.client.run(workflowId, triggerOf(workflow));
		const letter = await mailAbout(stage, prompt, executionId);
		const { length: before } = stage.emulator.ledger.submits;
		if (before > 0) throw new Error('It was bought before anybody approved');
		const link = linkIn(letter, `approved=${verdict === 'approve'}`);
		const answer = await fetch(link, { headers: BROWSER });
		if (!answer.ok) throw new Error(`The approval was answered ${answer.status}`);
		return await stage.client.finished(executionId, WALK_TIMEOUT_MS);
	} finally {
		await model.close();
	}
}

async function useThreeModes(stage: Stage, file: string): Promise<Execution> {
	const { visit } = await publishForm(stage, file);
	const photo = 'https://example.com/photo.jpg';
	const page = async (fields: string[]) => {
		const form = await visit(fields);
		const html = await form.nextPage(MINUTE);
		await form.send();
		return { html, execution: await stage.client.finished(form.executionId, WALK_TIMEOUT_MS) };
	};
	const text2image = await page(['Text to image', 'A teapot', '']);
	const image2image = await page(['Image to image', 'The same teapot in the garden', photo]);
	const video = await page(['Image to video', 'Steam rises', photo]);
	const failed = await page(['Text to image', 'A teapot [fail]', '']);
	const seen = [text2image, image2image].map(({ html }) => imagesIn(html).length).join();
	if (seen !== '4,4') throw new Error(`The pages show ${seen} pictures`);
	if (!video.html.includes('.mp4')) throw new Error('The page shows no video');
	if (!failed.html.includes('That did not work')) throw new Error('The page hides the failure');
	return video.execution;
}

async function sendPhoto(stage: Stage, file: string): Promise<Execution> {
	const picture = new Jimp({ width: 600, height: 400, color: 0x2e6e4aff });
	const photo = new Uint8Array(await picture.getBuffer('image/png'));
	const upload = new File([photo], 'photo.png', { type: 'image/png' });
	const { visit } = await publishForm(stage, file);
	const form = await visit(['As a linocut', upload]);
	const shown = imagesIn(await form.nextPage(MINUTE));
	await form.send();
	const execution = await stage.client.finished(form.executionId, WALK_TIMEOUT_MS);
	const [fetched] = stage.emulator.ledger.images;
	if (fetched?.bytes !== photo.length) throw new Error('The provider did not get the photo');
	const [result] = itemsOf(execution, 'Upscale');
	if (!shown.includes(String(result?.json.url))) throw new Error('The result is not shown');
	return execution;
}

/** All items in the output of a node. */
export function itemsOf(execution: Execution, node: string): Item[] {
	return (execution.runs.get(node) ?? []).flatMap(({ outputs }) => outputs.flat());
}
