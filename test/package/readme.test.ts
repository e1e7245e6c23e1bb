import type { INodePropertyOptions } from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import { providersOf } from '../../nodes/Midjourney/operations/operation';
import {
	builtCredential,
	credentialFiles,
	filesIn,
	manifest,
	midjourney,
	nodeFiles,
	read,
} from './built';

const readme = read('README.md');

/** The rows of the table under a heading, each as the texts of its cells; without head and rule. */
function tableUnder(heading: string): string[][] {
	const section = new RegExp(`^#+ ${heading}$([^]*?)(?=^#|$(?![^]))`, 'm').exec(readme)?.[1] ?? '';
	return section
		.split('\n')
		.filter((line) => line.startsWith('|'))
		.map((line) =>
			line
				.split('|')
				.slice(1, -1)
				.map((cell) => cell.trim()),
		)
		.slice(2);
}

/** What the panel calls every resource, by its value. */
function resourceNames(): Map<unknown, string> {
	const resource = midjourney().description.properties.find(({ name }) => name === 'resource');
	const options = (resource?.options ?? []) as INodePropertyOptions[];
	return new Map(options.map(({ name, value }) => [value, name]));
}

/** Every operation as the panel calls it where a provider has it. */
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

	it('says of every operation whether it costs credits', () => {
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

	it('says of every operation which providers have it', () => {
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

	it('explains every field that comes out of an operation on tasks', () => {
		const explained = tableUnder('What comes out').flatMap(([fields = '']) =>
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
});
