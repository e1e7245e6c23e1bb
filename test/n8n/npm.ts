/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions -- starts npm, it is not a node */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** One call of npm. */
export interface NpmCall {
	args: string[];
	cwd: string;
	/** The Node.js binary that runs npm and its scripts; default: the one running now. */
	node?: string;
	/** Called about every `beatSeconds` with the seconds passed so far. */
	onBeat?: (seconds: number) => void;
	/** Default 15 seconds. */
	beatSeconds?: number;
}

/**
 * Runs npm and gives what it wrote to stdout.
 * Throws an Error with the last lines of its output when it fails.
 */
export async function npm(call: NpmCall): Promise<string> {
	const node = call.node ?? process.execPath;
	const cli = npmCli();
	const [command, args] = cli ? [node, [cli, ...call.args]] : ['npm', call.args];
	const child = spawn(command, args, {
		cwd: call.cwd,
		env: environment(node),
		stdio: ['ignore', 'pipe', 'pipe'],
		// npm is a .cmd file on Windows, which only a shell starts.
		shell: cli === undefined && process.platform === 'win32',
	});
	const beatSeconds = call.beatSeconds ?? 15;
	let seconds = 0;
	const beat = setInterval(() => call.onBeat?.((seconds += beatSeconds)), beatSeconds * 1000);
	// An interrupted installation must not go on unseen.
	const end = () => void child.kill();
	process.once('exit', end);
	let stdout = '';
	let all = '';
	child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
		stdout += chunk;
		all += chunk;
	});
	child.stderr.setEncoding('utf8').on('data', (chunk: string) => (all += chunk));
	try {
		const code = await new Promise<number | null>((resolve, reject) => {
			child.once('error', reject);
			child.once('close', resolve);
		});
		if (code !== 0) {
			throw new Error(
				`npm ${call.args.join(' ')} ended with code ${code} in ${call.cwd}:\n${lastLines(all, 40)}`,
			);
		}
		return stdout;
	} finally {
		clearInterval(beat);
		process.removeListener('exit', end);
	}
}

/** The last lines of a text. */
export function lastLines(content: string, count: number): string {
	return content.trimEnd().split('\n').slice(-count).join('\n');
}

/** npm's own entry file, so that any Node.js can run it. Undefined if npm is known by the PATH alone. */
function npmCli(): string | undefined {
	const bin = dirname(process.execPath);
	return [
		process.env.npm_execpath,
		join(bin, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
		join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
	].find((path) => path !== undefined && /npm-cli\.c?js$/.test(path) && existsSync(path));
}

/**
 * Our environment, without what `npm run` put there for this project: an `ignore-scripts=true` would reach npm calls in
 * other folders and keep native modules from being built.
 */
function environment(node: string): NodeJS.ProcessEnv {
	const inherited = Object.entries(process.env).filter(
		([name]) =>
			!/^(npm_(package|lifecycle|command|config_(ignore_scripts|local_prefix))|INIT_CWD|NODE_ENV|NODE_OPTIONS|PATH)/i.test(
				name,
			),
	);
	const path = process.env.PATH ?? process.env.Path ?? '';
	return { ...Object.fromEntries(inherited), PATH: `${dirname(node)}${delimiter}${path}` };
}
