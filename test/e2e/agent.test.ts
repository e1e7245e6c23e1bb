import { startEmulator, type Emulator } from '../emulator';
import type { N8nClient } from '../n8n/client';
import { CURRENT_N8N, OLDER_N8N } from '../n8n/install';
import { isObject, type JsonObject } from '../n8n/json';
import { startFakeModel, type Turn } from '../n8n/model';
import type { N8nServer } from '../n8n/server';
import { START_TIMEOUT_MS, startStage } from '../n8n/stage';
import { MIDJOURNEY, type Workflow } from '../n8n/workflows';

const RUN_TIMEOUT_MS = 60_000;

/** The credential type of each provider. */
const CREDENTIAL_TYPES = { midApi: 'midApi', vtrix: 'vtrixApi' };
type ProviderName = keyof typeof CREDENTIAL_TYPES;

/** From version 3 on n8n runs a tool like any node; before that the agent calls it as a function. */
const AGENT_VERSIONS = [3.1, 2.2];

/** How long a task takes, in ms. */
const LATENCY_MS = 1000;

/** What a model says to its tools, and what is to come of it. */
interface Conversation {
	/** Goes behind “a model that”. */
	title: string;
	turns: Turn[];
	/** Of the tool that buys. */
	parameters?: JsonObject;
	latencyMs?: number;
	/** Called before it begins. */
	arrange?(emulator: Emulator): void;
	/** How many tasks are bought. */
	bought: number;
	/** What each answer holds. */
	answers: RegExp[];
	/** How many tasks the answers tell of; as many as are bought when unset. */
	told?: number;
}

/** One turn that has a picture made of each of these prompts, all at the same time. */
const calls =
	(...prompts: JsonObject[]): Turn =>
	() =>
		prompts.map((given) => ({ tool: 'Painter', arguments: given }));

const cup = { prompt: 'a cup' };
const CUP_TWICE = [calls(cup), calls(cup)];
const REPEATED = /This call repeats an earlier one.*nothing was bought again/;

/** The tasks that answers tell of. */
const tasksIn = (answers: readonly string[]): string[] => [
	...new Set(answers.flatMap((answer) => /"taskId":"(\w+)"/.exec(answer)?.[1] ?? [])),
];

/** Asks the second tool for everything that the first has bought, in one call. */
const waitForAll: Turn = (answers) => [
	{ tool: 'Waiter', arguments: { ids: tasksIn(answers).join(', ') } },
];

const CONVERSATIONS: Conversation[] = [
	{
		title: 'repeats a call that has brought its result',
		turns: CUP_TWICE,
		bought: 1,
		answers: [/"status":"completed"/, REPEATED],
	},
	{
		title: 'makes the same call twice in one turn',
		turns: [calls(cup, cup)],
		bought: 1,
		answers: [/"status":"completed"/, /"status":"completed"/],
	},
	{
		title: 'makes two different calls in one turn',
		turns: [calls(cup, { prompt: 'a bowl' })],
		bought: 2,
		answers: [/a cup/, /a bowl/],
	},
	{
		title: 'repeats a call after the time limit',
		turns: CUP_TWICE,
		parameters: { waitOptions: { timeLimit: 0.05 } },
		latencyMs: 4500,
		bought: 1,
		answers: [/still open.*paid: do not submit it again/, /"status":"completed"/],
	},
	{
		title: 'repeats a call whose task has failed',
		turns: [calls({ prompt: 'a cup [fail]' }), calls({ prompt: 'a cup [fail]' })],
		bought: 1,
		answers: [/Submitting it again is another purchase/, REPEATED],
	},
	{
		title: 'repeats a call of which nobody knows whether it was taken',
		turns: CUP_TWICE,
		arrange: (emulator) =>
			emulator.intercept(async (call) => {
				if (call.method !== 'POST') return undefined;
				await call.handle();
				return 'reset';
			}),
		bought: 1,
		answers: [/may be paid: do not submit it again/, /may be paid: do not submit it again/],
		told: 0,
	},
	{
		title: 'repeats a call that was refused, with what it complains of changed',
		turns: [calls({ prompt: 'a {red, green} cup' }), calls(cup)],
		bought: 1,
		answers: [/'Prompt' .*Nothing was submitted/, /"status":"completed"/],
	},
	{
		title: 'repeats a call where each one is to buy',
		turns: [...CUP_TWICE, calls(cup, cup)],
		parameters: { options: { equalCalls: 'buy' } },
		bought: 4,
		answers: [/completed/, /completed/, /completed/, /completed/],
	},
	{
		title: 'is not kept waiting, and asks for all it has bought at once',
		turns: [calls(cup, { prompt: 'a bowl' }), calls(cup), waitForAll],
		parameters: { waitMode: 'dontWait' },
		bought: 2,
		answers: [/still open/, /still open/, REPEATED, /"status":"completed".*"status":"completed"/],
	},
];

const QUICK = { firstCheck: 0.5, longestPause: 1 };

/** An agent with a model and the node as its tools: one that buys, the prompt left to the model, and one that waits. */
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
					waitOptions: {
						...QUICK,
						...(isObject(parameters.waitOptions) && parameters.waitOptions),
					},
				},
				credentials: credentials.tool,
			}),
			node('Waiter', `${MIDJOURNEY}Tool`, 1, {
				parameters: {
					...{ authentication: provider, resource: 'task', operation: 'wait' },
					taskIds: "={{ $fromAI('ids', 'Task IDs', 'string') }}",
					waitOptions: QUICK,
				},
				credentials: credentials.tool,
			}),
		],
		connections: {
			Start: to('Agent', 'main'),
			Model: to('Agent', 'ai_languageModel'),
			Painter: to('Agent', 'ai_tool'),
			Waiter: to('Agent', 'ai_tool'),
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

	/** Has an agent talk to its tools, with credentials for both providers, of which only the chosen one is valid. */
	async function talk(
		chosen: { agentVersion: number; provider: ProviderName },
		{
			turns = [calls({ prompt: 'a cup of the model' })],
			parameters = {},
			latencyMs = LATENCY_MS,
			arrange = () => undefined,
		}: Partial<Conversation> = {},
	) {
		const emulator = await startEmulator({ apiKey: chosen.provider, latencyMs });
		const model = await startFakeModel(...turns);
		try {
			arrange(emulator);
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
			const { status, error } = execution;
			expect({ status, error }).toEqual({ status: 'success', error: undefined });
			return { ledger: emulator.ledger, model };
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
			const { ledger, model } = await talk(chosen);
			expect(Object.fromEntries(model.tools)).toEqual({
				Painter: {
					description: expect.stringMatching(/Image → Generate.*Prompt: in English.*buys one task/),
					takes: ['prompt'],
				},
				Waiter: {
					description: expect.stringMatching(/Task → Wait.*It costs nothing/),
					takes: ['ids'],
				},
			});
			expect(ledger.submits).toEqual([expect.objectContaining({ provider: chosen.provider })]);
			expect(JSON.stringify(ledger.submits[0]?.params)).toContain('a cup of the model');
			expect(ledger.refusals).toEqual([]);
			expect(model.toolAnswers).toEqual([expect.stringContaining(ledger.submits[0]?.taskId ?? '')]);
			expect(model.toolAnswers[0]).toContain('"status":"completed"');
		},
		RUN_TIMEOUT_MS,
	);

	test.each(
		AGENT_VERSIONS.flatMap((agentVersion) =>
			CONVERSATIONS.map((conversation) => ({ ...conversation, agentVersion })),
		),
	)(
		'agent $agentVersion with a model that $title: $bought bought',
		async ({ agentVersion, bought, answers, told = bought, ...conversation }) => {
			const { ledger, model } = await talk({ agentVersion, provider: 'midApi' }, conversation);
			expect(ledger.submits).toHaveLength(bought);
			expect(model.toolAnswers).toEqual(answers.map((answer) => expect.stringMatching(answer)));
			const ids = ledger.submits.map(({ taskId }) => taskId).sort();
			expect(tasksIn(model.toolAnswers).sort()).toEqual(told === 0 ? [] : ids);
		},
		RUN_TIMEOUT_MS,
	);

	const five = ['cup', 'bowl', 'jug', 'vase', 'dish'].map((prompt) => ({ prompt }));

	test.each<{ agentVersion: number; waitMode: string; turns: Turn[]; together: boolean }>([
		{ agentVersion: 2.2, waitMode: 'poll', turns: [calls(...five)], together: true },
		// n8n runs the tools of this agent one by one.
		{ agentVersion: 3.1, waitMode: 'poll', turns: [calls(...five)], together: false },
		{
			agentVersion: 2.2,
			waitMode: 'dontWait',
			turns: [calls(...five), waitForAll],
			together: true,
		},
		{
			agentVersion: 3.1,
			waitMode: 'dontWait',
			turns: [calls(...five), waitForAll],
			together: true,
		},
	])(
		'five pictures in one turn, agent $agentVersion, Wait Mode $waitMode: side by side $together',
		async ({ agentVersion, waitMode, turns, together }) => {
			const latencyMs = 4000;
			const { ledger } = await talk(
				{ agentVersion, provider: 'midApi' },
				{ turns, parameters: { waitMode }, latencyMs },
			);
			const at = ledger.submits.map((submit) => submit.at).sort((a, b) => a - b);
			expect(at).toHaveLength(5);
			const pauses = at.slice(1).map((time, position) => time - (at[position] ?? 0));
			if (together) expect((at.at(-1) ?? Infinity) - (at[0] ?? 0)).toBeLessThan(latencyMs);
			else expect(Math.min(...pauses)).toBeGreaterThanOrEqual(latencyMs);
		},
		RUN_TIMEOUT_MS,
	);

	test.each(AGENT_VERSIONS)(
		'polls, whatever the wait mode that was saved: agent %s',
		async (agentVersion) => {
			const { ledger, model } = await talk(
				{ agentVersion, provider: 'midApi' },
				{ parameters: { waitMode: 'callback' } },
			);
			expect(ledger.submits.map(({ callbackUrl }) => callbackUrl)).toEqual([undefined]);
			expect(model.toolAnswers).toEqual([expect.stringContaining('"status":"completed"')]);
		},
		RUN_TIMEOUT_MS,
	);
});
