import { filesIn, read } from './built';
import {
	circlesOf,
	foreignImports,
	graphOf,
	importsOf,
	namesIn,
	UNKNOWN,
	upwardImports,
	type Imports,
} from './graph';

const importsOfAll = (files: readonly string[]): Imports =>
	new Map(files.map((file) => [file, importsOf(file, read(file))]));

describe('The reader of imports', () => {
	it.each([
		["import { a } from './x'", './x'],
		["import './x'", './x'],
		["import type { A } from './x'", './x'],
		["import { type A } from './x'", './x'],
		["export { a } from './x'", './x'],
		["export type * from './x'", './x'],
		["import a = require('./x')", './x'],
		["type A = import('./x').A", './x'],
		["const a = await import('./x')", './x'],
		["const a = require('./x')", './x'],
		["const a = require.resolve('./x')", './x'],
		['const a = require(`./x`)', './x'],
		["const a = require('./' + name)", UNKNOWN],
	])('sees %s', (code, expected) => {
		expect(importsOf('file.ts', code)).toEqual([expected]);
	});

	it('sees none in strings and comments', () => {
		expect(importsOf('file.ts', `// import './x'\nconst a = "require('./x')";`)).toEqual([]);
	});

	it('reports an import from a floor above', () => {
		const graph = new Map([
			['up/a.ts', ['up/b.ts', 'down/c.ts']],
			['down/c.ts', ['up/b.ts']],
		]);
		const found = upwardImports(graph, ['up', 'down'], (file) => file.split('/')[0]);
		expect(found).toEqual(['down/c.ts → up/b.ts']);
	});

	it('reports a circle with only the files on it', () => {
		const graph = new Map([
			['a', ['b']],
			['b', ['c', 'd']],
			['c', ['b']],
			['d', []],
		]);
		expect(circlesOf(graph)).toEqual([['b', 'c', 'b']]);
	});

	it('fails at an import of a file that is not there', () => {
		expect(() => graphOf(new Map([['a.ts', ['./b']]]))).toThrow('a.ts imports ./b');
	});
});

describe('The built code', () => {
	const imports = importsOfAll(['index.js', ...filesIn(['dist'], '.js')]);

	it('imports no package but n8n-workflow, and of Node.js only crypto', () => {
		const allowed = ['n8n-workflow', 'crypto', 'node:crypto'];
		expect(imports.size).toBeGreaterThan(1);
		expect(foreignImports(imports).filter(([, specifier]) => !allowed.includes(specifier))).toEqual(
			[],
		);
	});

	it('contains every file that it imports', () => {
		expect(graphOf(imports).size).toBe(imports.size);
	});
});

/** From the top down; a file may import from its own floor and from those below. */
const FLOORS = ['node', 'operations', 'tasks', 'providers'] as const;
type Floor = (typeof FLOORS)[number];

const NODES = 'nodes/Midjourney/';

/** The floor of a file; undefined if it is on none. */
function floorOf(file: string): Floor | undefined {
	if (!file.startsWith(NODES)) return undefined;
	const inside = file.slice(NODES.length);
	return inside.includes('/') ? FLOORS.find((floor) => inside.startsWith(`${floor}/`)) : 'node';
}

/** What must not even be named on a floor, because it belongs to others. */
const UNKNOWN_TO: Array<[Floor, string, RegExp]> = [
	['operations', 'HTTP', /^(httpRequest|IHttpRequest|openCredential$)/],
	['tasks', 'requests with a key', /^httpRequestWithAuthentication$/],
	['tasks', 'parameters of n8n', /^(getNodeParameter$|INodePropert|INodeParameter)/],
	['providers', 'parameters of n8n', /^(getNodeParameter$|INodePropert|INodeParameter)/],
];

describe('The source code', () => {
	const nodes = filesIn(['nodes'], '.ts');
	const graph = graphOf(importsOfAll(nodes));
	const onFloor = (floor: Floor) => nodes.filter((file) => floorOf(file) === floor);

	it('has every file on a floor', () => {
		expect(nodes.filter((file) => floorOf(file) === undefined)).toEqual([]);
		expect(FLOORS.filter((floor) => onFloor(floor).length === 0)).toEqual([]);
	});

	it('has only nodes on the top floor', () => {
		expect(onFloor('node').filter((file) => !file.endsWith('.node.ts'))).toEqual([]);
	});

	it('imports nothing upwards, not even a type', () => {
		expect(upwardImports(graph, FLOORS, floorOf)).toEqual([]);
	});

	it('imports no node, anywhere', () => {
		const importers = nodes.filter((file) =>
			graph.get(file)?.some((target) => floorOf(target) === 'node'),
		);
		expect(importers).toEqual([]);
	});

	it('imports in no circle, not even types', () => {
		expect(circlesOf(graph).map((circle) => circle.join(' → '))).toEqual([]);
	});

	it('imports no package but n8n-workflow, and of Node.js only crypto', () => {
		const imports = importsOfAll(filesIn(['nodes', 'credentials'], '.ts'));
		const specifiers = foreignImports(imports).map(([, specifier]) => specifier);
		expect([...new Set(specifiers)].sort()).toEqual(['crypto', 'n8n-workflow']);
	});

	it('has credentials that import nothing of the nodes', () => {
		const imports = importsOfAll(filesIn(['credentials'], '.ts'));
		const others = [...imports.values()].flat().filter((specifier) => !/^\.\/\w+$/.test(specifier));
		expect([...new Set(others)]).toEqual(['n8n-workflow']);
	});

	it.each(UNKNOWN_TO)('has %s that know no %s', (floor, _, pattern) => {
		const knowing = onFloor(floor).flatMap((file) =>
			[...namesIn(file, read(file))]
				.filter((name) => pattern.test(name))
				.map((name) => `${file}: ${name}`),
		);
		expect(knowing).toEqual([]);
	});
});
