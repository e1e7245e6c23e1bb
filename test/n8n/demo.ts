/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, no-console -- a command line program, not a node */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';

import { startEmulator } from '../emulator/server';
import { type Execution, N8nClient } from './client';
import { CURRENT_N8N, installN8n, OLDER_N8N } from './install';
import { isObject, text } from './json';
import { inspectMedia } from './media';
import { buildPackage, packPackage, ROOT } from './pack';
import { startN8n } from './server';
import {
	createCredentials,
	exampleFiles,
	withQuickReads,
	MIDJOURNEY,
	readExample,
	successorsOf,
	triggerOf,
	withCredentials,
	type Workflow,
} from './workflows';

const HELP = `npm run demo -- [options]

Starts a real n8n with this package and the workflows of examples/, runs the first of them (generate, upscale,
download) and leaves the editor open until Ctrl-C. Everything is emulated and free, unless MIDAPI_API_KEY is set.

  --once           end after the run; exit code 0 only if it succeeded and the files are real images
  --yes            do not ask before spending money (only with MIDAPI_API_KEY)
  --n8n <version>  ${CURRENT_N8N} (default) or ${OLDER_N8N}
  --help

  MIDAPI_API_KEY          use the real provider with this key instead of the emulator
  MIDAPI_BASE_URL         its address, if not the usual one
  MIDJOURNEY_CACHE_DIR    where n8n is installed`;

/** What the first example buys; the end-to-end tests count it. */
const FIRST = { file: '01-generate-upscale-download.json', buys: '1 generation and 2 upscales' };
const EMULATOR_KEY = 'demo-key';
const OWNER_EMAIL = 'owner@example.com';
/** n8n's default port; another one is used if it is taken. */
const USUAL_PORT = 5678;
const OUTPUT = join(ROOT, 'output');
const RUN_TIMEOUT_MS = { emulator: 5 * 60_000, provider: 45 * 60_000 };
const DEFAULT_BASE_URL = 'https://api.midapi.ai';

/** Ends or deletes what was started, the last first. */
const cleanups: Array<() => Promise<void>> = [];
let cleaning: Promise<void> | undefined;

/** Ends everything that was started, once. */
async function cleanUp(): Promise<void> {
	cleaning ??= (async () => {
		for (const cleanup of cleanups.reverse()) await cleanup().catch(report);
	})();
	await cleaning;
}

/** Gives the exit code. */
async function main(): Promise<number> {
	const { values } = parseArgs({
		options: {
			once: { type: 'boolean', default: false },
			yes: { type: 'boolean', default: false },
			n8n: { type: 'string', default: CURRENT_N8N },
			help: { type: 'boolean', short: 'h', default: false },
		},
	});
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	if (values.n8n !== CURRENT_N8N && values.n8n !== OLDER_N8N) {
		throw new Error(`--n8n must be ${CURRENT_N8N} or ${OLDER_N8N}, not "${values.n8n}"`);
	}

	const real = realProvider();
	if (real && !(await consents(real, values.yes))) return 1;

	step(`n8n ${values.n8n}`);
	const installation = await installN8n(values.n8n, detail);
	done(`installed, runs on Node ${installation.nodeVersion}`);

	step('Building and packing this package');
	const packFolder = await mkdtemp(join(tmpdir(), 'midjourney-pack-'));
	cleanups.push(async () => await rm(packFolder, { recursive: true, force: true }));
	await buildPackage();
	const tarball = await packPackage(packFolder);
	done(relative(packFolder, tarball));

	const provider = real ?? (await startOwnProvider());

	step('Starting n8n with the package installed as a community node');
	const n8n = await startN8n({
		installation,
		tarball,
		preferredPort: USUAL_PORT,
		// Lets us, and the editor's list of executions, see how far a run is.
		env: { EXECUTIONS_DATA_SAVE_ON_PROGRESS: 'true' },
	});
	cleanups.push(n8n.stop);
	done(n8n.url);

	step('Importing the credential and the workflows of examples/');
	const client = new N8nClient(n8n.url);
	const password = `Demo-${randomBytes(6).toString('hex')}`;
	await client.setUpOwner({ email: OWNER_EMAIL, password });
	const credential = { apiKey: provider.apiKey, baseUrl: provider.baseUrl };
	// The emulator stands for every provider; a real key is one of MidAPI.
	const credentials = await createCredentials(client, credential, '', real && ['midApi']);
	const { id = '' } = credentials.midApi ?? {};
	const test = await client.testCredential(id, 'MidAPI', 'midApi', credential);
	if (test.status !== 'OK') throw new Error(`The credential's test says: ${test.message}`);
	const workflows = new Map<string, { id: string; workflow: Workflow }>();
	for (const file of await exampleFiles()) {
		const asExported = withCredentials(await readExample(file), credentials);
		const workflow = real ? asExported : withQuickReads(asExported);
		workflows.set(file, { id: await client.importWorkflow(workflow), workflow });
	}
	done(`the credential works, ${workflows.size} workflows`);

	const first = workflows.get(FIRST.file);
	if (!first) throw new Error(`examples/${FIRST.file} is missing`);
	step(`Running "${first.workflow.name}"`);
	const execution = await runAndTell(client, first.id, first.workflow, real !== undefined);
	const succeeded = await showResults(client, execution);
	if (real) detail(`balance now: ${await balance(real)} credits`);

	if (!values.once) {
		console.log(`
The editor is open:  ${n8n.url}/workflow/${first.id}
  e-mail             ${OWNER_EMAIL}
  password           ${password}
${
	real
		? 'Every run of a workflow there buys tasks from the real provider.'
		: `The provider is emulated (${provider.baseUrl}): try whatever you like, nothing costs money.`
}
Ctrl-C ends n8n and forgets what was changed in it.`);
		exitCode = succeeded ? 0 : 1;
		await new Promise<void>((resolve) => cleanups.push(async () => resolve()));
	}
	return succeeded ? 0 : 1;
}

interface ProviderAccess {
	apiKey: string;
	baseUrl: string;
}

/** The real provider, if a key for it is in the environment. */
function realProvider(): ProviderAccess | undefined {
	const apiKey = process.env.MIDAPI_API_KEY;
	if (!apiKey) return undefined;
	const baseUrl = process.env.MIDAPI_BASE_URL || DEFAULT_BASE_URL;
	return { apiKey, baseUrl: baseUrl.replace(/\/+$/, '') };
}

/** Says what will be bought, and asks for consent. */
async function consents(real: ProviderAccess, yes: boolean): Promise<boolean> {
	console.log(
		`MIDAPI_API_KEY is set: this run buys ${FIRST.buys} from ${real.baseUrl}, at the prices of your account there.\n` +
			`Balance now: ${await balance(real)} credits. (Unset MIDAPI_API_KEY for the free emulator.)`,
	);
	if (yes) return true;
	if (!process.stdin.isTTY) {
		console.error('Nobody is there to say yes: add --yes to go on.');
		return false;
	}
	const terminal = createInterface({ input: process.stdin, output: process.stdout });
	const answer = await terminal.question('Go on and spend it? [y/N] ');
	terminal.close();
	return /^y(es)?$/i.test(answer.trim());
}

/** The credits left. Throws an Error with the provider's message if it gives none. */
async function balance({ apiKey, baseUrl }: ProviderAccess): Promise<number> {
	let words = '';
	// kie.ai has it at the second path.
	for (const path of ['/api/v1/common/credit', '/api/v1/chat/credit']) {
		const headers = { authorization: `Bearer ${apiKey}` };
		const answer = await fetch(baseUrl + path, { headers }).catch(() => undefined);
		if (!answer) throw new Error(`${baseUrl} cannot be reached`);
		const body: unknown = await answer.json().catch(() => undefined);
		if (isObject(body) && typeof body.data === 'number') return body.data;
		words = isObject(body) && typeof body.msg === 'string' ? body.msg : `HTTP ${answer.status}`;
		if (answer.status !== 404) break;
	}
	throw new Error(`${baseUrl} does not tell the balance: ${words}`);
}

async function startOwnProvider(): Promise<ProviderAccess> {
	step('Starting the emulated provider');
	const emulator = await startEmulator({ apiKey: EMULATOR_KEY });
	cleanups.push(async () => await emulator.close());
	done(emulator.url);
	return { apiKey: EMULATOR_KEY, baseUrl: emulator.url };
}

/** Runs a workflow and prints a line whenever a Midjourney node has submitted, and whenever one is done. */
async function runAndTell(
	client: N8nClient,
	id: string,
	workflow: Workflow,
	real: boolean,
): Promise<Execution> {
	const midjourney = workflow.nodes.filter(({ type }) => type === MIDJOURNEY);
	const since = new Map<string, number>();
	const told = new Set<string>();
	const tell = ({ status, runs }: Execution) => {
		const next = [...runs.keys()].flatMap((name) => successorsOf(workflow, name));
		for (const name of midjourney.map((node) => text(node.name, 'name of a node'))) {
			if (!since.has(name) && (runs.has(name) || next.includes(name))) {
				since.set(name, Date.now());
				detail(`… ${name}: submitted, waiting for the provider to paint`);
			}
			// A parked node has run, too.
			const follows = successorsOf(workflow, name).some((one) => runs.has(one));
			if (told.has(name) || !(follows || status === 'success')) continue;
			told.add(name);
			const items = runs.get(name)?.at(-1)?.outputs.flat().length ?? 0;
			const seconds = (Date.now() - (since.get(name) ?? Date.now())) / 1000;
			detail(`✔ ${name}: ${items} items after ${seconds.toFixed(1)} s`);
		}
	};
	const executionId = await client.run(id, triggerOf(workflow));
	const timeLimit = real ? RUN_TIMEOUT_MS.provider : RUN_TIMEOUT_MS.emulator;
	const execution = await client.finished(executionId, timeLimit, tell);
	done(`execution ${execution.id}: ${execution.status}`);
	if (execution.error) detail(execution.error);
	return execution;
}

/** Saves the files of the last Midjourney node, prints a table of them, and gives whether all is as it should be. */
async function showResults(client: N8nClient, execution: Execution): Promise<boolean> {
	const items = [...execution.runs.values()]
		.flat()
		.flatMap((run) => run.outputs.flat())
		.filter((item) => item.binary.data !== undefined);
	await mkdir(OUTPUT, { recursive: true });
	const rows = [['task', 'index', 'file', 'size', 'pixels']];
	let allReal = items.length > 0;
	for (const { json, binary } of items) {
		if (!binary.data) continue;
		const bytes = await client.download(binary.data);
		const path = join(OUTPUT, binary.data.fileName);
		await writeFile(path, bytes);
		let pixels: string;
		try {
			const { type, width, height } = inspectMedia(bytes);
			pixels = `${width}×${height} ${type}`;
		} catch (error) {
			allReal = false;
			pixels = `NOT AN IMAGE: ${error instanceof Error ? error.message : String(error)}`;
		}
		rows.push([
			String(json.taskId),
			String(json.index ?? ''),
			relative(process.cwd(), path),
			`${(bytes.length / 1024).toFixed(0)} KB`,
			pixels,
		]);
	}
	console.log(`\n${table(rows)}\n\nThe files are in ${OUTPUT}`);
	if (!allReal) console.log('No real pictures came out.');
	return allReal && execution.status === 'success';
}

function table(rows: string[][]): string {
	const widths = rows[0]?.map((_, column) =>
		Math.max(...rows.map((row) => row[column]?.length ?? 0)),
	);
	return rows
		.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths?.[at] ?? 0)).join('  ')}`.trimEnd())
		.join('\n');
}

let begun = Date.now();

function step(what: string): void {
	begun = Date.now();
	console.log(`▸ ${what} …`);
}

function detail(line: string): void {
	console.log(`    ${line.trim()}`);
}

function done(result: string): void {
	console.log(`  ${result} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
}

function report(error: unknown): void {
	console.error(`\n${error instanceof Error ? error.message : String(error)}`);
}

/** That of an interrupted run until the result is known. */
let exitCode = 130;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	// Not once: npm passes on a Ctrl-C that the terminal has sent us already.
	process.on(signal, () => {
		if (cleaning === undefined) console.log('\nEnding n8n …');
		void cleanUp().then(() => process.exit(exitCode));
	});
}
main()
	.catch((error: unknown) => {
		report(error);
		return 1;
	})
	.then(async (code) => {
		await cleanUp();
		process.exit(code);
	})
	.catch(report);
