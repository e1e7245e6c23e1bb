import { CURRENT_N8N } from '../n8n/install';
import { startQueueN8n } from '../n8n/queue';
import { testParkedExecutions } from '../n8n/scenarios';
import { withPackage } from '../n8n/stage';

testParkedExecutions({
	name: `n8n ${CURRENT_N8N} in queue mode`,
	abilities: { signsResumeUrls: true, stillOpen: 503, readsPerTask: 2.2 },
	start: async () => await withPackage(CURRENT_N8N, startQueueN8n),
});
