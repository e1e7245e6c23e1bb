/* eslint-disable @n8n/community-nodes/no-restricted-imports, @typescript-eslint/no-require-imports -- reads files and loads built ones, it is not a node */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';

import type { ICredentialType, INodeType } from 'n8n-workflow';

import { ROOT } from '../n8n/pack';

/** The package as `npm run build` leaves it. */

export { ROOT };

/** The parts of package.json that tests look at. */
export interface Manifest {
	name: string;
	version: string;
	main: string;
	files: string[];
	scripts: Record<string, string>;
	n8n: { n8nNodesApiVersion: number; strict: boolean; nodes: string[]; credentials: string[] };
	[other: string]: unknown;
}

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

export const manifest = JSON.parse(read('package.json')) as Manifest;

/** All files under a folder, relative to it, with slashes, in alphabetical order; none when there is no such folder. */
export const filesUnder = (folder: string): string[] =>
	existsSync(folder)
		? readdirSync(folder, { recursive: true, withFileTypes: true })
				.filter((entry) => entry.isFile())
				.map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
				.map((path) => path.split(sep).join('/'))
				.sort()
		: [];

/** The files below these folders whose path ends with `ending`, relative to the repository. */
export const filesIn = (folders: readonly string[], ending = ''): string[] =>
	folders.flatMap((folder) =>
		filesUnder(join(ROOT, folder))
			.map((file) => `${folder}/${file}`)
			.filter((file) => file.endsWith(ending)),
	);

/** An instance of the class that a built file is named after, as n8n's loader makes it. */
function instanceFrom<T>(path: string): T {
	const name = basename(path).split('.')[0] ?? '';
	const classes = require(join(ROOT, path)) as Record<string, (new () => T) | undefined>;
	const Class = classes[name];
	if (!Class) throw new Error(`${path} exports no class ${name}`);
	return new Class();
}

/** The built nodes and credentials, by their files. */
export const nodeFiles = filesIn(['dist/nodes'], '.node.js');
export const credentialFiles = filesIn(['dist/credentials'], '.credentials.js');
export const builtNode = (path: string): INodeType => instanceFrom<INodeType>(path);
export const builtCredential = (path: string): ICredentialType =>
	instanceFrom<ICredentialType>(path);

/** The action node. */
export const midjourney = (): INodeType => builtNode('dist/nodes/Midjourney/Midjourney.node.js');
