/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- drives n8n's engine, it is not a node */
import 'reflect-metadata';

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

// Before n8n-core is loaded: it keeps its settings, and files of binary data, there.
const folder = mkdtempSync(join(tmpdir(), 'midjourney-engine-'));
process.env.N8N_USER_FOLDER = folder;
process.env.N8N_ENCRYPTION_KEY = 'engine-tests';
process.env.N8N_DEFAULT_BINARY_DATA_MODE = 'filesystem';
// n8n would print every error that a test provokes.
process.env.N8N_LOG_LEVEL = 'silent';

import {
	BinaryDataService,
	ExecutionLifecycleHooks,
	PackageDirectoryLoader,
	WebhookContext,
	WorkflowExecute,
} from 'n8n-core';
import {
	createRunExecutionData,
	deepCopy,
	type IBinaryData,
	type ICredentialDataDecryptedObject,
	type ICredentialType,
	type IDataObject,
	type IHttpRequestOptions,
	type INode,
	type INodeExecutionData,
	type INodeType,
	type INodeTypes,
	type IRun,
	type IRunExecutionData,
	type IWorkflowExecuteAdditionalData,
	type WorkflowExecuteMode,
	LoggerProxy,
	NodeConnectionTypes,
	Workflow,
} from 'n8n-workflow';

import { EXECUTION } from './executions';

// The companion of a parked execution runs for hours, and n8n ends it with the process. So do these tests.
const begin = globalThis.setTimeout;
const unheld = (...timer: Parameters<typeof begin>) => begin(...timer).unref();
globalThis.setTimeout = Object.assign(unheld, begin);

/** The container in which n8n-core keeps its services: the tree may hold other copies of that package. */
const requireAsCore = createRequire(require.resolve('n8n-core'));
type Token<T> = abstract new (...args: never[]) => T;
const { Container } = requireAsCore('@n8n/di') as {
	Container: { get<T>(type: Token<T>): T; set<T>(type: Token<T>, instance: T): void };
};
const { Logger } = requireAsCore('@n8n/backend-common') as { Logger: Token<object> };

/** The node as users have it in their workflows. */
export const MIDJOURNEY = 'n8n-nodes-midjourney.midjourney';

/** Outputs the items of the test. */
const source = (items: INodeExecutionData[]): INodeType => ({
	description: {
		displayName: 'Items',
		name: 'items',
		group: ['input'],
		version: 1,
		description: 'Gives the items of the test',
		defaults: { name: 'Items' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		properties: [],
	},
	execute: async () => [items],
});

/** Outputs its input. */
const passOn: INodeType = {
	description: {
		displayName: 'After',
		name: 'after',
		group: ['transform'],
		version: 1,
		description: 'Runs behind the node',
		defaults: { name: 'After' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		properties: [],
	},
	async execute() {
		return [this.getInputData()];
	},
};

/** The node in an n8n whose contexts have only the documented interface. */
const onlyDocumented = (nodeType: INodeType): INodeType => ({
	description: nodeType.description,
	async execute() {
		const context = new Proxy(this, {
			get(target, key) {
				if (key === 'runExecutionData') return undefined;
				const value: unknown = Reflect.get(target, key, target);
				return typeof value === 'function' ? value.bind(target) : value;
			},
		});
		return (await nodeType.execute?.call(context)) ?? null;
	},
});

/** The settings of one run of the node. */
export interface Scenario {
	/** The node's parameters; `authentication` is filled in. */
	parameters: IDataObject;
	/** The json of the incoming items; one empty item by default. */
	items?: IDataObject[];
	/** The files of the incoming items, by binary field: what `Engine.store` gives, or what n8n has in memory. */
	files?: Array<Record<string, IBinaryData>>;
	/** On Error, Retry On Fail and other settings of the node. */
	settings?: Partial<INode>;
	credentials?: Partial<{
		apiKey: string;
		baseUrl: string;
		fileUploadUrl: string;
		requestFormat: string;
		minimumBalance: number | string;
	}>;
	/** Goes on from the saved data of an execution, as n8n does when the time of a wait is up and with *Retry*. */
	retryOf?: IRunExecutionData;
	/** Runs the node once more in the execution that this result came from, as an agent does with its tool. */
	onceMoreAfter?: Result;
	/** `EXECUTION` by default. */
	executionId?: string;
	/** The address of n8n, at which calls for a parked execution arrive; by default nobody listens there. */
	n8nUrl?: string;
	/** The mode of the execution; `trigger` by default. */
	mode?: WorkflowExecuteMode;
	/** Runs in an n8n without the undocumented fields that parking uses. */
	onlyDocumented?: boolean;
	/** Called once the engine runs, for example to cancel. */
	meanwhile?: (run: { cancel(): void }) => void | Promise<void>;
}

/** A call for a parked execution. */
export interface Caller {
	query: Record<string, string>;
	body: unknown;
	headers?: Record<string, string>;
}

/** The answer to a call and its effect: `data` is changed only if the call woke the execution. */
export interface Called {
	status: number;
	body: unknown;
	woken: boolean;
	data: IRunExecutionData;
}

/** The result of a run. */
export interface Result {
	status: IRun['status'];
	/** The first output, and the second (the error output) if there is one. */
	items: INodeExecutionData[];
	errorItems: INodeExecutionData[];
	/** The input of each run of the next node. */
	after: INodeExecutionData[][];
	/** What the node failed with. */
	error?: { name: string; message: string; description?: string | null; httpCode?: string | null };
	/** The whole saved execution, as plain JSON. */
	data: IRunExecutionData;
	/** What the node wrote to n8n's log. */
	log: string[];
}

/** A reserved port at which nobody listens. */
const DEAF_URL = 'http://127.0.0.1:1';

/** n8n-core's real engine with the built package loaded the way n8n loads it. */
export class Engine {
	readonly logged: string[] = [];

	/** How often a node has made n8n open a credential. */
	credentialsOpened = 0;

	/** What n8n made for each run, by execution, as long as something holds it. */
	readonly made = new Map<string, Array<WeakRef<object>>>();

	private constructor(private readonly loader: PackageDirectoryLoader) {}

	/** @throws when the package is not built */
	static async start(): Promise<Engine> {
		const loader = new PackageDirectoryLoader(resolve(__dirname, '../..'));
		await loader.loadAll();
		await Container.get(BinaryDataService).init();
		const engine = new Engine(loader);
		const write = (message: string, meta?: object) => {
			engine.logged.push(`${message} ${JSON.stringify(meta ?? {})}`);
		};
		const silent = () => undefined;
		const logger = { error: write, warn: write, info: write, debug: silent, scoped: () => logger };
		Container.set<object>(Logger, logger);
		LoggerProxy.init(logger as never);
		return engine;
	}

	/** Deletes the files of n8n-core. */
	close(): void {
		rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
	}

	get nodeType(): INodeType {
		return this.loader.getNode('midjourney').type as INodeType;
	}

	credentialType(name: string): ICredentialType {
		return this.loader.getCredential(name).type;
	}

	async run(scenario: Scenario): Promise<Result> {
		this.logged.length = 0;
		const items = (scenario.items ?? scenario.files?.map(() => ({})) ?? [{}]).map(
			(json, at): INodeExecutionData => {
				const binary = scenario.files?.[at];
				return binary ? { json, binary } : { json };
			},
		);
		const workflow = this.workflow(scenario, items);
		const data =
			scenario.retryOf ??
			createRunExecutionData({
				executionData: {
					contextData: deepCopy(scenario.onceMoreAfter?.data.executionData?.contextData ?? {}),
					nodeExecutionStack: [
						{
							node: workflow.getNode('Items') as INode,
							data: { main: [[{ json: {} }]] },
							source: null,
						},
					],
				},
			});
		const engine = new WorkflowExecute(
			this.additionalData(scenario),
			scenario.mode ?? 'trigger',
			data,
		);
		const running = engine.processRunExecutionData(workflow);
		await scenario.meanwhile?.({ cancel: () => running.cancel() });
		const run = await running;
		const runs = run.data.resultData.runData.Midjourney ?? [];
		const last = runs[runs.length - 1];
		const error = last?.error ?? run.data.resultData.error;
		return {
			status: run.status,
			items: last?.data?.main?.[0] ?? [],
			errorItems: last?.data?.main?.[1] ?? [],
			after: (run.data.resultData.runData.After ?? []).map(({ data }) => data?.main?.[0] ?? []),
			error: error as Result['error'],
			data: deepCopy(run.data),
			log: [...this.logged],
		};
	}

	/** Calls the parked execution as n8n does. */
	async call(
		scenario: Scenario,
		parked: IRunExecutionData,
		{ query, body, headers = {} }: Caller,
	): Promise<Called> {
		const data = deepCopy(parked);
		const [entry] = data.executionData?.nodeExecutionStack ?? [];
		if (!entry) throw new Error('Nothing waits');
		entry.node.disabled = true;
		data.waitTill = undefined;
		data.resultData.runData.Midjourney?.pop();
		const workflow = this.workflow(scenario, []);
		let answer = { status: 0, body: undefined as unknown };
		const response = {
			status: (status: number) => ({
				json: (sent: unknown) => {
					answer = { status, body: sent };
				},
			}),
		};
		const context = new WebhookContext(
			workflow,
			workflow.getNode('Midjourney') as INode,
			{
				...this.additionalData(scenario),
				httpRequest: { query, body, headers },
				httpResponse: response,
			} as never,
			'trigger',
			{} as never,
			[],
			data,
		);
		const result = await this.nodeType.webhook?.call(context);
		const woken = result?.workflowData !== undefined;
		if (woken) entry.data.main = result?.workflowData ?? [];
		return { ...answer, woken, data: woken ? data : parked };
	}

	/** The bytes that n8n stored. */
	async bytes(binary: IBinaryData | undefined): Promise<Buffer> {
		if (!binary) throw new Error('There is no such binary field');
		return await Container.get(BinaryDataService).getAsBuffer(binary);
	}

	/** Puts a file where n8n keeps those of executions. */
	async store(
		bytes: Buffer,
		mimeType: string,
		fileName: string,
		executionId = 'before',
	): Promise<IBinaryData> {
		const location = { type: 'execution', workflowId: 'workflow', executionId } as const;
		const binary = { mimeType, fileName, data: '' };
		return await Container.get(BinaryDataService).store(location, bytes, binary);
	}

	/** Moves a file of a trigger to its execution, as n8n does when it first saves that; gives the file as it is then. */
	async moved(binary: IBinaryData, executionId: string): Promise<IBinaryData> {
		const { id = '' } = binary;
		const after = id.replace('/temp/', `/${executionId}/`);
		const [from = '', to = ''] = [id, after].map((one) => one.split(':')[1]);
		await Container.get(BinaryDataService).rename(from, to);
		return { ...binary, id: after };
	}

	/** What n8n serves to whoever has the token of a signed address; undefined when it does not fit. */
	async signed(token: string): Promise<Buffer | undefined> {
		const service = Container.get(BinaryDataService);
		try {
			const id = service.validateSignedToken(token);
			return await service.getAsBuffer({ id, data: '', mimeType: '' });
		} catch {
			return undefined;
		}
	}

	private workflow(scenario: Scenario, items: INodeExecutionData[]): Workflow {
		const { parameters, settings } = scenario;
		const midjourney = scenario.onlyDocumented ? onlyDocumented(this.nodeType) : this.nodeType;
		const types: Record<string, INodeType> = {
			'test.items': source(items),
			'test.after': passOn,
			[MIDJOURNEY]: midjourney,
			// As the tool of an agent.
			[`${MIDJOURNEY}Tool`]: midjourney,
		};
		const nodeTypes: INodeTypes = {
			getByName: (type) => types[type] ?? passOn,
			getByNameAndVersion: (type) => types[type] ?? passOn,
			getKnownTypes: () => ({}),
		};
		const nodes: INode[] = [
			{
				id: '1',
				name: 'Items',
				type: 'test.items',
				typeVersion: 1,
				position: [0, 0],
				parameters: {},
			},
			{
				id: '2',
				name: 'Midjourney',
				type: MIDJOURNEY,
				typeVersion: 1,
				position: [200, 0],
				parameters: { authentication: 'midApi', ...parameters } as INode['parameters'],
				credentials: {
					midApi: { id: '1', name: 'MidAPI' },
					vtrixApi: { id: '2', name: 'Vtrix' },
				},
				...settings,
			},
			{
				id: '3',
				name: 'After',
				type: 'test.after',
				typeVersion: 1,
				position: [400, 0],
				parameters: {},
			},
		];
		const to = (node: string) => ({
			main: [[{ node, type: NodeConnectionTypes.Main, index: 0 }]],
		});
		const connections = { Items: to('Midjourney'), Midjourney: to('After') };
		return new Workflow({
			id: 'workflow',
			nodes,
			connections,
			active: false,
			nodeTypes,
			settings: { executionOrder: 'v1' },
		});
	}

	private additionalData({
		credentials,
		executionId = EXECUTION,
		n8nUrl = DEAF_URL,
	}: Scenario): IWorkflowExecuteAdditionalData {
		const secret: ICredentialDataDecryptedObject = { apiKey: 'test-key', ...credentials };
		const authenticate = async (
			data: ICredentialDataDecryptedObject,
			name: string,
			options: IHttpRequestOptions,
		) => {
			const { authenticate: own } = this.credentialType(name);
			if (typeof own !== 'function') throw new Error(`${name} does not authenticate by a function`);
			return await own.call(this.credentialType(name), data, options);
		};
		const data = {
			credentialsHelper: {
				getParentTypes: () => [],
				isCredentialUsableByNode: () => true,
				authenticate,
				preAuthentication: async () => undefined,
				getDecrypted: async (_data: unknown, _credential: unknown, name: string) => {
					this.credentialsOpened++;
					return { ...defaultsOf(this.credentialType(name)), ...secret };
				},
				getCredentialsProperties: (name: string) => this.credentialType(name).properties,
			},
			currentNodeExecutionIndex: 0,
			executionId,
			variables: {},
			restApiUrl: `${n8nUrl}/rest`,
			instanceBaseUrl: n8nUrl,
			webhookBaseUrl: `${n8nUrl}/webhook`,
			webhookWaitingBaseUrl: `${n8nUrl}/webhook-waiting`,
			webhookTestBaseUrl: `${n8nUrl}/webhook-test`,
			formWaitingBaseUrl: `${n8nUrl}/form-waiting`,
			setExecutionStatus: () => undefined,
			hooks: new ExecutionLifecycleHooks('trigger', executionId, {
				id: 'workflow',
				name: 'test',
				nodes: [],
				connections: {},
			} as never),
		};
		this.made.set(executionId, [...(this.made.get(executionId) ?? []), new WeakRef(data)]);
		return data as never;
	}
}

const defaultsOf = ({ properties }: ICredentialType): IDataObject =>
	Object.fromEntries(properties.map((property) => [property.name, property.default]));
