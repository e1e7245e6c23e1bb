/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- calls and listens on loopback, it is not a node */
import { type Agent, createServer, type OutgoingHttpHeaders, request } from 'node:http';

/** One call, as it goes over the wire. */
export interface Sent {
	method: string;
	url: URL;
	headers: OutgoingHttpHeaders;
	body?: string | Buffer;
}

/** What came back. */
export interface Answer {
	/** HTTP status, or why there was none. */
	status: number | 'reset' | 'no answer';
	body: string;
}

/** Longer than any provider waits, in ms. */
const PATIENCE_MS = 30_000;

/** Sends one call and waits for its answer; whatever happens is an answer. */
export async function send(
	{ method, url, headers, body }: Sent,
	{ agent = false, timeoutMs = PATIENCE_MS }: { agent?: Agent | false; timeoutMs?: number } = {},
): Promise<Answer> {
	return await new Promise((resolve) => {
		const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
		const outgoing = request(url, { method, agent, headers: { ...length, ...headers } });
		const timer = setTimeout(() => {
			resolve({ status: 'no answer', body: '' });
			outgoing.destroy();
		}, timeoutMs);
		const end = (answer: Answer) => {
			clearTimeout(timer);
			resolve(answer);
		};
		outgoing.on('response', (response) => {
			const parts: Buffer[] = [];
			response.on('data', (part: Buffer) => parts.push(part));
			const done = () =>
				end({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() });
			response.on('end', done);
			response.on('close', done);
		});
		outgoing.on('error', () => end({ status: 'reset', body: '' }));
		outgoing.end(body);
	});
}

/** Hears every request that n8n makes to another host than the provider and itself. */
export interface Witness {
	/** The address that attacks name. */
	readonly url: string;
	/** As a proxy it hears of hosts outside of this machine, too. */
	readonly proxy: Record<string, string>;
	/** What was asked for, the calls that n8n makes by itself left out. */
	readonly heard: readonly string[];
	close(): Promise<void>;
}

/** n8n's own questions to its makers and to npm. */
const OWN_BUSINESS = /(^|\.)(n8n\.io|n8n\.cloud|npmjs\.(org|com)|github\.com)(:\d+)?$/;

/** Starts the witness on 127.0.0.1. */
export async function startWitness(): Promise<Witness> {
	const heard: string[] = [];
	const hear = (host: string, what: string) => {
		if (!OWN_BUSINESS.test(host)) heard.push(what);
	};
	const server = createServer((call, response) => {
		const target = call.url ?? '';
		const host = URL.canParse(target) ? new URL(target).host : 'the witness';
		hear(host, `${call.method} ${target}`);
		call.resume();
		response.statusCode = 404;
		response.end();
	});
	server.on('connect', (call, socket) => {
		hear(call.url ?? '', `CONNECT ${call.url}`);
		socket.destroy();
	});
	const port = await new Promise<number>((resolve, reject) => {
		server.once('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const address = server.address();
			if (address === null || typeof address === 'string') reject(new Error('No port'));
			else resolve(address.port);
		});
	});
	const url = `http://127.0.0.1:${port}`;
	return {
		url,
		heard,
		proxy: { HTTP_PROXY: url, HTTPS_PROXY: url, http_proxy: url, https_proxy: url },
		close: async () => {
			server.closeAllConnections();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}
