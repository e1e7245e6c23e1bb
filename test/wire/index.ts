import type { IDataObject } from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import type { Operation } from '../../nodes/Midjourney/operations/operation';
import { allProviders } from '../../nodes/Midjourney/providers';
import type { ProviderName, TaskKind } from '../../nodes/Midjourney/providers/provider';
import { MIDAPI, MIDAPI_FREE, midApiCalling } from './midApi';
import type { FreeRow, FreeTable, Row } from './table';
import { flat, VTRIX, VTRIX_FREE, vtrixCalling } from './vtrix';

export { hasSource, outputsOf, rowWith, SOURCE } from './table';
export type { FreeRow } from './table';

/** A form in which a provider may want the body of a submit. */
interface Form {
	what: string;
	/** In the credential; undefined where it is not set. */
	requestFormat?: string;
	/** @param body as the rows have it */
	bodyOf(body: IDataObject): IDataObject;
}

interface Wire {
	sells: Readonly<Partial<Record<TaskKind, readonly Row[]>>>;
	gives: FreeTable;
	/** The body of a submit with the address that the provider is to call. */
	calling(url: string, body: IDataObject): IDataObject;
	forms: readonly Form[];
}

const asInRows = (body: IDataObject): IDataObject => body;

/** Every provider on the wire. */
export const WIRES: Readonly<Record<ProviderName, Wire>> = {
	midApi: {
		...{ sells: MIDAPI, gives: MIDAPI_FREE, calling: midApiCalling },
		forms: [{ what: 'its only form', bodyOf: asInRows }],
	},
	vtrix: {
		...{ sells: VTRIX, gives: VTRIX_FREE, calling: vtrixCalling },
		forms: [
			{ what: 'by default', bodyOf: asInRows },
			{ what: 'wrapped', requestFormat: 'wrapped', bodyOf: asInRows },
			{ what: 'flat', requestFormat: 'flat', bodyOf: flat },
		],
	},
};

/** A row and where it stands. */
export interface Entry<R = Row> {
	/** Of its tests: such as `vtrix image:upscale, nothing set`. */
	title: string;
	provider: ProviderName;
	operation: Operation;
	/** Of the operation. */
	id: string;
	/** The first of its operation. */
	isTypical: boolean;
	row: R;
}

/** All rows of all providers that buy, in the order of the operations. */
export const PURCHASES: readonly Entry[] = entriesOf((provider, operation) =>
	operation.does === 'submit' ? (WIRES[provider].sells[operation.kind] ?? []) : [],
);

/** The same of what costs nothing. */
export const QUESTIONS: ReadonlyArray<Entry<FreeRow>> = entriesOf((provider, operation) => {
	const given = new Map<string, FreeRow>(Object.entries(WIRES[provider].gives));
	return [given.get(idOf(operation)) ?? []].flat();
});

function entriesOf<R extends FreeRow>(
	rowsOf: (provider: ProviderName, operation: Operation) => readonly R[],
): Array<Entry<R>> {
	return allProviders.flatMap(({ name: provider }) =>
		operations.flatMap((operation) =>
			rowsOf(provider, operation).map((row, place) => {
				const id = idOf(operation);
				const title = [`${provider} ${id}`, row.what].filter(Boolean).join(', ');
				return { title, provider, operation, id, isTypical: place === 0, row };
			}),
		),
	);
}

/** Such as `image:upscale`. */
export function idOf({ resource, operation }: Operation): string {
	return `${resource}:${operation}`;
}

/** The parameters of a node that does what a row says. */
export const parametersOf = ({ provider, operation, row }: Entry<FreeRow>): IDataObject => ({
	...{ authentication: provider, resource: operation.resource, operation: operation.operation },
	...row.entered,
});
