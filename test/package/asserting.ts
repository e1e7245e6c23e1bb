/* eslint-disable @n8n/community-nodes/no-restricted-imports -- follows imports, it is not a node */
import { posix } from 'node:path';

import ts from 'typescript';

/** A source file, as far as it matters which of its functions assert something. */
interface Source {
	/** Its functions by their names; several where scopes have the same one. */
	functions: Map<string, ts.Node[]>;
	/** What it imports from other files of the house, by the name that it has here. */
	imports: Map<string, { path: string; name: string }>;
	tests: Array<{ title: string; body: ts.Node | undefined }>;
}

/**
 * Finds the tests that assert nothing: neither they themselves nor any function that they name, of their own file or of
 * one that it imports.
 *
 * @param read gives the text of a file; undefined where there is none
 * @returns what gives the titles of such tests in a file
 */
export function vainTests(read: (path: string) => string | undefined): (path: string) => string[] {
	const sources = new Map<string, Source | undefined>();
	const sourceOf = (path: string): Source | undefined => {
		if (!sources.has(path)) {
			const code = read(path);
			sources.set(path, code === undefined ? undefined : parsed(path, code));
		}
		return sources.get(path);
	};

	/** @param through the functions that were looked into on the way: what calls itself asserts no more for that */
	function asserts(node: ts.Node, path: string, through: readonly ts.Node[]): boolean {
		const names = [...namesIn(node)];
		return names.includes('expect') || names.some((name) => isAsserting(name, path, through));
	}

	function isAsserting(name: string, path: string, through: readonly ts.Node[]): boolean {
		const { functions, imports } = sourceOf(path) ?? {};
		const imported = imports?.get(name);
		if (imported && isAsserting(imported.name, imported.path, through)) return true;
		return (functions?.get(name) ?? []).some(
			(own) => !through.includes(own) && asserts(own, path, [...through, own]),
		);
	}

	return (path) =>
		(sourceOf(path)?.tests ?? []).flatMap(({ title, body }) =>
			body && asserts(body, path, []) ? [] : title,
		);
}

/** The names that stand for something of their own, not for a member of something. */
function namesIn(node: ts.Node, names = new Set<string>()): Set<string> {
	if (ts.isIdentifier(node)) names.add(node.text);
	else if (ts.isPropertyAccessExpression(node)) namesIn(node.expression, names);
	else if (ts.isPropertyAssignment(node)) namesIn(node.initializer, names);
	else ts.forEachChild(node, (child) => void namesIn(child, names));
	return names;
}

function parsed(path: string, code: string): Source {
	const file = ts.createSourceFile(path, code, ts.ScriptTarget.Latest);
	const source: Source = { functions: new Map(), imports: new Map(), tests: [] };
	const keep = (name: ts.Node | undefined, body: ts.Node | undefined) => {
		if (!name || !ts.isIdentifier(name) || !body) return;
		source.functions.set(name.text, [...(source.functions.get(name.text) ?? []), body]);
	};
	const visit = (node: ts.Node): void => {
		if (ts.isImportDeclaration(node)) {
			for (const [name, imported] of importsIn(node, path)) source.imports.set(name, imported);
			return;
		}
		if (ts.isFunctionDeclaration(node)) keep(node.name, node.body);
		if (ts.isVariableDeclaration(node)) keep(node.name, functionIn(node.initializer));
		if (ts.isCallExpression(node) && isTest(node.expression)) {
			const [title, ...rest] = node.arguments;
			source.tests.push({ title: title?.getText(file) ?? '', body: rest[0] });
		}
		ts.forEachChild(node, visit);
	};
	visit(file);
	return source;
}

const functionIn = (node: ts.Expression | undefined): ts.Node | undefined =>
	node && (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) ? node : undefined;

function importsIn(
	{ importClause, moduleSpecifier }: ts.ImportDeclaration,
	path: string,
): Array<[string, { path: string; name: string }]> {
	const bindings = importClause?.namedBindings;
	if (!ts.isStringLiteral(moduleSpecifier) || !moduleSpecifier.text.startsWith('.')) return [];
	if (!bindings || !ts.isNamedImports(bindings)) return [];
	const target = `${posix.join(posix.dirname(path), moduleSpecifier.text)}.ts`;
	return bindings.elements.map(({ name, propertyName }) => [
		name.text,
		{ path: target, name: (propertyName ?? name).text },
	]);
}

/** Whether what is called makes a test: `it`, `test.only`, `it.each(…)`; but not the table that `each` is given. */
function isTest(called: ts.Expression): boolean {
	if (ts.isIdentifier(called)) return /^(it|test)$/.test(called.text);
	if (ts.isPropertyAccessExpression(called)) {
		return called.name.text !== 'each' && isTest(called.expression);
	}
	const table = ts.isCallExpression(called)
		? called.expression
		: ts.isTaggedTemplateExpression(called)
			? called.tag
			: undefined;
	return (
		table !== undefined &&
		ts.isPropertyAccessExpression(table) &&
		table.name.text === 'each' &&
		isTest(table.expression)
	);
}
