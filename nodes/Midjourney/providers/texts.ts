import type { TaskRequest } from './provider';

/** One text of a request. */
export interface RequestText {
	/** The setting, then the keys within it. */
	path: readonly string[];
	text: string;
}

/** All texts of a request, including those in lists and objects, so that a new setting is never missed. */
export const textsIn = (request: TaskRequest): RequestText[] =>
	walk([], request).filter(({ path }) => path[0] !== 'kind');

function walk(path: readonly string[], value: unknown): RequestText[] {
	if (typeof value === 'string') return [{ path, text: value }];
	if (Array.isArray(value)) return value.flatMap((one: unknown) => walk(path, one));
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
		walk([...path, key], inner),
	);
}

/** Vtrix's names for the texts that Midjourney reads, among the parameters of any model. */
const PROMPTS_ON_THE_WIRE = /^(prompt|text|remixPrompt)$/;

/** Whether Midjourney reads a text as a prompt. */
export const isPrompt = ({ path: [setting, ...keys] }: RequestText): boolean =>
	setting === 'prompt' ||
	(setting === 'parameters' && PROMPTS_ON_THE_WIRE.test(keys[keys.length - 1] ?? ''));

/** Whether a text is a parameter of a model that the user enters in the form of the wire. */
export const isParameter = ({ path: [setting] }: RequestText): boolean => setting === 'parameters';

/** The number of characters as people count them: an emoji is one, although it takes two places in a string. */
export const charactersIn = (text: string): number => [...text].length;

/** The web addresses in a text: the whole of it, or among the words of a prompt. */
export const urlsIn = (text: string): string[] =>
	(text.match(/https?:\/\/[^\s,]+/gi) ?? []).filter((url) => URL.canParse(url));
