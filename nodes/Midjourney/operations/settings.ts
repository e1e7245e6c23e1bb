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
 * How the node waits and what comes out: the fields that all operations on tasks share (architecture.md: Wait modes,
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
			'Park the execution: it holds no worker, and goes on when the tasks have ended, whether the provider calls or not',
	},
	{
		name: 'Callback',
		value: 'callback',
		description:
			'Park the execution and read nothing until the provider calls; for an n8n that the provider can reach',
	},
	{
		name: "Don't Wait",
		value: 'dontWait',
		description: 'Return the task ID at once; Task → Wait brings the result later',
	},
	{
		name: 'Poll',
		value: 'poll',
		description: 'Look at the tasks from time to time until all are finished, holding the worker',
	},
];

const DEFAULT_WAIT_MODE: WaitMode = 'auto';

/** A tool polls, whatever it is set to. */
const waitModeField = (modes: typeof WAIT_MODES): Field<WaitMode | undefined> =>
	optional(
		choiceField(modes, {
			displayName: 'Wait Mode',
			name: 'waitMode',
			default: DEFAULT_WAIT_MODE,
			noDataExpression: true,
			displayOptions: NOT_IN_TOOLS,
			description: 'How the node waits for what it has submitted',
		}),
	);

export const waitMode = waitModeField(WAIT_MODES);

/** For tasks that were submitted before: they call back where they were told to then. */
export const laterWaitMode = waitModeField(
	WAIT_MODES.filter(({ value }) => value === 'auto' || value === 'poll'),
);

/** `field`, but not where nothing is waited for. */
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
					description: 'The item fails, the message names the task that is still open',
				},
				{
					name: 'Return Pending',
					value: 'returnPending',
					description: 'The item comes out with status pending and its task ID',
				},
			] as const,
			{
				displayName: 'On Time Limit',
				name: 'onTimeLimit',
				default: 'error',
				description: 'What becomes of a task that is still open then',
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
				description: 'From the submit to the first look',
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
				description: 'The pauses between checks grow with the time waited, up to this',
			},
		),
	),
);

/** `field`, but only where the execution may be parked. */
const whereItParks = <T>(field: Field<T>) => onlyFor(waitMode, ['auto', 'callback'], field);

/** @param use what happens there; a sentence */
export const internalUrlField = (use: string): Field<string | undefined> =>
	optional(
		urlField({
			displayName: 'Internal Base URL',
			name: 'internalUrl',
			default: '',
			placeholder: 'e.g. http://127.0.0.1:5678',
			description: `Where this n8n can be reached from inside, if not under the address in WEBHOOK_URL. ${use}`,
		}),
	);

const internalUrl = whereItParks(
	internalUrlField(
		'The node wakes its own execution there; without such an address it looks once a minute or so.',
	),
);

const reference = optional(
	textField(200, {
		displayName: 'Reference',
		name: 'reference',
		default: '',
		placeholder: 'e.g. order 1234',
		description: 'Any text: travels with the callback and comes back in the item',
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
				"Let callbacks arrive at a Midjourney Trigger with the same credential: it starts its workflow, and hands them on to this execution if that waits. For the Wait Mode Don't Wait, and for an n8n that is reachable under /webhook/ only.",
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
					'A submit whose answer was lost may have been paid: for so long its callback is waited for, which tells the task; then the item fails. Only where callbacks can arrive.',
			},
		),
	),
);

const itemNumbers = listField(
	{
		separator: /[\s,]+/,
		check: (entry) =>
			/^\d+$/.test(entry) ? undefined : `holds “${entry}”, which is no item number`,
	},
	{
		displayName: 'Buy Again What May Be Paid',
		name: 'buyAgain',
		default: '',
		placeholder: 'e.g. 3, 17',
		description:
			'When this execution is retried: the items, by the number in their message, whose submit you have not found in the task list of the provider. They are bought again, and paid twice if you have overlooked them. All others are picked up. Empty it afterwards.',
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
					description: 'An item for each image or video, as Upscale, Vary and Video take it',
				},
				{ name: 'One Item per Task', value: 'task', description: 'All outputs in one list' },
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

/** In tool calls no one sees a file, so an agent's tool does not have it. */
export const download = whereItWaits(
	optional(
		switchField({
			displayName: 'Download Files',
			name: 'download',
			default: true,
			displayOptions: NOT_IN_TOOLS,
			description:
				'Whether to fetch the images and videos, so that they are shown and can be saved. Without it items hold links, which expire.',
		}),
	),
);

/** `field`, but only where files are fetched. */
const whereItDownloads = <T>(field: Field<T>) => whereItWaits(onlyFor(download, [true], field));

const binaryField = whereItDownloads(
	optional(
		textField(100, {
			displayName: 'Put Output File in Field',
			name: 'binaryField',
			default: DEFAULT_BINARY_FIELD,
			description: 'With One Item per Task the index stands behind it: data_0, data_1 and so on',
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
				description: 'A larger file is not stored',
			},
		),
	),
);

/** In the collection Options, alphabetically. */
export const waitOptions = [firstCheck, internalUrl, longestPause, onTimeLimit, timeLimit];
/** Only where something is submitted: a task that was submitted before calls back where it was told to then. */
export const callbackOptions = [buyAgain, lostAnswerLimit, reference, triggerUrl];
export const resultOptions = [binaryField, downloadLimit, outputItems, simplify];

/** @throws NodeOperationError that names item and field */
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
