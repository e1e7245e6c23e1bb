import type { IExecuteFunctions, NodeExecutionHint } from 'n8n-workflow';

import { hintAtBought, hintAtDryRun, tellBrowser } from '../../nodes/Midjourney/tasks/n8n/editor';

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
		[[undefined], /Bought: 1 task\. .*enter its taskId in .*Task → Get/],
		[Array(4).fill(undefined), /Bought: 4 tasks\. .*enter their taskId in .*Task → Get/],
	])('says how to see the result again for free: %j', (costs, text) => {
		const { context, hints } = seen('manual');
		hintAtBought(context, costs);
		expect(hints).toMatchObject([{ location: 'outputPane', message: expect.stringMatching(text) }]);
	});

	it.each([
		[[0.05], 'Bought: 1 task, 0.05 USD. '],
		[[0.05, 0.05, 0.05, 0.05], 'Bought: 4 tasks, 0.20 USD. '],
		[[0.1, 0.2], 'Bought: 2 tasks, 0.30 USD. '],
		[[0.0125, 1], 'Bought: 2 tasks, 1.0125 USD. '],
		[[0, 0], 'Bought: 2 tasks, 0.00 USD. '],
		// One that is still open has no price yet.
		[[0.05, undefined, 0.05], 'Bought: 3 tasks, at least 0.10 USD. '],
	])('sums up what the run has cost: %j', (costs, text) => {
		const { context, hints } = seen('manual');
		hintAtBought(context, costs);
		expect(hints[0]?.message).toContain(text);
	});

	it.each([
		[1, 0, /would buy 1 task\.$/],
		[4, 2, /would buy 4 tasks\. Items that could not be bought: 2;/],
	])('says of a dry run that it was one: %i tasks, %i unfit', (tasks, unfit, text) => {
		const { context, hints } = seen('manual');
		hintAtDryRun(context, tasks, unfit);
		expect(hints[0]?.message).toMatch(/^Dry run: nothing was bought\./);
		expect(hints[0]?.message).toMatch(text);
	});

	it.each([
		['nothing was bought', 'manual', []],
		['the run was not started by hand', 'trigger', [0.05]],
	])('is not shown when %s', (_, mode, costs) => {
		const { context, hints } = seen(mode);
		hintAtBought(context, costs);
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
