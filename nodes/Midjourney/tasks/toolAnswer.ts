import type { INodeExecutionData } from 'n8n-workflow';

import type { Provider } from '../providers/provider';
import type { Item } from './failedItems';
import type { Outcome } from './outcome';

/**
 * What a tool call answers where there is no result. An agent that gets an error from a tool learns little of it or
 * nothing, and calls again; so a problem is an answer, and says in words what happened, and what was paid.
 */

const TASK_GET = 'Task → Get or Task → Wait with this task ID';

const REPEATED =
	'This call repeats an earlier one and has got its task: nothing was bought again. For another result change the arguments.';

/** The item of a tool call: what is meant for people in the editor is put in words for a model, in `message`. */
export function toolAnswer(
	{ item, problem }: Item,
	outcome: Outcome,
	provider: Provider,
): INodeExecutionData {
	const told = sentences(messageFor(outcome, problem, provider), outcome.repeats && REPEATED);
	const message = told === '' ? item.json.errorMessage : told;
	const json = { ...item.json };
	delete json.errorMessage;
	delete json.errorDescription;
	return { ...item, json: message === undefined ? json : { message, ...json } };
}

/**
 * The item for an error that no outcome tells of.
 *
 * @param begun something may have been sent by then
 */
export function toolAnswerTo(error: unknown, begun: boolean): INodeExecutionData {
	const message = sentences(
		error instanceof Error ? error.message : String(error),
		descriptionOf(error),
		begun
			? 'Something may have been bought and paid all the same: do not submit it again before the user has looked into the task list of the provider.'
			: 'Nothing was bought.',
	);
	return { json: { message, status: 'failed' }, pairedItem: { item: 0 } };
}

/** What there is to say of an item besides its fields; undefined when it has its result. */
function messageFor(
	{ taskId, task, asked, mayBePaid }: Outcome,
	problem: Item['problem'],
	provider: Provider,
): string | undefined {
	const what = problem?.message;
	if (taskId === undefined) {
		if (what === undefined) return undefined;
		return mayBePaid
			? sentences(
					what,
					`Nobody knows whether ${provider.displayName} took it, so it may be paid: do not submit it again.`,
					`Ask the user to look into the task list there; ${TASK_GET} then brings the result at no cost.`,
				)
			: sentences(what, descriptionOf(problem), 'Nothing was bought.');
	}
	switch (task?.status) {
		case 'completed':
			return what && sentences(what, `Task ${taskId} is paid: do not submit it again.`);
		case 'failed':
			return sentences(
				what ?? `Task ${taskId} has failed (${task.error?.message ?? 'no reason is given'})`,
				`It is over and brings no result. Submitting it again is another purchase: ask the user, or change what its words complain of first.`,
			);
	}
	// Who only asks may ask for a task that does not exist.
	const bought = asked !== undefined || task !== undefined;
	if (!bought && problem) {
		return sentences(what, descriptionOf(problem), 'Nothing was bought by asking.');
	}
	return sentences(
		what ?? `Task ${taskId} is still open`,
		`It was submitted and is paid: do not submit it again. Ask for its result later, at no cost: ${TASK_GET} (${taskId}).`,
	);
}

function descriptionOf(error: unknown): string | undefined {
	const description: unknown =
		error instanceof Error && 'description' in error ? error.description : undefined;
	return typeof description === 'string' ? description : undefined;
}

/** One text, each part of it ended by a full stop. That nothing was bought is said once. */
const sentences = (...parts: Array<string | false | undefined>): string =>
	parts
		.map((part) => (part === false ? '' : (part ?? '').trim()))
		.filter((part) => part !== '')
		.map((part) => (/[.!?]$/.test(part) ? part : `${part}.`))
		.filter(
			(part, position, all) =>
				part !== 'Nothing was bought.' ||
				!all
					.slice(0, position)
					.some((before) => /Nothing was (bought|submitted|sent)/.test(before)),
		)
		.join(' ');
