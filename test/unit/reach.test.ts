import { isPrivate, unreachableBecause } from '../../nodes/Midjourney/tasks/reach';

describe('An address that only means something here', () => {
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
	])('is not %s', (url) => {
		expect(isPrivate(url)).toBe(false);
	});
});

describe('Callbacks can arrive', () => {
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

	it('and the reason names the host, without the signature in the path', () => {
		const reason = unreachableBecause(`${HERE}?signature=secret`, PROVIDER);
		expect(reason).toContain('localhost:5678');
		expect(reason).not.toContain('secret');
	});
});
