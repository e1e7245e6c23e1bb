import type { IDataObject } from 'n8n-workflow';

import { allProviders } from '../providers';
import type { Result, Http } from '../providers/http';
import type { Provider, RequestMap, TaskKind, TaskRequest } from '../providers/provider';
import type { Field } from './field';
import type { Parameters } from './parameters';

/** What users see of an operation, whatever it does. */
interface Described {
	resource: Resource;
	/** Stable: saved in workflows. */
	operation: string;
	/** Title Case, without the resource. */
	name: string;
	/** Sentence case, with the resource: what the node panel lists. */
	action: string;
	description: string;
	/** Shown at the top level, in this order. */
	fields: ReadonlyArray<Field<unknown>>;
	/** The field whose choice tells nodes of this operation apart on the canvas. */
	toldApartBy?: Field<unknown>;
	/** Shown under Style and References, alphabetically: what the result looks like. As `additional`. */
	style?: ReadonlyArray<Field<unknown>>;
	/** Shown under Additional Fields, alphabetically. All optional, and only sent when set. */
	additional?: ReadonlyArray<Field<unknown>>;
}

/** The names of the resources, by what workflows save. */
export const RESOURCES = {
	account: 'Account',
	file: 'File',
	image: 'Image',
	model: 'Model',
	task: 'Task',
	video: 'Video',
} as const;

export type Resource = keyof typeof RESOURCES;

/** A request with every setting named, those too that are not set: none can be forgotten. */
export type Filled<R> = { [S in keyof Required<R>]: R[S] };

/** Submits tasks of one kind, usually one for each item, and waits for them: each costs money. */
interface SubmitsOf<K extends TaskKind> extends Described {
	does: 'submit';
	/** Decides which providers can do it. */
	kind: K;
	/** Reads and checks what a user has entered for one item. Throws NodeOperationError that names item, field and remedy. */
	requests(from: Parameters): Array<Filled<RequestMap[K]>>;
	/** Adds what several fields make together, once the request is read. Throws as `requests`. */
	complete?(from: Parameters, request: TaskRequest): TaskRequest;
}

/**
 * One row of the table of operations: everything there is to say about one. What it does decides which common options it
 * has (properties.ts).
 */
export type Operation =
	| { [K in TaskKind]: SubmitsOf<K> }[TaskKind]
	| (Described & {
			/** Waits for tasks that were submitted before. */
			does: 'wait';
			/** As `requests`. */
			taskIds(from: Parameters): string[];
	  })
	| (Described & {
			/** Reads one task once. */
			does: 'get';
			/** As `requests`. */
			taskId(from: Parameters): string;
	  })
	| (Described & {
			/** Asks for something that is no task, and is free; the answer is the item. */
			does: 'query';
			/** What a provider must have for it. */
			needs: 'credits' | 'downloadUrl';
			/** As `requests`. Gives undefined for a provider that has nothing of the kind. */
			question(from: Parameters): Question;
	  });

export type Question = (provider: Provider, http: Http) => Promise<Result<IDataObject> | undefined>;

/** Whether an operation can be done with a provider. */
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

/** The providers that an operation can be done with. */
export const providersOf = (operation: Operation): Provider[] =>
	allProviders.filter((provider) => offers(operation, provider));

/** What is to be done for one item. */
export type Work =
	| { does: 'submit'; requests: TaskRequest[] }
	| { does: 'wait'; taskIds: string[] }
	| { does: 'get'; taskId: string }
	| { does: 'query'; question: Question };

/**
 * Reads and checks what a user has entered for one item.
 *
 * @throws NodeOperationError that names item, field and remedy
 */
export function workOf(operation: Operation, from: Parameters): Work {
	switch (operation.does) {
		case 'submit':
			return { does: 'submit', requests: requestsOf(operation, from) };
		case 'wait':
			return { does: 'wait', taskIds: operation.taskIds(from) };
		case 'get':
			return { does: 'get', taskId: operation.taskId(from) };
		case 'query':
			return { does: 'query', question: operation.question(from) };
	}
}

function requestsOf(
	{ requests, complete }: Extract<Operation, { does: 'submit' }>,
	from: Parameters,
): TaskRequest[] {
	const read: TaskRequest[] = requests(from);
	return complete ? read.map((request) => complete(from, request)) : read;
}
