import { judge, type Evidence } from '../hostile/judge';
import type { Sight } from '../hostile/targets';

const QUIET: Sight = { executions: 1, isParked: true, reads: 4, strayCalls: 0, submits: 2 };
const REFUSED = { to: 'a call', status: 401, body: '{"ok":false}' } as const;
const TAKEN = { to: 'a call', status: 200, body: '{"ok":true}' } as const;

/** What is seen when two calls were refused and nothing came of them. */
const evidence = (change: Partial<Evidence> = {}): Evidence => ({
	...{ kind: 'token', answers: [REFUSED, REFUSED], before: QUIET, after: QUIET, elsewhere: [] },
	...change,
});
const after = (change: Partial<Sight>) => evidence({ after: { ...QUIET, ...change } });

describe('Calls that do not prove themselves', () => {
	it('may be refused, and nothing else', () => {
		expect(judge({ proof: 'forged' }, evidence())).toEqual([]);
	});

	it.each([
		['an execution more', after({ executions: 2 })],
		['a parked execution that went on', after({ isParked: false })],
		['a read', after({ reads: 5 })],
		['a purchase', after({ submits: 3 })],
		['a call at the provider for something else', after({ strayCalls: 1 })],
		['a request to another host', evidence({ elsewhere: ['GET http://attacker.example/'] })],
		['a success', evidence({ answers: [TAKEN] })],
		[
			'an answer that tells more than a refusal',
			evidence({ answers: [{ ...REFUSED, status: 404 }] }),
		],
		['no answer', evidence({ answers: [{ ...REFUSED, status: 'no answer' }] })],
		['a torn connection', evidence({ answers: [{ ...REFUSED, status: 'reset' }] })],
	])('are found at fault for %s', (_, seen) => {
		expect(judge({ proof: 'forged' }, seen)).toHaveLength(1);
	});

	it.each([400, 404, 413, 431, 500, 'reset'] as const)(
		'may be answered %s where n8n refuses by itself',
		(status) => {
			const seen = evidence({ answers: [{ ...REFUSED, status }] });
			expect(judge({ proof: 'forged', byN8n: true }, seen)).toEqual([]);
		},
	);

	it('may be answered 403 by a node that wants a header', () => {
		const answers = [{ ...REFUSED, status: 403 }] as const;
		expect(judge({ proof: 'none' }, evidence({ kind: 'header', answers }))).toEqual([]);
	});

	it('may have a task looked for where nothing has to be proved', () => {
		const seen = evidence({ kind: 'open', answers: [TAKEN], after: { ...QUIET, reads: 5 } });
		expect(judge({ proof: 'none' }, seen)).toEqual([]);
	});
});

describe('Calls that prove themselves', () => {
	it('may have a task read twice', () => {
		const seen = evidence({ answers: [TAKEN], after: { ...QUIET, reads: 6 } });
		expect(judge({ proof: 'valid' }, seen)).toEqual([]);
	});

	it.each([
		['more reads than that', evidence({ answers: [TAKEN], after: { ...QUIET, reads: 7 } })],
		['a start, as the task still runs', after({ executions: 2 })],
		['a parked execution that went on', after({ isParked: false })],
	])('are found at fault for %s', (_, seen) => {
		expect(judge({ proof: 'valid' }, seen)).toHaveLength(1);
	});
});
