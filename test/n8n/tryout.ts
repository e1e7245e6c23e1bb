/* eslint-disable */
import { startStage } from './stage';
import { Wait, prompts, resultsOf } from './parking';
(async () => {
	const version = process.argv[2] ?? '2.41.1';
	const { n8n, client } = await startStage(version, { N8N_LOG_LEVEL: 'debug' });
	try {
		for (const [n, mode, cb] of [[1, 'auto', 'automatic'], [10, 'auto', 'automatic'], [10, 'auto', 'manual'], [12, 'poll', 'manual'], [50, 'auto', 'automatic'], [25,'callback','automatic'], [100,'auto','automatic']] as const) {
			const t0 = Date.now();
			const wait = await Wait.start({ client, n8n }, { prompts: prompts(n), waitMode: mode, emulator: { latencyMs: 6000, callbacks: cb, callbackRetryPausesMs: [1000, 3000] } });
			const ended = await wait.ended(90_000);
			const t1 = Date.now();
			const last = Math.max(...wait.emulator.ledger.submits.map((s: any) => s.at ?? 0));
			const items = resultsOf(ended);
			console.log(JSON.stringify({ n, mode, cb, status: ended.status, error: ended.error, s: (t1 - t0) / 1000, submits: wait.emulator.ledger.submits.length, reads: wait.emulator.ledger.reads.length / n, items: items.length, runs: ended.runs.get('Generate')?.length, after: ended.runs.get('After')?.map((r: any) => (r.startedAt - t0)/1000), via: items[0]?.json.via, waited: items[0]?.json.waitedMs, waitedLast: items.at(-1)?.json.waitedMs }));
			await wait.close();
		}
	} catch (e) { console.log(e); }
	require('fs').writeFileSync('/tmp/try/n8n.log', n8n.log());
	await n8n.stop();
	process.exit(0);
})();
