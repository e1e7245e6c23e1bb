import type { IDataObject } from 'n8n-workflow';

import type { RequestMap, TaskKind } from './provider';

/** How requests become calls: tables that the compiler holds complete, for each provider and each kind of task. */

/** The fields on the wire that say one setting of a request; those that are undefined are not sent. */
type Row<R> = (request: R) => IDataObject;

/** Every setting of a request, and how it is said. A setting without its row does not compile. */
export type WireTable<R> = Readonly<Record<Exclude<keyof R, 'kind'>, Row<R>>>;

/** For a setting that this provider has no place for, or that chooses between two calls. */
export const notSent: Row<unknown> = () => ({});

/** The fields of a request on the wire, without those that are undefined. */
export function wireFields<R>(request: R, table: Readonly<Record<string, Row<R>>>): IDataObject {
	const fields = Object.values(table).map((row) => row(request));
	return defined(Object.assign({}, ...fields));
}

/** The same fields without those that are undefined. */
export const defined = (fields: IDataObject): IDataObject =>
	Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** What a provider makes of each kind of task: a call, or nothing, because it does not offer it. */
export type CallTable<C> = {
	readonly [K in TaskKind]: ((request: RequestMap[K]) => C) | typeof NOT_OFFERED;
};

/** Says that a provider has nothing of a kind: left out, it would not compile. */
export const NOT_OFFERED = undefined;

/** The kinds for which a table has a call. */
export type OfferedIn<T extends CallTable<unknown>> = {
	[K in TaskKind]: T[K] extends typeof NOT_OFFERED ? never : K;
}[TaskKind];

/** The call that a request becomes; undefined where the provider does not offer its kind. */
export function callOf<C, K extends TaskKind>(
	table: CallTable<C>,
	kind: K,
	request: RequestMap[K],
): C | undefined {
	const make = table[kind];
	return make?.(request);
}
