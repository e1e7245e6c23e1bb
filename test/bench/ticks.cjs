/**
 * Loaded into n8n before its own code: on SIGUSR2 it writes to BENCH_FOLDER what n8n's memory holds after a collection of
 * garbage, and the longest tick of its event loop since the signal before.
 */
const { renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');

const EVERY_MS = 5;

/** CPU of the main thread alone, in ms; NaN before Node 23.9. */
const cpu = () => {
	if (!process.threadCpuUsage) return NaN;
	const { user, system } = process.threadCpuUsage();
	return (user + system) / 1000;
};

if (process.env.BENCH_FOLDER) {
	setFlagsFromString('--expose-gc');
	const gc = runInNewContext('gc');
	let last = { at: performance.now(), cpu: cpu() };
	let longest = { ms: 0, cpuMs: 0 };
	setInterval(() => {
		const now = { at: performance.now(), cpu: cpu() };
		longest = {
			ms: Math.max(longest.ms, now.at - last.at - EVERY_MS),
			cpuMs: Math.max(longest.cpuMs, now.cpu - last.cpu),
		};
		last = now;
	}, EVERY_MS).unref();
	process.on('SIGUSR2', () => {
		const ticks = longest;
		gc();
		gc();
		const { heapUsed, rss } = process.memoryUsage();
		const file = join(process.env.BENCH_FOLDER, `${process.pid}.json`);
		writeFileSync(`${file}.new`, JSON.stringify({ ...ticks, heapUsed, rss }));
		renameSync(`${file}.new`, file);
		last = { at: performance.now(), cpu: cpu() };
		longest = { ms: 0, cpuMs: 0 };
	});
}
