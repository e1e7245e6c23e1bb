import type { IDataObject, IExecuteFunctions, INodeProperties } from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import type { Field } from '../../nodes/Midjourney/operations/Field';
import type { Operation } from '../../nodes/Midjourney/operations/Operation';
import { Parameters } from '../../nodes/Midjourney/operations/Parameters';
import { placesOf } from '../../nodes/Midjourney/operations/properties';
import { settingsFrom } from '../../nodes/Midjourney/operations/settings';
import { failed, type Http } from '../../nodes/Midjourney/providers/http';
import { midApi, submitCall } from '../../nodes/Midjourney/providers/midApi';

/** No field is there for show: each one changes what is sent, or how the node waits and what it gives. */

/** Values to try, until two are found that a field accepts. */
function candidates({ options = [], typeOptions = {} }: INodeProperties): unknown[] {
	const { minValue = 0, maxValue = 1 } = typeOptions;
	const values = options.flatMap((option) => ('value' in option ? [option.value] : []));
	return [...values, true, false, minValue, maxValue, 'https://a.bc/1', 'https://a.bc/2'];
}

/** Two values of a field that mean different things. */
function twoValues(field: Field<unknown>): [unknown, unknown] {
	const readings = new Map<string, unknown>();
	for (const value of candidates(field.property)) {
		const reading = field.read(value);
		const key = JSON.stringify(reading);
		if ('value' in reading && !readings.has(key)) readings.set(key, value);
	}
	const [one, other] = readings.values();
	return [one, other];
}

/** What is entered in other fields so that this one plays a role. */
function surroundings({ only = {}, property }: Field<unknown>): IDataObject {
	const shown = { ...only, ...property.displayOptions?.show };
	const chosen = Object.entries(shown).map(([name, values]) => [name, values?.[0]]);
	// The fields about files are read where files are wanted.
	return { download: true, ...Object.fromEntries(chosen) };
}

/** What stands in a field that is not the tested one. */
function usual(field: Field<unknown>, place: string | undefined): unknown {
	if (place !== undefined) return undefined;
	return field.property.type === 'options' ? field.property.default : twoValues(field)[0];
}

/** The parameters of a node in which a field has a value, and the others what they need. */
function parametersWith(
	operation: Operation,
	tested: Field<unknown>,
	value: unknown,
): Map<string, unknown> {
	const around = surroundings(tested);
	const entered = new Map<string, unknown>();
	for (const [field, place] of placesOf(operation)) {
		const { name } = field.property;
		const other = around[name] ?? usual(field, place);
		const own = field === tested ? value : other;
		if (own === undefined) continue;
		if (place === undefined) entered.set(name, own);
		else entered.set(place, { ...(entered.get(place) as IDataObject | undefined), [name]: own });
	}
	return entered;
}

/** Everything that a run of the node takes from its parameters: what goes over the wire, and the settings. */
async function demandsOf(operation: Operation, entered: ReadonlyMap<string, unknown>) {
	const context = {
		getNode: () => ({ name: 'Midjourney', type: 'midjourney' }),
		getNodeParameter: (name: string, _: number, fallback: unknown) => entered.get(name) ?? fallback,
	} as unknown as IExecuteFunctions;
	const from = new Parameters(context, 0, placesOf(operation));
	const intent = operation.intent(from);
	const sent: unknown[] = [];
	const http: Http = {
		send: async (call) => {
			sent.push(call);
			return failed({ reason: 'unreachable', taken: 'no', passing: false });
		},
	};
	const settings = settingsFrom(from);
	if (intent.does === 'ask') {
		await intent.question(midApi, http);
		return { sent, settings };
	}
	return { request: intent.does === 'buy' ? submitCall(intent.request) : intent, settings };
}

const fieldRows = operations.flatMap((operation) =>
	[...placesOf(operation).keys()].map(
		(field) =>
			[
				`${operation.resource}:${operation.operation}`,
				field.property.displayName,
				operation,
				field,
			] as const,
	),
);

describe('A field of an operation', () => {
	it.each(fieldRows)('%s: %s makes a difference', async (_, __, operation, field) => {
		const [one, other] = twoValues(field);
		expect(other).toBeDefined();
		const demands = await demandsOf(operation, parametersWith(operation, field, one));
		// The same once more: nothing but the field makes the difference.
		expect(await demandsOf(operation, parametersWith(operation, field, one))).toEqual(demands);
		const changed = await demandsOf(operation, parametersWith(operation, field, other));
		expect(changed).not.toEqual(demands);
	});
});
