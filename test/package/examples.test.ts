import type { IDataObject, INode } from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import { placesOf } from '../../nodes/Midjourney/operations/properties';
import { allProviders } from '../../nodes/Midjourney/providers';
import { triggerProperties } from '../../nodes/Midjourney/operations/trigger';
import { filesIn, manifest, read } from './built';

/** The workflows to import: n8n says nothing of a parameter that does not exist, it only does nothing. */

const nodes = filesIn(['examples'], '.json').flatMap((file) =>
	(JSON.parse(read(file)) as { nodes: INode[] }).nodes.map((node) => ({ file, ...node })),
);
const ofType = (type: string) =>
	nodes
		.filter((node) => node.type === `${manifest.name}.${type}`)
		.map((node) => [`${node.file}, ${node.name}`, node.parameters as IDataObject] as const);

/** The names of all parameters, those in a collection as `collection.name`. */
const namesIn = (parameters: IDataObject, collections: readonly string[]): string[] =>
	Object.entries(parameters).flatMap(([name, value]) =>
		collections.includes(name) ? Object.keys(value as object).map((own) => `${name}.${own}`) : name,
	);

describe('The nodes of the examples have only parameters that there are', () => {
	it.each(ofType('midjourney'))('%s', (_, parameters) => {
		const { authentication = 'midApi', resource = 'image', operation = 'generate' } = parameters;
		const row = operations.find((one) => one.resource === resource && one.operation === operation);
		const provider = allProviders.find(({ name }) => name === authentication);
		if (!row || !provider) throw new Error('There is no such operation');
		const places = [...placesOf(row, provider.name)];
		const known = places.map(([{ property }, place]) =>
			place === undefined ? property.name : `${place}.${property.name}`,
		);
		const collections = ['style', 'additionalFields', 'options'];
		const entered = namesIn(parameters, collections);
		const always = ['authentication', 'resource', 'operation'];
		expect(entered.filter((name) => ![...always, ...known].includes(name))).toEqual([]);
	});

	// Tests of none are no tests; and there need not be an example with a Trigger.
	it('those of the Triggers, too', () => {
		const known = triggerProperties.flatMap(({ name, type, options = [] }) =>
			type === 'collection' ? options.map((option) => `${name}.${option.name}`) : name,
		);
		const entered = ofType('midjourneyTrigger').flatMap(([, parameters]) =>
			namesIn(parameters, ['options']),
		);
		expect(entered.filter((name) => !known.includes(name))).toEqual([]);
	});
});
