import type { IDataObject } from 'n8n-workflow';

import type { Call, Result, Http } from './http';
import type { FileToSend } from './multipart';
import type { Task } from './task';

/** What an image is generated from. */
export type ImageMode = 'textToImage' | 'imageToImage' | 'styleReference' | 'omniReference';

/** Image → Generate. Undefined settings are not sent. */
export interface GenerateImage {
	kind: 'generateImage';
	mode: ImageMode;
	prompt: string;
	/** The images of the mode: to start from, for the style, or for the subject. */
	imageUrls?: string[];
	aspectRatio?: string;
	version?: string;
	/** How soon the task starts; affects the price. */
	speed?: 'relaxed' | 'fast' | 'turbo';
	stylization?: number;
	variety?: number;
	weirdness?: number;
	omniIntensity?: number;
	watermark?: string;
	translatePrompt?: boolean;
	draft?: boolean;
	/** What the image must not show. */
	exclude?: string;
	experimental?: number;
	/** Twice as wide and high. */
	hd?: boolean;
	imageQuality?: number;
	imageWeight?: number;
	omniReference?: string;
	/** Codes of profiles and moodboards. */
	personalization?: string[];
	raw?: boolean;
	seed?: number;
	/** URLs or codes of styles. */
	styleReferences?: string[];
	/** By which of its algorithms Midjourney reads style references. */
	styleVersion?: number;
	styleWeight?: number;
	tile?: boolean;
}

/** The output of a finished task that something is made from. It has at least one of the ids. */
export interface Source {
	/** The provider's own id. */
	taskId?: string;
	/** Midjourney's id of the same task, for providers that work with it (wire.md: Vtrix jobs). */
	jobId?: string;
	/** Counts from 0, whatever the wire uses. */
	index: number;
}

/** The two documented forms of an upscale (wire.md: MidAPI upscale). */
export type UpscaleContract = 'reference' | 'quickstart';

/** Image → Upscale. */
export interface UpscaleImage extends Source {
	kind: 'upscaleImage';
	watermark?: string;
	/** Which of the two documented forms to send (wire.md: MidAPI upscale); undefined: the one that works. */
	contract?: UpscaleContract;
	/** Which of Midjourney's upscalers to use; undefined if the provider has only one. */
	upscaler?: 'standard' | 'creative' | 'v5Twice' | 'v5FourTimes';
}

/** How far a result may differ from its source. */
export type Strength = 'strong' | 'subtle';

/** Image → Vary. */
export interface VaryImage extends Source {
	kind: 'varyImage';
	watermark?: string;
	/** The provider's number for the first image; its pages say both (wire.md: MidAPI vary). Undefined: as far as it is known. */
	firstIndex?: 0 | 1;
	/** Undefined if the provider has only one. */
	strength?: Strength;
	prompt?: string;
}

/** Image → Remix: the same image from a new prompt. */
export interface RemixImage extends Source {
	kind: 'remixImage';
	strength: Strength;
	prompt: string;
}

/** A size in px. */
export interface Size {
	width: number;
	height: number;
}

/** A rectangle in px; `x` and `y` are its top left corner, measured from that of the surface it is on. */
export interface Rectangle extends Size {
	x: number;
	y: number;
}

/** What to repaint: the white parts of a mask image, or areas of the image. */
export type Mask =
	| { url: string }
	| {
			/** The size of the image that the points refer to; undefined until it is known. */
			size?: Size;
			/** Polygons, each as x, y, x, y, …, clockwise. */
			polygons: number[][];
	  };

/** The position of an image on a canvas to fill. */
export interface Layout {
	canvas: Size;
	/** On the canvas. */
	imagePosition: Rectangle;
}

/** Where an image is placed on a larger canvas; the free space is on the other sides. */
export type Anchor =
	| 'bottom'
	| 'bottomLeft'
	| 'bottomRight'
	| 'center'
	| 'left'
	| 'right'
	| 'top'
	| 'topLeft'
	| 'topRight';

/** How the canvas follows from an image of any size. */
export type CanvasRule =
	/** In px; `x` and `y` are the position of the image. */
	| { canvas: Size; x: number; y: number }
	/** The smallest canvas of an aspect ratio such as 16:9 that holds the whole image. */
	| { aspectRatio: string; anchor: Anchor }
	/** Extra width and height, in percent of those of the image. */
	| { moreWidth: number; moreHeight: number; anchor: Anchor };

/** A layout, or (until the size of the image is known) the rule that will give it. */
export interface LayoutOrRule extends Partial<Layout> {
	rule?: CanvasRule;
}

/** Image → Edit: places an image on a canvas, and paints what is empty or masked. */
export interface EditImage extends Source, LayoutOrRule {
	kind: 'editImage';
	prompt: string;
	mask?: Mask;
}

/** Image → Inpaint. */
export interface InpaintImage extends Source {
	kind: 'inpaintImage';
	mask: Mask;
	prompt?: string;
}

/** Image → Outpaint: zooms out of an image. */
export interface OutpaintImage extends Source {
	kind: 'outpaintImage';
	/** 1.1 to 2. */
	scale: number;
	prompt?: string;
}

/** Image → Upload Paint: Edit for any public image. */
export interface UploadPaintImage extends LayoutOrRule {
	kind: 'uploadPaintImage';
	imageUrl: string;
	prompt: string;
	mask: Mask;
}

/** Image → Retexture: keeps the shapes of any public image. */
export interface RetextureImage {
	kind: 'retextureImage';
	imageUrl: string;
	prompt: string;
}

/** Video → Generate. */
export interface GenerateVideo {
	kind: 'generateVideo';
	quality: 'standard' | 'hd';
	prompt: string;
	imageUrl: string;
	motion: 'high' | 'low';
	videoCount?: number;
	aspectRatio?: string;
	version?: string;
	watermark?: string;
	translatePrompt?: boolean;
}

/** Video → Extend. `prompt` is only for `manual`. */
export interface ExtendVideo extends Source {
	kind: 'extendVideo';
	mode: 'auto' | 'manual';
	prompt?: string;
	watermark?: string;
}

/** Model → Run: whatever the provider has under this name. */
export interface RunModel {
	kind: 'runModel';
	model: string;
	parameters: IDataObject;
}

/** All requests that cost money, by kind, in the terms of the node and of no provider. */
export interface RequestMap {
	generateImage: GenerateImage;
	upscaleImage: UpscaleImage;
	varyImage: VaryImage;
	remixImage: RemixImage;
	editImage: EditImage;
	inpaintImage: InpaintImage;
	outpaintImage: OutpaintImage;
	uploadPaintImage: UploadPaintImage;
	retextureImage: RetextureImage;
	generateVideo: GenerateVideo;
	extendVideo: ExtendVideo;
	runModel: RunModel;
}

/** The kind of a request that costs money. */
export type TaskKind = keyof RequestMap;

/** A request that costs money. */
export type TaskRequest = RequestMap[TaskKind];

/** A link that works without the key for a limited time. */
export interface DownloadUrl {
	url: string;
	/** How long it works, in ms. */
	validForMs: number;
}

/** Where and how a provider accepts files. Free. */
export interface Uploads {
	/** Where files go with this key, without a slash at the end; undefined: nowhere. */
	baseUrl(http: Http): string | undefined;
	/** Sends a file; gives a URL from which the provider itself can fetch it for a while. */
	send(http: Http, file: FileToSend): Promise<Result<string>>;
}

/**
 * Something that a provider's pages describe in two forms, of which an account understands one (architecture.md: The other form).
 */
export interface FormChoice {
	/** Identifies the choice: what worked for one request holds for all with the same choice. */
	of: string;
	/** The documented forms, the usual one first; only one if the user has chosen it. Shown in items. */
	forms: readonly [usual: string, ...others: string[]];
	/** False: this request is sent in the known form, but no answer to it tells whether that form is right. */
	tells?: false;
	/** The request is free, so the other form may be tried whatever a refusal proves. */
	isFree?: true;
}

/** The names of the providers, as workflows save them; index.ts lists the providers. */
export type ProviderName = 'midApi' | 'vtrix';

/**
 * A provider turns requests into calls and answers into tasks. It knows no n8n parameters and keeps no state. It returns
 * failures as values (`Result`) and never throws.
 */
export interface Provider {
	/** Stable: saved in workflows, and in every item. */
	readonly name: ProviderName;
	/** The name that users know; used in messages. */
	readonly displayName: string;
	readonly credentialType: string;
	/** Whether it offers tasks of this kind. */
	offers(kind: TaskKind): boolean;
	/**
	 * Why a request cannot be sent although each of its fields is valid; undefined if it can. A sentence without the full
	 * stop.
	 */
	validate?(request: TaskRequest): string | undefined;
	/** The text that Midjourney receives, if it is more than the prompt of the request. */
	finalPrompt?(request: TaskRequest): string | undefined;
	/**
	 * Looks up what a request needs before it can be sent, and checks it, except for the size of an image, which the provider
	 * does not know (tasks/submit/prepare.ts). Without this method, a request is sent as it is.
	 *
	 * @param readTask reads a task, at no cost
	 * @returns the request to submit
	 */
	prepare?(
		request: TaskRequest,
		readTask: (taskId: string) => Promise<Result<Task>>,
	): Promise<Result<TaskRequest>>;
	/**
	 * The forms in which a request, or the question for the balance, may be written; undefined if there is only one. A failure
	 * that points at the form has a `suspect`.
	 */
	formsOf?(asked: TaskRequest | 'credits', http: Http): FormChoice | undefined;
	/**
	 * The request that buys a task, exactly as `submit` sends it.
	 *
	 * @param callbackUrl as in `submit`
	 * @param form one of `formsOf`; undefined or unknown: the usual one
	 * @returns undefined for a kind of task that this provider does not offer
	 */
	preview(request: TaskRequest, callbackUrl?: string, form?: string): Call | undefined;
	/**
	 * Buys a task and returns its id. Call it once per task (architecture.md: Pay once).
	 *
	 * @param callbackUrl the address that the provider calls when the task has ended
	 * @param form one of `formsOf`; undefined: the usual one
	 */
	submit(
		http: Http,
		request: TaskRequest,
		callbackUrl?: string,
		form?: string,
	): Promise<Result<string>>;
	/** Reads a task; free and safe to repeat. */
	read(http: Http, taskId: string): Promise<Result<Task>>;
	/**
	 * The balance of the account, in the provider's credits. Not every provider reports one.
	 *
	 * @param form one of `formsOf`; undefined: the usual one
	 */
	credits?(http: Http, form?: string): Promise<Result<number>>;
	/** A direct link to a file that this provider made. Not every provider has such links. */
	downloadUrl?(http: Http, url: string): Promise<Result<DownloadUrl>>;
	/** Takes pictures that are on no web server. Not every provider does. */
	readonly uploads?: Uploads;
}
