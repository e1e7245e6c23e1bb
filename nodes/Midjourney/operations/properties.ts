import type {
	INodeProperties,
	INodePropertyCollection,
	INodePropertyOptions,
	NodeHint,
} from 'n8n-workflow';

import { providers } from '../providers';
import type { Field } from './Field';
import type { Operation } from './Operation';
import { flagHints } from './promptFlags';
import { parkOptions, resultOptions, waitMode, waitOptions } from './settings';

/** The node's panel, made from the table of operations. */

/** The names that a user sees for the resources. */
const RESOURCES: Record<string, string> = {
	account: 'Account',
	file: 'File',
	image: 'Image',
	task: 'Task',
	video: 'Video',
};

/** The collections, by the name under which a workflow saves them. */
const ADDITIONAL = 'additionalFields';
export const OPTIONS = 'options';

/** The common options that an operation has. */
const optionsOf = ({ traits }: Operation): ReadonlyArray<Field<unknown>> =>
	[
		...(traits.includes('submits') ? parkOptions : []),
		...(traits.includes('waits') ? waitOptions : []),
		...(traits.includes('brings') ? resultOptions : []),
	].sort((a, b) => (a.property.displayName < b.property.displayName ? -1 : 1));

/** Every field of an operation with the collection that it stands in; undefined: at the top level. */
export function placesOf(operation: Operation): Map<Field<unknown>, string | undefined> {
	return new Map<Field<unknown>, string | undefined>([
		...operation.fields.map((field) => [field, undefined] as const),
		...(operation.additional ?? []).map((field) => [field, ADDITIONAL] as const),
		...(operation.traits.includes('submits') ? [[waitMode, undefined] as const] : []),
		...optionsOf(operation).map((field) => [field, OPTIONS] as const),
	]);
}

/** Which account to use; both nodes begin with it. */
export const providerProperty: INodeProperties = {
	displayName: 'Provider',
	// n8n looks for the choice of a credential under this name, when the node is a tool of an agent, too.
	name: 'authentication',
	type: 'options',
	noDataExpression: true,
	options: Object.values(providers).map(({ name, displayName }) => ({
		name: displayName,
		value: name,
	})),
	default: 'midApi',
	description: 'Who makes the images: the account to use',
};

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
			options: resources.map((value) => ({ name: RESOURCES[value] ?? value, value })),
			default: 'image',
		},
		...resources.map((resource) => operationProperty(resource, operations)),
		...operations.flatMap(propertiesOfOne),
	];
}

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
			.map(({ operation, name, action, description }) => ({
				name,
				value: operation,
				action,
				description,
			}))
			.sort((a, b) => (a.name < b.name ? -1 : 1)),
		default: preselected,
	};
}

function propertiesOfOne(operation: Operation): INodeProperties[] {
	const show = { resource: [operation.resource], operation: [operation.operation] };
	const { fields, additional = [], traits } = operation;
	const topLevel = traits.includes('submits') ? [...fields, waitMode] : fields;
	const options = optionsOf(operation);
	const collections = [
		{
			name: ADDITIONAL,
			displayName: 'Additional Fields',
			placeholder: 'Add Field',
			of: additional,
		},
		{ name: OPTIONS, displayName: 'Options', placeholder: 'Add Option', of: options },
	];
	return [
		...topLevel.map(({ property, only, except }) => ({
			...property,
			displayOptions: { show: { ...show, ...only }, ...(except && { hide: except }) },
		})),
		...collections
			.filter((collection) => collection.of.length > 0)
			.map(
				({ name, displayName, placeholder, of }): INodeProperties => ({
					displayName,
					name,
					placeholder,
					type: 'collection',
					default: {},
					displayOptions: { show },
					options: of.map(inCollection),
				}),
			),
	];
}

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
