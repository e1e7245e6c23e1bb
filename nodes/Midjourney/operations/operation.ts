import type { IDataObject } from 'n8n-workflow';

import { allProviders } from '../providers';
import type { Result, Http } from '../providers/http';
import type { Provider, RequestMap, TaskKind, TaskRequest } from '../providers/provider';
import type { Field } from './field';
import type { Parameters } from './parameters';

/** How the panel shows an operation, whatever it does. */
interface Described {
	resource: Resource;
	/** Stable: saved in workflows. */
	operation: string;
	/** Title Case, without the resource. */
	name: string;
	/** Sentence case, with the resource: the entry in n8n's list of actions. */
	action: string;
	description: string;
	/** Shown at the top level, in this order. */
	fields: ReadonlyArray<Field<unknown>>;
	/** The field whose value distinguishes nodes of this operation on the canvas. */
	toldApartBy?: Field<unknown>;
	/** Shown under Style and References, alphabetically: the look of the result. Optional, as in `additional`. */
	style?: ReadonlyArray<Field<unknown>>;
	/** Shown under Additional Fields, alphabetically. All optional, and only sent when set. */
	additional?: ReadonlyArray<Field<unknown>>;
}

/** The display names of the resources, by the value that workflows save. */
export const RESOURCES = {
	account: 'Account',
	file: 'File',
	image: 'Image',
	model: 'Model',
	task: 'Task',
	video: 'Video',
} as const;

/** A resource, as workflows save it. */
export type Resource = keyof typeof RESOURCES;

/** A request that names every setting, even those that are not set, so that none can be forgotten. */
export type Filled<R> = { [S in keyof Required<R>]: R[S] };

/** Submits tasks of one kind, usually one per item, and waits for them. Each costs money. */
interface SubmitsOf<K extends TaskKind> extends Described {
	does: 'submit';
	/** Determines which providers offer it. */
	kind: K;
	/** The request for one item, or several. Throws a NodeOperationError that names item, field and remedy. */
	request(from: Parameters): Filled<RequestMap[K]> | Array<Filled<RequestMap[K]>>;
	/** Adds what several fields determine together, once the request is read. Throws like `request`. */
	complete?(from: Parameters, request: TaskRequest): TaskRequest;
}

/**
 * One row of the table of operations: the complete definition of an operation. `does` determines its common options
 * (properties.ts).
 */
export type Operation =
	| { [K in TaskKind]: SubmitsOf<K> }[TaskKind]
	| (Described & {
			/** Waits for tasks that were submitted earlier, or reads them once. */
			does: 'wait' | 'get';
			/** Reads and throws like `request`. */
			taskIds(from: Parameters): string[];
	  })
	| (Described & {
			/** Asks for something other than a task. It is free, and the answer is the item. */
			does: 'query';
			/** The method that a provider needs for it. */
			needs: 'credits' | 'downloadUrl';
			/** Reads and throws like `request`. The question returns undefined if the provider does not have the method. */
			question(from: Parameters): Question;
	  });

/** A free request to a provider; undefined if the provider cannot answer it. */
export type Question = (provider: Provider, http: Http) => Promise<Result<IDataObject> | undefined>;

/** Whether a provider offers an operation. */
export function offers(operation: Operation, provider: Provider): boolean {
	switch (operation.does) {
		case 'submit':
			return provider.offers(operation.kind);
		case 'query':
			return provider[operation.needs] !== undefined;
		case 'wait':
		case 'get':
			return true;
	}
}

/** The providers that offer an operation. */
export const providersOf = (operation: Operation): Provider[] =>
	allProviders.filter((provider) => offers(operation, provider));

/** The work for one item. */
export type Work =
	| { does: 'submit'; requests: TaskRequest[] }
	| { does: 'wait' | 'get'; taskIds: string[] }
	| { does: 'query'; question: Question };

/**
 * Reads and checks the user's input for one item.
 *
 * @throws NodeOperationError that names item, field and remedy
 */
export function workOf(operation: Operation, from: Parameters): Work {
	switch (operation.does) {
		case 'submit':
			return { does: 'submit', requests: requestsOf(operation, from) };
		case 'wait':
		case 'get':
			// An ID that is entered twice is one task.
			return { does: operation.does, taskIds: [...new Set(operation.taskIds(from))] };
		case 'query':
			return { does: 'query', question: operation.question(from) };
	}
}

function requestsOf(
	{ request, complete }: Extract<Operation, { does: 'submit' }>,
	from: Parameters,
): TaskRequest[] {
	const read: TaskRequest[] = [request(from)].flat();
	return complete ? read.map((one) => complete(from, one)) : read;
}
