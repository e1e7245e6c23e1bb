/* eslint-disable @n8n/community-nodes/no-restricted-imports -- plays a server that is none, it is not a node */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

import { DIALECTS } from './dialects';
import { useEngine } from './setup';

/** What a server that does not speak HTTP may do with a connection. */
const SERVERS: Record<string, (socket: Socket) => void> = {
	'closes at once': (socket) => socket.end(),
	'closes when it is greeted': (socket) => void socket.once('data', () => socket.end()),
	'speaks something else': (socket) =>
		void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
};

describe.each(DIALECTS)('$displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	let server: Server | undefined;

	/** Listens on a free port, and gives it. */
	const listen = async (behaviour: (socket: Socket) => void): Promise<number> => {
		const listening = createServer((socket) => {
			socket.on('error', () => undefined);
			behaviour(socket);
		});
		server = listening;
		await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
		return (listening.address() as AddressInfo).port;
	};

	afterEach(() => server?.close());

	it.each(Object.entries(SERVERS))(
		'a submit over TLS to a server that %s was never sent',
		async (_, behaviour) => {
			const port = await listen(behaviour);
			const { error } = await bench.generate(
				{},
				{ credentials: { baseUrl: `https://127.0.0.1:${port}` } },
			);
			expect(error?.message).toContain('cannot be reached');
			expect(error?.description).toMatch(/Nothing was sent\. Nothing was bought for this item/);
		},
	);

	it.each(['localhost:3000', 'ftp://127.0.0.1', 'api.example.com'])(
		'a submit to %s was never sent',
		async (baseUrl) => {
			const { error } = await bench.generate({}, { credentials: { baseUrl } });
			expect(error?.message).toContain(
				'Base URL is not a URL that starts with https:// or http://',
			);
			expect(error?.description).toMatch(/Nothing was sent/);
		},
	);

	it('a submit whose connection the server tears after it arrived may have been paid', async () => {
		const port = await listen((socket) => void socket.once('data', () => socket.destroy()));
		const { error } = await bench.generate(
			{},
			{ credentials: { baseUrl: `http://127.0.0.1:${port}` } },
		);
		expect(error?.description).toMatch(/may have been paid/);
	});

	it('an answer may be compressed', async () => {
		bench.emulator.intercept(async (call) => {
			const { status, body } = await call.handle();
			const packed = gzipSync(JSON.stringify(body));
			const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
			return { status, headers, body: packed };
		});
		const { items } = await bench.generate({});
		expect(items[0]?.json.status).toBe('completed');
	});

	it('a submit whose answer is too large may have been paid', async () => {
		const { ledger } = bench.emulator;
		bench.emulator.intercept(async (call) => {
			await call.handle();
			return { status: 200, body: `{"words":"${'x'.repeat(5_000_000)}"}` };
		});
		const { error } = await bench.generate({});
		expect(error?.message).toMatch(
			/did not come from .* \(200 “It is larger than 4 MB”\), after the submit/,
		);
		expect(error?.description).toMatch(/may have been paid/);
		expect(ledger.submits).toHaveLength(1);
	});
});
