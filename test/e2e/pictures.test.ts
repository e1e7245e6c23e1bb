import { createHash, randomUUID } from 'node:crypto';

import { Jimp } from 'jimp';

import { DEFAULT_API_KEY, type Emulator, startEmulator } from '../emulator';
import type { Execution, N8nClient } from '../n8n/client';
import { sendForm } from '../n8n/forms';
import { CURRENT_N8N, LAST_N8N_1, OLDER_N8N } from '../n8n/install';
import type { JsonObject } from '../n8n/json';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { until } from '../n8n/until';
import { createCredentials, MIDJOURNEY } from '../n8n/workflows';

const RUN_TIMEOUT_MS = 90_000;

/** A form with an upload, a node that makes something of it, what waits for that, and an upscale of the first result. */
const workflowOf = (
	provider: 'midApi' | 'vtrix',
	edit: JsonObject,
	credentials: JsonObject,
	waits: boolean,
) => {
	const webhookId = randomUUID();
	const node = (name: string, type: string, typeVersion: number, parameters: JsonObject) => ({
		...{ id: randomUUID(), name, type, typeVersion, parameters, position: [0, 0] },
		...(type === MIDJOURNEY && { credentials }),
	});
	const midjourney = (name: string, parameters: JsonObject) =>
		node(name, MIDJOURNEY, 1, {
			...{ authentication: provider, download: false },
			...{ waitOptions: { firstCheck: 0.5 }, options: { outputItems: 'task' } },
			...parameters,
		});
	const form = node('Form', 'n8n-nodes-base.formTrigger', 2.2, {
		formTitle: 'Your picture',
		formFields: {
			values: [
				{ fieldLabel: 'Prompt', fieldType: 'text', requiredField: true },
				{
					fieldLabel: 'Photo',
					fieldType: 'file',
					multipleFiles: false,
					acceptFileTypes: '.png',
					requiredField: true,
				},
			],
		},
		options: {},
	});
	const nodes = [
		{ ...form, webhookId },
		midjourney('Edit', {
			...{ prompt: '={{ $json.Prompt }}', resource: 'image' },
			...{ imageSource: 'binary', binaryPropertyName: 'Photo' },
			...edit,
		}),
		...(waits ? [] : [midjourney('Wait', { resource: 'task', operation: 'wait' })]),
		midjourney('Upscale', {
			...{ resource: 'image', operation: 'upscale', index: 0 },
			download: true,
		}),
	];
	const names = nodes.map(({ name }) => name);
	return {
		webhookId,
		workflow: {
			name: `Pictures ${webhookId}`,
			nodes,
			connections: Object.fromEntries(
				names
					.slice(1)
					.map((name, at) => [names[at], { main: [[{ node: name, type: 'main', index: 0 }]] }]),
			),
			settings: { executionOrder: 'v1' },
		},
	};
};

const IMAGE_TO_IMAGE = { operation: 'generate', mode: 'imageToImage' };
const UPLOAD_PAINT = {
	operation: 'uploadPaint',
	...{ canvasMode: 'fit', canvasFit: 'aspectRatio', canvasAspectRatio: '16:9', anchor: 'center' },
	...{ mask: 'json', maskJson: '[{ "x": 0, "y": 0, "width": 600, "height": 600 }]' },
};

interface Way {
	version: string;
	env?: Record<string, string>;
	/** How n8n is set up; in the name of the tests. */
	setUp: string;
	/** By which way a picture gets to a provider that takes uploads, and to one that does not (undefined: none). */
	withUploads: 'n8n' | 'upload';
	without?: 'n8n';
}

const FILES = { N8N_DEFAULT_BINARY_DATA_MODE: 'filesystem' };
const WAYS: Way[] = [
	{ version: CURRENT_N8N, setUp: 'as it comes', withUploads: 'n8n', without: 'n8n' },
	{ version: OLDER_N8N, setUp: 'as it comes', withUploads: 'n8n', without: 'n8n' },
	{ version: LAST_N8N_1, setUp: 'with files', env: FILES, withUploads: 'n8n', without: 'n8n' },
	{ version: LAST_N8N_1, setUp: 'as it comes, in memory', withUploads: 'upload' },
];

describe.each(WAYS)('A picture from a form, n8n $version $setUp', (way) => {
	let n8n: N8nServer;
	let client: N8nClient;
	let emulator: Emulator;
	let photo: Buffer;

	beforeAll(async () => {
		const picture = new Jimp({ width: 700, height: 700, color: 0x1f5a8cff });
		photo = await picture.getBuffer('image/png');
		({ n8n, client } = await startStage(way.version, way.env));
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		await n8n?.stop();
	});

	beforeEach(async () => {
		emulator = await startEmulator({ latencyMs: [300, 1000], fetchesImages: true });
	});

	afterEach(async () => await emulator.close());

	async function visit(
		provider: 'midApi' | 'vtrix',
		edit: JsonObject,
		{ uploads = false, waits = true, type = 'image/png' } = {},
	): Promise<Execution> {
		const data = {
			...{ apiKey: DEFAULT_API_KEY, baseUrl: emulator.url },
			...(uploads && { fileUploadUrl: emulator.url }),
		};
		const credentialType = provider === 'midApi' ? 'midApi' : 'vtrixApi';
		const credentials = await createCredentials(client, data, ` ${randomUUID()}`, [credentialType]);
		const { webhookId, workflow } = workflowOf(provider, edit, credentials, waits);
		const id = await client.importWorkflow(workflow);
		await client.activate(id);
		const content = type === 'image/png' ? photo : Buffer.from('%PDF-1.7 …');
		const upload = new File([new Uint8Array(content)], 'My photo.png', { type });
		await sendForm(n8n, webhookId, ['a teapot', upload]);
		const [begun] = await until(
			'the form has begun an execution',
			async () => await client.executions(id),
			({ length }) => length > 0,
		);
		return await client.finished(begun?.id ?? '', RUN_TIMEOUT_MS);
	}

	const itemOf = (execution: Execution, node: string) =>
		execution.runs.get(node)?.at(-1)?.outputs[0]?.[0];

	/** It was fetched as it was uploaded into the form, edited and upscaled, and nothing gave its address away. */
	function expectUpscaled(execution: Execution, via: 'n8n' | 'upload') {
		expect(execution.error).toBeUndefined();
		expect(execution).toMatchObject({ status: 'success' });
		const { submits, images, uploads } = emulator.ledger;
		expect(submits).toHaveLength(2);
		const sha256 = createHash('sha256').update(photo).digest('hex');
		expect(images).toMatchObject([{ status: 200, sha256 }]);
		expect(uploads.map((upload) => upload.sha256)).toEqual(via === 'upload' ? [sha256] : []);
		expect(itemOf(execution, 'Edit')?.json.imagesVia).toBe(via);
		const upscaled = itemOf(execution, 'Upscale');
		expect(upscaled?.json).toMatchObject({ status: 'completed', operation: 'image:upscale' });
		expect(Object.keys(upscaled?.binary ?? {})).toHaveLength(1);
		const shown = JSON.stringify([...execution.runs.values()]);
		expect(shown).not.toContain('binary-data/signed?token');
	}

	test(
		'is made into others and upscaled, where the provider takes uploads',
		async () => {
			const execution = await visit('midApi', IMAGE_TO_IMAGE, { uploads: true });
			expectUpscaled(execution, way.withUploads);
		},
		RUN_TIMEOUT_MS,
	);

	test(
		'is uploaded when the node does not wait',
		async () => {
			const edit = { ...IMAGE_TO_IMAGE, waitMode: 'dontWait' };
			const execution = await visit('midApi', edit, { uploads: true, waits: false });
			expectUpscaled(execution, 'upload');
		},
		RUN_TIMEOUT_MS,
	);

	test(
		way.without
			? 'is painted on a wider canvas and upscaled, where the provider takes no uploads'
			: 'is refused with a reason, where the provider takes no uploads',
		async () => {
			const execution = await visit('vtrix', UPLOAD_PAINT);
			if (way.without) return expectUpscaled(execution, way.without);
			expect(execution.error).toMatch(/“this n8n keeps binary data in memory”/);
			expect(emulator.ledger.submits).toEqual([]);
		},
		RUN_TIMEOUT_MS,
	);

	test(
		'that is a PDF is refused, and nothing is bought',
		async () => {
			const execution = await visit('midApi', IMAGE_TO_IMAGE, { type: 'application/pdf' });
			expect(execution.error).toMatch(/the file in Photo is application\/pdf/);
			expect(emulator.ledger.submits).toEqual([]);
		},
		RUN_TIMEOUT_MS,
	);
});
