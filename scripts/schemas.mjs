/**
 * Writes the output schemas that n8n's editor shows before a node has run, from what the node really puts out. The tests
 * compare them ever after.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const args = [jest, '--testPathPatterns', 'test/package/schemas', '--selectProjects', 'package'];
const { status } = spawnSync(process.execPath, args, {
	stdio: 'inherit',
	env: { ...process.env, SCHEMAS_WRITE: '1' },
});
process.exit(status ?? 1);
