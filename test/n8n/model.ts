/* eslint-disable @n8n/community-nodes/no-restricted-imports -- a server for tests, it is not a node */
import { createServer, type IncomingMessage } from 'node:http';

import { isObject, type JsonObject, list, object, optionalText, text } from './json';

/** A call of a tool. */
export interface ToolCall {
	arguments: JsonObject;
	/** Part of the name of the tool; the first one when unset. */
	tool?: string;
}

/** What a model asks for in one turn, all at the same time, when its tools have answered this so far. */
export type Turn = (answers: readonly string[]) => ToolCall[];

/** One turn that calls the first tool once with each of these arguments. */
export const calls =
	(...all: JsonObject[]): Turn =>
	() =>
		all.map((given) => ({ arguments: given }));

/** A chat model that calls the tools it is given as its script says, and then says that it is done. */
export interface FakeModel {
	/** The base URL to give to an OpenAI credential. */
	readonly url: string;
	/** What the tools that were called have answered, in the order of the calls. */
	readonly toolAnswers: string[];
	/** What it was told of its tools, by their names: the description, and the arguments by the JSON schema. */
	readonly tools: Map<string, { description: string; takes: string[] }>;
	close(): Promise<void>;
}

/** Starts the model on 127.0.0.1; it makes the calls of each turn when those of the turn before are answered. */
export async function startFakeModel(...script: Turn[]): Promise<FakeModel> {
	const toolAnswers: string[] = [];
	const known: FakeModel['tools'] = new Map();
	const learn = ({ name, description, parameters }: JsonObject) => {
		const { properties } = object(parameters, 'parameters of the tool');
		known.set(text(name, 'name of the tool'), {
			description: optionalText(description) ?? '',
			takes: Object.keys(object(properties, 'properties of the parameters')),
		});
	};
	const answerTo = (asked: JsonObject): JsonObject => {
		const answers = list(asked.messages, 'messages').flatMap((entry) => {
			const message = object(entry, 'message');
			return message.role === 'tool' ? [text(message.content, 'answer of the tool')] : [];
		});
		toolAnswers.splice(0, toolAnswers.length, ...answers);
		const tools = list(asked.tools, 'tools').map((tool) =>
			object(object(tool, 'tool').function, 'tool'),
		);
		tools.forEach(learn);
		let answered = 0;
		for (const turn of script) {
			const wanted = turn(answers.slice(0, answered));
			if (answers.length < answered + wanted.length) {
				return { role: 'assistant', content: null, tool_calls: callsOf(wanted, tools, answered) };
			}
			answered += wanted.length;
		}
		return { role: 'assistant', content: 'Done' };
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
		tools: known,
		close: async () => {
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			server.closeAllConnections();
			await closed;
		},
	};
}

/** @param before how many calls the turns before have made */
const callsOf = (wanted: readonly ToolCall[], tools: readonly JsonObject[], before: number) =>
	wanted.map((call, position) => {
		const name = tools.map((tool) => text(tool.name, 'name of the tool'));
		return {
			...{ id: `call_${before + position}`, type: 'function' },
			function: {
				name: name.find((one) => one.includes(call.tool ?? '')),
				arguments: JSON.stringify(call.arguments),
			},
		};
	});

async function bodyOf(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(Buffer.from(chunk));
	return Buffer.concat(chunks).toString('utf8');
}
