import { randomBytes } from 'crypto';

/** A file that is to be sent, opened anew for each try. */
export interface FileToSend {
	name: string;
	mimeType: string;
	/** Its size. */
	bytes: number;
	open(): Promise<FileContent>;
}

/** The bytes of a file: all of them, or as they are read from where n8n keeps them. */
type FileContent =
	| Uint8Array
	| { compose(around: (source: AsyncIterable<unknown>) => AsyncIterable<unknown>): object };

/** A body that goes over the wire as it is. */
export interface Form {
	contentType: string;
	/** The length of the body. */
	bytes: number;
	/** The body; each is sent once. */
	open(): Promise<object>;
}

/**
 * A form with a file (multipart/form-data, RFC 7578). The file is read while it is sent, and never held whole, unless n8n
 * itself keeps it in memory.
 *
 * @param fields the other fields, which come first
 * @param name of the field that the file is in
 */
export function formWith(fields: Record<string, string>, name: string, file: FileToSend): Form {
	const boundary = `n8n-${randomBytes(16).toString('hex')}`;
	const begin = (rest: string) => `--${boundary}\r\ncontent-disposition: form-data; ${rest}`;
	const texts = Object.entries(fields).map(
		([field, value]) => `${begin(`name="${quoted(field)}"`)}\r\n\r\n${value}\r\n`,
	);
	const about = `name="${quoted(name)}"; filename="${quoted(file.name)}"`;
	const head = Buffer.from(
		`${texts.join('')}${begin(about)}\r\ncontent-type: ${file.mimeType}\r\n\r\n`,
	);
	const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
	return {
		contentType: `multipart/form-data; boundary=${boundary}`,
		bytes: head.length + file.bytes + tail.length,
		async open() {
			const content = await file.open();
			if (content instanceof Uint8Array) return Buffer.concat([head, content, tail]);
			return content.compose(async function* around(source) {
				yield head;
				yield* source;
				yield tail;
			});
		},
	};
}

/** A value within quotation marks, as browsers write it. */
const quoted = (value: string): string =>
	value.replace(/["\r\n]/g, (letter) => encodeURIComponent(letter));
