import { isJsonObject, isString, type JsonObject, parseUrl } from './json';

/** Says what is wrong with the value of a field, in words that go behind the field's name. */
type Check = (value: unknown) => string | undefined;

/** What the contract says of one field of a request. */
export interface Field {
	readonly check: Check;
	readonly required?: boolean;
	/** The task types that heed the field; all, when unset. */
	readonly onlyFor?: readonly string[];
}

export type Fields = Readonly<Record<string, Field>>;

/** A call turned down, with the code that goes into the body of the answer (api-contract 1.11). */
export class Rejection extends Error {
	constructor(
		readonly code: number,
		message: string,
	) {
		super(message);
	}
}

/** As the family's Java servers do, null and nothing are the same; "" is no text either. */
function isMissing(value: unknown): boolean {
	return value === undefined || value === null || (isString(value) && value.trim() === '');
}

/** Throws a 422 for the first field whose value breaks the contract. */
export function checkFields(body: unknown, fields: Fields): asserts body is JsonObject {
	if (!isJsonObject(body)) throw new Rejection(400, 'the body must be a JSON object');
	for (const [name, { check, required }] of Object.entries(fields)) {
		const value = body[name];
		if (required && isMissing(value)) throw new Rejection(422, `${name} is required`);
		if (value === undefined || value === null) continue;
		const complaint = check(value);
		if (complaint) throw new Rejection(422, `${name} ${complaint}`);
	}
}

/** The names in the body that the contract does not know. */
export function unknownFields(body: JsonObject, fields: Fields): string[] {
	return Object.keys(body).filter((name) => !Object.hasOwn(fields, name));
}

/** The names in the body that say nothing for this task type. */
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

/** "" stands for no URL: the server itself writes it so in paramJson. */
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
