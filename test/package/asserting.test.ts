import ts from 'typescript';

import { filesIn, read } from './built';

/** A test that asserts nothing cannot fail by what it is about. */

/** The titles of the tests that assert nothing: neither they themselves nor any function of their file that they name. */
function vainTestsIn(code: string): string[] {
	const file = ts.createSourceFile('file.ts', code, ts.ScriptTarget.Latest);
	const functions = new Map<string, ts.Node[]>();
	const tests: Array<{ title: string; body: ts.Node | undefined }> = [];
	const visit = (node: ts.Node): void => {
		const [name, body] = functionIn(node);
		if (name !== undefined && body) functions.set(name, [...(functions.get(name) ?? []), body]);
		if (ts.isCallExpression(node) && isTest(node.expression)) {
			const [title, own] = node.arguments;
			tests.push({ title: title?.getText(file) ?? '', body: own });
		}
		ts.forEachChild(node, visit);
	};
	visit(file);

	/** @param through the functions that were looked into on the way: what calls itself asserts no more for that */
	const asserts = (node: ts.Node, through: readonly ts.Node[] = []): boolean => {
		const names = namesIn(node);
		const named = [...names].flatMap((name) => functions.get(name) ?? []);
		return (
			names.has('expect') ||
			named.some((own) => !through.includes(own) && asserts(own, [...through, own]))
		);
	};
	return tests.flatMap(({ title, body }) => (body && asserts(body) ? [] : title));
}

/** The function that is declared here, and its name. */
function functionIn(node: ts.Node): [name?: string, body?: ts.Node] {
	if (ts.isFunctionDeclaration(node)) return [node.name?.text, node.body];
	if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name)) return [];
	const { name, initializer: own } = node;
	return own && (ts.isArrowFunction(own) || ts.isFunctionExpression(own)) ? [name.text, own] : [];
}

/** The names that stand for something of their own, not for a member of something. */
function namesIn(node: ts.Node, names = new Set<string>()): Set<string> {
	if (ts.isIdentifier(node)) names.add(node.text);
	else if (ts.isPropertyAccessExpression(node)) namesIn(node.expression, names);
	else if (ts.isPropertyAssignment(node)) namesIn(node.initializer, names);
	else ts.forEachChild(node, (child) => void namesIn(child, names));
	return names;
}

/** Whether what is called makes a test: `it`, `test.only`, `it.each(…)`; but not the table that `each` is given. */
function isTest(called: ts.Expression): boolean {
	if (ts.isIdentifier(called)) return /^(it|test)$/.test(called.text);
	if (ts.isPropertyAccessExpression(called)) {
		return called.name.text !== 'each' && isTest(called.expression);
	}
	return (
		ts.isCallExpression(called) &&
		ts.isPropertyAccessExpression(called.expression) &&
		called.expression.name.text === 'each' &&
		isTest(called.expression.expression)
	);
}

describe('The reader of tests', () => {
	it.each([
		["it('a', () => { expect(1).toBe(1); });", []],
		["it('a', () => { f(); });", ["'a'"]],
		["it('a', () => { f(); }); function f() { expect(1).toBe(1); }", []],
		["it('a', () => { x.f(); }); function f() { expect(1).toBe(1); }", ["'a'"]],
		["const f = (n) => f(n - 1); it('a', () => f(3));", ["'a'"]],
		["const f = () => g(); const g = () => { f(); expect(1).toBe(1); }; it('a', f);", []],
		["it.each([expect.anything()])('a', (x) => { f(x); });", ["'a'"]],
		["it.each([1])('a', (x) => { expect(x).toBe(1); });", []],
		["describe.each([1])('a', (x) => { test.only(`b ${x}`, async () => {}); });", ['`b ${x}`']],
		["it.todo('a');", ["'a'"]],
		["/it/.test('a'); run.test('a', () => {});", []],
	])('finds in %s those without an assertion: %j', (code, vain) => {
		expect(vainTestsIn(code)).toEqual(vain);
	});
});

describe('Every test', () => {
	it.each(filesIn(['test'], '.test.ts'))('asserts something: %s', (file) => {
		expect(vainTestsIn(read(file))).toEqual([]);
	});
});
