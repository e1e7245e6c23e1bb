/* eslint-disable @n8n/community-nodes/no-restricted-imports -- follows paths, it is not a node */
import { posix } from 'node:path';

import ts from 'typescript';

/** Reads which file imports what. */

/** The import specifiers of every file, by path from the root, with slashes. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** Stands for a specifier that is not a literal, so that nobody can say what it imports. */
export const UNKNOWN = '(computed)';

const parse = (path: string, code: string): ts.SourceFile =>
	ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true);

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
	see(node);
	ts.forEachChild(node, (child) => visit(child, see));
}

/** Everything that a file imports in any way, `import type` included. */
export function importsOf(path: string, code: string): string[] {
	const found: string[] = [];
	const add = (specifier: ts.Node | undefined) => {
		found.push(specifier && ts.isStringLiteralLike(specifier) ? specifier.text : UNKNOWN);
	};
	visit(parse(path, code), (node) => {
		if (ts.isImportDeclaration(node)) add(node.moduleSpecifier);
		if (ts.isExportDeclaration(node) && node.moduleSpecifier) add(node.moduleSpecifier);
		if (ts.isExternalModuleReference(node)) add(node.expression);
		if (ts.isImportTypeNode(node)) {
			add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument);
		}
		if (ts.isCallExpression(node) && isImportCall(node)) add(node.arguments[0]);
	});
	return found;
}

/** `import(…)`, `require(…)`, and calls on what is required: `require.resolve(…)`. */
function isImportCall({ expression }: ts.CallExpression): boolean {
	const called = ts.isPropertyAccessExpression(expression) ? expression.expression : expression;
	return (
		called.kind === ts.SyntaxKind.ImportKeyword ||
		(ts.isIdentifier(called) && called.text === 'require')
	);
}

/** Every identifier in a file, outside of strings and comments. */
export function namesIn(path: string, code: string): Set<string> {
	const names = new Set<string>();
	visit(parse(path, code), (node) => {
		if (ts.isIdentifier(node)) names.add(node.text);
	});
	return names;
}

const isRelative = (specifier: string): boolean => /^\.{1,2}(\/|$)/.test(specifier);

/** The packages and Node.js modules that files import, with the file. */
export const foreignImports = (imports: Imports): Array<[file: string, specifier: string]> =>
	[...imports].flatMap(([file, specifiers]) =>
		specifiers
			.filter((specifier) => !isRelative(specifier))
			.map((specifier): [string, string] => [file, specifier]),
	);

/**
 * The files that each file imports.
 *
 * @throws when a relative import leads to none of the files
 */
export function graphOf(imports: Imports): Map<string, string[]> {
	const resolve = (file: string, specifier: string): string => {
		const path = posix.join(posix.dirname(file), specifier);
		const found = [path, `${path}.ts`, `${path}.js`, `${path}/index.ts`, `${path}/index.js`].find(
			(candidate) => imports.has(candidate),
		);
		if (found === undefined) throw new Error(`${file} imports ${specifier}, which is not there`);
		return found;
	};
	return new Map(
		[...imports].map(([file, specifiers]) => [
			file,
			specifiers.filter(isRelative).map((specifier) => resolve(file, specifier)),
		]),
	);
}

/** The imports that lead to a floor above, by a list of floors from the top down; undefined: a file of no floor. */
export const upwardImports = <Floor>(
	graph: ReadonlyMap<string, readonly string[]>,
	floors: readonly Floor[],
	floorOf: (file: string) => Floor | undefined,
): string[] => {
	const depth = (file: string): number => {
		const floor = floorOf(file);
		return floor === undefined ? -1 : floors.indexOf(floor);
	};
	return [...graph].flatMap(([file, targets]) =>
		targets.filter((target) => depth(target) < depth(file)).map((target) => `${file} → ${target}`),
	);
};

/** The files of each circle, in the order of their imports; one circle for every import that closes one. */
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
	const circles: string[][] = [];
	const finished = new Set<string>();
	const follow = (file: string, way: readonly string[]): void => {
		const start = way.indexOf(file);
		if (start >= 0) circles.push([...way.slice(start), file]);
		if (start >= 0 || finished.has(file)) return;
		for (const target of graph.get(file) ?? []) follow(target, [...way, file]);
		finished.add(file);
	};
	for (const file of graph.keys()) follow(file, []);
	return circles;
}
