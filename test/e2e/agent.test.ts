import { startEmulator } from '../emulator';
import type { N8nClient } from '../n8n/client';
import { CURRENT_N8N, OLDER_N8N } from '../n8n/install';
import type { JsonObject } from '../n8n/json';
import { startFakeModel } from '../n8n/model';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { MIDJOURNEY, type Workflow } from '../n8n/workflows';

const RUN_TIMEOUT_MS = 60_000;

/** The credential type of each provider. */
const CREDENTIAL_TYPES = { midApi: 'midApi', vtrix: 'vtrixApi' };
type ProviderName = keyof typeof CREDENTIAL_TYPES;

/** From version 3 on n8n runs a tool like any node; before that the agent calls it as a function. */
const AGENT_VERSIONS = [3.1, 2.2];

/** An agent with a model and the node as its tool, whose prompt is left to the model. */
function agentWorkflow(
	{ agentVersion, provider }: { agentVersion: number; provider: ProviderName },
	parameters: JsonObject,
	credentials: { openAiApi: JsonObject; tool: JsonObject },
): Workflow {
	const to = (node: string, type: string) => ({ [type]: [[{ node, type, index: 0 }]] });
	const node = (name: string, type: string, typeVersion: number, more: JsonObject) => ({
		...{ id: name, name, type, typeVersion, position: [0, 0], ...more },
	});
	return {
		name: `Agent ${agentVersion} with ${provider}`,
		nodes: [
			node('Start', 'n8n-nodes-base.manualTrigger', 1, { parameters: {} }),
			node('Agent', '@n8n/n8n-nodes-langchain.agent', agentVersion, {
				parameters: { promptType: 'define', text: 'Paint a cup', options: {} },
			}),
			node('Model', '@n8n/n8n-nodes-langchain.lmChatOpenAi', 1.2, {
				parameters: { model: { __rl: true, mode: 'id', value: 'fake' }, options: {} },
				credentials: { openAiApi: credentials.openAiApi },
			}),
			node('Painter', `${MIDJOURNEY}Tool`, 1, {
				parameters: {
					...{ authentication: provider, resource: 'image', operation: 'generate' },
					prompt: "={{ $fromAI('prompt', 'What to paint', 'string') }}",
					...parameters,
					options: { firstCheck: 0.5, longestPause: 1 },
				},
				credentials: credentials.tool,
			}),
		],
		connections: {
			Start: to('Agent', 'main'),
			Model: to('Agent', 'ai_languageModel'),
			Painter: to('Agent', 'ai_tool'),
		},
		settings: { executionOrder: 'v1' },
	};
}

describe.each([CURRENT_N8N, OLDER_N8N])('The tool of an agent in n8n %s', (version) => {
	let n8n: N8nServer;
	let client: N8nClient;

	beforeAll(async () => {
		({ n8n, client } = await startStage(version));
	}, START_TIMEOUT_MS);

	afterAll(async () => {
		await n8n?.stop();
	});

	/** Has an agent call the tool once, with credentials for both providers, of which only the chosen one is valid. */
	async function callTool(
		chosen: { agentVersion: number; provider: ProviderName },
		{
			parameters = {},
			prompts = ['a cup of the model'],
		}: { parameters?: JsonObject; prompts?: string[] } = {},
	) {
		const emulator = await startEmulator({ apiKey: chosen.provider, latencyMs: 1000 });
		const model = await startFakeModel(...prompts.map((prompt) => ({ prompt })));
		try {
			const credential = async (type: string, data: JsonObject) => ({
				id: await client.createCredential(type, type, data),
				name: type,
			});
			const tool: JsonObject = {};
			for (const [provider, type] of Object.entries(CREDENTIAL_TYPES)) {
				tool[type] = await credential(type, { apiKey: provider, baseUrl: emulator.url });
			}
			const openAiApi = await credential('openAiApi', { apiKey: 'none', url: model.url });
			const workflow = agentWorkflow(chosen, parameters, { openAiApi, tool });
			const id = await client.importWorkflow(workflow);
			const execution = await client.finished(await client.run(id, 'Start'), RUN_TIMEOUT_MS);
			return { execution, ledger: emulator.ledger, model };
		} finally {
			await model.close();
			await emulator.close();
		}
	}

	const cases = AGENT_VERSIONS.flatMap((agentVersion) =>
		(['midApi', 'vtrix'] as const).map((provider) => ({ agentVersion, provider })),
	);

	test.each(cases)(
		'buys one task with the chosen credential: agent $agentVersion, $provider',
		async (chosen) => {
			const { execution, ledger, model } = await callTool(chosen);
			const { status, error } = execution;
			expect({ status, error }).toEqual({ status: 'success', error: undefined });
			expect(model.toolArguments).toEqual(['prompt']);
			expect(ledger.submits).toEqual([expect.objectContaining({ provider: chosen.provider })]);
			expect(JSON.stringify(ledger.submits[0]?.params)).toContain('a cup of the model');
			expect(ledger.refusals).toEqual([]);
			expect(model.toolAnswers).toEqual([expect.stringContaining(ledger.submits[0]?.taskId ?? '')]);
			expect(model.toolAnswers[0]).toContain('"status":"completed"');
		},
		RUN_TIMEOUT_MS,
	);

	test.each(AGENT_VERSIONS)(
		'answers when the task fails, in words for the model: agent %s',
		async (agentVersion) => {
			const { execution, ledger, model } = await callTool(
				{ agentVersion, provider: 'midApi' },
				{ prompts: ['a cup [fail]'] },
			);
			expect(execution.status).toBe('success');
			expect(ledger.submits).toHaveLength(1);
			const [answer] = model.toolAnswers;
			expect(answer).toContain(`task ${ledger.submits[0]?.taskId}`);
			expect(answer).toContain('Submitting it again is another purchase');
		},
		RUN_TIMEOUT_MS,
	);

	test.each(AGENT_VERSIONS)(
		'polls, whatever the wait mode, and answers two calls at once, each with its own task: agent %s',
		async (agentVersion) => {
			const { execution, ledger, model } = await callTool(
				{ agentVersion, provider: 'midApi' },
				{ parameters: { waitMode: 'callback' }, prompts: ['a cup', 'a cup'] },
			);
			const { status, error } = execution;
			expect({ status, error }).toEqual({ status: 'success', error: undefined });
			expect(ledger.submits.map(({ params, callbackUrl }) => [params.prompt, callbackUrl])).toEqual(
				[
					['a cup', undefined],
					['a cup', undefined],
				],
			);
			const answers = model.toolAnswers.map((answer) => /"taskId":"(\w+)"/.exec(answer)?.[1]);
			expect(answers.sort()).toEqual(ledger.submits.map(({ taskId }) => taskId).sort());
		},
		RUN_TIMEOUT_MS,
	);
});
