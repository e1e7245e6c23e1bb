import { CURRENT_N8N } from '../n8n/install';
import { startQueueN8n } from '../n8n/queue';
import { testParkedExecutions } from '../scenarios/parked';
import { withPackage } from '../n8n/stage';

testParkedExecutions({
	name: `n8n ${CURRENT_N8N} in queue mode`,
	abilities: {
		signsResumeUrls: true,
		stillOpen: 503,
		readsPerTask: 2.2,
		hasTwoForCalls: true,
		hearsLate: true,
	},
	start: async () =>
		await withPackage(
			CURRENT_N8N,
			async (ready) =>
				await startQueueN8n({ ...ready, env: { N8N_DISABLE_PRODUCTION_MAIN_PROCESS: 'false' } }),
		),
});
