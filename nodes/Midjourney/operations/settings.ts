import { LOST_ANSWER_MS } from '../tasks/lost';
import type { Settings, WaitMode } from '../tasks/settings';
import {
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

/** A tool always polls, so it does not have this field. */
const waitModeField = (modes: typeof WAIT_MODES): Field<WaitMode | undefined> =>
	optional(
		choiceField(modes, {
			displayName: 'Wait Mode',
			name: 'waitMode',
			default: DEFAULT_WAIT_MODE,
			noDataExpression: true,
			displayOptions: NOT_IN_TOOLS,
			description: 'How the node waits for the tasks to end',
		}),
	);

/** How to wait for tasks that the node submits. */
export const waitMode = waitModeField(WAIT_MODES);

/** How to wait for tasks that were submitted earlier, whose callback address was fixed then. */
export const laterWaitMode = waitModeField(
	WAIT_MODES.filter(({ value }) => value === 'auto' || value === 'poll'),
);

/** `field`, but only if the node waits. */
const whereItWaits = <T>(field: Field<T>) => exceptFor(waitMode, ['dontWait'], field);

const timeLimit = whereItWaits(
	optional(
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
	optional(
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
	optional(
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
		'The node calls it to wake its own execution. If n8n cannot reach itself, the node checks about once a minute.',
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
	optional(
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

const buyAgain = optional<number[]>({
	property: itemNumbers.property,
	read: (value) => {
		const reading = itemNumbers.read(value);
		return 'value' in reading ? { value: reading.value.map(Number) } : reading;
	},
});

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
	optional(
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

/** Options of every operation that waits. */
export const waitOptions = [firstCheck, internalUrl, longestPause, onTimeLimit, timeLimit];
/** Options of operations that submit; the callback address of a task is fixed at the submit. */
export const callbackOptions = [buyAgain, lostAnswerLimit, reference, triggerUrl];
/** Options of every operation that outputs tasks. */
export const resultOptions = [binaryField, downloadLimit, outputItems, simplify];

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
