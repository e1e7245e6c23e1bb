import { Copy } from './recipes';

/** What a maintainer forgets or mistakes does not compile, and the compiler names the place. */

interface Mistake {
	what: string;
	/** Below nodes/Midjourney. */
	file: string;
	before: string;
	after: string;
	/** The files that the compiler must name, below nodes/Midjourney or test; the first says why. */
	named: string[];
	saying: RegExp;
}

const MISTAKES: Mistake[] = [
	{
		what: 'a setting of an image that no table knows',
		file: 'providers/provider.ts',
		before: '\tstyleWeight?: number;\n',
		after: '\tstyleWeight?: number;\n\tstop?: number;\n',
		named: ['providers/language.ts', 'providers/midApi.ts', 'operations/image/generate.ts'],
		saying: /'stop' is missing/,
	},
	{
		what: 'a setting of an upscale that no provider places',
		file: 'providers/provider.ts',
		before: "\tupscaler?: 'standard'",
		after: "\tdetail?: number;\n\tupscaler?: 'standard'",
		named: ['providers/midApi.ts', 'providers/vtrix.ts', 'operations/image/upscale.ts'],
		saying: /'detail' is missing/,
	},
	{
		what: 'a kind of task that no provider has heard of',
		file: 'providers/provider.ts',
		before: '\textendVideo: ExtendVideo;\n',
		after: "\textendVideo: ExtendVideo;\n\tblendImages: { kind: 'blendImages' };\n",
		named: ['providers/midApi.ts', 'providers/vtrix.ts'],
		saying: /'blendImages' is missing/,
	},
	{
		what: 'a kind of task that a provider offers and no row of its table tries',
		file: 'providers/midApi.ts',
		before: '\tremixImage: NOT_OFFERED,\n',
		after:
			"\tremixImage: ({ prompt }) => ({ method: 'POST', path: '/remix', body: { prompt } }),\n",
		named: ['test/wire/midApi.ts'],
		saying: /'remixImage' is missing/,
	},
	{
		what: 'a mode without its word on the wire',
		file: 'providers/provider.ts',
		before: "export type ImageMode = 'textToImage'",
		after: "export type ImageMode = 'blend' | 'textToImage'",
		named: ['providers/midApi.ts', 'providers/language.ts'],
		saying: /'blend' is missing/,
	},
	{
		what: 'a setting that may hold an image of the workflow, and nobody says whether it does',
		file: 'providers/provider.ts',
		before: "export interface RetextureImage {\n\tkind: 'retextureImage';\n",
		after: "export interface RetextureImage {\n\tkind: 'retextureImage';\n\tdepthUrl?: string;\n",
		named: ['providers/images.ts', 'providers/vtrix.ts', 'operations/image/retexture.ts'],
		saying: /'depthUrl' is missing/,
	},
	{
		what: 'a reason for a failure without its wording',
		file: 'providers/http.ts',
		before: "\t| 'redirected';",
		after: "\t| 'redirected'\n\t| 'moderated';",
		named: ['providers/errors.ts'],
		saying: /'moderated' is missing/,
	},
	{
		what: 'a form that may be the reason for a refusal, without advice',
		file: 'providers/http.ts',
		before: "| 'balancePath';",
		after: "| 'balancePath' | 'uploadPath';",
		named: ['providers/errors.ts'],
		saying: /'uploadPath' is missing/,
	},
	{
		what: 'a form of a request that nothing is written in',
		file: 'providers/midApi.ts',
		before: "const BALANCE_FORMS = ['common', 'chat']",
		after: "const BALANCE_FORMS = ['common', 'chat', 'wallet']",
		named: ['providers/midApi.ts'],
		saying: /'wallet'/,
	},
	{
		what: 'a version in the panel that nobody has checked',
		file: 'operations/fields.ts',
		before: "vtrix: versionAmong('8.2',",
		after: "vtrix: versionAmong('9', '8.2',",
		named: ['operations/fields.ts'],
		saying: /"9"/,
	},
	{
		what: 'a provider without its place in the list',
		file: 'providers/provider.ts',
		before: "'midApi' | 'vtrix';",
		after: "'midApi' | 'vtrix' | 'third';",
		named: ['providers/index.ts'],
		saying: /'third' is missing/,
	},
	{
		what: 'a condition with a value that its field does not have',
		file: 'operations/image/canvas.ts',
		before: "onlyFor(canvasMode, ['fit'], field)",
		after: "onlyFor(canvasMode, ['fitt'], field)",
		named: ['operations/image/canvas.ts'],
		saying: /"fitt"/,
	},
	{
		what: 'a field for a provider that does not exist',
		file: 'operations/image/vary.ts',
		before: "onlyWith(['vtrix'], optionalPrompt)",
		after: "onlyWith(['vtrixx'], optionalPrompt)",
		named: ['operations/image/vary.ts'],
		saying: /"vtrixx"/,
	},
	{
		what: 'a fifth thing that an operation does',
		file: 'operations/operation.ts',
		before: "\t\t\tdoes: 'wait' | 'get';\n",
		after: "\t\t\tdoes: 'wait' | 'get' | 'cancel';\n",
		named: ['operations/operation.ts', 'operations/execute.ts', 'operations/properties.ts'],
		saying: /return|cancel/,
	},
	{
		what: 'a setting that an operation reads under another name',
		file: 'operations/image/generate.ts',
		before: '\t\t\tseed: from.get(seed),\n',
		after: '\t\t\tseeds: from.get(seed),\n',
		named: ['operations/image/generate.ts'],
		saying: /'seeds' does not exist/,
	},
	{
		what: 'a resource without a name',
		file: 'operations/image/remix.ts',
		before: "resource: 'image'",
		after: "resource: 'picture'",
		named: ['operations/image/remix.ts'],
		saying: /"picture"/,
	},
	{
		what: 'a way for a wait to go on that the loop does not know',
		file: 'tasks/wait/state.ts',
		before: "\t| { do: 'end' };",
		after: "\t| { do: 'end' }\n\t| { do: 'sing' };",
		named: ['tasks/wait/lifecycle.ts'],
		saying: /never/,
	},
];

describe('The compiler', () => {
	let copy: Copy;

	beforeEach(() => (copy = new Copy()));
	afterEach(() => copy.remove());

	it.each(MISTAKES)(
		'names the place: $what',
		({ file, before, after, named, saying }) => {
			copy.replace(`nodes/Midjourney/${file}`, before, after);
			const complaints = copy.compile();
			for (const place of named) {
				expect(complaints).toContainEqual(expect.stringMatching(`^${place}: `));
			}
			expect(complaints.join('\n')).toMatch(saying);
		},
		60_000,
	);
});
