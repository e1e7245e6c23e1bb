import { failed, type Failure } from './http';

/** No provider has longer ids, in characters. */
const LONGEST = 200;

/**
 * Why a text is not asked about as a task id; undefined when it is. In a path a slash or dots alone would lead elsewhere, with
 * the key; half a surrogate pair stands in no URL.
 */
export function noTaskId(id: string): { ok: false; failure: Failure } | undefined {
	const fits = id.length <= LONGEST && id.trim() !== '' && !/^\.+$|[/\\\p{Cc}\p{Cs}]/u.test(id);
	return fits
		? undefined
		: failed({
				reason: 'notFound',
				words: `“${id.slice(0, 40)}” cannot be a task ID`,
				taken: 'no',
				passing: false,
			});
}

/** An answer to a look that speaks of something else: it says nothing of the task, and the next one may. */
export const OF_ANOTHER_TASK = failed({
	reason: 'unreadable',
	words: 'The answer is about another task',
	taken: 'unknown',
	passing: true,
});
