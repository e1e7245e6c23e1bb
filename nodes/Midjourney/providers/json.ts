import type { IDataObject } from 'n8n-workflow';

/** Guards for values from outside: only what was checked is trusted. */

/** Whether a value is an object and not an array. */
export const isRecord = (value: unknown): value is IDataObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** A non-empty text; numbers become text, anything else is undefined. */
export function text(value: unknown): string | undefined {
	if (typeof value === 'number' && Number.isFinite(value)) return String(value);
	return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The content of JSON text, which some answers have inside JSON; any other value is returned as it is. */
export function unwrapJson(value: unknown): unknown {
	if (typeof value !== 'string') return value;
	try {
		return JSON.parse(value);
	} catch {
		return value;
	}
}

/** ISO 8601 from an ISO text or from Unix time in s or ms; undefined for anything else. */
export function isoDate(value: unknown): string | undefined {
	const unix = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));
	// 1e11 s is the year 5138 and 1e11 ms is 1973: nothing real lies on the wrong side.
	const ms = unix
		? Number(value) * (Number(value) < 1e11 ? 1000 : 1)
		: Date.parse(text(value) ?? '');
	return isoOf(ms);
}

/** ISO 8601 of Unix ms; undefined if there is no such date, as after the year 275760. */
export function isoOf(ms: number): string | undefined {
	const date = new Date(ms);
	return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** A finite number, also as text; undefined for anything else. */
export function numberIn(value: unknown): number | undefined {
	const number = Number(text(value)?.trim() || NaN);
	return Number.isFinite(number) ? number : undefined;
}

/** Whether a text is an absolute http(s) URL. */
export const isHttpUrl = (value: string): boolean =>
	URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
