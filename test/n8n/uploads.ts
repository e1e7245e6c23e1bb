/* eslint-disable @n8n/community-nodes/no-restricted-imports -- a server of the tests, it is not a node */
import { createServer } from 'node:http';

/** A web server on 127.0.0.1 that accepts every upload. */
export interface Uploads {
	readonly url: string;
	/** The bytes of each file, oldest first. */
	readonly files: Buffer[];
	close(): Promise<void>;
}

/** Starts the server on any free port. */
export async function startUploads(): Promise<Uploads> {
	const files: Buffer[] = [];
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			files.push(Buffer.concat(chunks));
			response.writeHead(201, { 'content-type': 'application/json' });
			response.end(JSON.stringify({ id: files.length }));
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	const port = typeof address === 'object' && address ? address.port : 0;
	return {
		url: `http://127.0.0.1:${port}`,
		files,
		close: async () => {
			server.closeAllConnections();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}
