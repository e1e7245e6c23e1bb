import {
	Workflow,
	type IExecuteFunctions,
	type INode,
	type INodeTypes,
	type NodeExecutionHint,
} from 'n8n-workflow';

import {
	hintAtBought,
	parkedText,
	tellBrowser,
	WAITING_TOOLTIP,
	withParkedText,
	type Parked,
} from '../../nodes/Midjourney/tasks/editor';

const NOON = Date.UTC(2026, 0, 5, 12, 0, 0);
const parked = (more: Partial<Parked> = {}): Parked => ({
	taskIds: ['a1', 'b2'],
	total: 2,
	since: NOON,
	lookAt: NOON + 5 * 60_000,
	isRead: true,
	timezone: 'UTC',
	...more,
});

describe('The panel of a parked node', () => {
	it.each<[string, Partial<Parked>, string]>([
		['how many tasks there are, and since when', {}, '<b>2 tasks</b>, since 12:00:00'],
		['one in the singular', { taskIds: ['a1'], total: 1 }, '<b>1 task</b>'],
		['the IDs of those that are open', {}, '<code>a1</code>, <code>b2</code>'],
		['when n8n looks at the latest', {}, 'looks at 12:05:00 at the latest'],
		['the time as the workflow has it', { timezone: 'Asia/Tokyo' }, 'since 21:00:00'],
		['UTC where n8n gives no time zone that there is', { timezone: 'DEFAULT' }, 'since 12:00:00'],
		['that the tasks are read', {}, 'Read from time to time'],
		['that a call is to come', { isRead: false }, 'The provider is to call'],
		['that nobody has to stay', {}, 'You may close this window'],
	])('says %s', (_, more, text) => {
		expect(parkedText(parked(more))).toContain(text);
	});

	it('lists no more than ten IDs, and says how many there are besides', () => {
		const taskIds = Array.from({ length: 12 }, (_, n) => `t${n}`);
		const text = parkedText(parked({ taskIds, total: 12 }));
		expect(text.match(/<code>/g)).toHaveLength(10);
		expect(text).toContain(' and 2 more');
	});

	it('makes no markup of an ID', () => {
		expect(parkedText(parked({ taskIds: ['<img src=x>'] }))).toContain('<code>imgsrcx</code>');
	});
});

describe('The text of a waiting node, as n8n evaluates it', () => {
	const node: INode = {
		id: '1',
		name: 'Midjourney',
		type: 'midjourney',
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
	};
	const nodeTypes = { getByNameAndVersion: () => undefined } as unknown as INodeTypes;
	const workflow = new Workflow({ nodes: [node], connections: {}, active: false, nodeTypes });
	const evaluated = (resumeUrl: string) =>
		workflow.expression.getSimpleParameterValue(node, WAITING_TOOLTIP, 'internal', {
			$execution: { id: '7', mode: 'test', resumeUrl, resumeFormUrl: '' },
		});

	const URL_OF_RUN = 'http://localhost:5678/webhook-waiting/7/n8n-nodes-midjourney?signature=abc';

	it('is what the node has said of this very wait', () => {
		const text = parkedText(parked());
		expect(evaluated(withParkedText(URL_OF_RUN, text))).toBe(text);
	});

	it('says in general what is going on where the editor knows nothing of this wait', () => {
		expect(evaluated(URL_OF_RUN)).toMatch(/^The tasks are submitted, .* close this window/);
	});
});

/** A node as the editor sees it. */
function seen(mode: string) {
	const hints: NodeExecutionHint[] = [];
	const lines: unknown[] = [];
	const context = {
		getMode: () => mode,
		addExecutionHints: (hint: NodeExecutionHint) => hints.push(hint),
		sendMessageToUI: (line: unknown) => lines.push(line),
	} as unknown as IExecuteFunctions;
	return { context, hints, lines };
}

describe('A hint behind a run', () => {
	it.each([
		[1, /Bought: 1 task\. .*Task → Get.* with its ID/],
		[4, /Bought: 4 tasks\. .*Task → Get.* with their IDs/],
	])('says how what was bought is shown again for nothing: %i', (tasks, text) => {
		const { context, hints } = seen('manual');
		hintAtBought(context, tasks);
		expect(hints).toMatchObject([{ location: 'outputPane', message: expect.stringMatching(text) }]);
	});

	it.each([
		['nothing was bought', 'manual', 0],
		['nobody has run it by hand', 'trigger', 4],
	])('is not there where %s', (_, mode, tasks) => {
		const { context, hints } = seen(mode);
		hintAtBought(context, tasks);
		expect(hints).toEqual([]);
	});
});

describe('The browser of whoever runs the workflow', () => {
	it('is told', () => {
		const { context, lines } = seen('manual');
		tellBrowser(context, 'Task a1 submitted');
		expect(lines).toEqual(['Task a1 submitted']);
	});

	it('is not needed', () => {
		expect(() => tellBrowser({} as IExecuteFunctions, 'Task a1 submitted')).not.toThrow();
	});
});
