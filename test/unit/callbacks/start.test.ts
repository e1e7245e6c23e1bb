/* eslint-disable @n8n/community-nodes/no-restricted-imports -- plays a file server, it is not a node */
import { Readable } from 'node:stream';

import type { IExecuteFunctions, INode, INodeExecutionData } from 'n8n-workflow';

import { midApi } from '../../../nodes/Midjourney/providers/midApi';
import type { Task } from '../../../nodes/Midjourney/providers/task';
import { beginWorkflow, startItem } from '../../../nodes/Midjourney/tasks/callbacks/start';
import type { Settings } from '../../../nodes/Midjourney/tasks/settings';
import { SETTINGS } from '../fixtures';

const PNG = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(1000, 7)]);
const LINK = 'https://files.example.com';

const task = (taskId: string, more: Partial<Task> = {}): Task => ({
	...{ provider: 'midApi', taskId, status: 'completed', raw: { code: 200 } },
	outputs: [0, 1].map((index) => ({ index, type: 'image', url: `${LINK}/${taskId}/${index}.png` })),
	...more,
});

const CALLBACK = { receivedAt: '2026-11-22T01:00:00.000Z' };

/** The item that n8n gives to `execute()` after it was in the database. */
const saved = (of: Task, reference?: string): INodeExecutionData =>
	JSON.parse(
		JSON.stringify(startItem({ task: of, reference, key: `${of.taskId}:${of.status}` }, CALLBACK)),
	);

/** An n8n with a memory, and a file server without these files. */
function stage(missing: readonly string[] = []) {
	const requests: string[] = [];
	const remembered = new Set<string>();
	let executions = 0;
	const helpers = {
		checkProcessedAndRecord: async (keys: string[]) => {
			const processed = keys.filter((key) => remembered.has(key));
			for (const key of keys) remembered.add(key);
			return { new: [], processed };
		},
		httpRequest: async ({ url }: { url: string }) => {
			requests.push(url);
			const statusCode = missing.includes(url) ? 404 : 200;
			return { statusCode, headers: {}, body: Readable.from([PNG], { objectMode: false }) };
		},
		prepareBinaryData: async (source: Readable, fileName: string, mimeType: string) => {
			await source.toArray();
			return { data: '', fileName, mimeType };
		},
	};
	const run = async (
		items: INodeExecutionData[],
		settings: Partial<Settings> = {},
		{ mode = 'webhook', node = {} }: { mode?: string; node?: Partial<INode> } = {},
	) => {
		const executionId = `${++executions}`;
		const context = {
			...{ helpers, getInputData: () => items, getMode: () => mode },
			getExecutionId: () => executionId,
			getNode: () => ({ id: 'n', name: 'Trigger', type: 'trigger', ...node }),
			getWorkflow: () => ({ id: 'w' }),
			getExecutionCancelSignal: () => undefined,
		} as unknown as IExecuteFunctions;
		return await beginWorkflow(context, {
			provider: () => midApi,
			items: () => ({ ...SETTINGS, ...settings }),
		});
	};
	return { run, requests };
}

const FILES = { download: { field: 'data', limit: 1e6 } };

describe('The data that a workflow starts with', () => {
	it('is an item for each output, with its file and all that the call tells', async () => {
		const { run } = stage();
		const settings: Partial<Settings> = { ...FILES, outputItems: 'output' };
		expect(await run([saved(task('t1'), 'order 7')], settings)).toEqual(
			[0, 1].map((index) => ({
				json: {
					...{ taskId: 't1', status: 'completed', index, type: 'image' },
					...{ url: `${LINK}/t1/${index}.png`, reference: 'order 7', provider: 'midApi' },
					...{ operation: 'task:callback', waitedMs: 0, polls: 1, via: 'callback' },
					...{ deduplicationKey: 't1:completed', callback: CALLBACK },
				},
				binary: { data: { data: '', fileName: `t1_${index}.png`, mimeType: 'image/png' } },
				pairedItem: { item: 0 },
			})),
		);
	});

	it('is an item for each task where that is chosen', async () => {
		const [item, ...others] = await stage().run([saved(task('t1'))], FILES);
		expect(others).toEqual([]);
		expect(item?.json).toMatchObject({ taskId: 't1', outputs: task('t1').outputs });
		expect(item?.json).not.toHaveProperty('raw');
		expect(Object.keys(item?.binary ?? {})).toEqual(['data_0', 'data_1']);
	});

	it('holds the raw answer where that is chosen, and no file where none is', async () => {
		const { run, requests } = stage();
		const [item] = await run([saved(task('t1'))], { simplify: false });
		expect(item?.json).toMatchObject({ raw: { code: 200 } });
		expect(item).not.toHaveProperty('binary');
		expect(requests).toEqual([]);
	});

	it('keeps the link of a file that cannot be fetched, and names the missing file', async () => {
		const url = `${LINK}/t1/1.png`;
		const settings: Partial<Settings> = { ...FILES, outputItems: 'output' };
		const [whole, lacking] = await stage([url]).run([saved(task('t1'))], settings);
		expect(whole?.json).not.toHaveProperty('errorMessage');
		expect(lacking).not.toHaveProperty('binary');
		expect(lacking?.json).toMatchObject({
			...{ url, deduplicationKey: 't1:completed', callback: CALLBACK },
			errorMessage: expect.stringContaining('the file is not there (404)'),
		});
	});

	it('goes to the error output, if there is one, when a file is missing', async () => {
		const { run } = stage([`${LINK}/t1/1.png`]);
		const node: Partial<INode> = { onError: 'continueErrorOutput' };
		const [item] = await run([saved(task('t1'))], FILES, { node });
		expect(item).toMatchObject({ json: { deduplicationKey: 't1:completed' } });
		expect(item?.error?.message).toContain('the file is not there (404)');
	});

	it('is empty, with no file fetched, if the task has started a workflow before', async () => {
		const { run, requests } = stage();
		await run([saved(task('t1'))], FILES);
		const { length } = requests;
		expect(await run([saved(task('t1')), saved(task('t2'))], FILES)).toMatchObject([
			{ json: { taskId: 't2' }, pairedItem: { item: 0 } },
		]);
		expect(requests.slice(length)).toEqual([`${LINK}/t2/0.png`, `${LINK}/t2/1.png`]);
	});

	it.each(['retry', 'manual'])('has its files fetched again in mode %s', async (mode) => {
		const { run, requests } = stage();
		await run([saved(task('t1'))], FILES);
		expect(await run([saved(task('t1'))], FILES, { mode })).toHaveLength(1);
		expect(requests).toHaveLength(4);
	});

	it('describes a failed task', async () => {
		const error = { code: '500', message: 'Banned prompt' };
		const failed = task('t1', { status: 'failed', outputs: [], error });
		expect(await stage().run([saved(failed)], FILES)).toMatchObject([
			{ json: { status: 'failed', outputs: [], errorMessage: 'Banned prompt' } },
		]);
	});

	it('is passed through if it did not come from the Trigger', async () => {
		const item = { json: { task: { taskId: 't1' } } };
		expect(await stage().run([item], FILES)).toEqual([item]);
	});
});
