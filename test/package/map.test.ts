import { filesIn, read } from './built';

/** The map in CONTRIBUTING.md lists every file of the nodes, and only files that exist. */

/** A file, a folder (ends in a slash) or, with stars, the files of a folder. */
const PATH = /^[\w./*-]+(?:\/|\.ts|\.json|\.svg)$/;

/** The paths in a map; an indented one belongs to the folder above. */
function pathsIn(map: string): string[] {
	const folders: Array<{ indent: number; path: string }> = [];
	return map.split('\n').flatMap((line) => {
		const [, spaces = '', column = ''] = /^( *)(\S.*?)(?: {2}|$)/.exec(line) ?? [];
		const names = column.split(', ');
		// This line continues a description.
		if (!names.every((name) => PATH.test(name))) return [];
		while ((folders.at(-1)?.indent ?? -1) >= spaces.length) folders.pop();
		const folder = folders.at(-1)?.path ?? '';
		const [first = ''] = names;
		if (names.length === 1 && first.endsWith('/')) {
			folders.push({ indent: spaces.length, path: folder + first });
		}
		return names.map((name) => folder + name);
	});
}

/** Whether a path of the map covers a file; a folder does only if none of its contents are listed. */
function means(path: string, file: string, paths: readonly string[]): boolean {
	if (path.endsWith('/')) {
		const isOpen = paths.some((other) => other !== path && other.startsWith(path));
		return !isOpen && file.startsWith(path);
	}
	const pattern = path.split('*').map((part) => part.replace(/[.]/g, '\\.'));
	return new RegExp(`^${pattern.join('[^/]*')}$`).test(file);
}

const section = read('CONTRIBUTING.md').split('## A map of the house')[1] ?? '';
const map = /```\n([^]*?)```/.exec(section)?.[1] ?? '';
const paths = pathsIn(map);
const files = filesIn(['credentials', 'nodes', 'docs', 'test', 'scripts', 'examples']);

describe('The reader of a map', () => {
	const small = pathsIn(
		[
			'a/',
			'  b.ts, c.ts  two files',
			'         of a folder',
			'  d/      closed',
			'e/*.ts  more',
		].join('\n'),
	);

	it('knows folders and files', () => {
		expect(small).toEqual(['a/', 'a/b.ts', 'a/c.ts', 'a/d/', 'e/*.ts']);
	});

	it.each([
		['a/b.ts', true],
		['a/x.ts', false],
		['a/d/x.ts', true],
		['e/x.ts', true],
		['e/x/y.ts', false],
	])('has %s: %j', (file, expected) => {
		expect(small.some((path) => means(path, file, small))).toBe(expected);
	});
});

describe('The map of the house', () => {
	it('has every file of nodes and credentials', () => {
		const own = files.filter((file) => /^(credentials|nodes)\//.test(file));
		const missing = own.filter((file) => !paths.some((path) => means(path, file, paths)));
		expect(missing).toEqual([]);
	});

	it('has every folder with tests', () => {
		const folders = files.flatMap((file) => /^test\/[^/]+\//.exec(file)?.[0] ?? []);
		expect([...new Set(folders)].filter((folder) => !paths.includes(folder))).toEqual([]);
	});

	it('has only files and folders that exist', () => {
		const isThere = (path: string) =>
			files.some((file) => (path.endsWith('/') ? file.startsWith(path) : means(path, file, paths)));
		expect(paths.filter((path) => !isThere(path))).toEqual([]);
	});

	it('has each path once', () => {
		expect(paths.filter((path, place) => paths.indexOf(path) !== place)).toEqual([]);
	});

	it('has file names in camelCase, except for the files that n8n loads', () => {
		const odd = files.filter(
			(file) =>
				!/(^|\/)[a-z][a-zA-Z0-9.]*$/.test(file) && !/\.(node|credentials)\.[a-z]+$/.test(file),
		);
		expect(odd.filter((file) => /^(nodes|test|scripts)\/.*\.(ts|mjs|cjs|js)$/.test(file))).toEqual(
			[],
		);
	});
});
