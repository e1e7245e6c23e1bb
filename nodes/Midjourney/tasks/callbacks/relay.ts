import type { Reply } from '../../providers/http';
import { isRecord } from '../../providers/json';
import { within, type Clock } from '../clock';

/** Hands a call on to a parked execution that no watcher of this process knows. */

/** For one try, in ms: n8n is near, and the execution that it resumes reads its tasks before it answers. */
const TRY_MS = 5_000;
/** Between two tries, in ms: this long at first, twice as long each time, up to the second. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;

export interface RelayDeps {
	clock: Clock;
	/** Whether n8n's own token for calling the execution is in the address; older n8n has none. */
	hasResumeToken: boolean;
	/**
	 * Where the execution is called; undefined: no address that is tried leads to this n8n. May reject.
	 *
	 * @param isAgain the last one did not do
	 */
	address(isAgain: boolean): Promise<string | undefined>;
	/** Posts the call, follows nothing and gives whatever was answered. May reject. */
	post(url: string, timeoutMs: number): Promise<Reply>;
}

/**
 * Hands a call on, again and again while n8n is still saving the execution.
 *
 * @param until Unix ms
 * @returns `taken` by the waiting node; `gone` when nothing waits for it any more; `later` when nobody could be told
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

/** What an answer of n8n's means; undefined: not yet, or not n8n's at all, as the error page of a proxy. */
function meaningOf(
	{ status, body }: Reply,
	hasResumeToken: boolean,
): 'taken' | 'gone' | 'later' | undefined {
	const words: unknown = isRecord(body) ? body.message : undefined;
	const isOurs = isRecord(body) && typeof body.ok === 'boolean';
	if (isOurs && body.ok === true && status >= 200 && status < 300) return 'taken';
	// It does not prove itself there: a signature that was good when the call came in is not any more.
	if (isOurs && status === 401) return 'later';
	// An n8n without such tokens wants one where a message has been sent that waits for its answer: not at our node.
	if (!hasResumeToken && status === 401 && isRecord(body) && body.error === 'Invalid token') {
		return 'gone';
	}
	if (status === 404 && (isOurs || typeof words === 'string')) return 'gone';
	// 409 means both “is running already”, which passes, and “has finished already”.
	if (status === 409 && /finished/.test(String(words))) return 'gone';
	// n8n leads to the form for which the execution waits now. A proxy has other numbers for that.
	return status === 307 ? 'gone' : undefined;
}
