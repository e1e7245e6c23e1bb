import type { IDataObject } from 'n8n-workflow';

import type { Result, Http } from './http';
import type { FileToSend } from './multipart';
import type { Task } from './task';

export type ImageMode = 'textToImage' | 'imageToImage' | 'styleReference' | 'omniReference';
export type Speed = 'relaxed' | 'fast' | 'turbo';

/** Image → Generate. What is undefined is not sent. */
export interface GenerateImage {
	kind: 'generateImage';
	mode: ImageMode;
	prompt: string;
	/** What the mode is about: images to start from, the style, or the subject. */
	imageUrls?: string[];
	aspectRatio?: string;
	version?: string;
	speed?: Speed;
	stylization?: number;
	variety?: number;
	weirdness?: number;
	omniIntensity?: number;
	watermark?: string;
	translatePrompt?: boolean;
	draft?: boolean;
	/** What is not to be seen. */
	exclude?: string;
	imageQuality?: number;
	imageWeight?: number;
	omniReference?: string;
	raw?: boolean;
	seed?: number;
	/** URLs or codes of styles. */
	styleReferences?: string[];
	styleWeight?: number;
	tile?: boolean;
}

/** One output of a finished task, which something is made of. At least one of the ids is there. */
export interface Source {
	/** The provider's own id. */
	taskId?: string;
	/** Midjourney's id of the same task, for providers that work with it (wire.md: Vtrix jobs). */
	jobId?: string;
	/** Counts from 0, whatever the wire wants. */
	index: number;
}

/** Image → Upscale. */
export interface UpscaleImage extends Source {
	kind: 'upscaleImage';
	watermark?: string;
	/** Which of the two documented forms to send (wire.md: MidAPI upscale). */
	contract?: 'reference' | 'quickstart';
	/** Which of Midjourney's upscalers; undefined where the provider has only one. */
	upscaler?: 'standard' | 'creative' | 'v5Twice' | 'v5FourTimes';
}

/** How far a result may go from its source. */
export type Strength = 'strong' | 'subtle';

/** Image → Vary. */
export interface VaryImage extends Source {
	kind: 'varyImage';
	watermark?: string;
	/** What the provider calls the first image: its pages say both (wire.md: MidAPI vary). */
	firstIndex?: 0 | 1;
	/** Undefined where the provider has only one. */
	strength?: Strength;
	prompt?: string;
}

/** Image → Remix: the same image after another prompt. */
export interface RemixImage extends Source {
	kind: 'remixImage';
	strength: Strength;
	prompt: string;
}

/** In px. */
export interface Size {
	width: number;
	height: number;
}

/** In px; `x` and `y` lead from the top left corner of what it lies on to its own. */
export interface Rectangle extends Size {
	x: number;
	y: number;
}

/** What is to be painted again: the white of a picture, or areas of the image. */
export type Mask =
	| { url: string }
	| {
			/** Of the image that the points refer to; undefined as long as nobody knows it. */
			size?: Size;
			/** Each a polygon of x, y, x, y, …; clockwise. */
			polygons: number[][];
	  };

/** Where an image lies on a canvas that is to be filled. */
export interface Layout {
	canvas: Size;
	/** On the canvas. */
	imagePosition: Rectangle;
}

/** Where an image stands on a canvas that is larger: the free room is on the other sides. */
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

/** How a canvas is made of an image, whatever its size. */
export type CanvasRule =
	/** In px; `x` and `y` are those of the image. */
	| { canvas: Size; x: number; y: number }
	/** The smallest canvas of an aspect ratio such as 16:9 that holds the whole image. */
	| { aspectRatio: string; anchor: Anchor }
	/** So much more than the image has, in percent of its sides. */
	| { moreWidth: number; moreHeight: number; anchor: Anchor };

/** A layout, or (until the size of the image is known) the rule that will make it. */
export interface LayoutOrRule extends Partial<Layout> {
	rule?: CanvasRule;
}

/** Image → Edit: moves an image on a canvas, and paints what is empty or masked. */
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

/** Image → Outpaint: the image, seen from further away. */
export interface OutpaintImage extends Source {
	kind: 'outpaintImage';
	/** 1.1 to 2. */
	scale: number;
	prompt?: string;
}

/** Image → Upload Paint: Edit for an image from anywhere. */
export interface UploadPaintImage extends LayoutOrRule {
	kind: 'uploadPaintImage';
	imageUrl: string;
	prompt: string;
	mask: Mask;
}

/** Image → Retexture: keeps the shapes of an image from anywhere. */
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

/** Video → Extend. `prompt` belongs to `manual` alone. */
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

/** Everything that costs money, by its kind, in the words of the node and of no provider. */
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

export type TaskKind = keyof RequestMap;

export type TaskRequest = RequestMap[TaskKind];

/** A link that works without the key for a while. */
export interface DownloadUrl {
	url: string;
	/** How long it works, in ms. */
	validForMs: number;
}

/** Where a provider takes files, and how. Free. */
export interface Uploads {
	/** Where files go with this key, without a slash at the end; undefined: nowhere. */
	baseUrl(http: Http): string | undefined;
	/** Sends a file; gives a URL where the provider itself can fetch it for a while. */
	send(http: Http, file: FileToSend): Promise<Result<string>>;
}

/** The providers that there are, as workflows save them; the list of them is in index.ts. */
export type ProviderName = 'midApi' | 'vtrix';

/**
 * Who does it: a provider turns requests into calls and answers into tasks. It knows no n8n parameter and keeps no
 * state; everything it says, it says as a value (`Answer`), never by throwing.
 */
export interface Provider {
	/** Stable: saved in workflows, and in every item. */
	readonly name: ProviderName;
	/** As people know it; used in messages. */
	readonly displayName: string;
	readonly credentialType: string;
	/** Whether it makes tasks of this kind. */
	offers(kind: TaskKind): boolean;
	/**
	 * Why a request cannot be sent although each field by itself fits; undefined when it can. A sentence without the full
	 * stop.
	 */
	validate?(request: TaskRequest): string | undefined;
	/** The text as Midjourney gets it, where it is more than the prompt of the request. */
	finalPrompt?(request: TaskRequest): string | undefined;
	/**
	 * Looks up what a request needs before it can be sent, and whether it fits; the size of an image apart, which is not
	 * the provider's to know (tasks/prepare.ts). Where there is none, a request is sent as it is.
	 *
	 * @param readTask gives a task, at no cost
	 * @returns the request to submit
	 */
	prepare?(
		request: TaskRequest,
		readTask: (taskId: string) => Promise<Result<Task>>,
	): Promise<Result<TaskRequest>>;
	/**
	 * Buys: gives the task id. Call it once per task (architecture.md: Pay once).
	 *
	 * @param callbackUrl where the provider is to report that the task has ended
	 */
	submit(http: Http, request: TaskRequest, callbackUrl?: string): Promise<Result<string>>;
	/** Looks at a task; free and safe to repeat. */
	read(http: Http, taskId: string): Promise<Result<Task>>;
	/** What is left on the account, in the provider's credits. Not every provider tells. */
	credits?(http: Http): Promise<Result<number>>;
	/** A direct link to a file that this provider made. Not every provider has such links. */
	downloadUrl?(http: Http, url: string): Promise<Result<DownloadUrl>>;
	/** Takes pictures that are on no web server. Not every provider does. */
	readonly uploads?: Uploads;
}
