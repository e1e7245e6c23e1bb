import { DIALECTS } from '../engine/dialects';
import { Engine } from '../engine/harness';
import { ON_ERROR } from './cells';
import { soak, SOAK_LIMIT_MS, type Soaked } from './soak';
import { concludeSoak } from './summary';

const ITEMS = 500;
const PLANS = DIALECTS.flatMap((dialect) =>
	ON_ERROR.map((onError) => ({
		...{ dialect, onError, items: ITEMS, faulty: 0.1, seed: 8 },
		// The same faults in the foreground and parked.
		waitMode: onError === 'continueRegularOutput' ? ('poll' as const) : ('auto' as const),
	})),
);

let engine: Engine;
const rows: Array<readonly [string, Soaked]> = [];
beforeAll(async () => {
	engine = await Engine.start();
});
afterAll(() => {
	engine.close();
	concludeSoak(rows);
});

it.each(PLANS.map((plan) => [plan.dialect.displayName, plan.onError, plan] as const))(
	'%s, On Error = %s: every one of 500 items is accounted for',
	async (provider, onError, plan) => {
		const soaked = await soak(engine, plan);
		rows.push([`${provider}, ${onError}`, soaked]);
		const { account, unaccounted, faulty, ended, ms } = soaked;
		const { accepted, delivered, failedWithId, ambiguousNamed, refused, notSent, ...wrong } =
			account;
		expect(unaccounted).toEqual([]);
		expect(wrong).toEqual({ dropped: 0, doubled: 0, mispaired: 0 });
		expect(ended).toBe(true);
		expect(ms).toBeLessThanOrEqual(SOAK_LIMIT_MS);
		expect(delivered + failedWithId + ambiguousNamed + refused + notSent).toBe(ITEMS);
		expect(accepted).toBeLessThanOrEqual(ITEMS);
		// Items without a fault are not affected.
		if (onError !== 'stopWorkflow') expect(delivered).toBeGreaterThanOrEqual(ITEMS - faulty);
	},
	180_000,
);
