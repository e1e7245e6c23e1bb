import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

import { addressOfField } from '../providers/images';
import type { ProviderName } from '../providers/provider';
import { charactersIn } from '../providers/texts';

/** What a field made of a value: what to use (undefined: not set), or in which way the value does not fit. */
export type Reading<T> = { value: T } | { problem: string };

/** Values of other fields, by the names of these. */
export type Conditions = Record<string, Choice[]>;

/** What a field can have that another one depends on. */
export type Choice = string | boolean;

/**
 * One field of the node: how n8n shows it, and how its value is checked. `problem` texts go after the field's display
 * name: “Variety must be …”.
 */
export interface Field<T> {
	property: INodeProperties;
	/** Only there while other top-level fields, by their names, have one of these values. */
	only?: Conditions;
	/** Gone while other top-level fields have one of these values. */
	except?: Conditions;
	/** The names of the providers that have it; all when unset. */
	providers?: readonly ProviderName[];
	/** What stands in its place with some providers: of the same name, so that a value survives a switch. */
	variants?: Readonly<Partial<Record<ProviderName, Field<T>>>>;
	/** What it reads as where it does not apply. */
	unset?: { value: T };
	/** Gets whatever an expression may give; never throws. */
	read(value: unknown): Reading<T>;
}

/** What is not set: an untouched field, an emptied one, an expression without a value. */
export const isUnset = (value: unknown): boolean =>
	value === undefined || value === null || value === '';

const asText = (value: unknown): string | undefined =>
	typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;

/** How n8n shows a field, apart from its kind. */
export type Display = Omit<INodeProperties, 'type'>;

/** Any text of 1 to `max` characters. */
export function textField(max: number, display: Display): Field<string> {
	return {
		property: { ...display, type: 'string' },
		read(value) {
			const text = asText(value);
			if (isUnset(value) || text?.trim() === '') return { problem: 'is empty' };
			if (text === undefined) return { problem: `must be a text, not ${kindOf(value)}` };
			const characters = charactersIn(text);
			if (characters > max) {
				return { problem: `has ${characters} characters, at most ${max} are allowed: shorten it` };
			}
			return { value: text };
		},
	};
}

/** A whole number from `min` to `max`, in steps if the wire wants them. */
export function integerField(
	{ min, max, step = 1 }: { min: number; max: number; step?: number },
	display: Display,
): Field<number> {
	const range = `a whole number from ${min} to ${max}${step > 1 ? ` in steps of ${step}` : ''}`;
	return {
		property: {
			...display,
			type: 'number',
			typeOptions: { minValue: min, maxValue: max, numberStepSize: step, numberPrecision: 0 },
		},
		read(value) {
			const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
			const fits =
				typeof number === 'number' &&
				Number.isInteger(number) &&
				number >= min &&
				number <= max &&
				(number - min) % step === 0;
			return fits ? { value: number } : { problem: `must be ${range}, not ${quoted(value)}` };
		},
	};
}

/** A number from `min` to `max`, fractions allowed. */
export function numberField(
	{ min, max }: { min: number; max: number },
	display: Display,
): Field<number> {
	return {
		property: {
			...display,
			type: 'number',
			// A precision would show 30 as 30.00.
			typeOptions: { minValue: min, maxValue: max },
		},
		read(value) {
			const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
			return typeof number === 'number' && number >= min && number <= max
				? { value: number }
				: { problem: `must be a number from ${min} to ${max}, not ${quoted(value)}` };
		},
	};
}

/** One of a list; what an expression gives is checked against it, too. */
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
 * @param separator what stands between two of them when they come as one text
 * @param check the problem of one of them, if it has one
 */
export function listField(
	{ separator, check }: { separator: RegExp; check?: (entry: string) => string | undefined },
	display: Display,
): Field<string[]> {
	return {
		property: { ...display, type: 'string' },
		read(value) {
			const entries = (Array.isArray(value) ? value : (asText(value) ?? '').split(separator))
				.map((entry: unknown) => asText(entry)?.trim() ?? quoted(entry))
				.filter((entry) => entry !== '');
			if (entries.length === 0) return { problem: 'is empty' };
			const problem = entries.map((entry) => check?.(entry)).find((found) => found !== undefined);
			return problem === undefined ? { value: entries } : { problem };
		},
	};
}

/** The problem of a text that is no absolute http(s) URL. */
export function urlProblem(entry: string): string | undefined {
	if (/\s/.test(entry) || !URL.canParse(entry)) {
		return `holds ${quoted(entry)}, which is not a URL: enter a complete one that starts with https://`;
	}
	return /^https?:$/.test(new URL(entry).protocol)
		? undefined
		: `holds ${quoted(entry)}: only http and https URLs can be read by the provider`;
}

/** One absolute http(s) URL of at most `max` characters. */
export function urlField(display: Display, max = 2048): Field<string> {
	const anyText = textField(max, display);
	return {
		...anyText,
		read(value) {
			const reading = anyText.read(value);
			const problem = 'value' in reading ? urlProblem(reading.value) : undefined;
			return problem === undefined ? reading : { problem };
		},
	};
}

/** What an agent's tool does not have. */
export const NOT_IN_TOOLS = { hide: { '@tool': [true] } };

/**
 * Names of binary fields of the item, separated by commas. Reads as the addresses of the pictures in them, so that a
 * request is the same wherever a picture comes from. Files reach no tool of an agent, so there it is not shown.
 *
 * @param max how many there may be
 */
export function binaryFields(max: number, display: Display): Field<string[]> {
	const names = listField({ separator: /\s*[,\n]\s*/ }, display);
	return {
		property: {
			...names.property,
			typeOptions: { binaryDataProperty: true },
			displayOptions: NOT_IN_TOOLS,
			hint: 'The name of the input field containing the binary file data to use',
		},
		read(value) {
			const reading = names.read(value);
			if ('problem' in reading) return reading;
			if (reading.value.length > max) {
				return { problem: `names ${reading.value.length} fields, at most ${max} are possible` };
			}
			const addresses = reading.value.flatMap((name) => addressOfField(name) ?? []);
			return addresses.length === reading.value.length
				? { value: addresses }
				: { problem: 'holds what is no name of a field' };
		},
	};
}

/** The same for one picture. */
export function binaryField(display: Display): Field<string> {
	const { property, read } = binaryFields(1, display);
	return {
		property,
		read(value) {
			const reading = read(value);
			if ('problem' in reading) return reading;
			const [address = ''] = reading.value;
			return { value: address };
		},
	};
}

/**
 * JSON as a text, or what an expression gives of the same form. n8n evaluates nothing in a text that is not an expression;
 * its braces would go to the provider as they are.
 */
export function jsonField<T>(read: (value: unknown) => Reading<T>, display: Display): Field<T> {
	return {
		property: { ...display, type: 'json', typeOptions: { rows: 5, ...display.typeOptions } },
		read(value) {
			if (isUnset(value)) return { problem: 'is empty' };
			if (typeof value !== 'string') return read(value);
			if (value.includes('{{')) {
				return {
					problem: 'holds {{ … }} as a mere text: switch the field from Fixed to Expression',
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

/** A field made of another one, and so are its variants. */
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

/** Binds a field to the values of another one; where it is not shown it is undefined. */
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

/** `field`, but it only exists while another one has one of these values; undefined otherwise. */
export const onlyFor = boundTo('only');

/** `field`, but it is gone while another one has one of these values; undefined then. */
export const exceptFor = boundTo('except');

/** `field`, but only some providers have it; undefined with the others. */
export const onlyWith = <T>(
	providers: readonly ProviderName[],
	field: Field<T>,
): Field<T | undefined> =>
	madeOf<T, T | undefined>(field, (one) => ({ ...one, providers, unset: { value: undefined } }));

/** `field`, which is another one of the same name with some providers. */
export const perProvider = <T>(
	field: Field<T>,
	variants: Partial<Record<ProviderName, Field<T>>>,
): Field<T> => ({ ...field, variants });

/** What a field is with this provider; undefined where the provider does not have it. */
export function fieldWith<T>(field: Field<T>, provider: ProviderName): Field<T> | undefined {
	const own = field.variants?.[provider] ?? field;
	return own.providers?.includes(provider) === false ? undefined : own;
}

const kindOf = (value: unknown): string =>
	Array.isArray(value) ? 'a list' : `of type ${typeof value}`;

/** A value as it can stand in a message, cut where it is long. */
function quoted(value: unknown): string {
	const text = typeof value === 'string' ? value : (jsonOf(value) ?? 'nothing');
	return text === '' ? 'nothing' : `“${text.length > 80 ? `${text.slice(0, 80)}…` : text}”`;
}

/** What an expression gives may also be no JSON, such as a BigInt or an object that holds itself. */
function jsonOf(value: unknown): string | undefined {
	try {
		return JSON.stringify(value);
	} catch {
		return kindOf(value);
	}
}
