import { failed, success, type Failure, type Http } from '../../nodes/Midjourney/providers/http';
import { midApi } from '../../nodes/Midjourney/providers/midApi';
import { vtrix } from '../../nodes/Midjourney/providers/vtrix';
import { overLimit, tooLittleLeft } from '../../nodes/Midjourney/tasks/submit/purse';
import { NO_HTTP } from './fixtures';

describe('Maximum Tasks per Run', () => {
	it.each<[string, number, Array<number | undefined>, number | undefined]>([
		['as many as allowed', 5, [5], undefined],
		['fewer', 4, [5], undefined],
		['one more', 6, [5], 5],
		['any number without a limit', 10_000, [undefined], undefined],
		['none of no items', 0, [], undefined],
		['where items say different things, the smallest counts', 4, [9, 3, undefined], 3],
	])('%s', (_, tasks, limits, broken) => {
		const refusal = overLimit(
			tasks,
			limits.map((maxTasks) => ({ maxTasks })),
		);
		expect(refusal?.message).toBe(
			broken === undefined
				? undefined
				: `This run would buy ${tasks} tasks, but 'Maximum Tasks per Run' is ${broken}`,
		);
	});

	it('says that nothing was bought', () => {
		expect(overLimit(2, [{ maxTasks: 1 }])?.description).toMatch(/^Nothing was bought\./);
	});
});

const DOWN: Failure = {
	reason: 'unreachable',
	code: 'ECONNREFUSED',
	accepted: 'no',
	transient: true,
};

describe('Minimum Balance', () => {
	/** What becomes of a run of a credential that demands `minimumBalance`, and how often the balance was asked for. */
	async function run(minimumBalance: number | undefined, left: number | Failure) {
		const http: Http = { ...NO_HTTP, minimumBalance };
		let asked = 0;
		const credits = async () => {
			asked++;
			return typeof left === 'number' ? success(left) : failed(left);
		};
		const refusal = await tooLittleLeft(
			{ displayName: 'MidAPI', credits },
			http,
			async (question) => await question(),
		);
		return { refusal, asked };
	}

	it.each<[string, number | undefined, number | Failure, number]>([
		['without one nobody asks', undefined, 0, 0],
		['enough', 50, 51, 1],
		['exactly as much', 50, 50, 1],
	])('lets a run buy: %s', async (_, minimum, left, questions) => {
		expect(await run(minimum, left)).toEqual({ refusal: undefined, asked: questions });
	});

	it.each<[string, number, number | Failure, RegExp]>([
		[
			'too little',
			50,
			49.5,
			/^The MidAPI account has 49\.5 credits left, less than the Minimum Balance of 50 in its credential$/,
		],
		['nobody knows how much', 50, DOWN, /could not be read: MidAPI cannot be reached/],
	])('lets a run buy nothing: %s', async (_, minimum, left, message) => {
		const { refusal, asked } = await run(minimum, left);
		expect(refusal?.message).toMatch(message);
		expect(refusal?.description).toMatch(/^Nothing was bought/);
		expect(asked).toBe(1);
	});

	it('says how it is switched off where the balance cannot be read', async () => {
		const { refusal } = await run(50, DOWN);
		expect(refusal?.description).toMatch(/set Minimum Balance to 0/);
	});

	it('that is no number lets a run buy nothing, and is not asked about', async () => {
		const { refusal, asked } = await run(NaN, 1000);
		expect(refusal?.message).toMatch(/'Minimum Balance' in the MidAPI credential is not a number/);
		expect(asked).toBe(0);
	});

	it('belongs to a provider that tells its balance', () => {
		expect([typeof midApi.credits, typeof vtrix.credits]).toEqual(['function', 'undefined']);
	});
});
