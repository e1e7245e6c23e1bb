import { allProviders } from '../../nodes/Midjourney/providers';
import { failed, type Call, type Http } from '../../nodes/Midjourney/providers/http';
import type { RequestMap, TaskKind } from '../../nodes/Midjourney/providers/provider';
import { NO_HTTP } from './fixtures';

/** One request of every kind. */
const REQUESTS: { [K in TaskKind]: RequestMap[K] } = {
	generateImage: {
		kind: 'generateImage',
		mode: 'imageToImage',
		prompt: 'a teapot',
		imageUrls: ['https://example.com/a.png'],
		aspectRatio: '16:9',
	},
	upscaleImage: { kind: 'upscaleImage', taskId: 't-1', jobId: 'j-1', index: 2 },
	varyImage: { kind: 'varyImage', taskId: 't-1', jobId: 'j-1', index: 0, strength: 'strong' },
	remixImage: {
		...{ kind: 'remixImage', taskId: 't-1', jobId: 'j-1', index: 0 },
		...{ strength: 'subtle', prompt: 'a cup' },
	},
	editImage: {
		...{ kind: 'editImage', taskId: 't-1', jobId: 'j-1', index: 0, prompt: 'a cup' },
		canvas: { width: 1536, height: 1024 },
		imagePosition: { x: 256, y: 0, width: 1024, height: 1024 },
	},
	inpaintImage: {
		...{ kind: 'inpaintImage', taskId: 't-1', jobId: 'j-1', index: 0 },
		mask: { url: 'https://example.com/mask.png' },
	},
	outpaintImage: { kind: 'outpaintImage', taskId: 't-1', jobId: 'j-1', index: 0, scale: 1.5 },
	uploadPaintImage: {
		...{ kind: 'uploadPaintImage', imageUrl: 'https://example.com/a.png', prompt: 'a cup' },
		mask: { size: { width: 800, height: 600 }, polygons: [[0, 0, 10, 0, 10, 10]] },
	},
	retextureImage: {
		...{ kind: 'retextureImage', imageUrl: 'https://example.com/a.png', prompt: 'of glass' },
	},
	generateVideo: {
		...{ kind: 'generateVideo', quality: 'hd', prompt: 'steam', motion: 'low' },
		imageUrl: 'https://example.com/a.png',
	},
	extendVideo: { kind: 'extendVideo', taskId: 't-1', index: 0, mode: 'auto' },
	runModel: { kind: 'runModel', model: 'midjourney_reroll', parameters: { jobId: 'j-1' } },
};

const KINDS = Object.keys(REQUESTS) as TaskKind[];

const rows = allProviders.flatMap((provider) =>
	KINDS.filter((kind) => provider.offers(kind)).flatMap((kind) =>
		['wrapped', 'flat'].flatMap((format) =>
			[undefined, 'https://n8n.example.com/hook'].map(
				(callback) => [provider.name, kind, format, callback, provider] as const,
			),
		),
	),
);

describe('What is shown of a request', () => {
	it.each(rows)(
		'is what is sent: %s, %s, %s, callback to %s',
		async (_, kind, requestFormat, callbackUrl, provider) => {
			const sent: Call[] = [];
			const http: Http = {
				...NO_HTTP,
				requestFormat,
				send: async (call) => {
					sent.push(call);
					return failed({ reason: 'invalidKey', accepted: 'no', transient: false });
				},
			};
			const { [kind]: request } = REQUESTS;
			const shown = provider.preview(request, callbackUrl, requestFormat);
			await provider.submit(http, request, callbackUrl);
			expect(sent).toEqual([shown]);
			expect(JSON.stringify(shown).includes('n8n.example.com')).toBe(callbackUrl !== undefined);
		},
	);

	it('is nothing for what a provider does not offer', () => {
		const missing = allProviders.flatMap((provider) =>
			KINDS.filter((kind) => !provider.offers(kind)).map((kind) =>
				provider.preview(REQUESTS[kind]),
			),
		);
		expect(missing.length).toBeGreaterThan(0);
		expect(missing.filter((call) => call !== undefined)).toEqual([]);
	});
});
