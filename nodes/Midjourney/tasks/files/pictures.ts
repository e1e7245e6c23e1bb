import type { INodeExecutionData } from 'n8n-workflow';

import { wordingOf } from '../../providers/errors';
import { refused, success, type Failed, type Http, type Result } from '../../providers/http';
import { fieldAt, fieldsIn, withAddresses } from '../../providers/images';
import type { FileToSend } from '../../providers/multipart';
import type { Provider, Size, TaskRequest } from '../../providers/provider';
import type { ExecutionClock } from '../n8n/clock';
import { retryTransient } from '../retry';
import type { ImagesVia, Settings } from '../settings';
import { digestOf } from '../submit/purchase';
import { Limiter } from '../wait/limiter';
import { contentOf, lookAt, unusable, type FileHelpers, type Picture } from './pictureFile';
import { SignedUrls, type SigningHelpers } from './signedUrls';

/**
 * Images in binary fields of the items, and how they get to the provider (architecture.md: Images of the workflow). All of
 * this is free, and happens before anything is bought.
 */

/** How many files are read or sent at once. */
const IN_FLIGHT = 3;

/** Where images come from and where they go. */
export interface PictureDeps {
	helpers: FileHelpers & SigningHelpers;
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

/** The images of one run of the node. */
export class Pictures {
	private readonly limiter: Limiter;

	private readonly signedUrls: SignedUrls;

	private readonly opened = new Map<string, Promise<Result<Picture>>>();

	private readonly uploaded = new Map<string, Promise<Result<string>>>();

	constructor(private readonly deps: PictureDeps) {
		const { helpers, http, clock } = deps;
		this.limiter = new Limiter(IN_FLIGHT, clock);
		this.signedUrls = new SignedUrls({
			helpers,
			limiter: this.limiter,
			fetchedFrom: http?.baseUrl,
		});
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
		const { helpers, itemAt } = this.deps;
		const key = `${itemIndex} ${field}`;
		const opened =
			this.opened.get(key) ??
			this.limiter.run(async () => await lookAt(helpers, itemAt(itemIndex), field));
		this.opened.set(key, opened);
		return await opened;
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
		const signed = await this.signedUrls.of(binary, settings);
		// An execution that does not wait may end, and lose its files, before the provider fetches them.
		const isKept = settings.waitMode !== 'dontWait' || target === undefined;
		const test =
			'url' in signed && isKept ? await this.signedUrls.isServed(signed.url, head) : undefined;
		if ('url' in signed && (test === 'served' || (test === 'unknown' && target === undefined))) {
			return success({ url: signed.url });
		}
		if (target !== undefined) return success({ target });
		const why =
			'problem' in signed ? signed.problem : `${new URL(signed.url).host} does not serve it`;
		return undeliverable(typeof test === 'object' ? test.refused : why);
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
		const { helpers, http } = this.deps;
		const { mimeType, extension } = media;
		return {
			// The provider overwrites a file of the same name, and serves it to anyone who knows the name.
			name: `${digestOf([key, http?.callbackKey])}.${extension}`,
			mimeType,
			bytes,
			open: async () => await contentOf(helpers, binary),
		};
	}
}

const undeliverable = (message: string): Failed => refused('undeliverableImage', { message });
