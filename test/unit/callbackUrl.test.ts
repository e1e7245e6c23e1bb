import { callbackUrl, readCallbackQuery, relayKey } from '../../nodes/Midjourney/tasks/callbackUrl';

const RESUME = 'https://n8n.example.com/webhook-waiting/7?signature=abc';
const TRIGGER = 'https://n8n.example.com/webhook/1234';
const KEY = relayKey('api-key');
const query = (url: string) => Object.fromEntries(new URL(url).searchParams);

describe('The callback URL', () => {
	it('is the resume URL with a nonce, the task and the reference, and loses nothing of it', () => {
		const url = callbackUrl({
			resumeUrl: RESUME,
			nonce: 'n',
			position: 3,
			reference: 'order 7 & 8',
		});
		expect(url).toMatch(/^https:\/\/n8n\.example\.com\/webhook-waiting\/7\?/);
		expect(query(url)).toEqual({
			...{ signature: 'abc', mjNonce: 'n', mjItem: '3', mjReference: 'order 7 & 8' },
		});
	});

	it('names the task, also through a Trigger', () => {
		const target = { resumeUrl: RESUME, nonce: 'n', position: 12 };
		const relayed = callbackUrl({ ...target, relay: { url: TRIGGER, key: KEY } });
		const { resumeUrl } = readCallbackQuery(query(relayed), KEY);
		expect(resumeUrl).toBe(callbackUrl(target));
		expect(readCallbackQuery(query(String(resumeUrl)), undefined).position).toBe(12);
	});

	it('works with the resume URLs of n8n versions that sign nothing', () => {
		const url = callbackUrl({
			...{ resumeUrl: 'https://n8n.example.com/webhook-waiting/7', nonce: 'n', position: 0 },
		});
		expect(url).toBe('https://n8n.example.com/webhook-waiting/7?mjNonce=n&mjItem=0');
	});

	it('through a Trigger carries the resume URL, which only the same key accepts', () => {
		const url = callbackUrl({
			resumeUrl: RESUME,
			nonce: 'n',
			position: 0,
			reference: 'r',
			relay: { url: TRIGGER, key: KEY },
		});
		expect(url.startsWith(`${TRIGGER}?`)).toBe(true);
		const read = readCallbackQuery(query(url), KEY);
		expect(read).toMatchObject({ reference: 'r', forged: false });
		expect(read.resumeUrl).toBe(
			callbackUrl({ resumeUrl: RESUME, nonce: 'n', position: 0, reference: 'r' }),
		);
		for (const other of [relayKey('other'), undefined]) {
			expect(readCallbackQuery(query(url), other)).toMatchObject({
				resumeUrl: undefined,
				forged: true,
			});
		}
	});

	it('does not hand on to an address that was changed', () => {
		const url = new URL(
			callbackUrl({
				resumeUrl: RESUME,
				nonce: 'n',
				position: 0,
				relay: { url: TRIGGER, key: KEY },
			}),
		);
		url.searchParams.set('mjResume', 'https://elsewhere.example.com/');
		expect(readCallbackQuery(query(url.href), KEY)).toMatchObject({
			resumeUrl: undefined,
			forged: true,
		});
	});

	it.each([
		undefined,
		null,
		[],
		'x',
		{ mjResume: ['a', 'b'] },
		{ mjItem: '-1' },
		{ mjItem: '1e9' },
	])('reads nothing from %j', (given) => {
		expect(readCallbackQuery(given, KEY)).toEqual({
			nonce: undefined,
			position: undefined,
			reference: undefined,
			resumeUrl: undefined,
			forged: false,
		});
	});
});
