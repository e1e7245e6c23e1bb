import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import { providersOf } from '../../nodes/Midjourney/operations/operation';
import { PAGE } from '../faults/summary';
import { CURRENT_N8N, LAST_N8N_1, OLDER_N8N } from '../n8n/install';
import { WALKTHROUGHS } from '../scenarios/walkthroughs';
import {
	builtCredential,
	builtNode,
	credentialFiles,
	filesIn,
	manifest,
	midjourney,
	nodeFiles,
	read,
} from './built';
import { localLinksOf } from './markdown';

const readme = read('README.md');
const items = read('docs/guide/items.md');

/** The text under a heading of a page, up to the next heading. */
const sectionOf = (heading: string, page = readme): string =>
	new RegExp(`^#+ ${heading}$([^]*?)(?=^#|$(?![^]))`, 'm').exec(page)?.[1] ?? '';

/** The rows of the table under a heading as the texts of their cells, with the head and without the rule. */
const tableWithHead = (heading: string, page?: string): string[][] =>
	sectionOf(heading, page)
		.split('\n')
		.filter((line) => line.startsWith('|'))
		.map((line) =>
			line
				.split('|')
				.slice(1, -1)
				.map((cell) => cell.trim()),
		)
		.filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)));

const tableUnder = (heading: string, page?: string): string[][] =>
	tableWithHead(heading, page).slice(1);

/** The name of every resource in the panel, by its value. */
function resourceNames(): Map<unknown, string> {
	const resource = midjourney().description.properties.find(({ name }) => name === 'resource');
	const options = (resource?.options ?? []) as INodePropertyOptions[];
	return new Map(options.map(({ name, value }) => [value, name]));
}

/** Every operation with its name in the panel for a provider that has it. */
function panel(): Array<{ resource: string; operation: string; value: unknown; of: unknown }> {
	const names = resourceNames();
	const offered = midjourney()
		.description.properties.filter(({ name }) => name === 'operation')
		.flatMap(({ displayOptions, options = [] }) =>
			(options as INodePropertyOptions[])
				.filter((option) => option.displayOptions === undefined)
				.map(({ name, value }) => {
					const of = displayOptions?.show?.resource?.[0];
					return { resource: names.get(of) ?? '', operation: name, value, of };
				}),
		);
	return [
		...new Map(offered.map((one) => [`${String(one.of)}:${String(one.value)}`, one])).values(),
	];
}

describe('The README', () => {
	it('has a row for every operation of the node, and no other', () => {
		const rows = tableUnder('Operations').map(
			([resource, operation]) => `${resource} → ${operation}`,
		);
		const offered = panel().map(({ resource, operation }) => `${resource} → ${operation}`);
		expect(rows.sort()).toEqual(offered.sort());
	});

	it('says whether each operation costs credits', () => {
		const costing = panel().filter(
			({ of, value }) =>
				operations.find(({ resource, operation }) => resource === of && operation === value)
					?.does === 'submit',
		);
		const said = tableUnder('Operations').filter((cells) => cells[3] === 'yes');
		expect(said.map(([resource, operation]) => `${resource} → ${operation}`).sort()).toEqual(
			costing.map(({ resource, operation }) => `${resource} → ${operation}`).sort(),
		);
	});

	it('says which providers have each operation', () => {
		const said = tableUnder('Operations').map((cells) => [cells[0], cells[1], cells[4]]);
		const offered = panel().map(({ resource, operation, of, value }) => {
			const row = operations.find((one) => one.resource === of && one.operation === value);
			return [
				resource,
				operation,
				row &&
					providersOf(row)
						.map(({ displayName }) => displayName)
						.join(', '),
			];
		});
		expect(said.sort()).toEqual(offered.sort());
	});

	it('explains every field of the credentials, and no other', () => {
		const fields = credentialFiles.flatMap((file) => {
			const { displayName: credential, properties } = builtCredential(file);
			return properties.map(({ displayName }) => [credential, displayName]);
		});
		const explained = tableUnder('Credentials').map(([credential, field]) => [credential, field]);
		expect(explained).toEqual(fields);
	});

	it('explains in its guide every field of the items that operations on tasks give', () => {
		const explained = tableUnder('Fields', items).flatMap(([fields = '']) =>
			[...fields.matchAll(/`(\w+)`/g)].map(([, field]) => field),
		);
		const given = operations
			.filter(({ does }) => does !== 'query')
			.flatMap(({ resource, operation }) => {
				const schema = `nodes/Midjourney/__schema__/v1.0.0/${resource}/${operation}.json`;
				return Object.keys((JSON.parse(read(schema)) as { properties: object }).properties);
			});
		expect(given).not.toEqual([]);
		expect(given.filter((field) => !explained.includes(field))).toEqual([]);
	});

	it('has the headings that nodes and credentials link to', () => {
		const linking = [...nodeFiles, ...credentialFiles, ...filesIn(['dist'], '.node.json')].map(
			read,
		);
		const pages = String(manifest.homepage).split('#')[0];
		const links = linking.flatMap((text) => text.match(/https:\/\/[^\s'"]+#[\w-]+/g) ?? []);
		const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
			heading
				.toLowerCase()
				.replace(/[^\w -]/g, '')
				.replace(/ /g, '-'),
		);
		expect(links).not.toEqual([]);
		expect(
			[...new Set(links)].filter((link) => {
				const [page, anchor = ''] = link.split('#');
				return page !== pages || !['readme', ...headings].includes(anchor);
			}),
		).toEqual([]);
	});

	it('quotes only messages that the node has', () => {
		const sources = filesIn(['nodes'], '.ts').map(read).join('\n');
		const quoted = [...sectionOf('Troubleshooting').matchAll(/“([^”]+)”/g)].map(
			([, message = '']) => message,
		);
		expect(quoted).not.toEqual([]);
		expect(quoted.filter((message) => !sources.includes(message))).toEqual([]);
	});

	it('names the tested n8n versions, and how the examples run in them', () => {
		const [[, ...versions] = [], examples = []] = tableWithHead('n8n versions');
		expect(versions).toEqual([CURRENT_N8N, OLDER_N8N, LAST_N8N_1]);
		expect(examples[0]).toMatch(/^Examples 1 to 13, 15 and 16/);
		expect(examples.slice(1)).toEqual(['yes', 'yes', 'yes']);
		const limited = Object.entries(WALKTHROUGHS).filter(([, { only }]) => only !== undefined);
		expect(limited).toEqual([
			[expect.stringMatching(/^14-/), expect.objectContaining({ only: [CURRENT_N8N, OLDER_N8N] })],
		]);
	});

	it.each([
		['Examples 1 to 13, 15 and 16, Trigger, waiting', ['examples', 'trigger', 'callers']],
		['Every operation of both providers', ['operations']],
		['Tool of an AI agent', ['agent']],
	])('says which n8n versions are tested for: %s', (row, suites) => {
		const names: Record<string, string> = { CURRENT_N8N, OLDER_N8N, LAST_N8N_1 };
		const [[, ...versions] = [], ...rows] = tableWithHead('n8n versions');
		const [, ...said] = rows.find(([first]) => first === row) ?? [];
		const claimed = versions.filter((_, column) => said[column] === 'yes');
		for (const suite of suites) {
			const code = read(`test/e2e/${suite}.test.ts`);
			const lists = [...code.matchAll(/describe\.each\(\[((?:\w+_N8N\w*,? ?)+)\]\)/g)];
			const tested = lists.map(([, list = '']) => list.split(', ').map((name) => names[name]));
			expect({ suite, tested }).toEqual({ suite, tested: expect.arrayContaining([claimed]) });
		}
	});

	it('counts the runs against faulty providers, none of which paid twice', () => {
		const [, said = ''] = /([\d,]+) runs against faulty providers/.exec(readme) ?? [];
		const totals = (['submit', 'read', 'file', 'balance'] as const).flatMap((route) =>
			PAGE.rows(route).filter(([name]) => name === 'All'),
		);
		const runs = totals.flatMap(([, ...counts]) => counts.slice(0, 3).map(Number));
		expect(runs.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(
			Number(said.replace(',', '')) || Infinity,
		);
		expect(totals.map(([, , , , overpaid]) => overpaid)).toEqual(['0', '0', '0', '0']);
	});

	it('counts the nodes of the example that rebuilds a template', () => {
		const [[, , said = ''] = []] = tableUnder('Examples');
		const { nodes } = JSON.parse(read('examples/15-form-three-modes.json')) as {
			nodes: Array<{ type: string }>;
		};
		const types = nodes.map(({ type }) => type.split('.').pop());
		const count = (type: string) => types.filter((one) => one === type).length;
		expect(types.length - count('stickyNote')).toBe(Number(/^\d+/.exec(said)?.[0]));
		expect(count('midjourney')).toBe(Number(/(\d+) × Midjourney/.exec(said)?.[1]));
	});
});

/** The pages for users. */
const PAGES = ['README.md', 'examples/README.md', ...filesIn(['docs/guide'], '.md')];

describe('The documentation for users', () => {
	const { properties } = midjourney().description;
	const trigger = nodeFiles.flatMap((file) => builtNode(file).description.properties);
	/** The display names in a collection of either node, without units. */
	const inside = (collection: string) =>
		[...properties, ...trigger]
			.filter(({ displayName }) => displayName === collection)
			.flatMap(({ options = [] }) => options.map((option) => option as INodeProperties))
			.map(({ displayName }) => displayName.replace(/ \((Minutes|Seconds|MB)\)$/, ''));

	it.each(['Options', 'Additional Fields'])('names only fields that are under %s', (collection) => {
		const there = inside(collection);
		const named = PAGES.flatMap((page) =>
			[...read(page).matchAll(new RegExp(`_${collection} → ([^_:]+)(?:: [^_]+)?_`, 'g'))].map(
				([, field = '']) => field,
			),
		);
		expect(named).not.toEqual([]);
		expect(named.filter((field) => !there.includes(field))).toEqual([]);
	});

	it('names only operations that exist', () => {
		const offered = panel().map(({ resource, operation }) => `${resource} → ${operation}`);
		const named = PAGES.flatMap((page) =>
			[...read(page).matchAll(/(?:\*\*|_)(\w+)\s→\s([^*_]+)(?:\*\*|_)/g)]
				.filter(([, resource]) => [...resourceNames().values()].includes(resource ?? ''))
				.map(([, resource, operation]) => `${resource} → ${operation}`),
		);
		expect(named).not.toEqual([]);
		expect(named.filter((one) => !offered.includes(one))).toEqual([]);
	});

	it('is listed in docs/README.md, apart from the pages for maintainers', () => {
		const [, users = '', , maintainers = ''] = read('docs/README.md').split(/^\*\*/m);
		const listed = (part: string) =>
			localLinksOf(part)
				.map(({ file }) => `docs/${file}`)
				.filter((file) => file.endsWith('.md') && !file.includes('..'));
		const guides = filesIn(['docs/guide'], '.md');
		expect(listed(users).sort()).toEqual(guides);
		expect(listed(maintainers).filter((file) => guides.includes(file))).toEqual([]);
		const all = localLinksOf(read('docs/README.md')).map(({ file }) => `docs/${file}`);
		const pages = filesIn(['docs'], '.md').filter((file) => file !== 'docs/README.md');
		expect(pages.filter((page) => !all.includes(page))).toEqual([]);
	});
});
