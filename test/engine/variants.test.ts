import type { IDataObject } from 'n8n-workflow';

import type { EmulatorOptions, Reaction, Submit } from '../emulator';
import { DIALECTS } from './dialects';
import type { Scenario } from './harness';
import { QUICK, useEngine } from './setup';

/**
 * Each documented variant of a provider, with each position of its switch, and each operation that it is about: what is accepted
 * is what was wanted, each task is bought once, and at most one request of the process is in vain.
 */

const bench = useEngine();

const COUNT = 20;
const IMAGE = 'https://example.com/teapot.png';

/** What a table of runs says of one of them. */
interface Variant {
	options: EmulatorOptions;
	/** What is entered; undefined: the field is untouched. */
	choice?: string | number;
	/** How many requests are in vain; undefined: the choice is the wrong one, and nothing is bought. */
	inVain?: number;
	/** What items say of the form. */
	form?: string;
}

/** Every POST that a provider got and made no task of. */
function vain(): number {
	const { calls, submits } = bench.emulator.ledger;
	return calls.filter(({ method }) => method === 'POST').length - submits.length;
}

/** A finished task with four images, made in whatever form: nothing is learned by it. */
async function sourceTask(
	authentication: string,
	{ vtrix }: EmulatorOptions,
): Promise<IDataObject> {
	const requestFormat = vtrix?.body === 'flat' ? 'flat' : 'wrapped';
	const { items, error } = await bench.generate(
		{ authentication, prompt: 'a teapot' },
		{ credentials: { requestFormat } },
	);
	if (error) throw new Error(error.message);
	bench.emulator.ledger.clear();
	const { taskId, jobId = null } = items[0]?.json ?? {};
	return { taskId, jobId };
}

/** Twenty images to work on: the four of a task, five times, beginning with the first. */
const images = (source: IDataObject): IDataObject[] =>
	Array.from({ length: COUNT }, (_, place) => ({ ...source, index: place % 4 }));

const OF_ITEM = {
	taskId: '={{ $json.taskId }}',
	jobId: '={{ $json.jobId }}',
	index: '={{ $json.index }}',
};

/** Runs it twice, as two executions of one process. */
async function twice(scenario: Scenario) {
	const first = await bench.run({ ...scenario, executionId: '1' });
	const second = await bench.run({ ...scenario, executionId: '2' });
	return { first, second, items: [...first.items, ...second.items].map(({ json }) => json) };
}

/** What each item wanted, and what was bought for it. */
const indexes = (submits: readonly Submit[]) => submits.map(({ source }) => source?.index).sort();

async function expectAsWanted(scenario: Scenario, { inVain, form }: Variant, ofImages: boolean) {
	const { first, second, items } = await twice(scenario);
	const { submits } = bench.emulator.ledger;
	if (inVain === undefined) {
		expect([first.status, second.status, submits.length]).toEqual(['error', 'error', 0]);
		return;
	}
	expect([first.error?.message, second.error?.message]).toEqual([undefined, undefined]);
	expect([submits.length, vain()]).toEqual([2 * COUNT, inVain]);
	expect(new Set(items.map(({ taskId }) => taskId)).size).toBe(2 * COUNT);
	expect(items.map(({ status }) => status)).toEqual(Array(2 * COUNT).fill('completed'));
	expect(items.map(({ requestForm }) => requestForm)).toEqual(Array(2 * COUNT).fill(form));
	expect(submits.flatMap(({ unknownFields }) => unknownFields)).toEqual([]);
	if (!ofImages) return;
	const wanted = Array.from({ length: 2 * COUNT }, (_, place) => place % 4).sort();
	expect(indexes(submits)).toEqual(wanted);
	// Not only each image as often as it was wanted, but each for the item that wanted it.
	const made = new Map(submits.map(({ taskId, source }) => [taskId, source?.index]));
	expect(items.map(({ taskId }) => made.get(String(taskId)))).toEqual(
		Array.from({ length: 2 * COUNT }, (_, place) => place % 4),
	);
}

describe('MidAPI: the path of an upscale', () => {
	const at = (upscalePath: 'generateUpscale' | 'upscale' | 'both', noPath?: 'framework') => ({
		upscalePath,
		...(noPath && { noPath }),
	});
	const quickstart = 'quickstart';
	const ROWS: Array<[string, Variant]> = [
		['both paths, untouched', { options: at('both'), inVain: 0 }],
		['the reference, untouched', { options: at('generateUpscale'), inVain: 0 }],
		['the reference, Auto', { options: at('generateUpscale'), choice: 'auto', inVain: 0 }],
		[
			'the reference, Reference',
			{ options: at('generateUpscale'), choice: 'reference', inVain: 0 },
		],
		['the reference, Quickstart', { options: at('generateUpscale'), choice: quickstart }],
		['the quickstart, untouched', { options: at('upscale'), inVain: 1, form: quickstart }],
		[
			'the quickstart, Auto',
			{ options: at('upscale'), choice: 'auto', inVain: 1, form: quickstart },
		],
		[
			'the quickstart, Auto, and a framework that names the path',
			{ options: at('upscale', 'framework'), choice: 'auto', inVain: 1, form: quickstart },
		],
		['the quickstart, Reference', { options: at('upscale'), choice: 'reference' }],
		['the quickstart, Quickstart', { options: at('upscale'), choice: quickstart, inVain: 0 }],
	];

	it.each(ROWS)('%s', async (_, variant) => {
		await bench.emulate(variant.options);
		const source = await sourceTask('midApi', variant.options);
		const { choice } = variant;
		const parameters = {
			...{ resource: 'image', operation: 'upscale', ...OF_ITEM, waitOptions: QUICK },
			additionalFields: choice === undefined ? {} : { upscaleContract: choice },
		};
		await expectAsWanted({ parameters, items: images(source) }, variant, true);
	});

	it('the page of anyone in between proves nothing: no other form is tried, nothing is bought', async () => {
		await bench.emulate({ upscalePath: 'upscale', noPath: 'page' });
		const source = await sourceTask('midApi', {});
		const { error } = await bench.run({
			parameters: { resource: 'image', operation: 'upscale', ...OF_ITEM },
			items: images(source),
		});
		expect(error?.description).toMatch(/choose Auto as Upscale Contract; .* Quickstart/);
		const posts = bench.emulator.ledger.calls.filter(({ method }) => method === 'POST');
		expect(posts.map(({ path }) => path)).toEqual(['/api/v1/mj/generateUpscale']);
	});
});

describe('MidAPI: the first image of a variation', () => {
	const from = (varyIndexBase: 0 | 1) => ({ varyIndexBase });
	const ROWS: Array<[string, Variant]> = [
		['from 0, untouched', { options: from(0), inVain: 0 }],
		['from 0, Auto', { options: from(0), choice: 'auto', inVain: 0 }],
		['from 0, 0', { options: from(0), choice: 0, inVain: 0 }],
		['from 1, untouched', { options: from(1), inVain: 1, form: 'indexFrom1' }],
		['from 1, Auto', { options: from(1), choice: 'auto', inVain: 1, form: 'indexFrom1' }],
		['from 1, 1', { options: from(1), choice: 1, inVain: 0 }],
	];

	const vary = (choice: Variant['choice']) => ({
		...{ resource: 'image', operation: 'vary', ...OF_ITEM, waitOptions: QUICK },
		additionalFields: choice === undefined ? {} : { varyIndexBase: choice },
	});

	it.each(ROWS)('%s', async (_, variant) => {
		await bench.emulate(variant.options);
		const source = await sourceTask('midApi', variant.options);
		await expectAsWanted(
			{ parameters: vary(variant.choice), items: images(source) },
			variant,
			true,
		);
	});

	it('from 1, before anything has told: another image than the first is the one before it', async () => {
		await bench.emulate({ varyIndexBase: 1 });
		const source = await sourceTask('midApi', {});
		await bench.run({ parameters: vary('auto'), items: [{ ...source, index: 2 }] });
		expect(indexes(bench.emulator.ledger.submits)).toEqual([1]);
	});
});

describe('Vtrix: the body of a submit', () => {
	const dialect = DIALECTS.find(({ name }) => name === 'vtrix');
	const direct = (fields: IDataObject) => ({ parameters: fields, ofImages: false });
	const ofImage = (operation: string, fields: IDataObject = {}) => ({
		parameters: { resource: 'image', operation, ...OF_ITEM, ...fields },
		ofImages: true,
	});
	const OPERATIONS: Record<string, { parameters: IDataObject; ofImages: boolean }> = {
		Generate: direct({ resource: 'image', operation: 'generate', prompt: 'a cup' }),
		Retexture: direct({
			...{ resource: 'image', operation: 'retexture', imageUrl: IMAGE, prompt: 'copper' },
		}),
		Upscale: ofImage('upscale'),
		Vary: ofImage('vary'),
		Remix: ofImage('remix', { prompt: 'a red cup' }),
		Outpaint: ofImage('outpaint', { scale: 1.5 }),
		Run: {
			parameters: {
				...{ resource: 'model', operation: 'run', model: 'midjourney_reroll' },
				parameters: '={{ { "jobId": $json.jobId } }}',
			},
			ofImages: false,
		},
	};
	const taking = (body: 'wrapped' | 'flat' | 'both', strayInput?: 'missed') => ({
		vtrix: { body, ...(strayInput && { strayInput }) },
	});
	const VARIANTS: Array<[string, Variant]> = [
		['wrapped, untouched', { options: taking('wrapped'), inVain: 0 }],
		['wrapped, Auto', { options: taking('wrapped'), choice: 'auto', inVain: 0 }],
		['wrapped, Wrapped', { options: taking('wrapped'), choice: 'wrapped', inVain: 0 }],
		['wrapped, Flat', { options: taking('wrapped'), choice: 'flat' }],
		['flat, untouched', { options: taking('flat'), inVain: 1, form: 'flat' }],
		['flat, Auto', { options: taking('flat'), choice: 'auto', inVain: 1, form: 'flat' }],
		[
			'flat and missing what is wrapped, Auto',
			{ options: taking('flat', 'missed'), choice: 'auto', inVain: 1, form: 'flat' },
		],
		['flat, Flat', { options: taking('flat'), choice: 'flat', inVain: 0 }],
		['flat, Wrapped', { options: taking('flat'), choice: 'wrapped' }],
		['either, Auto', { options: taking('both'), choice: 'auto', inVain: 0 }],
		['either, Flat', { options: taking('both'), choice: 'flat', inVain: 0 }],
	];
	const ROWS = VARIANTS.flatMap(([variant, row]) =>
		Object.entries(OPERATIONS).map(([operation, run]) => [variant, operation, row, run] as const),
	);

	it.each(ROWS)('%s: %s', async (_, __, variant, { parameters, ofImages }) => {
		await bench.emulate(variant.options);
		const source = await sourceTask('vtrix', variant.options);
		const { choice } = variant;
		const credentials = choice === undefined ? {} : { requestFormat: String(choice) };
		const scenario = {
			parameters: { authentication: dialect?.name, ...parameters, waitOptions: QUICK },
			items: images(source),
			credentials,
		};
		await expectAsWanted(scenario, variant, ofImages);
	});
});

describe('MidAPI: the path of the balance', () => {
	it.each([
		['common', 'envelope', 0],
		['chat', 'envelope', 1],
		['chat', 'framework', 1],
		// It costs nothing to ask elsewhere.
		['chat', 'page', 1],
	] as const)(
		'at %s, and elsewhere nothing in the form of %s',
		async (creditPath, noPath, inVain) => {
			await bench.emulate({ creditPath, noPath, credits: 77 });
			const { items } = await twice({
				parameters: { resource: 'account', operation: 'getCredits' },
				items: Array.from({ length: 10 }, () => ({})),
			});
			expect(items.map(({ credits }) => credits)).toEqual(Array(20).fill(77));
			const { calls } = bench.emulator.ledger;
			expect(calls.filter(({ answered }) => answered === 404)).toHaveLength(inVain);
		},
	);
});

describe('A submit that was taken is never sent in the other form', () => {
	/** The emulator takes either form, so that a second request would buy. */
	const EITHER: EmulatorOptions = { upscalePath: 'both', vtrix: { body: 'both' } };
	const NAMED = { data: { taskId: 'task-1' } };
	const missing = 'jobId is required';
	const range = 'imageIndex must be between 1 and 4';

	/** What comes back in place of the answer to a submit that was booked. */
	const ROWS: Array<[provider: string, operation: string, what: string, reaction: Reaction]> = [
		['midApi', 'upscale', 'the 404 of a proxy', { status: 404, body: '<html>Not Found' }],
		['midApi', 'upscale', 'a 404 without a page', { status: 404 }],
		[
			...(['midApi', 'upscale', 'a 404 that names another path'] as const),
			{ status: 404, body: { status: 404, error: 'Not Found', path: '/callback' } },
		],
		[
			...(['midApi', 'upscale', 'a 404 that names a task'] as const),
			{ status: 200, body: { code: 404, msg: 'not found', ...NAMED } },
		],
		['midApi', 'upscale', 'a redirect', { status: 302, headers: { location: '/upscale' } }],
		['midApi', 'upscale', 'a torn connection', 'reset'],
		['midApi', 'upscale', 'nothing', 'hang'],
		[
			...(['midApi', 'upscale', 'a body that breaks off'] as const),
			{ status: 200, body: { code: 404, msg: 'x'.repeat(200) }, manner: 'cut' },
		],
		[
			...(['midApi', 'vary', 'a refusal that names a task'] as const),
			{ status: 200, body: { code: 422, msg: range, ...NAMED } },
		],
		[
			...(['midApi', 'vary', 'an internal error'] as const),
			{ status: 200, body: { code: 500, msg: range } },
		],
		['midApi', 'vary', 'the page of a proxy', { status: 422, body: range }],
		['midApi', 'vary', 'a torn connection', 'reset'],
		[
			...(['vtrix', 'upscale', 'a refusal that names a task'] as const),
			{ status: 400, body: { id: 'task-1', error: { code: 4_011_001, message: missing } } },
		],
		[
			...(['vtrix', 'upscale', 'a refusal in words that names a task'] as const),
			{ status: 400, body: { task_id: 'task-1', error: missing } },
		],
		[
			...(['vtrix', 'upscale', 'a complaint with HTTP 200'] as const),
			{ status: 200, body: { message: missing } },
		],
		[
			...(['vtrix', 'upscale', 'a failed generation'] as const),
			{ status: 400, body: { error: { code: 8_004_011_098, message: missing } } },
		],
		['vtrix', 'upscale', 'a bad gateway', { status: 502, body: { message: missing } }],
		['vtrix', 'upscale', 'the page of a proxy', { status: 400, body: missing }],
		['vtrix', 'upscale', 'a torn connection', 'reset'],
		['vtrix', 'upscale', 'nothing', 'hang'],
	];

	it.each(ROWS)('%s, %s: %s', async (authentication, operation, _, reaction) => {
		await bench.emulate(EITHER);
		const source = await sourceTask(authentication, {});
		bench.emulator.intercept(async (call) => {
			if (call.method !== 'POST') return undefined;
			await call.handle();
			return reaction;
		});
		const { error } = await bench.run({
			parameters: { ...OF_ITEM, authentication, resource: 'image', operation, options: QUICK },
			items: [{ ...source, index: 0 }],
			settings: { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 },
		});
		const { calls, submits } = bench.emulator.ledger;
		expect(submits).toHaveLength(1);
		expect(calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
		expect(error?.description).toMatch(/may have been paid/);
	});
});

describe('One bad request does not spoil the form for the others', () => {
	const JOB = { authentication: 'vtrix', resource: 'model', operation: 'run' };
	const reroll = (items: IDataObject[]): Scenario => ({
		parameters: {
			...{ ...JOB, model: 'midjourney_reroll', options: QUICK },
			parameters: '={{ { "jobId": $json.jobId } }}',
		},
		items,
		settings: { onError: 'continueRegularOutput' },
	});
	const BAD = { jobId: '' };

	it.each(['flat', 'wrapped', 'both'] as const)(
		'of a Vtrix that takes %s: an empty parameter comes first',
		async (body) => {
			const options = { vtrix: { body } };
			await bench.emulate(options);
			const source = await sourceTask('vtrix', options);
			const { items } = await bench.run(reroll([BAD, source, source, source]));
			expect(items.map(({ json }) => json.status)).toEqual([
				...['failed', 'completed', 'completed', 'completed'],
			]);
			expect(items[0]?.json.errorMessage).toMatch(/jobId is required/);
			expect(bench.emulator.ledger.submits).toHaveLength(3);
		},
	);

	it('that was found out: later executions go out in it', async () => {
		const options = { vtrix: { body: 'flat' } } as const;
		await bench.emulate(options);
		const source = await sourceTask('vtrix', options);
		const found = await bench.run({ ...reroll([source]), executionId: '1' });
		await bench.run({ ...reroll([BAD, { jobId: null }]), executionId: '2' });
		const later = await bench.run({ ...reroll([source, source]), executionId: '3' });
		expect([found, later].flatMap(({ items }) => items.map(({ json }) => json.status))).toEqual(
			Array(3).fill('completed'),
		);
		// The first one that found out, and each of the bad ones once.
		expect(vain()).toBe(3);
	});

	it('is found out once by two executions at the same time', async () => {
		const options = { vtrix: { body: 'flat' } } as const;
		await bench.emulate(options);
		const source = await sourceTask('vtrix', options);
		const runs = await Promise.all(
			['1', '2'].map(
				async (executionId) =>
					await bench.run({ ...reroll(Array<IDataObject>(10).fill(source)), executionId }),
			),
		);
		expect(runs.map(({ items }) => items.length)).toEqual([10, 10]);
		expect([bench.emulator.ledger.submits.length, vain()]).toEqual([20, 1]);
	});

	it('neither form helps: no try of Retry On Fail sends it again', async () => {
		await bench.emulate({ vtrix: { body: 'flat' } });
		bench.emulator.intercept(async ({ method }) =>
			method === 'POST' ? { status: 400, body: { message: 'input is missing' } } : undefined,
		);
		const { error } = await bench.run({
			...reroll([{ jobId: 'j-1' }]),
			settings: { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 },
		});
		expect(error?.description).toMatch(/with Auto, both formats were refused/);
		expect(vain()).toBe(2);
	});
});
