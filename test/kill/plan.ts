/* eslint-disable @n8n/community-nodes/no-restricted-globals -- drives a real n8n, it is not a node */
import { CURRENT_N8N, LAST_N8N_1, OLDER_N8N } from '../n8n/install';
import type { Ending } from '../n8n/process';
import type { Part } from '../n8n/queue';
import type { StepName } from './steps';

/** What is done once n8n runs again: *Retry execution* where nothing goes on by itself, or nothing. */
export type Then = 'retry' | 'restart';

/** One execution under way when n8n is killed. */
export interface Cell {
	step: StepName;
	then: Then;
	/** On Error of the node. */
	onError: 'continueRegularOutput' | 'stopWorkflow';
}

/** One kill that ends the executions of all its cells at once, each held at its step. */
export interface Round {
	signal: Ending;
	/** Regular mode is one process: `all`. */
	part: Part;
	cells: Cell[];
}

/** An n8n and its kills, one after the other. */
export interface Stage {
	version: string;
	mode: 'regular' | 'queue';
	rounds: Round[];
}

const EVERY_STEP: readonly StepName[] = [
	'intent saved',
	'first submit on its way',
	'between submits',
	'refused for a while',
	'last answer arriving',
	'bought',
	'parked',
	'half of them ended',
	'ended while down',
	'downloading',
];

/** The steps at which money is at stake. */
const DEAREST: readonly StepName[] = [
	'between submits',
	'last answer arriving',
	'parked',
	'downloading',
];

const cellsOf = (
	steps: readonly StepName[],
	then: Then,
	onError: Cell['onError'] = 'continueRegularOutput',
): Cell[] => steps.map((step) => ({ step, then, onError }));

/**
 * The important part, for every day: all steps in the current n8n, the dearest ones by an orderly end, by the death of
 * the workers alone, and in the older versions. Nothing in it waits for a look of the node minutes away.
 */
const SHORT: Stage[] = [
	{
		version: CURRENT_N8N,
		mode: 'regular',
		rounds: [
			{
				signal: 'SIGKILL',
				part: 'all',
				cells: [
					...cellsOf(EVERY_STEP, 'retry'),
					...cellsOf(['between submits', 'last answer arriving', 'parked'], 'restart'),
					...cellsOf(['between submits'], 'retry', 'stopWorkflow'),
				],
			},
			{ signal: 'SIGTERM', part: 'all', cells: cellsOf(DEAREST, 'retry') },
		],
	},
	{
		version: CURRENT_N8N,
		mode: 'queue',
		rounds: [{ signal: 'SIGKILL', part: 'workers', cells: cellsOf(DEAREST, 'retry') }],
	},
	...[OLDER_N8N, LAST_N8N_1].map(
		(version): Stage => ({
			version,
			mode: 'regular',
			rounds: [
				{
					signal: 'SIGKILL',
					part: 'all',
					cells: cellsOf(['between submits', 'parked'], 'retry'),
				},
			],
		}),
	),
];

/** All steps but the one that needs a run of the node minutes later if nobody retries. */
const withoutLook = EVERY_STEP.filter((step) => step !== 'ended while down');

/** Everything in every version, mode and part; it takes more than an hour. */
const FULL: Stage[] = [CURRENT_N8N, OLDER_N8N, LAST_N8N_1].flatMap((version): Stage[] => {
	const cellsFor = (signal: Ending, part: Part): Cell[] => [
		...cellsOf(EVERY_STEP, 'retry'),
		...cellsOf(['between submits'], 'retry', 'stopWorkflow'),
		...cellsOf(['many, late'], 'retry'),
		...cellsOf(part === 'all' && signal === 'SIGKILL' ? EVERY_STEP : withoutLook, 'restart'),
	];
	const roundsFor = (parts: readonly Part[]): Round[] =>
		parts.flatMap((part) =>
			(['SIGKILL', 'SIGTERM'] as const).map((signal) => ({
				...{ signal, part, cells: cellsFor(signal, part) },
			})),
		);
	return [
		{ version, mode: 'regular', rounds: roundsFor(['all']) },
		{ version, mode: 'queue', rounds: roundsFor(['workers', 'all', 'main']) },
	];
});

/** Whether `MIDJOURNEY_KILL=full` is set. */
export const isFull = process.env.MIDJOURNEY_KILL === 'full';

/** What is to be run. */
export const PLAN: Stage[] = isFull ? FULL : SHORT;
