import { LOST_ANSWER_MS } from '../tasks/wait/lost';
import type { Settings, WaitMode } from '../tasks/settings';
import {
	byPeople,
	choiceField,
	exceptFor,
	integerField,
	listField,
	NOT_IN_TOOLS,
	numberField,
	onlyFor,
	optional,
	switchField,
	textField,
	urlField,
	type Display,
	type Field,
} from './field';
import type { Parameters } from './parameters';

/**
 * How the node waits and what it outputs: the fields that all operations on tasks share (architecture.md: Wait modes,
 * What comes out).
 */

const DEFAULT_TIME_LIMIT_MIN = 30;
const DEFAULT_BINARY_FIELD = 'data';
const DEFAULT_DOWNLOAD_LIMIT_MB = 100;

const WAIT_MODES: ReadonlyArray<{ name: string; value: WaitMode; description: string }> = [
	{
		name: 'Auto',
		value: 'auto',
		description:
			'Park the execution so that it holds no worker, and continue when the tasks have ended. Works with and without callbacks.',
	},
	{
		name: 'Callback',
		value: 'callback',
		description:
			'Park the execution and read no task until the provider sends a callback. Needs an n8n that the provider can reach.',
	},
	{
		name: "Don't Wait",
		value: 'dontWait',
		description: 'Return the task IDs at once. Task → Wait gets the results later.',
	},
	{
		name: 'Poll',
		value: 'poll',
		description: 'Read the tasks at intervals until all of them have ended. Holds the worker.',
	},
];

const DEFAULT_WAIT_MODE: WaitMode = 'auto';

const waitModeField = (
	modes: typeof WAIT_MODES,
	display: Partial<Display> = {},
): Field<WaitMode | undefined> =>
	optional(
		choiceField(modes, {
			displayName: 'Wait Mode',
			name: 'waitMode',
			default: DEFAULT_WAIT_MODE,
			noDataExpression: true,
			description: 'How the node waits for the tasks to end',
			...display,
		}),
	);

/** A tool cannot be parked: either the agent waits, or it asks again. */
const TOOL_WAIT_MODES: ReadonlyArray<{ name: string; value: WaitMode; description: string }> = [
	{
		name: "Don't Wait",
		value: 'dontWait',
		description:
			'Answer with the task ID at once. A second tool with Task → Wait returns the results, of several calls together.',
	},
	{ name: 'Wait', value: 'poll', description: 'Answer when the task has ended' },
];

/** How to wait for tasks that the node submits. */
export const waitMode: Field<WaitMode | undefined> = {
	...waitModeField(WAIT_MODES),
	inTool: { options: [...TOOL_WAIT_MODES], default: 'poll' },
};

/** How to wait for tasks that were submitted earlier, whose callback address was fixed then. A tool polls. */
export const laterWaitMode = waitModeField(
	WAIT_MODES.filter(({ value }) => value === 'auto' || value === 'poll'),
	{ displayOptions: NOT_IN_TOOLS },
);

/** `field`, which is optional and in an agent's tool up to people. */
const setByPeople = <T>(field: Field<T>): Field<T | undefined> => byPeople(optional(field));

/** `field`, but only if the node waits. */
const whereItWaits = <T>(field: Field<T>) => exceptFor(waitMode, ['dontWait'], field);

const timeLimit = whereItWaits(
	setByPeople(
		numberField(
			{ min: 0.05, max: 1440 },
			{
				displayName: 'Time Limit (Minutes)',
				name: 'timeLimit',
				default: DEFAULT_TIME_LIMIT_MIN,
				description: 'How long to wait for each task',
			},
		),
	),
);

const onTimeLimit = whereItWaits(
	optional(
		choiceField(
			[
				{
					name: 'Fail',
					value: 'error',
					description: 'Fail the item with a message that names the open task',
				},
				{
					name: 'Return Pending',
					value: 'returnPending',
					description: 'Output the item with its task ID and the status pending',
				},
			] as const,
			{
				displayName: 'On Time Limit',
				name: 'onTimeLimit',
				default: 'error',
				description: 'What to do with a task that is still open at the time limit',
			},
		),
	),
);

const firstCheck = whereItWaits(
	setByPeople(
		numberField(
			{ min: 0, max: 3600 },
			{
				displayName: 'First Check After (Seconds)',
				name: 'firstCheck',
				default: 4,
				description: 'Time from the submit to the first check',
			},
		),
	),
);

const longestPause = whereItWaits(
	setByPeople(
		numberField(
			{ min: 1, max: 600 },
			{
				displayName: 'Longest Pause (Seconds)',
				name: 'longestPause',
				default: 30,
				description: 'Maximum pause between two checks. Pauses grow with the time waited.',
			},
		),
	),
);

/** `field`, but only if the execution may be parked. */
const whereItParks = <T>(field: Field<T>) => onlyFor(waitMode, ['auto', 'callback'], field);

/** @param use what the address is used for; full sentences */
export const internalUrlField = (use: string): Field<string | undefined> =>
	optional(
		urlField({
			displayName: 'Internal Base URL',
			name: 'internalUrl',
			default: '',
			placeholder: 'e.g. http://127.0.0.1:5678',
			description: `Where this n8n can reach itself, if not at the address in WEBHOOK_URL. ${use}`,
		}),
	);

const internalUrl = whereItParks(
	internalUrlField(
		'The node calls it to wake its own execution. If n8n cannot reach itself, tasks are checked only about once a minute.',
	),
);

const reference = optional(
	textField(200, {
		displayName: 'Reference',
		name: 'reference',
		default: '',
		placeholder: 'e.g. order 1234',
		description: 'Any text. It travels with the callback and comes back in the item.',
	}),
);

const triggerUrl = onlyFor(
	waitMode,
	['auto', 'callback', 'dontWait'],
	setByPeople(
		urlField({
			displayName: 'Midjourney Trigger URL',
			name: 'triggerUrl',
			default: '',
			placeholder: 'e.g. https://n8n.example.com/webhook/…',
			description:
				"Production URL of a Midjourney Trigger with the same credential, which then receives the callbacks. It starts its workflow and resumes this execution if it is waiting. Use it with Wait Mode Don't Wait, or if only /webhook/ of your n8n is public.",
		}),
	),
);

const lostAnswerLimit = whereItParks(
	optional(
		numberField(
			{ min: 0, max: 1440 },
			{
				displayName: 'Wait for Lost Answers (Minutes)',
				name: 'lostAnswerLimit',
				default: LOST_ANSWER_MS / 60_000,
				description:
					'How long to wait for the callback after the answer to a submit was lost, before the item fails. Such a submit may have been paid, and the callback names its task. Only applies where callbacks can arrive.',
			},
		),
	),
);

/** Not in tools: a model must not decide whether it buys. */
const dryRun = optional(
	switchField({
		displayName: 'Dry Run',
		name: 'dryRun',
		default: true,
		displayOptions: NOT_IN_TOOLS,
		description:
			'Whether to only show, item by item, what would be sent. Nothing is bought, and no credential is needed.',
	}),
);

/** No expression: an input item or a model could raise the limit with it. */
const maxTasks = optional(
	integerField(
		{ min: 1, max: 10_000 },
		{
			displayName: 'Maximum Tasks per Run',
			name: 'maxTasks',
			default: 10,
			noDataExpression: true,
			description:
				'If a run of this node would buy more tasks, it buys none. Every item and every permutation counts; when an execution is retried, what is already bought does not. In a loop, each iteration is a run.',
		},
	),
);

const itemNumbers = listField(
	{
		separator: /[\s,]+/,
		check: (entry) =>
			/^\d+$/.test(entry) ? undefined : `contains “${entry}”, which is not an item number`,
	},
	{
		displayName: 'Items to Buy Again',
		name: 'buyAgain',
		default: '',
		placeholder: 'e.g. 3, 17',
		description:
			"Numbers of the items, as given in their messages, that a retry of this execution buys again. Only enter items whose task is not in the provider's task list: if you overlook a task, you pay twice. All other items are picked up. Clear this field afterwards.",
	},
);

const buyAgain = setByPeople<number[]>({
	property: itemNumbers.property,
	read: (value) => {
		const reading = itemNumbers.read(value);
		return 'value' in reading ? { value: reading.value.map(Number) } : reading;
	},
});

const ONLY_IN_TOOLS = { show: { '@tool': [true] } };

/** What to do with repeated calls: a model that repeats one has mostly lost track of what it has. */
const equalCalls = optional(
	choiceField(
		[
			{
				name: 'Buy Each Time',
				value: 'buy',
				description:
					'Every call buys a task, even if it repeats an earlier one. Say so in Tool Description.',
			},
			{
				name: 'Buy Once',
				value: 'once',
				description: 'Within one execution, equal calls are one task and all get its result',
			},
		] as const,
		{
			displayName: 'Equal Calls',
			name: 'equalCalls',
			default: 'once',
			noDataExpression: true,
			displayOptions: ONLY_IN_TOOLS,
			description: 'What to do with a call that has the same arguments as an earlier one',
		},
	),
);

const outputItems = whereItWaits(
	optional(
		choiceField(
			[
				{
					name: 'One Item per Output',
					value: 'output',
					description: 'One item for each image or video, ready for Upscale, Vary and Video',
				},
				{
					name: 'One Item per Task',
					value: 'task',
					description: 'One item with a list of all outputs',
				},
			] as const,
			{ displayName: 'Output Items', name: 'outputItems', default: 'output' },
		),
	),
);

const simplify = whereItWaits(
	setByPeople(
		switchField({
			displayName: 'Simplify',
			name: 'simplify',
			default: true,
			description: 'Whether to return a simplified version of the response instead of the raw data',
		}),
	),
);

/** Nobody sees a file in a tool call, so an agent's tool does not have this field. */
export const download = whereItWaits(
	optional(
		switchField({
			displayName: 'Download Files',
			name: 'download',
			default: true,
			displayOptions: NOT_IN_TOOLS,
			description:
				'Whether to download the images and videos, so that you can view and save them. Otherwise the items only have links, which expire.',
		}),
	),
);

/** `field`, but only if files are downloaded. */
const whereItDownloads = <T>(field: Field<T>) => whereItWaits(onlyFor(download, [true], field));

const binaryField = whereItDownloads(
	optional(
		textField(100, {
			displayName: 'Put Output File in Field',
			name: 'binaryField',
			default: DEFAULT_BINARY_FIELD,
			description: 'With One Item per Task, the index is appended: data_0, data_1 and so on',
			hint: 'The name of the output field to put the binary file data in',
		}),
	),
);

const downloadLimit = whereItDownloads(
	optional(
		integerField(
			{ min: 1, max: 10_000 },
			{
				displayName: 'Largest Download (MB)',
				name: 'downloadLimit',
				default: DEFAULT_DOWNLOAD_LIMIT_MB,
				description: 'Larger files are not stored',
			},
		),
	),
);

/** Under Wait Options, of every operation that waits: how, and how long. */
export const waitOptions = [firstCheck, internalUrl, longestPause, onTimeLimit, timeLimit];
/** Under Wait Options, of operations that submit. */
export const submitWaitOptions = [lostAnswerLimit];
/** Under Options, of operations that submit: the purchase and its callback. */
export const submitOptions = [buyAgain, dryRun, equalCalls, maxTasks, reference, triggerUrl];
/** Under Options, of every operation that outputs tasks. */
export const resultOptions = [binaryField, downloadLimit, outputItems, simplify];

/**
 * The value of an option that limits spending. An expression without a value must not switch it off.
 *
 * @throws NodeOperationError that names item and field, also if the option was added and is empty
 */
function guarded<T>(from: Parameters, field: Field<T | undefined>): T | undefined {
	const value = from.get(field);
	if (value === undefined && from.isAdded(field)) {
		throw from.reject(
			`'${field.property.displayName}' is empty: enter a value or remove the option`,
		);
	}
	return value;
}

/**
 * Whether to show this item as it would be sent, and not to buy it.
 *
 * @throws NodeOperationError that names item and field
 */
export const isDryRun = (from: Parameters): boolean => guarded(from, dryRun) ?? false;

/**
 * How to wait for the tasks of an item, and how to output them.
 *
 * @throws NodeOperationError that names item and field
 */
export function settingsFrom(from: Parameters): Settings {
	const first = from.get(firstCheck);
	const longest = from.get(longestPause);
	const lostAnswer = from.get(lostAnswerLimit);
	const chosenMode = [waitMode, laterWaitMode].find((field) => from.has(field));
	return {
		waitMode: chosenMode === undefined ? 'poll' : (from.get(chosenMode) ?? DEFAULT_WAIT_MODE),
		timeLimitMs: (from.get(timeLimit) ?? DEFAULT_TIME_LIMIT_MIN) * 60_000,
		onTimeLimit: from.get(onTimeLimit) ?? 'error',
		schedule: {
			...(first === undefined ? {} : { first: first * 1000 }),
			...(longest === undefined ? {} : { longest: longest * 1000 }),
		},
		internalUrl: from.get(internalUrl),
		lostAnswerMs: lostAnswer === undefined ? undefined : lostAnswer * 60_000,
		buyAgain: from.get(buyAgain),
		buysEachCall: from.get(equalCalls) === 'buy',
		maxTasks: guarded(from, maxTasks),
		reference: from.get(reference),
		triggerUrl: from.get(triggerUrl),
		outputItems: from.get(outputItems) ?? 'output',
		simplify: from.get(simplify) ?? true,
		download: from.get(download)
			? {
					field: from.get(binaryField) ?? DEFAULT_BINARY_FIELD,
					limit: (from.get(downloadLimit) ?? DEFAULT_DOWNLOAD_LIMIT_MB) * 1e6,
				}
			: undefined,
	};
}
