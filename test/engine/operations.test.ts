import type { IDataObject } from 'n8n-workflow';
import { DIALECTS } from './dialects';
import { QUICK, useEngine } from './setup';

const bench = useEngine();

const IMAGE = 'https://example.com/teapot.png';

/** A finished task with four images, or with videos, for the operations that need one. */
async function finishedTask(kind: 'image' | 'video'): Promise<string> {
	const parameters =
		kind === 'image'
			? { resource: 'image', operation: 'generate' }
			: { resource: 'video', operation: 'generate', imageUrl: IMAGE, motion: 'low' };
	const { items } = await bench.run({
		parameters: { ...parameters, prompt: 'a teapot', options: QUICK },
	});
	return String(items[0]?.json.taskId);
}

interface Case {
	parameters: IDataObject;
	source?: 'image' | 'video';
	path: string;
	/** What must have gone over the wire, besides the task id of the source. */
	body: IDataObject;
	outputs: number;
}

const BUYING: Record<string, Case> = {
	'Image → Generate, Text to Image, nothing set': {
		parameters: { resource: 'image', operation: 'generate', mode: 'textToImage', prompt: 'a cup' },
		path: '/api/v1/mj/generate',
		body: { taskType: 'mj_txt2img', prompt: 'a cup' },
		outputs: 4,
	},
	'Image → Generate, Text to Image, everything set': {
		parameters: {
			resource: 'image',
			operation: 'generate',
			mode: 'textToImage',
			prompt: 'a cup',
			...{ aspectRatio: '2:3', version: '6.1', speed: 'turbo' },
			style: { stylization: 250, variety: 15, weirdness: 300 },
			additionalFields: { watermark: 'shop', translatePrompt: false },
		},
		path: '/api/v1/mj/generate',
		body: {
			taskType: 'mj_txt2img',
			prompt: 'a cup',
			aspectRatio: '2:3',
			version: '6.1',
			speed: 'turbo',
			stylization: 250,
			variety: 15,
			weirdness: 300,
			waterMark: 'shop',
			enableTranslation: false,
		},
		outputs: 4,
	},
	'Image → Generate, Image to Image with two images': {
		parameters: {
			resource: 'image',
			operation: 'generate',
			mode: 'imageToImage',
			prompt: 'a cup',
			imageUrls: `${IMAGE}\nhttps://example.com/a,b.png`,
			version: 'niji6',
		},
		path: '/api/v1/mj/generate',
		body: {
			taskType: 'mj_img2img',
			prompt: 'a cup',
			fileUrls: [IMAGE, 'https://example.com/a,b.png'],
			version: 'niji6',
		},
		outputs: 4,
	},
	'Image → Generate, Style Reference': {
		parameters: {
			resource: 'image',
			operation: 'generate',
			mode: 'styleReference',
			prompt: 'a cup',
			imageUrls: IMAGE,
			...{ speed: 'relaxed', version: '6' },
		},
		path: '/api/v1/mj/generate',
		body: {
			taskType: 'mj_style_reference',
			prompt: 'a cup',
			fileUrls: [IMAGE],
			speed: 'relaxed',
			version: '6',
		},
		outputs: 4,
	},
	'Image → Generate, Omni Reference': {
		parameters: {
			resource: 'image',
			operation: 'generate',
			mode: 'omniReference',
			prompt: 'a cup',
			imageUrls: IMAGE,
			style: { omniIntensity: 400 },
		},
		path: '/api/v1/mj/generate',
		body: { taskType: 'mj_omni_reference', prompt: 'a cup', fileUrls: [IMAGE], ow: 400 },
		outputs: 4,
	},
	'Image → Upscale': {
		parameters: { resource: 'image', operation: 'upscale', index: 2 },
		source: 'image',
		path: '/api/v1/mj/generateUpscale',
		body: { imageIndex: 2 },
		outputs: 1,
	},
	'Image → Upscale by the quickstart contract': {
		parameters: {
			resource: 'image',
			operation: 'upscale',
			index: 2,
			additionalFields: { upscaleContract: 'quickstart', watermark: 'shop' },
		},
		source: 'image',
		path: '/api/v1/mj/upscale',
		body: { index: 3, waterMark: 'shop' },
		outputs: 1,
	},
	'Image → Vary': {
		parameters: { resource: 'image', operation: 'vary', index: 0 },
		source: 'image',
		path: '/api/v1/mj/generateVary',
		body: { imageIndex: 0 },
		outputs: 4,
	},
	'Video → Generate': {
		parameters: {
			resource: 'video',
			operation: 'generate',
			quality: 'hd',
			prompt: 'steam rises',
			imageUrl: IMAGE,
			motion: 'low',
			...{ aspectRatio: '16:9', version: '7' },
			additionalFields: { videoCount: 2 },
		},
		path: '/api/v1/mj/generate',
		body: {
			taskType: 'mj_video_hd',
			prompt: 'steam rises',
			fileUrls: [IMAGE],
			motion: 'low',
			videoBatchSize: 2,
			aspectRatio: '16:9',
			version: '7',
		},
		outputs: 2,
	},
	'Video → Extend, Auto': {
		parameters: { resource: 'video', operation: 'extend', extendMode: 'auto', index: 0 },
		source: 'video',
		path: '/api/v1/mj/generateVideoExtend',
		body: { taskType: 'mj_video_extend_auto', index: 0 },
		outputs: 1,
	},
	'Video → Extend, Manual': {
		parameters: {
			resource: 'video',
			operation: 'extend',
			extendMode: 'manual',
			index: 0,
			prompt: 'the lid falls',
		},
		source: 'video',
		path: '/api/v1/mj/generateVideoExtend',
		body: { taskType: 'mj_video_extend_manual', index: 0, prompt: 'the lid falls' },
		outputs: 1,
	},
};

describe.each(Object.entries(BUYING))('%s', (_, { parameters, source, path, body, outputs }) => {
	it('sends exactly what was set, and gives the outputs of the task', async () => {
		const sourceId = source && (await finishedTask(source));
		bench.emulator.ledger.clear();
		const result = await bench.run({
			parameters: {
				...parameters,
				...(source && { taskId: '={{ $json.taskId }}' }),
				options: QUICK,
			},
			items: [{ taskId: sourceId ?? null }],
		});
		expect(result.error).toBeUndefined();
		expect(bench.emulator.ledger.submits).toHaveLength(1);
		expect(bench.emulator.ledger.submits[0]).toMatchObject({
			path,
			body: sourceId ? { ...body, taskId: sourceId } : body,
			unknownFields: [],
			inapplicableFields: [],
		});
		expect(Object.keys(bench.emulator.ledger.submits[0]?.body ?? {})).toHaveLength(
			Object.keys(body).length + (sourceId ? 1 : 0),
		);
		expect(result.items[0]?.json).toMatchObject({ status: 'completed' });
		expect(result.items[0]?.json.outputs).toHaveLength(outputs);
	});
});

describe('Account and File', () => {
	it.each(['common', 'chat'] as const)(
		'Account → Get Credits finds the balance where the provider keeps it: %s',
		async (creditPath) => {
			await bench.emulate({ creditPath, credits: 77 });
			const { items } = await bench.run({
				parameters: { resource: 'account', operation: 'getCredits' },
			});
			expect(items[0]?.json).toEqual({
				provider: 'midApi',
				operation: 'account:getCredits',
				credits: 77,
			});
		},
	);

	it('File → Get Download URL gives a link with the time at which it expires', async () => {
		const { items } = await bench.generate({ options: { outputItems: 'output' } });
		const url = items[0]?.json.url;
		const result = await bench.run({
			parameters: { resource: 'file', operation: 'getDownloadUrl', url },
		});
		expect(result.items[0]?.json).toMatchObject({
			url,
			downloadUrl: expect.stringMatching(/^http/),
		});
		expect(Date.parse(String(result.items[0]?.json.expiresAt))).toBeGreaterThan(Date.now());
	});
});

describe.each(DIALECTS)('With $displayName', (dialect) => {
	const bench = useEngine({}, dialect);

	describe('Task', () => {
		it('Task → Get shows an unfinished task as pending after one read', async () => {
			await bench.emulate({ latencyMs: Infinity });
			const { items } = await bench.generate({ waitMode: 'dontWait' });
			const taskId = items[0]?.json.taskId;
			const result = await bench.run({
				parameters: { resource: 'task', operation: 'get', taskId },
			});
			expect(result.items[0]?.json).toMatchObject({ taskId, status: 'pending', outputs: [] });
			expect(bench.emulator.ledger.reads).toHaveLength(1);
		});

		it('Task → Get shows a failed task with its reason and does not fail itself', async () => {
			const { items } = await bench.generate({ waitMode: 'dontWait', prompt: 'a cup [fail]' });
			bench.emulator.finish(String(items[0]?.json.taskId));
			const result = await bench.run({
				parameters: { resource: 'task', operation: 'get', taskId: items[0]?.json.taskId },
			});
			expect(result.status).toBe('success');
			expect(result.items[0]?.json).toMatchObject({
				status: 'failed',
				errorMessage: dialect.failure.words,
			});
		});

		it('Task → Wait waits for several tasks of one item and buys nothing', async () => {
			const submitted = await bench.generate(
				{ waitMode: 'dontWait', prompt: '={{ $json.prompt }}' },
				{ items: [{ prompt: 'a cup' }, { prompt: 'a bowl' }] },
			);
			const ids = submitted.items.map(({ json }) => json.taskId);
			const result = await bench.run({
				parameters: { resource: 'task', operation: 'wait', taskIds: '={{ $json.ids }}' },
				items: [{ ids }],
			});
			expect(result.items.map(({ json }) => [json.taskId, json.status, json.prompt])).toEqual([
				[ids[0], 'completed', 'a cup'],
				[ids[1], 'completed', 'a bowl'],
			]);
			expect(result.items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 0 }]);
			expect(bench.emulator.ledger.submits).toHaveLength(2);
		});
	});

	describe("Don't Wait", () => {
		it('gives the task id at once without a read', async () => {
			const { items } = await bench.generate({ waitMode: 'dontWait' });
			expect(items[0]?.json).toMatchObject({
				taskId: bench.emulator.ledger.submits[0]?.taskId,
				status: 'pending',
				via: 'submit',
			});
			expect(bench.emulator.ledger.reads).toHaveLength(0);
		});
	});
});
