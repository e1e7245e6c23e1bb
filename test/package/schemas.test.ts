/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- reads files, it is not a node */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadOutputSchema } from 'n8n-core';
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import { providersOf, type Operation } from '../../nodes/Midjourney/operations/operation';
import { getTask } from '../../nodes/Midjourney/operations/task/get';
import { midApi } from '../../nodes/Midjourney/providers/midApi';
import type { Output, Task } from '../../nodes/Midjourney/providers/task';
import { beginWorkflow, startItem } from '../../nodes/Midjourney/tasks/callbacks/start';
import { QUICK, useEngine } from '../engine/setup';
import { SETTINGS } from '../unit/fixtures';
import { filesIn, midjourney, read, ROOT } from './built';

const bench = useEngine({ credits: 100.5, vtrix: { discount: 0.9 } });

const FOLDER = 'nodes/Midjourney/__schema__/v1.0.0';
const fileOf = ({ resource, operation }: Operation) => `${FOLDER}/${resource}/${operation}.json`;
const rows = operations.map(
	(operation) => [`${operation.resource} → ${operation.operation}`, operation] as const,
);

/** The JSON schema of a value, with its properties in alphabetical order. */
function schemaOf(value: unknown): IDataObject {
	if (Array.isArray(value)) return { type: 'array', items: schemaOf(value[0]) };
	if (typeof value === 'number') {
		return { type: Number.isInteger(value) ? 'integer' : 'number' };
	}
	if (typeof value !== 'object' || value === null) {
		return { type: value === null ? 'null' : typeof value };
	}
	const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
	return {
		type: 'object',
		properties: Object.fromEntries(sorted.map(([name, own]) => [name, schemaOf(own)])),
	};
}

/** The values of the required fields of all operations, besides the source. */
const ENTERED = {
	prompt: 'a teapot',
	imageUrls: 'https://example.com/teapot.png',
	imageUrl: 'https://example.com/teapot.png',
	motion: 'low',
	mask: 'json',
	// The picture for Upload Paint does not exist, so its size is entered.
	additionalFields: { imageWidth: 1024, imageHeight: 1024 },
	model: 'midjourney_reroll',
	parameters: '={ "jobId": "{{ $json.jobId }}" }',
	// The panel's default.
	waitOptions: QUICK,
	options: { outputItems: 'output' },
};

/** The item of an operation with only its required fields set, on a finished task if it needs one. */
async function itemOf(
	{ resource, operation }: Operation,
	authentication: string,
): Promise<IDataObject> {
	// Extend works on a video, everything else on images.
	const ofVideo = resource === 'video' && operation === 'extend';
	const made = await bench.run({
		parameters: {
			...ENTERED,
			authentication,
			resource: ofVideo ? 'video' : 'image',
			operation: 'generate',
		},
	});
	const source = made.items[0]?.json ?? {};
	const { taskId, url } = source;
	const chosen = { authentication, resource, operation };
	const parameters = { ...ENTERED, ...chosen, taskId, taskIds: taskId, url };
	const { items, error } = await bench.run({ parameters, items: [source] });
	if (error) throw new Error(error.message);
	return items[0]?.json ?? {};
}

/** An item with the fields that it has with any provider. */
async function unitedItem(operation: Operation): Promise<IDataObject> {
	const items: IDataObject[] = [];
	for (const { name } of providersOf(operation)) items.push(await itemOf(operation, name));
	return Object.assign({}, ...items) as IDataObject;
}

/** The item that the Trigger starts a workflow with when that task has ended. */
async function startedItem(read: IDataObject): Promise<IDataObject> {
	const { index, type, url } = read as unknown as Output;
	const task = { ...read, outputs: [{ index, type, url }], raw: {} } as unknown as Task;
	const item = startItem({ task, reference: 'order 7', key: 'k' }, { receivedAt: '' });
	const context = {
		getInputData: () => [item],
		getExecutionId: () => '1',
		getMode: () => 'manual',
		getNode: () => ({ id: '1', name: 'Midjourney Trigger', type: 'midjourneyTrigger' }),
		getWorkflow: () => ({ id: '1' }),
		getExecutionCancelSignal: () => undefined,
		helpers: {},
	} as unknown as IExecuteFunctions;
	const [started] = await beginWorkflow(context, {
		provider: () => midApi,
		items: () => ({ ...SETTINGS, outputItems: 'output' }),
	});
	return started?.json ?? {};
}

/** Compares a schema with its file, or writes that. */
function expectWritten(file: string, item: IDataObject): void {
	const written = `${JSON.stringify({ ...schemaOf(item), version: 1 }, null, '\t')}\n`;
	if (process.env.SCHEMAS_WRITE) writeFileSync(join(ROOT, file), written);
	expect(read(file)).toBe(written);
}

describe('Output schemas', () => {
	it('exist for every operation and for nothing else', () => {
		expect(filesIn([FOLDER])).toEqual(operations.map(fileOf).sort());
	});

	it('exist for every version of the node', () => {
		const versions = [midjourney().description.version].flat();
		expect(versions.map((version) => `v${version}.0.0`)).toEqual([FOLDER.split('/').pop()]);
	});

	it.each(rows)('of %s are found by n8n in the build', (_, operation) => {
		const found = loadOutputSchema({
			nodeDir: join(ROOT, 'dist/nodes/Midjourney'),
			version: 1,
			resource: operation.resource,
			operation: operation.operation,
		});
		expect(found).toEqual(JSON.parse(read(fileOf(operation))));
	});

	it.each(rows)('of %s have exactly the fields of an item', async (_, operation) => {
		expectWritten(fileOf(operation), await unitedItem(operation));
	});

	it('of the Trigger have exactly the fields that it starts a workflow with', async () => {
		expectWritten(`${FOLDER}.json`, await startedItem(await unitedItem(getTask)));
	});

	it('of the Trigger are found by n8n', () => {
		const found = loadOutputSchema({ nodeDir: join(ROOT, 'dist/nodes/Midjourney'), version: 1 });
		expect(found).toEqual(JSON.parse(read(`${FOLDER}.json`)));
	});
});
