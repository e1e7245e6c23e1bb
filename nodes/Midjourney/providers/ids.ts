import { failed, type Failure } from './http';

/** The longest id of any provider, in characters. */
const LONGEST = 200;

/**
 * Why a text cannot be a task id; undefined if it can. In a path, a slash or dots alone would lead elsewhere, with the key;
 * half a surrogate pair is not valid in a URL.
 */
export function noTaskId(id: string): { ok: false; failure: Failure } | undefined {
	const fits = id.length <= LONGEST && id.trim() !== '' && !/^\.+$|[/\\\p{Cc}\p{Cs}]/u.test(id);
	return fits
		? undefined
		: failed({
				reason: 'notFound',
				message: `“${id.slice(0, 40)}” cannot be a task ID`,
				accepted: 'no',
				transient: false,
			});
}

/** The answer to a read was about something else: it says nothing about the task, but the next one may. */
export const OF_ANOTHER_TASK = failed({
	reason: 'unreadable',
	message: 'The answer is about another task',
	accepted: 'unknown',
	transient: true,
});
