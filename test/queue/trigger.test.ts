import { TriggerTarget } from '../hostile/targets';
import type { N8nClient } from '../n8n/client';
import { CURRENT_N8N, LAST_N8N_1 } from '../n8n/install';
import { until } from '../n8n/parking';
import { type QueueN8n, startQueueN8n } from '../n8n/queue';
import { signUp, START_TIMEOUT_MS, withPackage } from '../n8n/stage';

const MINUTE = 60_000;
const NOBODY = { url: '', proxy: {}, heard: [], close: async () => {} };

/** What becomes of an execution whose worker has died: 1.x begins it again by itself. */
describe.each([
	[CURRENT_N8N, 'crashed'],
	[LAST_N8N_1, 'success'],
])('The Trigger in queue mode of n8n %s', (version, fate) => {
	let n8n: QueueN8n;
	let client: N8nClient;

	beforeAll(async () => {
		n8n = await withPackage(
			version,
			async (ready) => await startQueueN8n({ ...ready, workers: 1 }),
		);
		client = await signUp(n8n.url);
	}, START_TIMEOUT_MS);

	afterAll(async () => await n8n?.stop(), MINUTE);

	test(
		'loses no start when its worker dies while it fetches files',
		async () => {
			const place = { n8n, client, witness: NOBODY };
			const target = await TriggerTarget.publish('trigger', place, {
				...{ provider: 'midApi', download: true },
			});
			const { emulator, workflowId } = target;
			await target.buy(1);
			let asked = 0;
			const mend = emulator.intercept(async ({ path }) => {
				if (!path.startsWith('/files/')) return undefined;
				asked++;
				return await new Promise<never>(() => {});
			});
			expect(await target.honest(0)).toEqual([200]);
			await until(
				'files are asked for',
				() => asked,
				(count) => count > 0,
				MINUTE,
			);
			await n8n.down('SIGKILL', 'workers');
			mend();
			await n8n.up();
			const [first] = await client.executions(workflowId);
			const { id = '' } = first ?? {};
			const begun = await client.finished(id, 3 * MINUTE);
			expect(begun.status).toBe(fate);
			const whole =
				fate === 'success'
					? begun
					: await client.finished(await client.retry(workflowId, id), MINUTE);
			const [run] = whole.runs.get('Midjourney Trigger') ?? [];
			expect(run?.outputs[0]?.map(({ binary }) => binary.data?.mimeType)).toEqual(
				Array(4).fill('image/png'),
			);
			await target.close();
		},
		6 * MINUTE,
	);
});
