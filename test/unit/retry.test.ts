import { failed, success, type Result, type Failure } from '../../nodes/Midjourney/providers/http';
import { retryTransient } from '../../nodes/Midjourney/tasks/retry';
import { FakeClock } from './fakeClock';

const passing = (retryAfterMs?: number): Result<string> =>
	failed({ reason: 'rateLimited', accepted: 'no', transient: true, retryAfterMs });

/** Sends requests with these answers in turn, the last one for ever, each after so many ms. */
async function asking(answers: ReadonlyArray<Result<string>>, ms = 0) {
	const clock = new FakeClock();
	let asked = 0;
	const answer = await clock.until(
		retryTransient(clock, async () => {
			if (ms > 0) await clock.sleep(ms);
			return answers[Math.min(asked++, answers.length - 1)] ?? success('');
		}),
	);
	const failure: Failure | undefined = answer.ok ? undefined : answer.failure;
	return { value: answer.ok ? answer.value : undefined, failure, asked, ms: clock.time };
}

describe('A free request is sent', () => {
	it('until there is an answer', async () => {
		expect(await asking([passing(), passing(), success('42')])).toMatchObject({
			value: '42',
			asked: 3,
		});
	});

	it('four times at most', async () => {
		const { asked, failure } = await asking([passing()]);
		expect([asked, failure?.attempts]).toEqual([4, 4]);
	});

	it('once where trying again is of no use', async () => {
		const { asked } = await asking([
			failed({ reason: 'invalidKey', accepted: 'no', transient: false }),
		]);
		expect(asked).toBe(1);
	});

	it('again when the provider allows it', async () => {
		expect(await asking([passing(20_000), success('42')])).toMatchObject({ ms: 20_000 });
	});

	it.each([300_000, 9_999_999_000])(
		'no more when the provider asks for too long a pause: %d ms',
		async (pause) => {
			expect(await asking([passing(pause)])).toMatchObject({ ms: 0, asked: 1 });
		},
	);

	it('for a minute at most, beyond which only the last answer is awaited', async () => {
		const { ms } = await asking([passing()], 30_000);
		expect(ms).toBeLessThanOrEqual(90_000);
	});
});
