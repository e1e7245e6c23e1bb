/**
 * Stands at the end of a switch over a union: a member without its case does not compile.
 *
 * @throws TypeError always; only a value that the types do not know comes here
 */
export function impossible(value: never): never {
	throw new TypeError(`Not expected: ${JSON.stringify(value)}`);
}
