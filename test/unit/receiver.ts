/* eslint-disable @n8n/community-nodes/no-restricted-imports -- it plays the receiver of callbacks */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { isJsonObject } from '../emulator/json';

/** One call that the receiver got. */
export interface Received {
	headers: IncomingHttpHeaders;
	method: string | undefined;
	/** The parsed JSON; the text if it is not JSON. */
	body: unknown;
}

/** A server that is called back. */
export interface Receiver {
	url: string;
	deliveries: Received[];
	close: () => Promise<void>;
}

/** Starts a receiver that answers with these in turn, the last one for ever; `hang` is no answer. */
export async function startReceiver(answers: ReadonlyArray<number | 'hang'>): Promise<Receiver> {
	const deliveries: Received[] = [];
	const server = createServer((request, response) => {
		void text(request).then((body) => {
			const { headers, method } = request;
			const answer = answers[Math.min(deliveries.length, answers.length - 1)] ?? 200;
			deliveries.push({ headers, method, body: parsed(body) });
			if (answer !== 'hang') response.writeHead(answer).end();
		});
	});
	const url = await new Promise<string>((resolve) => {
		server.listen(0, '127.0.0.1', () => {
			const address = server.address();
			resolve(`http://127.0.0.1:${isJsonObject(address) ? String(address.port) : ''}/hook?n=7`);
		});
	});
	const close = async () =>
		await new Promise<void>((resolve) => {
			server.close(() => resolve());
			server.closeAllConnections();
		});
	return { url, deliveries, close };
}

/** The value at a path such as `data.resultUrls.0`. */
export function at(value: unknown, path: string): unknown {
	return path.split('.').reduce<unknown>((inner, name) => {
		if (Array.isArray(inner)) return inner[Number(name)];
		return isJsonObject(inner) ? inner[name] : undefined;
	}, value);
}

function parsed(body: string): unknown {
	try {
		return JSON.parse(body);
	} catch {
		return body;
	}
}
