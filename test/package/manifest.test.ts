/* eslint-disable @n8n/community-nodes/no-restricted-imports, @typescript-eslint/no-require-imports -- reads files and loads built ones, it is not a node */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import {
	builtCredential,
	builtNode,
	credentialFiles,
	manifest,
	nodeFiles,
	read,
	ROOT,
} from './built';

/** What n8n and its reviewers require in package.json. */
const WANTED: Record<string, unknown> = {
	name: expect.stringMatching(/^(@[^/]+\/)?n8n-nodes-[a-z0-9-]+$/),
	version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
	description: expect.stringMatching(/\S/),
	license: 'MIT',
	keywords: expect.arrayContaining(['n8n-community-node-package']),
	homepage: expect.stringMatching(/^https:\/\/github\.com\//),
	repository: {
		type: 'git',
		url: expect.stringMatching(/^git\+https:\/\/github\.com\/[^/]+\/[^/]+\.git$/),
	},
	bugs: { url: expect.stringMatching(/^https:\/\/github\.com\/.*\/issues$/) },
	author: { name: expect.stringMatching(/\S/), email: expect.stringMatching(/^\S+@\S+$/) },
	main: 'index.js',
	files: ['dist', 'index.js', 'CHANGELOG.md'],
	// Without provenance npm refuses to publish, whatever script asks for it.
	publishConfig: { access: 'public', provenance: true },
	peerDependencies: { 'n8n-workflow': '*' },
	n8n: expect.objectContaining({ n8nNodesApiVersion: 1, strict: true }),
};

/** What must not be there, because n8n installs no dependencies of community nodes and runs no scripts of theirs. */
const UNWANTED = [
	'dependencies',
	'optionalDependencies',
	'bundleDependencies',
	'bundledDependencies',
	'overrides',
	'resolutions',
	'private',
];

const FORBIDDEN_SCRIPTS = [
	'preinstall',
	'install',
	'postinstall',
	'prepublish',
	'preprepare',
	'prepare',
	'postprepare',
];

const lock = JSON.parse(read('package-lock.json')) as {
	version: string;
	packages: Record<string, { hasInstallScript?: boolean }>;
};

describe('package.json', () => {
	it.each(Object.entries(WANTED))('has the right %s', (key, wanted) => {
		expect(manifest[key]).toEqual(wanted);
	});

	it.each(UNWANTED)('has no %s', (key) => {
		expect(Object.keys(manifest)).not.toContain(key);
	});

	it('runs no script when the package is installed', () => {
		const scripts = Object.keys(manifest.scripts);
		expect(scripts.filter((name) => FORBIDDEN_SCRIPTS.includes(name))).toEqual([]);
	});

	it('has scripts that run on a fresh clone, because each first installs what is missing', () => {
		const unprepared = Object.entries(manifest.scripts).filter(
			([name, command]) =>
				!['setup', 'prepublishOnly'].includes(name) &&
				!command.startsWith('node scripts/setup.mjs && '),
		);
		expect(unprepared).toEqual([]);
	});

	it('builds before npm run dev, because the command of n8n leaves the codex out', () => {
		expect(manifest.scripts.dev).toBe('node scripts/setup.mjs && npm run build && n8n-node dev');
	});

	it('has the version of the lock file', () => {
		expect(lock.version).toBe(manifest.version);
	});

	it('allows no dependency to run a script when it is installed', () => {
		const scripted = Object.entries(lock.packages)
			.filter(([, { hasInstallScript }]) => hasInstallScript)
			.map(([path]) => path.replace(/^.*node_modules\//, ''));
		expect(manifest.allowScripts).toEqual(
			Object.fromEntries(scripted.map((name) => [name, false])),
		);
	});

	it('has the licence that LICENSE holds', () => {
		expect(read('LICENSE')).toMatch(new RegExp(`^${String(manifest.license)} License`));
	});

	it('lists only files that exist', () => {
		expect(manifest.files.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
	});
});

describe('What n8n loads', () => {
	it('are all built nodes, and nothing else', () => {
		expect(nodeFiles).not.toEqual([]);
		expect([...manifest.n8n.nodes].sort()).toEqual(nodeFiles);
	});

	it('are all built credentials, and nothing else', () => {
		expect(credentialFiles).not.toEqual([]);
		expect([...manifest.n8n.credentials].sort()).toEqual(credentialFiles);
	});

	it('are exactly the credentials that nodes use', () => {
		const used = nodeFiles.flatMap((path) =>
			(builtNode(path).description.credentials ?? []).map(({ name }) => name),
		);
		expect(new Set(used)).toEqual(
			new Set(credentialFiles.map((path) => builtCredential(path).name)),
		);
	});

	it('is also what require gives, by the names of the classes', () => {
		const classes = require(ROOT) as Record<string, unknown>;
		const built = [...credentialFiles, ...nodeFiles].map(
			(path) => /(\w+)\.\w+\.js$/.exec(path)?.[1],
		);
		expect(Object.keys(classes).sort()).toEqual(built.sort());
	});
});
