import { randomUUID } from 'node:crypto';

import { operations } from '../../nodes/Midjourney/operations';
import { offers, RESOURCES } from '../../nodes/Midjourney/operations/operation';
import { allProviders } from '../../nodes/Midjourney/providers';
import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import type { N8nClient } from '../n8n/client';
import { CURRENT_N8N } from '../n8n/install';
import { type JsonObject, object } from '../n8n/json';
import { lastLines } from '../n8n/npm';
import { until } from '../n8n/until';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { MIDJOURNEY, readExample, withCredentials } from '../n8n/workflows';
import { type Browser, findChromium, startBrowser } from './browser';
import { type Described, describedBy } from './described';
import { Editor, type Panel, row } from './editor';
import { picture } from './pictures';

/** n8n's editor as a user sees it, in a real browser, with the built package installed and the emulator as every provider. */

const TEST_TIMEOUT_MS = 120_000;

/** What people who want a picture search for, and the names of the providers. */
const WORDS = [
	...['midjourney', 'ai image', 'generate image', 'text to image', 'picture'],
	...['upscale', 'midapi', 'kie', 'vtrix'],
];

/** What must never be shown in a panel. */
const RAW = /\bundefined\b|\[object |\bNaN\b|is not found|\[ERROR|\[invalid|not supported/i;

const PROMPT = 'A porcelain teapot on a walnut table, soft window light';

/** Without spaces and line breaks: the editor spreads JSON over lines. */
const compact = (text: string): string => text.replace(/\s/g, '');

/** The default size of the emulator's pictures. */
const SIZE = { width: 768, height: 768 };

const OWNER = { email: 'owner@example.com', password: 'Correct-horse-1' };

describe(`The editor of n8n ${CURRENT_N8N}`, () => {
	let n8n: N8nServer;
	let client: N8nClient;
	let emulator: Emulator;
	let browser: Browser;
	let editor: Editor;
	const ids: Record<string, string> = {};

	beforeAll(async () => {
		findChromium();
		// Relaxed tasks end when the test says so.
		emulator = await startEmulator({
			latencyMs: {
				...{ imageRelaxed: Infinity, imageFast: 1000, imageTurbo: 1000 },
				...{ midjourney_diffusion: 1000, midjourney_edit: 1000 },
			},
			callbackRetryPausesMs: [500, 1000, 2000, 4000],
		});
		({ n8n, client } = await startStage(CURRENT_N8N));
		const store = async (name: string, type: string, data: JsonObject) => {
			ids[type] = await client.createCredential(name, type, { apiKey: DEFAULT_API_KEY, ...data });
		};
		await store('MidAPI', 'midApi', { baseUrl: 'other', otherBaseUrl: emulator.url });
		await store('Vtrix', 'vtrixApi', { baseUrl: emulator.url });
		browser = await startBrowser();
		editor = new Editor(browser.page, n8n.url);
		await editor.signIn(OWNER);
		// Until the login, n8n's requests are refused.
		browser.complaints.length = 0;
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		await browser?.close();
		await n8n?.stop();
		await emulator?.close();
	}, TEST_TIMEOUT_MS);

	const credentials = () => ({
		midApi: { id: ids.midApi ?? '', name: 'MidAPI' },
		vtrixApi: { id: ids.vtrixApi ?? '', name: 'Vtrix' },
	});
	const start = {
		...{ id: randomUUID(), name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1 },
		...{ parameters: {}, position: [0, 0] },
	};
	const midjourney = (name: string, parameters: JsonObject) => ({
		...{ id: randomUUID(), name, type: MIDJOURNEY, typeVersion: 1, position: [400, 0] },
		...{ parameters: { authentication: 'midApi', ...parameters }, credentials: credentials() },
	});

	/** The ID of the task that `act` buys. */
	async function boughtBy(act: () => Promise<unknown>): Promise<string> {
		const before = emulator.ledger.submits.length;
		await act();
		const submit = await until(
			'something is bought',
			async () => emulator.ledger.submits[before],
			(found) => found !== undefined,
		).catch((error: unknown) => {
			throw new Error(`${String(error)}\nThe end of n8n's log:\n${lastLines(n8n.log(), 20)}`);
		});
		return submit?.taskId ?? '';
	}

	/** The editor draws its nodes a moment after n8n has saved the execution. */
	async function busyIs(...names: string[]): Promise<void> {
		await until(
			`busy is: ${names.join(', ') || 'nothing'}`,
			async () => (await editor.busy()).join(),
			(busy) => busy === names.join(),
		);
	}

	describe('the list of nodes', () => {
		beforeAll(async () => {
			await editor.newWorkflow();
			await editor.addFirstStep();
		}, TEST_TIMEOUT_MS);

		test.each(WORDS)(
			'"%s" finds the node',
			async (words) => {
				const found = await editor.search(words);
				expect(found.map(({ name }) => name)).toContain('Midjourney');
			},
			TEST_TIMEOUT_MS,
		);

		test(
			'says what the node makes',
			async () => {
				const [first] = await editor.search('midjourney');
				expect(first).toEqual({
					name: 'Midjourney',
					description: expect.stringMatching(/image/i),
				});
			},
			TEST_TIMEOUT_MS,
		);
	});

	test(
		'six clicks and two texts, the search and the prompt, lead from an empty canvas to a picture',
		async () => {
			await editor.newWorkflow();
			editor.clicks = 0;
			await editor.addFirstStep();
			await editor.search('midjourney');
			await editor.pick('Midjourney');
			await editor.unfoldActions();
			await editor.pick('Generate image');
			await editor.enter('prompt', PROMPT);
			await browser.page.keyboard.press('Tab');
			await picture('node', editor.panel);
			await editor.execute();
			const size = await editor.view();
			// One of them unfolds the actions, which n8n folds on an empty canvas for a package that has a trigger.
			expect(editor.clicks).toBe(6);
			expect(size).toEqual(SIZE);
			await picture('result', editor.panel);
		},
		TEST_TIMEOUT_MS,
	);

	describe('the panel', () => {
		let described: Described;

		/** The output of the previous node: an image of a Midjourney node. */
		const ITEM = {
			...{ taskId: 'a08ff49b6f772632716c', jobId: '0e89a11d-2b4a-48e1-12a0-86c41ff0d169' },
			...{ status: 'completed', index: 0, type: 'image', url: 'https://example.com/0.png' },
		};

		beforeAll(async () => {
			const types = await client.nodeTypes();
			described = describedBy(
				object(
					types.find(({ name }) => name === MIDJOURNEY),
					MIDJOURNEY,
				),
			);
			const item = {
				...{ id: randomUUID(), name: 'Item', type: 'n8n-nodes-base.set', typeVersion: 3.4 },
				parameters: { mode: 'raw', jsonOutput: JSON.stringify(ITEM), options: {} },
				position: [200, 0],
			};
			const nodes = [start, item, midjourney('Midjourney', {})];
			await editor.openWorkflow(await client.importWorkflow(row('Panels', nodes)));
			// So that expressions have data.
			await editor.open('Item');
			await editor.execute();
			await editor.see('what the node has put out', editor.output.getByText(ITEM.taskId));
			await editor.closePanel();
			await editor.open('Midjourney');
		}, TEST_TIMEOUT_MS);

		afterAll(async () => await editor?.closePanel());

		/** Expects only texts that are in the description of the node. */
		const expectWords = ({ text, labels, choices, marked }: Panel) => {
			expect(text).not.toMatch(RAW);
			expect(labels.filter((label) => !described.labels.has(label))).toEqual([]);
			const raw = choices.filter(
				({ parameter, shown }) => !described.choices.get(parameter)?.has(shown),
			);
			expect(raw).toEqual([]);
			expect(marked.filter((parameter) => !described.empty.has(parameter))).toEqual([]);
		};

		describe.each(allProviders)('with $displayName', (provider) => {
			const offered = operations.filter((one) => offers(one, provider));

			test(
				'shows the credential of the provider, and lists what the provider offers',
				async () => {
					await editor.choose('authentication', provider.displayName);
					const resources = new Set(offered.map(({ resource }) => RESOURCES[resource]));
					expect((await editor.choices('resource')).sort()).toEqual([...resources].sort());
					const { text } = await editor.readPanel();
					const order = ['Provider', `Credential for ${provider.displayName}`, 'Resource'];
					expect(order.map((label) => text.indexOf(label))).toEqual(
						order.map((label) => text.indexOf(label)).sort((a, b) => a - b),
					);
				},
				TEST_TIMEOUT_MS,
			);

			test.each(offered)(
				'has words for everything of $resource:$operation',
				async ({ resource, name }) => {
					await editor.choose('authentication', provider.displayName);
					await editor.choose('resource', RESOURCES[resource]);
					await editor.choose('operation', name);
					expectWords(await editor.readPanel());
					for (const listed of (await editor.addable()).values()) {
						expect(listed.filter((label) => !described.labels.has(label))).toEqual([]);
					}
				},
				TEST_TIMEOUT_MS,
			);

			test(
				'has a label for everything that can be added to image:generate',
				async () => {
					await editor.choose('authentication', provider.displayName);
					await editor.choose('resource', RESOURCES.image);
					await editor.choose('operation', 'Generate');
					for (const [collection, labels] of await editor.addable()) {
						for (const label of labels) await editor.add(collection, label);
					}
					expectWords(await editor.readPanel());
				},
				2 * TEST_TIMEOUT_MS,
			);
		});
	});

	test(
		'an action of another provider says whose it is and shows no raw value',
		async () => {
			await editor.newWorkflow();
			await editor.addFirstStep();
			await editor.search('midjourney');
			await editor.pick('Midjourney');
			await editor.unfoldActions();
			await editor.pick('Edit image on canvas');
			const { text, choices } = await editor.readPanel();
			expect(text).toContain('Edit is only available with Vtrix');
			expect(choices).toContainEqual({
				parameter: 'operation',
				shown: expect.stringMatching(/^Edit/),
			});
			await editor.closePanel();
		},
		TEST_TIMEOUT_MS,
	);

	test(
		'a run that parks looks like one run, and shows its picture when the task has ended',
		async () => {
			const parameters = { prompt: PROMPT, speed: 'relaxed' };
			const workflowId = await client.importWorkflow(
				row('Parked', [start, midjourney('Generate', parameters)]),
			);
			await editor.openWorkflow(workflowId);
			await editor.open('Generate');
			const taskId = await boughtBy(async () => await editor.execute());
			const parked = async () => {
				const [execution] = await client.executions(workflowId);
				return execution?.status ?? 'not listed';
			};
			await until('the execution is parked', parked, (status) => status === 'waiting');
			// Until it has ended, n8n shows nothing of a resumed node, and in particular no error.
			expect(await editor.panel.innerText()).not.toMatch(/\berror\b|\bproblem\b/i);
			await busyIs('Generate');
			emulator.finish(taskId);
			const size = await editor.view();
			expect(size).toEqual(SIZE);
			// It ran more than once, which must not show.
			expect(await editor.panel.innerText()).not.toMatch(/\bRun\b|\berror\b/i);
			await editor.closePanel();
			await busyIs();
		},
		TEST_TIMEOUT_MS,
	);

	test(
		'a failed task is shown with its ID and with what to do',
		async () => {
			const workflowId = await client.importWorkflow(
				row('Failed', [start, midjourney('Generate', { prompt: `${PROMPT} [fail]` })]),
			);
			await editor.openWorkflow(workflowId);
			await editor.open('Generate');
			await editor.execute();
			const told = await editor.error();
			const { taskId = '' } = emulator.ledger.submits.at(-1) ?? {};
			expect(told).toContain(taskId);
			expect(told).not.toMatch(RAW);
			await editor.closePanel();
		},
		TEST_TIMEOUT_MS,
	);

	describe('Image → Generate', () => {
		beforeAll(async () => {
			const nodes = [start, midjourney('Generate', { prompt: PROMPT })];
			await editor.openWorkflow(await client.importWorkflow(row('Places', nodes)));
			await editor.open('Generate');
		}, TEST_TIMEOUT_MS);

		afterAll(async () => await editor?.closePanel());

		const STYLE = ['Experimental', 'Personalization', 'Style Version'];

		test.each([
			{ provider: 'MidAPI', style: [], additional: [] },
			{ provider: 'Vtrix', style: STYLE, additional: ['HD'] },
		])(
			'offers what $provider takes of the look under Style and References, and HD under Additional Fields',
			async ({ provider, style, additional }) => {
				await editor.choose('authentication', provider);
				const addable = await editor.addable();
				const among = (collection: string, labels: string[]) =>
					(addable.get(collection) ?? []).filter((label) => labels.includes(label));
				expect(among('Style and References', [...STYLE, 'HD'])).toEqual(style);
				expect(among('Additional Fields', [...STYLE, 'HD'])).toEqual(additional);
			},
			TEST_TIMEOUT_MS,
		);

		test.each([
			{ waitMode: 'Auto', titles: ['Wait Options', 'Options'] },
			{ waitMode: "Don't Wait", titles: ['Options'] },
		])(
			'with Wait Mode $waitMode has the collections $titles',
			async ({ waitMode, titles }) => {
				await editor.choose('waitMode', waitMode);
				const { labels } = await editor.readPanel();
				expect(labels.filter((label) => label.endsWith('Options'))).toEqual(titles);
			},
			TEST_TIMEOUT_MS,
		);

		test(
			'asks for a field of the item where the image comes from one, and else for a URL',
			async () => {
				await editor.choose('mode', 'Image to Image');
				const asksFor = async (source: string) => {
					await editor.choose('imageSource', source);
					const { labels } = await editor.readPanel();
					return labels.filter((label) => ['Image URLs', 'Input Data Field Name'].includes(label));
				};
				expect(await asksFor('URL')).toEqual(['Image URLs']);
				expect(await asksFor('Binary Field')).toEqual(['Input Data Field Name']);
				expect(await asksFor('URL')).toEqual(['Image URLs']);
			},
			TEST_TIMEOUT_MS,
		);
	});

	test(
		'a dry run shows the request and the prompt with its flags, and sends nothing',
		async () => {
			const parameters = { authentication: 'vtrix', prompt: PROMPT, aspectRatio: '16:9' };
			const nodes = [start, midjourney('Generate', parameters)];
			await editor.openWorkflow(await client.importWorkflow(row('Dry Run', nodes)));
			await editor.open('Generate');
			await editor.add('Options', 'Dry Run');
			emulator.ledger.clear();
			await editor.execute();
			await editor.see('the hint', editor.output.getByText('nothing was bought').first());
			const shown = compact(await editor.json());
			expect(shown).toContain('"path":"/model/v1/generation"');
			expect(shown).toContain(compact(`"prompt":"${PROMPT} --ar 16:9"`));
			expect(emulator.ledger.calls).toEqual([]);
			await editor.closePanel();
		},
		TEST_TIMEOUT_MS,
	);

	test(
		'a run of more items than Maximum Tasks per Run says how many, and sends nothing',
		async () => {
			const list = ['cup', 'bowl', 'lamp'].map((what) => ({ prompt: `A porcelain ${what}` }));
			const node = (name: string, type: string, typeVersion: number, parameters: JsonObject) => ({
				...{ id: randomUUID(), name, type, typeVersion, position: [200, 0] },
				parameters: { ...parameters, options: {} },
			});
			const workflowId = await client.importWorkflow(
				row('Limited', [
					start,
					node('List', 'n8n-nodes-base.set', 3.4, {
						...{ mode: 'raw', jsonOutput: JSON.stringify({ list }) },
					}),
					node('Items', 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: 'list' }),
					midjourney('Generate', { prompt: '={{ $json.prompt }}' }),
				]),
			);
			await editor.openWorkflow(workflowId);
			await editor.open('Generate');
			await editor.add('Options', 'Maximum Tasks per Run');
			await editor.enter('maxTasks', '2');
			await browser.page.keyboard.press('Tab');
			emulator.ledger.clear();
			await editor.execute();
			const told = await editor.error();
			expect(told).toContain("This run would buy 3 tasks, but 'Maximum Tasks per Run' is 2");
			expect(told).toContain('Nothing was bought');
			expect(told).not.toMatch(RAW);
			expect(emulator.ledger.calls).toEqual([]);
			await editor.closePanel();
		},
		TEST_TIMEOUT_MS,
	);

	test(
		'an edit shows the canvas that it computed',
		async () => {
			const example = await readExample('07-edit-wider-canvas.json');
			const workflowId = await client.importWorkflow(withCredentials(example, credentials()));
			await editor.openWorkflow(workflowId);
			await editor.executeWorkflow();
			const done = async () => (await client.executions(workflowId))[0]?.status ?? 'not listed';
			await until(
				'the example has ended',
				done,
				(status) => status === 'success',
				TEST_TIMEOUT_MS / 2,
			);
			await editor.open('Make It Wider');
			// A square of 768 pixels on a canvas of 16:9.
			expect(compact(await editor.json())).toMatch(/"canvas":\{"width":136\d,"height":768\}/);
			await picture('edit', editor.panel);
			await editor.closePanel();
		},
		TEST_TIMEOUT_MS,
	);

	describe.each([
		{ type: 'midApi', name: 'MidAPI', address: 'otherBaseUrl' },
		{ type: 'vtrixApi', name: 'Vtrix', address: 'baseUrl' },
	])('the test of the credential $name', ({ type, name, address }) => {
		beforeAll(async () => {
			// A separate credential, because the test leaves wrong data in it.
			const own = `${name}, tested`;
			const data = { ...(type === 'midApi' && { baseUrl: 'other' }), [address]: emulator.url };
			await client.createCredential(own, type, { apiKey: DEFAULT_API_KEY, ...data });
			await editor.openCredential(own);
		}, TEST_TIMEOUT_MS);

		test(
			'passes with the right key',
			async () => {
				const green = editor.credential.getByText('tested successfully');
				await editor.see('the green answer', green);
				expect(await green.isVisible()).toBe(true);
			},
			TEST_TIMEOUT_MS,
		);

		test(
			'fails with a wrong key, and says that it is the key',
			async () => {
				await editor.saveCredential({ apiKey: 'wrong' });
				const reason = /^Invalid key: .* API key/;
				expect(await editor.seeWhyNot(reason)).toMatch(reason);
			},
			TEST_TIMEOUT_MS,
		);

		test(
			'fails where nobody answers, and says so',
			async () => {
				await editor.saveCredential({ apiKey: DEFAULT_API_KEY, [address]: 'http://127.0.0.1:1' });
				const reason = /ECONNREFUSED|refused/;
				expect(await editor.seeWhyNot(reason)).toMatch(reason);
			},
			TEST_TIMEOUT_MS,
		);
	});

	test(
		'the Trigger shows its test URL, listens, and passes on what arrives',
		async () => {
			const trigger = {
				...{ id: randomUUID(), name: 'On Task', typeVersion: 1, position: [0, 0] },
				...{ type: `${MIDJOURNEY}Trigger`, webhookId: randomUUID(), credentials: credentials() },
				parameters: { authentication: 'midApi' },
			};
			await editor.openWorkflow(await client.importWorkflow(row('Listening', [trigger])));
			await editor.open('On Task');
			const url = await editor.testUrl();
			expect(url).toBe(`${n8n.url}/webhook-test/${trigger.webhookId}/webhook`);
			await picture('trigger', editor.panel);
			await editor.listen();
			const bought = midjourney('Generate', {
				...{ prompt: PROMPT, waitMode: 'dontWait', options: { triggerUrl: url } },
			});
			const buyer = await client.importWorkflow(row('Buyer', [start, bought]));
			const taskId = await boughtBy(async () => await client.run(buyer, 'Start'));
			await editor.see('what has arrived', editor.output.getByText(taskId).first());
			await editor.closePanel();
		},
		TEST_TIMEOUT_MS,
	);

	test(
		'the tool offers an agent the prompt, and nothing that a model should not decide',
		async () => {
			const panel = await toolPanel();
			expect(panel.text).not.toMatch(RAW);
			expect(panel.labels).toEqual(
				expect.arrayContaining(['Tool Description', 'Prompt', 'Wait Mode']),
			);
			expect(panel.labels).not.toContain('Download Files');
			// That of the prompt.
			expect(await editor.buttonsForModel()).toBe(1);
			await editor.closePanel();
		},
		TEST_TIMEOUT_MS,
	);

	/** Opens the panel of the node as the tool of an agent. */
	async function toolPanel(): Promise<Panel> {
		const to = (node: string, type: string) => ({ [type]: [[{ node, type, index: 0 }]] });
		const agent = {
			...{
				id: randomUUID(),
				name: 'Agent',
				type: '@n8n/n8n-nodes-langchain.agent',
				typeVersion: 3.1,
			},
			parameters: { promptType: 'define', text: 'Paint a cup', options: {} },
			position: [300, 0],
		};
		const tool = { ...midjourney('Painter', {}), type: `${MIDJOURNEY}Tool`, position: [400, 250] };
		const workflowId = await client.importWorkflow({
			...{ name: 'Agent', nodes: [start, agent, tool], settings: { executionOrder: 'v1' } },
			connections: { Start: to('Agent', 'main'), Painter: to('Agent', 'ai_tool') },
		});
		await editor.openWorkflow(workflowId);
		await editor.open('Painter');
		return await editor.readPanel();
	}

	test('the browser reports no error', () => {
		const ours = browser.complaints.filter(
			// Addresses on the internet, which the browser may not reach.
			(complaint) => !complaint.includes('ERR_NAME_NOT_RESOLVED'),
		);
		expect(ours).toEqual([]);
	});
});
