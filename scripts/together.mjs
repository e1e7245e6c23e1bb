/**
 * Runs several npm scripts of this project beside each other: `node scripts/together.mjs typecheck lint`. What each has
 * written is shown when it ends. Ends with code 1 when one of them has failed, and only after all of them.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Runs one script and resolves with whether it succeeded. */
async function run(name) {
	// npm names itself in npm_execpath; started by hand, the npm on the PATH serves.
	const npm = process.env.npm_execpath;
	const args = ['run', '--silent', name];
	const [command, all] = npm ? [process.execPath, [npm, ...args]] : ['npm', args];
	const child = spawn(command, all, {
		stdio: ['ignore', 'pipe', 'pipe'],
		shell: !npm && process.platform === 'win32',
	});
	let output = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
	}
	const code = await new Promise((resolve) => {
		child.once('error', (error) => {
			output += error.message;
			resolve(1);
		});
		child.once('close', resolve);
	});
	console.log(`> ${name}: ${code === 0 ? 'ok' : `failed (code ${code})`}`);
	if (output.trim() !== '') console.log(output.trimEnd());
	return code === 0;
}

const waiting = process.argv.slice(2);
let failed = false;
const lane = async () => {
	for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
		if (!(await run(name))) failed = true;
	}
};
await Promise.all(Array.from({ length: Math.min(availableParallelism(), waiting.length) }, lane));
process.exitCode = failed ? 1 : 0;
