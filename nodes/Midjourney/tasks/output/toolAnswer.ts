import type { INodeExecutionData } from 'n8n-workflow';

import type { Provider } from '../../providers/provider';
import { wordsOf } from '../n8n/nodeErrors';
import type { Item } from './failedItems';
import type { Outcome } from './outcome';

/** What a tool call returns in place of an error, from which a model would learn little before it calls again. */

const TASK_GET = 'Task → Get or Task → Wait with this task ID';

const REPEATED =
	'This call repeats an earlier one and got the same task: nothing was bought again. Change the arguments to get another result.';

/** The item of a tool call. The words for people in the editor are replaced with words for a model, in `message`. */
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
 * The item for an error that no outcome covers.
 *
 * @param begun whether something may have been sent by then
 */
export function toolAnswerTo(error: unknown, begun: boolean): INodeExecutionData {
	const message = sentences(
		wordsOf(error),
		descriptionOf(error),
		begun
			? 'Even so, something may have been bought and paid: do not submit it again before the user has checked the task list of the provider.'
			: 'Nothing was bought.',
	);
	return { json: { message, status: 'failed' }, pairedItem: { item: 0 } };
}

/** What to say about an item besides its fields; undefined when it has its result. */
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
					`It is not known whether ${provider.displayName} accepted it, so it may be paid: do not submit it again.`,
					`Ask the user to check the task list there; ${TASK_GET} then returns the result at no cost.`,
				)
			: sentences(what, descriptionOf(problem), 'Nothing was bought.');
	}
	switch (task?.status) {
		case 'completed':
			return what && sentences(what, `Task ${taskId} is paid: do not submit it again.`);
		case 'failed':
			return sentences(
				what ?? `Task ${taskId} has failed (${task.error?.message ?? 'no reason is given'})`,
				`It has ended and brings no result. Submitting it again is another purchase: ask the user first, or first change what the error is about.`,
			);
	}
	// A query may name a task that does not exist.
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

/** Joins sentences, and ends each with a full stop. That nothing was bought is said only once. */
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
