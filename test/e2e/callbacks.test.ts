import { CURRENT_N8N, LAST_N8N_1, OLDER_N8N } from '../n8n/install';
import { testParkedExecutions } from '../scenarios/parked';
import { startN8n } from '../n8n/server';
import { withPackage } from '../n8n/stage';

const STAGES = [
	{
		version: CURRENT_N8N,
		abilities: { signsResumeUrls: true, stillOpen: 200 as const, readsPerTask: 1.2 },
	},
	{
		version: OLDER_N8N,
		abilities: { signsResumeUrls: false, stillOpen: 200 as const, readsPerTask: 1.2 },
	},
	{
		version: LAST_N8N_1,
		abilities: { signsResumeUrls: false, stillOpen: 200 as const, readsPerTask: 1.2 },
	},
];

describe.each(STAGES)('n8n $version', ({ version, abilities }) => {
	testParkedExecutions({
		name: `n8n ${version}`,
		abilities,
		start: async () => await withPackage(version, startN8n),
	});
});
