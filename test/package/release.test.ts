/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals, @n8n/community-nodes/no-dangerous-functions -- runs the tools of a release, it is not a node */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { npm } from '../n8n/npm';
import { manifest, read, ROOT } from './built';

/** A release up to the point at which it would reach npm. */

// git, npm and release-it, in processes of their own.
jest.setTimeout(60_000);

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'midjourney-release-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command in a folder; gives its output and its exit code. */
function run(command: string, args: readonly string[], cwd: string) {
	const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
	return { status, said: stdout + stderr };
}

/** The output of a command that has to succeed. */
function done(command: string, args: readonly string[], cwd: string): string {
	const { status, said } = run(command, args, cwd);
	if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${said}`);
	return said;
}

describe('npm publish by hand', () => {
	it('is refused by the guard, which points to the release', async () => {
		await expect(npm({ args: ['publish', '--dry-run'], cwd: ROOT })).rejects.toThrow(
			'Run `npm run release` to publish the package',
		);
	});
});

describe('npm run release', () => {
	const releaseIt = join(ROOT, 'node_modules/release-it/bin/release-it.js');
	const origin = () => join(folder, 'origin.git');
	const work = () => join(folder, 'work');
	const git = (...args: string[]) => done('git', args, work());
	const changelog = () => readFileSync(join(work(), 'CHANGELOG.md'), 'utf8');
	/** Adds a second commit, so that there is something to release. */
	const commitChangelog = (text: string) => {
		writeFileSync(join(work(), 'CHANGELOG.md'), text);
		git('commit', '--quiet', '--all', '--message', 'Say what users get');
		git('push', '--quiet');
	};
	const release = (...args: string[]) =>
		run(process.execPath, [releaseIt, '--ci', ...args], work());

	const BEFORE =
		'# Changelog\n\nKept by hand.\n\n## [Unreleased]\n\n### Added\n\n- A cup — by hand.\n';

	/** A repository with our settings and an origin, without the tests of `before:init`, which are running now. */
	beforeEach(() => {
		const settings = JSON.parse(read('.release-it.json')) as object;
		done('git', ['init', '--quiet', '--bare', origin()], folder);
		done('git', ['init', '--quiet', '--initial-branch', 'main', work()], folder);
		git('remote', 'add', 'origin', pathToFileURL(origin()).href);
		git('config', 'user.name', 'Maintainer');
		git('config', 'user.email', 'maintainer@example.com');
		writeFileSync(join(work(), 'package.json'), read('package.json'));
		writeFileSync(join(work(), '.release-it.json'), JSON.stringify({ ...settings, hooks: {} }));
		writeFileSync(join(work(), 'CHANGELOG.md'), BEFORE);
		git('add', '--all');
		git('commit', '--quiet', '--message', 'Start');
		git('push', '--quiet', '--set-upstream', 'origin', 'main');
	});

	it('keeps every word of the changelog, and dates what was unreleased', () => {
		expect(release('7.0.0')).toMatchObject({ status: 0 });
		const [, date = ''] = /## \[7\.0\.0\] - (\d{4}-\d\d-\d\d)\n/.exec(changelog()) ?? [];
		expect(changelog()).toBe(
			BEFORE.replace('## [Unreleased]\n', `## [Unreleased]\n\n## [7.0.0] - ${date}\n`),
		);
	});

	it('pushes a commit and a tag named after the version, and publishes nothing itself', () => {
		const { status, said } = release('7.0.0');
		expect([status, said]).toEqual([0, expect.not.stringContaining('npm publish')]);
		const version = JSON.parse(git('show', '7.0.0:package.json')) as { version: string };
		expect(version.version).toBe('7.0.0');
		expect(done('git', ['tag'], origin())).toBe('7.0.0\n');
		expect(git('rev-parse', '7.0.0^{commit}')).toBe(git('rev-parse', 'origin/main'));
	});

	it('can release the version that package.json has already, which the first release does', () => {
		expect(release(manifest.version)).toMatchObject({ status: 0 });
		expect(changelog()).toContain(`## [${manifest.version}] - `);
		expect(done('git', ['tag'], origin())).toBe(`${manifest.version}\n`);
	});

	it.each([
		[
			'a changelog without news',
			() => commitChangelog(BEFORE.replace(/### Added[^]*/, '')),
			'There are no entries under "Unreleased"',
		],
		[
			'a work tree with changes',
			() => writeFileSync(join(work(), 'package.json'), '{"name":"x","version":"1.0.0"}'),
			'Working dir must be clean',
		],
		[
			'another branch than main',
			() => git('switch', '--quiet', '--create', 'other'),
			'Must be on branch main',
		],
	])('refuses %s, and tags nothing', (_, prepare, words) => {
		prepare();
		const { status, said } = release('7.0.0');
		expect([status, said]).toEqual([1, expect.stringContaining(words)]);
		expect(done('git', ['tag'], work())).toBe('');
	});
});

describe('The settings of npm run release', () => {
	it('run the tests before any question is asked', () => {
		expect(JSON.parse(read('.release-it.json'))).toMatchObject({
			hooks: { 'before:init': 'npm test' },
		});
	});

	it.each(['release-it', '@release-it/keep-a-changelog'])(
		'are for a fixed version of %s',
		(tool) => {
			const { devDependencies } = manifest as { devDependencies?: Record<string, string> };
			expect(devDependencies?.[tool]).toMatch(/^\d+\.\d+\.\d+$/);
		},
	);
});

const TARGET = 'n8n-nodes-midjourney@1.2.3';

/** The output of n8n's scanner, from its source. */
const PROVEN = `Checking provenance for ${TARGET}...✅ Provenance check passed for ${TARGET} \n`;
const ANALYSED = `${PROVEN}Analyzing ${TARGET}...✅ Analyzed ${TARGET} \n`;
const PASSED = `${ANALYSED}✅ Package ${TARGET} has passed all security checks\n`;
const FAILED = `${ANALYSED}❌ Package ${TARGET} has failed security checks\nReason: ESLint violations found\n`;
const CRASHED = `${PROVEN}Analysis failed: TypeError: Cannot read properties of undefined (reading 'Ts')\n`;
const NOT_THERE = `Checking provenance for ${TARGET}...❌ Provenance check failed for ${TARGET} \n❌ Package ${TARGET} has failed security checks\nReason: No package metadata found for version 1.2.3\n`;

describe('The scan of what was published', () => {
	/** Scans with a fake scanner that prints these texts in turn, the last one for ever. */
	function scan(answers: Array<{ says: string; code?: number }>, ...options: string[]) {
		const counter = join(folder, 'calls');
		const scanner = join(folder, 'scanner.mjs');
		writeFileSync(
			scanner,
			`import { appendFileSync, readFileSync } from 'node:fs';
			appendFileSync(${JSON.stringify(counter)}, process.argv[2] + '\\n');
			const calls = readFileSync(${JSON.stringify(counter)}, 'utf8').trim().split('\\n').length;
			const answers = ${JSON.stringify(answers)};
			const { says, code = 0 } = answers[Math.min(calls, answers.length) - 1];
			process.stdout.write(says);
			process.exitCode = code;`,
		);
		const script = join(ROOT, 'scripts/scan.mjs');
		const args = [script, TARGET, '--scanner', scanner, '--pause', '0', ...options];
		const ended = run(process.execPath, args, folder);
		return { ...ended, asked: readFileSync(counter, 'utf8').trim().split('\n') };
	}

	it('succeeds when the scanner says that this version passed, and shows its output', () => {
		expect(scan([{ says: PASSED }])).toEqual({ status: 0, said: PASSED, asked: [TARGET] });
	});

	it.each([
		['failed checks, though the scanner ends with 0', { says: FAILED }],
		['a crash', { says: CRASHED, code: 1 }],
		['a crash after the word', { says: PASSED, code: 1 }],
		['no word at all', { says: '' }],
		['words that nobody knows', { says: `${ANALYSED}Package ${TARGET} is fine\n` }],
		['another version', { says: PASSED.replaceAll('1.2.3', '1.2.2') }],
		['a longer version', { says: PASSED.replaceAll('1.2.3', '1.2.30') }],
		['the word in a finding', { says: `${FAILED}\nDetails: has passed all security checks\n` }],
	])('fails at %s', (_, answer) => {
		const { status, said, asked } = scan([answer]);
		expect({ status, asked }).toEqual({ status: 1, asked: [TARGET] });
		expect(said).toContain(answer.says);
		expect(said).toContain(`n8n's scanner did not pass ${TARGET}.`);
	});

	it('tries again while npm does not serve the version everywhere', () => {
		const early = { says: NOT_THERE };
		expect(scan([early, early, { says: PASSED }])).toMatchObject({
			status: 0,
			asked: [TARGET, TARGET, TARGET],
		});
	});

	it('fails when npm never serves it', () => {
		const { status, asked } = scan([{ says: NOT_THERE }], '--tries', '4');
		expect({ status, times: asked.length }).toEqual({ status: 1, times: 4 });
	});

	it.each([[[]], [['n8n-nodes-midjourney']], [['n8n-nodes-midjourney@latest']]])(
		'wants one exact version: %j is none',
		(args) => {
			const { status } = run(process.execPath, [join(ROOT, 'scripts/scan.mjs'), ...args], folder);
			expect(status).toBe(2);
		},
	);

	it('expects the words that the installed scanner prints', () => {
		const cli = read('node_modules/@n8n/scan-community-package/scanner/cli.mjs');
		expect(cli).toContain(
			'`✅ Package ${packageName}@${result.version} has passed all security checks`',
		);
		expect(read('node_modules/@n8n/scan-community-package/scanner/provenance.mjs')).toContain(
			'No package metadata found',
		);
	});
});
