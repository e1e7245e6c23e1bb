/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions, @n8n/community-nodes/require-node-api-error -- starts servers, it is not a node */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { N8nInstallation } from './install';
import { object, text } from './json';
import { lastLines, npm } from './npm';

/** How an n8n is to be started. */
export interface N8nOptions {
	installation: N8nInstallation;
	/** The packed community package, as `npm pack` leaves it. */
	tarball: string;
	/** The port of editor and API; taken when it is free, else any free one. */
	preferredPort?: number;
	/** Settings of n8n beside or instead of those given here. */
	env?: Record<string, string>;
}

/** A running n8n with a user folder of its own. */
export interface N8nServer {
	/** Such as http://127.0.0.1:5678, without a slash at the end. */
	readonly url: string;
	readonly version: string;
	/** Holds database, community packages, binary data and the log. Deleted by `stop`. */
	readonly userFolder: string;
	/** Process id of n8n's main process. */
	readonly pid: number;
	/** How long the start took, in ms. */
	readonly startedInMs: number;
	/** All that n8n has written so far. */
	log(): string;
	/** Ends n8n and deletes its folder; `keep` leaves the folder. Does nothing the second time. */
	stop(options?: { keep?: boolean }): Promise<void>;
}

const START_TIMEOUT_MS = 180_000;
/** n8n gets this long to end by itself. */
const STOP_TIMEOUT_MS = 10_000;

const run = promisify(execFile);

/**
 * Starts a real n8n on 127.0.0.1, with SQLite, telemetry off and the community package installed the way n8n does it.
 * It ends with this process, however that ends. Throws an Error with the end of n8n's log when it does not start.
 */
export async function startN8n(options: N8nOptions): Promise<N8nServer> {
	const { installation } = options;
	const begin = Date.now();
	const userFolder = await mkdtemp(join(tmpdir(), 'n8n-midjourney-'));
	const logFile = join(userFolder, 'n8n.log');
	await installPackage(userFolder, options.tarball, installation.node);
	const [port, brokerPort] = await freePorts(options.preferredPort);
	const url = `http://127.0.0.1:${port}`;

	const output = openSync(logFile, 'a');
	const child = spawn(
		installation.node,
		['--require', join(__dirname, 'leash.cjs'), installation.entry, 'start'],
		{
			cwd: userFolder,
			env: {
				...cleanEnvironment(installation.node),
				...settings(userFolder, url, port, brokerPort),
				...withoutFetching(installation),
				...options.env,
			},
			stdio: ['ignore', output, output, 'ipc'],
			// A process group of its own: Ctrl-C in the terminal reaches us alone, and n8n's helpers can be ended with it.
			detached: process.platform !== 'win32',
		},
	);
	closeSync(output);
	const log = () => readFileSync(logFile, 'utf8');
	const onExit = () => endGroup(child, 'SIGKILL');
	process.once('exit', onExit);

	let stopping: Promise<void> | undefined;
	const stop = async ({ keep = false } = {}) => {
		stopping ??= (async () => {
			await endOrderly(child);
			process.removeListener('exit', onExit);
			if (!keep) await rm(userFolder, { recursive: true, force: true, maxRetries: 5 });
		})();
		await stopping;
	};

	try {
		await untilReady(child, url, installation.version);
	} catch (error) {
		const tail = lastLines(log(), 40);
		await stop({ keep: true });
		const reason = error instanceof Error ? error.message : String(error);
		throw new Error(`${reason}\nThe end of its log (${logFile}):\n${tail}`);
	}
	const { pid } = child;
	if (pid === undefined) throw new Error('n8n has no process id');
	return {
		url,
		version: installation.version,
		userFolder,
		pid,
		startedInMs: Date.now() - begin,
		log,
		stop,
	};
}

/** n8n's settings: all servers on loopback, nothing sent anywhere, no invitations to click away. */
function settings(
	userFolder: string,
	url: string,
	port: number,
	brokerPort: number,
): Record<string, string> {
	return {
		N8N_USER_FOLDER: userFolder,
		N8N_LISTEN_ADDRESS: '127.0.0.1',
		N8N_HOST: '127.0.0.1',
		N8N_PORT: String(port),
		WEBHOOK_URL: `${url}/`,
		N8N_RUNNERS_BROKER_LISTEN_ADDRESS: '127.0.0.1',
		N8N_RUNNERS_BROKER_PORT: String(brokerPort),
		N8N_ENCRYPTION_KEY: randomBytes(24).toString('hex'),
		// The login cookie has to travel over plain http.
		N8N_SECURE_COOKIE: 'false',
		DB_TYPE: 'sqlite',
		N8N_DIAGNOSTICS_ENABLED: 'false',
		N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
		N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED: 'false',
		N8N_TEMPLATES_ENABLED: 'false',
		N8N_PERSONALIZATION_ENABLED: 'false',
		N8N_HIRING_BANNER_ENABLED: 'false',
		N8N_DYNAMIC_BANNERS_ENABLED: 'false',
		N8N_VERIFIED_PACKAGES_ENABLED: 'false',
		N8N_LICENSE_AUTO_RENEW_ENABLED: 'false',
		N8N_PYTHON_ENABLED: 'false',
		GENERIC_TIMEZONE: 'UTC',
		NODE_ENV: 'production',
	};
}

/** Switches off the part that fetches a list from n8n's makers; an n8n that has no such part would not start with this. */
function withoutFetching({ entry }: N8nInstallation): Record<string, string> {
	const part = 'mcp-registry';
	const exists = existsSync(join(dirname(entry), '..', 'dist', 'modules', part));
	return exists ? { N8N_DISABLED_MODULES: part } : {};
}

/**
 * Our environment without whatever would configure n8n otherwise than said here, and without keys. Calls to 127.0.0.1
 * (the emulator) must not go to a proxy.
 */
function cleanEnvironment(node: string): NodeJS.ProcessEnv {
	const kept = Object.entries(process.env).filter(
		([name]) =>
			!/^(N8N_|DB_|EXECUTIONS_|QUEUE_|WEBHOOK_|VUE_|GENERIC_|OFFLOAD_|MIDAPI_|npm_|JEST_|NODE_(ENV|OPTIONS|CHANNEL)|PATH$|no_proxy$)/i.test(
				name,
			),
	);
	const path = process.env.PATH ?? process.env.Path ?? '';
	const noProxy = ['127.0.0.1', 'localhost', process.env.NO_PROXY ?? process.env.no_proxy]
		.filter(Boolean)
		.join(',');
	return {
		...Object.fromEntries(kept),
		PATH: `${dirname(node)}${delimiter}${path}`,
		NO_PROXY: noProxy,
		no_proxy: noProxy,
	};
}

/**
 * What n8n (2.x) does on Settings → Community nodes → Install: unpack the tarball into its folder for nodes, strip the
 * dependencies that users do not need, install the others beside it.
 */
async function installPackage(userFolder: string, tarball: string, node: string): Promise<void> {
	const nodes = join(userFolder, '.n8n', 'nodes');
	const unpacked = join(nodes, 'unpacked');
	await mkdir(unpacked, { recursive: true });
	await run('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1']);
	const manifest = object(
		JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8')),
		'package.json',
	);
	for (const kind of ['devDependencies', 'peerDependencies', 'optionalDependencies']) {
		delete manifest[kind];
	}
	await writeFile(join(unpacked, 'package.json'), JSON.stringify(manifest, null, 2));
	const name = text(manifest.name, 'name in package.json');
	const target = join(nodes, 'node_modules', name);
	await mkdir(dirname(target), { recursive: true });
	await rename(unpacked, target);
	await npm({
		args: [
			...['install', '--audit=false', '--fund=false', '--bin-links=false'],
			...['--install-strategy=shallow', '--ignore-scripts=true', '--package-lock=false'],
		],
		cwd: target,
		node,
	});
	await writeFile(
		join(nodes, 'package.json'),
		JSON.stringify({
			name: 'installed-nodes',
			private: true,
			dependencies: { [name]: text(manifest.version, 'version in package.json') },
		}),
	);
}

/** The preferred port when nobody has it, and another free one. */
async function freePorts(preferred: number | undefined): Promise<[number, number]> {
	const first = await (preferred === undefined
		? freePort(0)
		: freePort(preferred).catch(async () => await freePort(0)));
	return [first, await freePort(0)];
}

async function freePort(wanted: number): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(wanted, '127.0.0.1', resolve);
	});
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	if (address === null || typeof address === 'string') throw new Error('No free port');
	return address.port;
}

async function untilReady(child: ChildProcess, url: string, version: string): Promise<void> {
	let failure: string | undefined;
	child.once('error', (error) => (failure = error.message));
	child.once('exit', (code, signal) => (failure = `ended at once (${signal ?? `code ${code}`})`));
	const deadline = Date.now() + START_TIMEOUT_MS;
	while (Date.now() < deadline) {
		if (failure !== undefined) throw new Error(`n8n ${version} did not start: ${failure}`);
		// Older versions call themselves ready before their API answers.
		const answers = await Promise.all(
			['/healthz/readiness', '/rest/settings'].map(async (path) => await fetch(url + path)),
		).catch(() => []);
		if (answers.length > 0 && answers.every(({ ok }) => ok)) return;
		await pause(250);
	}
	throw new Error(`n8n ${version} was not ready after ${START_TIMEOUT_MS / 1000} s`);
}

async function endOrderly(child: ChildProcess): Promise<void> {
	if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
		const ended = new Promise<boolean>((resolve) => child.once('exit', () => resolve(true)));
		child.kill('SIGTERM');
		const patience = new AbortController();
		const tooLong = pause(STOP_TIMEOUT_MS, false, { signal: patience.signal });
		await Promise.race([ended, tooLong.catch(() => true)]);
		patience.abort();
	}
	// What is left of its helpers, and n8n itself when it did not listen.
	endGroup(child, 'SIGKILL');
}

/** Ends the process that was started here together with its children, and nothing else. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
	if (child.pid === undefined) return;
	try {
		if (process.platform === 'win32') {
			if (child.exitCode === null) {
				spawn('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore' });
			}
		} else {
			process.kill(-child.pid, signal);
		}
	} catch {
		// Nothing left of the group: that is the aim.
	}
}
