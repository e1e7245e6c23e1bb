import { randomUUID } from 'node:crypto';

import type { INodeProperties } from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import { offers, RESOURCES } from '../../nodes/Midjourney/operations/Operation';
import { propertiesOf } from '../../nodes/Midjourney/operations/properties';
import { allProviders } from '../../nodes/Midjourney/providers';
import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import type { N8nClient } from '../n8n/client';
import { CURRENT_N8N } from '../n8n/install';
import type { JsonObject } from '../n8n/json';
import { until } from '../n8n/parking';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { MIDJOURNEY } from '../n8n/workflows';
import { type Browser, findChromium, startBrowser } from './browser';
import { Editor, type Panel, row } from './editor';
import { picture } from './pictures';

/** n8n's editor as a user sees it, in a real browser, with the built package installed and the emulator as every provider. */

const TEST_TIMEOUT_MS = 120_000;

/** What people look for who want a picture; the provider's names, too. */
const WORDS = [
	...['midjourney', 'ai image', 'generate image', 'text to image', 'picture'],
	...['upscale', 'midapi', 'kie', 'vtrix'],
];

/** What is never to be read in a panel. */
const RAW =
	/\bundefined\b|\[object |\bNaN\b|is not found|Could not|\[ERROR|\[invalid|not supported/i;

const PROMPT = 'A porcelain teapot on a walnut table, soft window light';

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
		// Until now n8n has asked who this is.
		browser.complaints.length = 0;
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		await browser?.close();
		await n8n?.stop();
		await emulator?.close();
	}, TEST_TIMEOUT_MS);

	const credentials = () => ({
		midApi: { id: ids.midApi, name: 'MidAPI' },
		vtrixApi: { id: ids.vtrixApi, name: 'Vtrix' },
	});
	const start = {
		...{ id: randomUUID(), name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1 },
		...{ parameters: {}, position: [0, 0] },
	};
	const midjourney = (name: string, parameters: JsonObject) => ({
		...{ id: randomUUID(), name, type: MIDJOURNEY, typeVersion: 1, position: [400, 0] },
		...{ parameters: { authentication: 'midApi', ...parameters }, credentials: credentials() },
	});

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
				await picture('search', browser.page);
			},
			TEST_TIMEOUT_MS,
		);
	});

	test(
		'five clicks lead from an empty canvas to a picture, besides writing what to search and what to paint',
		async () => {
			await editor.newWorkflow();
			editor.clicks = 0;
			await editor.addFirstStep();
			await editor.search('midjourney');
			await editor.pick('Midjourney');
			await editor.pick('Generate image');
			await editor.enter('prompt', PROMPT);
			await picture('node', browser.page);
			await editor.execute();
			const size = await editor.view();
			expect(editor.clicks).toBe(5);
			expect(size).toEqual({ width: 1024, height: 1024 });
			await picture('result', browser.page);
		},
		TEST_TIMEOUT_MS,
	);
});
