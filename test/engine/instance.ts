/* eslint-disable @n8n/community-nodes/no-restricted-imports -- a server beside n8n's engine, it is not a node */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { RESUME_PATH } from '../../nodes/Midjourney/tasks/n8n/host';
import { EXECUTION } from './executions';
import type { Engine, Result, Scenario } from './harness';

/** One execution as the instance has it. */
interface Execution {
	scenario: Scenario;
	/** The result of the last run; undefined during the first. */
	result?: Result;
	isRunning: boolean;
	/** How often the node has run. */
	runs: number;
	/** Its process dies as soon as it is parked, so nobody wakes it. */
	dies: boolean;
}

/**
 * What n8n does around its engine, as far as waiting needs it: it keeps executions, gives their status, and resumes them
 * when their address is called. It is one process, with the built node and n8n-core's own engine and contexts.
 */
export class Instance {
	private readonly executions = new Map<string, Execution>();

	private readonly listeners = new Set<() => void>();

	/** The executions that `until` waits for at this moment. */
	private readonly waitedFor = new Set<string>();

	/** With another status a proxy keeps everybody from n8n's signed files. */
	filesAnswer = 200;

	private constructor(
		private readonly engine: Engine,
		private readonly server: Server,
	) {}

	static async start(engine: Engine): Promise<Instance> {
		const server = createServer();
		const instance = new Instance(engine, server);
		server.on('request', (request, response) => {
			const chunks: Buffer[] = [];
			request.on('data', (chunk: Buffer) => chunks.push(chunk));
			request.on('end', () => {
				const url = new URL(request.url ?? '', 'http://127.0.0.1');
				const body = Buffer.concat(chunks).toString();
				void instance.answer(request.method ?? '', url, body, request.headers).then((answer) => {
					response.writeHead(answer.status, { 'content-type': 'application/json' });
					response.end(answer.body);
				});
			});
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		return instance;
	}

	/** The URL at which it listens. */
	get url(): string {
		return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
	}

	/** How often the node has run in this execution. */
	runsOf(executionId = EXECUTION): number {
		return this.executions.get(executionId)?.runs ?? 0;
	}

	/** Runs the scenario until it waits or ends. */
	async begin(scenario: Scenario, { dies = false } = {}): Promise<Result> {
		const execution: Execution = { scenario, isRunning: true, runs: 0, dies };
		this.executions.set(scenario.executionId ?? EXECUTION, execution);
		return await this.step(execution, scenario);
	}

	/** Runs the scenario to its end, whoever wakes it meanwhile. */
	async complete(scenario: Scenario): Promise<Result> {
		await this.begin(scenario);
		return await this.ended(scenario.executionId);
	}

	/** Resolves with the last result once the execution neither runs nor waits. */
	async ended(executionId = EXECUTION): Promise<Result> {
		return await this.until(executionId, ({ status }) => status !== 'waiting');
	}

	/** Resolves with the result of the first run that fits. */
	async until(executionId: string, fits: (result: Result) => boolean): Promise<Result> {
		for (;;) {
			const { result, isRunning } = this.executions.get(executionId) ?? {};
			if (result && !isRunning && fits(result)) return result;
			this.waitedFor.add(executionId);
			await new Promise<void>((resolve) => this.listeners.add(resolve));
			this.waitedFor.delete(executionId);
		}
	}

	/** What `until` still waits for: the executions with their status. Empty when nothing has waited in vain. */
	get pending(): string[] {
		return [...this.waitedFor].map((id) => {
			const { result, isRunning, runs = 0 } = this.executions.get(id) ?? {};
			return `execution ${id}, ${isRunning ? 'running' : result?.status} after ${runs} runs`;
		});
	}

	/** n8n's timer: the time of the wait is up. */
	async timeUp(executionId = EXECUTION): Promise<Result> {
		const execution = this.executions.get(executionId);
		if (!execution?.result) throw new Error('Nothing waits');
		execution.isRunning = true;
		return await this.step(execution, { ...execution.scenario, retryOf: execution.result.data });
	}

	/** Forgets the execution as a process that dies does, and gives its last result: nobody wakes it any more. */
	forget(executionId = EXECUTION): Result {
		const execution = this.executions.get(executionId);
		if (!execution?.result) throw new Error('Nothing waits');
		this.executions.delete(executionId);
		return execution.result;
	}

	/** Ends the server. */
	async close(): Promise<void> {
		this.server.closeAllConnections();
		await new Promise((resolve) => this.server.close(resolve));
	}

	private async step(execution: Execution, scenario: Scenario): Promise<Result> {
		execution.runs++;
		const result = await this.engine.run({ ...scenario, n8nUrl: this.url });
		execution.result = result;
		execution.isRunning = false;
		const { listeners } = this;
		for (const listener of [...listeners]) listener();
		listeners.clear();
		return result;
	}

	private async answer(
		method: string,
		{ pathname, searchParams }: URL,
		body: string,
		headers: NodeJS.Dict<string | string[]>,
	): Promise<{ status: number; body: string | Buffer }> {
		if (pathname === '/rest/binary-data/signed') {
			const file = await this.engine.signed(searchParams.get('token') ?? '');
			return file && this.filesAnswer === 200
				? { status: 200, body: file }
				: { status: file ? this.filesAnswer : 400, body: 'no' };
		}
		const [, route, id = '', suffix] = pathname.split('/');
		const execution = this.executions.get(id);
		if (method === 'GET' && route === 'form-waiting' && suffix === 'n8n-execution-status') {
			const status = !execution
				? 'null'
				: execution.isRunning
					? 'running'
					: execution.result?.status;
			return { status: 200, body: status ?? 'null' };
		}
		const refusal = (status: number, message: string) => ({
			status,
			body: JSON.stringify({ message }),
		});
		if (!execution || method !== 'POST' || suffix !== RESUME_PATH) {
			return refusal(404, 'does not exist');
		}
		if (execution.isRunning || execution.dies) return refusal(409, 'is running already');
		if (execution.result?.status !== 'waiting') return refusal(409, 'has finished already');
		const called = await this.engine.call(
			{ ...execution.scenario, n8nUrl: this.url },
			execution.result.data,
			{
				query: Object.fromEntries(searchParams),
				body: body === '' ? undefined : JSON.parse(body),
				headers: Object.fromEntries(
					Object.entries(headers).map(([name, value]) => [name, String(value)]),
				),
			},
		);
		if (called.woken) {
			execution.isRunning = true;
			void this.step(execution, { ...execution.scenario, retryOf: called.data });
		}
		return { status: called.status, body: JSON.stringify(called.body) };
	}
}
