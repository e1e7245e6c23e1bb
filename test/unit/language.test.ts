/* eslint-disable @n8n/community-nodes/no-restricted-imports -- evaluates what n8n evaluates, it is not a node */
import { runInNewContext } from 'node:vm';
import type { INodeProperties, NodeHint } from 'n8n-workflow';

import { NEW_VERSION, versionHints } from '../../nodes/Midjourney/operations/hints';
import { requestProblem } from '../../nodes/Midjourney/operations/requestCheck';
import {
	flagIn,
	known,
	KNOWN_VERSIONS,
	promptText,
	versionName,
	versionOf,
	WORDS,
} from '../../nodes/Midjourney/providers/language';
import type { GenerateImage, TaskRequest } from '../../nodes/Midjourney/providers/provider';

const image = { kind: 'generateImage', mode: 'textToImage', prompt: 'a cup' } as const;
const ONE = 'https://a.example/1.png';

const problemOf = (request: Partial<GenerateImage>) =>
	requestProblem({ ...image, ...request }, (path) => path.join('.'), false);

/** The words that some version refuses, or may refuse. */
const JUDGED = WORDS.flatMap(
	({ flags: [flag], setting, takes = [], refuses = [], unclear = [] }) =>
		flag !== undefined && takes.length + refuses.length + unclear.length > 0
			? [{ flag, setting, takes, refuses, unclear }]
			: [],
);

describe('The table of the language', () => {
	it.each(JUDGED)('contradicts itself nowhere: --$flag', ({ takes, refuses, unclear }) => {
		const all = [...takes, ...refuses, ...unclear];
		expect(new Set(all).size).toBe(all.length);
		expect(all.filter((version) => !KNOWN_VERSIONS.includes(version))).toEqual([]);
		// Who is told to choose another version must have one to choose.
		expect(takes).not.toEqual([]);
	});

	it('has each flag once', () => {
		const all = WORDS.flatMap(({ flags }) => flags);
		expect(all).toHaveLength(new Set(all).size);
	});
});

describe('A version', () => {
	it.each([
		['7', 'known'],
		['7.0', 'known'],
		['8.2', 'known'],
		['niji7', 'known'],
		['8.3', 'newer'],
		['9', 'newer'],
		['10', 'newer'],
		['niji8', 'newer'],
		['niji', 'newer'],
		['6.2', 'never'],
		['0', 'never'],
		['niji3', 'never'],
		['niji6.1', 'never'],
	])('%s is %s', (version, end) => {
		expect(known(version)).toBe(end);
	});

	it.each([
		['niji7', 'Niji 7'],
		['6.1', '6.1'],
	])('%s is written %s', (version, name) => {
		expect(versionName(version)).toBe(name);
	});

	it('6.0 is 6', () => {
		expect(versionOf('6.0')).toBe('6');
	});

	it('that there never was is refused by its field', () => {
		expect(problemOf({ version: '6.2' })).toMatch(
			/^'version' is 6\.2, and there has never been such a version/,
		);
	});
});

/** What a request sets, by the setting. */
const SET: Partial<Record<string, Partial<GenerateImage>>> = {
	hd: { hd: true },
	experimental: { experimental: 10 },
	draft: { draft: true },
	omniReference: { omniReference: 'https://a.example/1.png' },
	omniIntensity: { omniIntensity: 100 },
	styleReferences: { styleReferences: ['123'] },
	styleWeight: { styleWeight: 100 },
	styleVersion: { styleVersion: 4 },
};

const refusals = JUDGED.flatMap((word) =>
	word.refuses.map((version) => [word.flag, version, word] as const),
);

describe.each(refusals)('--%s with version %s', (flag, version, { takes }) => {
	const name = versionName(version);

	it('is refused in the prompt, with what to choose', () => {
		const found = problemOf({ version, prompt: `a cup --${flag} 1` });
		expect(found).toContain(`'prompt' contains --${flag}, which version ${name} does not support`);
		for (const other of takes) expect(found).toContain(versionName(other));
	});

	it('is refused where the prompt itself says the version', () => {
		const say = version.startsWith('niji') ? `--niji ${version.slice(4)}` : `--v ${version}`;
		expect(problemOf({ prompt: `a cup ${say} --${flag} 1` })).toMatch(/does not support/);
	});
});

const refusedFields = refusals.flatMap(([flag, version, { setting = '' }]) => {
	const { [setting]: set } = SET;
	return set ? [[setting, version, flag, set] as const] : [];
});

it.each(refusedFields)('The field %s is refused with version %s', (setting, version, flag, set) => {
	expect(problemOf({ version, ...set })).toContain(
		`'${setting}' asks for --${flag}, which version ${versionName(version)} does not support`,
	);
});

const passing = JUDGED.flatMap(({ flag, takes, unclear }) =>
	[...takes, ...unclear, 'niji8', '9'].map((version) => [flag, version] as const),
);

describe('What no page rules out', () => {
	it.each(passing)('passes: --%s with version %s', (flag, version) => {
		expect(problemOf({ version, prompt: `a cup --${flag} 1` })).toBeUndefined();
	});

	it.each(refusals)('passes without a version: --%s', (flag) => {
		expect(problemOf({ prompt: `a cup --${flag} 1` })).toBeUndefined();
	});

	it('passes where a switch is off', () => {
		expect(problemOf({ version: '6.1', draft: false })).toBeUndefined();
	});

	it.each(['a cup in hd', 'a cup, draft', 'a cup --exploded', 'a cup --stopwatch'])(
		'passes as mere words: %s',
		(prompt) => {
			expect(problemOf({ version: '6.1', prompt })).toBeUndefined();
		},
	);
});

describe('A mode', () => {
	it('that stands for a flag is checked as one', () => {
		expect(problemOf({ version: '6.1', mode: 'omniReference' })).toMatch(
			/^'mode' asks for --oref, which version 6\.1 does not support: choose version 7, or choose another mode/,
		);
	});
});

describe('A request of another kind', () => {
	it('is checked by its prompt', () => {
		const remix: TaskRequest = {
			kind: 'remixImage',
			taskId: 't',
			index: 0,
			strength: 'subtle',
			prompt: 'a cup --v 6.1 --hd',
		};
		expect(requestProblem(remix, (path) => path.join('.'), false)).toMatch(/contains --hd/);
	});
});

/** Whether a hint is shown with these parameters; n8n evaluates the expression so. */
function isShown({ displayCondition = '' }: NodeHint, parameters: object): boolean {
	const expression = displayCondition.replace(/^=\{\{|\}\}$/g, '');
	return Boolean(runInNewContext(expression, { $parameter: parameters }));
}

describe('A hint in the panel', () => {
	const draft: Pick<INodeProperties, 'name' | 'displayName'> = {
		name: 'draft',
		displayName: 'Draft',
	};
	const hints = versionHints([draft], (name) => `$parameter["additionalFields"]?.["${name}"]`);
	const shown = (parameters: object) =>
		[...hints, NEW_VERSION].filter((hint) => isShown(hint, parameters)).map(({ type }) => type);

	it.each([
		[
			'a version that refuses it',
			{ version: '6.1', additionalFields: { draft: true } },
			['warning'],
		],
		[
			'the same, entered',
			{ version: 'custom', customVersion: 'v6.1', additionalFields: { draft: true } },
			['warning'],
		],
		[
			'pages that contradict each other',
			{ version: '8.2', additionalFields: { draft: true } },
			['info'],
		],
		['a version that takes it', { version: '7', additionalFields: { draft: true } }, []],
		['a switch that is off', { version: '6.1', additionalFields: { draft: false } }, []],
		['no such field', { version: '6.1', additionalFields: {} }, []],
		['no version', { version: '', additionalFields: { draft: true } }, []],
		['an unknown version', { version: 'custom', customVersion: '9' }, ['info']],
		['a known one, entered', { version: 'custom', customVersion: 'Niji 7' }, []],
		['another operation', {}, []],
	])('with %s', (_, parameters, types) => {
		expect(shown(parameters)).toEqual(types);
	});
});

/** What each setting becomes, and in which order, is in the table of test/wire. */
describe('A request as one text', () => {
	/** What is set besides the prompt, and the text. */
	const CASES: Array<[string, Partial<GenerateImage>, string]> = [
		['niji with a space', { version: 'Niji 5' }, 'a cup --niji 5'],
		['niji without a number', { version: 'niji' }, 'a cup --niji'],
		['seed', { seed: 0 }, 'a cup --seed 0'],
		['no style', { styleReferences: [] }, 'a cup'],
		['style version', { styleVersion: 4 }, 'a cup --sv 4'],
		['personalization', { personalization: ['4gz7xkq', 'm7abc'] }, 'a cup --p 4gz7xkq m7abc'],
		['experimental', { experimental: 0 }, 'a cup --exp 0'],
		['hd', { hd: true }, 'a cup --hd'],
		['nothing that is not to be seen', { exclude: ' ' }, 'a cup'],
		['a prompt with flags of its own', { prompt: 'a cup --stop 80' }, 'a cup --stop 80'],
		[
			'style of images and of codes',
			{ mode: 'styleReference', imageUrls: [ONE], styleReferences: ['123'] },
			`a cup --sref ${ONE} 123`,
		],
		['what another provider has a field for', { watermark: 'w', translatePrompt: true }, 'a cup'],
	];

	it.each(CASES)('%s', (_, set, text) => {
		expect(promptText({ ...image, ...set })).toBe(text);
	});
});

describe('A flag in a text', () => {
	it.each([
		['text --ar 1:1', '--ar'],
		['text --ar1:1', '--ar'],
		['--no hands', '--no'],
		['7 --tile', '--tile'],
		['text —stylize 5', '—stylize'],
		['text –q 2', '–q'],
		['text\n--ar 1:1', '--ar'],
		['text,--ar 1:1', '--ar'],
		['(text)--ar 1:1', '--ar'],
		['text\u00a0--ar 1:1', '--ar'],
		['text ---ar 1:1', '---ar'],
		['text --unheard of', '--unheard'],
	])('is found in %j', (text, found) => {
		expect(flagIn(text)).toBe(found);
	});

	it.each([
		'text, hands',
		'black-and-white',
		'tea — and cups',
		'1920–1930',
		'a--b',
		'text - hands',
		'text --',
		'https://a.example/a--b.png',
	])('is not found in %j', (text) => {
		expect(flagIn(text)).toBeUndefined();
	});
});
