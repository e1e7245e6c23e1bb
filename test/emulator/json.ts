/** A JSON object whose members are not known yet. */
export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isString(value: unknown): value is string {
	return typeof value === 'string';
}

/** The URL written in `text`, or undefined when there is none in it. */
export function parseUrl(text: unknown): URL | undefined {
	return isString(text) && URL.canParse(text) ? new URL(text) : undefined;
}
