/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/require-node-api-error -- drives a real n8n, it is not a node */
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { type Emulator, type Kind, startEmulator } from '../emulator';
import type { Execution, Item, N8nClient } from '../n8n/client';
import { CURRENT_N8N, OLDER_N8N } from '../n8n/install';
import { inspectMedia } from '../n8n/media';
import { lastLines } from '../n8n/npm';
import { freePort } from '../n8n/process';
import type { N8nServer } from '../n8n/server';
import { say, START_TIMEOUT_MS, startStage } from '../n8n/stage';
import {
	createCredentials,
	exampleFiles,
	impatient,
	MIDJOURNEY,
	readExample,
	triggerOf,
	withCredentials,
} from '../n8n/workflows';

const MINUTE = 60_000;
const RUN_TIMEOUT_MS = 5 * MINUTE;
/** By then the watcher of a stopped execution has asked n8n how that stands. */
const WATCHER_ASKS_MS = 65_000;

/** What each example must buy, to the task, and how many files of which kind its items must carry at the end. */
interface Expectation {
	buys: Kind[];
	/** The node whose items carry the files, their number and their format. */
	node: string;
	files: number;
	type: 'png' | 'mp4';
	/** Runs as it was exported; the others look for results more often, to save the tests minutes. */
	patient?: boolean;
}

const EXPECTED: Record<string, Expectation> = {
	'01-generate-upscale-download.json': {
		buys: ['imageFast', 'upscale', 'upscale'],
		...{ node: 'Upscale', files: 2, type: 'png', patient: true },
	},
	'02-many-prompts.json': {
		buys: ['imageFast', 'imageFast', 'imageFast'],
		...{ node: 'File Names', files: 12, type: 'png' },
	},
	'03-submit-now-wait-later.json': {
		buys: ['imageFast', 'imageFast'],
		...{ node: 'Wait for the Tasks', files: 8, type: 'png' },
	},
	'04-picture-to-video.json': {
		buys: ['extend', 'imageFast', 'video'],
		...{ node: 'Extend', files: 1, type: 'mp4' },
	},
	'05-handle-failed-items.json': {
		buys: ['imageFast', 'imageFast', 'imageFast'],
		...{ node: 'Pictures', files: 8, type: 'png' },
	},
	'06-second-leg.json': {
		buys: ['imageRelaxed', 'imageRelaxed'],
		...{ node: 'All Results', files: 0, type: 'png' },
	},
	'07-edit-wider-canvas.json': {
		buys: ['midjourney_diffusion', 'midjourney_edit', 'midjourney_upscale'],
		...{ node: 'Upscale', files: 1, type: 'png' },
	},
};

test('every example is expected here', async () => {
	expect(await exampleFiles()).toEqual(Object.keys(EXPECTED));
});

describe.each([CURRENT_N8N, OLDER_N8N])('n8n %s', (version) => {
	const apiKey = `key-${randomBytes(12).toString('hex')}`;
	const emulators = new Map<string, Emulator>();
	const executions = new Map<string, Promise<Execution>>();
	let n8n: N8nServer;
	let client: N8nClient;
	let stopping: ReturnType<typeof stopped>;

	/** Makes the end of n8n's log part of what a failed test says. */
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

	/** Imports an example with a credential for this provider and starts it. */
	async function start(
		file: string,
		emulator: Emulator,
		patient = false,
	): Promise<{ workflowId: string; executionId: string }> {
		const data = { apiKey, baseUrl: emulator.url };
		const credentials = await createCredentials(client, data, ` for ${file}`);
		const exported = withCredentials(await readExample(file), credentials);
		const workflow = patient ? exported : impatient(exported);
		const workflowId = await client.importWorkflow(workflow);
		return { workflowId, executionId: await client.run(workflowId, triggerOf(workflow)) };
	}

	/** All workflows run at the same time, each with a provider of its own that nobody else buys from. */
	async function runExample(file: string, emulator: Emulator): Promise<Execution> {
		const begin = Date.now();
		const { executionId } = await start(file, emulator, EXPECTED[file]?.patient);
		const execution = await client.finished(executionId, RUN_TIMEOUT_MS);
		say(`n8n ${version}: ${file} ${execution.status} after ${seconds(begin)}`);
		return execution;
	}

	async function outcomeOf(file: string): Promise<{
		execution: Execution;
		emulator: Emulator;
		expected: Expectation;
	}> {
		const execution = await executions.get(file);
		const emulator = emulators.get(file);
		const expected = EXPECTED[file];
		if (!execution || !emulator || !expected) throw new Error(`${file} was not started`);
		return { execution, emulator, expected };
	}

	/** Stopped while it is parked: how often the provider was asked from then on until a minute was over, and later. */
	async function stopped(): Promise<{ status: string; before: number; after: number }> {
		const emulator = await startEmulator({ apiKey, latencyMs: Infinity });
		emulators.set('stopped', emulator);
		const { executionId } = await start('02-many-prompts.json', emulator);
		while (emulator.ledger.reads.length < 3) await pause(100);
		await client.stopExecution(executionId);
		const { status } = await client.finished(executionId, MINUTE);
		await pause(WATCHER_ASKS_MS);
		const before = emulator.ledger.calls.length;
		await pause(5_000);
		return { status, before, after: emulator.ledger.calls.length };
	}

	beforeAll(async () => {
		({ n8n, client } = await startStage(version, { N8N_LOG_LEVEL: 'debug' }));
		for (const file of Object.keys(EXPECTED)) {
			const emulator = await startEmulator({ apiKey });
			emulators.set(file, emulator);
			const execution = runExample(file, emulator);
			// Its failure is told by the tests that wait for it.
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
	}, RUN_TIMEOUT_MS);

	test('has loaded the node and its credential', async () => {
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
			const test = async (data: Record<string, unknown>) =>
				await client.testCredential(id, 'To be tested', 'midApi', data);
			expect(await test(right)).toMatchObject({ status: 'OK' });
			const wrong = await test({ ...right, apiKey: 'wrong' });
			expect(wrong.status).toBe('Error');
			expect(wrong.message).toMatch(/key/i);
			expect(wrong.message).toMatch(/invalid|not valid|not accept|reject|refuse/i);
		});
	});

	describe('the test of the Vtrix credential', () => {
		async function test(data: { apiKey?: string; baseUrl?: string }) {
			const [emulator] = emulators.values();
			const right = { apiKey, baseUrl: emulator?.url, requestFormat: 'wrapped' };
			const id = await client.createCredential('To be tested', 'vtrixApi', right);
			return await client.testCredential(id, 'To be tested', 'vtrixApi', { ...right, ...data });
		}

		it('lets the right key pass', async () => {
			await withLog(async () => expect(await test({})).toMatchObject({ status: 'OK' }));
		});

		it('does not pass where nobody answers', async () => {
			await withLog(async () => {
				const baseUrl = `http://127.0.0.1:${await freePort()}`;
				expect(await test({ baseUrl })).toMatchObject({ status: 'Error' });
			});
		});

		// An older n8n takes every answer for a good one: see the credential.
		const tellsStatuses = version !== OLDER_N8N;
		const verdict = (message: RegExp) =>
			tellsStatuses
				? { status: 'Error', message: expect.stringMatching(message) as unknown }
				: { status: 'OK' };

		it(tellsStatuses ? 'lets no other key pass' : 'cannot tell another key', async () => {
			await withLog(async () => {
				expect(await test({ apiKey: 'wrong' })).toMatchObject(verdict(/^Invalid key: /));
			});
		});

		it('tells a provider that is down', async () => {
			await withLog(async () => {
				const [emulator] = emulators.values();
				const mend = emulator?.intercept(async ({ path }) =>
					path.endsWith('/n8n-credential-test') ? { status: 503 } : undefined,
				);
				const down = await test({}).finally(() => mend?.());
				const said = tellsStatuses ? /^Vtrix could not answer/ : /is not Vtrix/;
				expect(down).toMatchObject({ status: 'Error', message: expect.stringMatching(said) });
			});
		});

		it('tells a server that is another', async () => {
			await withLog(async () => {
				const [emulator] = emulators.values();
				const mend = emulator?.intercept(async ({ path }) =>
					path.endsWith('/n8n-credential-test') ? { status: 404 } : undefined,
				);
				const other = await test({}).finally(() => mend?.());
				expect(other).toMatchObject({
					status: 'Error',
					message: expect.stringMatching(/is not Vtrix/),
				});
			});
		});

		it('says what is wrong with an address that is none', async () => {
			await withLog(async () => {
				expect(await test({ baseUrl: 'cloud.vtrix.ai' })).toMatchObject({
					status: 'Error',
					message: expect.stringMatching(/^Base URL must begin with https:/),
				});
			});
		});
	});

	describe.each(Object.keys(EXPECTED))('%s', (file) => {
		test(
			'runs to its end',
			async () => {
				await withLog(async () => {
					const { execution } = await outcomeOf(file);
					const { status, error } = execution;
					expect({ status, error }).toEqual({ status: 'success', error: undefined });
				});
			},
			RUN_TIMEOUT_MS,
		);

		test('buys what it should, once', async () => {
			const { emulator, expected } = await outcomeOf(file);
			const { submits } = emulator.ledger;
			expect(submits.map(({ kind }) => kind).sort()).toEqual(expected.buys);
			expect(submits.flatMap(({ unknownFields }) => unknownFields)).toEqual([]);
			expect(submits.flatMap(({ inapplicableFields }) => inapplicableFields)).toEqual([]);
		});

		test('puts out real files with names of their own', async () => {
			await withLog(async () => {
				const { execution, expected } = await outcomeOf(file);
				const files = itemsOf(execution, expected.node).flatMap(({ binary }) => binary.data ?? []);
				expect(files).toHaveLength(expected.files);
				expect(new Set(files.map(({ fileName }) => fileName)).size).toBe(expected.files);
				for (const entry of files) {
					expect(inspectMedia(await client.download(entry)).type).toBe(expected.type);
				}
			});
		});
	});

	test('the failed item leaves by the error output, with the task that failed', async () => {
		const { execution, emulator } = await outcomeOf('05-handle-failed-items.json');
		const [run] = execution.runs.get('Generate') ?? [];
		const failed = run?.outputs[1] ?? [];
		expect(failed).toHaveLength(1);
		const bought = emulator.ledger.submits.find(({ body }) =>
			String(body.prompt).includes('[fail]'),
		);
		expect(failed[0]?.json).toMatchObject({ taskId: bought?.taskId, status: 'failed' });
		expect(failed[0]?.json.errorMessage).toContain(bought?.taskId);
		const [report] = itemsOf(execution, 'What Failed');
		expect(report?.json.prompt).toContain('[fail]');
		expect(report?.json.reason).toContain(bought?.taskId);
	});

	test('every picture still knows the product it was made for', async () => {
		const { execution } = await outcomeOf('02-many-prompts.json');
		const names = itemsOf(execution, 'File Names').map(({ json }) => String(json.fileName));
		const products = ['mug-01', 'lamp-02', 'bag-03'];
		expect(names.sort()).toEqual(
			products.flatMap((sku) => [0, 1, 2, 3].map((index) => `${sku}-${index}.png`)).sort(),
		);
	});

	test(
		'a retry of a failed execution picks up what was paid for',
		async () => {
			const emulator = await startEmulator({ apiKey });
			try {
				await withLog(async () => {
					const mend = emulator.intercept(async ({ path }) =>
						path.endsWith('.png') ? { status: 404 } : undefined,
					);
					const { workflowId, executionId } = await start('02-many-prompts.json', emulator);
					expect(await client.finished(executionId, RUN_TIMEOUT_MS)).toMatchObject({
						status: 'error',
					});
					expect(emulator.ledger.submits).toHaveLength(3);
					mend();
					const retryId = await client.retry(workflowId, executionId);
					const retried = await client.finished(retryId, RUN_TIMEOUT_MS);
					const { status, error } = retried;
					expect({ status, error }).toEqual({ status: 'success', error: undefined });
					const files = itemsOf(retried, 'File Names').flatMap(({ binary }) => binary.data ?? []);
					expect(files).toHaveLength(12);
					expect(emulator.ledger.submits).toHaveLength(3);
				});
			} finally {
				await emulator.close();
			}
		},
		RUN_TIMEOUT_MS,
	);

	test(
		'Stop ends the waiting: within a minute nothing is asked any more',
		async () => {
			await withLog(async () => {
				const { status, before, after } = await stopping;
				expect(status).toBe('canceled');
				expect(after).toBe(before);
			});
		},
		RUN_TIMEOUT_MS,
	);

	test('the API key is nowhere in what n8n keeps or writes', async () => {
		for (const execution of executions.values())
			expect((await execution).raw).not.toContain(apiKey);
		expect(n8n.log()).not.toContain(apiKey);
		const home = join(n8n.userFolder, '.n8n');
		for (const name of (await readdir(home)).filter((entry) => entry.includes('sqlite'))) {
			expect((await readFile(join(home, name))).includes(apiKey)).toBe(false);
		}
	});
});

function itemsOf(execution: Execution, node: string): Item[] {
	return (execution.runs.get(node) ?? []).flatMap(({ outputs }) => outputs.flat());
}

function seconds(begin: number): string {
	return `${((Date.now() - begin) / 1000).toFixed(1)} s`;
}
