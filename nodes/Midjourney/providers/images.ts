import { isRecord } from './json';
import type { Mask, RequestMap, TaskKind, TaskRequest } from './provider';

/** The images of a request: where it holds their addresses, and how it names those of the workflow. */

/**
 * How a request names an image in a binary field of its item, as long as the image has no URL. No URL field accepts such an
 * address, and no provider ever sees one.
 */
const IN_ITEM = 'binary:';

/** Half of a character, which cannot be written in an address. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @returns the address of the image in a binary field of the item; undefined for an invalid name */
export const addressOfField = (field: string): string | undefined =>
	LONE_SURROGATE.test(field) ? undefined : IN_ITEM + encodeURIComponent(field);

/** Whether an address names an image of the item. */
export const isInItem = (address: string): boolean => address.startsWith(IN_ITEM);

/** @returns the name of the binary field; undefined for any other address */
export const fieldAt = (address: string): string | undefined =>
	isInItem(address) ? decodeURIComponent(address.slice(IN_ITEM.length)) : undefined;

/** The settings of all requests that hold any text, several, or a mask. */
type TextSetting = { [K in TaskKind]: TextSettingOf<RequestMap[K]> }[TaskKind];
type TextSettingOf<R> = {
	[S in keyof R]-?: string extends R[S]
		? S
		: NonNullable<R[S]> extends readonly string[] | Mask
			? S
			: never;
}[keyof R];

/** Whether a setting holds addresses of images. One without a row does not compile. */
const HOLDS_ADDRESSES: Readonly<Record<TextSetting, boolean>> = {
	aspectRatio: false,
	exclude: false,
	imageUrl: true,
	imageUrls: true,
	jobId: false,
	mask: true,
	model: false,
	omniReference: true,
	personalization: false,
	prompt: false,
	styleReferences: true,
	taskId: false,
	version: false,
	watermark: false,
};
const HOLDING = new Map<string, boolean>(Object.entries(HOLDS_ADDRESSES));

/** The same request with other addresses for its images. Texts that only mention an address are not changed. */
export function withAddresses(
	request: TaskRequest,
	addressOf: (address: string) => string,
): TaskRequest {
	const changedIn = (value: unknown): unknown => {
		if (typeof value === 'string') return addressOf(value);
		if (Array.isArray(value)) return value.map(changedIn);
		return isRecord(value) && 'url' in value ? { url: changedIn(value.url) } : value;
	};
	const changed: object = Object.fromEntries(
		Object.entries(request).flatMap(([setting, value]: [string, unknown]) =>
			HOLDING.get(setting) ? [[setting, changedIn(value)]] : [],
		),
	);
	return Object.assign({ ...request }, changed);
}

/** The binary fields of the item that a request uses, each once. */
export function fieldsIn(request: TaskRequest): string[] {
	const fields = new Set<string>();
	withAddresses(request, (address) => {
		const field = fieldAt(address);
		if (field !== undefined) fields.add(field);
		return address;
	});
	return [...fields];
}
