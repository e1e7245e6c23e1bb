/* eslint-disable @n8n/community-nodes/no-restricted-imports -- the emulator is a server of its own, not a node */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Answer, Call } from './faults';

/** Reads a request to its end. */
export async function parseCall(
	request: IncomingMessage,
	handle: (call: Call) => Promise<Answer>,
): Promise<Call> {
	const url = new URL(request.url ?? '/', 'http://emulator');
	const body = parseBody(await text(request));
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

/** Writes an answer and ends the response. */
export function send(response: ServerResponse, { status, headers, body }: Answer): void {
	const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
	const content = Buffer.isBuffer(body)
		? body
		: Buffer.from(raw ? (body ?? '') : JSON.stringify(body));
	response.writeHead(status, {
		...(content.length > 0 && {
			'content-type': raw ? 'text/plain; charset=utf-8' : 'application/json;charset=UTF-8',
		}),
		// Who asks for chunks hides the size; both at once would be no valid answer.
		...(headers?.['transfer-encoding'] === undefined && { 'content-length': content.length }),
		...headers,
	});
	response.end(content);
}

/** For a path that nobody serves: here the HTTP status speaks too (api-contract 1.6, credit path of kie). */
export function notFound({ method, path }: Call): Answer {
	return { status: 404, body: { code: 404, msg: `nothing at ${method} ${path}`, data: null } };
}
