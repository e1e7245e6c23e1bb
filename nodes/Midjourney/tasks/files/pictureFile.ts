import type { IBinaryData, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { refused, success, type Failed, type Result } from '../../providers/http';
import type { Size } from '../../providers/provider';
import type { FileBody } from './fileStream';
import { beginningOf, imageSize } from './imageSize';
import { HEAD_LENGTH, mediaOf, type Media } from './media';

/** The size limit of a file, in bytes. No provider documents one; images that people use are far smaller. */
const LARGEST = 30_000_000;

/** The types that Midjourney accepts. */
const TAKEN = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);

/** The helpers of n8n that read a file. */
export type FileHelpers = Pick<
	IExecuteFunctions['helpers'],
	'getBinaryMetadata' | 'getBinaryStream'
>;

/** What the beginning of a file tells about an image. */
export interface Picture {
	binary: IBinaryData;
	media: Media;
	/** The size of the file. */
	bytes: number;
	/** Undefined for a GIF. */
	size?: Size;
	/** The first bytes, which n8n must serve. */
	head: Uint8Array;
}

/** The image in a binary field, or why it cannot be used. Reads the beginning of the file. Never rejects. */
export async function lookAt(
	helpers: FileHelpers,
	item: INodeExecutionData | undefined,
	field: string,
): Promise<Result<Picture>> {
	const files = item?.binary ?? {};
	const binary = Object.keys(files).includes(field) ? files[field] : undefined;
	if (!binary) {
		const names = Object.keys(files);
		const there = names.length > 0 ? `only '${names.join("', '")}'` : 'and no other one';
		return unusable(`the item has no binary field '${field}', ${there}`);
	}
	try {
		const bytes = await lengthOf(helpers, binary);
		if (bytes === 0) return unusable(`the file in ${field} is empty`);
		if (bytes > LARGEST) {
			return unusable(
				`the file in ${field} has ${megabytes(bytes)}, the limit is ${megabytes(LARGEST)}`,
			);
		}
		const content = await contentOf(helpers, binary);
		const beginning = content instanceof Uint8Array ? content : await beginningOf(content);
		const media = mediaOf(beginning);
		return media && TAKEN.has(media.mimeType)
			? success({
					...{ binary, media, bytes },
					size: imageSize(beginning),
					// A copy, so that the rest of what was read can be freed.
					head: beginning.slice(0, HEAD_LENGTH),
				})
			: unusable(`the file in ${field} is ${kindOf(binary, media)}`);
	} catch {
		return unusable(`n8n does not have the file in ${field} any more`);
	}
}

/**
 * The bytes of a file: all of them if n8n keeps it in memory, otherwise a stream.
 *
 * @throws when n8n does not have the file any more
 */
export const contentOf = async (
	helpers: FileHelpers,
	{ id, data }: IBinaryData,
): Promise<Uint8Array | FileBody> =>
	id === undefined ? Buffer.from(data, 'base64') : await helpers.getBinaryStream(id);

async function lengthOf(helpers: FileHelpers, { id, data }: IBinaryData): Promise<number> {
	if (id === undefined) return Buffer.byteLength(data, 'base64');
	return (await helpers.getBinaryMetadata(id)).fileSize;
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 100_000) / 10} MB`;

/** The type of a file that Midjourney does not accept: by its first bytes, otherwise as n8n knows it. */
function kindOf({ mimeType }: Partial<IBinaryData>, media: Media | undefined): string {
	if (media) return media.mimeType;
	// An item that a Code node has made may lack its type.
	if (!mimeType) return 'of an unknown type';
	return TAKEN.has(mimeType) ? `not ${mimeType}, although it is labelled so` : mimeType;
}

/** An image that cannot be used, with the reason. */
export const unusable = (message: string): Failed => refused('unusableImage', { message });
