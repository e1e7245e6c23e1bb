import type { Answer, Http } from './http';
import type { ProviderName, Task } from './Task';

export type ImageMode = 'textToImage' | 'imageToImage' | 'styleReference' | 'omniReference';
export type Speed = 'relaxed' | 'fast' | 'turbo';

/** Image → Generate. What is undefined is not sent. */
export interface GenerateImage {
	kind: 'generateImage';
	mode: ImageMode;
	prompt: string;
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
}

/** Image → Upscale. `index` counts from 0, whatever the wire wants. */
export interface UpscaleImage {
	kind: 'upscaleImage';
	taskId: string;
	index: number;
	watermark?: string;
	/** Which of the two documented wire contracts to speak (api-contract 1.3). */
	contract?: 'reference' | 'quickstart';
}

/** Image → Vary. `index` counts from 0, whatever the wire wants. */
export interface VaryImage {
	kind: 'varyImage';
	taskId: string;
	index: number;
	watermark?: string;
	/** What the provider calls the first image: its pages say both (api-contract 1.4). */
	firstIndex?: 0 | 1;
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
export interface ExtendVideo {
	kind: 'extendVideo';
	mode: 'auto' | 'manual';
	taskId: string;
	index: number;
	prompt?: string;
	watermark?: string;
}

/** Everything that costs money, in the words of the node and of no provider. */
export type TaskRequest = GenerateImage | UpscaleImage | VaryImage | GenerateVideo | ExtendVideo;

/** A link that works without the key for a while. */
export interface DownloadUrl {
	url: string;
	/** How long it works, in ms. */
	validForMs: number;
}

/**
 * Who does it: a provider turns requests into calls and answers into tasks. It knows no n8n parameter and keeps no
 * state; everything it says, it says as a value (`Answer`), never by throwing.
 */
export interface Provider {
	readonly name: ProviderName;
	/** As people know it; used in messages. */
	readonly displayName: string;
	readonly credentialType: string;
	/** Buys: gives the task id. Call it once per task (design 4.1). */
	submit(http: Http, request: TaskRequest): Promise<Answer<string>>;
	/** Looks at a task; free and safe to repeat. */
	read(http: Http, taskId: string): Promise<Answer<Task>>;
	/** What is left on the account, in the provider's credits. */
	credits(http: Http): Promise<Answer<number>>;
	/** A direct link to a file that this provider made. */
	downloadUrl(http: Http, url: string): Promise<Answer<DownloadUrl>>;
}
