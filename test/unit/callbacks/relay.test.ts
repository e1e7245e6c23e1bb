import type { Reply } from '../../../nodes/Midjourney/providers/http';
import { relay } from '../../../nodes/Midjourney/tasks/callbacks/relay';
import {
	addressOfExecution,
	isStatus,
	reachableAddress,
} from '../../../nodes/Midjourney/tasks/wait/selfCall';
import { FakeClock } from '../fakeClock';
import { never } from '../wait/fakes';

const BUDGET_MS = 12_000;
const TAKEN = { status: 200, body: { ok: true } };
const IS_RUNNING = {
	status: 409,
	body: { code: 409, message: 'The execution "7" is running already.' },
};

/** Hands one call on. n8n gives these answers in turn, the last one for ever. */
async function handOn(
	replies: Array<Reply | (() => Promise<never>)>,
	address: (isAgain: boolean) => Promise<string | undefined> = async () => 'http://n8n/7',
	hasResumeToken = true,
) {
	const clock = new FakeClock();
	const tries: number[] = [];
	const relaying = relay(BUDGET_MS, {
		clock,
		hasResumeToken,
		address,
		post: async () => {
			const reply = replies[Math.min(tries.length, replies.length - 1)];
			tries.push(clock.time);
			if (reply === undefined) throw new TypeError('n8n has no answer here');
			return typeof reply === 'function' ? await reply() : reply;
		},
	});
	return { result: await clock.until(relaying), tries, took: clock.time };
}

describe('A call that is handed on', () => {
	it('is tried again after growing pauses while the execution is being saved', async () => {
		const { result, tries } = await handOn([...Array<Reply>(4).fill(IS_RUNNING), TAKEN]);
		expect(result).toBe('taken');
		expect(tries).toEqual([0, 250, 750, 1750, 3750]);
	});

	it.each<[string, Reply, string]>([
		['the waiting node has taken it', TAKEN, 'taken'],
		['the waiting node has taken it and reads on', { status: 202, body: { ok: true } }, 'taken'],
		[
			'the execution has finished',
			{ status: 409, body: { message: 'The execution "7 has finished already.' } },
			'gone',
		],
		[
			'the execution was stopped',
			{ status: 409, body: { message: 'The execution "7" has finished with error.' } },
			'gone',
		],
		[
			'the execution was deleted',
			{ status: 404, body: { code: 404, message: 'The execution "7" does not exist.' } },
			'gone',
		],
		[
			'the node waits for no call',
			{ status: 404, body: { ok: false, message: 'Nothing here waits for this call' } },
			'gone',
		],
		['it waits for a form by now', { status: 307, body: '' }, 'gone'],
		[
			'its signature has become too old for the node',
			{ status: 401, body: { ok: false, message: 'The call is not authenticated' } },
			'later',
		],
	])('is settled at once when %s', async (_, reply, expected) => {
		expect(await handOn([reply])).toMatchObject({ result: expected, tries: { length: 1 } });
	});

	it('is settled at once when an n8n without tokens waits for a person by now', async () => {
		const replies = [{ status: 401, body: { error: 'Invalid token' } }];
		expect(await handOn(replies, undefined, false)).toMatchObject({
			...{ result: 'gone', tries: { length: 1 } },
		});
	});

	it.each<[string, Reply | (() => Promise<never>)]>([
		['the execution runs on', IS_RUNNING],
		['the node cannot read its tasks', { status: 503, body: { ok: false } }],
		['n8n cannot', { status: 500, body: { message: 'There was a problem' } }],
		['a proxy has no such page', { status: 404, body: '<html>404 Not Found</html>' }],
		['a proxy wants a login', { status: 401, body: '<html>' }],
		['a proxy has a page of its own', { status: 200, body: '<html>Welcome</html>' }],
		['a proxy leads elsewhere', { status: 302, body: '' }],
		['nobody is behind a proxy', { status: 502, body: '<html>' }],
		['another n8n does not know its token', { status: 401, body: { error: 'Invalid token' } }],
		['the connection fails', async () => await Promise.reject<never>(new Error('ECONNREFUSED'))],
		['nothing is answered', never],
	])('is tried again until its time is up when %s', async (_, reply) => {
		const { result, tries, took } = await handOn([reply]);
		expect(result).toBe('later');
		expect(tries.length).toBeGreaterThan(1);
		expect(took).toBe(BUDGET_MS);
	});

	it('is sent to another address after one that failed', async () => {
		const asked: boolean[] = [];
		const address = async (isAgain: boolean) => {
			asked.push(isAgain);
			return 'http://n8n/7';
		};
		await handOn([{ status: 404, body: '<html>' }, TAKEN], address);
		expect(asked).toEqual([false, true]);
	});

	it('is not sent where no address leads to n8n', async () => {
		expect(await handOn([TAKEN], async () => undefined)).toMatchObject({
			...{ result: 'later', tries: [] },
		});
	});
});

describe('The address of an execution', () => {
	const of = (base: string) => ({
		resumeUrl: `${base}/webhook-waiting/__UNKNOWN__`,
		resumeFormUrl: `${base}/form-waiting/__UNKNOWN__`,
	});

	it.each([
		[
			'https://n8n.example.com',
			'abc',
			'https://n8n.example.com/webhook-waiting/7/n8n-nodes-midjourney?signature=abc',
		],
		[
			'http://10.0.0.1:5678/n8n',
			'abc',
			'http://10.0.0.1:5678/n8n/webhook-waiting/7/n8n-nodes-midjourney?signature=abc',
		],
		[
			'https://n8n.example.com',
			undefined,
			'https://n8n.example.com/webhook-waiting/7/n8n-nodes-midjourney',
		],
	])('is made from the resume URL at %s (token %s)', (base, token, resume) => {
		expect(addressOfExecution(of(base), '7', token)?.resume).toBe(resume);
	});

	it('leads to no other path, whatever the id', () => {
		const { resume } = addressOfExecution(
			of('https://n8n.example.com'),
			'../7?a=/b',
			'x/y&z=1',
		) ?? {
			resume: '',
		};
		const { origin, pathname, searchParams } = new URL(resume);
		expect([origin, pathname, [...searchParams.keys()]]).toEqual([
			'https://n8n.example.com',
			'/webhook-waiting/..%2F7%3Fa%3D%2Fb/n8n-nodes-midjourney',
			['signature'],
		]);
	});

	it('is undefined where n8n has no resume URL', () => {
		expect(
			addressOfExecution({ resumeUrl: undefined, resumeFormUrl: '' }, '7', 't'),
		).toBeUndefined();
	});
});

describe('The origin that leads to this n8n', () => {
	let port = 3000;

	/** Finds the origin, with the answer of each origin's status page; other origins cannot be reached. */
	async function find(pages: Record<string, unknown>, internal?: string) {
		const own = `http://n8n.example.com:${++port}`;
		const asked: string[] = [];
		const address = addressOfExecution(
			{ resumeUrl: `${own}/webhook-waiting/x`, resumeFormUrl: `${own}/form-waiting/x` },
			...(['7', 't'] as const),
		);
		if (!address) throw new Error('No address');
		const httpRequest = async ({ url }: { url: string }) => {
			const { origin } = new URL(url);
			asked.push(origin);
			const name = origin === own ? 'own' : origin;
			if (!(name in pages)) throw new Error('ECONNREFUSED');
			return pages[name];
		};
		const search = async () => await reachableAddress({ httpRequest }, address, internal, isStatus);
		const found = await search();
		return { found: found && new URL(found.resume).origin.replace(own, 'own'), asked, search };
	}

	const USUAL = 'http://127.0.0.1:5678';
	const INTERNAL = 'http://10.1.1.1:8080';

	it.each<[string, Record<string, unknown>, string | undefined, string | undefined]>([
		['its own', { own: 'waiting' }, undefined, 'own'],
		['its own, of an execution that was deleted', { own: 'null' }, undefined, 'own'],
		['the usual one behind a proxy', { own: '<html>', [USUAL]: 'waiting' }, undefined, USUAL],
		['the one that the user names', { own: '<html>', [INTERNAL]: 'success' }, INTERNAL, INTERNAL],
		['none where a proxy answers', { own: '<html>waiting</html>' }, undefined, undefined],
		['not another n8n that listens there', { [USUAL]: 'null' }, undefined, undefined],
		['none where nothing answers', {}, undefined, undefined],
	])('is %s', async (_, pages, internal, expected) => {
		expect((await find(pages, internal)).found).toBe(expected);
	});

	it('is tried first the next time', async () => {
		const { asked, search } = await find({ [USUAL]: 'waiting' });
		expect(asked.at(-1)).toBe(USUAL);
		const before = asked.length;
		await search();
		expect(asked.slice(before)).toEqual([USUAL]);
	});
});
