import type { IDataObject, IExecuteFunctions, INodeProperties } from 'n8n-workflow';

import { MidApi } from '../../credentials/MidApi.credentials';
import { VtrixApi } from '../../credentials/VtrixApi.credentials';
import { operations } from '../../nodes/Midjourney/operations';
import type { Field } from '../../nodes/Midjourney/operations/field';
import { providersOf, workOf, type Operation } from '../../nodes/Midjourney/operations/operation';
import { Parameters } from '../../nodes/Midjourney/operations/parameters';
import { placesOf } from '../../nodes/Midjourney/operations/properties';
import { isDryRun, settingsFrom } from '../../nodes/Midjourney/operations/settings';
import { providers } from '../../nodes/Midjourney/providers';
import { failed, success, type Http } from '../../nodes/Midjourney/providers/http';
import type { ProviderName } from '../../nodes/Midjourney/providers/provider';
import type { Task } from '../../nodes/Midjourney/providers/task';
import { prepare } from '../../nodes/Midjourney/tasks/submit/prepare';
import { read } from './built';

/** Every field has an effect: it changes what is sent, how the node waits, or what it gives. */

/** Rectangles at the corner of an image, in every form of an area. */
const areas = (side: number) => {
	const rectangle = { x: 0, y: 0, width: side, height: side };
	return [{ rectangle: [rectangle] }, JSON.stringify([rectangle])];
};

/** Values to try. */
function candidates({ default: initial, options = [], typeOptions = {} }: INodeProperties) {
	const { minValue = 0, maxValue = 1 } = typeOptions;
	const values = options.flatMap((option) => ('value' in option ? [option.value] : []));
	const texts = ['https://a.bc/1', 'https://a.bc/2', '2:3', '3:2', '{"a":1}', '{"a":2}'];
	return [
		initial,
		...values,
		true,
		false,
		512,
		maxValue,
		minValue,
		...areas(10),
		...areas(20),
		...texts,
	];
}

/** Values that a field accepts and that mean different things. */
function valuesOf(field: Field<unknown>): unknown[] {
	const readings = new Map<string, unknown>();
	for (const value of candidates(field.property)) {
		const reading = field.read(value);
		const key = JSON.stringify(reading);
		if ('value' in reading && reading.value !== undefined && !readings.has(key)) {
			readings.set(key, value);
		}
	}
	return [...readings.values()];
}

/** The values of other fields with which this one has an effect. */
function surroundings({ only = {}, property }: Field<unknown>): IDataObject {
	const shown = { ...only, ...property.displayOptions?.show };
	const chosen = Object.entries(shown).map(([name, values]) => [name, values?.[0]]);
	// The fields about files are read only with Download.
	return { download: true, ...COMPANIONS[property.name], ...Object.fromEntries(chosen) };
}

/** The value of a field that is not tested. */
function usual(field: Field<unknown>, place: string | undefined): unknown {
	if (place !== undefined) return undefined;
	return valuesOf(field)[0];
}

/** The parameters of a node with a value in the tested field, and the others' usual values. */
function parametersWith(
	operation: Operation,
	provider: ProviderName,
	tested: Field<unknown>,
	value: unknown,
): Map<string, unknown> {
	const around = surroundings(tested);
	const entered = new Map<string, unknown>();
	for (const [field, place] of placesOf(operation, provider)) {
		const { name } = field.property;
		const other = around[name] ?? usual(field, place);
		const own = field === tested ? value : other;
		if (own === undefined) continue;
		if (place === undefined) entered.set(name, own);
		else entered.set(place, { ...(entered.get(place) as IDataObject | undefined), [name]: own });
	}
	return entered;
}

/** The task that operations work on. */
const FINISHED: Omit<Task, 'taskId'> = {
	provider: 'vtrix',
	status: 'completed',
	outputs: [0, 1, 2, 3].map((index) => ({
		index,
		type: 'image',
		url: `https://a.bc/${index}.png`,
	})),
	raw: {},
};

/** The values of other fields without which a field has no effect. */
const COMPANIONS: Record<string, IDataObject> = {
	imageWidth: { imageHeight: 700 },
	imageHeight: { imageWidth: 700 },
	// It only has an effect on a prompt with permutations.
	allowPermutations: { prompt: 'a {red, green} bird' },
};

/** Everything that a run takes from its parameters: requests, settings, whether it buys. */
async function demandsOf(
	operation: Operation,
	provider: ProviderName,
	entered: ReadonlyMap<string, unknown>,
) {
	const context = {
		getNode: () => ({ name: 'Midjourney', type: 'midjourney' }),
		getNodeParameter: (name: string, _: number, fallback: unknown) => entered.get(name) ?? fallback,
	} as unknown as IExecuteFunctions;
	const from = new Parameters(context, 0, placesOf(operation, provider), provider);
	const work = workOf(operation, from);
	const sent: unknown[] = [];
	const http: Http = {
		baseUrl: 'https://api.example.com',
		account: 'account',
		callbackKey: 'key',
		webhookSecrets: [],
		send: async (call) => {
			sent.push(call);
			return failed({ reason: 'unreachable', accepted: 'no', transient: false });
		},
	};
	const { [provider]: doer } = providers;
	if (work.does === 'query') await work.question(doer, http);
	if (work.does === 'submit') {
		for (const request of work.requests) {
			// A read before the submit counts, too.
			const look = async (taskId: string) => {
				sent.push(['look', taskId]);
				return success({
					...FINISHED,
					taskId,
					...('index' in request && { jobId: request.jobId }),
				});
			};
			const sizeOf = async (url: string) => {
				sent.push(['size of', url]);
				return success({ width: 900, height: 700 });
			};
			const prepared = await prepare(doer, request, { readTask: look, sizeOf });
			if (!prepared.ok) throw new Error(prepared.failure.message);
			await doer.submit(http, prepared.value);
		}
	}
	return {
		looks: work.does === 'submit' ? undefined : work,
		sent,
		settings: settingsFrom(from),
		isDry: isDryRun(from),
	};
}

const fieldRows = operations.flatMap((operation) =>
	providersOf(operation).flatMap(({ name: provider }) =>
		[...placesOf(operation, provider).keys()].map(
			(field) =>
				[
					`${operation.resource}:${operation.operation}`,
					provider,
					field.property.displayName,
					operation,
					field,
				] as const,
		),
	),
);

describe('A field of an operation', () => {
	it.each(fieldRows)(
		'%s with %s: %s makes a difference',
		async (_, provider, __, operation, field) => {
			const [one, ...rest] = valuesOf(field);
			const demands = async (value: unknown) => {
				const entered = parametersWith(operation, provider, field, value);
				return JSON.stringify(await demandsOf(operation, provider, entered));
			};
			const first = await demands(one);
			// Once more with the same value, so that only the field makes a difference.
			expect(await demands(one)).toBe(first);
			// Not every value fits the usual values of the other fields.
			const others = await Promise.allSettled(rest.map(demands));
			const changed = others.filter((end) => end.status === 'fulfilled' && end.value !== first);
			expect(changed).not.toEqual([]);
		},
	);
});

describe('The fields of the credentials', () => {
	it('are those that are read where requests are sent', () => {
		const fields = [new MidApi(), new VtrixApi()].flatMap(({ properties }) =>
			properties.map(({ name }) => name),
		);
		const http = read('nodes/Midjourney/providers/http.ts');
		const asked = [...http.matchAll(/\bdata\.(\w+)/g)].map(([, name]) => name);
		expect(new Set(asked)).toEqual(new Set(fields));
	});
});

/** Records the fields that an operation reads. */
class Noting extends Parameters {
	readonly asked = new Set<string>();

	override get<T>(field: Field<T>): T {
		this.asked.add(field.property.name);
		return super.get(field);
	}
}

describe('An operation', () => {
	const rows = operations.flatMap((operation) =>
		providersOf(operation).map(
			({ name }) => [`${operation.resource}:${operation.operation}`, name, operation] as const,
		),
	);

	it.each(rows)('%s with %s reads only fields that its panel has', (_, name, operation) => {
		const { fields, style = [], additional = [] } = operation;
		const context = {
			getNode: () => ({ name: 'Midjourney', type: 'midjourney' }),
			getNodeParameter: (asked: string) => {
				const found = fields.find(({ property }) => property.name === asked);
				return found && usual(found, undefined);
			},
		} as unknown as IExecuteFunctions;
		const from = new Noting(context, 0, placesOf(operation, name), name);
		workOf(operation, from);
		const shown = [...fields, ...style, ...additional].map(({ property }) => property.name);
		expect([...from.asked].filter((asked) => !shown.includes(asked))).toEqual([]);
	});
});
