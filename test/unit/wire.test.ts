import { type INode, type INodeParameters, type INodeType, Workflow } from 'n8n-workflow';

import { Midjourney } from '../../nodes/Midjourney/Midjourney.node';
import { operations } from '../../nodes/Midjourney/operations';
import { fieldWith } from '../../nodes/Midjourney/operations/field';
import { offers, workOf, type Work } from '../../nodes/Midjourney/operations/operation';
import { Parameters, type ParameterSource } from '../../nodes/Midjourney/operations/parameters';
import { placesOf } from '../../nodes/Midjourney/operations/properties';
import { allProviders, providers } from '../../nodes/Midjourney/providers';
import { isRecord } from '../../nodes/Midjourney/providers/json';
import type { Provider } from '../../nodes/Midjourney/providers/provider';
import {
	idOf,
	parametersOf,
	PURCHASES,
	QUESTIONS,
	SOURCE,
	WIRES,
	type Entry,
	type FreeRow,
} from '../wire';
import { reply, scripted } from './scripted';

/** The tables of test/wire: what is entered makes the request, and the request makes the call. */

const nodeType: INodeType = new Midjourney();
const nodeTypes = {
	getByName: () => nodeType,
	getByNameAndVersion: () => nodeType,
	getKnownTypes: () => ({}),
};

/** What the parameters of a row come to, with the defaults of the panel and with n8n's own expressions. */
function sourceOf(entry: Entry<FreeRow>): ParameterSource {
	const node: INode = {
		...{ id: '1', name: 'Midjourney', type: 'midjourney', typeVersion: 1, position: [0, 0] },
		parameters: parametersOf(entry) as INodeParameters,
	};
	const { expression, nodes } = new Workflow({
		...{ nodes: [node], connections: {}, active: false, nodeTypes },
	});
	const items = [{ json: SOURCE }];
	return {
		getNode: () => node,
		getNodeParameter(name, itemIndex, fallback) {
			const written = nodes[node.name]?.parameters[name];
			return written === undefined
				? fallback
				: expression.getParameterValue(
						written,
						...([null, 0, itemIndex, node.name, items, 'manual', {}] as const),
					);
		},
	};
}

function workIn(entry: Entry<FreeRow>): Work {
	const { provider, operation } = entry;
	const places = placesOf(operation, provider);
	return workOf(operation, new Parameters(sourceOf(entry), 0, places, provider));
}

/** Answers nothing that a provider could read: only what was asked counts. */
const deaf = (requestFormat?: string) => ({ ...scripted(reply({})), requestFormat });

describe.each(PURCHASES)('$title', (entry) => {
	const { provider, row } = entry;
	const { request, call } = row;
	const url = 'https://n8n.example.com/webhook-waiting/7';

	it('is what is entered', () => {
		expect(workIn(entry)).toEqual({ does: 'submit', requests: [request] });
	});

	it.each(WIRES[provider].forms)(
		'goes over the wire as documented, with and without a callback: $what',
		async ({ requestFormat, bodyOf }) => {
			const http = deaf(requestFormat);
			await providers[provider].submit(http, request);
			await providers[provider].submit(http, request, url);
			const calling = WIRES[provider].calling(url, call.body);
			expect(http.calls).toEqual([
				{ ...call, body: bodyOf(call.body) },
				{ ...call, body: bodyOf(calling) },
			]);
		},
	);
});

describe.each(QUESTIONS)('$title', (entry) => {
	it('asks as documented', async () => {
		const http = deaf();
		const provider: Provider = providers[entry.provider];
		const work = workIn(entry);
		if ('taskIds' in work) for (const id of work.taskIds) await provider.read(http, id);
		if (work.does === 'query') await work.question(provider, http);
		expect(http.calls).toEqual([entry.row.call]);
	});
});

/** An image of the item has an address only once it has been delivered: test/engine/pictures.test.ts follows it. */
const OF_THE_ITEM = [
	...['imageSource', 'binaryPropertyName', 'omniReferenceField', 'styleReferenceFields'],
	'maskField',
];

describe.each(allProviders)('The table of $displayName', (provider) => {
	const offered = operations.filter((operation) => offers(operation, provider));
	const rows: ReadonlyArray<Entry<FreeRow>> = [...PURCHASES, ...QUESTIONS].filter(
		(entry) => entry.provider === provider.name,
	);

	it('has rows of all that it offers, and of nothing else', () => {
		expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(offered.map(idOf)));
	});

	it.each(offered)('enters every field of $name', (operation) => {
		const own = rows.filter(({ id }) => id === idOf(operation)).map(({ row }) => row.entered);
		const inside = own.flatMap((entered) => Object.values(entered)).filter(isRecord);
		const entered = [...own, ...inside].flatMap((one) => Object.keys(one));
		const { fields, style = [], additional = [] } = operation;
		const names = [...fields, ...style, ...additional].flatMap((field) => {
			const { property } = fieldWith(field, provider.name) ?? {};
			// Untouched, it takes over the item that comes in.
			return property === undefined || String(property.default).startsWith('=')
				? []
				: property.name;
		});
		expect(names.filter((name) => ![...entered, ...OF_THE_ITEM].includes(name))).toEqual([]);
	});

	it('has no place for what the other provider sells alone', async () => {
		const http = deaf();
		const foreign = PURCHASES.filter(({ operation }) => !offered.includes(operation));
		for (const { row } of foreign) {
			expect(await provider.submit(http, row.request)).toMatchObject({
				failure: { reason: 'notOffered', accepted: 'no' },
			});
		}
		expect(foreign).not.toEqual([]);
		expect(http.calls).toEqual([]);
	});
});
