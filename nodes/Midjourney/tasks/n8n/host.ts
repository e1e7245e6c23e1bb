import type { IExecuteFunctions, INode } from 'n8n-workflow';

import type { RequestContext } from '../../providers/http';

/** What n8n offers to a running node as well as to one that is called over the web. */
export interface Host {
	node: INode;
	/** Whether a failure becomes an item: by On Error, and always in a tool call. */
	continues: boolean;
	/** Whether an agent has called the node as its tool. */
	isTool: boolean;
	helpers: Pick<IExecuteFunctions['helpers'], 'httpRequest' | 'prepareBinaryData'>;
	/** Undefined where nothing can be cancelled. */
	cancelSignal?: ReturnType<IExecuteFunctions['getExecutionCancelSignal']>;
}

/** What n8n offers to this run or call of the node. */
export function hostOf(context: RequestContext): Host {
	const node = context.getNode();
	const isTool = isToolCall(context);
	const continues =
		node.onError === undefined ? node.continueOnFail === true : node.onError !== 'stopWorkflow';
	return {
		node,
		continues: continues || isTool,
		isTool,
		helpers: context.helpers,
		cancelSignal:
			'getExecutionCancelSignal' in context ? context.getExecutionCancelSignal() : undefined,
	};
}

/** The path of this node's calls, after the execution's id (waiting.md: What waits behind the node keeps waiting). */
export const RESUME_PATH = 'n8n-nodes-midjourney';

/**
 * Whether an agent has called this node as its tool, where it must not park. Up to version 2 of the agent, that
 * suspends nothing; from version 3 on, all other calls of the same tool get their own arguments as an answer (seen on
 * n8n 2.41.1 and 2.8.4). `isToolExecution` alone does not tell, because from version 3 on n8n runs tools like any other
 * node. They keep the type that n8n makes for tools.
 */
export const isToolCall = (context: RequestContext): boolean =>
	('isToolExecution' in context && context.isToolExecution?.() === true) ||
	context.getNode().type.endsWith('Tool');
