import type { TaskRequest } from '../../nodes/Midjourney/providers/provider';
import {
	isPrivate,
	unreachableBecause,
	unreachableImage,
} from '../../nodes/Midjourney/tasks/submit/reach';

describe('A private address', () => {
	it.each([
		'http://localhost:5678',
		'http://127.0.0.1:5678',
		'http://10.1.2.3',
		'http://192.168.178.20:5678',
		'http://172.16.0.1',
		'http://172.31.255.1',
		'http://169.254.1.1',
		'http://0.0.0.0',
		'http://[::1]:5678',
		'http://[fd00::1]',
		'http://[fe80::1]',
		'http://n8n:5678',
		'http://n8n.local',
		'http://n8n.internal',
		'http://n8n.internal.',
		'http://N8N.LOCAL',
		'http://files.localhost',
		'http://localhost./x.png',
		'http://nas.lan',
		'http://nas.home.arpa',
		'http://nas.localdomain',
		'http://100.64.0.1',
		'http://100.127.255.255',
		'http://0.1.2.3',
		'http://224.0.0.1',
		'http://255.255.255.255',
		'http://2130706433',
		'http://0x7f000001',
		'http://0x7f.1',
		'http://0177.0.0.1',
		'http://127.1',
		'http://10.1',
		'http://192.168.1.5.',
		'http://[::]',
		'http://[::ffff:10.0.0.1]',
		'http://[::ffff:7f00:1]',
		'http://[::10.0.0.1]',
		'http://[64:ff9b::192.168.1.5]',
		'http://[fc00::1]',
		'http://[febf::1]',
		'http://[fec0::1]',
		'http://[ff02::1]',
	])('%s', (url) => {
		expect(isPrivate(url)).toBe(true);
	});

	it.each([
		'https://n8n.example.com',
		'https://8.8.8.8',
		'http://172.32.0.1',
		'http://11.0.0.1',
		'https://[2001:db8::1]',
		'https://localhost.example.com',
		'https://internal.example.com',
		'http://100.63.255.255',
		'http://100.128.0.1',
		'http://169.253.1.1',
		'http://1.0.0.1',
		'http://223.255.255.255',
		'http://[::ffff:8.8.8.8]',
		'http://[64:ff9b::8.8.8.8]',
		'http://[2606:4700::1111]',
		'http://[::1:2:3:4]',
		'https://n8n.example.com.',
		'https://lan.example',
	])('is none: %s', (url) => {
		expect(isPrivate(url)).toBe(false);
	});
});

describe('Whether callbacks can arrive', () => {
	const PUBLIC = 'https://n8n.example.com/webhook-waiting/1';
	const HERE = 'http://localhost:5678/webhook-waiting/1';
	const PROVIDER = 'https://api.midapi.ai';

	it.each([
		[PUBLIC, PROVIDER, true],
		[HERE, PROVIDER, false],
		[HERE, 'http://127.0.0.1:8645', true],
		['webhook-waiting/1', PROVIDER, false],
	])('at %s from %s: %s', (callback, provider, can) => {
		expect(unreachableBecause(callback, provider) === undefined).toBe(can);
	});

	it('is explained with the host, but without the signature in the path', () => {
		const reason = unreachableBecause(`${HERE}?signature=secret`, PROVIDER);
		expect(reason).toContain('localhost:5678');
		expect(reason).not.toContain('secret');
	});
});

describe('An image that the provider cannot fetch', () => {
	const PROVIDER = 'https://cloud.vtrix.ai';
	const HERE = 'http://192.168.1.5/x.png';
	const source = { taskId: 't', index: 0 };
	const image = { kind: 'generateImage', mode: 'textToImage', prompt: 'p' } as const;
	const video = { kind: 'generateVideo', quality: 'hd', prompt: 'p', motion: 'low' } as const;
	const canvas = { rule: { aspectRatio: '1:1', anchor: 'center' } } as const;
	const CASES: Array<[string, TaskRequest, string[]]> = [
		[
			'an image to start from',
			{ ...image, imageUrls: ['https://a.example/1.png', HERE] },
			['imageUrls'],
		],
		['an omni reference', { ...image, omniReference: HERE }, ['omniReference']],
		['a style', { ...image, styleReferences: ['123', `${HERE}::2`] }, ['styleReferences']],
		['an image in the prompt', { ...image, prompt: `${HERE} a cup` }, ['prompt']],
		['a flag in the prompt', { ...image, prompt: `a cup --sref ${HERE}` }, ['prompt']],
		['the image of a video', { ...video, imageUrl: HERE }, ['imageUrl']],
		[
			'an image to retexture',
			{ kind: 'retextureImage', prompt: 'p', imageUrl: HERE },
			['imageUrl'],
		],
		[
			'an image to paint',
			{ kind: 'uploadPaintImage', prompt: 'p', imageUrl: HERE, ...canvas, mask: { polygons: [] } },
			['imageUrl'],
		],
		['a mask', { kind: 'inpaintImage', ...source, mask: { url: HERE } }, ['mask', 'url']],
		[
			'a parameter of a model',
			{ kind: 'runModel', model: 'm', parameters: { imgs: [{ url: HERE }] } },
			['parameters', 'imgs', 'url'],
		],
	];

	it.each(CASES)('is found: %s', (_, request, path) => {
		expect(unreachableImage(request, PROVIDER)).toEqual({ path, host: '192.168.1.5' });
	});

	it.each(CASES)('is none for a provider in the same network: %s', (_, request) => {
		expect(unreachableImage(request, 'http://127.0.0.1:8645')).toBeUndefined();
	});

	it('is none on a public address', () => {
		const request = { ...image, imageUrls: ['https://a.example/1.png', 'http://8.8.8.8/2.png'] };
		expect(unreachableImage(request, PROVIDER)).toBeUndefined();
	});
});
