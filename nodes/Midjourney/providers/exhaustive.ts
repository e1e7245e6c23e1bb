/**
 * Ends a switch over a union: a member without a case does not compile.
 *
 * @throws TypeError always; only a value outside the types gets here
 */
export function impossible(value: never): never {
	throw new TypeError(`Not expected: ${JSON.stringify(value)}`);
}
