import { CallLog } from '../../../nodes/Midjourney/tasks/callbacks/refusals';
import { WaitClock } from '../wait/fakes';

function newLog() {
	const lines: string[] = [];
	const clock = new WaitClock();
	const log = new CallLog('Studio', { warn: (line: string) => lines.push(line) }, clock);
	return { log, lines, clock };
}

describe('The log of refused calls', () => {
	it('gets the first refusal at once, with the reason', () => {
		const { log, lines } = newLog();
		log.refused('no token in the address');
		expect(lines).toEqual([
			"Midjourney Trigger 'Studio' refused 1 call in the last minute: no token in the address. It has accepted none since n8n was started.",
		]);
	});

	it('then gets one line a minute with the number of refusals', async () => {
		const { log, lines, clock } = newLog();
		for (let n = 0; n < 500; n++) log.refused('no token in the address');
		await clock.pass(59_000);
		expect(lines).toHaveLength(1);
		await clock.pass(2_000);
		expect(lines.slice(1)).toEqual([
			expect.stringContaining('refused 499 calls in the last minute'),
		]);
		await clock.pass(3_600_000);
		expect(lines).toHaveLength(2);
	});

	it('starts afresh after a quiet time', async () => {
		const { log, lines, clock } = newLog();
		log.refused('a');
		await clock.pass(61_000);
		log.refused('b');
		expect(lines).toEqual([
			expect.stringContaining('1 call in the last minute: a'),
			expect.stringContaining('1 call in the last minute: b'),
		]);
	});

	it('says when a call was last accepted', () => {
		const { log, lines, clock } = newLog();
		clock.time = 1_800_000_000_000;
		log.taken();
		log.refused('a');
		expect(lines[0]).toContain('The last one that it accepted came at 2027-01-15T08:00:00.000Z');
	});

	it('keeps refusals apart from calls that are asked to come again', () => {
		const { log, lines } = newLog();
		log.refused('a');
		log.putOff('b');
		expect(lines).toEqual([
			expect.stringContaining('refused 1 call'),
			expect.stringContaining('put off 1 call'),
		]);
	});
});
