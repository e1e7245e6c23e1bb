/* eslint-disable @n8n/community-nodes/no-restricted-imports -- a server of the tests, it is not a node */
import { createServer, type Socket } from 'node:net';

import type { JsonObject } from './json';

/** A mail server on 127.0.0.1 that accepts every mail and forwards none. */
export interface Mailbox {
	/** The data of an SMTP credential of n8n that sends its mails here. */
	readonly account: JsonObject;
	/** The texts of the mails to this address, oldest first. */
	mailsTo(address: string): string[];
	close(): Promise<void>;
}

/** Starts a mail server on any free port. */
export async function startMailbox(): Promise<Mailbox> {
	const letters: Array<{ to: string[]; text: string }> = [];
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on('close', () => sockets.delete(socket));
		socket.on('error', () => socket.destroy());
		converse(socket, (to, text) => letters.push({ to, text }));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	const port = typeof address === 'object' && address ? address.port : 0;
	return {
		account: { host: '127.0.0.1', port, secure: false, disableStartTls: true },
		mailsTo: (wanted) => letters.flatMap(({ to, text }) => (to.includes(wanted) ? [text] : [])),
		close: async () => {
			for (const socket of sockets) socket.destroy();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}

/** The server's side of RFC 5321, as much as n8n uses of it. */
function converse(socket: Socket, take: (to: string[], text: string) => void): void {
	const say = (line: string) => socket.write(`${line}\r\n`);
	let to: string[] = [];
	let text: string[] | undefined;
	let rest = '';
	const hear = (line: string) => {
		if (text) {
			if (line !== '.') {
				text.push(line.replace(/^\./, ''));
				return;
			}
			take(to, fromQuotedPrintable(text.join('\r\n')));
			[to, text] = [[], undefined];
			say('250 taken');
			return;
		}
		const [verb = ''] = line.toUpperCase().split(' ');
		if (verb === 'RCPT') to.push(/<(.*)>/.exec(line)?.[1] ?? '');
		if (verb === 'DATA') text = [];
		say(verb === 'DATA' ? '354 go on' : verb === 'QUIT' ? '221 bye' : '250 ok');
	};
	say('220 ready');
	socket.setEncoding('utf8').on('data', (chunk) => {
		const lines = (rest + String(chunk)).split('\r\n');
		rest = lines.pop() ?? '';
		for (const line of lines) hear(line);
	});
}

const fromQuotedPrintable = (text: string): string =>
	text
		.replace(/=\r\n/g, '')
		.replace(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
