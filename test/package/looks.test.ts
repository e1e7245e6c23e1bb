/* eslint-disable @n8n/community-nodes/no-restricted-imports -- reads files, it is not a node */
import { posix } from 'node:path';

import {
	builtCredential,
	builtNode,
	credentialFiles,
	filesIn,
	manifest,
	nodeFiles,
	read,
} from './built';

/** The categories that n8n knows; it silently drops all others. */
const CATEGORIES = [
	'Analytics',
	'Communication',
	'Data & Storage',
	'Development',
	'Finance & Accounting',
	'Marketing & Content',
	'Miscellaneous',
	'Productivity',
	'Sales',
	'Utility',
];

interface Codex {
	node: string;
	categories: string[];
	alias: string[];
	resources: Record<string, Array<{ url: string }>>;
}

/** n8n looks for the codex beside the node. */
const codexFileOf = (nodeFile: string) => nodeFile.replace(/\.js$/, '.json');
const codexOf = (nodeFile: string) => JSON.parse(read(codexFileOf(nodeFile))) as Codex;

describe('Codex files', () => {
	it('exist for every node and for nothing else', () => {
		expect(filesIn(['dist'], '.node.json')).toEqual(nodeFiles.map(codexFileOf));
	});

	it.each(nodeFiles)('of %s: give the full name of the node', (file) => {
		const { name } = builtNode(file).description;
		expect(codexOf(file).node).toBe(`${manifest.name}.${name}`);
	});

	it.each(nodeFiles)('of %s: have at least one category, all of them known to n8n', (file) => {
		const { categories } = codexOf(file);
		expect(categories).not.toEqual([]);
		expect(categories.filter((category) => !CATEGORIES.includes(category))).toEqual([]);
	});

	it.each(nodeFiles)('of %s: say where the node and its credential are documented', (file) => {
		const { resources } = codexOf(file);
		expect(Object.keys(resources).sort()).toEqual([
			'credentialDocumentation',
			'primaryDocumentation',
		]);
	});
});

/** Every node and credential with its icon. */
const LOOKS = [
	...nodeFiles.map((file) => [file, builtNode(file).description.icon] as const),
	...credentialFiles.map((file) => [file, builtCredential(file).icon] as const),
];

/** The pictures of an icon, and their paths: n8n takes them relative to the file that names them. */
function picturesOf(file: string, icon: unknown): { light: string; dark: string } {
	const { light, dark } = icon as { light: string; dark: string };
	const path = (reference: string) =>
		posix.join(posix.dirname(file), reference.slice('file:'.length));
	return { light: read(path(light)), dark: read(path(dark)) };
}

describe.each(LOOKS)('The icon of %s', (file, icon) => {
	it('has a light and a dark file', () => {
		const svgFile = expect.stringMatching(/^file:[\w.]+\.svg$/);
		expect(icon).toEqual({ light: svgFile, dark: svgFile });
	});

	it('differs between light and dark', () => {
		const { light, dark } = picturesOf(file, icon);
		expect(light).not.toBe(dark);
	});

	it.each(['light', 'dark'] as const)('is a square SVG: %s', (theme) => {
		const picture = picturesOf(file, icon)[theme];
		const svg = /^\s*<svg\b[^>]*\bviewBox="([-\d.]+) ([-\d.]+) ([\d.]+) ([\d.]+)"/.exec(picture);
		expect(svg).not.toBeNull();
		expect(svg?.[3]).toBe(svg?.[4]);
	});

	it.each(['light', 'dark'] as const)('contains no script and loads nothing: %s', (theme) => {
		expect(picturesOf(file, icon)[theme]).not.toMatch(
			/<script|<image|<foreignObject|href=|url\(http/i,
		);
	});
});
