import { vainTests } from './asserting';
import { filesIn, read } from './built';

/** A test that asserts nothing cannot fail by what it is about. */

describe('The reader of tests', () => {
	const FILES: Record<string, string> = {
		'test/checks.ts': [
			'export const isRight = (x: number) => expect(x).toBe(1);',
			'export function looksAt(x: number) { return x; }',
			'export const shows = (x: number) => isRight(x);',
		].join('\n'),
	};
	const imported = "import { isRight as right, looksAt, shows } from './checks';\n";

	it.each([
		["it('a', () => { expect(1).toBe(1); });", []],
		["it('a', () => { f(); });", ["'a'"]],
		["it('a', () => { f(); }); function f() { expect(1).toBe(1); }", []],
		["const f = (n) => f(n - 1); it('a', () => f(3));", ["'a'"]],
		["const f = () => g(); const g = () => { f(); expect(1).toBe(1); }; it('a', f);", []],
		["it('a', () => right(1)); it('b', () => looksAt(1)); it('c', () => shows(1));", ["'b'"]],
		["it.each([expect.anything()])('a', (x) => { f(x); });", ["'a'"]],
		["it.each([1])('a', (x) => { expect(x).toBe(1); });", []],
		["describe.each([1])('a', (x) => { test.only(`b ${x}`, async () => {}); });", ['`b ${x}`']],
		["it.todo('a');", ["'a'"]],
		["/it/.test('a'); run.test('a', () => {});", []],
	])('finds in %s those without an assertion: %j', (code, vain) => {
		const texts = new Map(Object.entries(FILES)).set('test/own.test.ts', imported + code);
		const vainIn = vainTests((path) => texts.get(path));
		expect(vainIn('test/own.test.ts')).toEqual(vain);
	});
});

describe('Every test', () => {
	const files = filesIn(['test'], '.ts');
	const vainIn = vainTests((path) => (files.includes(path) ? read(path) : undefined));

	it.each(files.filter((file) => file.endsWith('.test.ts')))('asserts something: %s', (file) => {
		expect(vainIn(file)).toEqual([]);
	});
});
