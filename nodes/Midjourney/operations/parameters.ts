import { NodeOperationError, type IDataObject, type INode } from 'n8n-workflow';

import { providerNamed } from '../providers';
import { isRecord } from '../providers/json';
import { inputError } from '../tasks/n8n/nodeErrors';
import type { Provider, ProviderName } from '../providers/provider';
import { EMPTY, fieldWith, type Conditions, type Field } from './field';

/** The source of parameters: a running node, or a node that handles a webhook call. */
export interface ParameterSource {
	getNode(): INode;
	getNodeParameter(name: string, itemIndex: number, fallback?: unknown): unknown;
}

/**
 * The provider that the node is set to.
 *
 * @throws NodeOperationError if there is none of that name
 */
export function chosenProvider(source: ParameterSource): Provider {
	const chosen = source.getNodeParameter('authentication', 0, undefined);
	const provider = providerNamed(chosen);
	if (provider) return provider;
	throw new NodeOperationError(source.getNode(), `'Provider' ${String(chosen)} is not known`, {
		description: 'Choose one from the list.',
	});
}

/** The user's input for one item. */
export class Parameters {
	/** Collections are read once. */
	private readonly collections = new Map<string, IDataObject>();

	constructor(
		private readonly context: ParameterSource,
		private readonly itemIndex: number,
		/** The place of each field: the name of its collection, or undefined for the top level. */
		private readonly places: ReadonlyMap<Field<unknown>, string | undefined>,
		/** The provider that the fields are for. */
		private readonly provider: ProviderName,
	) {}

	/**
	 * The checked value of a field; undefined if an optional one is not set or does not apply.
	 *
	 * @throws NodeOperationError that names item and field
	 */
	get<T>(field: Field<T>): T {
		const own = fieldWith(field, this.provider);
		const there = own && (this.applies(own) || !own.unset);
		const reading = there
			? own.read(this.entered(own))
			: (field.unset ?? { problem: 'is not available with this provider' });
		if ('problem' in reading) {
			const { displayName } = field.property;
			throw this.reject(`'${displayName}' ${reading.problem}${remedyFor(field, reading.problem)}`);
		}
		return reading.value;
	}

	/**
	 * The value of a field that must have one.
	 *
	 * @throws NodeOperationError that names item and field; also when it is empty
	 */
	need<T>(field: Field<T | undefined>): T {
		const value = this.get(field);
		if (value === undefined) throw this.reject(`'${field.property.displayName}' is empty`);
		return value;
	}

	/**
	 * The display name of the field that a setting of a request comes from.
	 *
	 * @param path the setting, and the keys within it
	 */
	nameOf([setting = '', key = '']: readonly string[]): string {
		const within = setting + key.charAt(0).toUpperCase() + key.slice(1);
		const names = [...this.places.keys()].map(({ property }) => property);
		const candidates = [within, setting, `${setting}s`];
		const found = candidates.flatMap((name) => names.find((one) => one.name === name) ?? []);
		return found[0]?.displayName ?? setting;
	}

	/** The error to throw if values contradict each other. */
	reject(message: string): NodeOperationError {
		return inputError(this.context.getNode(), this.itemIndex, message, 'Nothing was submitted.');
	}

	/** Whether the operation has this field at all. */
	has(field: Field<unknown>): boolean {
		return this.places.has(field);
	}

	/** Whether the user has added a field to its collection, even if its expression has no value. */
	isAdded(field: Field<unknown>): boolean {
		const collection = this.places.get(field);
		return collection !== undefined && field.property.name in this.collection(collection);
	}

	private applies({ only = {}, except = {} }: Field<unknown>): boolean {
		const holds = (conditions: Conditions) =>
			Object.entries(conditions).map(([other, values]) =>
				values.map(String).includes(String(this.raw(other))),
			);
		return !holds(only).includes(false) && !holds(except).includes(true);
	}

	private entered(field: Field<unknown>): unknown {
		if (!this.has(field)) return undefined;
		const collection = this.places.get(field);
		const { name } = field.property;
		return collection === undefined ? this.raw(name) : this.collection(collection)[name];
	}

	private raw(name: string): unknown {
		// Null stands for a field that n8n does not show and therefore does not have.
		return this.context.getNodeParameter(name, this.itemIndex, null);
	}

	private collection(name: string): IDataObject {
		const known = this.collections.get(name);
		if (known) return known;
		const entered = this.raw(name);
		const collection = isRecord(entered) ? entered : {};
		this.collections.set(name, collection);
		return collection;
	}
}

/** What to do about a field without a value that the input item usually fills. */
function remedyFor({ property }: Field<unknown>, problem: string): string {
	const isOfItem = typeof property.default === 'string' && property.default.startsWith('=');
	return isOfItem && problem === EMPTY
		? ': connect the node whose output has it, or enter a value'
		: '';
}
