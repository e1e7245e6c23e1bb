import type { IBinaryData, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { wordingOf } from '../providers/errors';
import { refused, success, type Failed, type Http, type Result } from '../providers/http';
import { fieldAt, fieldsIn, withAddresses } from '../providers/images';
import type { FileToSend } from '../providers/multipart';
import type { Provider, Size, TaskRequest } from '../providers/provider';
import type { ExecutionClock } from './clock';
import { requestFile } from './fileStream';
import { beginningOf, imageSize } from './imageSize';
import { HEAD_LENGTH, mediaOf, type Media } from './media';
import { digestOf } from './purchase';
import { unreachableBecause } from './reach';
import { retryTransient } from './retry';
import type { ImagesVia, Settings } from './settings';
import { Limiter } from './wait/limiter';

/**
 * Images in binary fields of the items, and how they get to the provider (architecture.md: Images of the workflow). All of
 * this is free, and happens before anything is bought.
 */

/** The size limit of a file, in bytes. No provider documents one; images that people use are far smaller. */
const LARGEST = 30_000_000;

/** The types that Midjourney accepts. */
const TAKEN = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);

/** How many files are read or sent at once. */
const IN_FLIGHT = 3;

/** How long n8n may take to answer its own request, in ms. */
const SELF_TEST_MS = 5_000;

/** Where n8n keeps the files of a trigger until their execution has an id. */
const BEFORE_EXECUTION = '/temp/';

/** The longest life of a signed address, in s. */
const LONGEST_LIFE_S = 24 * 3600;

/** The helpers of n8n that this needs. */
type Helpers = Pick<
	IExecuteFunctions['helpers'],
	| 'createBinarySignedUrl'
	| 'getBinaryMetadata'
	| 'getBinaryStream'
	| 'httpRequest'
	| 'prepareBinaryData'
>;

/** Where images come from and where they go. */
export interface PictureDeps {
	helpers: Helpers;
	provider: Pick<Provider, 'displayName' | 'uploads' | 'validate'>;
	/** Only needed to deliver. */
	http?: Http;
	clock: ExecutionClock;
	/** What came in. */
	itemAt(itemIndex: number): INodeExecutionData | undefined;
}

/** A request that is ready to be sent, and how its images get to the provider. */
export interface Delivered {
	request: TaskRequest;
	/** Absent if no image is from the item. */
	imagesVia?: ImagesVia;
}

/** What the beginning of a file tells about an image. */
interface Picture {
	binary: IBinaryData;
	media: Media;
	/** The size of the file. */
	bytes: number;
	/** Undefined for a GIF. */
	size?: Size;
	/** The first bytes, which n8n must serve. */
	head: Uint8Array;
}

/** The images of one run of the node. */
export class Pictures {
	private readonly limiter: Limiter;

	private readonly opened = new Map<string, Promise<Result<Picture>>>();

	private readonly uploaded = new Map<string, Promise<Result<string>>>();

	private readonly tested = new Map<string, Promise<SelfTest>>();

	private readonly copied = new Map<string, Promise<IBinaryData>>();

	constructor(private readonly deps: PictureDeps) {
		this.limiter = new Limiter(IN_FLIGHT, deps.clock);
	}

	/**
	 * The size of an image.
	 *
	 * @param address as a request names it
	 * @returns undefined if the image is not from the item
	 */
	async sizeOf(itemIndex: number, address: string): Promise<Result<Size> | undefined> {
		const field = fieldAt(address);
		if (field === undefined) return undefined;
		const picture = await this.open(itemIndex, field);
		if (!picture.ok) return picture;
		const { size, media } = picture.value;
		return size
			? success(size)
			: refused('unknownSize', { message: `${field} is ${media.mimeType}` });
	}

	/**
	 * The request itself if all its images can be used and there is a way to the provider; without a credential, the way is not
	 * looked for. Nothing is uploaded.
	 */
	async check(
		itemIndex: number,
		request: TaskRequest,
		settings: Settings,
	): Promise<Result<TaskRequest>> {
		const { clock, http } = this.deps;
		for (const field of fieldsIn(request)) {
			const picture = await this.open(itemIndex, field);
			if (!picture.ok) return picture;
			if (!http) continue;
			const way = await clock.orCancelled(async () => await this.wayOf(picture.value, settings));
			if (!way.ok) return way;
		}
		return success(request);
	}

	/**
	 * Puts the images of the item where the provider can fetch them, and their URLs into the request.
	 *
	 * @returns a failure if an image cannot be used or cannot get there
	 */
	async deliver(
		itemIndex: number,
		request: TaskRequest,
		settings: Settings,
	): Promise<Result<Delivered>> {
		const urls = new Map<string, string>();
		let imagesVia: ImagesVia | undefined;
		for (const field of fieldsIn(request)) {
			const picture = await this.open(itemIndex, field);
			if (!picture.ok) return picture;
			const { clock } = this.deps;
			const delivery = await clock.orCancelled(
				async () => await this.bring(picture.value, settings),
			);
			if (!delivery.ok) return delivery;
			urls.set(field, delivery.value.url);
			if (imagesVia !== 'upload') imagesVia = delivery.value.via;
		}
		const addressOf = (address: string) => urls.get(fieldAt(address) ?? '') ?? address;
		const delivered = withAddresses(request, addressOf);
		// With some providers the URLs are part of the prompt, which is longer now.
		const problem = imagesVia && this.deps.provider.validate?.(delivered);
		return problem === undefined ? success({ request: delivered, imagesVia }) : unusable(problem);
	}

	/** Looks at the beginning of a file, once. */
	private async open(itemIndex: number, field: string): Promise<Result<Picture>> {
		const key = `${itemIndex} ${field}`;
		const opened =
			this.opened.get(key) ??
			this.limiter.run(async () => await this.look(this.deps.itemAt(itemIndex), field));
		this.opened.set(key, opened);
		return await opened;
	}

	private async look(
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
			const bytes = await this.lengthOf(binary);
			if (bytes === 0) return unusable(`the file in ${field} is empty`);
			if (bytes > LARGEST) {
				return unusable(
					`the file in ${field} has ${megabytes(bytes)}, the limit is ${megabytes(LARGEST)}`,
				);
			}
			const beginning = await this.beginningOf(binary);
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

	private async lengthOf({ id, data }: IBinaryData): Promise<number> {
		if (id === undefined) return Buffer.byteLength(data, 'base64');
		return (await this.deps.helpers.getBinaryMetadata(id)).fileSize;
	}

	private async beginningOf(binary: IBinaryData): Promise<Uint8Array> {
		const { id } = binary;
		return id === undefined
			? inMemory(binary)
			: await beginningOf(await this.deps.helpers.getBinaryStream(id));
	}

	/** Has n8n serve the image if that works, and uploads it otherwise. */
	private async bring(
		picture: Picture,
		settings: Settings,
	): Promise<Result<{ via: ImagesVia; url: string }>> {
		const way = await this.wayOf(picture, settings);
		if (!way.ok) return way;
		if ('url' in way.value) return success({ via: 'n8n', url: way.value.url });
		const url = await this.upload(picture, way.value.target);
		return url.ok ? success({ via: 'upload', url: url.value }) : url;
	}

	/** The URL under which n8n serves the image, or else where it can be uploaded. */
	private async wayOf(
		{ binary, head }: Picture,
		settings: Settings,
	): Promise<Result<{ url: string } | { target: string }>> {
		const { http, provider } = this.deps;
		const target = http && provider.uploads?.baseUrl(http);
		const signed = await this.sign(binary, settings);
		// An execution that does not wait may end, and lose its files, before the provider fetches them.
		const isKept = settings.waitMode !== 'dontWait' || target === undefined;
		const test = 'url' in signed && isKept ? await this.isServed(signed.url, head) : undefined;
		if ('url' in signed && (test === 'served' || (test === 'unknown' && target === undefined))) {
			return success({ url: signed.url });
		}
		if (target !== undefined) return success({ target });
		const why =
			'problem' in signed ? signed.problem : `${new URL(signed.url).host} does not serve it`;
		return undeliverable(typeof test === 'object' ? test.refused : why);
	}

	/** A URL under which n8n serves a file to anyone who has it. */
	private async sign(
		binary: IBinaryData,
		settings: Settings,
	): Promise<{ url: string } | { problem: string }> {
		const { helpers, http } = this.deps;
		if (binary.id === undefined) return { problem: 'this n8n keeps binary data in memory' };
		try {
			const life = `${lifeOf(settings)}s`;
			const url = helpers.createBinarySignedUrl(binary, life);
			const problem = unreachableBecause(url, http?.baseUrl ?? '');
			if (problem !== undefined) return { problem };
			const kept = await this.lasting(binary);
			return { url: kept === binary ? url : helpers.createBinarySignedUrl(kept, life) };
		} catch {
			return { problem: 'this n8n cannot make an address for the file' };
		}
	}

	/**
	 * The file, or a copy that stays in place. n8n moves the files of a form or a webhook when it first saves the execution,
	 * which for a parked one is before the submit. Which files it moves depends on its version. It does not move a copy.
	 */
	private async lasting(binary: IBinaryData): Promise<IBinaryData> {
		const { id = '', fileName, mimeType } = binary;
		if (!id.includes(BEFORE_EXECUTION)) return binary;
		const { helpers } = this.deps;
		const copied =
			this.copied.get(id) ??
			this.limiter.run(
				async () =>
					await helpers.prepareBinaryData(await helpers.getBinaryStream(id), fileName, mimeType),
			);
		this.copied.set(id, copied);
		return await copied;
	}

	/** Tested once for each address of this n8n: a proxy may block requests for its files. */
	private async isServed(url: string, head: Uint8Array): Promise<SelfTest> {
		const { origin } = new URL(url);
		const tested = this.tested.get(origin) ?? this.ask(url, head);
		this.tested.set(origin, tested);
		return await tested;
	}

	private async ask(url: string, head: Uint8Array): Promise<SelfTest> {
		const { host } = new URL(url);
		try {
			const reply = await requestFile(this.deps.helpers, {
				url,
				headers: { range: `bytes=0-${HEAD_LENGTH - 1}` },
				timeout: SELF_TEST_MS,
				abortSignal: AbortSignal.timeout(SELF_TEST_MS),
			});
			if (!reply) return 'unknown';
			const { status } = reply;
			const served = await beginningOf(reply.body);
			if (status !== 200 && status !== 206) {
				return { refused: `${host} answers ${status} to a request for it` };
			}
			return head.every((byte, at) => served[at] === byte)
				? 'served'
				: { refused: `${host} answers a request for it with something else` };
		} catch {
			// An address that works from outside need not work from inside.
			return 'unknown';
		}
	}

	/** Uploads each file once, however many items contain it. */
	private async upload(picture: Picture, target: string): Promise<Result<string>> {
		const { id, data } = picture.binary;
		const key = id ?? digestOf(data);
		const uploaded =
			this.uploaded.get(key) ??
			this.limiter.run(async () => await this.send(this.fileOf(picture, key), target));
		this.uploaded.set(key, uploaded);
		return await uploaded;
	}

	private async send(file: FileToSend, target: string): Promise<Result<string>> {
		const { provider, http, clock } = this.deps;
		const { uploads, displayName } = provider;
		if (!uploads || !http) return undeliverable(`${displayName} does not accept uploads`);
		const sent = await retryTransient(clock, async () => await uploads.send(http, file));
		if (sent.ok) return sent;
		const where = URL.canParse(target) ? new URL(target).host : displayName;
		const { what } = wordingOf(sent.failure, where);
		return undeliverable(`the upload failed: ${what}`);
	}

	private fileOf({ binary, media, bytes }: Picture, key: string): FileToSend {
		const { id } = binary;
		const { mimeType, extension } = media;
		return {
			// The provider overwrites a file of the same name, and serves it to anyone who knows the name.
			name: `${digestOf([key, this.deps.http?.callbackKey])}.${extension}`,
			mimeType,
			bytes,
			open: async () =>
				id === undefined ? inMemory(binary) : await this.deps.helpers.getBinaryStream(id),
		};
	}
}

/** Whether n8n's own address serves a file; `unknown`: this cannot be found out from here. */
type SelfTest = 'served' | 'unknown' | { refused: string };

const inMemory = ({ data }: IBinaryData): Uint8Array => Buffer.from(data, 'base64');

/** The life of a signed address, in s. A task may wait before its submit, and then at the provider. */
function lifeOf({ waitMode, timeLimitMs }: Settings): number {
	const life = (2 * timeLimitMs) / 1000 + 3600;
	return waitMode === 'dontWait' ? LONGEST_LIFE_S : Math.min(Math.ceil(life), LONGEST_LIFE_S);
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 100_000) / 10} MB`;

/** The type of a file that Midjourney does not accept: by its first bytes, otherwise as n8n knows it. */
function kindOf({ mimeType }: Partial<IBinaryData>, media: Media | undefined): string {
	if (media) return media.mimeType;
	// An item that a Code node has made may lack its type.
	if (!mimeType) return 'of an unknown type';
	return TAKEN.has(mimeType) ? `not ${mimeType}, although it is labelled so` : mimeType;
}

const unusable = (message: string): Failed => refused('unusableImage', { message });

const undeliverable = (message: string): Failed => refused('undeliverableImage', { message });
