import type { IDataObject } from 'n8n-workflow';

import type { RequestMap, TaskKind } from './provider';

/** How requests become calls: tables per provider and kind of task, whose completeness the compiler checks. */

/** The name of a setting on the wire, or the fields that express it. */
type Row<R> = string | ((request: R) => IDataObject);

/** How every setting of a request is expressed. A setting without a row does not compile. */
export type WireTable<R> = { readonly [S in Exclude<keyof R, 'kind'>]: Row<R> };

/** For a setting that this provider does not have, or that only chooses between two calls. */
export const notSent = (): IDataObject => ({});

/** The fields of a request on the wire, without those that are undefined. */
export function wireFields<R extends object>(
	request: R,
	table: Readonly<Record<string, Row<R>>>,
): IDataObject {
	const values = new Map<string, unknown>(Object.entries(request));
	const fields = Object.entries(table).map(([setting, row]) =>
		typeof row === 'string' ? { [row]: values.get(setting) } : row(request),
	);
	return defined(Object.assign({}, ...fields));
}

/** The fields that are not undefined. */
export const defined = (fields: IDataObject): IDataObject =>
	Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The form to write a request in: the wanted one if it is among these, otherwise the usual one. */
export const formAmong = <F extends string>(
	forms: readonly [usual: F, ...others: F[]],
	wanted: string | undefined,
): F => forms.find((form) => form === wanted) ?? forms[0];

/** The call of a provider for each kind of task, or nothing if the provider does not offer it. */
export type CallTable<C> = {
	readonly [K in TaskKind]: ((request: RequestMap[K]) => C) | typeof NOT_OFFERED;
};

/** Marks a kind of task that a provider does not offer; a missing row does not compile. */
export const NOT_OFFERED = undefined;

/** The kinds of tasks that a table has a call for. */
export type OfferedIn<T extends CallTable<unknown>> = {
	[K in TaskKind]: T[K] extends typeof NOT_OFFERED ? never : K;
}[TaskKind];

/** The call for a request; undefined if the provider does not offer its kind. */
export function callOf<C, K extends TaskKind>(
	table: CallTable<C>,
	kind: K,
	request: RequestMap[K],
): C | undefined {
	const make = table[kind];
	return make?.(request);
}
