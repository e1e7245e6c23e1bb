import type { IDataObject } from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import { providersOf } from '../../nodes/Midjourney/operations/operation';
import { filesIn, read } from '../package/built';
import { DIALECTS } from './dialects';
import { MIDJOURNEY, type Scenario } from './harness';
import { QUICK, useEngine } from './setup';

/** What a run would send, and nothing sent. */

const DRY = { dryRun: true };
const NO_CREDENTIAL = { credentials: {} };
const IMAGE = 'https://example.com/teapot.png';

/** What the fields of all operations need, besides the task that they work on. */
const ENTERED: IDataObject = {
	prompt: 'a teapot',
	imageUrls: IMAGE,
	imageUrl: IMAGE,
	motion: 'low',
	mask: 'json',
	// The picture that Upload Paint works on is not there to be measured.
	additionalFields: { imageWidth: 1024, imageHeight: 1024 },
	model: 'midjourney_reroll',
	parameters: '={ "jobId": "{{ $json.jobId }}" }',
};

const rows = operations.flatMap((operation) =>
	operation.does === 'submit'
		? providersOf(operation).map(
				({ name }) => [`${operation.resource} → ${operation.operation}`, name, operation] as const,
			)
		: [],
);

describe('Every operation', () => {
	const bench = useEngine();

	it.each(rows)(
		'%s with %s shows what it then sends, and sends nothing',
		async (_, authentication, { resource, operation }) => {
			// What is made longer is a video; everything else works on images.
			const ofVideo = resource === 'video' && operation === 'extend';
			const made = await bench.run({
				parameters: {
					...ENTERED,
					...{ authentication, resource: ofVideo ? 'video' : 'image', operation: 'generate' },
					waitOptions: QUICK,
					options: { outputItems: 'output' },
				},
			});
			const source = made.items[0]?.json ?? {};
			const { taskId } = source;
			const parameters = { ...ENTERED, authentication, resource, operation, taskId };
			bench.emulator.ledger.clear();

			const shown = await bench.run({
				parameters: { ...parameters, options: DRY },
				items: [source],
			});
			expect(shown.error).toBeUndefined();
			expect(bench.emulator.ledger.submits).toEqual([]);
			const [{ json } = { json: {} as IDataObject }] = shown.items;
			expect(json).toMatchObject({
				...{ taskId: null, status: 'dryRun', valid: true, tasksInRun: 1 },
				...{ provider: authentication, operation: `${resource}:${operation}` },
			});

			const done = await bench.run({
				parameters: { ...parameters, waitOptions: QUICK },
				items: [source],
			});
			expect(done.error).toBeUndefined();
			const [{ path, body } = { path: '', body: {} }] = bench.emulator.ledger.submits;
			expect(json.request).toEqual({ method: 'POST', path, body });
			const { prompt, canvas, imagePosition } = done.items[0]?.json ?? {};
			// These ask for none; what was made has that of its source.
			const asksForNone = ['upscale', 'run'].includes(operation);
			expect(json.prompt).toEqual(asksForNone ? undefined : prompt);
			expect([json.canvas, json.imagePosition]).toEqual([canvas, imagePosition]);
		},
		30_000,
	);

	it.each(rows)(
		'%s with %s needs no credential and asks nobody',
		async (_, authentication, { resource, operation }) => {
			const source = { taskId: 't-1', jobId: 'j-1', index: 0, url: IMAGE };
			const parameters = { ...ENTERED, authentication, resource, operation, options: DRY };
			const { items, error } = await bench.run({
				parameters,
				items: [source],
				settings: NO_CREDENTIAL,
			});
			expect(error).toBeUndefined();
			expect(items[0]?.json).toMatchObject({
				...{ status: 'dryRun', valid: true },
				request: { method: 'POST', path: expect.any(String), body: expect.any(Object) },
			});
			expect(bench.emulator.ledger.calls).toEqual([]);
		},
	);
});

describe('In no way is anything bought', () => {
	const bench = useEngine();
	const MODES = ['auto', 'callback', 'poll', 'dontWait'];

	it.each(rows)('by %s with %s', async (_, authentication, { resource, operation }) => {
		const source = { taskId: 't-1', jobId: 'j-1', index: 0, url: IMAGE };
		for (const type of [MIDJOURNEY, `${MIDJOURNEY}Tool`]) {
			for (const waitMode of MODES) {
				const { status } = await bench.run({
					parameters: { ...ENTERED, authentication, resource, operation, waitMode, options: DRY },
					items: [source, {}],
					settings: { type, retryOnFail: true, maxTries: 2, waitBetweenTries: 1 },
				});
				expect([type, waitMode, status]).toEqual([type, waitMode, 'success']);
			}
		}
		const { calls } = bench.emulator.ledger;
		expect(calls.filter(({ method }) => method !== 'GET')).toEqual([]);
	});
});

describe.each(DIALECTS)('With $displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const dry = async (
		parameters: IDataObject = {},
		scenario: Partial<Scenario> = {},
		options: IDataObject = DRY,
	) =>
		await bench.generate(
			{ prompt: '={{ $json.prompt }}', ...parameters, options },
			{ items: [{ prompt: 'a cup' }, { prompt: 'a bowl' }], ...scenario },
		);
	const calls = () => bench.emulator.ledger.calls;

	it('gives an item for each item, paired with it', async () => {
		const { items } = await dry();
		expect(items.map(({ json, pairedItem }) => [json.prompt, pairedItem])).toEqual([
			['a cup', { item: 0 }],
			['a bowl', { item: 1 }],
		]);
		expect(items.map(({ json }) => json.tasksInRun)).toEqual([2, 2]);
		expect(calls()).toEqual([]);
	});

	it('gives an item for each permutation', async () => {
		const { items } = await dry(
			{ additionalFields: { allowPermutations: true } },
			{ items: [{ prompt: 'a {red, green} bird' }, { prompt: 'a cup' }] },
		);
		expect(items.map(({ json, pairedItem }) => [json.prompt, pairedItem])).toEqual([
			['a red bird', { item: 0 }],
			['a green bird', { item: 0 }],
			['a cup', { item: 1 }],
		]);
		expect(items[0]?.json.tasksInRun).toBe(3);
	});

	it.each([['stopWorkflow'], ['continueRegularOutput'], ['continueErrorOutput']] as const)(
		'says in the item what does not fit, and fails nothing: %s',
		async (onError) => {
			const { items, status } = await dry(
				{},
				{ items: [{ prompt: '' }, { prompt: 'a cup' }], settings: { onError } },
			);
			expect(status).toBe('success');
			expect(items.map(({ json }) => [json.valid, json.errorMessage])).toEqual([
				[false, "'Prompt' is empty [item 0]"],
				[true, undefined],
			]);
			expect(items[0]?.json).not.toHaveProperty('request');
			expect(items[1]?.json.tasksInRun).toBe(1);
			expect(calls()).toEqual([]);
		},
	);

	it('says in every item that there are too many', async () => {
		const { items, status } = await dry({}, {}, { ...DRY, maxTasks: 1 });
		expect(status).toBe('success');
		expect(items.map(({ json }) => [json.valid, json.errorMessage])).toEqual(
			Array(2).fill([false, "This run would buy 2 tasks, but 'Maximum Tasks per Run' is 1"]),
		);
	});

	it('parks nothing, whatever the wait mode', async () => {
		for (const waitMode of ['auto', 'callback', 'poll', 'dontWait']) {
			const { items, status } = await dry({ waitMode });
			expect([waitMode, status, items.length]).toEqual([waitMode, 'success', 2]);
		}
		expect(calls()).toEqual([]);
	});

	it('holds no callback address', async () => {
		const { items } = await dry({ waitMode: 'callback' }, { n8nUrl: 'https://n8n.example.com' });
		expect(JSON.stringify(items)).not.toContain('n8n.example.com');
	});

	it.each<[string, unknown, number]>([
		['={{ $json.test }}', true, 0],
		['={{ $json.test }}', 'true', 0],
		['={{ $json.test }}', false, 2],
	])('is decided by an expression: %s of %j', async (dryRun, test, submits) => {
		const items = ['a cup', 'a bowl'].map((prompt) => ({ prompt, test })) as IDataObject[];
		const { error } = await dry({}, { items }, { dryRun });
		expect(error).toBeUndefined();
		expect(bench.emulator.ledger.submits).toHaveLength(submits);
	});

	it.each([
		['has no value', undefined, /'Dry Run' is empty/],
		['has another value', 'perhaps', /'Dry Run' must be true or false, not “perhaps”/],
	])('lets nothing be bought where its expression %s', async (_, test, message) => {
		const items = [test === undefined ? { prompt: 'a cup' } : { prompt: 'a cup', test }];
		const { error } = await dry({}, { items }, { dryRun: '={{ $json.test }}' });
		expect(error?.message).toMatch(message);
		expect(calls()).toEqual([]);
	});

	it.each([
		['stopWorkflow', 'error', 0],
		['continueRegularOutput', 'success', 2],
	] as const)('is for all items or for none: %s', async (onError, status, count) => {
		const result = await dry(
			{},
			{
				items: [
					{ prompt: 'a cup', test: true },
					{ prompt: 'a bowl', test: false },
				],
				settings: { onError },
			},
			{ dryRun: '={{ $json.test }}' },
		);
		const said = result.error?.message ?? result.items[0]?.json.errorMessage;
		expect([result.status, result.items.length]).toEqual([status, count]);
		expect(said).toMatch(/'Dry Run' is on for some items and off for others/);
		expect(calls()).toEqual([]);
	});

	it('tells a model that there is no picture, and not to call again', async () => {
		const settings = { type: `${MIDJOURNEY}Tool` };
		const { items } = await dry({}, { settings });
		expect(items[0]?.json.message).toMatch(/nothing was submitted or bought.*Do not call it again/);
		expect(calls()).toEqual([]);
	});

	it('goes through a chain: what is missing is said to come of the dry run before', async () => {
		const first = await dry({}, { items: [{ prompt: 'a cup' }] });
		const second = await bench.run({
			parameters: {
				...{ resource: 'image', operation: 'upscale', index: 0 },
				...{ taskId: '={{ $json.taskId }}', jobId: '={{ $json.jobId }}', options: DRY },
			},
			items: [first.items[0]?.json ?? {}],
		});
		expect(second.items[0]?.json).toMatchObject({
			valid: false,
			errorDescription: expect.stringMatching(/itself from a dry run/),
		});
	});

	it('leaves the memory of what was bought alone', async () => {
		const scenario = { items: [{ prompt: 'a cup' }] };
		await dry({}, scenario);
		await dry({}, scenario, {});
		expect(bench.emulator.ledger.submits).toHaveLength(1);
	});

	it('still wants a credential without it', async () => {
		const { error } = await dry({}, { settings: NO_CREDENTIAL }, {});
		expect(error?.message).toMatch(/credential/i);
	});
});

describe('What is looked up at Vtrix', () => {
	const [vtrix] = DIALECTS.filter(({ name }) => name === 'vtrix');
	const bench = useEngine({}, vtrix);
	const EDIT = {
		resource: 'image',
		operation: 'edit',
		prompt: 'a study',
		canvasAspectRatio: '16:9',
	};

	it('is named where it is not known without a credential', async () => {
		const { items } = await bench.run({
			parameters: { ...EDIT, taskId: 't-1', jobId: '', index: 1, options: DRY },
			settings: NO_CREDENTIAL,
		});
		const { json } = items[0] ?? { json: {} as IDataObject };
		expect(json).toMatchObject({ valid: true });
		expect(json.notKnown).toEqual([
			expect.stringMatching(/^The job ID/),
			expect.stringMatching(/^The size of the image/),
			expect.stringMatching(/^Whether the source task fits/),
		]);
		expect(json).not.toHaveProperty('canvas');
	});

	it('has the form that the account has turned out to understand', async () => {
		await bench.emulate({ vtrix: { body: 'flat' } });
		const parameters = { resource: 'image', operation: 'generate', prompt: 'a lamp' };
		const dry = async () => await bench.run({ parameters: { ...parameters, options: DRY } });
		const buy = async () => await bench.run({ parameters: { ...parameters, options: QUICK } });
		const before = await dry();
		expect(before.items[0]?.json.request).toMatchObject({ body: { input: expect.any(Array) } });
		await buy();
		const after = await dry();
		await buy();
		const [, { path, body } = { path: '', body: {} }] = bench.emulator.ledger.submits;
		expect(after.items[0]?.json.request).toEqual({ method: 'POST', path, body });
	});

	it('is looked up with one: the canvas is as it would be sent', async () => {
		const made = await bench.run({
			parameters: {
				resource: 'image',
				operation: 'generate',
				prompt: 'a lamp',
				waitOptions: QUICK,
			},
		});
		const { taskId } = made.items[0]?.json ?? {};
		const { items } = await bench.run({
			parameters: { ...EDIT, taskId, jobId: '', index: 1, options: DRY },
		});
		expect(items[0]?.json).toMatchObject({
			canvas: { width: expect.any(Number), height: expect.any(Number) },
			imagePosition: { x: expect.any(Number) },
		});
		expect(items[0]?.json).not.toHaveProperty('notKnown');
		expect(bench.emulator.ledger.submits).toHaveLength(1);
	});

	it('says what does not fit of the task', async () => {
		const { items, status } = await bench.run({
			parameters: { ...EDIT, taskId: 'gone-1', jobId: '', index: 1, options: DRY },
		});
		expect(status).toBe('success');
		expect(items[0]?.json).toMatchObject({
			valid: false,
			errorMessage: expect.stringMatching(/Vtrix does not know the task/),
		});
	});
});

interface ExampleNode {
	name: string;
	type: string;
	parameters: IDataObject;
}

/** Something for every expression of the examples. */
const INPUT: IDataObject = {
	...{ prompt: 'a teapot', Prompt: 'a teapot', style: 'as an etching', banner: 'on a wide table' },
	...{ taskId: 't-1', jobId: 'j-1', index: 0, url: IMAGE, photo: IMAGE, 'Image URL': IMAGE },
	...{ Format: '1:1', Picture: 1, data: { Picture: 1 }, order: 7 },
	variants: [{ taskId: 't-1', jobId: 'j-1', index: 0 }],
};

const buying = filesIn(['examples'], '.json').flatMap((file) =>
	(JSON.parse(read(file)) as { nodes: ExampleNode[] }).nodes
		.filter(({ type, parameters: { resource, operation } }) => {
			const found = operations.find(
				(one) => one.resource === resource && one.operation === operation,
			);
			return type.startsWith(MIDJOURNEY) && found?.does === 'submit';
		})
		.map((node) => [file.replace('examples/', ''), node.name, node] as const),
);

/** Without the other nodes of its workflow, what it takes from them comes in. */
const standingAlone = (parameters: IDataObject): IDataObject =>
	JSON.parse(
		JSON.stringify(parameters)
			.replace(/\$\('[^']+'\)\.first\(\)\.json/g, '$json')
			.replace(/\$fromAI\([^)]*\)/g, '$json.prompt'),
	) as IDataObject;

/** What a visitor uploads into a form. */
const UPLOAD = { Photo: { data: '/9j/4A==', mimeType: 'image/jpeg', fileName: 'photo.jpg' } };

describe('The examples, switched to Dry Run', () => {
	const bench = useEngine();

	it('names a photo that is missing', async () => {
		const found = buying.find(([file]) => file.startsWith('16-'));
		if (!found) throw new Error('There is no such example');
		const [, , { type, parameters }] = found;
		const entered = standingAlone(parameters);
		const { items } = await bench.engine.run({
			parameters: { ...entered, options: { ...(entered.options as IDataObject), ...DRY } },
			items: [INPUT],
			settings: { type, ...NO_CREDENTIAL },
		});
		expect(items[0]?.json).toMatchObject({
			valid: false,
			errorMessage: expect.stringMatching(/has no binary field 'Photo'/) as unknown,
		});
	});

	it('are all there', () => {
		expect(new Set(buying.map(([file]) => file)).size).toBeGreaterThanOrEqual(13);
	});

	it.each(buying)('%s: %s shows what it would buy', async (_, __, { type, parameters }) => {
		const entered = standingAlone(parameters);
		const { items, error } = await bench.engine.run({
			parameters: { ...entered, options: { ...(entered.options as IDataObject), ...DRY } },
			items: [INPUT, INPUT],
			files: [UPLOAD, UPLOAD],
			settings: { type, ...NO_CREDENTIAL },
		});
		expect(error).toBeUndefined();
		expect(items.map(({ json }) => [json.valid, json.errorMessage, json.tasksInRun])).toEqual(
			Array(2).fill([true, undefined, 2]),
		);
		expect(bench.emulator.ledger.calls).toEqual([]);
	});
});
