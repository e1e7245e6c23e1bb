import type { IExecuteFunctions } from 'n8n-workflow';

import type { WaitMode } from '../../../nodes/Midjourney/tasks/settings';
import { howToWait } from '../../../nodes/Midjourney/tasks/wait/how';

const FOREGROUND = { parks: false, polls: true };
let count = 0;

interface Setting {
	mode?: string;
	type?: string;
	isTool?: boolean;
	canPark?: boolean;
	/** n8n's answer about the status of this execution. */
	status?: string;
	/** The previous nodes. */
	before?: Array<{ type: string; parameters?: Record<string, unknown>; hasRun?: boolean }>;
}

/** Where the node runs. */
function placeOf(setting: Setting) {
	const { mode = 'trigger', type = 'midjourney', isTool = false, canPark = true } = setting;
	const { status = 'running', before = [] } = setting;
	const base = `https://how-${++count}.example.com`;
	const asked: string[] = [];
	const told: string[] = [];
	const node = { name: 'Midjourney', type, parameters: {} };
	const context = {
		getNode: () => node,
		getMode: () => mode,
		isToolExecution: () => isTool,
		getExecuteData: () => ({ node, data: { main: [[]] } }),
		runExecutionData: canPark ? { executionData: { nodeExecutionStack: [] } } : {},
		getParentNodes: () =>
			before.map(({ type: other, parameters = {} }, index) => ({
				name: `node ${index}`,
				type: other,
				parameters,
			})),
		getWorkflowDataProxy: () => ({
			$execution: {
				resumeUrl: `${base}/webhook-waiting/7`,
				resumeFormUrl: `${base}/form-waiting/7`,
			},
			$: (name: string) => ({ isExecuted: before[Number(name.slice(5))]?.hasRun ?? true }),
		}),
		helpers: {
			httpRequest: async ({ url }: { url: string }) => {
				asked.push(url);
				return status;
			},
		},
		logger: {
			debug: (words: string) => told.push(words),
			warn: (words: string) => told.push(words),
		},
	} as unknown as IExecuteFunctions;
	return { context, asked, told };
}

const how = async (waitMode: WaitMode, setting: Setting = {}) =>
	await howToWait(placeOf(setting).context, waitMode, undefined);

describe('How a wait goes on', () => {
	it.each([
		['auto', true],
		['callback', false],
		['dontWait', true],
	] as const)('%s: parked; polls: %s', async (mode, polls) => {
		expect(await how(mode)).toMatchObject({ parks: true, polls, own: {} });
	});

	it('poll: in the foreground, without asking n8n anything', async () => {
		const { context, asked } = placeOf({});
		expect(await howToWait(context, 'poll', undefined)).toEqual(FOREGROUND);
		expect(asked).toEqual([]);
	});

	it.each(['cli', 'evaluation', 'integrated', 'internal'])(
		'%s: in the foreground, whatever the mode',
		async (mode) => {
			expect(await how('auto', { mode })).toEqual(FOREGROUND);
			expect(await how('callback', { mode })).toEqual(FOREGROUND);
		},
	);

	it.each(['manual', 'trigger', 'webhook', 'retry', 'error', 'chat'])(
		'%s: parked',
		async (mode) => {
			expect(await how('auto', { mode })).toMatchObject({ parks: true });
		},
	);

	it.each<[string, Setting]>([
		['the tool of an agent', { isTool: true }],
		['the tool of an agent of version 3', { type: 'midjourneyTool' }],
		['an n8n that cannot run the node again', { canPark: false }],
	])('%s: in the foreground', async (_, setting) => {
		expect(await how('auto', setting)).toEqual(FOREGROUND);
	});

	it('an n8n that the process cannot reach: parked with nobody to wake it, which is logged', async () => {
		const { context, told } = placeOf({ status: '<html>' });
		expect(await howToWait(context, 'auto', undefined)).toEqual({
			parks: true,
			own: undefined,
			polls: true,
		});
		expect(told.join()).toContain('cannot reach its own n8n');
	});

	it('an n8n that the process cannot reach is logged once, and again after it could be reached', async () => {
		const deaf = async () => {
			const { context, told } = placeOf({ status: '<html>' });
			await howToWait(context, 'auto', undefined);
			return told.filter((line) => line.includes('cannot reach')).length;
		};
		await howToWait(placeOf({}).context, 'auto', undefined);
		expect([await deaf(), await deaf()]).toEqual([1, 0]);
		await howToWait(placeOf({}).context, 'auto', undefined);
		expect(await deaf()).toBe(1);
	});
});

describe('A caller that waits for the last node', () => {
	const WEBHOOK = 'n8n-nodes-base.webhook';
	const FORM = 'n8n-nodes-base.formTrigger';
	const CHAT = '@n8n/n8n-nodes-langchain.chatTrigger';

	it.each<[string, Setting['before'], boolean]>([
		['a webhook', [{ type: WEBHOOK, parameters: { responseMode: 'lastNode' } }], true],
		[
			'a webhook that has not run',
			[{ type: WEBHOOK, parameters: { responseMode: 'lastNode' }, hasRun: false }],
			false,
		],
		['a webhook that answers at once', [{ type: WEBHOOK, parameters: {} }], false],
		[
			'a webhook with a node that answers',
			[{ type: WEBHOOK, parameters: { responseMode: 'responseNode' } }],
			false,
		],
		['a form', [{ type: FORM, parameters: { responseMode: 'lastNode' } }], true],
		[
			'a form that answers at once',
			[{ type: FORM, parameters: { responseMode: 'onReceived' } }],
			false,
		],
		['a chat', [{ type: CHAT, parameters: { options: {} } }], true],
		[
			'a chat with a node that answers',
			[{ type: CHAT, parameters: { options: { responseMode: 'responseNodes' } } }],
			false,
		],
		['a schedule', [{ type: 'n8n-nodes-base.scheduleTrigger' }], false],
		[
			'the one of two triggers that has run',
			[
				{ type: WEBHOOK, parameters: { responseMode: 'lastNode' }, hasRun: false },
				{ type: FORM, parameters: { responseMode: 'lastNode' } },
			],
			true,
		],
	])('%s: in the foreground: %#', async (_, before, isForeground) => {
		expect((await how('auto', { before })).parks).toBe(!isForeground);
	});
});
