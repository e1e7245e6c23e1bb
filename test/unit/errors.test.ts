import type { INode } from 'n8n-workflow';

import type { Failure, FailureReason } from '../../nodes/Midjourney/providers/http';
import { midApi } from '../../nodes/Midjourney/providers/midApi';
import { vtrix } from '../../nodes/Midjourney/providers/vtrix';
import { ProblemWriter } from '../../nodes/Midjourney/tasks/n8n/nodeErrors';
import type { Task } from '../../nodes/Midjourney/providers/task';

const node: INode = {
	id: '1',
	name: 'Midjourney',
	type: 'n8n-nodes-midjourney.midjourney',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};
const writer = new ProblemWriter(node, midApi);
const ofVtrix = new ProblemWriter(node, vtrix);

const failure = (reason: FailureReason, more: Partial<Failure> = {}): Failure => ({
	reason,
	code: '499',
	message: 'its words',
	accepted: 'no',
	transient: false,
	...more,
});

/** Every reason, with what the message of a refused submit must also say. */
const REASONS: Record<FailureReason, RegExp> = {
	invalidKey: /paste a current key/,
	notAllowed: /permissions of the API key.*run the workflow again for it/,
	noCredits: /Top up.*run the workflow again for it/,
	invalidRequest: /Change the field/,
	notFound: /Check the task ID/,
	rateLimited: /fewer items at once.*run the workflow again for it/,
	maintenance: /run the workflow again for it/,
	serverError: /on the side of MidAPI.*run the workflow again for it/,
	generationFailed: /refuses some prompts/,
	featureDisabled: /Choose another version/,
	notOffered: /Choose another operation/,
	invalidSource: /from one finished task/,
	unknownSize: /Enter Image Width and Image Height/,
	unusableImage: /Input Data Field Name must name a binary field/,
	undeliverableImage: /set Image Source to URL/,
	unfitCanvas: /Change the canvas or the mask/,
	unreachable: /Check Base URL/,
	connectionLost: /Check the network/,
	timedOut: /Check the network/,
	unreadable: /proxies and firewalls/,
	unexplained: /its text is all there is/,
	redirected: /final https address/,
};
const ALL = Object.keys(REASONS) as FailureReason[];

/** What makes people pay again. */
const BUYS_AGAIN =
	/run the workflow|submit (a new|another)|Nothing was (bought|sent)|retry|start a new/i;

describe('A refused submit', () => {
	it.each(Object.entries(REASONS) as Array<[FailureReason, RegExp]>)(
		'(%s) says that nothing was bought, and what to do',
		(reason, remedy) => {
			const { message, description } = writer.ofSubmit(failure(reason), false, 3);
			expect(message).toMatch(/\(499 “its words”\) \[item 3\]$/);
			expect(description).toMatch(remedy);
			expect(description).toMatch(/Nothing was bought for this item/);
		},
	);

	it.each([
		[undefined, undefined],
		[1, undefined],
		[4, 'It was tried 4 times.'],
	])('says how many attempts were made (%j): %j', (attempts, words) => {
		const { description } = writer.ofSubmit(failure('rateLimited', { attempts }), false, 0);
		if (words) expect(description).toContain(words);
		else expect(description).not.toMatch(/tried/);
	});

	it.each([
		['requestFormat', /Request Format in the Vtrix credential is not Auto, choose Auto/],
		['upscaleContract', /choose Auto as Upscale Contract; if it is Auto already, Quickstart/],
		['varyIndexBase', /choose Auto as Vary Index Base/],
		['balancePath', /Neither of the two documented paths .* check Base URL/],
	] as const)('may be the fault of a setting: %s', (suspect, words) => {
		const refused = failure('invalidRequest', { suspect });
		expect(ofVtrix.ofSubmit(refused, false, 0).description).toMatch(words);
		expect(ofVtrix.ofSubmit(refused, true, 0).description).toMatch(words);
	});

	it('gives the documented meaning of its code', () => {
		const refused = failure('invalidRequest', { meaning: 'the text is missing' });
		expect(writer.ofSubmit(refused, false, 0).description).toContain(
			'This code means: the text is missing.',
		);
	});
});

describe('An ambiguous submit', () => {
	// The others occur only if nothing was sent.
	const UNSENT: FailureReason[] = [
		...(['unreachable', 'notOffered', 'invalidSource', 'unknownSize', 'unfitCanvas'] as const),
	];

	it.each(ALL.filter((reason) => !UNSENT.includes(reason)))(
		'(%s) says how to find out, and advises to buy nothing',
		(reason) => {
			const { message, description } = writer.ofSubmit(failure(reason), true, 3);
			expect(message).toMatch(/\(499 “its words”\), after the submit \[item 3\]$/);
			expect(description).toMatch(
				/may have been paid.*task list of MidAPI.*Task → Wait.*certainly not there.*Items to Buy Again/,
			);
			expect(description).not.toMatch(BUYS_AGAIN);
		},
	);

	it('says the same of an earlier try', () => {
		const { message, description } = writer.ofSubmit(undefined, true, 3);
		expect(message).toContain('An earlier try may have submitted this item already');
		expect(description).toMatch(/Items to Buy Again/);
	});

	it("leaves no room for n8n's own advice", () => {
		const error = writer.ofSubmit(failure('serverError', { code: '503' }), true, 3);
		expect('failure' in error ? error.failure : undefined).toBeUndefined();
	});
});

describe('A paid task that cannot be read', () => {
	// The others occur only before anything is sent.
	const UNREAD: FailureReason[] = ['notOffered', 'invalidSource', 'unknownSize', 'unfitCanvas'];
	const OF_READS = ALL.filter((reason) => !UNREAD.includes(reason));

	it.each(OF_READS)('(%s) is described as paid, with the way to get it', (reason) => {
		const { message, description } = writer.ofLostTask(failure(reason), 'paid-1', 3);
		expect(message).toMatch(/\(499 “its words”\), task paid-1 \[item 3\]$/);
		expect(description).toMatch(/task paid-1 is paid.*do not submit it again.*Task → Wait/i);
		expect(description).not.toMatch(BUYS_AGAIN);
	});
});

describe('A free request', () => {
	it.each(ALL)('(%s) does not mention money', (reason) => {
		const { description } = writer.ofQuestion(failure(reason), 3);
		expect(description).not.toMatch(/bought|paid|run the workflow/);
	});
});

describe('A failed task', () => {
	const failed = (more: Partial<Task>): Task => ({
		provider: 'midApi',
		taskId: 't',
		status: 'failed',
		outputs: [],
		raw: {},
		...more,
	});
	const error = (message: string, code?: string) => ({ error: { code, message } });
	const TROUBLE = /on the side of MidAPI, not in the prompt/;
	const MODERATED = /moderation rejected it: change the prompt/;
	const EITHER = /If it fails again, change the prompt/;
	const CASES: Array<[string, Partial<Task>, RegExp]> = [
		['code 500', error('internal error', '500'), TROUBLE],
		['code …099', error('provider unavailable', '8004001099'), TROUBLE],
		['code …099 without its zeros', error('provider unavailable', '4007099'), TROUBLE],
		['a time-out upstream', error('task timed out'), TROUBLE],
		['the state timeout', { ...error('no reason, its state is “timeout”') }, TROUBLE],
		['moderation', error('Blocked by moderation', '500'), MODERATED],
		['a rejected prompt', error('upstream rejected the prompt', '500'), MODERATED],
		['banned words', error('banned prompt detected', '8004001098'), MODERATED],
		['nothing to say', error('MidAPI gave no reason'), EITHER],
		['code 501', error('generation failed', '501'), EITHER],
		['code …098', error('generation failed', '8004001098'), EITHER],
	];

	it.each(CASES)('by %s', (_, task, words) => {
		const { message, description } = writer.ofFailedTask(failed(task), 3);
		expect(message).toMatch(/^MidAPI could not generate this \(.*\), task t \[item 3\]$/);
		expect(description).toMatch(words);
	});
});

describe('The time limit', () => {
	it('names the task and the way to go on once each, and promises no retry', () => {
		const last = failure('serverError', { code: '503' });
		const { message, description } = writer.ofTimeLimit('paid-1', 60_000, last, 3);
		expect(message).toBe('Time limit of 1 min reached, task paid-1 is still open [item 3]');
		expect(description).toMatch(/it is paid: do not submit it again.*Task → Wait/);
		expect(description).toMatch(/last read failed: MidAPI could not answer \(503/);
		expect(description).not.toMatch(/paid-1|retry/);
	});
});
