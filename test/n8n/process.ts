/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions, @n8n/community-nodes/require-node-api-error -- starts servers, it is not a node */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import { lastLines } from './npm';

/** A server to be run as long as it is needed. */
export interface ProcessOptions {
	/** Its name in error messages. */
	name: string;
	command: string;
	args: string[];
	cwd: string;
	env: NodeJS.ProcessEnv;
	/** Everything that the process writes is appended here. */
	logFile: string;
	/** Whether it is ready. A rejection counts as no. */
	isReady: () => Promise<boolean>;
	/** Open a channel to it, which `leash.cjs` watches: for processes of Node.js. */
	leash?: boolean;
	/** The user and group it runs as; default: ours. */
	uid?: number;
	gid?: number;
}

/** How a server is ended: at once, as by a power cut, or in order. */
export type Ending = 'SIGKILL' | 'SIGTERM';

/** A server that was started and is ready. */
export interface RunningProcess {
	readonly pid: number;
	/** Ends it, in order if that takes no more than ten seconds. Does nothing the second time. */
	stop(): Promise<void>;
	/** Ends it and its child processes at once, as a power cut would. */
	kill(): Promise<void>;
}

const START_TIMEOUT_MS = 180_000;
/** The time that a process has to end by itself. */
const STOP_TIMEOUT_MS = 10_000;

/**
 * Starts a server and waits until it is ready. It ends with this process.
 * Throws an Error with the end of its log when it does not start.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
	const output = openSync(options.logFile, 'a');
	const child = spawn(options.command, options.args, {
		cwd: options.cwd,
		env: options.env,
		stdio: options.leash ? ['ignore', output, output, 'ipc'] : ['ignore', output, output],
		// A process group of its own: Ctrl-C in the terminal reaches only us, and child processes can be ended with it.
		detached: process.platform !== 'win32',
		...(options.uid !== undefined && { uid: options.uid }),
		...(options.gid !== undefined && { gid: options.gid }),
	});
	closeSync(output);
	const onExit = () => endGroup(child, 'SIGKILL');
	process.once('exit', onExit);

	let stopping: Promise<void> | undefined;
	const end = async (how: () => Promise<void>) => {
		stopping ??= (async () => {
			await how();
			process.removeListener('exit', onExit);
		})();
		await stopping;
	};
	const stop = async () => await end(async () => await endOrderly(child));
	const kill = async () =>
		await end(async () => {
			const ended = hasEnded(child);
			endGroup(child, 'SIGKILL');
			await ended;
		});

	try {
		await untilReady(child, options);
	} catch (error) {
		await stop();
		const reason = error instanceof Error ? error.message : String(error);
		const tail = lastLines(readFileSync(options.logFile, 'utf8'), 40);
		throw new Error(`${reason}\nThe end of its log (${options.logFile}):\n${tail}`);
	}
	const { pid } = child;
	if (pid === undefined) throw new Error(`${options.name} has no process id`);
	return { pid, stop, kill };
}

/** Below the ports that systems assign by themselves, so that nobody takes one of these before it is used. */
const PORTS = { first: 10_000, perWorker: 2000 };
/** Each jest worker has its own range; outside of jest there is one process. */
const firstPort = PORTS.first + PORTS.perWorker * (Number(process.env.JEST_WORKER_ID ?? 0) % 10);
const given = new Set<number>();

/** A port of 127.0.0.1 that is free now: `wanted`, or any one. Throws when `wanted` is taken. */
export async function freePort(wanted?: number): Promise<number> {
	if (wanted !== undefined) {
		await tryPort(wanted);
		return wanted;
	}
	for (let tries = 0; tries < 100; tries++) {
		const port = firstPort + randomInt(PORTS.perWorker);
		if (given.has(port)) continue;
		try {
			await tryPort(port);
		} catch {
			continue;
		}
		given.add(port);
		return port;
	}
	throw new Error(`No free port from ${firstPort} on`);
}

/** Throws when the port is taken. */
async function tryPort(port: number): Promise<void> {
	const server = createServer();
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, '127.0.0.1', resolve);
	});
	await new Promise((resolve) => server.close(resolve));
}

/**
 * What a main process answers once it is ready. Older versions call themselves ready before their API answers; and all have
 * their API before they have looked at the executions that a crash has left, and their pages after that.
 */
export const READY_PATHS = ['/healthz/readiness', '/rest/settings', '/'];

/** Whether all these paths are answered with a 2xx. */
export async function answers(url: string, ...paths: string[]): Promise<boolean> {
	const all = await Promise.all(paths.map(async (path) => await fetch(url + path)));
	return all.every(({ ok }) => ok);
}

async function untilReady(child: ChildProcess, { name, isReady }: ProcessOptions): Promise<void> {
	let failure: string | undefined;
	child.once('error', (error) => (failure = error.message));
	child.once('exit', (code, signal) => (failure = `ended at once (${signal ?? `code ${code}`})`));
	const deadline = Date.now() + START_TIMEOUT_MS;
	while (Date.now() < deadline) {
		if (failure !== undefined) throw new Error(`${name} did not start: ${failure}`);
		if (await isReady().catch(() => false)) return;
		await pause(250);
	}
	throw new Error(`${name} was not ready after ${START_TIMEOUT_MS / 1000} s`);
}

async function hasEnded(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
	await new Promise<void>((resolve) => child.once('exit', () => resolve()));
}

async function endOrderly(child: ChildProcess): Promise<void> {
	const ended = hasEnded(child);
	child.kill('SIGTERM');
	const patience = new AbortController();
	const tooLong = pause(STOP_TIMEOUT_MS, undefined, { signal: patience.signal });
	await Promise.race([ended, tooLong.catch(() => undefined)]);
	patience.abort();
	// The remaining child processes, and the process itself if it did not end.
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
		// The group has ended already.
	}
}
