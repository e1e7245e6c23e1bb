/* eslint-disable @n8n/community-nodes/no-restricted-imports -- a server for tests, it is not a node */
import { createServer, type IncomingMessage } from 'node:http';

import { isObject, type JsonObject, list, object, text } from './json';

/** A chat model that calls the one tool it is given, and then says that it is done. */
export interface FakeModel {
	/** The base URL to give to an OpenAI credential. */
	readonly url: string;
	/** The answers of the tools that were called, in their order. */
	readonly toolAnswers: string[];
	/** The names of the tool's arguments, from its JSON schema. */
	readonly toolArguments: string[];
	close(): Promise<void>;
}

/** Starts the model on 127.0.0.1. It calls the tool once with each of these arguments, all at the same time. */
export async function startFakeModel(...toolCalls: JsonObject[]): Promise<FakeModel> {
	const toolAnswers: string[] = [];
	const toolArguments: string[] = [];
	const answerTo = (asked: JsonObject): JsonObject => {
		const answers = list(asked.messages, 'messages').flatMap((entry) => {
			const message = object(entry, 'message');
			return message.role === 'tool' ? [text(message.content, 'answer of the tool')] : [];
		});
		toolAnswers.push(...answers);
		if (answers.length > 0) return { role: 'assistant', content: 'Done' };
		const tool = object(object(list(asked.tools, 'tools')[0], 'tool').function, 'tool');
		const { properties } = object(tool.parameters, 'parameters of the tool');
		toolArguments.push(...Object.keys(object(properties, 'properties of the parameters')));
		return {
			role: 'assistant',
			content: null,
			tool_calls: toolCalls.map((given, position) => ({
				...{ id: `call_${position}`, type: 'function' },
				function: { name: tool.name, arguments: JSON.stringify(given) },
			})),
		};
	};
	const server = createServer((request, response) => {
		void (async () => {
			const asked: unknown = JSON.parse(await bodyOf(request));
			const message = answerTo(isObject(asked) ? asked : {});
			const finish_reason = 'tool_calls' in message ? 'tool_calls' : 'stop';
			response.setHeader('content-type', 'application/json');
			response.end(
				JSON.stringify({
					...{ id: 'chatcmpl-fake', object: 'chat.completion', created: 0, model: 'fake' },
					choices: [{ index: 0, message, finish_reason }],
					usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
				}),
			);
		})().catch((error: unknown) => {
			response.statusCode = 400;
			response.end(JSON.stringify({ error: { message: String(error) } }));
		});
	});
	const url = await new Promise<string>((resolve, reject) => {
		server.once('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const address = server.address();
			if (address === null || typeof address === 'string') reject(new Error('No port'));
			else resolve(`http://127.0.0.1:${address.port}/v1`);
		});
	});
	return {
		url,
		toolAnswers,
		toolArguments,
		close: async () => {
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			server.closeAllConnections();
			await closed;
		},
	};
}

async function bodyOf(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(Buffer.from(chunk));
	return Buffer.concat(chunks).toString('utf8');
}
