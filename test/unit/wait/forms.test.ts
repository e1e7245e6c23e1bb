import type { Failure, Result } from '../../../nodes/Midjourney/providers/http';
import type { FormChoice } from '../../../nodes/Midjourney/providers/provider';
import { Forms } from '../../../nodes/Midjourney/tasks/wait/forms';
import { failing, settled, WaitClock } from './fakes';

const BODY: FormChoice = { of: 'body', forms: ['wrapped', 'flat'] };

const taken: Result<string> = { ok: true, value: 't1' };
const misread = failing('invalidRequest', { transient: false, suspect: 'requestFormat' });
const refused = failing('invalidRequest', { transient: false });
const busy = failing('rateLimited');
const lost = failing('timedOut', { accepted: 'unknown' });

/** A provider that answers each form so; what it was asked. */
function asking(answers: Record<string, Result<string>>, choice: FormChoice | undefined = BODY) {
	const clock = new WaitClock();
	const forms = new Forms(clock);
	const asked: Array<string | undefined> = [];
	const ask = async (goesOn?: () => Promise<boolean>) =>
		await forms.ask(
			choice,
			async (form) => {
				asked.push(form);
				return answers[form ?? 'only'] ?? taken;
			},
			goesOn,
		);
	return { clock, forms, asked, ask };
}

describe('The form of a request', () => {
	const CASES: Array<[string, Record<string, Result<string>>, string[], Result<string>]> = [
		['taken in the usual form', {}, ['wrapped'], taken],
		['taken in the other one', { wrapped: misread }, ['wrapped', 'flat'], taken],
		['refused for what is in it', { wrapped: refused }, ['wrapped'], refused],
		['refused in both', { wrapped: misread, flat: misread }, ['wrapped', 'flat'], misread],
		[
			'understood in the other one, and refused for what is in it',
			{ wrapped: misread, flat: refused },
			['wrapped', 'flat'],
			refused,
		],
		['lost in the usual one', { wrapped: lost }, ['wrapped'], lost],
		['lost in the other one', { wrapped: misread, flat: lost }, ['wrapped', 'flat'], lost],
	];

	it.each(CASES)('%s', async (_, answers, forms, answer) => {
		const { ask, asked } = asking(answers);
		expect(await ask()).toEqual(answer);
		expect(asked).toEqual(forms);
	});

	it('is not changed where nobody knows whether the request was taken, whatever it points at', async () => {
		const unsure = failing('unreadable', { accepted: 'unknown', suspect: 'upscaleContract' });
		const { ask, asked } = asking({ wrapped: unsure });
		expect(await ask()).toEqual(unsure);
		expect(asked).toEqual(['wrapped']);
	});

	it('is changed all the same where the request costs nothing', async () => {
		const unsure = failing('unreadable', { accepted: 'unknown', suspect: 'balancePath' });
		const { ask, asked } = asking({ wrapped: unsure }, { ...BODY, isFree: true });
		expect(await ask()).toEqual(taken);
		expect(asked).toEqual(['wrapped', 'flat']);
	});

	it('is not changed when the execution was cancelled meanwhile', async () => {
		const { ask, asked } = asking({ wrapped: misread });
		expect(await ask(async () => false)).toEqual(misread);
		expect(asked).toEqual(['wrapped']);
	});

	it.each([[undefined], [{ of: 'body', forms: ['flat'] } satisfies FormChoice]])(
		'is not changed where there is one: %j',
		async (choice) => {
			const { forms } = asking({});
			const asked: unknown[] = [];
			const answer = await forms.ask(choice, async (form) => {
				asked.push(form);
				return misread;
			});
			expect([answer, asked]).toEqual([misread, [choice?.forms[0]]]);
		},
	);
});

describe('What is remembered', () => {
	it('is the form that was taken', async () => {
		const { ask, asked } = asking({ wrapped: misread });
		await ask();
		await ask();
		expect(asked).toEqual(['wrapped', 'flat', 'flat']);
	});

	it('is the form that was understood', async () => {
		const answers: Record<string, Result<string>> = { wrapped: misread, flat: refused };
		const { ask, asked } = asking(answers);
		await ask();
		answers.flat = taken;
		await ask();
		await ask();
		expect(asked).toEqual(['wrapped', 'flat', 'flat', 'flat']);
	});

	it('is not a form that has only refused so far, when the first one is taken', async () => {
		const answers: Record<string, Result<string>> = { wrapped: misread, flat: refused };
		const { ask, asked } = asking(answers);
		await ask();
		answers.wrapped = taken;
		expect(await ask()).toEqual(taken);
		await ask();
		expect(asked).toEqual(['wrapped', 'flat', 'flat', 'wrapped', 'wrapped']);
	});

	it('stays a guess while only the contents are refused, and the refusal of the content is what is said', async () => {
		const { ask, asked } = asking({ wrapped: misread, flat: refused });
		const answers = [await ask(), await ask(), await ask()];
		expect(answers).toEqual([refused, refused, refused]);
		expect(asked).toEqual(['wrapped', 'flat', 'flat', 'wrapped', 'flat', 'wrapped']);
	});

	it('is a guess that is lost in the first form: nothing else is sent, and that is what is said', async () => {
		const answers: Record<string, Result<string>> = { wrapped: misread, flat: refused };
		const { ask, asked } = asking(answers);
		await ask();
		answers.wrapped = lost;
		expect(await ask()).toEqual(lost);
		expect(asked).toEqual(['wrapped', 'flat', 'flat', 'wrapped']);
	});

	it('is no guess for a request that tells nothing', async () => {
		const { forms, ask } = asking({ wrapped: misread, flat: refused });
		await ask();
		const asked: unknown[] = [];
		const answer = await forms.ask({ ...BODY, tells: false }, async (form) => {
			asked.push(form);
			return refused;
		});
		expect([answer, asked]).toEqual([refused, ['flat']]);
	});

	it('is the form that has worked, although a request was not understood in either', async () => {
		const answers: Record<string, Result<string>> = { wrapped: misread };
		const { forms, ask, asked } = asking(answers);
		await ask();
		answers.flat = misread;
		expect(await ask()).toEqual(misread);
		answers.flat = taken;
		expect(forms.next(BODY)).toBe('flat');
		expect(await ask()).toEqual(taken);
		expect(asked).toEqual(['wrapped', 'flat', 'flat', 'wrapped', 'flat']);
	});

	it('is what others are sent in, while such a request is tried in the other form', async () => {
		const clock = new WaitClock();
		const forms = new Forms(clock);
		await forms.ask(BODY, async (form) => (form === 'flat' ? taken : misread));
		const slowly = async (answer: Result<string>) => {
			await clock.sleep(1000);
			return answer;
		};
		const bad = forms.ask(BODY, async () => await slowly(misread));
		await clock.pass(1500);
		const asked: unknown[] = [];
		const good = forms.ask(BODY, async (form) => {
			asked.push(form);
			return await slowly(form === 'flat' ? taken : misread);
		});
		expect(await clock.until(Promise.all([bad, good]))).toEqual([misread, taken]);
		expect(asked).toEqual(['flat']);
	});

	it.each([
		['has to wait', busy],
		['is lost', lost],
	])('is where to begin, when the second request %s', async (_, answer) => {
		const { ask, asked } = asking({ wrapped: misread, flat: answer });
		await ask();
		await ask();
		expect(asked).toEqual(['wrapped', 'flat', 'flat']);
	});

	it('is that neither helps, for ten minutes', async () => {
		const { clock, ask, asked } = asking({ wrapped: misread, flat: misread });
		await ask();
		await ask();
		expect(asked).toEqual(['wrapped', 'flat', 'wrapped']);
		await clock.pass(600_000);
		await ask();
		expect(asked.slice(3)).toEqual(['wrapped', 'flat']);
	});

	it('is found out anew when the provider has changed its mind', async () => {
		const answers: Record<string, Result<string>> = { wrapped: misread };
		const { ask, asked } = asking(answers);
		await ask();
		Object.assign(answers, { wrapped: taken, flat: misread });
		expect(await ask()).toEqual(taken);
		await ask();
		expect(asked).toEqual(['wrapped', 'flat', 'flat', 'wrapped', 'wrapped']);
	});

	it('is not what a request was sent in that tells nothing', async () => {
		const { forms, ask, asked } = asking({ wrapped: misread });
		await forms.ask({ ...BODY, tells: false }, async () => taken);
		await ask();
		expect(asked).toEqual(['wrapped', 'flat']);
	});

	it('is what such a request is sent in', async () => {
		const { forms, ask } = asking({ wrapped: misread });
		await ask();
		const asked: unknown[] = [];
		await forms.ask({ ...BODY, tells: false }, async (form) => {
			asked.push(form);
			return taken;
		});
		expect(asked).toEqual(['flat']);
	});

	it('is kept for each choice by itself', async () => {
		const { forms, ask } = asking({ wrapped: misread });
		await ask();
		const asked: unknown[] = [];
		await forms.ask({ of: 'upscale', forms: ['reference', 'quickstart'] }, async (form) => {
			asked.push(form);
			return taken;
		});
		expect(asked).toEqual(['reference']);
	});
});

describe('Many requests at once', () => {
	/** So many submits at once to a provider that takes a second to answer each. */
	function many(count: number, answerTo: (form: string, nth: number) => Result<string>) {
		const clock = new WaitClock();
		const forms = new Forms(clock);
		const asked: Array<{ form: string; at: number }> = [];
		const answers = Promise.all(
			Array.from({ length: count }, async () => {
				const submit = async (form = '') => {
					asked.push({ form, at: clock.time });
					const nth = asked.length;
					await clock.sleep(1000);
					return answerTo(form, nth);
				};
				return await forms.inTurn(BODY, async () => await forms.ask(BODY, submit));
			}),
		);
		return { clock, asked, answers };
	}

	const inVain = (asked: Array<{ form: string }>) =>
		asked.filter(({ form }) => form === 'wrapped').length;

	it('wait for the first, and one is sent in vain', async () => {
		const { clock, asked, answers } = many(50, (form) => (form === 'flat' ? taken : misread));
		expect(await clock.until(answers)).toEqual(Array(50).fill(taken));
		expect([inVain(asked), asked.length]).toEqual([1, 51]);
	});

	it('go side by side as soon as the form is known', async () => {
		const { clock, asked, answers } = many(50, () => taken);
		await clock.until(answers);
		expect(clock.time).toBe(2000);
		expect(asked).toHaveLength(50);
	});

	it('find out one after the other while no answer tells', async () => {
		const { clock, asked, answers } = many(4, (form, nth) =>
			nth < 3 ? lost : form === 'flat' ? taken : misread,
		);
		expect(await clock.until(answers)).toEqual([lost, lost, taken, taken]);
		expect(inVain(asked)).toBe(3);
	});

	it('go on when the first one breaks down', async () => {
		const forms = new Forms(new WaitClock());
		const first = forms.inTurn(BODY, async () => {
			throw new Error('cancelled');
		});
		const second = forms.inTurn(BODY, async () => 'goes on');
		await expect(first).rejects.toThrow('cancelled');
		expect(await second).toBe('goes on');
	});

	it('wait for nothing where there is one form', async () => {
		const forms = new Forms(new WaitClock());
		const begun: string[] = [];
		const never = new Promise<void>(() => {});
		for (const name of ['one', 'two']) {
			void forms.inTurn(undefined, async () => {
				begun.push(name);
				await never;
			});
		}
		await settled();
		expect(begun).toEqual(['one', 'two']);
	});
});

/** Documented failures that never make another form worth a try. */
describe('A failure that points at no form', () => {
	it.each<Partial<Failure>>([
		{ reason: 'invalidKey' },
		{ reason: 'noCredits' },
		{ reason: 'notFound' },
		{ reason: 'serverError', accepted: 'unknown' },
	])('is passed on: %j', async (failure) => {
		const answer = failing(failure.reason ?? 'unexplained', failure);
		const { ask, asked } = asking({ wrapped: answer });
		expect(await ask()).toEqual(answer);
		expect(asked).toEqual(['wrapped']);
	});
});
