/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/require-node-api-error -- drives a real n8n, it is not a node */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { type Emulator, type EmulatorOptions, startEmulator } from '../emulator';
import type { Execution, N8nClient } from '../n8n/client';
import { CURRENT_N8N, LAST_N8N_1, OLDER_N8N } from '../n8n/install';
import { type Mailbox, startMailbox } from '../n8n/mailbox';
import { inspectMedia } from '../n8n/media';
import { lastLines } from '../n8n/npm';
import { freePort } from '../n8n/process';
import type { N8nServer } from '../n8n/server';
import { say, START_TIMEOUT_MS, startStage } from '../n8n/stage';
import {
	askByMail,
	itemsOf,
	type Stage,
	start,
	WALK_TIMEOUT_MS,
	walkThrough,
	type Walkthrough,
	WALKTHROUGHS,
} from '../scenarios/walkthroughs';
import { exampleFiles, MIDJOURNEY, readExample, triggerOf } from '../n8n/workflows';

const MINUTE = 60_000;
/** By then the watcher of a stopped execution has asked n8n for its status. */
const WATCHER_ASKS_MS = 65_000;

test('every example is expected here', async () => {
	expect(await exampleFiles()).toEqual(Object.keys(WALKTHROUGHS));
});

describe.each([CURRENT_N8N, OLDER_N8N, LAST_N8N_1])('n8n %s', (version) => {
	const apiKey = `key-${randomBytes(12).toString('hex')}`;
	const emulators = new Map<string, Emulator>();
	const executions = new Map<string, Promise<Execution>>();
	const examples = Object.entries(WALKTHROUGHS).filter(
		([, { only }]) => only === undefined || only.includes(version),
	);
	let n8n: N8nServer;
	let client: N8nClient;
	let mailbox: Mailbox;
	let folder: string;
	let stopping: ReturnType<typeof stopped>;

	/** A stage with a provider of its own, which runs until the tests of this n8n are over. */
	async function stageFor(name: string, provider?: EmulatorOptions): Promise<Stage> {
		const emulator = await startEmulator({ apiKey, ...provider });
		emulators.set(name, emulator);
		return { client, n8n, apiKey, emulator, mailbox, folder };
	}

	/** Adds the end of n8n's log to the error of a failed test. */
	async function withLog(check: () => Promise<void>): Promise<void> {
		try {
			await check();
		} catch (error) {
			if (error instanceof Error) {
				const log = n8n.log().replace(/^.* \| debug \| .*\n/gm, '');
				error.message += `\n\nThe end of the log of n8n ${version}:\n${lastLines(log, 30)}`;
			}
			throw error;
		}
	}

	/** Runs an example. All of them run at the same time. */
	async function runExample(file: string, { provider }: Walkthrough): Promise<Execution> {
		const begin = Date.now();
		const execution = await walkThrough(await stageFor(file, provider), file);
		say(`n8n ${version}: ${file} ${execution.status} after ${seconds(begin)}`);
		return execution;
	}

	async function outcomeOf(file: string): Promise<{
		execution: Execution;
		emulator: Emulator;
		expected: Walkthrough;
	}> {
		const execution = await executions.get(file);
		const emulator = emulators.get(file);
		const { [file]: expected } = WALKTHROUGHS;
		if (!execution || !emulator || !expected) throw new Error(`${file} was not started`);
		return { execution, emulator, expected };
	}

	/** Stops a parked execution; gives its status, and the reads within a minute and after it. */
	async function stopped(): Promise<{ status: string; before: number; after: number }> {
		const stage = await stageFor('stopped', { latencyMs: Infinity });
		const { emulator } = stage;
		const { executionId } = await start(stage, '02-many-prompts.json');
		while (emulator.ledger.reads.length < 3) await pause(100);
		await client.stopExecution(executionId);
		const { status } = await client.finished(executionId, MINUTE);
		await pause(WATCHER_ASKS_MS);
		const before = emulator.ledger.calls.length;
		await pause(5_000);
		return { status, before, after: emulator.ledger.calls.length };
	}

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'midjourney-files-'));
		mailbox = await startMailbox();
		({ n8n, client } = await startStage(version, {
			N8N_LOG_LEVEL: 'debug',
			N8N_RESTRICT_FILE_ACCESS_TO: folder,
		}));
		for (const [file, walkthrough] of examples) {
			const execution = runExample(file, walkthrough);
			// The tests that wait for it report its failure.
			execution.catch(() => undefined);
			executions.set(file, execution);
		}
		stopping = stopped();
		stopping.catch(() => undefined);
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		await Promise.allSettled(executions.values());
		await n8n?.stop();
		for (const emulator of emulators.values()) await emulator.close();
		await mailbox?.close();
		await rm(folder, { recursive: true, force: true });
	}, WALK_TIMEOUT_MS);

	test('loads the node and its credential', async () => {
		await withLog(async () => {
			const nodes = await client.nodeTypes();
			expect(nodes.map(({ name }) => name)).toContain(MIDJOURNEY);
			const credential = (await client.credentialTypes()).find(({ name }) => name === 'midApi');
			expect(credential?.supportedNodes).toContain(MIDJOURNEY);
		});
	});

	test('lets the right key pass the test of the credential, and no other', async () => {
		await withLog(async () => {
			const [emulator] = emulators.values();
			const right = { apiKey, baseUrl: emulator?.url };
			const id = await client.createCredential('To be tested', 'midApi', right);
			const tried = async (data: Record<string, unknown>) =>
				await client.testCredential(id, 'To be tested', 'midApi', data);
			expect(await tried(right)).toMatchObject({ status: 'OK' });
			const wrong = await tried({ ...right, apiKey: 'wrong' });
			expect(wrong.status).toBe('Error');
			expect(wrong.message).toMatch(/key/i);
			expect(wrong.message).toMatch(/invalid|not valid|not accept|reject|refuse/i);
		});
	});

	describe('the test of the Vtrix credential', () => {
		async function tried(data: { apiKey?: string; baseUrl?: string }) {
			const [emulator] = emulators.values();
			const right = { apiKey, baseUrl: emulator?.url, requestFormat: 'wrapped' };
			const id = await client.createCredential('To be tested', 'vtrixApi', right);
			return await client.testCredential(id, 'To be tested', 'vtrixApi', { ...right, ...data });
		}

		it('lets the right key pass', async () => {
			await withLog(async () => expect(await tried({})).toMatchObject({ status: 'OK' }));
		});

		it('fails where nobody answers', async () => {
			await withLog(async () => {
				const baseUrl = `http://127.0.0.1:${await freePort()}`;
				expect(await tried({ baseUrl })).toMatchObject({ status: 'Error' });
			});
		});

		// An older n8n accepts any answer: see the credential.
		const tellsStatuses = version === CURRENT_N8N;
		const verdict = (message: RegExp) =>
			tellsStatuses
				? { status: 'Error', message: expect.stringMatching(message) as unknown }
				: { status: 'OK' };

		it(tellsStatuses ? 'lets no other key pass' : 'cannot tell another key', async () => {
			await withLog(async () => {
				expect(await tried({ apiKey: 'wrong' })).toMatchObject(verdict(/^Invalid key: /));
			});
		});

		it('says that a provider is down', async () => {
			await withLog(async () => {
				const [emulator] = emulators.values();
				const mend = emulator?.intercept(async ({ path }) =>
					path.endsWith('/n8n-credential-test') ? { status: 503 } : undefined,
				);
				const down = await tried({}).finally(() => mend?.());
				const said = tellsStatuses ? /^Vtrix could not answer/ : /is not Vtrix/;
				expect(down).toMatchObject({ status: 'Error', message: expect.stringMatching(said) });
			});
		});

		it('says that a server is not the provider', async () => {
			await withLog(async () => {
				const [emulator] = emulators.values();
				const mend = emulator?.intercept(async ({ path }) =>
					path.endsWith('/n8n-credential-test') ? { status: 404 } : undefined,
				);
				const other = await tried({}).finally(() => mend?.());
				expect(other).toMatchObject({
					status: 'Error',
					message: expect.stringMatching(/is not Vtrix/),
				});
			});
		});

		it('says what is wrong with an invalid address', async () => {
			await withLog(async () => {
				expect(await tried({ baseUrl: 'cloud.vtrix.ai' })).toMatchObject({
					status: 'Error',
					message: expect.stringMatching(/^Base URL must start with https:/),
				});
			});
		});
	});

	describe.each(examples)('%s', (file, { files }) => {
		test(
			'runs to its end',
			async () => {
				await withLog(async () => {
					const { execution } = await outcomeOf(file);
					const { status, error } = execution;
					expect({ status, error }).toEqual({ status: 'success', error: undefined });
				});
			},
			WALK_TIMEOUT_MS,
		);

		test('buys exactly what it should', async () => {
			const { emulator, expected } = await outcomeOf(file);
			const { submits } = emulator.ledger;
			expect(submits.map(({ kind }) => kind).sort()).toEqual(expected.buys);
			expect(submits.flatMap(({ unknownFields }) => unknownFields)).toEqual([]);
			expect(submits.flatMap(({ inapplicableFields }) => inapplicableFields)).toEqual([]);
		});

		if (files === undefined) return;
		test('gives real files with different names', async () => {
			await withLog(async () => {
				const { execution } = await outcomeOf(file);
				const found = itemsOf(execution, files.node).flatMap(({ binary }) => binary.data ?? []);
				expect(found).toHaveLength(files.count);
				expect(new Set(found.map(({ fileName }) => fileName)).size).toBe(files.count);
				for (const entry of found) {
					expect(inspectMedia(await client.download(entry)).type).toBe(files.type);
				}
			});
		});
	});

	test('a prompt that contradicts a field goes to the error output and costs nothing', async () => {
		const { execution, emulator } = await outcomeOf('05-handle-failed-items.json');
		const [run] = execution.runs.get('Generate') ?? [];
		const failed = run?.outputs[1] ?? [];
		expect(failed).toHaveLength(1);
		expect(failed[0]?.json.taskId).toBeNull();
		expect(failed[0]?.json.errorMessage).toMatch(/Aspect Ratio.*--ar|--ar.*Aspect Ratio/);
		const prompts = emulator.ledger.submits.map(({ params }) => String(params.prompt));
		expect(prompts.filter((prompt) => prompt.includes('--ar'))).toEqual([]);
		const [report] = itemsOf(execution, 'What Failed');
		expect(report?.json.prompt).toContain('--ar 16:9');
		expect(report?.json.reason).toBe(failed[0]?.json.errorMessage);
	});

	if (WALKTHROUGHS['14-agent-with-approval.json']?.only?.includes(version)) {
		test(
			'a tool call that a person declines buys nothing',
			async () => {
				await withLog(async () => {
					const stage = await stageFor('declined');
					const file = '14-agent-with-approval.json';
					const { status, error } = await askByMail(stage, file, 'decline');
					expect({ status, error }).toEqual({ status: 'success', error: undefined });
					expect(stage.emulator.ledger.submits).toEqual([]);
				});
			},
			WALK_TIMEOUT_MS,
		);
	}

	test('a dry run shows what would be bought, without a credential', async () => {
		await withLog(async () => {
			const example = await readExample('01-generate-upscale-download.json');
			const workflow = {
				...example,
				nodes: example.nodes.map(({ credentials, ...node }) =>
					credentials === undefined
						? node
						: {
								...node,
								parameters: { ...(node.parameters as object), options: { dryRun: true } },
							},
				),
			};
			const workflowId = await client.importWorkflow(workflow);
			const executionId = await client.run(workflowId, triggerOf(workflow));
			const execution = await client.finished(executionId, MINUTE);
			expect([execution.status, execution.error]).toEqual(['success', undefined]);
			expect(itemsOf(execution, 'Generate').map(({ json }) => json)).toMatchObject([
				{
					...{ status: 'dryRun', valid: true, taskId: null, tasksInRun: 1 },
					request: { method: 'POST', path: '/api/v1/mj/generate', body: { aspectRatio: '16:9' } },
				},
			]);
			expect(itemsOf(execution, 'Upscale').map(({ json }) => json)).toMatchObject([
				{ valid: false, errorDescription: expect.stringMatching(/itself from a dry run/) },
			]);
		});
	});

	test('every picture is paired with the product it was made for', async () => {
		const { execution } = await outcomeOf('02-many-prompts.json');
		const names = itemsOf(execution, 'File Names').map(({ json }) => String(json.fileName));
		const products = ['mug-01', 'lamp-02', 'bag-03'];
		expect(names.sort()).toEqual(
			products.flatMap((sku) => [0, 1, 2, 3].map((index) => `${sku}-${index}.png`)).sort(),
		);
	});

	test(
		'a retry of a failed execution picks up what was bought',
		async () => {
			await withLog(async () => {
				const stage = await stageFor('retried');
				const { emulator } = stage;
				const mend = emulator.intercept(async ({ path }) =>
					path.endsWith('.png') ? { status: 404 } : undefined,
				);
				const { workflowId, executionId } = await start(stage, '02-many-prompts.json');
				expect(await client.finished(executionId, WALK_TIMEOUT_MS)).toMatchObject({
					status: 'error',
				});
				expect(emulator.ledger.submits).toHaveLength(3);
				mend();
				const retryId = await client.retry(workflowId, executionId);
				const retried = await client.finished(retryId, WALK_TIMEOUT_MS);
				const { status, error } = retried;
				expect({ status, error }).toEqual({ status: 'success', error: undefined });
				const files = itemsOf(retried, 'File Names').flatMap(({ binary }) => binary.data ?? []);
				expect(files).toHaveLength(12);
				expect(emulator.ledger.submits).toHaveLength(3);
			});
		},
		WALK_TIMEOUT_MS,
	);

	test(
		'Stop ends the waiting, and all reads within a minute',
		async () => {
			await withLog(async () => {
				const { status, before, after } = await stopping;
				expect(status).toBe('canceled');
				expect(after).toBe(before);
			});
		},
		WALK_TIMEOUT_MS,
	);

	test('the API key is nowhere in what n8n stores or logs', async () => {
		for (const execution of executions.values())
			expect((await execution).raw).not.toContain(apiKey);
		expect(n8n.log()).not.toContain(apiKey);
		const home = join(n8n.userFolder, '.n8n');
		for (const name of (await readdir(home)).filter((entry) => entry.includes('sqlite'))) {
			expect((await readFile(join(home, name))).includes(apiKey)).toBe(false);
		}
	});
});

function seconds(begin: number): string {
	return `${((Date.now() - begin) / 1000).toFixed(1)} s`;
}
