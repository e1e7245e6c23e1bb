import { randomUUID } from 'node:crypto';

import { DEFAULT_API_KEY } from '../emulator';
import type { JsonObject } from '../n8n/json';
import { MIDJOURNEY, type Workflow } from '../n8n/workflows';

/** Ways to wait for tasks in n8n. */
export type Way =
	| 'auto'
	| 'autoUncalled'
	| 'callback'
	| 'relayed'
	| 'loop'
	| 'webhook'
	| 'firstCall';

/** What each is called in the tables. */
export const NAMES: Readonly<Record<Way, string>> = {
	auto: 'Auto, callbacks',
	autoUncalled: 'Auto, no callbacks',
	callback: 'Callback',
	relayed: 'Callback through a Trigger',
	loop: 'HTTP Request + Wait 5 s, loop',
	webhook: 'HTTP Request + Wait on webhook',
	firstCall: 'the same in one execution, resumed by the first call',
};

/** Where the emulator is. */
export interface Provider {
	url: string;
	/** Stored credentials: the emulator under its own address, and under one that looks public. */
	credential: { id: string; name: string };
	publicCredential: { id: string; name: string };
	/** The address of a Trigger that hands calls on. */
	triggerUrl: string;
}

/** Node behind the wait. */
export const NEXT = 'Next';

const node = (name: string, type: string, typeVersion: number, parameters: JsonObject) => ({
	...{ id: randomUUID(), name, type, typeVersion, parameters },
	position: [0, 0],
});
const to = (...names: string[]) => ({
	main: names.map((name) => [{ node: name, type: 'main', index: 0 }]),
});
const authorized = {
	sendHeaders: true,
	headerParameters: {
		parameters: [{ name: 'Authorization', value: `Bearer ${DEFAULT_API_KEY}` }],
	},
	options: {},
};

/** The POST that buys a task, as somebody builds it by hand. */
const submit = (url: string, callBackUrl: string) =>
	node('Submit', 'n8n-nodes-base.httpRequest', 4.2, {
		method: 'POST',
		url: `${url}/api/v1/mj/generate`,
		sendBody: true,
		specifyBody: 'json',
		jsonBody: `={{ JSON.stringify({ taskType: 'mj_txt2img', prompt: $json.prompt, speed: 'fast'${callBackUrl} }) }}`,
		...authorized,
	});

const status = (url: string, taskId: string) =>
	node('Status', 'n8n-nodes-base.httpRequest', 4.2, {
		url: `=${url}/api/v1/mj/record-info?taskId={{ ${taskId} }}`,
		...authorized,
	});

/** The nodes of one way to wait, from `Items` to `Next`. */
function waiting(way: Way, provider: Provider): { nodes: JsonObject[]; connections: JsonObject } {
	const { url, credential, publicCredential, triggerUrl } = provider;
	switch (way) {
		case 'auto':
		case 'autoUncalled':
		case 'callback':
		case 'relayed':
			return {
				nodes: [
					{
						...node('Wait For It', MIDJOURNEY, 1, {
							...{ authentication: 'midApi', resource: 'image', operation: 'generate' },
							...{ mode: 'textToImage', prompt: '={{ $json.prompt }}' },
							waitMode: way === 'callback' || way === 'relayed' ? 'callback' : 'auto',
							download: false,
							options: { outputItems: 'task', ...(way === 'relayed' && { triggerUrl }) },
						}),
						credentials: { midApi: way === 'autoUncalled' ? publicCredential : credential },
					},
				],
				connections: { Items: to('Wait For It'), 'Wait For It': to(NEXT) },
			};
		case 'loop':
			return {
				nodes: [
					submit(url, ''),
					node('Five Seconds', 'n8n-nodes-base.wait', 1.1, { amount: 5, unit: 'seconds' }),
					status(url, '$json.data.taskId'),
					node('Ended?', 'n8n-nodes-base.if', 2.2, {
						conditions: {
							options: { caseSensitive: true, typeValidation: 'loose', version: 2 },
							conditions: [
								{
									id: randomUUID(),
									leftValue: '={{ $json.data.successFlag }}',
									rightValue: 0,
									operator: { type: 'number', operation: 'notEquals' },
								},
							],
							combinator: 'and',
						},
						looseTypeValidation: true,
						options: {},
					}),
				],
				connections: {
					Items: to('Submit'),
					Submit: to('Five Seconds'),
					'Five Seconds': to('Status'),
					Status: to('Ended?'),
					'Ended?': to(NEXT, 'Five Seconds'),
				},
			};
		case 'webhook':
		case 'firstCall':
			return {
				nodes: [
					submit(url, ', callBackUrl: $execution.resumeUrl'),
					{
						...node('On Call', 'n8n-nodes-base.wait', 1.1, {
							...{ resume: 'webhook', httpMethod: 'POST', options: {} },
						}),
						webhookId: randomUUID(),
					},
					status(url, "$('Submit').first().json.data.taskId"),
				],
				connections: {
					Items: to('Submit'),
					Submit: to('On Call'),
					'On Call': to('Status'),
					Status: to(NEXT),
				},
			};
	}
}

/** A published workflow waits at `path` for a POST with `{ prompts }`; each is bought, and `Next` runs behind. */
export function workflowFor(way: Way, provider: Provider, path: string): Workflow {
	const { nodes, connections } = waiting(way, provider);
	return {
		name: `${NAMES[way]} ${path}`,
		nodes: [
			{
				...node('Start', 'n8n-nodes-base.webhook', 2, { httpMethod: 'POST', path, options: {} }),
				webhookId: path,
			},
			node('List', 'n8n-nodes-base.set', 3.4, {
				mode: 'raw',
				jsonOutput: '={{ JSON.stringify({ prompt: $json.body.prompts }) }}',
				options: {},
			}),
			node('Items', 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: 'prompt', options: {} }),
			...nodes,
			node(NEXT, 'n8n-nodes-base.noOp', 1, {}),
		],
		connections: { Start: to('List'), List: to('Items'), ...connections },
		settings: { executionOrder: 'v1' },
	};
}

/** A Trigger of the same account. */
export function triggerWorkflow(credential: Provider['credential'], webhookId: string): Workflow {
	const trigger = {
		...node('Trigger', 'n8n-nodes-midjourney.midjourneyTrigger', 1, {
			...{ authentication: 'midApi', download: false },
		}),
		...{ webhookId, credentials: { midApi: credential } },
	};
	return {
		name: `Trigger ${webhookId}`,
		nodes: [trigger, node(NEXT, 'n8n-nodes-base.noOp', 1, {})],
		connections: { Trigger: to(NEXT) },
		settings: { executionOrder: 'v1' },
	};
}

/** Answers when it has run to its end. */
export function quickWorkflow(path: string): Workflow {
	return {
		name: `Quick ${path}`,
		nodes: [
			{
				...node('Start', 'n8n-nodes-base.webhook', 2, {
					...{ httpMethod: 'POST', path, responseMode: 'lastNode', options: {} },
				}),
				webhookId: path,
			},
			node(NEXT, 'n8n-nodes-base.noOp', 1, {}),
		],
		connections: { Start: to(NEXT) },
		settings: { executionOrder: 'v1' },
	};
}

/** A published workflow waits at a path called as who parks for a POST with `{ taskId }`, and parks for that task. */
export function parkingWorkflow(
	way: 'midjourney' | 'wait',
	credential: Provider['credential'],
): Workflow {
	const parks =
		way === 'midjourney'
			? {
					...node('Park', MIDJOURNEY, 1, {
						...{ authentication: 'midApi', resource: 'task', operation: 'wait' },
						...{ taskIds: '={{ $json.body.taskId }}', waitMode: 'auto', download: false },
						waitOptions: { timeLimit: 60 },
					}),
					credentials: { midApi: credential },
				}
			: {
					...node('Park', 'n8n-nodes-base.wait', 1.1, {
						...{ resume: 'webhook', httpMethod: 'POST', options: {} },
					}),
					webhookId: randomUUID(),
				};
	return {
		name: `Parks by ${way}`,
		nodes: [
			{
				...node('Start', 'n8n-nodes-base.webhook', 2, {
					...{ httpMethod: 'POST', path: way, options: {} },
				}),
				webhookId: randomUUID(),
			},
			parks,
			node(NEXT, 'n8n-nodes-base.noOp', 1, {}),
		],
		connections: { Start: to('Park'), Park: to(NEXT) },
		settings: { executionOrder: 'v1' },
	};
}
