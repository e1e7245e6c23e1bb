import type {
	IDataObject,
	INodeCredentialDescription,
	INodeProperties,
	INodePropertyOptions,
	NodeHint,
} from 'n8n-workflow';

import { allProviders } from '../providers';
import { isRecord } from '../providers/json';
import type { Provider, ProviderName } from '../providers/provider';
import { fieldWith, type Choice, type Conditions, type Field } from './field';
import { toolDescriptionOf } from './toolDescription';
import { offers, providersOf, RESOURCES, type Operation } from './operation';
import { flagHints, NEW_VERSION, versionHints } from './hints';
import {
	download,
	laterWaitMode,
	resultOptions,
	submitOptions,
	submitWaitOptions,
	waitMode,
	waitOptions,
} from './settings';

/** The node's panel, derived from the table of operations. */

/** The names of the collections, as workflows save them. */
const STYLE = 'style';
const ADDITIONAL = 'additionalFields';
const WAIT_OPTIONS = 'waitOptions';
/** The collection Options, which both nodes have. */
export const OPTIONS = 'options';

/** Fields by their places: the top level, or the name of a collection. */
type CommonFields = Record<
	'topLevel' | typeof WAIT_OPTIONS | typeof OPTIONS,
	ReadonlyArray<Field<unknown>>
>;

/** The fields that an operation has because of what it does, besides its own. */
function commonFields({ does }: Operation): CommonFields {
	switch (does) {
		case 'submit':
			return {
				topLevel: [waitMode, download],
				waitOptions: [...waitOptions, ...submitWaitOptions],
				options: [...submitOptions, ...resultOptions],
			};
		case 'wait':
			return { topLevel: [laterWaitMode, download], waitOptions, options: resultOptions };
		case 'get':
			return { topLevel: [download], waitOptions: [], options: resultOptions };
		case 'query':
			return { topLevel: [], waitOptions: [], options: [] };
	}
}

/** The order within a collection. */
export const alphabetically = (fields: ReadonlyArray<Field<unknown>>): Array<Field<unknown>> =>
	[...fields].sort((a, b) => (a.property.displayName < b.property.displayName ? -1 : 1));

/** Every field that an operation has with a provider, with the name of its collection (undefined: top level). */
export function placesOf(
	operation: Operation,
	provider: ProviderName,
): Map<Field<unknown>, string | undefined> {
	return new Map(
		[
			...topLevelOf(operation).map((field) => [field, undefined] as const),
			...collectionsOf(operation).flatMap(({ name, of }) =>
				of.map((field) => [field, name] as const),
			),
		].flatMap(([field, place]) => {
			const own = fieldWith(field, provider);
			return own ? [[own, place] as const] : [];
		}),
	);
}

/**
 * The parameters of a node that define a purchase: all of an operation's, except how it waits and what comes out. They are
 * returned as saved, with expressions as written; a parameter at its default counts as absent.
 */
export function writtenOf(
	parameters: IDataObject,
	operation: Operation,
	provider: ProviderName,
): IDataObject {
	const written: IDataObject = {
		provider,
		resource: operation.resource,
		operation: operation.operation,
	};
	const common = new Set(
		Object.values(commonFields(operation))
			.flat()
			.map((field) => fieldWith(field, provider)),
	);
	for (const [field, place] of placesOf(operation, provider)) {
		if (common.has(field)) continue;
		const { name, default: untouched } = field.property;
		const collection = place === undefined ? parameters : parameters[place];
		const value = isRecord(collection) ? collection[name] : undefined;
		if (value === undefined || (place === undefined && value === untouched)) continue;
		written[place === undefined ? name : `${place}.${name}`] = value;
	}
	return written;
}

const topLevelOf = (operation: Operation): ReadonlyArray<Field<unknown>> => [
	...operation.fields,
	...commonFields(operation).topLevel,
];

/** The collections of an operation, from top to bottom. */
function collectionsOf(operation: Operation) {
	const { style = [], additional = [] } = operation;
	const { waitOptions: ofWaiting, options } = commonFields(operation);
	return [
		{
			name: STYLE,
			displayName: 'Style and References',
			placeholder: 'Add Field',
			of: style,
		},
		{
			name: ADDITIONAL,
			displayName: 'Additional Fields',
			placeholder: 'Add Field',
			of: additional,
		},
		{
			name: WAIT_OPTIONS,
			displayName: 'Wait Options',
			placeholder: 'Add Option',
			of: alphabetically(ofWaiting),
		},
		{
			name: OPTIONS,
			displayName: 'Options',
			placeholder: 'Add Option',
			of: alphabetically(options),
		},
	];
}

/**
 * n8n's editor hides a field on which all credentials depend, and lets the credential make the choice instead, unless the
 * field has an option with this value. The option is never shown.
 */
const KEEPS_FIELD_IN_SIGHT: INodePropertyOptions = {
	name: 'None',
	value: 'none',
	displayOptions: { show: { authentication: ['none'] } },
};

/**
 * Which account to use; the first field of both nodes. In tool calls of an agent any name would work (seen on n8n 2.8.4 and
 * 2.41.1, with agents 2.2 and 3.1), but n8n's own assistants only find the value for a credential under this one.
 */
export const providerProperty: INodeProperties = {
	displayName: 'Provider',
	name: 'authentication',
	type: 'options',
	noDataExpression: true,
	options: [
		...allProviders.map(({ name, displayName }) => ({ name: displayName, value: name })),
		KEEPS_FIELD_IN_SIGHT,
	],
	default: 'midApi',
	description:
		'The service that generates the images. You need an account with it. For an account with kie.ai, choose MidAPI.',
};

/** Where the editor shows the credential; by default, above all fields (seen on n8n 2.41.1, read in 2.8.4 and 1.123.81). */
export const credentialsProperty: INodeProperties = {
	displayName: 'Credentials',
	name: 'credentials',
	type: 'credentials',
	default: '',
};

/** The credential types of the providers, each shown where its provider is chosen. */
export const credentials: INodeCredentialDescription[] = allProviders.map(
	({ name, displayName, credentialType }) => ({
		name: credentialType,
		displayName: `Credential for ${displayName}`,
		required: true,
		displayOptions: { show: { [providerProperty.name]: [name] } },
	}),
);

/** A display condition: only with these providers. */
const withProviders = (having: readonly Provider[]): Record<string, string[]> => ({
	[providerProperty.name]: having.map(({ name }) => name),
});

/** The properties of the node: provider, resource, operation, then the fields of each operation. */
export function propertiesOf(operations: readonly Operation[]): INodeProperties[] {
	// n8n lists actions in the order of the table: the most common ones first.
	const resources = [...new Set(operations.map(({ resource }) => resource))];
	return [
		providerProperty,
		credentialsProperty,
		{
			displayName: 'Resource',
			name: 'resource',
			type: 'options',
			noDataExpression: true,
			options: resources.map((value) => ({
				name: RESOURCES[value],
				value,
				displayOptions: {
					show: withProviders(
						allProviders.filter((provider) =>
							operations.some((one) => one.resource === value && offers(one, provider)),
						),
					),
				},
			})),
			default: 'image',
		},
		...resources.flatMap((resource) => operationProperties(resource, operations)),
		...operations.flatMap(propertiesOfOne),
	];
}

/**
 * The operations of a resource, once per provider. If an operation that the provider lacks is already chosen, its list shows
 * it with the name of the provider that has it. n8n's list of actions uses the first of these properties and its provider.
 */
function operationProperties(
	resource: string,
	operations: readonly Operation[],
): INodeProperties[] {
	const ofResource = operations.filter((one) => one.resource === resource);
	const hasAny = (provider: Provider) => ofResource.some((one) => offers(one, provider));
	const first = allProviders.filter(hasAny);
	const others = allProviders.filter((provider) => !hasAny(provider));
	// The panel preselects the first operation in the table.
	const preselected = ofResource[0]?.operation ?? '';
	return [...first, ...others].map((provider) => ({
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { ...withProviders([provider]), resource: [resource] } },
		options: ofResource.map((one) => operationChoice(one, provider)),
		default: preselected,
	}));
}

function operationChoice(one: Operation, provider: Provider): INodePropertyOptions {
	const choice = {
		name: one.name,
		value: one.operation,
		action: one.action,
		// n8n's list of actions shows it, too.
		description: one.does === 'submit' ? `${one.description} (paid)` : one.description,
	};
	return offers(one, provider)
		? choice
		: {
				...choice,
				name: `${one.name} (${displayNames(providersOf(one))} Only)`,
				displayOptions: { show: { operation: [one.operation] } },
			};
}

function propertiesOfOne(operation: Operation): INodeProperties[] {
	const having = providersOf(operation);
	const show = { resource: [operation.resource], operation: [operation.operation] };
	const fields = topLevelOf(operation).flatMap((field) =>
		grouped(having, ({ name }) => fieldWith(field, name)).flatMap(
			({ of: { property, only, except, inTool }, providers }) =>
				nodeAndTool(inTool, {
					...property,
					displayOptions: {
						show: {
							...withProviders(providers),
							...show,
							...property.displayOptions?.show,
							...only,
						},
						...((except ?? property.displayOptions?.hide) && {
							hide: { ...property.displayOptions?.hide, ...except },
						}),
					},
				}),
		),
	);
	const collections = collectionsOf(operation).flatMap(({ of, ...collection }) =>
		grouped(having, ({ name }) => {
			const own = of.flatMap((field) => fieldWith(field, name) ?? []);
			if (own.length === 0) return undefined;
			const options = own.flatMap((field) => nodeAndTool(field.inTool, inCollection(field)));
			return { options, where: whereAnyActs(own) };
		}).map(
			({ of: { options, where }, providers }): INodeProperties => ({
				...collection,
				type: 'collection',
				default: {},
				displayOptions: {
					...where,
					show: { ...withProviders(providers), ...show, ...where.show },
				},
				options,
			}),
		),
	);
	return [
		...noticesOf(operation, show),
		toolDescriptionOf(operation, show),
		...fields,
		...collections,
	];
}

/**
 * The values of other fields with which one of these may be shown. Their collection is only shown there: n8n would show its
 * title, with “No properties” below.
 */
function whereAnyActs(fields: ReadonlyArray<Field<unknown>>) {
	const show: Conditions = {};
	const hide: Conditions = {};
	for (const { only = {}, except = {} } of fields) {
		for (const [other, values] of Object.entries(only)) {
			const bindsAll = fields.every((field) => field.only?.[other]);
			if (bindsAll) show[other] = [...new Set([...(show[other] ?? []), ...values])];
		}
		for (const [other, values] of Object.entries(except)) {
			const hiding = values.filter((value) =>
				fields.every((field) => isHiddenWith(field, other, value)),
			);
			if (hiding.length > 0) hide[other] = hiding;
		}
	}
	return { show, ...(Object.keys(hide).length > 0 && { hide }) };
}

/** Whether a field is hidden while another one has this value. */
const isHiddenWith = (
	{ only = {}, except = {} }: Field<unknown>,
	other: string,
	value: Choice,
): boolean => except[other]?.includes(value) === true || only[other]?.includes(value) === false;

/** A property, and where an agent's tool has another one in its place, that too. */
function nodeAndTool(inTool: Field<unknown>['inTool'], usual: INodeProperties): INodeProperties[] {
	if (!inTool) return [usual];
	const { displayOptions: { show, hide } = {} } = usual;
	const where = '@tool';
	return [
		{ ...usual, displayOptions: { ...(show && { show }), hide: { ...hide, [where]: [true] } } },
		{
			...usual,
			...inTool,
			displayOptions: { ...(hide && { hide }), show: { ...show, [where]: [true] } },
		},
	];
}

/** What each provider has, with providers that have the same in one group. */
function grouped<T>(
	providers: readonly Provider[],
	having: (provider: Provider) => T | undefined,
): Array<{ of: T; providers: Provider[] }> {
	const groups = new Map<string, { of: T; providers: Provider[] }>();
	for (const provider of providers) {
		const of = having(provider);
		if (of === undefined) continue;
		const key = JSON.stringify(of);
		groups.set(key, { of, providers: [...(groups.get(key)?.providers ?? []), provider] });
	}
	return [...groups.values()];
}

/** The notices above the fields: the price, and which provider to choose if the current one lacks the operation. */
function noticesOf(operation: Operation, show: Record<string, string[]>): INodeProperties[] {
	const notice = (name: string, displayName: string, having: readonly Provider[]) =>
		having.length === 0
			? []
			: [
					{
						...{ displayName, name, type: 'notice' as const, default: '' },
						displayOptions: { show: { ...withProviders(having), ...show } },
					},
				];
	const having = providersOf(operation);
	const others = allProviders.filter((provider) => !having.includes(provider));
	const cost = notice('costNotice', 'Each input item buys one task.', having);
	const costOfCalls = {
		displayName: 'Each call buys one task. Equal calls within one execution share a task.',
	};
	return [
		...(operation.does === 'submit' ? cost.flatMap((one) => nodeAndTool(costOfCalls, one)) : []),
		...notice(
			'providerNotice',
			`${operation.name} is only available with ${displayNames(having)}: choose it as Provider above.`,
			others,
		),
	];
}

/** The display names of these providers, as in “MidAPI or Vtrix”. */
export const displayNames = (named: readonly Provider[]): string =>
	named.map(({ displayName }) => displayName).join(' or ');

/** A field as an option of a collection, where a slash refers to fields at the top level. */
export function inCollection({ property, only, except }: Field<unknown>): INodeProperties {
	const atTop = (conditions: Conditions = {}) =>
		Object.fromEntries(Object.entries(conditions).map(([name, values]) => [`/${name}`, values]));
	const show = { ...property.displayOptions?.show, ...atTop(only) };
	const hide = { ...property.displayOptions?.hide, ...atTop(except) };
	const displayOptions = {
		...(Object.keys(show).length > 0 && { show }),
		...(Object.keys(hide).length > 0 && { hide }),
	};
	return Object.keys(displayOptions).length > 0 ? { ...property, displayOptions } : property;
}

/**
 * The text below the node's name on the canvas, as an expression. n8n names a node after its action, so this adds the rest:
 * the operation as the panel and the docs call it, or the choice that distinguishes nodes of it, and the provider.
 */
export function subtitleOf(operations: readonly Operation[]): string {
	const said = operations.flatMap((operation) => {
		const id = `${operation.resource}:${operation.operation}`;
		const { name, options = [] } = operation.toldApartBy?.property ?? {};
		const choices = options.flatMap((option) =>
			'value' in option ? [[`${id}:${String(option.value)}`, option.name] as const] : [],
		);
		return [
			[id, `${RESOURCES[operation.resource]} → ${operation.name}`] as const,
			...(name === undefined ? [] : choices),
		];
	});
	const fields = new Set(operations.flatMap(({ toldApartBy }) => toldApartBy?.property.name ?? []));
	const parameter = (name: string) => `$parameter["${name}"]`;
	const id = `${parameter('resource')} + ":" + ${parameter('operation')}`;
	const names = Object.fromEntries(
		allProviders.map(({ name, displayName }) => [name, displayName]),
	);
	const candidates = [...[...fields].map((name) => `${id} + ":" + ${parameter(name)}`), id].map(
		(key) => `texts[${key}]`,
	);
	const texts = JSON.stringify(Object.fromEntries(said));
	const provider = `(${JSON.stringify(names)})[${parameter(providerProperty.name)}]`;
	return `={{ ((texts) => ${candidates.join(' || ')})(${texts}) + " · " + ${provider} }}`;
}

/** The warnings that the panel shows while the user types. */
export function hintsOf(operations: readonly Operation[]): NodeHint[] {
	const labels = (having: (operation: Operation) => ReadonlyArray<Field<unknown>>) => [
		...new Map(
			operations.flatMap(having).map(({ property }) => [property.name, property] as const),
		).values(),
	];
	const within = (collection: string) => (name: string) =>
		`$parameter["${collection}"]?.["${name}"]`;
	const places = [
		[labels(({ fields }) => fields), (name: string) => `$parameter["${name}"]`],
		[labels(({ style = [] }) => style), within(STYLE)],
		[labels(({ additional = [] }) => additional), within(ADDITIONAL)],
	] as const;
	return [
		{
			message:
				'<b>Dry Run</b> is on: the node shows what it would send, and buys nothing. Remove the option to buy.',
			type: 'info',
			location: 'outputPane',
			whenToDisplay: 'beforeExecution',
			displayCondition: `={{ $parameter["${OPTIONS}"]?.["dryRun"] === true }}`,
		},
		...places.flatMap(([fields, valueOf]) => flagHints(fields, valueOf)),
		...places.flatMap(([fields, valueOf]) => versionHints(fields, valueOf)),
		NEW_VERSION,
	];
}
