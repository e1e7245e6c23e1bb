/* eslint-disable @n8n/community-nodes/no-restricted-imports -- drives a server, it is not a node */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { isObject, type JsonObject, list, object, optionalText, preview, text } from './json';
import { unflat } from './unflat';
import type { Workflow } from './workflows';

/** The owner account of an n8n that is deleted afterwards. */
export interface Login {
	email: string;
	password: string;
}

/** One output of one run of a node: `outputs[0]` are the items of its first output. */
export interface NodeRun {
	outputs: Item[][];
	/** What the node failed with, if it did. */
	error?: string;
	startedAt: number;
	/** In ms. */
	took: number;
}

/** An item in the output of a node. */
export interface Item {
	json: JsonObject;
	/** By binary key, such as `data`. */
	binary: Record<string, BinaryFile>;
}

/** A file of an item, as n8n describes it. `N8nClient.download` gives its bytes. */
export interface BinaryFile {
	fileName: string;
	mimeType: string;
	/** Where n8n keeps it; undefined when the bytes are in `data`. */
	id?: string;
	/** Base64, or the name of n8n's storage. */
	data: string;
}

/** An execution of a workflow with what it has done so far. */
export interface Execution {
	id: string;
	/** `running`, `waiting`, `success`, `error`, `canceled`, `crashed`, `new`. */
	status: string;
	/** The runs of each node by its name. */
	runs: Map<string, NodeRun[]>;
	/** The error that ended the execution, if one did. */
	error?: string;
	/** Everything that n8n gave about it as one text, to search for what must not be in there. */
	raw: string;
}

/** The result of the test of a credential. */
export interface CredentialTest {
	status: string;
	message: string;
}

/** How often, and after which pause (in ms), a request to a busy n8n is repeated. */
const BUSY_TRIES = 60;
const BUSY_PAUSE_MS = 1000;

/** Statuses that never change again. */
const FINAL = new Set(['success', 'error', 'canceled', 'crashed']);

/**
 * Speaks to n8n's editor API the way the editor does.
 * All methods throw an Error with path, status and the beginning of the answer when n8n refuses.
 */
export class N8nClient {
	private cookie = '';
	private version?: Promise<string>;
	/** n8n binds a login to the browser in which it was made. */
	private readonly browserId = randomUUID();

	constructor(private readonly url: string) {}

	/** Creates the owner account of a fresh n8n and logs in with it. */
	async setUpOwner({ email, password }: Login): Promise<void> {
		await this.request('POST', '/rest/owner/setup', {
			...{ email, password },
			...{ firstName: 'Demo', lastName: 'Owner' },
		});
	}

	/** Logs in to an n8n that has an owner. */
	async logIn({ email, password }: Login): Promise<void> {
		await this.request('POST', '/rest/login', { emailOrLdapLoginId: email, password });
	}

	/** Names of all node types, such as `n8n-nodes-base.code`. */
	async nodeTypes(): Promise<JsonObject[]> {
		return await this.types('/types/nodes.json');
	}

	/** All credential types. */
	async credentialTypes(): Promise<JsonObject[]> {
		return await this.types('/types/credentials.json');
	}

	/** Stores a credential and gives its id. */
	async createCredential(name: string, type: string, data: JsonObject): Promise<string> {
		return idOf(await this.request('POST', '/rest/credentials', { name, type, data }));
	}

	/** Runs the test that the editor runs when a credential is saved. */
	async testCredential(
		id: string,
		name: string,
		type: string,
		data: JsonObject,
	): Promise<CredentialTest> {
		const body = { credentials: { id, name, type, data } };
		const answer = object(await this.request('POST', '/rest/credentials/test', body), 'test');
		return {
			status: text(answer.status, 'status of the credential test'),
			message: optionalText(answer.message) ?? '',
		};
	}

	/** Creates a data table with these columns and rows and gives its id. */
	async createTable(
		name: string,
		columns: Record<string, 'string' | 'boolean'>,
		rows: JsonObject[],
	): Promise<string> {
		const path = await this.tablesPath();
		const id = idOf(
			await this.request('POST', path, {
				name,
				columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })),
			}),
		);
		await this.request('POST', `${path}/${id}/insert`, { data: rows, returnType: 'count' });
		return id;
	}

	/** The rows of a data table. */
	async tableRows(id: string): Promise<JsonObject[]> {
		const answer = await this.request('GET', `${await this.tablesPath()}/${id}/rows`);
		return list(object(answer, 'rows').data, 'rows').map((row) => object(row, 'row'));
	}

	private async tablesPath(): Promise<string> {
		return `/rest/projects/${idOf(await this.request('GET', '/rest/projects/personal'))}/data-tables`;
	}

	/** Imports a workflow as "Import from File" does and gives its id. */
	async importWorkflow({ name, nodes, connections, settings }: Workflow): Promise<string> {
		const body = { name, nodes, connections, settings, active: false };
		return idOf(await this.request('POST', '/rest/workflows', body));
	}

	/** Publishes a workflow, so that its triggers are live. Resolves before they are: ask again on a 404. */
	async activate(workflowId: string): Promise<void> {
		const path = `/rest/workflows/${workflowId}`;
		const { versionId } = object(await this.request('GET', path), 'workflow');
		// n8n 1.x has no publishing, and 2.x ignores `active`.
		if ((await this.n8nVersion()).startsWith('1.')) {
			await this.request('PATCH', path, { active: true, versionId });
		} else {
			await this.request('POST', `${path}/activate`, { versionId });
		}
	}

	/** Unpublishes a workflow: its triggers are no longer live. */
	async deactivate(workflowId: string): Promise<void> {
		const path = `/rest/workflows/${workflowId}`;
		if ((await this.n8nVersion()).startsWith('1.')) {
			const { versionId } = object(await this.request('GET', path), 'workflow');
			await this.request('PATCH', path, { active: false, versionId });
		} else {
			await this.request('POST', `${path}/deactivate`, {});
		}
	}

	/** For example `2.41.1`. */
	async n8nVersion(): Promise<string> {
		this.version ??= this.request('GET', '/rest/settings').then((settings) =>
			text(object(settings, 'settings').versionCli, 'versionCli'),
		);
		return await this.version;
	}

	/** "Execute workflow" from a trigger; gives the id of the execution that was started. */
	async run(workflowId: string, trigger: string): Promise<string> {
		const workflowData = await this.request('GET', `/rest/workflows/${workflowId}`);
		const answer = await this.request('POST', `/rest/workflows/${workflowId}/run`, {
			workflowData,
			triggerToStartFrom: { name: trigger },
		});
		return text(object(answer, 'run').executionId, 'executionId');
	}

	/** "Execute workflow" from a trigger that is called from outside: its test URL accepts one call. */
	async listen(workflowId: string, trigger: string): Promise<void> {
		const workflowData = await this.request('GET', `/rest/workflows/${workflowId}`);
		await this.request('POST', `/rest/workflows/${workflowId}/run`, {
			workflowData,
			triggerToStartFrom: { name: trigger },
		});
	}

	/** The newest executions of a workflow, newest first, without their data. */
	async executions(
		workflowId: string,
		limit = 20,
	): Promise<Array<{ id: string; status: string; startedAt: number }>> {
		const query = new URLSearchParams({
			filter: JSON.stringify({ workflowId }),
			limit: String(limit),
		});
		const answer = await this.request('GET', `/rest/executions?${query}`);
		return list(object(answer, 'executions').results, 'executions').map((entry) => {
			const { id, status, startedAt } = object(entry, 'execution');
			return {
				id: String(id),
				status: text(status, 'status of the execution'),
				startedAt: Date.parse(optionalText(startedAt) ?? ''),
			};
		});
	}

	/** The number of executions of a workflow, or of those with that status. */
	async countExecutions(workflowId: string, status?: string): Promise<number> {
		const filter = JSON.stringify({ workflowId, ...(status && { status: [status] }) });
		const query = new URLSearchParams({ filter, limit: '1' });
		const answer = await this.request('GET', `/rest/executions?${query}`);
		return Number(object(answer, 'executions').count);
	}

	/** An execution with the output of its nodes so far. */
	async execution(id: string): Promise<Execution> {
		const answer = object(await this.request('GET', `/rest/executions/${id}`), 'execution');
		// An execution that has just begun may have none yet.
		const raw = optionalText(answer.data);
		const data: unknown = raw === undefined ? undefined : unflat(raw);
		const result = isObject(data) && isObject(data.resultData) ? data.resultData : {};
		const runData = isObject(result.runData) ? result.runData : {};
		const runs = new Map(
			Object.entries(runData).map(([name, nodeRuns]): [string, NodeRun[]] => [
				name,
				list(nodeRuns, name).map(toNodeRun),
			]),
		);
		const error = errorText(result.error);
		return {
			id,
			status: text(answer.status, 'status of the execution'),
			runs,
			...(error !== undefined && { error }),
			raw: JSON.stringify(answer),
		};
	}

	/**
	 * Waits until an execution has ended and reads it twice a second; `onRead` gets each state of it.
	 * Throws when it has not ended after `timeoutMs`.
	 */
	async finished(
		id: string,
		timeoutMs: number,
		onRead?: (execution: Execution) => void,
	): Promise<Execution> {
		const deadline = Date.now() + timeoutMs;
		for (;;) {
			const execution = await this.execution(id);
			onRead?.(execution);
			if (FINAL.has(execution.status)) return execution;
			if (Date.now() > deadline) {
				throw new Error(
					`Execution ${id} is still "${execution.status}" after ${timeoutMs / 1000} s. ` +
						`Nodes that ran: ${[...execution.runs.keys()].join(', ') || 'none'}`,
				);
			}
			await pause(500);
		}
	}

	/**
	 * "Retry with original workflow" in the list of executions; gives the id of the new execution, which has ended.
	 * Takes as long as that runs.
	 */
	async retry(workflowId: string, executionId: string): Promise<string> {
		await this.request('POST', `/rest/executions/${executionId}/retry`, { loadWorkflow: false });
		const [newest] = await this.executions(workflowId);
		if (newest === undefined || newest.id === executionId) {
			throw new Error(`Execution ${executionId} was not retried`);
		}
		return newest.id;
	}

	/** "Stop" in the editor. */
	async stopExecution(id: string): Promise<void> {
		await this.request('POST', `/rest/executions/${id}/stop`);
	}

	/** The bytes of a file of an item. */
	async download(file: BinaryFile): Promise<Buffer> {
		if (file.id === undefined) return Buffer.from(file.data, 'base64');
		const query = new URLSearchParams({ id: file.id, action: 'download' });
		const answer = await this.fetch('GET', `/rest/binary-data?${query}`);
		return Buffer.from(await answer.arrayBuffer());
	}

	private async types(path: string): Promise<JsonObject[]> {
		const answer = await this.fetch('GET', path);
		return list(await answer.json(), path).map((type) => object(type, path));
	}

	/** Calls a path of the editor API that has no method here; gives what n8n wraps in `data`. */
	async request(method: string, path: string, body?: unknown): Promise<unknown> {
		const answer = await this.fetch(method, path, body);
		const cookie = answer.headers.getSetCookie().find((entry) => entry.startsWith('n8n-auth='));
		if (cookie !== undefined) this.cookie = cookie.split(';')[0] ?? '';
		return object(await answer.json(), path).data;
	}

	private async fetch(method: string, path: string, body?: unknown, tries = 1): Promise<Response> {
		const answer = await fetch(`${this.url}${path}`, {
			method,
			headers: {
				'browser-id': this.browserId,
				'push-ref': this.browserId,
				...(this.cookie !== '' && { cookie: this.cookie }),
				...(body !== undefined && { 'content-type': 'application/json' }),
			},
			...(body !== undefined && { body: JSON.stringify(body) }),
		});
		// A busy n8n answers so to everybody before it does anything.
		if (answer.status === 503 && tries < BUSY_TRIES) {
			await answer.body?.cancel();
			await pause(BUSY_PAUSE_MS);
			return await this.fetch(method, path, body, tries + 1);
		}
		if (!answer.ok) {
			const { pathname } = new URL(answer.url);
			throw new Error(
				`n8n: ${method} ${pathname} → ${answer.status} ${preview(await answer.text())}`,
			);
		}
		return answer;
	}
}

function idOf(answer: unknown): string {
	return text(object(answer, 'answer').id, 'id');
}

function toNodeRun(value: unknown): NodeRun {
	const run = object(value, 'run of a node');
	const main = isObject(run.data) && Array.isArray(run.data.main) ? run.data.main : [];
	const error = errorText(run.error);
	return {
		outputs: main.map((items: unknown) => (Array.isArray(items) ? items.map(toItem) : [])),
		startedAt: Number(run.startTime),
		took: Number(run.executionTime),
		...(error !== undefined && { error }),
	};
}

function toItem(value: unknown): Item {
	const item = object(value, 'item');
	const files = isObject(item.binary) ? Object.entries(item.binary) : [];
	return {
		json: isObject(item.json) ? item.json : {},
		binary: Object.fromEntries(files.map(([key, file]) => [key, toFile(file)])),
	};
}

function toFile(value: unknown): BinaryFile {
	const file = object(value, 'binary file');
	const id = optionalText(file.id);
	return {
		fileName: optionalText(file.fileName) ?? '',
		mimeType: optionalText(file.mimeType) ?? '',
		data: optionalText(file.data) ?? '',
		...(id !== undefined && { id }),
	};
}

function errorText(error: unknown): string | undefined {
	if (!isObject(error)) return undefined;
	return [error.message, error.description].filter((part) => typeof part === 'string').join(' ');
}
