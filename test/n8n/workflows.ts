/* eslint-disable @n8n/community-nodes/no-restricted-imports -- reads files, it is not a node */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { N8nClient } from './client';
import { isObject, type JsonObject, list, object, text } from './json';
import { ROOT } from './pack';

/** A workflow as the editor exports it. */
export interface Workflow {
	name: string;
	nodes: JsonObject[];
	connections: JsonObject;
	settings: JsonObject;
}

/** The folder of the importable workflows. */
export const EXAMPLES = join(ROOT, 'examples');

/** Node type of the node under test, as users have it. */
export const MIDJOURNEY = 'n8n-nodes-midjourney.midjourney';

/** The file names in `examples/`, in order. */
export async function exampleFiles(): Promise<string[]> {
	return (await readdir(EXAMPLES)).filter((name) => name.endsWith('.json')).sort();
}

/** Reads one of the files in `examples/`. */
export async function readExample(file: string): Promise<Workflow> {
	const workflow = object(JSON.parse(await readFile(join(EXAMPLES, file), 'utf8')), file);
	return {
		name: text(workflow.name, `name in ${file}`),
		nodes: list(workflow.nodes, `nodes in ${file}`).map((node) => object(node, `node in ${file}`)),
		connections: object(workflow.connections, `connections in ${file}`),
		settings: object(workflow.settings, `settings in ${file}`),
	};
}

/** A stored credential for each credential type of the package, by the name of the type. */
export type Credentials = Record<string, { id: string; name: string }>;

const CREDENTIAL_NAMES: Record<string, string> = { midApi: 'MidAPI', vtrixApi: 'Vtrix' };

/** The hosts in the list of MidAPI's credential; any other one is typed into a field of its own. */
const LISTED_HOSTS = ['https://api.midapi.ai', 'https://api.kie.ai'];

/**
 * Stores one credential of each type, all for the same server, because the emulator stands for every provider.
 *
 * @param purpose is appended to their names
 */
export async function createCredentials(
	client: N8nClient,
	data: { apiKey: string; baseUrl: string },
	purpose = '',
	types = Object.keys(CREDENTIAL_NAMES),
): Promise<Credentials> {
	const credentials: Credentials = {};
	for (const type of types) {
		const full = `${CREDENTIAL_NAMES[type] ?? type}${purpose}`;
		const typed = type === 'midApi' && !LISTED_HOSTS.includes(data.baseUrl);
		const host = typed ? { baseUrl: 'other', otherBaseUrl: data.baseUrl } : {};
		const id = await client.createCredential(full, type, { ...data, ...host });
		credentials[type] = { id, name: full };
	}
	return credentials;
}

/** The workflow with the credentials of its nodes set to these: what a user picks after importing. */
export function withCredentials(workflow: Workflow, credentials: Credentials): Workflow {
	return {
		...workflow,
		nodes: workflow.nodes.map((node) => {
			if (!isObject(node.credentials)) return node;
			const picked = Object.entries(node.credentials).map(([type, exported]) => [
				type,
				credentials[type] ?? exported,
			]);
			return { ...node, credentials: Object.fromEntries(picked) };
		}),
	};
}

/**
 * The workflow with reads from the first second on, because the emulator takes seconds where a real provider takes a minute.
 */
export function withQuickReads(workflow: Workflow): Workflow {
	return {
		...workflow,
		nodes: workflow.nodes.map((node) => {
			if (node.type !== MIDJOURNEY || !isObject(node.parameters)) return node;
			const options = isObject(node.parameters.options) ? node.parameters.options : {};
			return {
				...node,
				parameters: {
					...node.parameters,
					options: { ...options, firstCheck: 1, longestPause: 2 },
				},
			};
		}),
	};
}

/** The names of the nodes that get the output of `name`. */
export function successorsOf(workflow: Workflow, name: string): string[] {
	const { main } = object(workflow.connections[name] ?? { main: [] }, `connections of ${name}`);
	return list(main, `connections of ${name}`)
		.flat()
		.map((connection) => text(object(connection, 'connection').node, 'target of a connection'));
}

/** Name of the node that "Execute workflow" starts from. */
export function triggerOf(workflow: Workflow): string {
	const trigger = workflow.nodes.find((node) => node.type === 'n8n-nodes-base.manualTrigger');
	if (trigger === undefined) throw new Error(`"${workflow.name}" has no manual trigger`);
	return text(trigger.name, 'name of the trigger');
}
