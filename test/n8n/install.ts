/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- installs servers, it is not a node */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { object, text } from './json';
import { withLock } from './lock';
import { npm } from './npm';

/** The version that most new users have. */
export const CURRENT_N8N = '2.41.1';
/** The newest version that runs on Node 20; it is still widely used. */
export const OLDER_N8N = '2.8.4';
/** The last n8n 1.x. */
export const LAST_N8N_1 = '1.123.81';

/** An n8n that is ready to be started. */
export interface N8nInstallation {
	version: string;
	/** n8n's entry file, to be run by `node`. */
	entry: string;
	/** A Node.js binary of a version that this n8n supports. */
	node: string;
	/** For example `24.21.0`. */
	nodeVersion: string;
}

/** Receives one line of progress. */
export type Log = (line: string) => void;

const run = promisify(execFile);

/** The disk space that an installation of n8n takes, with a margin. */
const NEEDED_GB = 3;
/** Raised when the steps below change, so that older installations are repeated. */
const SCHEME = 1;
/** The release line fetched from npm when the running Node.js does not suit an n8n. */
const FETCHED_NODE_MAJOR = 24;

/**
 * The folder that keeps what is installed between runs, outside the repository: `$MIDJOURNEY_CACHE_DIR`, or
 * `n8n-nodes-midjourney` in the cache folder of the user.
 */
export function cacheFolder(): string {
	const { MIDJOURNEY_CACHE_DIR, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
	if (MIDJOURNEY_CACHE_DIR) return MIDJOURNEY_CACHE_DIR;
	const base =
		process.platform === 'win32' ? LOCALAPPDATA : XDG_CACHE_HOME || join(homedir(), '.cache');
	return join(base || join(homedir(), '.cache'), 'n8n-nodes-midjourney');
}

/**
 * Makes sure that this n8n is in the cache folder with a Node.js that it supports, and gives its place.
 * Takes milliseconds if it is there, and two to five minutes and 2 GB if it has to be downloaded.
 * `version` names a folder of `versions/`. Throws an Error that says what to do when the machine lacks something.
 */
export async function installN8n(version: string, log: Log): Promise<N8nInstallation> {
	const recipe = await readRecipe(version);
	const node = await suitableNode(recipe.engines, `n8n ${version}`, log);
	const folder = join(cacheFolder(), `n8n-${version}`);
	const installation = {
		version,
		entry: join(folder, 'node_modules', 'n8n', 'bin', 'n8n'),
		node: node.binary,
		nodeVersion: node.version,
	};
	await onceIn(folder, recipe.hash, log, async () => {
		await checkSpace(folder);
		log(`Installing n8n ${version} into ${folder} (once; 2 to 5 minutes, 2 GB) …`);
		await cp(recipe.folder, folder, { recursive: true });
		await npm({
			// Peers are left alone because npm's resolver may take forever over those of n8n; no install script is run
			// because one of them (a Kafka client that no test needs) breaks the whole installation where it cannot download.
			args: ['install', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund'],
			cwd: folder,
			node: node.binary,
			onBeat: (seconds) => log(`  … downloading n8n ${version} (${seconds} s)`),
		});
		await buildSqlite(folder, node, log);
	});
	return installation;
}

/** The fingerprint of an installation recipe, which a complete installation holds in its stamp file. */
export async function recipeHash(version: string): Promise<string> {
	return (await readRecipe(version)).hash;
}

/** Name of the file that marks an installation as complete. It is written last and holds the recipe's fingerprint. */
export const STAMP = '.complete';

interface Recipe {
	folder: string;
	hash: string;
	/** The supported Node.js versions, as in package.json: `>=20.19 <25`. */
	engines: string;
}

async function readRecipe(version: string): Promise<Recipe> {
	const folder = join(__dirname, 'versions', version);
	const manifest = await readFile(join(folder, 'package.json'), 'utf8');
	const lock = await readFile(join(folder, 'package-lock.json'), 'utf8');
	const engines = object(object(JSON.parse(manifest), 'package.json').engines, 'engines');
	// Their content counts, not their line ends and indentation.
	const content = JSON.stringify([SCHEME, JSON.parse(manifest), JSON.parse(lock)]);
	return {
		folder,
		hash: createHash('sha256').update(content).digest('hex'),
		engines: text(engines.node, 'engines.node'),
	};
}

interface NodeBinary {
	binary: string;
	version: string;
	/** The folder whose `include/node` has the headers, where known. */
	headers?: string;
}

/** The running Node.js if `range` allows it, else a Node 24 from npm. */
async function suitableNode(range: string, forWhat: string, log: Log): Promise<NodeBinary> {
	if (inRange(process.versions.node, range)) {
		const prefix = join(dirname(process.execPath), '..');
		const hasHeaders = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
		return {
			binary: process.execPath,
			version: process.versions.node,
			...(hasHeaders && { headers: prefix }),
		};
	}
	const platform = process.platform === 'win32' ? 'win' : process.platform;
	const name = `node-${platform}-${process.arch}`;
	const folder = join(cacheFolder(), `node-${FETCHED_NODE_MAJOR}`);
	const home = join(folder, 'node_modules', name);
	const binary = join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
	const missing = (reason: string) =>
		new Error(
			`${forWhat} needs Node.js ${range}, this is ${process.versions.node}, and ${reason}. ` +
				`Install Node.js ${FETCHED_NODE_MAJOR} and run the command again with it.`,
		);
	await onceIn(folder, `${name}@${FETCHED_NODE_MAJOR} ${SCHEME}`, log, async () => {
		log(`${forWhat} needs Node.js ${range}: fetching Node ${FETCHED_NODE_MAJOR} (once; 190 MB) …`);
		await writeFile(
			join(folder, 'package.json'),
			JSON.stringify({ private: true, dependencies: { [name]: `^${FETCHED_NODE_MAJOR}` } }),
		);
		await npm({
			args: ['install', '--ignore-scripts', '--no-audit', '--no-fund'],
			cwd: folder,
			onBeat: (seconds) => log(`  … downloading Node ${FETCHED_NODE_MAJOR} (${seconds} s)`),
		}).catch((error: unknown) => {
			throw missing(`${name} could not be fetched (${messageOf(error)})`);
		});
	});
	const version = await run(binary, ['--version']).catch(() => {
		throw missing(`the one from npm (${name}) does not run on this system`);
	});
	return {
		binary,
		version: version.stdout.trim().replace(/^v/, ''),
		...(existsSync(join(home, 'include', 'node', 'node_api.h')) && { headers: home }),
	};
}

/** True when `version` (`24.1.0`) meets every part of `range` (`>=20.19 <25`). */
function inRange(version: string, range: string): boolean {
	const compare = (left: string, right: string) => {
		const [a, b] = [left, right].map((part) => part.split('.').map(Number));
		for (let index = 0; index < 3; index++) {
			const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
			if (difference !== 0) return difference;
		}
		return 0;
	};
	return range.split(/\s+/).every((part) => {
		const [, operator, bound] = /^(>=|<)(\d+(?:\.\d+)*)$/.exec(part) ?? [];
		if (!operator || !bound) throw new Error(`Cannot read the Node.js range "${range}"`);
		return operator === '<' ? compare(version, bound) < 0 : compare(version, bound) >= 0;
	});
}

/** The one native module that n8n needs. Its prebuilt binary is downloaded, or else it is compiled. */
async function buildSqlite(folder: string, node: NodeBinary, log: Log): Promise<void> {
	log('  building its database driver (sqlite3; about a minute) …');
	const usesHeaders = node.headers !== undefined && process.platform !== 'win32';
	let cause = '';
	try {
		await npm({
			args: [
				...['rebuild', 'sqlite3', '--ignore-scripts=false'],
				...(usesHeaders ? [`--nodedir=${node.headers}`] : []),
			],
			cwd: folder,
			node: node.binary,
			onBeat: (seconds) => log(`  … building sqlite3 (${seconds} s)`),
		});
		await run(node.binary, ['-e', "require('sqlite3')"], { cwd: folder });
		return;
	} catch (error) {
		cause = messageOf(error);
	}
	const absent = ['python3', 'make', 'g++'].filter((tool) => !onPath(tool));
	throw new Error(
		`n8n's database driver (sqlite3) could be neither downloaded nor compiled. ` +
			(process.platform !== 'win32' && absent.length > 0
				? `To compile it this machine lacks ${absent.join(', ')}: install them and run the command again ` +
					`(Debian, Ubuntu: apt-get install python3 make g++; macOS: xcode-select --install). `
				: '') +
			`The cause: ${cause}`,
	);
}

function onPath(tool: string): boolean {
	return (process.env.PATH ?? '')
		.split(delimiter)
		.some((folder) => folder !== '' && existsSync(join(folder, tool)));
}

async function checkSpace(folder: string): Promise<void> {
	const { bavail, bsize } = await statfs(folder);
	const freeGb = (bavail * bsize) / 1e9;
	if (freeGb < NEEDED_GB) {
		throw new Error(
			`Installing n8n needs ${NEEDED_GB} GB in ${folder}, there are ${freeGb.toFixed(1)} GB free. ` +
				`Set MIDJOURNEY_CACHE_DIR to a folder with more room.`,
		);
	}
}

/**
 * Runs `install` in an emptied `folder` unless its stamp says that this very recipe has been completed there.
 * One process at a time does it; the others wait and then find it done.
 */
async function onceIn(
	folder: string,
	hash: string,
	log: Log,
	install: () => Promise<void>,
): Promise<void> {
	const stamp = join(folder, STAMP);
	const isComplete = async () => (await readFile(stamp, 'utf8').catch(() => '')).trim() === hash;
	if (await isComplete()) return;
	await mkdir(cacheFolder(), { recursive: true });
	await withLock(`${folder}.lock`, log, async () => {
		if (await isComplete()) return;
		// What is there is incomplete or made by an older recipe.
		await rm(folder, { recursive: true, force: true, maxRetries: 3 });
		await mkdir(folder, { recursive: true });
		await install();
		await writeFile(stamp, `${hash}\n`);
	});
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
