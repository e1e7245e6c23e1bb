import { createHash } from 'node:crypto';
import type { IBinaryData, IDataObject } from 'n8n-workflow';

import type { Answer, Emulator } from '../emulator';
import type { Result, Scenario } from './harness';
import type { Instance } from './instance';
import { QUICK, retryOf, useEngine } from './setup';

/** A PNG of 1456 × 816 px, as far as anybody looks. */
const PNG = Buffer.concat([
	Buffer.from('89504e470d0a1a0a0000000d49484452000005b000000330', 'hex'),
	Buffer.alloc(1000, 'teapot'),
]);
const MASK = Buffer.concat([PNG, Buffer.from('mask')]);
const PDF = Buffer.from('%PDF-1.7\n…');
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** As n8n has it that keeps binary data in memory. */
const inMemory = (bytes: Buffer, mimeType = 'image/png'): IBinaryData => ({
	data: bytes.toString('base64'),
	mimeType,
	fileName: 'teapot.png',
});

const edited = {
	resource: 'image',
	operation: 'generate',
	mode: 'imageToImage',
	prompt: 'a teapot',
	imageSource: 'binary',
	waitOptions: QUICK,
};

describe('A picture of the workflow', () => {
	const bench = useEngine({ fetchesImages: true });
	let instance: Instance;
	const stored = async (bytes: Buffer = PNG, mimeType = 'image/png', fileName = 'teapot.png') =>
		await bench.engine.store(bytes, mimeType, fileName);

	beforeEach(async () => {
		instance = await bench.instance();
		instance.filesAnswer = 200;
	});

	async function run(scenario: Partial<Scenario>): Promise<Result> {
		return await bench.run({
			parameters: edited,
			...scenario,
			n8nUrl: scenario.n8nUrl ?? instance.url,
		});
	}
	const uploadsTo = (emulator: Emulator) => ({ fileUploadUrl: emulator.url });

	describe('is served by n8n', () => {
		const VTRIX = { authentication: 'vtrix' };
		const CASES: Record<string, [IDataObject, (served: string) => unknown]> = {
			'as an image prompt': [{}, (served) => ({ fileUrls: [served] })],
			'as the style': [{ mode: 'styleReference' }, (served) => ({ fileUrls: [served] })],
			'as the first frame of a video': [
				{ resource: 'video', motion: 'low', quality: 'standard' },
				(served) => ({ fileUrls: [served] }),
			],
			'in the text of an image prompt': [VTRIX, (served) => ({ text: `${served} a teapot` })],
			'in the text, as an omni reference': [
				{ ...VTRIX, mode: 'omniReference' },
				(served) => ({ text: `a teapot --oref ${served}` }),
			],
			'in the text, besides the mode': [
				{
					...VTRIX,
					mode: 'textToImage',
					style: { omniReferenceField: 'data', styleReferenceFields: 'data', styleReferences: '7' },
				},
				(served) => ({ text: `a teapot --sref 7 ${served} --oref ${served}` }),
			],
			'to be retextured': [
				{ ...VTRIX, operation: 'retexture' },
				(served) => ({ imgUrl: served, remixPrompt: 'a teapot' }),
			],
			'to be painted on a canvas of its own size': [
				{
					...{ ...VTRIX, operation: 'uploadPaint', mask: 'binary' },
					...{ canvasMode: 'fit', canvasFit: 'margins', moreWidth: 50, moreHeight: 0 },
				},
				(served) => ({
					...{ imgUrl: served, mask: { url: served }, remixPrompt: 'a teapot' },
					canvas: { width: 2184, height: 816 },
					imgPos: { width: 1456, height: 816, x: 364, y: 0 },
				}),
			],
		};

		it.each(Object.entries(CASES))('%s', async (_, [parameters, wire]) => {
			const { status, items, error, log } = await run({
				parameters: { ...edited, ...parameters },
				files: [{ data: await stored(), mask: await stored(MASK) }],
			});
			expect(error?.message).toBeUndefined();
			expect(status).toBe('success');
			const { submits, images, uploads } = bench.emulator.ledger;
			expect(submits).toHaveLength(1);
			const address = new RegExp(`${instance.url}/rest/binary-data/signed\\?token=[\\w.-]+`, 'g');
			const shown: unknown = JSON.parse(
				JSON.stringify(submits[0]?.params).replace(address, 'SERVED'),
			);
			expect(shown).toMatchObject(wire('SERVED') as object);
			expect(images.map(({ status: answered }) => answered)).not.toContain(0);
			expect(images.map((image) => image.sha256)).toContain(sha256(PNG));
			expect(uploads).toEqual([]);
			expect(items[0]?.json).toMatchObject({ status: 'completed', imagesVia: 'n8n' });
			// Whoever has the address can fetch the picture.
			expect(JSON.stringify([items, log])).not.toContain('token=');
		});

		it.each([
			['={{ $json.field }}', [MASK, PNG]],
			['={{ Object.keys($binary)[0] }}', [PNG, PNG]],
		])('from the field that an expression names for each item: %s', async (name, expected) => {
			const file = { data: await stored(), mask: await stored(MASK) };
			const { items } = await run({
				parameters: { ...edited, prompt: '={{ $json.field }}', binaryPropertyName: name },
				items: [{ field: 'mask' }, { field: 'data' }],
				files: [file, file],
			});
			const { images, submits } = bench.emulator.ledger;
			expect(images.map((image) => image.sha256).sort()).toEqual(expected.map(sha256).sort());
			expect(submits).toHaveLength(2);
			expect(items.map(({ json, pairedItem }) => [json.prompt, pairedItem])).toEqual([
				['mask', { item: 0 }],
				['data', { item: 1 }],
			]);
		});

		it('that moves', async () => {
			const gif = Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(500, 'frame')]);
			const { items } = await run({
				files: [{ data: await stored(gif, 'image/gif', 'a.gif') }],
			});
			expect(items[0]?.json).toMatchObject({ status: 'completed', imagesVia: 'n8n' });
		});

		it('several of one item, in their order', async () => {
			await run({
				parameters: { ...edited, binaryPropertyName: 'mask, data' },
				files: [{ data: await stored(), mask: await stored(MASK) }],
			});
			const { images } = bench.emulator.ledger;
			expect(images.map((image) => image.sha256)).toEqual([sha256(MASK), sha256(PNG)]);
		});

		it("and its address is not in the provider's own answer, either", async () => {
			const { items } = await run({
				parameters: { ...edited, waitOptions: QUICK, options: { simplify: false } },
				files: [{ data: await stored() }],
			});
			const said = JSON.stringify(items[0]?.json.raw);
			expect(said).toContain('/rest/binary-data/signed');
			expect(said).not.toContain('token=');
		});

		it('also where nobody can tell from inside, and there is no other way', async () => {
			const { items } = await run({
				files: [{ data: await stored() }],
				n8nUrl: 'http://127.0.0.1:1',
				settings: { onError: 'continueRegularOutput' },
			});
			// The provider itself cannot fetch it here.
			expect(bench.emulator.ledger.refusals).toMatchObject([{ code: 422 }]);
			expect(items[0]?.json.errorMessage).toMatch(/refused the request \(422 .*cannot be fetched/);
		});
	});

	describe('is uploaded', () => {
		it('when n8n has it in memory', async () => {
			const { items } = await run({
				files: [{ data: inMemory(PNG) }],
				credentials: uploadsTo(bench.emulator),
			});
			const { uploads, images } = bench.emulator.ledger;
			expect(uploads).toMatchObject([{ mimeType: 'image/png', sha256: sha256(PNG) }]);
			expect(images).toMatchObject([{ status: 200, sha256: sha256(PNG) }]);
			expect(items[0]?.json).toMatchObject({ status: 'completed', imagesVia: 'upload' });
		});

		it('to a host that was entered with slashes at its end', async () => {
			const { items } = await run({
				files: [{ data: inMemory(PNG) }],
				credentials: { fileUploadUrl: ` ${bench.emulator.url}// ` },
			});
			expect(items[0]?.json).toMatchObject({ status: 'completed', imagesVia: 'upload' });
		});

		it('as it is read, when a proxy keeps the provider from the files of n8n', async () => {
			instance.filesAnswer = 403;
			const large = Buffer.concat([PNG, Buffer.alloc(5_000_000, 'pixel')]);
			const { items } = await run({
				files: [{ data: await stored(large, 'image/png', '../../a"b.png') }],
				credentials: uploadsTo(bench.emulator),
			});
			const { uploads, images } = bench.emulator.ledger;
			expect(uploads).toMatchObject([
				{ fileName: expect.stringMatching(/^\w+\.png$/), sha256: sha256(large) },
			]);
			expect(images).toMatchObject([{ status: 200, sha256: sha256(large) }]);
			expect(items[0]?.json).toMatchObject({ status: 'completed', imagesVia: 'upload' });
		});

		it('when the execution may be over before the provider fetches it', async () => {
			await run({
				parameters: { ...edited, waitMode: 'dontWait' },
				files: [{ data: await stored() }],
				credentials: uploadsTo(bench.emulator),
			});
			expect(bench.emulator.ledger.uploads).toHaveLength(1);
		});

		it('once, however many items have it', async () => {
			const data = inMemory(PNG);
			await run({
				files: [{ data }, { data }, { data: inMemory(MASK) }],
				credentials: uploadsTo(bench.emulator),
			});
			const { uploads, submits } = bench.emulator.ledger;
			expect(uploads.map((upload) => upload.sha256).sort()).toEqual(
				[sha256(PNG), sha256(MASK)].sort(),
			);
			expect(submits).toHaveLength(3);
		});

		it('again, when the host of the uploads has stumbled', async () => {
			let stumbles = 2;
			bench.emulator.intercept(async ({ path }) =>
				path.endsWith('-upload') && stumbles-- > 0 ? { status: 503, body: 'busy' } : undefined,
			);
			const { items } = await run({
				files: [{ data: inMemory(PNG) }],
				credentials: uploadsTo(bench.emulator),
			});
			expect(items[0]?.json).toMatchObject({ status: 'completed', imagesVia: 'upload' });
		});
	});

	describe('is uploaded only when nothing else refuses the run', () => {
		const REFUSED: Array<[string, Partial<Scenario>, RegExp]> = [
			[
				'Maximum Tasks per Run',
				{ parameters: { ...edited, options: { ...QUICK, maxTasks: 1 } } },
				/would buy 2 tasks/,
			],
			['Minimum Balance', { credentials: { minimumBalance: 1001 } }, /has 1000 credits left/],
			['another item', { files: [{ data: inMemory(PNG) }, {}] }, /has no binary field 'data'/],
			[
				'Dry Run',
				{ parameters: { ...edited, options: { dryRun: true, maxTasks: 1 } } },
				/would buy 2 tasks/,
			],
		];

		it.each(REFUSED)('%s', async (_, { credentials, ...scenario }, message) => {
			const { error, items } = await run({
				files: [{ data: inMemory(PNG) }, { data: inMemory(MASK) }],
				...scenario,
				credentials: { ...uploadsTo(bench.emulator), ...credentials },
			});
			expect(error?.message ?? items[0]?.json.errorMessage).toMatch(message);
			const { uploads, submits } = bench.emulator.ledger;
			expect([uploads, submits]).toEqual([[], []]);
		});
	});

	describe('in a dry run', () => {
		const dry = { parameters: { ...edited, options: { dryRun: true } } };

		it.each<[string, () => Promise<IBinaryData>, boolean]>([
			['n8n would serve it', async () => await stored(), false],
			['it would be uploaded', async () => inMemory(PNG), true],
		])('that could get to the provider is named in its place: %s', async (_, file, uploads) => {
			const { items } = await run({
				...dry,
				files: [{ data: await file() }],
				...(uploads && { credentials: uploadsTo(bench.emulator) }),
			});
			expect(items[0]?.json).toMatchObject({
				valid: true,
				request: { body: { fileUrls: ['binary:data'] } },
			});
			expect(bench.emulator.ledger.calls).toEqual([]);
		});

		it.each<[string, () => Promise<IBinaryData>, number]>([
			['in memory, without an upload', async () => inMemory(PNG), 200],
			['behind a proxy', async () => await stored(), 403],
		])('that could not get there is no valid item: %s', async (_, file, answer) => {
			instance.filesAnswer = answer;
			const { items, status } = await run({ ...dry, files: [{ data: await file() }] });
			expect(status).toBe('success');
			expect(items[0]?.json).toMatchObject({
				valid: false,
				errorMessage: expect.stringMatching(/cannot get to MidAPI/) as unknown,
			});
		});

		it('without a credential says that its way is not known', async () => {
			const { items } = await run({
				...dry,
				files: [{ data: inMemory(PNG) }],
				settings: { credentials: {} },
			});
			expect(items[0]?.json).toMatchObject({
				valid: true,
				notKnown: [expect.stringMatching(/^How the images of the item get to the provider/)],
			});
		});
	});

	describe('that cannot be used is named before anything is bought', () => {
		const file = async (bytes: Buffer, mimeType = 'image/png', fileName = 'a.png') => ({
			data: await stored(bytes, mimeType, fileName),
		});
		const CASES: Record<string, [() => Promise<Record<string, IBinaryData>>, RegExp]> = {
			'no file at all': [
				async () => ({}),
				/cannot be used \(“the item has no binary field 'data', and no other one”\)/,
			],
			'a field that is not there': [
				async () => ({ image2: await stored(), photo: await stored() }),
				/“the item has no binary field 'data', only 'image2', 'photo'”/,
			],
			'a PDF': [
				async () => await file(PDF, 'application/pdf', 'a.pdf'),
				/“the file in data is application\/pdf”/,
			],
			'a PDF that is called a picture': [
				async () => await file(PDF),
				/“the file in data is not image\/png, although it is labelled so”/,
			],
			'a picture of a kind that is not taken': [
				async () => await file(Buffer.from('\0\0\0\x18ftypheic\0\0\0\0'), 'image/heic', 'a.heic'),
				/“the file in data is image\/heic”/,
			],
			'a drawing, which is an image of another kind': [
				async () => await file(Buffer.from('<svg/>'), 'image/svg+xml', 'a.svg'),
				/“the file in data is image\/svg\+xml”/,
			],
			'a file without a type, as a Code node may make it': [
				async () => ({ data: { data: PDF.toString('base64') } as IBinaryData }),
				/“the file in data is of an unknown type”/,
			],
			'an empty file': [async () => await file(Buffer.alloc(0)), /“the file in data is empty”/],
			'60 MB': [
				async () => await file(Buffer.concat([PNG, Buffer.alloc(60_000_000)])),
				/“the file in data has 60(\.\d)? MB, the limit is 30 MB”/,
			],
			'a file that n8n has deleted': [
				async () => ({
					data: { ...(await stored()), id: 'filesystem-v2:workflows/w/executions/1/gone' },
				}),
				/“n8n does not have the file in data any more”/,
			],
			'a file in memory': [
				async () => ({ data: inMemory(PNG) }),
				/cannot get to MidAPI \(“this n8n keeps binary data in memory”\)/,
			],
		};

		it.each(Object.entries(CASES))('%s', async (_, [files, message]) => {
			const good = { data: await stored() };
			const { status, error } = await run({ files: [good, await files()] });
			expect(status).toBe('error');
			expect(error?.message).toMatch(message);
			expect(error?.message).toContain('[item 1]');
			const { submits, refusals } = bench.emulator.ledger;
			expect([submits, refusals]).toEqual([[], []]);
		});

		it.each([403, 404])('a proxy answers %i for it', async (answer) => {
			instance.filesAnswer = answer;
			const { error } = await run({ files: [{ data: await stored() }] });
			expect(error?.message).toContain(`answers ${answer} to a request for it”`);
			expect(bench.emulator.ledger.calls).toEqual([]);
		});

		it('an n8n that the provider cannot reach', async () => {
			const { error } = await run({
				files: [{ data: await stored() }],
				credentials: { baseUrl: 'https://api.example.com' },
			});
			expect(error?.message).toMatch(
				/cannot get to .*“this n8n is known as 127\.0\.0\.1:\d+, which/,
			);
			expect(error?.description).toContain('Nothing was bought for this item.');
		});

		it('an upload that is refused', async () => {
			const { error } = await run({
				files: [{ data: inMemory(PNG) }],
				credentials: { ...uploadsTo(bench.emulator), apiKey: 'wrong' },
			});
			expect(error?.message).toMatch(
				/“the upload failed: 127\.0\.0\.1:\d+ did not accept the API key \(401/,
			);
			expect(bench.emulator.ledger.submits).toEqual([]);
		});

		const UPLOADS: Array<[string, Answer, RegExp]> = [
			[
				'says no with HTTP 200',
				{ status: 200, body: { success: false, code: 400, msg: 'file is required', data: null } },
				/the upload failed: .*“file is required”/,
			],
			[
				'gives no address',
				{ status: 200, body: { success: true, code: 200, msg: 'ok', data: {} } },
				/the upload failed: .*“The answer contains no URL”/,
			],
			[
				'gives an address that nobody can fetch',
				{ status: 200, body: { code: 200, msg: 'ok', data: { downloadUrl: 'file:///a.png' } } },
				/“The answer contains no URL”/,
			],
			[
				'shows a page',
				{ status: 200, body: '<html>Sign in</html>' },
				/The answer did not come from 127/,
			],
			['leads elsewhere', { status: 307, headers: { location: '/else' } }, /redirects elsewhere/],
		];

		it.each(UPLOADS)('a host of uploads that %s', async (_, answer, message) => {
			bench.emulator.intercept(async ({ path }) => (path.endsWith('-upload') ? answer : undefined));
			const { error } = await run({
				files: [{ data: inMemory(PNG) }],
				credentials: uploadsTo(bench.emulator),
			});
			expect(error?.message).toMatch(message);
			expect(error?.description).toContain('Nothing was bought for this item.');
			expect(bench.emulator.ledger.submits).toEqual([]);
		});

		it('and the items that are whole go on with On Error = continue', async () => {
			const { items } = await run({
				files: [{ data: await stored() }, {}],
				settings: { onError: 'continueRegularOutput' },
			});
			expect(items.map(({ json }) => json.status)).toEqual(['completed', 'failed']);
			expect(bench.emulator.ledger.submits).toHaveLength(1);
		});
	});

	describe('is paid for once', () => {
		/** The key is refused so many times when a task is read. */
		const refuseReads = (times: number) => {
			let reads = 0;
			return bench.emulator.intercept(async ({ path }) =>
				path.endsWith('/record-info') && ++reads <= times
					? { status: 200, body: { code: 401, msg: 'Unauthorized', data: null } }
					: undefined,
			);
		};
		const WAYS: Array<[via: string, file: () => Promise<IBinaryData>]> = [
			['n8n', async () => await stored()],
			['upload', async () => inMemory(PNG)],
		];

		it.each(WAYS)('a retried execution finds what was bought: by %s', async (via, file) => {
			const scenario = {
				files: [{ data: await file() }],
				credentials: uploadsTo(bench.emulator),
			};
			const undo = refuseReads(Infinity);
			const first = await run(scenario);
			undo();
			expect(first.status).toBe('error');
			const second = await run({ ...scenario, retryOf: retryOf(first), executionId: '2' });
			const { submits, uploads, images } = bench.emulator.ledger;
			expect([submits.length, images.length]).toEqual([1, 1]);
			expect(uploads).toHaveLength(via === 'upload' ? 1 : 0);
			expect(second.items[0]?.json).toMatchObject({
				taskId: submits[0]?.taskId,
				status: 'completed',
				imagesVia: via,
			});
		});

		it.each(WAYS)('Retry On Fail finds what was bought: by %s', async (via, file) => {
			refuseReads(2);
			const { items } = await run({
				files: [{ data: await file() }],
				credentials: uploadsTo(bench.emulator),
				settings: { retryOnFail: true, maxTries: 5, waitBetweenTries: 1 },
			});
			expect(items[0]?.json).toMatchObject({ status: 'completed', imagesVia: via });
			const { submits, uploads } = bench.emulator.ledger;
			expect(submits).toHaveLength(1);
			expect(uploads).toHaveLength(via === 'upload' ? 1 : 0);
		});

		it('a submit that was refused for a passing reason is bought once', async () => {
			let refused = 0;
			bench.emulator.intercept(async ({ path }) =>
				path.endsWith('/generate') && refused++ < 2
					? { status: 200, body: { code: 429, msg: 'later', data: null } }
					: undefined,
			);
			const { items } = await run({ files: [{ data: await stored() }] });
			expect(items[0]?.json).toMatchObject({ status: 'completed', imagesVia: 'n8n' });
			expect(bench.emulator.ledger.submits).toHaveLength(1);
		});

		it('of a form, which n8n moves when it saves the execution, also in a retried one', async () => {
			const photo = await bench.engine.store(PNG, 'image/png', 'photo.png', 'temp');
			let moved = photo;
			const undo = bench.emulator.intercept(async ({ path }) => {
				if (!path.endsWith('/generate')) return undefined;
				moved = await bench.engine.moved(photo, '1');
				return undefined;
			});
			const undoRefusing = refuseReads(Infinity);
			const first = await run({ files: [{ data: photo }] });
			undo();
			undoRefusing();
			const { submits, images } = bench.emulator.ledger;
			expect(images).toMatchObject([{ status: 200, sha256: sha256(PNG) }]);
			const saved = JSON.parse(
				JSON.stringify(retryOf(first)).replaceAll(String(photo.id), String(moved.id)),
			);
			const second = await run({ files: [{ data: moved }], retryOf: saved, executionId: '2' });
			expect(second.items[0]?.json).toMatchObject({ status: 'completed', imagesVia: 'n8n' });
			expect(submits).toHaveLength(1);
		});

		it('a parked execution goes on with it', async () => {
			const scenario = bench.scenario({
				parameters: { ...edited, waitMode: 'auto' },
				files: [{ data: await stored() }],
			});
			const { status, items, data } = await instance.complete(scenario);
			expect(status).toBe('success');
			expect(items[0]?.json).toMatchObject({ status: 'completed', imagesVia: 'n8n' });
			expect(bench.emulator.ledger.submits).toHaveLength(1);
			expect(JSON.stringify(data.resultData)).not.toContain('signed?token');
		});

		it('another picture is another purchase', async () => {
			const first = await run({ files: [{ data: await stored() }] });
			await run({ files: [{ data: await stored(MASK) }], executionId: '2' });
			expect(first.status).toBe('success');
			expect(bench.emulator.ledger.submits).toHaveLength(2);
		});
	});
});
