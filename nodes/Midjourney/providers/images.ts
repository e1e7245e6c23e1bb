import type { Mask, TaskRequest } from './provider';

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

/** The same request with other addresses for its images. Texts that only mention an address are not changed. */
export function withAddresses(
	request: TaskRequest,
	addressOf: (address: string) => string,
): TaskRequest {
	switch (request.kind) {
		case 'generateImage': {
			const { imageUrls, omniReference, styleReferences } = request;
			return {
				...request,
				imageUrls: imageUrls?.map(addressOf),
				omniReference: omniReference && addressOf(omniReference),
				styleReferences: styleReferences?.map(addressOf),
			};
		}
		case 'uploadPaintImage':
			return {
				...request,
				imageUrl: addressOf(request.imageUrl),
				mask: maskWith(request.mask, addressOf),
			};
		case 'retextureImage':
		case 'generateVideo':
			return { ...request, imageUrl: addressOf(request.imageUrl) };
		case 'inpaintImage':
			return { ...request, mask: maskWith(request.mask, addressOf) };
		case 'editImage':
			return request.mask ? { ...request, mask: maskWith(request.mask, addressOf) } : request;
		default:
			// The others are made of tasks, or of what the user writes for the provider.
			return request;
	}
}

const maskWith = (mask: Mask, addressOf: (address: string) => string): Mask =>
	'url' in mask ? { url: addressOf(mask.url) } : mask;

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
