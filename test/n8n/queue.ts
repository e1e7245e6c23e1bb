/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/require-node-api-error -- starts servers, it is not a node */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { answers, type Ending, freePort, READY_PATHS, type RunningProcess } from './process';
import {
	installPackage,
	type N8nOptions,
	type N8nServer,
	settings,
	startN8nProcess,
} from './server';
import { findPrograms, startPostgres, startRedis } from './services';

/** The processes of n8n. */
type Role = 'main' | 'webhook' | `worker${number}`;

const isWorker = (role: Role): boolean => role.startsWith('worker');

/** The settings of an n8n in queue mode. */
export interface QueueOptions extends Omit<N8nOptions, 'preferredPort'> {
	/** Default 2. */
	workers?: number;
	/** Executions that a worker runs at the same time; default 5. */
	concurrency?: number;
}

/** The processes that are ended together. */
export type Part = 'main' | 'workers' | 'all';

/** An n8n in queue mode. `url` and `pid` are those of the main process, `webhookUrl` is
 * that of the webhook process, the log is that of all. */
export interface QueueN8n extends N8nServer {
	/** The log of one process. */
	logOf(role: Role): string;
	/** Ends a part of it, by default all but Redis and PostgreSQL. */
	down(signal: Ending, part?: Part): Promise<void>;
	/** The process ids of the workers. */
	readonly workerPids: number[];
}

/**
 * Starts an n8n in queue mode on 127.0.0.1: Redis and PostgreSQL with data of their own, a main process, a webhook
 * process (the main process takes no webhooks) and workers, each with a folder and a copy of the package of its own,
 * as on machines of their own. All of it ends with this process, however that ends.
 * Throws an Error that says what to install when Redis or PostgreSQL are missing.
 */
export async function startQueueN8n(options: QueueOptions): Promise<QueueN8n> {
	const programs = findPrograms();
	const { installation, workers: workerCount = 2, concurrency = 5 } = options;
	const begin = Date.now();
	const folder = await mkdtemp(join(tmpdir(), 'n8n-midjourney-queue-'));
	const folderOf = (role: Role) => join(folder, role);
	const logFileOf = (role: Role) => join(folder, `${role}.log`);
	const logOf = (role: Role) =>
		existsSync(logFileOf(role)) ? readFileSync(logFileOf(role), 'utf8') : '';
	const workers = Array.from({ length: workerCount }, (_, at): Role => `worker${at + 1}`);
	const roles: Role[] = ['main', 'webhook', ...workers];
	const commandOf = (role: Role) =>
		isWorker(role) ? `worker --concurrency=${concurrency}` : role === 'main' ? 'start' : role;
	const services: Array<{ stop(): Promise<void> }> = [];
	const running = new Map<Role, RunningProcess>();

	const stop = async ({ keep = false } = {}) => {
		await Promise.all([...running.values()].map(async (process) => await process.stop()));
		await Promise.all(services.map(async (service) => await service.stop()));
		if (!keep) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
	};

	try {
		await mkdir(folderOf('main'));
		const [redis, postgres] = await Promise.all([
			startRedis(programs, folder),
			startPostgres(programs, folder),
			installPackage(folderOf('main'), options.tarball, installation.node),
		]);
		services.push(redis, postgres);
		for (const role of roles.slice(1)) {
			await cp(folderOf('main'), folderOf(role), { recursive: true });
		}

		const ports = new Map<Role, number>();
		for (const role of roles) ports.set(role, await freePort());
		const urlOf = (role: Role) => `http://127.0.0.1:${ports.get(role)}`;
		const shared = {
			N8N_ENCRYPTION_KEY: randomBytes(24).toString('hex'),
			EXECUTIONS_MODE: 'queue',
			OFFLOAD_MANUAL_EXECUTIONS_TO_WORKERS: 'true',
			N8N_DISABLE_PRODUCTION_MAIN_PROCESS: 'true',
			N8N_DEFAULT_BINARY_DATA_MODE: 'database',
			QUEUE_BULL_REDIS_HOST: '127.0.0.1',
			QUEUE_BULL_REDIS_PORT: String(redis.port),
			DB_TYPE: 'postgresdb',
			DB_POSTGRESDB_HOST: '127.0.0.1',
			DB_POSTGRESDB_PORT: String(postgres.port),
			DB_POSTGRESDB_DATABASE: postgres.database,
			DB_POSTGRESDB_USER: postgres.user,
			DB_POSTGRESDB_PASSWORD: postgres.password,
			...options.env,
		};
		const brokers = new Map<Role, number>();
		for (const role of roles) brokers.set(role, await freePort());
		const start = async (role: Role) => {
			const port = ports.get(role) ?? 0;
			const paths = role === 'main' ? READY_PATHS : ['/healthz/readiness'];
			const process = await startN8nProcess(installation, {
				command: commandOf(role),
				folder: folderOf(role),
				logFile: logFileOf(role),
				env: {
					...settings(folderOf(role), urlOf('webhook'), port, brokers.get(role) ?? 0),
					N8N_EDITOR_BASE_URL: urlOf('main'),
					...(isWorker(role) && {
						QUEUE_HEALTH_CHECK_ACTIVE: 'true',
						QUEUE_HEALTH_CHECK_PORT: String(port),
						N8N_WORKER_SERVER_ADDRESS: '127.0.0.1',
					}),
					...shared,
				},
				isReady: async () => await answers(urlOf(role), ...paths),
			});
			running.set(role, process);
		};
		const startAll = async (some: Role[]) => {
			const results = await Promise.allSettled(some.map(start));
			for (const result of results) if (result.status === 'rejected') throw result.reason;
		};
		const ended = new Set<Role>();
		const membersOf = (part: Part) =>
			part === 'all' ? roles : part === 'workers' ? workers : roles.slice(0, 1);
		const down = async (signal: Ending, part: Part = 'all') => {
			await Promise.all(
				membersOf(part).map(async (role) => {
					const process = running.get(role);
					await (signal === 'SIGKILL' ? process?.kill() : process?.stop());
					ended.add(role);
				}),
			);
		};
		let upSince = begin;
		const up = async () => {
			upSince = Date.now();
			const some = [...ended];
			ended.clear();
			await startAll(some);
		};
		// It makes the tables that the others look for.
		await start('main');
		await startAll(roles.slice(1));
		return {
			url: urlOf('main'),
			webhookUrl: urlOf('webhook'),
			version: installation.version,
			userFolder: folderOf('main'),
			get pid() {
				return running.get('main')?.pid ?? 0;
			},
			startedInMs: Date.now() - begin,
			get upSince() {
				return upSince;
			},
			log: () => roles.map(logOf).join('\n'),
			logOf,
			get workerPids() {
				return workers.map((role) => running.get(role)?.pid ?? 0);
			},
			down,
			up,
			crashAndStart: async () => {
				await down('SIGKILL');
				await up();
			},
			stop,
		};
	} catch (error) {
		await stop({ keep: true });
		throw error;
	}
}
