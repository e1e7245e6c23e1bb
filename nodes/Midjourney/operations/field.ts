import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

import { addressOfField } from '../providers/images';
import { isHttpUrl } from '../providers/json';
import type { ProviderName } from '../providers/provider';
import { charactersIn } from '../providers/texts';

/** The result of reading a value: the value to use (undefined: not set), or why it is not valid. */
export type Reading<T> = { value: T } | { problem: string };

/** Values of other fields, by field name. */
export type Conditions = Record<string, Choice[]>;

/** A value of a field that another field depends on. */
export type Choice = string | boolean;

/**
 * One field of the node: how n8n shows it, and how its value is checked. `problem` texts follow the field's display name:
 * “Variety must be …”.
 */
export interface Field<T> {
	property: INodeProperties;
	/** How the property differs in an agent's tool. */
	inTool?: Partial<INodeProperties>;
	/** What a model must know to fill in the field, in whole sentences, for the description of the tool. */
	forModel?: string;
	/** Shown only while other top-level fields, by name, have one of these values. */
	only?: Conditions;
	/** Hidden while other top-level fields have one of these values. */
	except?: Conditions;
	/** The providers that have it; all if undefined. */
	providers?: readonly ProviderName[];
	/** What replaces it with some providers: under the same name, so that a value survives a switch. */
	variants?: Readonly<Partial<Record<ProviderName, Field<T>>>>;
	/** Its value where it does not apply. */
	unset?: { value: T };
	/** Accepts whatever an expression may return; never throws. */
	read(value: unknown): Reading<T>;
}

/** Whether a value is not set: an untouched field, a cleared one, an expression without a value. */
export const isUnset = (value: unknown): boolean =>
	value === undefined || value === null || value === '';

const asText = (value: unknown): string | undefined =>
	typeof value === 'string' ? value : Number.isFinite(value) ? String(value) : undefined;

/** The problem of a field that must have a value and has none. */
export const EMPTY = 'is empty';

/** How n8n shows a field, except for its type. */
export type Display = Omit<INodeProperties, 'type'>;

/** Any text of 1 to `max` characters. */
export function textField(max: number, display: Display): Field<string> {
	return {
		property: { ...display, type: 'string' },
		read(value) {
			const text = asText(value);
			if (isUnset(value) || text?.trim() === '') return { problem: EMPTY };
			if (text === undefined) return { problem: `must be text, not ${kindOf(value)}` };
			const characters = charactersIn(text);
			if (characters > max) {
				return {
					problem: `has ${characters} characters, but at most ${max} are allowed: shorten it`,
				};
			}
			return { value: text };
		},
	};
}

/** A field whose value is checked further, or changed, once `field` has read it. */
export const refined = <T, U>(
	{ property, read }: Field<T>,
	further: (value: T) => Reading<U>,
): Field<U> => ({
	property,
	read(value) {
		const reading = read(value);
		return 'value' in reading ? further(reading.value) : reading;
	},
});

interface Range {
	min: number;
	max: number;
	/** For whole numbers. */
	step?: number;
}

/** A whole number from `min` to `max`, in steps if the provider requires them. */
export const integerField = ({ min, max, step = 1 }: Range, display: Display): Field<number> =>
	numeric(
		`a whole number from ${min} to ${max}${step > 1 ? ` in steps of ${step}` : ''}`,
		(number) =>
			Number.isInteger(number) && number >= min && number <= max && (number - min) % step === 0,
		{ minValue: min, maxValue: max, numberStepSize: step, numberPrecision: 0 },
		display,
	);

/** A number from `min` to `max`, fractions allowed. */
export const numberField = ({ min, max }: Omit<Range, 'step'>, display: Display): Field<number> =>
	numeric(
		`a number from ${min} to ${max}`,
		(number) => number >= min && number <= max,
		// A precision would show 30 as 30.00.
		{ minValue: min, maxValue: max },
		display,
	);

const numeric = (
	what: string,
	fits: (number: number) => boolean,
	typeOptions: INodeProperties['typeOptions'],
	display: Display,
): Field<number> => ({
	property: { ...display, type: 'number', typeOptions },
	read(value) {
		const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
		return typeof number === 'number' && fits(number)
			? { value: number }
			: { problem: `must be ${what}, not ${quoted(value)}` };
	},
});

/** One value of a list. A value from an expression is checked against the list, too. */
export function choiceField<T extends string | number>(
	options: ReadonlyArray<INodePropertyOptions & { value: T }>,
	display: Display,
): Field<T> {
	return {
		property: { ...display, type: 'options', options: [...options] },
		read(value) {
			const chosen = options.find((option) => String(option.value) === asText(value));
			const names = options.map((option) => option.value).join(', ');
			return chosen
				? { value: chosen.value }
				: { problem: `must be one of ${names}, not ${quoted(value)}` };
		},
	};
}

/** The choices of a list in which each value is its own name. */
export const plainChoices = <T extends string | number>(
	...values: T[]
): Array<{ name: string; value: T }> => values.map((value) => ({ name: String(value), value }));

/** True or false, also as text from an expression. */
export function switchField(display: Display): Field<boolean> {
	return {
		property: { ...display, type: 'boolean' },
		read: (value) =>
			typeof value === 'boolean'
				? { value }
				: value === 'true' || value === 'false'
					? { value: value === 'true' }
					: { problem: `must be true or false, not ${quoted(value)}` },
	};
}

/**
 * Several texts in one field: separated by new lines or by commas, or an array from an expression.
 *
 * @param separator separates the entries of a single text
 * @param check the problem with an entry, if there is one
 */
export function listField(
	{ separator, check }: { separator: RegExp; check?: (entry: string) => string | undefined },
	display: Display,
): Field<string[]> {
	return {
		property: { ...display, type: 'string' },
		read(value) {
			if (!Array.isArray(value) && !isUnset(value) && asText(value) === undefined) {
				return { problem: `must be text or a list, not ${kindOf(value)}` };
			}
			const entries = (Array.isArray(value) ? value : (asText(value) ?? '').split(separator))
				.map((entry: unknown) => asText(entry)?.trim() ?? quoted(entry))
				.filter((entry) => entry !== '');
			if (entries.length === 0) return { problem: EMPTY };
			const problem = entries.map((entry) => check?.(entry)).find((found) => found !== undefined);
			return problem === undefined ? { value: entries } : { problem };
		},
	};
}

/** The problem with a text that is not an absolute http(s) URL. */
export function urlProblem(entry: string): string | undefined {
	if (/\s/.test(entry) || !URL.canParse(entry)) {
		return `contains ${quoted(entry)}, which is not a URL: enter a complete URL that starts with https://`;
	}
	return isHttpUrl(entry)
		? undefined
		: `contains ${quoted(entry)}: the provider can only read http and https URLs`;
}

/** One absolute http(s) URL of at most `max` characters. */
export const urlField = (display: Display, max = 2048): Field<string> =>
	refined(textField(max, display), (value): Reading<string> => {
		const problem = urlProblem(value);
		return problem === undefined ? { value } : { problem };
	});

/** Hides a field when the node is an agent's tool. */
export const NOT_IN_TOOLS = { hide: { '@tool': [true] } };

/**
 * Names of binary fields of the item, separated by commas. They are read as the addresses of the images in them, so that a
 * request looks the same wherever an image comes from. Hidden in tools, because no file reaches an agent's tool.
 *
 * @param max how many there may be
 */
export const binaryFields = (max: number, display: Display): Field<string[]> =>
	refined(
		listField(
			{ separator: /\s*[,\n]\s*/ },
			{
				...display,
				typeOptions: { binaryDataProperty: true },
				displayOptions: NOT_IN_TOOLS,
				hint: 'The name of the input field containing the binary file data to use',
			},
		),
		(names): Reading<string[]> => {
			if (names.length > max) {
				return { problem: `names ${names.length} fields, at most ${max} are allowed` };
			}
			const addresses = names.flatMap((name) => addressOfField(name) ?? []);
			return addresses.length === names.length
				? { value: addresses }
				: { problem: 'contains an invalid field name' };
		},
	);

/** The same for one image. */
export const binaryField = (display: Display): Field<string> =>
	refined(
		binaryFields(1, display),
		([address]): Reading<string> =>
			address === undefined ? { problem: EMPTY } : { value: address },
	);

/**
 * JSON as text, or a value of the same form from an expression. n8n does not evaluate a text that is not an expression, so
 * its braces would go to the provider unchanged.
 */
export function jsonField<T>(read: (value: unknown) => Reading<T>, display: Display): Field<T> {
	return {
		property: { ...display, type: 'json', typeOptions: { rows: 5, ...display.typeOptions } },
		read(value) {
			if (isUnset(value)) return { problem: EMPTY };
			if (typeof value !== 'string') return read(value);
			if (value.includes('{{')) {
				return {
					problem: 'contains {{ … }} as plain text: switch the field from Fixed to Expression',
				};
			}
			try {
				return read(JSON.parse(value));
			} catch {
				return { problem: `is not valid JSON: ${quoted(value)}` };
			}
		},
	};
}

/** A field made from another one; its variants are made in the same way. */
const madeOf = <T, U>(
	field: Field<T>,
	make: (one: Field<T>) => Omit<Field<U>, 'variants'>,
): Field<U> => ({
	...make(field),
	variants:
		field.variants &&
		Object.fromEntries(Object.entries(field.variants).map(([name, one]) => [name, make(one)])),
});

/** `field`, but it may be left unset. */
export const optional = <T>(field: Field<T>): Field<T | undefined> =>
	madeOf<T, T | undefined>(field, (one) => ({
		...one,
		read: (value) => (isUnset(value) ? { value: undefined } : one.read(value)),
	}));

/**
 * `field`, but in an agent's tool only people fill it in: what is paid, how long the node waits, what it returns. n8n offers
 * to leave a field to the model wherever an expression is allowed, except in lists of choices (read in n8n 2.41.1, 2.8.4 and
 * 1.123.81).
 */
export const byPeople = <T>(field: Field<T>): Field<T> =>
	madeOf<T, T>(field, (one) => ({ ...one, inTool: { ...one.inTool, noDataExpression: true } }));

/** Binds a field to the values of another one; undefined where it is not shown. */
const boundTo =
	(condition: 'only' | 'except') =>
	<T, V extends Choice>(
		other: Field<V | undefined>,
		values: ReadonlyArray<NoInfer<V>>,
		field: Field<T>,
	): Field<T | undefined> =>
		madeOf<T, T | undefined>(field, (one) => ({
			...one,
			[condition]: { ...one[condition], [other.property.name]: [...values] },
			unset: { value: undefined },
		}));

/** `field`, but only while another field has one of these values; undefined otherwise. */
export const onlyFor = boundTo('only');

/** `field`, except while another field has one of these values; undefined then. */
export const exceptFor = boundTo('except');

/** `field`, but only some providers have it; undefined with the others. */
export const onlyWith = <T>(
	providers: readonly ProviderName[],
	field: Field<T>,
): Field<T | undefined> =>
	madeOf<T, T | undefined>(field, (one) => ({ ...one, providers, unset: { value: undefined } }));

/** `field`, replaced by another field of the same name with some providers. */
export const perProvider = <T>(
	field: Field<T>,
	variants: Partial<Record<ProviderName, Field<T>>>,
): Field<T> => ({ ...field, variants });

/** The form of a field with this provider; undefined if the provider does not have it. */
export function fieldWith<T>(field: Field<T>, provider: ProviderName): Field<T> | undefined {
	const own = field.variants?.[provider] ?? field;
	return own.providers?.includes(provider) === false ? undefined : own;
}

const kindOf = (value: unknown): string =>
	Array.isArray(value) ? 'a list' : `of type ${typeof value}`;

/** A value as it is quoted in a message, cut if it is long. */
function quoted(value: unknown): string {
	const text = typeof value === 'string' ? value : (jsonOf(value) ?? 'nothing');
	return text === '' ? 'nothing' : `“${text.length > 80 ? `${text.slice(0, 80)}…` : text}”`;
}

/** An expression may return what JSON cannot express, such as a BigInt or an object that contains itself. */
function jsonOf(value: unknown): string | undefined {
	try {
		return JSON.stringify(value);
	} catch {
		return kindOf(value);
	}
}
