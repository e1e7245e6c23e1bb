/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- starts servers, it is not a node */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { freePort, type RunningProcess, startProcess } from './process';

/** A server that n8n's queue mode needs. */
export interface Service {
	readonly port: number;
	stop(): Promise<void>;
}

/** PostgreSQL with one database and one user, who may do everything in it. */
export interface Database extends Service {
	readonly user: string;
	readonly password: string;
	readonly database: string;
}

interface Programs {
	redis: string;
	initdb: string;
	postgres: string;
	isready: string;
}

const run = promisify(execFile);

const INSTALL = 'apt-get update && apt-get install -y redis-server postgresql';
/** Debian and Ubuntu keep each release of PostgreSQL in a folder of its own, off the PATH. */
const POSTGRES_RELEASES = '/usr/lib/postgresql';
/** PostgreSQL refuses root; its package brings this user. */
const POSTGRES_USER = 'postgres';

/**
 * Where Redis and PostgreSQL are. Throws an Error with the command that installs them if one is missing.
 */
export function findPrograms(): Programs {
	const releases = existsSync(POSTGRES_RELEASES)
		? readdirSync(POSTGRES_RELEASES)
				.sort((a, b) => Number(b) - Number(a))
				.map((release) => join(POSTGRES_RELEASES, release, 'bin'))
		: [];
	const path = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
	const find = (name: string, folders: string[]) =>
		folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
	const redis = find('redis-server', path);
	// All of one release, because data formats differ between releases.
	const bin = [...releases, ...path].find(
		(folder) => find('initdb', [folder]) !== undefined && find('postgres', [folder]) !== undefined,
	);
	const missing = [
		...(redis === undefined ? ['Redis (redis-server)'] : []),
		...(bin === undefined ? ['PostgreSQL (initdb, postgres)'] : []),
	];
	if (redis === undefined || bin === undefined) {
		throw new Error(
			`The tests of queue mode need ${missing.join(' and ')}. On Debian or Ubuntu, as root: ${INSTALL}`,
		);
	}
	return {
		redis,
		initdb: join(bin, 'initdb'),
		postgres: join(bin, 'postgres'),
		isready: join(bin, 'pg_isready'),
	};
}

/** Starts Redis on a free port of 127.0.0.1; it keeps nothing on disk. `folder` takes its log. */
export async function startRedis({ redis }: Programs, folder: string): Promise<Service> {
	const port = await freePort();
	const server = await startLeashed({
		name: 'Redis',
		command: redis,
		args: [
			...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
			...['--save', '', '--appendonly', 'no'],
		],
		folder,
		isReady: async () => await ping(port),
	});
	return { port, stop: server.stop };
}

/** Starts PostgreSQL on a free port of 127.0.0.1 with a fresh data folder inside `folder`. */
export async function startPostgres(programs: Programs, folder: string): Promise<Database> {
	const port = await freePort();
	const owner = process.getuid?.() === 0 ? await userNamed(POSTGRES_USER) : undefined;
	const home = join(folder, 'postgres');
	await mkdir(home);
	if (owner) {
		// The other user needs access.
		await chmod(folder, 0o711);
		await chown(home, owner.uid, owner.gid);
	}
	const user = 'n8n';
	const data = join(home, 'data');
	await run(
		programs.initdb,
		['-D', data, '-U', user, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
		{ cwd: home, ...owner },
	);
	const server = await startLeashed({
		name: 'PostgreSQL',
		command: programs.postgres,
		args: [
			...['-D', data, '-p', String(port)],
			...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
			// The data is needed no longer than the test.
			...['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'],
		],
		folder: home,
		isReady: async () => {
			await run(programs.isready, ['-h', '127.0.0.1', '-p', String(port)]);
			return true;
		},
		owner,
	});
	return { port, user, password: user, database: 'postgres', stop: server.stop };
}

interface User {
	uid: number;
	gid: number;
}

interface LeashedOptions {
	name: string;
	command: string;
	args: string[];
	folder: string;
	isReady: () => Promise<boolean>;
	owner?: User;
}

/** A server that the kernel ends (SIGINT) when this process is gone, even if it was killed. */
async function startLeashed(options: LeashedOptions): Promise<RunningProcess> {
	const { owner } = options;
	return await startProcess({
		name: options.name,
		command: 'setpriv',
		args: [
			...['--pdeathsig', 'INT'],
			...(owner ? [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'] : []),
			...['--', options.command, ...options.args],
		],
		cwd: options.folder,
		env: { PATH: process.env.PATH, LC_ALL: 'C', HOME: options.folder },
		logFile: join(options.folder, `${options.name}.log`),
		isReady: options.isReady,
	});
}

async function userNamed(name: string): Promise<User> {
	const [uid, gid] = await Promise.all(
		['-u', '-g'].map(async (option) => Number((await run('id', [option, name])).stdout)),
	);
	if (uid === undefined || gid === undefined) throw new Error(`No user ${name}`);
	return { uid, gid };
}

/** Whether a Redis answers there. */
async function ping(port: number): Promise<boolean> {
	return await new Promise((resolve, reject) => {
		const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
		socket.once('error', reject);
		socket.once('data', (answer) => {
			socket.destroy();
			resolve(answer.toString().startsWith('+PONG'));
		});
	});
}
