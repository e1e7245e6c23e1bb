import type {
	IDataObject,
	INodeCredentialDescription,
	INodeProperties,
	INodePropertyCollection,
	INodePropertyOptions,
	NodeHint,
} from 'n8n-workflow';

import { providers } from '../providers';
import { isRecord } from '../providers/json';
import type { Provider } from '../providers/Provider';
import { fieldWith, type Field } from './Field';
import type { Operation } from './Operation';
import { flagHints } from './promptFlags';
import { callbackOptions, laterWaitMode, resultOptions, waitMode, waitOptions } from './settings';

/** The node's panel, made from the table of operations. */

/** The names that a user sees for the resources. */
const RESOURCES: Record<string, string> = {
	account: 'Account',
	file: 'File',
	image: 'Image',
	model: 'Model',
	task: 'Task',
	video: 'Video',
};

/** The collections, by the name under which a workflow saves them. */
const ADDITIONAL = 'additionalFields';
export const OPTIONS = 'options';

/** The common options that an operation has. */
const optionsOf = ({ traits }: Operation): ReadonlyArray<Field<unknown>> =>
	[
		...(traits.includes('submits') ? callbackOptions : []),
		...(traits.includes('waits') ? waitOptions : []),
		...(traits.includes('brings') ? resultOptions : []),
	].sort((a, b) => (a.property.displayName < b.property.displayName ? -1 : 1));

/**
 * Every field that an operation has with a provider, with the collection that it stands in; undefined: at the top level.
 *
 * @param provider its name
 */
export function placesOf(
	operation: Operation,
	provider: string,
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
 * What makes a purchase among a node's parameters: all that an operation has, but how it waits and what comes out. As
 * they stand there, so expressions as they were written; what is at its default counts as not there.
 *
 * @param provider its name
 */
export function writtenOf(
	parameters: IDataObject,
	operation: Operation,
	provider: string,
): IDataObject {
	const written: IDataObject = {
		provider,
		resource: operation.resource,
		operation: operation.operation,
	};
	for (const [{ property }, place] of placesOf(operation, provider)) {
		const { name, default: untouched } = property;
		if (place === OPTIONS || name === waitMode.property.name) continue;
		const collection = place === undefined ? parameters : parameters[place];
		const value = isRecord(collection) ? collection[name] : undefined;
		if (value === undefined || (place === undefined && value === untouched)) continue;
		written[place === undefined ? name : `${place}.${name}`] = value;
	}
	return written;
}

const topLevelOf = ({ fields, traits }: Operation): ReadonlyArray<Field<unknown>> => {
	if (traits.includes('submits')) return [...fields, waitMode];
	return traits.includes('waits') ? [...fields, laterWaitMode] : fields;
};

const collectionsOf = (operation: Operation) => [
	{
		name: ADDITIONAL,
		displayName: 'Additional Fields',
		placeholder: 'Add Field',
		of: operation.additional ?? [],
	},
	{
		name: OPTIONS,
		displayName: 'Options',
		placeholder: 'Add Option',
		of: optionsOf(operation),
	},
];

const allProviders: readonly Provider[] = Object.values(providers);

/**
 * n8n's editor hides a field on which all credentials depend, and lets the credential make the choice instead; not so where
 * the field has an option of this value. Nobody is offered it.
 */
const KEEPS_FIELD_IN_SIGHT: INodePropertyOptions = {
	name: 'None',
	value: 'none',
	displayOptions: { show: { authentication: ['none'] } },
};

/**
 * Which account to use; both nodes begin with it. In tool calls of an agent every name would do (seen on n8n 2.8.4 and
 * 2.41.1, with agents 2.2 and 3.1); n8n's own assistants find the value for a credential under this one only.
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
	description: 'Who makes the images: the account to use',
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

/** Shows something with these providers only. */
const withProviders = (names: readonly string[]): Record<string, string[]> => ({
	[providerProperty.name]: [...names],
});

/** The properties of the node: provider, resource, operation, then the fields of each operation. */
export function propertiesOf(operations: readonly Operation[]): INodeProperties[] {
	const resources = [...new Set(operations.map(({ resource }) => resource))].sort();
	return [
		providerProperty,
		{
			displayName: 'Resource',
			name: 'resource',
			type: 'options',
			noDataExpression: true,
			options: resources.map((value) => ({
				name: RESOURCES[value] ?? value,
				value,
				displayOptions: {
					show: withProviders(
						allProviders
							.map(({ name }) => name)
							.filter((name) =>
								operations.some((one) => one.resource === value && offers(one, name)),
							),
					),
				},
			})),
			default: 'image',
		},
		...resources.map((resource) => operationProperty(resource, operations)),
		...operations.flatMap(propertiesOfOne),
	];
}

/** Whether an operation can be done with the provider of this name. */
export const offers = ({ providers: names }: Operation, provider: string): boolean =>
	names.some((name) => name === provider);

function operationProperty(resource: string, operations: readonly Operation[]): INodeProperties {
	const ofResource = operations.filter((one) => one.resource === resource);
	// What the table lists first for a resource is what the panel preselects.
	const preselected = ofResource[0]?.operation ?? '';
	return {
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: [resource] } },
		options: ofResource
			.map(({ operation, name, action, description, providers: names }) => ({
				name,
				value: operation,
				action,
				description,
				displayOptions: { show: withProviders(names) },
			}))
			.sort((a, b) => (a.name < b.name ? -1 : 1)),
		default: preselected,
	};
}

function propertiesOfOne(operation: Operation): INodeProperties[] {
	const { providers: names } = operation;
	const show = { resource: [operation.resource], operation: [operation.operation] };
	const fields = topLevelOf(operation).flatMap((field) =>
		grouped(names, (name) => fieldWith(field, name)).map(
			({ of: { property, only, except }, names: having }) => ({
				...property,
				displayOptions: {
					show: { ...withProviders(having), ...show, ...only },
					...(except && { hide: except }),
				},
			}),
		),
	);
	const collections = collectionsOf(operation).flatMap(({ of, ...collection }) =>
		grouped(names, (name) => of.flatMap((field) => fieldWith(field, name) ?? []).map(inCollection))
			.filter((group) => group.of.length > 0)
			.map(
				(group): INodeProperties => ({
					...collection,
					type: 'collection',
					default: {},
					displayOptions: { show: { ...withProviders(group.names), ...show } },
					options: group.of,
				}),
			),
	);
	return [...noticeOf(operation, show), ...fields, ...collections];
}

/** What there is for each provider, once for all that have the same. */
function grouped<T>(
	names: readonly string[],
	having: (name: string) => T | undefined,
): Array<{ of: T; names: string[] }> {
	const groups = new Map<string, { of: T; names: string[] }>();
	for (const name of names) {
		const of = having(name);
		if (of === undefined) continue;
		const key = JSON.stringify(of);
		groups.set(key, { of, names: [...(groups.get(key)?.names ?? []), name] });
	}
	return [...groups.values()];
}

/** For who picks an operation from n8n's list of actions, which knows no providers, or changes the provider later. */
function noticeOf(
	{ name, providers: names }: Operation,
	show: Record<string, string[]>,
): INodeProperties[] {
	const others = allProviders.filter((provider) => !names.some((one) => one === provider.name));
	if (others.length === 0) return [];
	return [
		{
			displayName: `${name} exists with ${displayNames(names)} only: choose it as Provider above.`,
			name: 'providerNotice',
			type: 'notice',
			default: '',
			displayOptions: {
				show: { ...withProviders(others.map((provider) => provider.name)), ...show },
			},
		},
	];
}

/** The providers of these names as people know them. */
export const displayNames = (names: readonly string[]): string =>
	allProviders
		.filter(({ name }) => names.includes(name))
		.map(({ displayName }) => displayName)
		.join(' or ');

type CollectionOption = INodeProperties | INodePropertyOptions | INodePropertyCollection;

/** Inside a collection a field looks at the top level through a slash. */
export function inCollection({ property, only, except }: Field<unknown>): CollectionOption {
	const atTop = (conditions: Record<string, string[]> = {}) =>
		Object.fromEntries(Object.entries(conditions).map(([name, values]) => [`/${name}`, values]));
	const show = { ...property.displayOptions?.show, ...atTop(only) };
	const displayOptions = {
		...(Object.keys(show).length > 0 && { show }),
		...(except && { hide: atTop(except) }),
	};
	return Object.keys(displayOptions).length > 0 ? { ...property, displayOptions } : property;
}

/** What stands below the node's name on the canvas: the operation in the words that the user has picked it by. */
export function subtitleOf(operations: readonly Operation[]): string {
	const actions = Object.fromEntries(
		operations.map(({ resource, operation, action }) => [`${resource}:${operation}`, action]),
	);
	return `={{ (${JSON.stringify(actions)})[$parameter["resource"] + ":" + $parameter["operation"]] }}`;
}

/** What the panel warns of while the user types. */
export function hintsOf(operations: readonly Operation[]): NodeHint[] {
	const named = new Map(
		operations.flatMap(({ additional = [] }) =>
			additional.map(({ property }) => [property.name, property] as const),
		),
	);
	return flagHints(ADDITIONAL, [...named.values()]);
}
