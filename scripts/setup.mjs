/**
 * Brings node_modules in line with package-lock.json, so that every other script of this project can be the first one
 * a fresh clone runs. Does nothing (a few ms) when the installed tree already matches.
 * Plain JavaScript without dependencies: it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.installed-from');
const wanted = createHash('sha256')
	.update(readFileSync(join(root, 'package-lock.json')))
	.digest('hex');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
	console.error(`Node.js 20.19 or newer is needed, this is ${process.versions.node}.`);
	process.exit(1);
}

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
	console.log('Installing the development dependencies (1 GB, a minute or more, once) …');
	// No install script of a dependency is needed, and some insist on another package manager or build for minutes.
	// Warnings about the development tools' own dependencies would be the first thing that anyone reads.
	const install = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
	// npm names itself in npm_execpath; started by hand, the npm on the PATH serves.
	const npm = process.env.npm_execpath;
	const [command, args] = npm ? [process.execPath, [npm, ...install]] : ['npm', install];
	const { status, error } = spawnSync(command, args, {
		cwd: root,
		stdio: 'inherit',
		shell: !npm && process.platform === 'win32',
	});
	if (error || status !== 0) {
		console.error(`npm ci did not succeed${error ? `: ${error.message}` : ''}.`);
		process.exit(status || 1);
	}
	writeFileSync(stamp, wanted);
}
