/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions -- runs n8n's scanner, it is not a node */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { filesIn, read, ROOT } from './built';
import { unpackedPackage } from './unpack';

/** The two parts of the gate, by the names of the file patterns in n8n's scanner. */
type Leg = 'SOURCE_FILE_PATTERNS' | 'TARBALL_FILE_PATTERNS';

interface Found {
	passed: boolean;
	details?: string;
}

const SCANNER = pathToFileURL(require.resolve('@n8n/scan-community-package/scanner/scanner.mjs'));

/**
 * What n8n's gate finds in some folders, without using the network.
 *
 * In a process of its own, because jest cannot import ES modules; in one for all, because its rules take long to load. The
 * scanner asks for TypeScript 7, with which its parser crashes when it is installed by itself; package-lock.json keeps the
 * parser at the root, beside TypeScript 5.
 */
function scan(targets: Record<string, [folder: string, leg: Leg]>): Record<string, Found> {
	const calls = Object.entries(targets).map(
		([name, [target, leg]]) =>
			`found[${JSON.stringify(name)}] = await analyzePackage(${JSON.stringify(target)}, ${leg});`,
	);
	const script = `
		import { analyzePackage, SOURCE_FILE_PATTERNS } from ${JSON.stringify(SCANNER)};
		const TARBALL_FILE_PATTERNS = ['**/*.js', 'package.json'];
		const found = {};
		${calls.join('\n')}
		process.stdout.write(JSON.stringify(found));
	`;
	const answer = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
		encoding: 'utf8',
		// With `test`, which jest sets, n8n's rules take every file for one of their own tests.
		env: { ...process.env, NODE_ENV: 'production' },
	});
	return JSON.parse(answer) as Record<string, Found>;
}

let folder: string;
let found: Record<string, Found>;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'midjourney-gate-'));
	const tarball = (await unpackedPackage(folder)).contents;
	const badSources = join(folder, 'bad-sources');
	for (const part of ['package.json', 'nodes', 'credentials']) {
		cpSync(join(ROOT, part), join(badSources, part), { recursive: true });
	}
	const node = 'nodes/Midjourney/Midjourney.node.ts';
	writeFileSync(join(badSources, node), `${read(node)}\nconsole.log(process.env);\n`);
	const badTarball = join(folder, 'bad-tarball');
	cpSync(tarball, badTarball, { recursive: true });
	writeFileSync(join(badTarball, 'dist', 'more.js'), 'setTimeout(() => console.log(1), 1);\n');
	found = scan({
		sources: [ROOT, 'SOURCE_FILE_PATTERNS'],
		tarball: [tarball, 'TARBALL_FILE_PATTERNS'],
		badSources: [badSources, 'SOURCE_FILE_PATTERNS'],
		badTarball: [badTarball, 'TARBALL_FILE_PATTERNS'],
	});
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("n8n's gate", () => {
	it.each(['sources', 'tarball'])('finds nothing in the %s', (name) => {
		expect(found[name]).toEqual({ passed: true });
	});

	it.each([
		['sources', 'badSources'],
		['tarball', 'badTarball'],
	])('would find what it forbids in the %s', (_, name) => {
		expect(found[name]?.passed).toBe(false);
		expect(found[name]?.details).toContain('no-restricted-globals');
	});
});

describe('The linter', () => {
	it('is not disabled anywhere in the sources, because the gate ignores such comments', () => {
		const sources = filesIn(['nodes', 'credentials'], '.ts');
		const directive = /eslint-(disable|enable)|@ts-(ignore|nocheck|expect-error)/;
		expect(sources.length).toBeGreaterThan(0);
		expect(sources.filter((path) => directive.test(read(path)))).toEqual([]);
	});
});
