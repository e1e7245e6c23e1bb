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
