/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- packs the package and looks into it, it is not a node */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { filesIn, filesUnder, ROOT } from './built';
import { unpackedPackage } from './unpack';

// npm packs the package, in a process of its own.
jest.setTimeout(60_000);

let folder: string;
let files: string[];

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'midjourney-tarball-'));
	const { tarball, contents } = await unpackedPackage(folder);
	files = filesUnder(contents);
	const kilobytes = (statSync(tarball).size / 1000).toFixed(1);
	process.stdout.write(`The tarball has ${kilobytes} kB in ${files.length} files.\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FOLDERS = ['nodes', 'credentials'];
const inDist = (paths: string[]) => paths.map((path) => `dist/${path}`);

/** The files that belong into the package, by kind; everything else must stay out. */
const CONTENTS: Record<string, () => string[]> = {
	'the papers': () => ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'],
	'the entry for require': () => ['index.js'],
	'the code of every source file': () =>
		inDist(filesIn(FOLDERS, '.ts').map((path) => path.replace(/\.ts$/, '.js'))),
	'the codex files': () => inDist(filesIn(FOLDERS, '.node.json')),
	'the icons': () => inDist(filesIn(FOLDERS, '.svg')),
	'the output schemas': () =>
		inDist(filesIn(FOLDERS, '.json').filter((path) => path.includes('/__schema__/'))),
};

describe('The tarball', () => {
	it.each(Object.entries(CONTENTS))('holds %s', (_, expected) => {
		const wanted = expected();
		expect(wanted).not.toEqual([]);
		expect(wanted.filter((path) => !files.includes(path))).toEqual([]);
	});

	it('holds nothing else, such as tests, sources, types, build information or settings', () => {
		const wanted = Object.values(CONTENTS).flatMap((expected) => expected());
		expect(files.filter((path) => !wanted.includes(path))).toEqual([]);
	});

	it('does not name the folder it was built in', () => {
		const naming = files.filter((path) =>
			readFileSync(join(folder, 'package', path), 'utf8').includes(ROOT),
		);
		expect(naming).toEqual([]);
	});
});
