/* eslint-disable @n8n/community-nodes/no-restricted-imports -- compiles the package, it is not a node */
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type { INodeProperties, INodePropertyOptions, INodeType } from 'n8n-workflow';

import type { Http } from '../../nodes/Midjourney/providers/http';
import type { Provider, TaskRequest } from '../../nodes/Midjourney/providers/provider';
import { Copy, recipe } from './recipes';

/** CONTRIBUTING.md says which files a new field, operation or provider touches: each recipe is applied to a copy and run. */

interface Recipe {
	heading: string;
	/** The files that the recipe names. */
	files: string[];
}

const FIELD: Recipe = {
	heading: 'A new field',
	files: [
		'operations/image/generate.ts',
		'providers/language.ts',
		'providers/midApi.ts',
		'providers/provider.ts',
	],
};
const OPERATION: Recipe = {
	heading: 'A new operation',
	files: [
		'operations/image/blend.ts',
		'operations/index.ts',
		'providers/midApi.ts',
		'providers/provider.ts',
		'providers/vtrix.ts',
		'test/wire/midApi.ts',
	],
};
const PROVIDER: Recipe = {
	heading: 'A new provider',
	files: ['providers/example.ts', 'providers/index.ts', 'providers/provider.ts'],
};

let copy: Copy;
let complaints: string[];

const load = (path: string): unknown =>
	createRequire(join(copy.folder, 'x.js'))(`./dist/nodes/Midjourney/${path}.js`);
const providerOf = (name: string) =>
	(load(`providers/${name}`) as Record<string, Provider>)[name] as Provider;
const described = () =>
	new (load('Midjourney.node') as { Midjourney: new () => INodeType }).Midjourney().description;

/** `resource:operation` of everything that the panel offers with a provider. */
const offeredWith = (provider: string): string[] =>
	described()
		.properties.filter(
			({ name, displayOptions }) =>
				name === 'operation' && displayOptions?.show?.authentication?.includes(provider) === true,
		)
		.flatMap(({ displayOptions, options }) =>
			(options as INodePropertyOptions[])
				.filter((option) => option.displayOptions === undefined)
				.map(({ value }) => `${String(displayOptions?.show?.resource?.[0])}:${String(value)}`),
		);

/** The body that a provider sends for a request. */
async function bodyOf(provider: Provider, request: TaskRequest): Promise<unknown> {
	let body: unknown;
	const http: Http = {
		...{ baseUrl: 'https://api.example.com', account: 'account', callbackKey: 'key' },
		webhookSecrets: [],
		async send(call) {
			body = { path: call.path, ...call.body };
			return { ok: true, value: { status: 200, body: { code: 200, data: { taskId: 't' } } } };
		},
	};
	await provider.submit(http, request);
	return body;
}

describe.each([FIELD, OPERATION, PROVIDER])('The recipe: $heading', ({ heading, files }) => {
	beforeAll(() => {
		copy = new Copy();
		for (const step of recipe(heading)) copy.apply(step);
		complaints = copy.compile();
	}, 60_000);

	afterAll(() => copy.remove());

	it('touches the files that it names, and compiles', () => {
		expect(complaints).toEqual([]);
		const touched = recipe(heading).map(({ path }) => path.replace('nodes/Midjourney/', ''));
		expect([...new Set(touched)].sort()).toEqual(files);
	});

	const image = { kind: 'generateImage', mode: 'textToImage', prompt: 'a cup' } as const;
	// Only the copy has this field.
	const request: TaskRequest = Object.assign({ ...image }, { stop: 80 });

	if (heading === FIELD.heading) {
		it('brings the field into the panel', () => {
			const collection = described().properties.find(
				({ name, displayOptions: { show = {} } = {} }) =>
					name === 'style' &&
					show.operation?.includes('generate') === true &&
					show.resource?.includes('image') === true &&
					show.authentication?.includes('vtrix') === true,
			);
			expect((collection?.options as INodeProperties[]).map(({ name }) => name)).toContain('stop');
		});

		it('makes the field a flag for Midjourney, and does not send it to a provider without it', async () => {
			expect(JSON.stringify(await bodyOf(providerOf('vtrix'), request))).toContain('--stop 80');
			expect(await bodyOf(providerOf('midApi'), request)).not.toHaveProperty('stop');
		});
	}

	if (heading === OPERATION.heading) {
		it('brings the operation into the panel of its provider alone', () => {
			expect(offeredWith('midApi')).toContain('image:blend');
			expect(offeredWith('vtrix')).not.toContain('image:blend');
		});

		it('sends the request that it describes', async () => {
			const blend = { kind: 'blendImages', imageUrls: ['https://a.bc/1.png'], aspectRatio: '1:1' };
			expect(await bodyOf(providerOf('midApi'), blend as unknown as TaskRequest)).toEqual({
				path: '/api/v1/mj/blend',
				fileUrls: ['https://a.bc/1.png'],
				aspectRatio: '1:1',
			});
		});
	}

	if (heading === PROVIDER.heading) {
		it('brings the provider into the panel, with its credential and its operations', () => {
			expect(described().credentials?.map(({ name }) => name)).toContain('exampleApi');
			expect(offeredWith('example').sort()).toEqual(['image:generate', 'task:get', 'task:wait']);
		});

		it('submits and reads', async () => {
			const example = providerOf('example');
			const sent: unknown[] = [];
			const http: Http = {
				...{ baseUrl: 'https://api.example.com', account: 'account', callbackKey: 'key' },
				webhookSecrets: [],
				async send(call) {
					sent.push(call);
					const body =
						call.method === 'POST'
							? { job: 'j1' }
							: { state: 'done', images: ['https://example.com/1.png'] };
					return { ok: true, value: { status: call.method === 'POST' ? 201 : 200, body } };
				},
			};
			const cup = { kind: 'generateImage', mode: 'textToImage', prompt: 'a cup' } as const;
			const submitted = await example.submit(http, { ...cup, aspectRatio: '16:9' }, 'https://c');
			expect(submitted).toEqual({ ok: true, value: 'j1' });
			expect(sent).toEqual([
				{ method: 'POST', path: '/jobs', body: { text: 'a cup --ar 16:9', hook: 'https://c' } },
			]);
			expect(await example.read(http, 'j1')).toMatchObject({
				ok: true,
				value: { taskId: 'j1', status: 'completed', outputs: [{ index: 0, type: 'image' }] },
			});
		});
	}
});
