import type { IDataObject } from 'n8n-workflow';
import type { ProviderName } from '../emulator';
import { DIALECTS } from './dialects';
import { useEngine } from './setup';

const generate = (fields: IDataObject) => ({
	resource: 'image',
	operation: 'generate',
	mode: 'textToImage',
	prompt: 'a cup',
	...fields,
});
const video = (fields: IDataObject) => ({
	resource: 'video',
	operation: 'generate',
	quality: 'standard',
	prompt: 'steam',
	motion: 'low',
	...fields,
});
const style = (fields: IDataObject) => generate({ style: fields });

/** An expression without a value. A field that is plainly empty is refused by n8n itself. */
const NOTHING = "={{ $json.missing ?? '' }}";

/** The parameters, and what the message must name: field and remedy. */
type Unfit = Record<string, [IDataObject, RegExp]>;

const UNFIT: Unfit = {
	'empty prompt': [generate({ prompt: NOTHING }), /'Prompt' is empty/],
	'blank prompt': [generate({ prompt: '  \n ' }), /'Prompt' is empty/],
	'no image where one is needed': [
		generate({ mode: 'imageToImage', imageUrls: NOTHING }),
		/'Image URLs' is empty/,
	],
	'a URL that is not one': [
		generate({ mode: 'imageToImage', imageUrls: 'teapot.png' }),
		/'Image URLs' contains “teapot.png”, which is not a URL/,
	],
	'one bad URL among good ones': [
		generate({ mode: 'imageToImage', imageUrls: 'https://a.example/1.png\nnope' }),
		/“nope”/,
	],
	'a local file': [
		generate({ mode: 'imageToImage', imageUrls: 'file:///tmp.png' }),
		/only read http and https/,
	],
	'stylization 1001': [
		style({ stylization: 1001 }),
		/'Stylization' must be a whole number from 0 to 1000/,
	],
	'weirdness -1': [style({ weirdness: -1 }), /'Weirdness'/],
	'weirdness as words': [style({ weirdness: 'very' }), /'Weirdness' .* not “very”/],
	'omni intensity 0': [
		generate({
			mode: 'omniReference',
			imageUrls: 'https://a.example/1.png',
			style: { omniIntensity: 0 },
		}),
		/'Omni Intensity' must be a whole number from 1 to 1000/,
	],
	'Custom version left empty': [generate({ version: 'custom' }), /'Custom Version' is empty/],
	'a version with a flag': [
		generate({ version: 'custom', customVersion: '7 --tile' }),
		/'Custom Version' must be a version such as 7, 6.1 or niji6, not “7 --tile”/,
	],
	'a version with a flag, from an expression': [
		generate({ version: "={{ '7 --tile' }}" }),
		/'Version' must be a version/,
	],
	'a flag glued to its value and Aspect Ratio set': [
		generate({ prompt: 'a cup --ar16:9', aspectRatio: '1:1' }),
		/'Prompt' contains --ar and 'Aspect Ratio' is set/,
	],
	'--ar in the prompt and Aspect Ratio set': [
		generate({ prompt: 'a cup --ar 16:9', aspectRatio: '1:1' }),
		/'Prompt' contains --ar and 'Aspect Ratio' is set/,
	],
	'--niji with a dash and Version set': [
		generate({ prompt: 'a cup —niji 6', version: '7' }),
		/'Prompt' contains —niji and 'Version' is set/,
	],
	'a version that never existed': [
		generate({ version: 'custom', customVersion: '6.2' }),
		/'Version' is 6\.2, and there has never been such a version: choose another one/,
	],
	'an omni reference with a version that has none': [
		generate({ mode: 'omniReference', imageUrls: 'https://a.example/1.png', version: '6.1' }),
		/'Mode' asks for --oref, which version 6\.1 does not support: choose version 7, or choose another mode/,
	],
	'a flag in the prompt that the version does not support': [
		generate({ prompt: 'a cup --stop 80', version: '7' }),
		/'Prompt' contains --stop, which version 7 does not support: choose version 5\.1, 5\.2 or 6, or take/,
	],
	'a flag in the prompt that the version in the prompt does not support': [
		generate({ prompt: 'a cup --cref https://a.example/1.png --v 7' }),
		/'Prompt' contains --cref, which version 7 does not support: choose version 6, 6\.1 or Niji 6, or/,
	],
	'index 4': [
		{ resource: 'image', operation: 'upscale', taskId: 't', index: 4 },
		/'Index' must be a whole number from 0 to 3, not “4”/,
	],
	'index 1.5': [{ resource: 'image', operation: 'vary', taskId: 't', index: 1.5 }, /'Index'/],
	'no task ids to wait for': [
		{ resource: 'task', operation: 'wait', taskIds: ' ' },
		/'Task IDs' is empty/,
	],
	'a binary field without a name': [
		generate({ download: true, options: { binaryField: ' ' } }),
		/'Put Output File in Field'/,
	],
	'a time limit of zero': [generate({ waitOptions: { timeLimit: 0 } }), /'Time Limit \(Minutes\)'/],
};

/** Input that fits other providers; that for Vtrix is in vtrix.test.ts. */
const OWN: Partial<Record<ProviderName, Unfit>> = {
	midApi: {
		'prompt of 2,001 characters': [
			generate({ prompt: 'x'.repeat(2001) }),
			/'Prompt' has 2001 characters, but at most 2000/,
		],
		'a flag in Watermark': [
			generate({ additionalFields: { watermark: 'shop --no text' } }),
			/'Watermark' contains --no: a flag belongs in its own field/,
		],
		'braces in the prompt of a video': [
			video({
				prompt: "={{ 'steam {rises, falls}' }}",
				imageUrl: 'https://a.example/1.png',
			}),
			/'Prompt' contains braces: .*, here 2,.* one item for each wording/,
		],
		'two images for a video': [
			video({ imageUrl: 'https://a.example/1.png, https://a.example/2.png' }),
			/'Image URL' contains “https:.*”, which is not a URL/,
		],
		'an unknown aspect ratio': [generate({ aspectRatio: '7:5' }), /'Aspect Ratio' must be one of/],
		'variety 7': [style({ variety: 7 }), /'Variety' must be .* in steps of 5/],
		'no task id': [
			{ resource: 'image', operation: 'upscale', taskId: NOTHING, index: 0 },
			/'Task ID' is empty: connect the node whose output has it, or enter a value/,
		],
		'manual extension without a prompt': [
			{
				resource: 'video',
				operation: 'extend',
				extendMode: 'manual',
				taskId: 't',
				index: 0,
				prompt: NOTHING,
			},
			/'Prompt' is empty/,
		],
		'a file URL that is not one': [
			{ resource: 'file', operation: 'getDownloadUrl', url: 'result.png' },
			/'File URL' contains/,
		],
	},
};

describe.each(DIALECTS)('$displayName', (dialect) => {
	const bench = useEngine({}, dialect);
	const { displayName, textToImage } = dialect;

	describe('Input that does not fit', () => {
		it.each(Object.entries({ ...UNFIT, ...OWN[dialect.name] }))(
			'%s: names item and field, and sends nothing',
			async (_, unfit) => {
				const [parameters, message] = unfit;
				const result = await bench.run({ parameters });
				expect(result.status).toBe('error');
				expect(result.error?.name).toBe('NodeOperationError');
				expect(result.error?.message).toMatch(message);
				expect(result.error?.message).toContain('[item 0]');
				expect(bench.emulator.ledger.calls).toEqual([]);
			},
		);

		it('stops everything before the first submit, even in the last of many items', async () => {
			const result = await bench.generate(
				{ prompt: '={{ $json.prompt }}' },
				{ items: [{ prompt: 'one' }, { prompt: 'two' }, { prompt: '' }] },
			);
			expect(result.error?.message).toContain("'Prompt' is empty [item 2]");
			expect(bench.emulator.ledger.calls).toEqual([]);
		});

		it('is named for each of several items', async () => {
			const result = await bench.generate(
				{ prompt: '={{ $json.prompt }}' },
				{ items: [{ prompt: '' }, { prompt: 'two' }, { prompt: '' }] },
			);
			expect(result.error?.message).toContain('[item 0]');
			expect(result.error?.description).toContain('[item 2]');
		});

		it('fails its own item alone if it is an expression that cannot be evaluated', async () => {
			const result = await bench.generate(
				{ prompt: '={{ $json.a.b.c }}' },
				{
					items: [{}, { a: { b: { c: 'a cup' } } }],
					settings: { onError: 'continueRegularOutput' },
				},
			);
			expect(result.items.map(({ json }) => json.status)).toEqual(['failed', 'completed']);
		});
	});

	describe('An image on an address of this network', () => {
		const items = [{ url: 'https://a.example/1.png' }, { url: 'http://192.168.1.5/x.png?key=1' }];
		const parameters = generate({ mode: 'imageToImage', imageUrls: '={{ $json.url }}' });

		it('is refused before anything is bought if the provider is elsewhere', async () => {
			const { error } = await bench.run({
				parameters,
				items,
				// Nothing is sent there. If it were, the test would fail at its time limit.
				credentials: { baseUrl: 'https://api.invalid' },
			});
			expect(error?.message).toMatch(
				/^'Image URLs' contains an address on 192\.168\.1\.5, .* \[item 1\]$/,
			);
			expect(error?.description).toMatch(/Nothing was submitted/);
		});

		it('is fetched by a provider in the same network', async () => {
			await bench.run({ parameters: { ...parameters, waitMode: 'dontWait' }, items });
			expect(bench.emulator.ledger.submits).toHaveLength(2);
		});
	});

	describe('A hidden field', () => {
		it('is not sent if it does not apply to the mode, although it is still stored', async () => {
			await bench.generate({
				mode: 'textToImage',
				imageUrls: 'not even a URL',
				style: dialect.inapplicable,
				additionalFields: dialect.inapplicable,
			});
			expect(bench.emulator.ledger.submits[0]?.params).toEqual(textToImage('a teapot'));
		});

		it('is not sent if it was emptied', async () => {
			await bench.generate({ version: '', aspectRatio: null, additionalFields: { watermark: '' } });
			expect(bench.emulator.ledger.submits[0]?.params).toEqual(textToImage('a teapot'));
		});
	});

	describe('An unknown task', () => {
		it.each(['get', 'wait'])(
			'Task → %s says which id the provider does not know',
			async (operation) => {
				const result = await bench.run({
					parameters: { resource: 'task', operation, taskId: 'gone-1', taskIds: 'gone-1' },
				});
				expect(result.error?.message).toMatch(
					new RegExp(`${displayName} does not know the task or address .*task gone-1 \\[item 0\\]`),
				);
				expect(result.error?.description).toMatch(/Check the task ID/);
			},
		);

		it("is refused as the source of an upscale with the provider's message", async () => {
			const [source, words] = dialect.unknownSource;
			const result = await bench.run({
				parameters: { resource: 'image', operation: 'upscale', index: 0, ...source },
			});
			expect(result.error?.message).toMatch(words);
			expect(bench.emulator.ledger.submits).toHaveLength(0);
		});
	});

	describe('The account', () => {
		it('with a wrong key is reported as such', async () => {
			const result = await bench.run({
				parameters: generate({}),
				credentials: { apiKey: 'wrong' },
			});
			expect(result.error?.message).toMatch(/did not accept the API key \((401|8004001004) “/);
			expect(result.error?.description).toContain(`Open the ${displayName} credential`);
		});

		it('without credits is reported as such', async () => {
			await bench.emulate(dialect.creditFor(0));
			const result = await bench.generate({});
			expect(result.error?.message).toMatch(/enough credits \(402/);
		});

		it('at a Base URL where nobody listens is reported as not reached', async () => {
			const result = await bench.run({
				parameters: generate({}),
				credentials: { baseUrl: 'http://127.0.0.1:9' },
			});
			expect(result.error?.message).toContain(`${displayName} cannot be reached`);
			expect(result.error?.description).toMatch(/Nothing was sent/);
		}, 20_000);

		it('at a Base URL that redirects does not get its key sent elsewhere', async () => {
			bench.emulator.intercept(async ({ method }) =>
				method === 'POST'
					? { status: 301, headers: { location: `${bench.emulator.url}/elsewhere` } }
					: undefined,
			);
			const result = await bench.generate({});
			expect(result.error?.message).toMatch(/redirects elsewhere/);
			expect(bench.emulator.ledger.calls).toHaveLength(1);
		});
	});
});
