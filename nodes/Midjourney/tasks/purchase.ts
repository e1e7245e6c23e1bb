import { createHash } from 'crypto';
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import { isRecord } from '../providers/json';

/**
 * By what a purchase is known: what the user wrote and what came in, never what an expression came to, because that may
 * be something else the next time.
 */

/** A short digest of a value, the same however its keys are ordered, and before and after it was saved as JSON. */
export const digestOf = (value: unknown): string =>
	createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);

/**
 * Of what came in with an item: its json and its files. n8n moves the files of a trigger when it first saves their
 * execution; only the last part of their address stays.
 */
export const digestOfItem = (item: INodeExecutionData | undefined): string =>
	digestOf([
		item?.json,
		item?.binary &&
			Object.fromEntries(
				Object.entries(item.binary).map(([field, file]) => [
					field,
					{ ...file, id: file.id?.split('/').at(-1) },
				]),
			),
	]);

function canonical(value: unknown): string {
	// As it is after it was saved: dates are texts, and what is undefined is not there.
	const saved: unknown = JSON.parse(JSON.stringify(value ?? null));
	return JSON.stringify(saved, (_, part: unknown) =>
		isRecord(part)
			? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
			: part,
	);
}

/** Plain text, and between `{{` and `}}` nothing but paths into `$json`. */
const PATHS_ONLY =
	/^=(?:(?!\{\{)[^])*(?:\{\{\s*\$json(?:\.[\w$]+|\[(?:'[^']*'|"[^"]*"|\d+)\])+\s*\}\}(?:(?!\{\{)[^])*)*$/;

/**
 * Whether parameters as written come to the same for the same item, for sure. An expression may draw on the time, on
 * chance or on other nodes; only plain paths into the item are known not to.
 */
export function dependsOnItemAlone(written: unknown): boolean {
	if (typeof written === 'string') return !written.startsWith('=') || PATHS_ONLY.test(written);
	if (Array.isArray(written)) return written.every(dependsOnItemAlone);
	return !isRecord(written) || Object.values(written).every(dependsOnItemAlone);
}

/** Which purchases a run of the node may make, and on whose account. */
export interface PurchaseContext {
	executionId: string;
	/** Which run of the node this is within the execution. */
	runIndex: number;
	/** What makes the purchase among the parameters, expressions as they were written. */
	written: IDataObject;
	/** What came in. */
	itemAt(itemIndex: number): INodeExecutionData | undefined;
	/** The credential; ids of tasks mean nothing to another account. */
	account: Account;
	/**
	 * What an agent has written into a call of its tool does not come in as an item everywhere, so there a purchase is
	 * known by its request, too.
	 */
	isToolCall?: boolean;
}

/** A credential as n8n names it. */
export interface Account {
	id: string;
	name: string;
}
