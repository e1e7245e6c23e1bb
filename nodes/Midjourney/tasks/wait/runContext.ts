import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import type { Http, OpenCredential } from '../../providers/http';
import type { Provider } from '../../providers/provider';
import { executionClock, processClock, type ExecutionClock } from '../n8n/clock';
import { hostOf, type Host } from '../n8n/host';
import { ProblemWriter } from '../n8n/nodeErrors';
import { Memory } from '../submit/memory';
import { accountOf, type Account } from './limiter';

/** What a run of the node works with. */
export interface RunContext {
	context: IExecuteFunctions;
	provider: Provider;
	credential: OpenCredential;
	/** For requests of this run. */
	http: Http;
	host: Host;
	clock: ExecutionClock;
	memory: Memory;
	account: Account;
	writer: ProblemWriter;
}

/**
 * What a run works with.
 *
 * @param written as in `Plan`
 */
export function runWith(
	context: IExecuteFunctions,
	provider: Provider,
	credential: OpenCredential,
	written: IDataObject,
): RunContext {
	const host = hostOf(context);
	const used = host.node.credentials?.[provider.credentialType];
	const items = context.getInputData();
	const runIndex: unknown = context.getWorkflowDataProxy(0).$runIndex;
	const memory = new Memory(context.getContext('node'), {
		executionId: context.getExecutionId(),
		runIndex: typeof runIndex === 'number' ? runIndex : 0,
		written,
		itemAt: (itemIndex) => items[itemIndex],
		account: { id: used?.id ?? '', name: used?.name ?? '' },
		isToolCall: host.isTool,
	});
	return {
		context,
		provider,
		credential,
		http: credential.through(context.helpers),
		host,
		clock: executionClock(host),
		memory,
		account: accountOf(credential.account, processClock),
		writer: new ProblemWriter(host.node, provider),
	};
}
