/* eslint-disable @n8n/community-nodes/no-restricted-globals -- a command line program, it is not a node */
import { CURRENT_N8N, installN8n, LAST_N8N_1, OLDER_N8N } from './install';

/** `npm run setup:n8n`: puts every n8n that tests run in into the cache. */
async function main(): Promise<void> {
	for (const version of [CURRENT_N8N, OLDER_N8N, LAST_N8N_1]) {
		await installN8n(version, (line) => void process.stdout.write(`${line}\n`));
	}
}

main().catch((error: unknown) => {
	process.stderr.write(`${String(error)}\n`);
	process.exitCode = 1;
});
