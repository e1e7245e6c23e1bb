import type { Reply } from '../../providers/http';
import { isRecord } from '../../providers/json';
import { within, type Clock } from '../n8n/clock';

/** Hands a call on to a parked execution that no watcher of this process knows. */

/** The time limit of one try, in ms: n8n is near, and the execution reads its tasks before it answers. */
const TRY_MS = 5_000;
/** The pause between two tries, in ms: the first at first, then twice as long each time, up to the second. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;

/** Dependencies of `relay`. */
interface RelayDeps {
	clock: Clock;
	/** Whether the address has n8n's own token for calling the execution; older n8n has none. */
	hasResumeToken: boolean;
	/**
	 * The address of the execution; undefined: no address that was tried leads to this n8n. May reject.
	 *
	 * @param isAgain whether the last address did not work
	 */
	address(isAgain: boolean): Promise<string | undefined>;
	/** Posts the call, follows no redirect, and returns whatever was answered. May reject. */
	post(url: string, timeoutMs: number): Promise<Reply>;
}

/**
 * Hands a call on, and tries again while n8n is still saving the execution.
 *
 * @returns `taken` by the waiting node; `gone` when nothing waits for the call any more; `later` when
 * nothing could be told
 */
export async function relay(
	until: number,
	{ clock, hasResumeToken, address, post }: RelayDeps,
): Promise<'taken' | 'gone' | 'later'> {
	let isAgain = false;
	for (let pause = FIRST_PAUSE_MS; clock.now() < until; pause *= 2) {
		const left = Math.min(until - clock.now(), TRY_MS);
		const reply = await within(clock, clock.now() + left, async () => {
			const url = await address(isAgain);
			return url === undefined ? undefined : await post(url, left);
		});
		isAgain = true;
		const result = reply && meaningOf(reply, hasResumeToken);
		if (result !== undefined) return result;
		const rest = Math.max(0, until - clock.now());
		await clock.sleep(Math.min(pause, LONGEST_PAUSE_MS, rest));
	}
	return 'later';
}

/** What an answer means; undefined: not yet, or it is not n8n's at all, as with the error page of a proxy. */
function meaningOf(
	{ status, body }: Reply,
	hasResumeToken: boolean,
): 'taken' | 'gone' | 'later' | undefined {
	const words: unknown = isRecord(body) ? body.message : undefined;
	const isOurs = isRecord(body) && typeof body.ok === 'boolean';
	if (isOurs && body.ok === true && status >= 200 && status < 300) return 'taken';
	// The execution refuses the call: the signature was valid when the call came in, and has expired since.
	if (isOurs && status === 401) return 'later';
	// An n8n without such tokens asks for one where a sent message waits for its answer, but not at this node.
	if (!hasResumeToken && status === 401 && isRecord(body) && body.error === 'Invalid token') {
		return 'gone';
	}
	if (status === 404 && (isOurs || typeof words === 'string')) return 'gone';
	// 409 means both “is running already”, which passes, and “has finished already”.
	if (status === 409 && /finished/.test(String(words))) return 'gone';
	// n8n redirects to the form that the execution now waits for. A proxy uses another status for that.
	return status === 307 ? 'gone' : undefined;
}
