import { isJsonObject, isString, type JsonObject, parseUrl } from './json';

/** Says what is wrong with the value of a field, in words that follow the field's name. */
type Check = (value: unknown) => string | undefined;

/** What the documentation says of one field of a request. */
export interface Field {
	readonly check?: Check;
	readonly required?: boolean;
	/** The task types that the field applies to; unset: all. */
	readonly onlyFor?: readonly string[];
	/** The fields of the object in this field. */
	readonly within?: Fields;
	/** What each entry of the list in this field must be. */
	readonly items?: Field;
}

export type Fields = Readonly<Record<string, Field>>;

/** What is wrong with a request. */
export interface Complaint {
	/** The outermost field it is about. */
	readonly field: string;
	readonly problem: 'missing' | 'invalid';
	/** Begins with the path of the field. */
	readonly text: string;
}

/** Null and undefined count as missing, as with the provider's Java servers; so does "". */
export function isMissing(value: unknown): boolean {
	return value === undefined || value === null || (isString(value) && value.trim() === '');
}

/** The first field whose value is not as documented; undefined when all are. */
export function complaintAbout(body: JsonObject, fields: Fields): Complaint | undefined {
	for (const [field, rule] of Object.entries(fields)) {
		const complaint = complaintAboutValue(body[field], rule, field);
		if (complaint) return { field, ...complaint };
	}
	return undefined;
}

function complaintAboutValue(
	value: unknown,
	{ check, required, within, items }: Field,
	path: string,
): Omit<Complaint, 'field'> | undefined {
	if (required && isMissing(value)) return { problem: 'missing', text: `${path} is required` };
	if (value === undefined || value === null) return undefined;
	const invalid = (words: string) => ({ problem: 'invalid' as const, text: `${path} ${words}` });
	if (within) {
		if (!isJsonObject(value)) return invalid('must be an object');
		for (const [name, field] of Object.entries(within)) {
			const complaint = complaintAboutValue(value[name], field, `${path}.${name}`);
			if (complaint) return complaint;
		}
	}
	if (items) {
		if (!Array.isArray(value)) return invalid('must be a list');
		for (const [position, item] of value.entries()) {
			const complaint = complaintAboutValue(item, items, `${path}[${position}]`);
			if (complaint) return complaint;
		}
	}
	const words = check?.(value);
	return words === undefined ? undefined : invalid(words);
}

/** The fields of the body that no page documents. */
export function unknownFields(body: JsonObject, fields: Fields): string[] {
	return Object.keys(body).filter((name) => !Object.hasOwn(fields, name));
}

/** The fields of the body that do not apply to this task type. */
export function inapplicableFields(body: JsonObject, fields: Fields, taskType: string): string[] {
	return Object.entries(fields)
		.filter(
			([name, { onlyFor }]) => !isMissing(body[name]) && onlyFor?.includes(taskType) === false,
		)
		.map(([name]) => name);
}

export const isText: Check = (value) => (isString(value) ? undefined : 'must be a string');

export const isBoolean: Check = (value) =>
	typeof value === 'boolean' ? undefined : 'must be a boolean';

export const isHttpUrl: Check = (value) =>
	/^https?:$/.test(parseUrl(value)?.protocol ?? '') ? undefined : 'must be an http(s) URL';

/** "" means no URL: the server itself writes it so in paramJson. */
export const isHttpUrlOrEmpty: Check = (value) => (value === '' ? undefined : isHttpUrl(value));

export const isListOfHttpUrls: Check = (value) =>
	Array.isArray(value) && value.every((item) => !isHttpUrl(item))
		? undefined
		: 'must be a list of http(s) URLs';

export const isTextUpTo =
	(longest: number): Check =>
	(value) =>
		isText(value) ??
		(isString(value) && value.length > longest
			? `must have at most ${longest} characters`
			: undefined);

export const isHttpUrlUpTo =
	(longest: number): Check =>
	(value) =>
		isHttpUrl(value) ?? isTextUpTo(longest)(value);

/** A text that, if given, is not empty. */
export const isFilledTextUpTo =
	(longest: number): Check =>
	(value) =>
		isMissing(value) ? 'must not be empty' : isTextUpTo(longest)(value);

export const isOneOf =
	(...choices: ReadonlyArray<string | number>): Check =>
	(value) =>
		choices.some((choice) => choice === value)
			? undefined
			: `must be one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`;

export const isIntegerWithin =
	(least: number, most: number, step = 1): Check =>
	(value) => {
		if (!Number.isInteger(value)) return 'must be an integer';
		const number = Number(value);
		if (number < least || number > most) return `must be between ${least} and ${most}`;
		return number % step === 0 ? undefined : `must be a multiple of ${step}`;
	};

export const isNumberWithin =
	(least: number, most: number): Check =>
	(value) =>
		typeof value === 'number' && value >= least && value <= most
			? undefined
			: `must be a number between ${least} and ${most}`;

export const isInteger = isIntegerWithin(-Infinity, Infinity);

/** x, y, x, y … of a polygon. */
export const isPolygon: Check = (value) => {
	if (!Array.isArray(value) || !value.every(Number.isInteger)) return 'must be a list of integers';
	if (value.length < 6) return 'must have at least 6 numbers, 3 points';
	return value.length % 2 === 0 ? undefined : 'must have an even count of numbers';
};
