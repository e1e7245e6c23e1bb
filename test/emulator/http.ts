/* eslint-disable @n8n/community-nodes/no-restricted-imports -- the emulator is a server of its own, not a node */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Clock } from './clock';
import type { Answer, Call, Manner } from './faults';

/** Reads a request to its end. */
export async function parseCall(
	request: IncomingMessage,
	handle: (call: Call) => Promise<Answer>,
): Promise<Call> {
	const url = new URL(request.url ?? '/', 'http://emulator');
	const bytes = await buffer(request);
	const isForm = request.headers['content-type']?.startsWith('multipart/') ?? false;
	const body = isForm ? bytes : parseBody(bytes.toString());
	let answer: Promise<Answer> | undefined;
	const call: Call = {
		method: request.method ?? 'GET',
		path: url.pathname,
		query: Object.fromEntries(url.searchParams),
		headers: request.headers,
		body,
		handle: async () => await (answer ??= handle(call)),
	};
	return call;
}

function parseBody(body: string): unknown {
	if (body === '') return undefined;
	try {
		return JSON.parse(body);
	} catch {
		return body;
	}
}

/**
 * Writes an answer and ends the response, or fails at it as the answer's manner says.
 *
 * @param clock by which an answer drips
 * @returns whether the answer is on its way out; `held` when it is kept back on purpose
 */
export function send(
	response: ServerResponse,
	{ status, headers, body, manner }: Answer,
	clock: Clock,
): 'sent' | 'held' {
	const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
	const content = Buffer.isBuffer(body)
		? body
		: Buffer.from(raw ? (body ?? '') : JSON.stringify(body));
	response.writeHead(status, {
		...(content.length > 0 && {
			'content-type': raw ? 'text/plain; charset=utf-8' : 'application/json;charset=UTF-8',
		}),
		// Chunked answers have no length: both headers together would be invalid.
		...(headers?.['transfer-encoding'] === undefined && { 'content-length': content.length }),
		...headers,
	});
	if (manner === undefined) {
		response.end(content);
		return 'sent';
	}
	return sendBadly(response, content, manner, clock);
}

function sendBadly(
	response: ServerResponse,
	content: Buffer,
	manner: Manner,
	clock: Clock,
): 'sent' | 'held' {
	const half = content.subarray(0, content.length >> 1);
	if (manner === 'cut') {
		// Only once half is sent, so that the body breaks off instead of the whole answer being missing.
		response.flushHeaders();
		response.write(half, () => response.socket?.destroy());
		return 'sent';
	}
	response.flushHeaders();
	if (manner === 'stall') {
		response.write(half);
		return 'held';
	}
	let sent = 0;
	let callOff = () => {};
	const next = () => {
		response.write(content.subarray(sent, ++sent));
		if (sent < content.length) callOff = clock.after(manner.byteEveryMs, next);
		else response.end();
	};
	response.once('close', () => callOff());
	next();
	return 'held';
}

/** As MidAPI's envelope, in the form of a common framework, which names the path, or as the page of anyone. */
export type NoPath = 'envelope' | 'framework' | 'page';

/** For an unknown path, the one case with an HTTP status of its own (wire.md: MidAPI credits). */
export function notFound({ method, path }: Call, form: NoPath = 'envelope'): Answer {
	const bodies: Record<NoPath, unknown> = {
		envelope: { code: 404, msg: `nothing at ${method} ${path}`, data: null },
		framework: { timestamp: '2025-01-02T03:04:05Z', status: 404, error: 'Not Found', path },
		page: '<html><body><h1>404 Not Found</h1></body></html>',
	};
	return { status: 404, body: bodies[form] };
}
