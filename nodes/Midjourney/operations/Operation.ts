import type { IDataObject } from 'n8n-workflow';

import type { ProviderName } from '../providers';
import type { Answer, Http } from '../providers/http';
import type { Provider, TaskRequest } from '../providers/Provider';
import type { Field } from './Field';
import type { Parameters } from './Parameters';

/** What an operation wants done for one item. */
export type Intent =
	/** Submit tasks, usually one, and wait for them: each costs money. */
	| { does: 'buy'; requests: TaskRequest[] }
	/** Wait for tasks that were submitted before. */
	| { does: 'wait'; taskIds: string[] }
	/** Look at a task once. */
	| { does: 'look'; taskId: string }
	/** Ask something else that is free; the answer is the item. Undefined: the provider has nothing of the kind. */
	| {
			does: 'ask';
			question: (provider: Provider, http: Http) => Promise<Answer<IDataObject> | undefined>;
	  };

/** One row of the table of operations: everything there is to say about one. */
export interface Operation {
	resource: string;
	/** Stable: saved in workflows. */
	operation: string;
	/** Who can do it. */
	providers: readonly ProviderName[];
	/** Title Case, without the resource. */
	name: string;
	/** Sentence case, with the resource: what the node panel lists. */
	action: string;
	description: string;
	/** Shown at the top level, in this order. */
	fields: ReadonlyArray<Field<unknown>>;
	/** Shown under Additional Fields, alphabetically. All optional, and only sent when set. */
	additional?: ReadonlyArray<Field<unknown>>;
	/** `waits`: has Wait Mode and the options of waiting. `brings`: has the options of results. */
	traits: ReadonlyArray<'submits' | 'waits' | 'brings'>;
	/**
	 * Reads what a user has entered for one item, checks it, and says what to do.
	 *
	 * @throws NodeOperationError that names item, field and remedy
	 */
	intent(from: Parameters): Intent;
}
