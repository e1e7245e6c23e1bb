/* eslint-disable @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-restricted-imports, no-console -- the emulator is a server of its own, not a node */
import { parseArgs } from 'node:util';
import { welcome } from './pages';
import type { Range } from './random';
import { DEFAULT_LATENCY_MS, type Kind } from './kinds';
import { DEFAULT_API_KEY, startEmulator } from './server';

const HELP = `npm run emulator -- [options]       or in the environment
  --port <number>     8645                 EMULATOR_PORT
  --api-key <text>    ${DEFAULT_API_KEY}             EMULATOR_API_KEY
  --credits <number>  1000 (MidAPI)        EMULATOR_CREDITS
  --dollars <number>  100 (Vtrix)          EMULATOR_DOLLARS
  --seed <number>     1                    EMULATOR_SEED
  --latency <factor>  1 (0.1: ten times    EMULATOR_LATENCY
                      as fast)`;

/** Runs the emulator until Ctrl-C. */
async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			port: { type: 'string', default: process.env.EMULATOR_PORT ?? '8645' },
			'api-key': { type: 'string', default: process.env.EMULATOR_API_KEY ?? DEFAULT_API_KEY },
			credits: { type: 'string', default: process.env.EMULATOR_CREDITS ?? '1000' },
			dollars: { type: 'string', default: process.env.EMULATOR_DOLLARS ?? '100' },
			seed: { type: 'string', default: process.env.EMULATOR_SEED ?? '1' },
			latency: { type: 'string', default: process.env.EMULATOR_LATENCY ?? '1' },
			help: { type: 'boolean', short: 'h', default: false },
		},
	});
	if (values.help) return console.log(HELP);

	const number = (name: 'port' | 'credits' | 'dollars' | 'seed' | 'latency') => {
		const value = Number(values[name]);
		if (!(value >= 0)) throw new Error(`--${name} must be a number, not "${values[name]}"`);
		return value;
	};
	const apiKey = values['api-key'];
	const emulator = await startEmulator({
		port: number('port'),
		apiKey,
		credits: number('credits'),
		vtrix: { balanceUsd: number('dollars') },
		seed: number('seed'),
		latencyMs: latencyTimes(number('latency')),
	});
	console.log(`${welcome(emulator.url, [apiKey])}\nCtrl-C ends it.`);

	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.once(signal, () => void emulator.close());
	}
}

function latencyTimes(factor: number): Partial<Record<Kind, Range>> {
	return Object.fromEntries(
		Object.entries(DEFAULT_LATENCY_MS).map(([kind, range]) => {
			const [least = 0, most = least] = [range].flat();
			return [kind, [Math.round(least * factor), Math.round(most * factor)]];
		}),
	);
}

main().catch((error: unknown) => {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
});
