/** Guards for JSON that came from somewhere else: n8n's REST answers, lock files, exported workflows. */

/** An object whose values are still unknown. */
export type JsonObject = Record<string, unknown>;

/** True for anything with named members (not for null, not for arrays). */
export function isObject(value: unknown): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object itself. Throws an Error that says what was expected when it is none. */
export function object(value: unknown, what: string): JsonObject {
	if (isObject(value)) return value;
	throw new Error(`${what}: expected an object, got ${preview(value)}`);
}

/** The list itself. Throws an Error that says what was expected when it is none. */
export function list(value: unknown, what: string): unknown[] {
	if (Array.isArray(value)) return value;
	throw new Error(`${what}: expected a list, got ${preview(value)}`);
}

/** The text itself. Throws an Error that says what was expected when it is none. */
export function text(value: unknown, what: string): string {
	if (typeof value === 'string') return value;
	throw new Error(`${what}: expected a text, got ${preview(value)}`);
}

/** The value if it is a text; else undefined. */
export function optionalText(value: unknown): string | undefined {
	return typeof value === 'string' ? value : undefined;
}

/** The first characters of a value, for error messages. */
export function preview(value: unknown, length = 300): string {
	const shown = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
	return shown.length > length ? `${shown.slice(0, length)}…` : shown;
}
