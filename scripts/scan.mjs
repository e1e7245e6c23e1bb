/**
 * Has n8n's scanner look at a published version, and fails when the version does not pass.
 *
 *   node scripts/scan.mjs n8n-nodes-midjourney@1.2.3 [--scanner FILE] [--tries 40] [--pause 15]
 *
 * The scanner's own command ends with 0 whatever it finds, so its words decide. Only the sentence that says "passed" of this
 * very version is a pass: failed checks, a crash, another version, and words that nobody knows here all end with 1.
 * A version that npm does not have yet is requested again, because a new version takes a while to be everywhere.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		/** The command to run: the one that package-lock.json names. */
		scanner: {
			type: 'string',
			default: join(root, 'node_modules/@n8n/scan-community-package/scanner/cli.mjs'),
		},
		/** How often to ask for a version that npm does not have yet. */
		tries: { type: 'string', default: '40' },
		/** Seconds between two tries. */
		pause: { type: 'string', default: '15' },
	},
});
const [target, ...more] = positionals;
if (!/^(@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+/.test(target ?? '') || more.length > 0) {
	console.error('Say which version to scan: node scripts/scan.mjs n8n-nodes-midjourney@1.2.3');
	process.exit(2);
}

/** The scanner's words about a version that npm, or its record of provenance, does not have. */
const NOT_THERE_YET = /No package metadata found|status code 404|\bE404\b|\bETARGET\b/;

/** Runs the scanner once and shows its output. */
function scan() {
	const { status, stdout, stderr, error } = spawnSync(process.execPath, [values.scanner, target], {
		encoding: 'utf8',
	});
	if (error) throw error;
	process.stdout.write(stdout);
	process.stderr.write(stderr);
	const lines = stdout.split('\n').map((line) => line.trim());
	return {
		passed: status === 0 && lines.includes(`✅ Package ${target} has passed all security checks`),
		early: NOT_THERE_YET.test(stdout + stderr),
	};
}

let result = scan();
for (let tries = 1; !result.passed && result.early && tries < Number(values.tries); tries++) {
	console.log(`npm does not have all of ${target} yet: once more in ${values.pause} s.`);
	await sleep(Number(values.pause) * 1000);
	result = scan();
}
if (!result.passed) console.error(`n8n's scanner did not pass ${target}.`);
process.exitCode = result.passed ? 0 : 1;
