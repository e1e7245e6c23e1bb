import type { IExecuteFunctions, NodeExecutionHint } from 'n8n-workflow';

import { hintAtBought, tellBrowser } from '../../nodes/Midjourney/tasks/editor';

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

describe('The hint after a run', () => {
	it.each([
		[1, /Bought: 1 task\. .*Task → Get.* with its ID/],
		[4, /Bought: 4 tasks\. .*Task → Get.* with their IDs/],
	])('says how to see the result again for free: %i', (tasks, text) => {
		const { context, hints } = seen('manual');
		hintAtBought(context, tasks);
		expect(hints).toMatchObject([{ location: 'outputPane', message: expect.stringMatching(text) }]);
	});

	it.each([
		['nothing was bought', 'manual', 0],
		['the run was not started by hand', 'trigger', 4],
	])('is not shown when %s', (_, mode, tasks) => {
		const { context, hints } = seen(mode);
		hintAtBought(context, tasks);
		expect(hints).toEqual([]);
	});
});

describe('The browser console of whoever runs the workflow', () => {
	it('shows the line', () => {
		const { context, lines } = seen('manual');
		tellBrowser(context, 'Task a1 submitted');
		expect(lines).toEqual(['Task a1 submitted']);
	});

	it('may be missing', () => {
		expect(() => tellBrowser({} as IExecuteFunctions, 'Task a1 submitted')).not.toThrow();
	});
});
