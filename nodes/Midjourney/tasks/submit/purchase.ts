import { createHash } from 'crypto';
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import { isRecord } from '../../providers/json';

/**
 * What identifies a purchase: what the user wrote and what came in, never the value of an expression, because that may
 * be another one the next time.
 */

/** A short digest of a value: the same in whatever order its keys are, and before and after it was saved as JSON. */
export const digestOf = (value: unknown): string =>
	createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);

/**
 * The digest of an item that came in: of its json and its files. n8n moves the files of a trigger when it first saves their
 * execution; only the last part of their id stays the same.
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

/** The same value with single spaces in its texts: a model that repeats a call may change nothing else. */
export const evenlySpaced = (value: unknown): unknown =>
	JSON.parse(
		JSON.stringify(value ?? null, (_, part: unknown) =>
			typeof part === 'string' ? part.trim().replace(/\s+/g, ' ') : part,
		),
	);

function canonical(value: unknown): string {
	// Take the value as it is after saving: dates are strings, and undefined fields are gone.
	const saved: unknown = JSON.parse(JSON.stringify(value ?? null));
	return JSON.stringify(saved, (_, part: unknown) =>
		isRecord(part)
			? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
			: part,
	);
}

/** Plain text in which `{{ }}` contains nothing but paths into `$json`. */
const PATHS_ONLY =
	/^=(?:(?!\{\{)[^])*(?:\{\{\s*\$json(?:\.[\w$]+|\[(?:'[^']*'|"[^"]*"|\d+)\])+\s*\}\}(?:(?!\{\{)[^])*)*$/;

/**
 * Whether parameters as written are certain to have the same value for the same item. An expression may depend on the
 * time, on chance or on other nodes; only plain paths into the item are known not to.
 */
export function dependsOnItemAlone(written: unknown): boolean {
	if (typeof written === 'string') return !written.startsWith('=') || PATHS_ONLY.test(written);
	if (Array.isArray(written)) return written.every(dependsOnItemAlone);
	return !isRecord(written) || Object.values(written).every(dependsOnItemAlone);
}

/** What identifies the purchases of one run of the node, and their account. */
export interface PurchaseContext {
	executionId: string;
	/** The number of this run of the node within the execution. */
	runIndex: number;
	/** The node parameters that identify a purchase, with expressions as written, not evaluated. */
	written: IDataObject;
	/** The item that came in at this index. */
	itemAt(itemIndex: number): INodeExecutionData | undefined;
	/** The credential as n8n names it; the ids of its tasks mean nothing to another account. */
	account: { id: string; name: string };
	/**
	 * Whether an agent has called the node as its tool. What the agent writes into the call does not come in as an item
	 * everywhere, so such a purchase is identified by its request; and by nothing else, because a model that repeats a call
	 * has mostly lost track of what it has.
	 */
	isToolCall: boolean;
}
