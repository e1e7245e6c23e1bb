/* eslint-disable @typescript-eslint/no-require-imports -- prettier's settings are CommonJS */
import { parse } from 'yaml';

import { providers } from '../../nodes/Midjourney/providers';
import { filesIn, manifest, read } from './built';

/** The files for GitHub under .github, and .editorconfig. */

interface Step {
	uses?: string;
	run?: string;
	if?: string;
	'continue-on-error'?: boolean;
}

interface Job {
	needs?: string | string[];
	if?: string;
	uses?: string;
	permissions?: Record<string, string>;
	steps?: Step[];
	'continue-on-error'?: boolean;
	'timeout-minutes'?: number;
	strategy?: { matrix?: Record<string, unknown[]> };
}

interface Workflow {
	on: Record<string, unknown>;
	permissions?: Record<string, string>;
	jobs: Record<string, Job>;
}

const FOLDER = '.github/workflows';
const workflow = (name: string) => parse(read(`${FOLDER}/${name}.yml`)) as Workflow;
const files = filesIn([FOLDER]);
const ci = workflow('ci');
const publish = workflow('publish');

const stepsOf = ({ jobs }: Workflow) => Object.values(jobs).flatMap(({ steps = [] }) => steps);
const commandsOf = (job: Job | undefined) => (job?.steps ?? []).flatMap(({ run = [] }) => run);

describe.each(files)('%s', (file) => {
	const { permissions, jobs } = parse(read(file)) as Workflow;
	const used = [...read(file).matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map(
		([, action = '']) => action,
	);

	it('pins actions to a commit, and names its version', () => {
		expect(used).not.toEqual([]);
		const moving = used.filter(
			(action) =>
				!/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action) && !action.startsWith('./'),
		);
		expect(moving).toEqual([]);
	});

	it('has only the right to read by default', () => {
		expect(
			Object.entries(permissions ?? { all: 'write' }).filter(([, to]) => to !== 'read'),
		).toEqual([]);
	});

	it('limits the time of every job', () => {
		const endless = Object.entries(jobs).filter(
			([, { uses, 'timeout-minutes': minutes }]) => uses === undefined && !(Number(minutes) <= 60),
		);
		expect(endless.map(([name]) => name)).toEqual([]);
	});
});

it('All workflows use the same commit of an action', () => {
	const used = files
		.flatMap((file) => stepsOf(parse(read(file)) as Workflow))
		.flatMap((step) => step.uses ?? []);
	const names = new Set([...used].map((action) => action.replace(/@.*/, '')));
	expect(new Set(used).size).toBe(names.size);
});

describe('A pull request', () => {
	const commands = Object.values(ci.jobs).flatMap((job) =>
		commandsOf(job).flatMap((command) =>
			(job.strategy?.matrix?.suite ?? ['']).map((suite) =>
				command.replace('${{ matrix.suite }}', String(suite)),
			),
		),
	);

	it.each(Object.keys(manifest.scripts).filter((name) => /^test\b/.test(name)))(
		'runs %s',
		(name) => {
			expect(commands).toContain(name === 'test' ? 'npm test' : `npm run ${name}`);
		},
	);

	it('runs the tests with the oldest Node.js that the package supports', () => {
		const { engines } = manifest as { engines?: { node?: string } };
		const [, oldest] = /^>=(\d+)\./.exec(engines?.node ?? '') ?? [];
		expect(ci.jobs.test?.strategy?.matrix?.node).toContain(Number(oldest));
	});

	it('is blocked by every job except the one that lints with the newest rules', () => {
		const forgiving = Object.entries(ci.jobs).filter(([, job]) => job['continue-on-error']);
		expect(forgiving.map(([name]) => name)).toEqual(['newest-rules']);
	});
});

describe('Publishing', () => {
	const { test, publish: publishing, scan, announce } = publish.jobs;

	it('is triggered by the tag of a version', () => {
		expect(publish.on).toEqual({ push: { tags: ['*.*.*'] } });
	});

	it('runs after all tests of a pull request, and the scan runs after it', () => {
		expect(ci.on).toHaveProperty('workflow_call');
		expect(test?.uses).toBe('./.github/workflows/ci.yml');
		expect([publishing?.needs, scan?.needs, announce?.needs]).toEqual(['test', 'publish', 'scan']);
	});

	it('publishes the version of the tag, with n8n’s own tool at the version of the lock file', () => {
		expect(commandsOf(publishing)).toEqual([
			`test "$(node -p 'require("./package.json").version')" = "$GITHUB_REF_NAME"`,
			'npm run setup',
			'npx --no-install n8n-node release',
		]);
	});

	it('scans the published version with a script that can fail', () => {
		expect(commandsOf(scan).at(-1)).toBe(
			`node scripts/scan.mjs "${manifest.name}@$GITHUB_REF_NAME"`,
		);
	});

	it('ignores no failure of a job or step', () => {
		const parts = [...Object.values(publish.jobs), ...stepsOf(publish)];
		expect(parts.filter((part) => part['continue-on-error'] ?? part.if)).toEqual([]);
		const commands = stepsOf(publish).flatMap(({ run = [] }) => run);
		expect(commands.filter((command) => /\|\||[|;&] |set \+e/.test(command))).toEqual([]);
	});

	it('gives each job only the rights it needs: one may publish, and the last may write here', () => {
		const rights = Object.fromEntries(
			Object.entries(publish.jobs).map(([name, { permissions }]) => [name, permissions]),
		);
		expect(publish.permissions).toEqual({});
		expect(rights).toEqual({
			test: { contents: 'read' },
			publish: { contents: 'read', 'id-token': 'write' },
			scan: { contents: 'read' },
			announce: { contents: 'write' },
		});
	});

	it('builds the package without a cache that another job may have filled', () => {
		const cached = (publishing?.steps ?? []).filter((step) =>
			JSON.stringify(step).includes('"cache"'),
		);
		expect(cached).toEqual([]);
	});
});

describe('Dependabot', () => {
	const { updates } = parse(read('.github/dependabot.yml')) as {
		updates: Array<Record<'package-ecosystem' | 'directory' | 'groups', unknown>>;
	};

	it.each(['npm', 'github-actions'])('keeps %s, in groups', (ecosystem) => {
		const entry = updates.find((update) => update['package-ecosystem'] === ecosystem);
		expect(entry).toMatchObject({ directory: '/', schedule: { interval: 'weekly' } });
		expect(Object.keys(entry?.groups ?? {})).not.toEqual([]);
	});
});

interface Form {
	name: string;
	body: Array<{
		type: string;
		id?: string;
		attributes: { label?: string; value?: string; options?: unknown[] };
		validations?: { required: boolean };
	}>;
}

describe('A report of a bug', () => {
	const { body } = parse(read('.github/ISSUE_TEMPLATE/bug.yml')) as Form;
	const part = (id: string) => body.find((one) => one.id === id);

	it.each(['happened', 'n8n-version', 'package-version', 'provider', 'operation'])(
		'has to say: %s',
		(id) => {
			expect(part(id)?.validations).toEqual({ required: true });
		},
	);

	it('may name the task', () => {
		expect(part('task-id')?.attributes.label).toBe('Task ID');
	});

	it('offers every provider that the node has, and no other', () => {
		const offered = (part('provider')?.attributes.options ?? []).map((option) =>
			String(option).replace(/ \(.*\)$/, ''),
		);
		const names = Object.values(providers).map(({ displayName }) => displayName);
		expect(new Set(offered)).toEqual(new Set(names));
	});

	it('asks first not to send a key, and asks again at the end', () => {
		expect(body[0]?.attributes.value).toContain('Never send your API key');
		expect(body.at(-1)?.attributes.options).toEqual([
			{ label: expect.stringContaining('no API key'), required: true },
		]);
	});
});

describe('The other issues', () => {
	const { blank_issues_enabled: blank, contact_links: links } = parse(
		read('.github/ISSUE_TEMPLATE/config.yml'),
	) as { blank_issues_enabled: boolean; contact_links: Array<{ url: string }> };

	it('have a form, or another place', () => {
		expect(blank).toBe(false);
		expect(links.map(({ url }) => new URL(url).hostname)).toContain('community.n8n.io');
	});

	it('point to the policy of this repository for security', () => {
		const { bugs } = manifest as { bugs?: { url?: string } };
		const policy = bugs?.url?.replace(/\/issues$/, '/security/policy');
		expect(links.map(({ url }) => url)).toContain(policy);
	});
});

it('.editorconfig says what prettier does', () => {
	const [, section = ''] = /^\[\*\]\n([^[]*)/m.exec(read('.editorconfig')) ?? [];
	const said = Object.fromEntries(
		[...section.matchAll(/^(\w+) = (.*)$/gm)].map(([, key, value]) => [key, value]),
	);
	const { useTabs, tabWidth, endOfLine, printWidth } = require('../../.prettierrc.js') as {
		useTabs: boolean;
		tabWidth: number;
		endOfLine: string;
		printWidth: number;
	};
	expect(said).toMatchObject({
		indent_style: useTabs ? 'tab' : 'space',
		tab_width: String(tabWidth),
		end_of_line: endOfLine,
		max_line_length: String(printWidth),
	});
});
