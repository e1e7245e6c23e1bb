/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- starts servers, it is not a node */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import type { N8nInstallation } from './install';
import { object, text } from './json';
import { npm } from './npm';
import {
	answers,
	type Ending,
	freePort,
	READY_PATHS,
	type RunningProcess,
	startProcess,
} from './process';

/** How to start an n8n. */
export interface N8nOptions {
	installation: N8nInstallation;
	/** The packed community package, as `npm pack` leaves it. */
	tarball: string;
	/** The port of editor and API if it is free; else any free one. */
	preferredPort?: number;
	/** Environment variables of n8n, added to the settings made here or replacing them. */
	env?: Record<string, string>;
}

/** A running n8n with a user folder of its own. */
export interface N8nServer {
	/** For example http://127.0.0.1:5678, without a slash at the end. */
	readonly url: string;
	/** Where webhooks and callbacks arrive. */
	readonly webhookUrl: string;
	readonly version: string;
	/** Holds database, community packages, binary data and the log. Deleted by `stop`. */
	readonly userFolder: string;
	/** Process id of n8n's main process. */
	readonly pid: number;
	/** How long the start took, in ms. */
	readonly startedInMs: number;
	/** When it was last started, in Unix ms. What ran before that runs no longer. */
	readonly upSince: number;
	/** Everything that n8n has logged so far. */
	log(): string;
	/** Ends n8n and keeps its data. */
	down(signal: Ending): Promise<void>;
	/** Starts n8n again on the same data after `down`. */
	up(): Promise<void>;
	/** Ends all of n8n with SIGKILL, as a power cut would, and starts it again on the same data. */
	crashAndStart(): Promise<void>;
	/** Ends n8n and deletes its folder; `keep` leaves the folder. Does nothing the second time. */
	stop(options?: { keep?: boolean }): Promise<void>;
}

/** One process, and a database in a file. */
export interface RegularN8n extends N8nServer {
	/** Runs a command of n8n's command line on the data of an n8n that is down; gives what it printed. */
	command(...args: string[]): Promise<string>;
}

const run = promisify(execFile);

/** A command that takes longer never ends. */
const COMMAND_TIMEOUT_MS = 120_000;

/**
 * Starts a real n8n on 127.0.0.1, with SQLite, telemetry off and the community package installed the way n8n does it.
 * It ends with this process, however that ends. Throws an Error with the end of n8n's log when it does not start.
 */
export async function startN8n(options: N8nOptions): Promise<RegularN8n> {
	const { installation } = options;
	const begin = Date.now();
	const userFolder = await mkdtemp(join(tmpdir(), 'n8n-midjourney-'));
	const logFile = join(userFolder, 'n8n.log');
	await installPackage(userFolder, options.tarball, installation.node);
	const port = await portNear(options.preferredPort);
	const url = `http://127.0.0.1:${port}`;
	const env = {
		...settings(userFolder, url, port, await freePort()),
		N8N_ENCRYPTION_KEY: randomBytes(24).toString('hex'),
		DB_TYPE: 'sqlite',
		// The default of 2.x. Without a pool, as in 1.x, simultaneous requests break each other's transactions.
		DB_SQLITE_POOL_SIZE: '3',
		...options.env,
	};
	const start = async () =>
		await startN8nProcess(installation, {
			command: 'start',
			folder: userFolder,
			logFile,
			env,
			isReady: async () => await answers(url, ...READY_PATHS),
		});

	let upSince = Date.now();
	let main = await start();
	const down = async (signal: Ending) => await (signal === 'SIGKILL' ? main.kill() : main.stop());
	const up = async () => {
		upSince = Date.now();
		main = await start();
	};
	return {
		url,
		webhookUrl: url,
		version: installation.version,
		userFolder,
		get pid() {
			return main.pid;
		},
		startedInMs: Date.now() - begin,
		get upSince() {
			return upSince;
		},
		log: () => readFileSync(logFile, 'utf8'),
		down,
		up,
		command: async (...args) => {
			const { stdout } = await run(installation.node, [installation.entry, ...args], {
				cwd: userFolder,
				env: environmentOf(installation, env),
				timeout: COMMAND_TIMEOUT_MS,
				killSignal: 'SIGKILL',
				maxBuffer: 64 * 1024 * 1024,
			});
			return stdout;
		},
		crashAndStart: async () => {
			await down('SIGKILL');
			await up();
		},
		stop: async ({ keep = false } = {}) => {
			await main.stop();
			if (!keep) await rm(userFolder, { recursive: true, force: true, maxRetries: 5 });
		},
	};
}

/** One of n8n's processes. */
export interface N8nProcessOptions {
	/** The command of n8n's command line, with its options: `start`, `worker --concurrency=5`. */
	command: string;
	folder: string;
	logFile: string;
	env: Record<string, string>;
	isReady: () => Promise<boolean>;
}

/** Starts one process of n8n with these settings and none of our own environment's. */
export async function startN8nProcess(
	installation: N8nInstallation,
	{ command, folder, logFile, env, isReady }: N8nProcessOptions,
): Promise<RunningProcess> {
	return await startProcess({
		name: `n8n ${installation.version} (${command})`,
		command: installation.node,
		args: [
			...['--require', join(__dirname, 'leash.cjs'), installation.entry],
			...command.split(' '),
		],
		cwd: folder,
		env: environmentOf(installation, env),
		logFile,
		isReady,
		leash: true,
	});
}

function environmentOf(
	installation: N8nInstallation,
	env: Record<string, string>,
): NodeJS.ProcessEnv {
	return {
		...cleanEnvironment(installation.node),
		...withoutFetching(installation),
		...env,
	};
}

/** The preferred port if it is free; else another free one. */
async function portNear(preferred: number | undefined): Promise<number> {
	if (preferred === undefined) return await freePort();
	return await freePort(preferred).catch(async () => await freePort());
}

/** n8n's settings: all servers on loopback, nothing sent anywhere, no dialogs to dismiss. */
export function settings(
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
		// The login cookie has to travel over plain http.
		N8N_SECURE_COOKIE: 'false',
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

/** Disables the module that fetches a list from n8n's makers; a version without that module would not start with this. */
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
export async function installPackage(
	userFolder: string,
	tarball: string,
	node: string,
): Promise<void> {
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
