import type { IExecuteFunctions, INode } from 'n8n-workflow';

import type { RequestContext } from '../providers/http';

/** What n8n offers both to a running node and to one that is called over the web. */
export interface Host {
	node: INode;
	/** What has failed becomes an item: by On Error, and in a tool call always. */
	continues: boolean;
	/** An agent has called the node as its tool. */
	isTool: boolean;
	helpers: Pick<IExecuteFunctions['helpers'], 'httpRequest' | 'prepareBinaryData'>;
	/** Undefined where nothing can be cancelled. */
	cancelSignal?: ReturnType<IExecuteFunctions['getExecutionCancelSignal']>;
}

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

/**
 * What stands behind the execution in the address of this node's calls, as in the node's description: n8n lets a call end
 * any wait whose path fits, that of an approval behind the node, too, if both had none. A Wait node may have any suffix
 * that its user enters, so this is nothing that somebody would enter there.
 */
export const RESUME_PATH = 'n8n-nodes-midjourney';

/**
 * Whether an agent has called this node as its tool, where it must not park: up to version 2 of the agent that suspends
 * nothing, and from version 3 on all other calls of the same tool get their own arguments for an answer (seen on n8n
 * 2.41.1 and 2.8.4). `isToolExecution` alone does not tell: from version 3 on n8n runs tools as it runs any node. They
 * keep the type that n8n makes for tools.
 */
export const isToolCall = (context: RequestContext): boolean =>
	('isToolExecution' in context && context.isToolExecution?.() === true) ||
	context.getNode().type.endsWith('Tool');
