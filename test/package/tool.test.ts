import {
	NodeHelpers,
	type INode,
	type INodeParameters,
	type INodeProperties,
	type INodeTypeDescription,
} from 'n8n-workflow';

import { operations } from '../../nodes/Midjourney/operations';
import { providersOf } from '../../nodes/Midjourney/operations/operation';
import { midjourney } from './built';

/** The node as the tool of an agent: what n8n makes of its description. */

const usual = midjourney().description;
const tool: INodeTypeDescription = {
	...usual,
	name: `${usual.name}Tool`,
	outputs: ['ai_tool'],
};

const nodeWith = (parameters: INodeParameters, type = tool): INode => ({
	...{ id: '1', name: 'Painter', typeVersion: 1, position: [0, 0] },
	...{ type: `n8n-nodes-midjourney.${type.name}`, parameters },
});

/** The parameters of a node as n8n completes them, with the defaults of what is shown. */
function completed(parameters: INodeParameters, type = tool): INodeParameters {
	const node = nodeWith(parameters, type);
	return NodeHelpers.getNodeParameters(type.properties, parameters, true, false, node, type) ?? {};
}

/** Every operation with each of its providers. */
const rows = operations.flatMap((operation) =>
	providersOf(operation).map(({ name: authentication }) => {
		const { resource, operation: chosen } = operation;
		return [
			`${resource}:${chosen}`,
			authentication,
			{ resource, operation: chosen, authentication },
		] as const;
	}),
);

const isShown = (property: INodeProperties, parameters: INodeParameters, path: string) =>
	NodeHelpers.displayParameterPath(parameters, property, path, nodeWith(parameters), tool);

/** The fields of n8n's own that are no field to fill in. */
const NO_FIELD = new Set(['notice', 'credentials', 'collection']);

/** Whether n8n's editor shows the button that leaves a field to the model (2.41.1, 2.8.4, 1.123.81). */
const isOfferedToModel = ({ type, noDataExpression, name }: INodeProperties) =>
	type !== 'options' && noDataExpression !== true && name !== 'toolDescription';

/** Properties within collections, too, with the path that each stands under. */
function shownIn(parameters: INodeParameters): INodeProperties[] {
	return tool.properties
		.filter((property) => isShown(property, parameters, ''))
		.flatMap((property) => {
			const options = (property.options ?? []) as INodeProperties[];
			return property.type === 'collection'
				? options.filter((option) =>
						isShown(option, { ...parameters, [property.name]: {} }, property.name),
					)
				: [property];
		})
		.filter(({ type }) => !NO_FIELD.has(type));
}

/** The choices that other properties depend on, as `name:value`. */
const decisive = new Set(
	tool.properties
		.flatMap((property) => [property, ...((property.options ?? []) as INodeProperties[])])
		.flatMap(({ displayOptions: { show, hide } = {} }) => [show ?? {}, hide ?? {}])
		.flatMap(Object.entries)
		.flatMap(([name, values]) =>
			((values ?? []) as unknown[]).map((value) => `${name.replace('/', '')}:${String(value)}`),
		),
);

/** All that an operation can show, whatever is chosen. */
function reachable(choice: INodeParameters): INodeProperties[] {
	const found = new Map<string, INodeProperties>();
	const tried = new Set<string>();
	const open: INodeParameters[] = [choice];
	for (let next = open.pop(); next; next = open.pop()) {
		const parameters = completed(next);
		for (const property of shownIn(parameters)) {
			const { name, options = [] } = property;
			found.set(JSON.stringify(property), property);
			if (name in choice || !(name in parameters)) continue;
			for (const option of options) {
				if (!('value' in option) || !decisive.has(`${name}:${option.value}`)) continue;
				const other = { ...next, [name]: option.value };
				const key = JSON.stringify(Object.entries(other).sort());
				if (!tried.has(key)) open.push(other);
				tried.add(key);
			}
		}
	}
	return [...found.values()];
}

/**
 * Who may fill in what. A model says what is to be seen, and of what it is made. People say who is paid, how many tasks are
 * bought of which kind, how long the node waits and what comes out.
 */
const BY_MODEL = [
	'canvasAspectRatio',
	'canvasHeight',
	'canvasWidth',
	'customAspectRatio',
	'draft',
	'exclude',
	'experimental',
	'imageHeight',
	'imageUrl',
	'imageUrls',
	'imageWeight',
	'imageWidth',
	'imageX',
	'imageY',
	'index',
	'jobId',
	'maskAreas',
	'maskJson',
	'maskUrl',
	'moreHeight',
	'moreWidth',
	'omniIntensity',
	'omniReference',
	'parameters',
	'personalization',
	'prompt',
	'raw',
	'reference',
	'scale',
	'seed',
	'styleReferences',
	'styleWeight',
	'stylization',
	'taskId',
	'taskIds',
	'tile',
	'translatePrompt',
	'url',
	'variety',
	'watermark',
	'weirdness',
];
const BY_PEOPLE = [
	'allowPermutations',
	'anchor',
	'aspectRatio',
	'authentication',
	'buyAgain',
	'canvasFit',
	'canvasMode',
	'customModel',
	'customVersion',
	'equalCalls',
	'extendMode',
	'firstCheck',
	'hd',
	'imageQuality',
	'longestPause',
	'mask',
	'maxTasks',
	'mode',
	'model',
	'motion',
	'onTimeLimit',
	'operation',
	'outputItems',
	'quality',
	'resource',
	'simplify',
	'speed',
	'strength',
	'styleVersion',
	'timeLimit',
	'toolDescription',
	'triggerUrl',
	'upscaleContract',
	'upscaler',
	'varyIndexBase',
	'version',
	'videoCount',
	'waitMode',
];

describe('The tool', () => {
	it('is offered with a word on what it costs, and is otherwise the node', () => {
		const { usableAsTool } = usual;
		const replaced = typeof usableAsTool === 'object' ? usableAsTool.replacements : undefined;
		expect(replaced).toEqual({ description: expect.stringContaining('calls are paid') });
	});

	const all = rows.flatMap(([, , choice]) => reachable(choice));
	const names = (properties: readonly INodeProperties[]) =>
		[...new Set(properties.map(({ name }) => name))].sort();

	it('lets a model fill in what it may, and nothing else', () => {
		expect(names(all.filter(isOfferedToModel))).toEqual(BY_MODEL);
		expect(names(all.filter((property) => !isOfferedToModel(property)))).toEqual(BY_PEOPLE);
	});

	it('has nothing for files and for parked executions', () => {
		const gone = ['download', 'binaryField', 'downloadLimit', 'internalUrl', 'lostAnswerLimit'];
		expect(names(all).filter((name) => gone.includes(name))).toEqual([]);
	});

	it.each(rows.filter(([id]) => /^(image|video|model):/.test(id)))(
		"waits, or answers at once with Don't Wait: %s with %s",
		(_, __, choice) => {
			expect(completed(choice).waitMode).toBe('poll');
			const shown = shownIn(completed(choice)).find(({ name }) => name === 'waitMode');
			expect(shown?.options?.map((option) => 'value' in option && option.value)).toEqual([
				'dontWait',
				'poll',
			]);
		},
	);

	it.each([
		{ as: 'a node', type: usual, price: 'Each input item buys one task.' },
		{
			as: 'a tool',
			type: tool,
			price: 'Each call buys one task. Equal calls within one execution share a task.',
		},
	])('says as $as what buys a task', ({ type, price }) => {
		const parameters = { authentication: 'midApi', resource: 'image', operation: 'generate' };
		const node = nodeWith(parameters, type);
		const notices = type.properties.filter(
			(property) =>
				property.type === 'notice' &&
				NodeHelpers.displayParameterPath(parameters, property, '', node, type),
		);
		expect(notices.map(({ displayName }) => displayName)).toEqual([price]);
	});

	it('keeps what people have set as a node has it', () => {
		const [, , choice] = rows[0] ?? [];
		const set = { ...choice, waitMode: 'dontWait', options: { reference: 'order 1' } };
		expect(completed(set)).toMatchObject({
			waitMode: 'dontWait',
			options: { reference: 'order 1' },
		});
	});
});

/** Longer ones OpenAI refuses. */
const LONGEST_DESCRIPTION = 1024;

describe('The description of the tool', () => {
	/** What the model is told: n8n takes it from the parameters, completed with their defaults. */
	const toldWith = (parameters: INodeParameters) =>
		NodeHelpers.getToolDescriptionForNode(nodeWith(completed(parameters)), {
			description: tool,
		} as never);

	it.each(rows)('of %s with %s says what it does and what it costs', (_, __, choice) => {
		const told = toldWith(choice);
		const operation = operations.find(
			(one) => one.resource === choice.resource && one.operation === choice.operation,
		);
		expect(told).toContain(operation?.description);
		expect(told).toMatch(
			operation?.does === 'submit'
				? /buys one task and costs money.*from a minute to ten.*taskId.*message/s
				: /It costs nothing/,
		);
		expect(told.length).toBeLessThanOrEqual(LONGEST_DESCRIPTION);
	});

	it('of Image → Generate says how to write a prompt', () => {
		const told = toldWith({ authentication: 'midApi', resource: 'image', operation: 'generate' });
		expect(told).toMatch(/Prompt: in English/);
	});

	it('is what people have made of it', () => {
		const choice = { authentication: 'midApi', resource: 'image', operation: 'upscale' };
		expect(toldWith({ ...choice, toolDescription: 'Makes logos larger' })).toBe(
			'Makes logos larger',
		);
	});

	it('is no field of the node', () => {
		const choice = { authentication: 'midApi', resource: 'image', operation: 'generate' };
		expect(completed(choice, usual)).not.toHaveProperty('toolDescription');
	});
});
