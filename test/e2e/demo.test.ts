/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions -- runs a command line program, it is not a node */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { startEmulator } from '../emulator';
import { CURRENT_N8N, OLDER_N8N } from '../n8n/install';
import { inspectMedia } from '../n8n/media';
import { ROOT } from '../n8n/pack';

/** A whole n8n may have to be installed. */
const TIMEOUT_MS = 25 * 60_000;

/** Runs the demo as `npm run demo -- …` does, without a terminal. */
async function demo(
	args: string[],
	env: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
	const { MIDAPI_API_KEY, MIDAPI_BASE_URL, ...own } = process.env;
	void [MIDAPI_API_KEY, MIDAPI_BASE_URL];
	const child = spawn(
		process.execPath,
		[require.resolve('tsx/cli'), join(ROOT, 'test', 'n8n', 'demo.ts'), ...args],
		{ cwd: ROOT, env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
	);
	let output = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
	}
	const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
	return { code, output };
}

describe.each([CURRENT_N8N, OLDER_N8N])('npm run demo -- --once --n8n %s', (version) => {
	test(
		'ends with code 0 and real pictures',
		async () => {
			const { code, output } = await demo(['--once', '--n8n', version]);
			expect({ code, output }).toMatchObject({ code: 0 });
			const files = output.match(/output[\\/]\S+/g) ?? [];
			const pictures = files.filter((file) => file.endsWith('.png'));
			expect(pictures).toHaveLength(2);
			for (const picture of pictures) {
				expect(inspectMedia(await readFile(join(ROOT, picture))).type).toBe('png');
			}
			expect(output).not.toContain('demo-key');
		},
		TIMEOUT_MS,
	);
});

test('says what the real provider will cost, and buys nothing without consent', async () => {
	const emulator = await startEmulator({ apiKey: 'a-real-key', credits: 77 });
	const { code, output } = await demo(['--once'], {
		MIDAPI_API_KEY: 'a-real-key',
		MIDAPI_BASE_URL: emulator.url,
	});
	await emulator.close();
	expect(code).toBe(1);
	expect(output).toContain('1 generation and 2 upscales');
	expect(output).toContain('77 credits');
	expect(output).not.toContain('a-real-key');
	expect(emulator.ledger.submits).toEqual([]);
}, 60_000);
