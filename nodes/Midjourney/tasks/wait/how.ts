import type { IExecuteFunctions } from 'n8n-workflow';

import { isRecord, text } from '../../providers/json';
import { isToolCall } from '../n8n/host';
import { canPark } from '../n8n/internals';
import type { WaitMode } from '../settings';
import { ownAddress, reachAdvice, type OwnAddress } from './selfCall';

/** Whether the warning was logged; reset once n8n can be reached again. */
let isSaid = false;

/** How a wait proceeds. Nothing else decides this. */
export interface How {
	/** Whether the execution is parked while it waits. If not, the node waits in the foreground and holds its worker. */
	parks: boolean;
	/** The addresses at which this process wakes the execution; undefined where only callbacks and n8n's timer do. */
	own?: OwnAddress;
	/** Whether tasks are read on a schedule, or only when a callback reports them. */
	polls: boolean;
}

/**
 * Decides how a run waits.
 *
 * @param internal the base URL at which n8n can be reached from inside, if the user has set one
 */
export async function howToWait(
	context: IExecuteFunctions,
	mode: WaitMode,
	internal: string | undefined,
): Promise<How> {
	const inForeground = foregroundBecause(context, mode);
	if (inForeground !== undefined) {
		context.logger.debug(`Midjourney waits in the foreground: ${inForeground}`);
		return { parks: false, polls: true };
	}
	const own = await ownAddress(context, internal);
	if (!own && !isSaid) {
		context.logger.warn(
			`Midjourney cannot reach its own n8n to wake parked executions, so their tasks are checked only about once a minute. ${reachAdvice()}`,
		);
	}
	isSaid = !own;
	return { parks: true, own, polls: mode !== 'callback' };
}

/** Execution modes that end with their process, or in which a parked execution would be lost (docs/waiting.md). */
const FOREGROUND_MODES: ReadonlySet<string> = new Set([
	'cli',
	'evaluation',
	'integrated',
	'internal',
]);

function foregroundBecause(context: IExecuteFunctions, mode: WaitMode): string | undefined {
	if (mode === 'poll') return 'its Wait Mode is Poll';
	if (isToolCall(context)) return 'an agent waits for the answer of the tool';
	if (FOREGROUND_MODES.has(context.getMode())) return `the execution mode is ${context.getMode()}`;
	if (!canPark(context)) return 'this n8n lacks what parking needs';
	const caller = waitingCaller(context);
	return caller === undefined ? undefined : `the caller of ${caller} waits for the last node`;
}

/** Triggers that can keep their caller waiting until the last node has run, and how their parameters tell. */
const KEEP_WAITING: Record<string, (parameters: Record<string, unknown>) => boolean> = {
	'n8n-nodes-base.webhook': ({ responseMode }) => responseMode === 'lastNode',
	'n8n-nodes-base.formTrigger': ({ responseMode }) => responseMode === 'lastNode',
	'@n8n/n8n-nodes-langchain.chatTrigger': ({ options, responseMode }) => {
		const mode = text(responseMode) ?? (isRecord(options) ? text(options.responseMode) : undefined);
		return mode === undefined || mode === 'lastNode';
	},
};

/**
 * The name of the trigger that started this execution, if its caller gets the output of the last node; else undefined.
 */
function waitingCaller(context: IExecuteFunctions): string | undefined {
	const before = context.getParentNodes(context.getNode().name, { includeNodeParameters: true });
	const proxy = context.getWorkflowDataProxy(0);
	return before.find(({ name, type, parameters }) => {
		const { [type]: keepsWaiting } = KEEP_WAITING;
		if (!keepsWaiting?.(isRecord(parameters) ? parameters : {})) return false;
		const node: unknown = proxy.$(name);
		return isRecord(node) && node.isExecuted === true;
	})?.name;
}
