import {
	NodeHelpers,
	Workflow,
	type INode,
	type INodeParameters,
	type INodeProperties,
	type INodePropertyOptions,
	type INodeTypes,
} from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import type { Field } from '../../nodes/Midjourney/operations/field';
import { providersOf, type Operation } from '../../nodes/Midjourney/operations/operation';
import { placesOf } from '../../nodes/Midjourney/operations/properties';
import { providers } from '../../nodes/Midjourney/providers';
import type { ProviderName } from '../../nodes/Midjourney/providers/provider';
import { builtNode, midjourney, nodeFiles } from './built';

/** The built node's panel against the table of operations that it is made from. */

const { description } = midjourney();
const { properties } = description;
/** The node as the tool of an agent. */
const tool = { ...description, name: `${description.name}Tool` };

const optionsOf = (property: INodeProperties | undefined): INodePropertyOptions[] =>
	(property?.options ?? []) as INodePropertyOptions[];
const named = (name: string): INodeProperties[] => properties.filter((one) => one.name === name);
const [resource] = named('resource');
const choices = named('operation');

const shownWith = ({ displayOptions }: INodeProperties, parameter: string) =>
	String(displayOptions?.show?.[parameter]?.[0]);

/** The field Operation that n8n takes its list of actions from: the first of each resource. */
const listed = optionsOf(resource).flatMap(({ value }) => {
	const found = choices.find((choice) => shownWith(choice, 'resource') === value);
	return found ? [found] : [];
});

/** `resource:operation` of every action in n8n's list, with its entry. */
const offered = listed.flatMap((choice) =>
	optionsOf(choice).map(
		(option) => [`${shownWith(choice, 'resource')}:${option.value}`, option] as const,
	),
);
const idOf = (operation: Operation) => `${operation.resource}:${operation.operation}`;
const rows = operations.flatMap((operation) =>
	providersOf(operation).map(
		({ name: provider }) => [idOf(operation), provider, { ...operation, provider }] as const,
	),
);

/** An operation with one of its providers. */
type Offered = Operation & { provider: ProviderName };

const node = (parameters: INodeParameters): INode => ({
	id: '1',
	name: 'Midjourney',
	type: 'midjourney',
	typeVersion: 1,
	position: [0, 0],
	parameters,
});

/** Whether n8n shows a property when the parameters have these values; `path`: where the property stands. */
const isShown = (
	parameters: INodeParameters,
	property: INodeProperties,
	path = '',
	type = description,
): boolean => NodeHelpers.displayParameterPath(parameters, property, path, node(parameters), type);

/** The display names of what n8n offers to add to each collection that it shows, by the name of the collection. */
const addableIn = (parameters: INodeParameters, type = description) =>
	Object.fromEntries(
		properties
			.filter((one) => one.type === 'collection' && isShown(parameters, one, '', type))
			.map(({ name, options = [] }) => {
				const empty = { ...parameters, [name]: {} };
				const added = options.filter((one) => isShown(empty, one as INodeProperties, name, type));
				return [name, added.map((one) => (one as INodeProperties).displayName)];
			}),
	);

/** The values of the three fields that every operation begins with. */
const choiceOf = ({ provider, resource: ofResource, operation }: Offered): INodeParameters => ({
	authentication: provider,
	resource: ofResource,
	operation,
});

/** The top-level properties that n8n shows for an operation and the values in `chosen`. */
function shownFor(operation: Offered, chosen: INodeParameters = {}) {
	const parameters = { ...choiceOf(operation), ...chosen };
	return properties.filter((property) => isShown(parameters, property));
}

/** Values of other fields with which a field is shown. */
function condition({ only = {}, property }: Field<unknown>): INodeParameters {
	const ofCollection = property.displayOptions?.show ?? {};
	const first = Object.entries({ ...only, ...ofCollection }).map(([name, values]) => [
		name,
		values?.[0],
	]);
	return Object.fromEntries(first) as INodeParameters;
}

/** Values of other fields that hide a field. */
const absences = ({ only = {}, except = {} }: Field<unknown>): INodeParameters[] => [
	...Object.keys(only).map((name) => ({ [name]: 'something else' })),
	...Object.entries(except).flatMap(([name, values]) => values.map((value) => ({ [name]: value }))),
];

/** Whether n8n shows a field of an operation, at its place. */
function isFieldShown(operation: Offered, field: Field<unknown>, chosen: INodeParameters): boolean {
	const collection = placesOf(operation, operation.provider).get(field);
	const { name } = field.property;
	const top = shownFor(operation, chosen);
	if (collection === undefined) return top.some((property) => property.name === name);
	const option = (top.find((property) => property.name === collection)?.options ?? []).find(
		(one) => one.name === name,
	) as INodeProperties | undefined;
	const parameters = {
		...choiceOf(operation),
		...chosen,
		[collection]: chosen,
	};
	return option !== undefined && isShown(parameters, option, collection);
}

const fieldRows = rows.flatMap(([id, provider, operation]) =>
	[...placesOf(operation, provider).keys()].map(
		(field) => [id, provider, field.property.displayName, operation, field] as const,
	),
);
/** What only an agent's tool has; tool.test.ts says what that is. */
const isOnlyInTools = ({ property }: Field<unknown>) =>
	property.displayOptions?.show?.['@tool'] !== undefined;
const conditional = fieldRows.filter(([, , , , field]) => absences(field).length > 0);

/** The entries of the list of operations when one of them is chosen. */
function operationsShown(
	authentication: string,
	ofResource: string,
	operation: string,
	what: 'name' | 'value' = 'value',
) {
	const parameters = { authentication, resource: ofResource, operation };
	return choices
		.filter((choice) => isShown(parameters, choice))
		.flatMap((choice) =>
			optionsOf(choice)
				.filter((option) =>
					isShown(parameters, { ...option, type: 'options', default: '' } as never),
				)
				.map((option) => option[what]),
		);
}

describe('The panel', () => {
	it.each(nodeFiles)('shows each credential below its provider: %s', (file) => {
		const [first, second] = builtNode(file).description.properties;
		expect([first?.name, second?.type]).toEqual(['authentication', 'credentials']);
	});

	it.each(Object.keys(providers))('offers exactly the existing providers: %s', (chosen) => {
		const [provider] = named('authentication');
		const shown = optionsOf(provider).filter((option) =>
			isShown({ authentication: chosen }, { ...option, type: 'options', default: '' } as never),
		);
		expect(shown.map(({ value }) => value)).toEqual(Object.keys(providers));
	});

	it.each(nodeFiles)(
		'keeps the provider in sight, for which the editor wants this option: %s',
		(file) => {
			const [provider] = builtNode(file).description.properties;
			expect(provider?.name).toBe('authentication');
			expect(optionsOf(provider).map(({ value }) => value)).toContain('none');
		},
	);

	it('does not offer Dry Run in a tool of an agent, and in a node it does', () => {
		const parameters = { authentication: 'midApi', resource: 'image', operation: 'generate' };
		expect(addableIn(parameters).options).toContain('Dry Run');
		expect(addableIn(parameters, tool).options).not.toContain('Dry Run');
		expect(addableIn(parameters, tool).options).toContain('Maximum Tasks per Run');
	});

	const POLLING = [
		'First Check After (Seconds)',
		'Longest Pause (Seconds)',
		'On Time Limit',
		'Time Limit (Minutes)',
	];
	const PARKING = ['Internal Base URL', 'Wait for Lost Answers (Minutes)'];

	it.each([
		['auto', 'a node', description, [...POLLING, ...PARKING].sort()],
		['callback', 'a node', description, [...POLLING, ...PARKING].sort()],
		['poll', 'a node', description, POLLING],
		['dontWait', 'a node', description, undefined],
		['poll', 'a tool', tool, POLLING],
		['dontWait', 'a tool', tool, undefined],
	])('with Wait Mode %s, offers under Wait Options of %s what acts', (waitMode, _, type, offer) => {
		const chosen = { authentication: 'midApi', resource: 'image', operation: 'generate', waitMode };
		expect(addableIn(chosen, type).waitOptions).toEqual(offer);
	});

	it('lets no expression, and no model, raise the limit of a run', () => {
		const limits = inCollections.filter(({ name }) => name === 'maxTasks');
		expect(limits).not.toEqual([]);
		expect(limits.filter(({ noDataExpression }) => noDataExpression !== true)).toEqual([]);
	});

	it.each(['download', 'imageSource'])('does not offer %s in a tool of an agent', (name) => {
		const chosen = { resource: 'image', operation: 'generate', mode: 'imageToImage' };
		const parameters = { authentication: 'midApi', ...chosen };
		const shownIn = (type: typeof tool) =>
			named(name).filter((one) => isShown(parameters, one, '', type)).length;
		expect([shownIn(description), shownIn(tool)]).toEqual([1, 0]);
	});

	it('asks for an image URL in a tool of an agent, without the choice', () => {
		const chosen = { resource: 'image', operation: 'generate', mode: 'imageToImage' };
		const parameters = { authentication: 'midApi', ...chosen };
		const shown = named('imageUrls').filter((one) => isShown(parameters, one, '', tool));
		expect(shown).toHaveLength(1);
	});

	it('shows in the subtitle of a node what its default name does not say', () => {
		const { subtitle = '' } = description;
		const nodeTypes = { getByNameAndVersion: () => undefined } as unknown as INodeTypes;
		const said = (parameters: INodeParameters) => {
			const one = node(parameters);
			const workflow = new Workflow({ nodes: [one], connections: {}, active: false, nodeTypes });
			return workflow.expression.getSimpleParameterValue(one, subtitle, 'internal', {});
		};
		const chosen = { authentication: 'midApi', resource: 'image' };
		expect([
			said({ ...chosen, operation: 'generate', mode: 'textToImage' }),
			said({ ...chosen, operation: 'generate', mode: 'styleReference' }),
			said({ ...chosen, operation: 'upscale' }),
			said({ authentication: 'vtrix', resource: 'model', operation: 'run' }),
		]).toEqual([
			'Text to Image · MidAPI',
			'Style Reference · MidAPI',
			'Image → Upscale · MidAPI',
			'Model → Run · Vtrix',
		]);
	});

	it('has a credential for every provider', () => {
		expect(description.credentials?.map(({ name }) => name)).toEqual(
			Object.values(providers).map(({ credentialType }) => credentialType),
		);
	});

	it('lists the actions in the order of the table, which begins with what most people want', () => {
		expect(offered.map(([id]) => id)).toEqual(operations.map(idOf));
	});

	it.each(listed.map((one) => [shownWith(one, 'resource'), one] as const))(
		'adds the actions of %s with a provider that has such',
		(ofResource, choice) => {
			const first = shownWith(choice, 'authentication');
			const having = operations.filter((one) => one.resource === ofResource).flatMap(providersOf);
			expect(having.map(({ name }) => name)).toContain(first);
		},
	);

	it.each(rows)('offers %s with %s', (_, provider, { operation, resource: ofResource }) => {
		expect(operationsShown(provider, ofResource, 'another')).toContain(operation);
	});

	it.each(
		operations.flatMap((operation) =>
			Object.values(providers)
				.filter((provider) => !providersOf(operation).includes(provider))
				.map(({ name }) => [idOf(operation), name, operation] as const),
		),
	)('does not offer %s with %s', (_, provider, { operation, resource: ofResource }) => {
		expect(operationsShown(provider, ofResource, 'another')).not.toContain(operation);
	});

	it('names the providers of an operation that the chosen provider does not have', () => {
		expect(operationsShown('midApi', 'image', 'edit', 'name')).toEqual([
			'Generate',
			'Upscale',
			'Vary',
			'Edit (Vtrix Only)',
		]);
	});

	it('says which provider to choose for such an operation', () => {
		const chosen = { authentication: 'midApi', resource: 'image', operation: 'edit' };
		const notices = properties.filter((one) => one.type === 'notice' && isShown(chosen, one));
		expect(notices.map(({ displayName }) => displayName)).toEqual([
			'Edit is only available with Vtrix: choose it as Provider above.',
		]);
	});

	it.each([['resource', resource] as const, ...choices.map((one) => ['operation', one] as const)])(
		'preselects a %s that it offers',
		(_, choice) => {
			expect(optionsOf(choice).map(({ value }) => value)).toContain(choice?.default);
		},
	);

	it.each(offered)('describes %s as an action, and in other words', (_, one) => {
		expect(one.action).toMatch(/^[A-Z][^.]+$/);
		expect(one.description).toMatch(/^[A-Z].*[^.]$/);
		expect(one.description).not.toBe(one.action);
	});

	it.each(offered)('says whether %s is paid', (id, { description: said }) => {
		const isPaid = operations.find((one) => idOf(one) === id)?.does === 'submit';
		expect(/ \(paid\)$/.test(String(said))).toBe(isPaid);
	});

	it('has a different action for every operation', () => {
		expect(new Set(offered.map(([, { action }]) => action)).size).toBe(offered.length);
	});
});

/** Whether a field can be empty: a list and a switch always have a value. */
const canBeEmptied = ({ property: { type } }: Field<unknown>) =>
	['string', 'number', 'json'].includes(type);

describe('The fields of an operation', () => {
	it.each(fieldRows.filter(([, , , , field]) => canBeEmptied(field)))(
		'%s with %s marks %s as required exactly if it must not be empty',
		(_, __, ___, ____, { property, read }) => {
			expect(property.required === true).toBe('problem' in read(''));
		},
	);

	it.each(fieldRows)('%s with %s shows %s', (_, __, ___, operation, field) => {
		expect(isFieldShown(operation, field, condition(field))).toBe(!isOnlyInTools(field));
	});

	it.each(conditional)(
		'%s with %s shows %s only where it applies',
		(_, __, ___, operation, field) => {
			const shown = absences(field).filter((absence) => isFieldShown(operation, field, absence));
			expect(shown).toEqual([]);
		},
	);

	it.each(rows)('%s with %s shows no collection without a field', (_, __, operation) => {
		const choice = choiceOf(operation);
		const other = shownFor(operation)
			.filter(({ name, type }) => type === 'options' && !(name in choice))
			.flatMap((list) => optionsOf(list).map(({ value }) => ({ [list.name]: value })));
		for (const chosen of [{}, ...other]) {
			const parameters = { ...choice, ...chosen };
			const offers = [description, tool].flatMap((type) =>
				Object.entries(addableIn(parameters, type)),
			);
			expect([chosen, ...offers.filter(([, added]) => added.length === 0)]).toEqual([chosen]);
		}
	});

	it.each(rows)('%s with %s shows no other fields', (_, provider, operation) => {
		const known = [...placesOf(operation, provider)].map(
			([{ property }, place]) => place ?? property.name,
		);
		const price = operation.does === 'submit' ? ['costNotice'] : [];
		const always = ['authentication', 'credentials', 'resource', 'operation', ...price];
		const fields = [...placesOf(operation, provider).keys()];
		const shown = fields.flatMap((field) => shownFor(operation, condition(field)));
		expect(new Set([...shownFor(operation), ...shown].map(({ name }) => name))).toEqual(
			new Set([...always, ...known]),
		);
	});

	it.each(rows)(
		'%s with %s offers no other fields in its collections',
		(_, provider, operation) => {
			const shown = [...placesOf(operation, provider).keys()].flatMap((field) =>
				shownFor(operation, condition(field)),
			);
			const offeredIn = shown
				.filter(({ type }) => type === 'collection')
				.flatMap(({ name, options = [] }) => options.map((option) => `${name}.${option.name}`));
			const known = [...placesOf(operation, provider)].flatMap(([{ property }, place]) =>
				place === undefined ? [] : [`${place}.${property.name}`],
			);
			// What an agent's tool has in another form stands there twice.
			expect([...new Set(offeredIn)].sort()).toEqual(known.sort());
		},
	);
});

const collections = properties.filter(({ type }) => type === 'collection');
const inCollections = collections.flatMap(({ options = [] }) => options as INodeProperties[]);
const all = [...properties, ...inCollections];
const ofType = (...types: string[]) => [
	...new Map(all.filter(({ type }) => types.includes(type)).map((one) => [one.displayName, one])),
];

/** What n8n's linter demands. It cannot see these texts, because the panel is composed at run time. */
describe('The texts of the panel', () => {
	it.each(collections.map((one) => [JSON.stringify(one.displayOptions?.show), one] as const))(
		'a collection is in alphabetical order: %s',
		(_, { options = [] }) => {
			const names = options.map((option) => (option as INodeProperties).displayName);
			expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b, 'en')));
		},
	);

	it.each(ofType('boolean'))('describe a switch with Whether: %s', (_, property) => {
		expect(property.description).toMatch(/^Whether /);
	});

	it('give no hint to a field whose default is an expression, because the editor hides it', () => {
		const hinted = all.filter(({ hint }) => hint !== undefined);
		expect(hinted.filter((one) => String(one.default).startsWith('='))).toEqual([]);
	});

	it('explain no field by a hint alone, because a hint is hidden once an expression is entered', () => {
		const hinted = all.filter(({ hint }) => hint !== undefined);
		expect(hinted.filter(({ description: said }) => said === undefined)).toEqual([]);
	});

	it('show whole numbers without decimals', () => {
		const precise = all.filter(({ typeOptions }) => (typeOptions?.numberPrecision ?? 0) > 0);
		expect(precise).toEqual([]);
	});

	it('have a default for every field', () => {
		expect(all.filter((property) => property.default === undefined)).toEqual([]);
	});

	it('begin every default that holds an expression with =', () => {
		const held = all.flatMap((one) => (/\{\{/.test(String(one.default)) ? [one.default] : []));
		expect(held).not.toEqual([]);
		expect(held.filter((one) => !String(one).startsWith('='))).toEqual([]);
	});

	it('give an example as every placeholder', () => {
		const placeholders = all
			.filter(({ type }) => !type.endsWith('ollection'))
			.flatMap(({ placeholder }) => placeholder ?? []);
		expect(placeholders).not.toEqual([]);
		expect(placeholders.filter((one) => !one.startsWith('e.g. '))).toEqual([]);
	});

	it('end no description of one sentence with a full stop', () => {
		const texts = [...all, ...all.flatMap(optionsOf)].flatMap((one) => one.description ?? []);
		expect(texts).not.toEqual([]);
		expect(texts.filter((text) => /^[^.]*\.$/.test(text))).toEqual([]);
	});

	it.each(ofType('options').filter(([, { name }]) => name !== 'authentication'))(
		'the default of a list is one of its entries: %s',
		(_, property) => {
			expect(optionsOf(property).map(({ value }) => value)).toContain(property.default);
		},
	);
});
