/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions -- runs n8n's scanner, it is not a node */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { filesIn, read, ROOT } from './built';
import { unpackedPackage } from './unpack';

// npm packs the package, and the scanner parses all of it, in processes of their own.
jest.setTimeout(60_000);

let folder: string;
let tarball: string;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'midjourney-gate-'));
	tarball = (await unpackedPackage(folder)).contents;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The two legs of the gate, with the patterns that n8n's scanner has for them. */
type Leg = 'SOURCE_FILE_PATTERNS' | 'TARBALL_FILE_PATTERNS';

const SCANNER = pathToFileURL(require.resolve('@n8n/scan-community-package/scanner/scanner.mjs'));

/**
 * What n8n's gate finds in a folder; nothing of it goes over the network.
 *
 * In a process of its own, because jest cannot import ES modules. The scanner asks for TypeScript 7, with which its parser
 * crashes when it is installed by itself; package-lock.json keeps the parser at the root, beside TypeScript 5.
 */
function scan(target: string, leg: Leg): { passed: boolean; message?: string; details?: string } {
	const script = `
		import { analyzePackage, SOURCE_FILE_PATTERNS } from ${JSON.stringify(SCANNER)};
		const TARBALL_FILE_PATTERNS = ['**/*.js', 'package.json'];
		const found = await analyzePackage(${JSON.stringify(target)}, ${leg});
		process.stdout.write(JSON.stringify(found));
	`;
	const answer = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
		encoding: 'utf8',
		// With jest's `test` n8n's rules take every file for one of their own tests.
		env: { ...process.env, NODE_ENV: 'production' },
	});
	return JSON.parse(answer) as ReturnType<typeof scan>;
}

describe("n8n's gate", () => {
	it('finds nothing in the sources', () => {
		expect(scan(ROOT, 'SOURCE_FILE_PATTERNS')).toEqual({ passed: true });
	});

	it('finds nothing in the tarball', () => {
		expect(scan(tarball, 'TARBALL_FILE_PATTERNS')).toEqual({ passed: true });
	});

	it('would find what it forbids in the sources', () => {
		const copy = join(folder, 'sources');
		for (const part of ['package.json', 'nodes', 'credentials']) {
			cpSync(join(ROOT, part), join(copy, part), { recursive: true });
		}
		const node = 'nodes/Midjourney/Midjourney.node.ts';
		writeFileSync(join(copy, node), `${read(node)}\nconsole.log(process.env);\n`);
		const { passed, details } = scan(copy, 'SOURCE_FILE_PATTERNS');
		expect(passed).toBe(false);
		expect(details).toContain('no-restricted-globals');
	});

	it('would find what it forbids in the tarball', () => {
		const copy = join(folder, 'tarball');
		cpSync(tarball, copy, { recursive: true });
		writeFileSync(join(copy, 'dist', 'more.js'), 'setTimeout(() => console.log(1), 1);\n');
		const { passed, details } = scan(copy, 'TARBALL_FILE_PATTERNS');
		expect(passed).toBe(false);
		expect(details).toContain('no-restricted-globals');
	});
});

describe('The linter', () => {
	it('is not told to look away anywhere in the sources: the gate would look all the same', () => {
		const sources = filesIn(['nodes', 'credentials'], '.ts');
		const directive = /eslint-(disable|enable)|@ts-(ignore|nocheck|expect-error)/;
		expect(sources.length).toBeGreaterThan(0);
		expect(sources.filter((path) => directive.test(read(path)))).toEqual([]);
	});
});
