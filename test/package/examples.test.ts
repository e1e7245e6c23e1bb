import {
	NodeHelpers,
	type INode,
	type INodeParameters,
	type INodeProperties,
	type INodeTypeDescription,
} from 'n8n-workflow';

import { WALKTHROUGHS } from '../scenarios/walkthroughs';
import { builtNode, filesIn, read } from './built';
import { localLinksOf } from './markdown';

/** The importable workflows: what users read in them, and whether the panel still has the values they set. */

interface ExampleNode extends INode {
	credentials?: Record<string, { id: string; name: string }>;
}

interface Example {
	name: string;
	nodes: ExampleNode[];
	connections: Record<string, Record<string, Array<Array<{ node: string }>>>>;
	pinData: object;
}

const FILES = filesIn(['examples'], '.json');
const examples = FILES.map((file) => ({ file, ...(JSON.parse(read(file)) as Example) }));
const PACKAGE = 'n8n-nodes-midjourney.';
const NOTE = 'n8n-nodes-base.stickyNote';

/** The built node that a node of an example is; a tool is the same node. */
const descriptionOf = ({ type }: ExampleNode): INodeTypeDescription =>
	builtNode(
		type.startsWith(`${PACKAGE}midjourneyTrigger`)
			? 'dist/nodes/Midjourney/MidjourneyTrigger.node.js'
			: 'dist/nodes/Midjourney/Midjourney.node.js',
	).description;

/** Those of the properties that n8n shows with the parameters of a node. */
function shown(node: ExampleNode, properties: INodeProperties[], path = ''): INodeProperties[] {
	const { parameters } = node;
	const description = descriptionOf(node);
	return properties.filter((property) =>
		NodeHelpers.displayParameterPath(parameters, property, path, node, description),
	);
}

/** The parameters of a node that the panel does not have, as `name` or `collection.name`. */
function unknownIn(node: ExampleNode): string[] {
	const having = shown(node, descriptionOf(node).properties);
	return Object.entries(node.parameters).flatMap(([name, value]) => {
		const property = having.find((one) => one.name === name);
		if (!property) return [name];
		if (property.type !== 'collection') return [];
		const inside = shown(node, (property.options ?? []) as INodeProperties[], name);
		return Object.keys(value as INodeParameters)
			.filter((option) => !inside.some((one) => one.name === option))
			.map((option) => `${name}.${option}`);
	});
}

/** The lists of choices that lack the value of a node, unless that is an expression. */
function unlistedIn(node: ExampleNode): string[] {
	const lists = shown(node, descriptionOf(node).properties).filter(
		({ type }) => type === 'options',
	);
	return Object.entries(node.parameters).flatMap(([name, value]) => {
		const values = lists
			.filter((one) => one.name === name)
			.flatMap(({ options = [] }) => options as Array<{ value: unknown }>)
			.map((option) => option.value);
		const fits = values.length === 0 || values.includes(value) || String(value).startsWith('=');
		return fits ? [] : [name];
	});
}

describe.each(examples)('$file', ({ file, name, nodes, connections, pinData }) => {
	const ours = nodes.filter(({ type }) => type.startsWith(PACKAGE));
	const number = Number(/\/(\d\d)-/.exec(file)?.[1]);

	it('has the number of its file in its name', () => {
		expect(name).toMatch(new RegExp(`^Midjourney ${number}: \\S`));
	});

	it('is explained in a note', () => {
		const [note] = nodes.filter(({ type }) => type === NOTE);
		expect(String(note?.parameters.content)).toMatch(/^## \S/);
	});

	it('names in bold only nodes on the canvas, buttons and operations', () => {
		const said = nodes
			.filter(({ type }) => type === NOTE)
			.flatMap(({ parameters }) => [...String(parameters.content).matchAll(/\*\*([^*]+)\*\*/g)])
			.map(([, bold]) => bold);
		const names = nodes.map((node) => node.name);
		expect(said.filter((bold) => !names.includes(bold ?? ''))).toEqual([]);
	});

	it('sets only parameters and values that the panel has', () => {
		expect(ours).not.toEqual([]);
		const unknown = ours.map((node) => [node.name, ...unknownIn(node), ...unlistedIn(node)]);
		expect(unknown.filter(({ length }) => length > 1)).toEqual([]);
	});

	it('connects only nodes that exist', () => {
		const targets = Object.values(connections)
			.flatMap((types) => Object.values(types))
			.flat(2)
			.map(({ node }) => node);
		const names = nodes.map((node) => node.name);
		expect([...Object.keys(connections), ...targets].filter((one) => !names.includes(one))).toEqual(
			[],
		);
	});

	it('contains no data, and no credentials but placeholders for ours', () => {
		const brought = nodes.flatMap(({ credentials = {} }) => Object.values(credentials));
		expect(pinData).toEqual({});
		expect(brought.filter(({ id }) => !['midapi-demo', 'vtrix-demo'].includes(id))).toEqual([]);
	});
});

describe('The examples', () => {
	it('are all run in real n8n versions', () => {
		expect(FILES).toEqual(Object.keys(WALKTHROUGHS).map((name) => `examples/${name}`));
	});

	it('are all listed in their README, in order', () => {
		const listed = localLinksOf(read('examples/README.md')).map(({ file }) => `examples/${file}`);
		expect(listed).toEqual(FILES);
	});

	it('can be imported side by side: no two have the same address', () => {
		const ids = examples.flatMap(({ nodes }) => nodes.flatMap(({ webhookId }) => webhookId ?? []));
		expect(new Set(ids).size).toBe(ids.length);
	});
});
