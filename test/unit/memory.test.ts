import type { IBinaryData, IDataObject, INodeExecutionData } from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import { providersOf } from '../../nodes/Midjourney/operations/operation';
import { placesOf, writtenOf } from '../../nodes/Midjourney/operations/properties';
import type { Failure } from '../../nodes/Midjourney/providers/http';
import type { Memory } from '../../nodes/Midjourney/tasks/submit/memory';
import type { SubmitRequest } from '../../nodes/Midjourney/tasks/settings';
import {
	dependsOnItemAlone,
	digestOfItem,
	type PurchaseContext,
} from '../../nodes/Midjourney/tasks/submit/purchase';
import { memoryIn, SETTINGS } from './fixtures';

const order = (more: Partial<SubmitRequest> = {}): SubmitRequest => ({
	itemIndex: 0,
	part: 0,
	request: { kind: 'generateImage', mode: 'textToImage', prompt: 'p' },
	settings: SETTINGS,
	...more,
});
const item = (json: IDataObject, fileName?: string): INodeExecutionData => ({
	json,
	...(fileName && { binary: { data: { data: 'id', mimeType: 'image/png', fileName } } }),
});
const came = (what: INodeExecutionData): Partial<PurchaseContext> => ({ itemAt: () => what });

describe('A purchase', () => {
	const recall = (memory: Memory, one: SubmitRequest) => memory.recall(memory.keyOf(one));
	const bought = (
		context: Partial<PurchaseContext>,
		one: SubmitRequest,
		store: IDataObject = {},
	) => {
		const memory = memoryIn(store, context);
		const key = memory.keyOf(one);
		memory.sending(key, 5);
		memory.submitted(key, 'task', { prompt: 'p' });
		return JSON.parse(JSON.stringify(store)) as IDataObject;
	};

	it.each<[string, Partial<PurchaseContext>, Partial<SubmitRequest>]>([
		['another try or a retried execution', { executionId: '2' }, {}],
		[
			'an expression that comes to something else',
			{},
			{ request: { kind: 'generateImage', mode: 'textToImage', prompt: 'other' } },
		],
		['other options', {}, { settings: { ...SETTINGS, timeLimitMs: 1 } }],
		['another credential', { account: { id: 'b', name: 'account B' } }, {}],
		['the same item with its fields in another order', came(item({ b: 2, a: 1 })), {}],
	])('is recognised with %s', (_, context, more) => {
		const store = bought(came(item({ a: 1, b: 2 })), order());
		const memory = memoryIn(store, { ...came(item({ a: 1, b: 2 })), ...context });
		expect(recall(memory, order(more))).toMatchObject({ state: 'bought', taskId: 'task', at: 5 });
	});

	it.each<[string, Partial<PurchaseContext>, Partial<SubmitRequest>]>([
		['other parameters as written', { written: { prompt: '={{ $json.other }}' } }, {}],
		['another run of the node, as in a loop', { runIndex: 1 }, {}],
		['another item', {}, { itemIndex: 1 }],
		['another request of the same item', {}, { part: 1 }],
		['other json that came in', came(item({ a: 2 }, 'a.png')), {}],
		['another file that came in', came(item({ a: 1 }, 'b.png')), {}],
		['no file any more', came(item({ a: 1 })), {}],
	])('is a different one with %s', (_, context, more) => {
		const mine = came(item({ a: 1 }, 'a.png'));
		const memory = memoryIn(bought(mine, order()), { ...mine, ...context });
		expect(recall(memory, order(more))).toBeUndefined();
	});

	describe('in a tool call', () => {
		const isToolCall = true;
		const each = order({ settings: { ...SETTINGS, buysEachCall: true } });
		const store = () => bought({ isToolCall }, order());

		it.each<[string, Partial<PurchaseContext>]>([
			['another run of the node', { runIndex: 1 }],
			['another item: n8n does not hand the arguments on as one everywhere', came(item({ a: 2 }))],
		])('is known by its request, also with %s', (_, context) => {
			const memory = memoryIn(store(), { isToolCall, ...context });
			expect(recall(memory, order())).toMatchObject({ taskId: 'task', executionId: '1' });
		});

		const prompting = (prompt: string) =>
			order({ request: { kind: 'generateImage', mode: 'textToImage', prompt } });
		const running = (parameters: IDataObject) =>
			order({ request: { kind: 'runModel', model: 'm', parameters } });

		it.each<[string, SubmitRequest, SubmitRequest]>([
			['other white space', prompting('a  red\n cup '), prompting('a red cup')],
			[
				'its parameters in another order',
				running({ a: 1, b: { c: 2, d: 3 } }),
				running({ b: { d: 3, c: 2 }, a: 1 }),
			],
			[
				'a setting left out that was empty',
				order({ request: { kind: 'upscaleImage', taskId: 't', jobId: undefined, index: 0 } }),
				order({ request: { kind: 'upscaleImage', taskId: 't', index: 0 } }),
			],
		])('is the same with %s', (_, first, second) => {
			const known = bought({ isToolCall }, first);
			expect(recall(memoryIn(known, { isToolCall }), second)).toMatchObject({ taskId: 'task' });
		});

		it.each<[string, SubmitRequest, SubmitRequest]>([
			['another word', prompting('a red cup'), prompting('a red cups')],
			['a word that was split', prompting('a teapot'), prompting('a tea pot')],
			['another order of images', running({ a: ['1', '2'] }), running({ a: ['2', '1'] })],
			['a number for a text', running({ a: 1 }), running({ a: '1' })],
		])('is another one with %s', (_, first, second) => {
			const known = bought({ isToolCall }, first);
			expect(recall(memoryIn(known, { isToolCall }), second)).toBeUndefined();
		});

		it('is another one with another request', () => {
			const other = order({
				request: { kind: 'generateImage', mode: 'textToImage', prompt: 'other' },
			});
			expect(recall(memoryIn(store(), { isToolCall }), other)).toBeUndefined();
		});

		it('is another one in each run, where every call is to buy', () => {
			const own = bought({ isToolCall }, each);
			expect(recall(memoryIn(own, { isToolCall }), each)).toBeDefined();
			expect(recall(memoryIn(own, { isToolCall, runIndex: 1 }), each)).toBeUndefined();
		});
	});

	it.each([
		[
			'keeps the prompt where its expression may come to something else the next time',
			'={{ $now }}',
			'p',
		],
		['keeps no prompt where it is the same for the same item', '={{ $json.prompt }}', undefined],
	])('%s', (_, prompt, kept) => {
		const written = { prompt };
		const remembered = recall(memoryIn(bought({ written }, order()), { written }), order());
		expect(remembered).toMatchObject({ state: 'bought' });
		expect(remembered).toHaveProperty('asked', kept && { prompt: kept });
	});

	it('names the credential only if it differs from the present one', () => {
		const store = bought({}, order());
		const other = { account: { id: 'b', name: 'account B' } };
		expect(recall(memoryIn(store), order())).toHaveProperty('otherAccount', undefined);
		expect(recall(memoryIn(store, other), order())).toHaveProperty('otherAccount', 'account A');
	});

	it('stays small: 2,000 of them in less than 300 KB', () => {
		const store = {};
		const memory = memoryIn(store);
		for (let itemIndex = 0; itemIndex < 2000; itemIndex++) {
			const key = memory.keyOf(order({ itemIndex }));
			memory.sending(key, 1_763_745_889_000);
			memory.submitted(key, 'f'.repeat(20), { prompt: 'a long prompt '.repeat(50) });
		}
		expect(JSON.stringify(store).length).toBeLessThan(300_000);
	});
});

describe('A submit that may have been taken', () => {
	const LOST: Failure = { reason: 'connectionLost', accepted: 'unknown', transient: true };

	it('is found later, under its key', () => {
		const store = {};
		const memory = memoryIn(store);
		const key = memory.keyOf(order());
		memory.sending(key, 5);
		memory.ambiguous(key, LOST);
		const lost = { state: 'unknown', at: 5, executionId: '1', failure: LOST };
		expect(memory.recall(key)).toEqual(lost);
		memoryIn(store, { written: {} }).found(key, 'task');
		expect(memory.recall(key)).toMatchObject({ state: 'bought', taskId: 'task', at: 5 });
	});

	it('is told apart from one of another execution', () => {
		const store = {};
		const memory = memoryIn(store);
		const key = memory.keyOf(order());
		memory.sending(key, 5);
		const isOwn = (executionId: string) => {
			const mine = memoryIn(store, { executionId });
			const known = mine.recall(key);
			return known?.state === 'unknown' && mine.isOfThisExecution(known);
		};
		expect([isOwn('1'), isOwn('2')]).toEqual([true, false]);
	});
});

describe('What was saved of a submit', () => {
	it('has the time 0 where none was saved', () => {
		const memory = memoryIn({});
		memory.ambiguous('key');
		expect(memory.recall('key')).toMatchObject({ state: 'unknown', at: 0 });
	});

	it('drops a reason that this version does not know', () => {
		const failure = { reason: 'ofTomorrow', accepted: 'unknown', transient: true };
		const memory = memoryIn({ key: { executionId: '1', at: 5, failure } });
		expect(memory.recall('key')).toEqual({
			...{ state: 'unknown', executionId: '1', at: 5 },
			failure: undefined,
		});
	});
});

describe('A submit that was refused for good', () => {
	const REFUSED: Failure = { reason: 'noCredits', accepted: 'no', transient: false };

	it('stays refused in every try of its execution, but not in another execution', () => {
		const store = {};
		const memory = memoryIn(store);
		const key = memory.keyOf(order());
		memory.refuse(key, REFUSED);
		expect(memory.recall(key)).toEqual({ state: 'refused', failure: REFUSED });
		expect(memoryIn(store, { executionId: '2' }).recall(key)).toBeUndefined();
		memory.forget(key);
		expect(memory.recall(key)).toBeUndefined();
	});
});

describe('What came in', () => {
	it('is the same after it was saved', () => {
		const live = item({ at: new Date(0), none: undefined } as unknown as IDataObject);
		const saved = JSON.parse(JSON.stringify(live)) as INodeExecutionData;
		expect(digestOfItem(saved)).toBe(digestOfItem(live));
	});

	it('ignores what the item is paired with', () => {
		expect(digestOfItem({ json: {}, pairedItem: 3 })).toBe(digestOfItem({ json: {} }));
	});

	it('can be a file without a name', () => {
		const file = (data: string): INodeExecutionData => ({
			json: {},
			binary: { data: { data, mimeType: 'image/png' } satisfies IBinaryData },
		});
		expect(digestOfItem(file('a'))).not.toBe(digestOfItem(file('b')));
	});
});

describe('Parameters as written come to the same for the same item', () => {
	it.each<[unknown, boolean]>([
		['a teapot', true],
		['={{ $json.prompt }}', true],
		['=a {{ $json["what is it"] }} of {{ $json.of[0].name }}, blue', true],
		[{ aspectRatio: '16:9', seed: 5, tile: true }, true],
		['={{ $json.prompt + Math.random() }}', false],
		['={{ $now }}', false],
		["={{ $('Form').item.json.prompt }}", false],
		['={{ $json.prompts.randomItem() }}', false],
		['={{ $json.a }} {{ $runIndex }}', false],
		[{ seed: '={{ Math.random() }}' }, false],
		[['={{ $now }}'], false],
	])('%j: %s', (written, expected) => {
		expect(dependsOnItemAlone(written)).toBe(expected);
	});
});

describe('The parameters that identify a purchase', () => {
	const buying = operations
		.filter(({ does }) => does === 'submit')
		.flatMap((operation) =>
			providersOf(operation).map(({ name: provider }) => ({ operation, provider })),
		);

	/** How the node waits and what comes out: fields at the top level, and whole collections. */
	const APART = ['waitMode', 'download', 'waitOptions', 'options'];

	it.each(buying)(
		'$operation.resource → $operation.operation with $provider: all but how it waits',
		({ operation, provider }) => {
			const untouched = writtenOf({}, operation, provider);
			for (const [{ property }, place] of placesOf(operation, provider)) {
				const { name } = property;
				const value = 'something else';
				const changed = place === undefined ? { [name]: value } : { [place]: { [name]: value } };
				const counts = !APART.includes(place ?? name);
				const written = writtenOf(changed, operation, provider);
				expect([name, JSON.stringify(written) !== JSON.stringify(untouched)]).toEqual([
					name,
					counts,
				]);
			}
		},
	);

	it('does not change when n8n fills in a default', () => {
		const [operation] = operations;
		if (!operation) throw new Error('There are no operations');
		const filled = { mode: 'textToImage', prompt: 'p' };
		expect(writtenOf(filled, operation, 'midApi')).toEqual(
			writtenOf({ prompt: 'p' }, operation, 'midApi'),
		);
	});
});
