import type { IDataObject } from 'n8n-workflow';

import type { RequestMap, TaskKind, TaskRequest } from '../../nodes/Midjourney/providers/provider';

/**
 * What a provider gets on the wire for what is entered in the panel: one table for each provider, written from
 * docs (wire.md: MidAPI, Vtrix). The unit tests, those in n8n's engine and those in a real n8n all run these rows.
 */

/** A call as it goes over the wire, without the key. */
export interface WireCall {
	method: 'GET' | 'POST';
	path: string;
	query?: Record<string, string>;
	body?: IDataObject;
}

/** A call that buys. */
export interface SubmitCall extends WireCall {
	method: 'POST';
	body: IDataObject;
}

/** One purchase, from the panel to the wire. */
export interface Row<K extends TaskKind = TaskKind> {
	/** What tells it from the other rows of its kind; part of the names of its tests. */
	what: string;
	/** What is entered besides provider, resource and operation. What is left out stays as the panel has it. */
	entered: IDataObject;
	/** The same in the words of the node. */
	request: RequestMap[K];
	/** Without a callback. */
	call: SubmitCall;
	/** Options of the emulator, if the provider's pages contradict each other and the row takes the less likely reading. */
	emulated?: { varyIndexBase: 1 };
}

/**
 * The rows of each kind of task that a provider offers; a kind without a row does not compile. The first row of each kind
 * is the typical one, which also runs in a real n8n.
 */
export type WireTable<K extends TaskKind> = {
	readonly [Own in K]: readonly [Row<Own>, ...Array<Row<Own>>];
};

/** What costs nothing, from the panel to the wire. */
export interface FreeRow {
	what?: string;
	/** The parameters besides provider, resource and operation. */
	entered: IDataObject;
	call: WireCall;
}

/** One for each operation that costs nothing, by `resource:operation`. */
export type FreeTable = Readonly<Record<'task:get' | 'task:wait', FreeRow>> &
	Readonly<Partial<Record<'account:getCredits' | 'file:getDownloadUrl', FreeRow>>>;

/**
 * The item that comes in where an operation goes on from a result: the third of several. In the rows its ids and its
 * address stand for those of whatever item a suite has (`rowWith`).
 */
export const SOURCE = {
	taskId: 'task-of-the-source',
	jobId: 'job-of-the-source',
	index: 2,
	url: 'https://example.com/file-of-the-source.png',
};

const STANDING_FOR = ['taskId', 'jobId', 'url'] as const;

/** How many outputs the emulator makes of a request. */
export function outputsOf(request: TaskRequest): number {
	if (request.kind === 'generateVideo') return request.videoCount ?? 1;
	return request.kind === 'upscaleImage' || request.kind === 'extendVideo' ? 1 : 4;
}

/** Whether a row is about the item that comes in. */
export const hasSource = (row: Row): boolean =>
	STANDING_FOR.some((name) => JSON.stringify(row).includes(SOURCE[name]));

/** A row as it is with another item in the place of `SOURCE`, also the third of several. */
export function rowWith(source: Readonly<Record<string, unknown>>, row: Row): Row {
	const text = STANDING_FOR.reduce(
		(all, name) => all.replaceAll(SOURCE[name], String(source[name])),
		JSON.stringify(row),
	);
	return JSON.parse(text);
}
